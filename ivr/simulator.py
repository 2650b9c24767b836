"""A flow in the terminal: type digits, see what a caller hears, where they are, what is known.

Lines: digits (`1`, `4711#`), an empty line for silence, `talk`, `speak 5`, `hang up`; besides,
`vars` shows variables and `path` the nodes so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ivr.flow.actions import Collect, EnterQueue, RecordVoice
from ivr.flow.stage import STEP, Stage

HELP = "digits, an empty line (silence), talk, speak SECONDS, hang up, vars, path"
SHORT = {"": "silence", "h": "hang up", "hangup": "hang up"}


def simulate(
    stage: Stage, lines: Iterable[str], write: Callable[[str], None], *, echo: bool = False
) -> None:
    """Play a call: a line in for each step, what comes of it out. Ends with the call or the lines.

    With `echo`, lines are written too, as a script needs it. Secret digits are written as dots.
    """
    shown = _Shown(stage, write)
    stage.begin()
    shown.news()
    for line in lines:
        if stage.asks is None:
            break
        step = line.strip().lower()
        step = SHORT.get(step, step)
        if step.startswith("#") and len(step) > 1 and not STEP.fullmatch(step):
            continue  # a comment of a script
        if echo:
            write(f"> {_masked(stage, step)}")
        if step == "vars":
            write("  " + (", ".join(f"{k}={v}" for k, v in stage.variables()) or "no variables"))
        elif step == "path":
            write("  " + " → ".join(stage.run.path))
        elif STEP.fullmatch(step):
            stage.step(step)
            shown.news()
        else:
            write(f"  ? {HELP}")
    write(summary(stage))


def summary(stage: Stage) -> str:
    """Return how the call ended, in a line."""
    run = stage.run
    ends = {
        "queued": f"the caller waits in queue {run.queue}",
        "asked": f"the caller is asked at {run.at}",
        "caller gone": "the caller has hung up",
        "hung up": "the flow has hung up",
        "transferred": "the caller is sent on",
        "failed": "the flow is broken, and has hung up",
    }
    more = [f"{name}: {value}" for name, value in _facts(stage)]
    return "; ".join([f"= {ends[run.ends]}", *more])


def _facts(stage: Stage) -> Iterator[tuple[str, object]]:
    run = stage.run
    for name in ("tags", "events", "answers", "kept_language", "voicemail", "callback", "transfer"):
        if value := getattr(run, name):
            yield name.replace("_", " "), value
    if run.cut:
        yield "cut", "the flow goes on without end"
    if run.unanswered:
        yield "no answer given for", run.unanswered


def _masked(stage: Stage, step: str) -> str:
    action = stage.asks
    secret = isinstance(action, Collect) and action.secret
    return "•" * len(step) if secret and step[0] in "0123456789*#" else step


class _Shown:
    """Writes what is new since the last time."""

    def __init__(self, stage: Stage, write: Callable[[str], None]) -> None:
        self._stage = stage
        self._write = write
        self._heard = self._path = 0

    def news(self) -> None:
        run = self._stage.run
        for node in run.path[self._path :]:
            self._write(f"  [{node}]")
        for words in run.heard[self._heard :]:
            self._write(f"♪ {words}")
        self._path, self._heard = len(run.path), len(run.heard)
        match self._stage.asks:
            case Collect(max_digits=1):
                self._write("  a key?")
            case Collect(max_digits=most, secret=secret):
                self._write(f"  up to {most} digits{', secret' if secret else ''}?")
            case RecordVoice():
                self._write("  speaks: speak SECONDS?")
            case EnterQueue(queue=queue):
                self._write(f"  waits in queue {queue}: talk, a key, hang up?")
