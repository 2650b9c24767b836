"""Errors of the command line and of what it supervises.

SalaError                   exit status 1
├── UserError               exit status 2: something the person at the keyboard can put right
│   ├── SettingsError       `sala.toml` or a `SALA_*` variable is wrong; one line for each fault
│   ├── SecretsError        `secrets.toml` is damaged, or others may read it
│   ├── PortTaken           a port that is needed belongs to another process
│   └── AlreadyRunning      another `sala up` owns the state folder
├── ServiceUnreachable      no service answers on the control socket
├── ServiceRefused          the service answered, and said no
└── StartFailed             a part did not come up in time
"""

from __future__ import annotations

from collections.abc import Sequence


class SalaError(Exception):
    """Anything told to the person at the keyboard as one message, without a traceback."""

    exit_status = 1


class UserError(SalaError):
    """The person at the keyboard can put this right; the message says how."""

    exit_status = 2


class SettingsError(UserError):
    """Settings are wrong. `faults` holds one message each, in the order found."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class SecretsError(UserError):
    """The secrets file is damaged, or can be read by others."""


class PortTaken(UserError):  # noqa: N818 - a state of the machine, told as such
    """A port that is needed belongs to another process."""


class AlreadyRunning(UserError):  # noqa: N818 - a state of the machine, told as such
    """Another `sala up` owns the state folder."""


class ServiceUnreachable(SalaError):  # noqa: N818 - a state of the service, told as such
    """No service answers on the control socket."""


class ServiceRefused(SalaError):  # noqa: N818 - an answer, told as such
    """The service answered with an error; the message is its own."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status
        self.exit_status = 2 if status < 500 else 1


class StartFailed(SalaError):  # noqa: N818 - the outcome, told as such
    """A part did not come up in time, or ended at once."""
