"""Errors of the IVR.

IvrError
├── FlowInvalid       flow or prompt files have faults; `problems` lists every one with its place
├── FlowUnknown       no flow has this alias or version
├── PromptMissing     a prompt has neither a text nor a recording in the language asked for
├── LookupFailed      data could not be had: no answer, a wrong one, a host that is not allowed
├── QueueRefused      the floor cannot take a call into this queue
└── SpeechError       text could not be turned into audio
    └── SpeechTimeout the engine did not finish in time
"""

from __future__ import annotations

from collections.abc import Sequence

from ivr.flow.problems import Problem


class IvrError(Exception):
    """Anything that goes wrong with flows, prompts or speech."""


class FlowInvalid(IvrError):  # noqa: N818 - reads as what it says of the file
    """Files have faults; nothing was changed. `problems` are in the order of the files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class FlowUnknown(IvrError):  # noqa: N818
    """No flow has this alias or version."""


class PromptMissing(IvrError):  # noqa: N818
    """A prompt has neither a text nor a recording in the language asked for."""


class LookupFailed(IvrError):  # noqa: N818
    """Data could not be had. The message holds no data of the caller's."""


class QueueRefused(IvrError):  # noqa: N818
    """The floor cannot take a call into this queue: there is none, or its policy says no.

    `reason` is what the policy says, such as `closed` or `full`.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class SpeechError(IvrError):
    """Text could not be turned into audio."""


class SpeechTimeout(SpeechError):  # noqa: N818
    """The engine did not finish in time; it was ended and starts anew with the next prompt."""
