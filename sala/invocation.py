"""What every command shares: where its settings come from, how it speaks, how it fails.

Nothing heavy is imported here, so that `sala --help` answers at once.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup

from sala.errors import SalaError

if TYPE_CHECKING:
    from rich.console import Console

    from sala.settings import Settings
    from sala.sources import Loaded

INTERNAL = 70
"""Exit status of a fault of ours (EX_SOFTWARE of sysexits.h)."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


@dataclass(slots=True)
class Invocation:
    """One run of `sala`: the options that stand before the command."""

    config: Path | None = None
    verbose: bool = False

    def loaded(self) -> Loaded:
        """Read the settings, and where each came from. Raises `SettingsError`."""
        from sala.sources import load

        return load(self.config)

    def settings(self) -> Settings:
        """Read the settings. Raises `SettingsError`."""
        return self.loaded().settings


def of(context: typer.Context) -> Invocation:
    """Return the invocation a command belongs to."""
    invocation = context.find_object(Invocation)
    assert invocation is not None
    return invocation


def console(*, stderr: bool = False) -> Console:
    """Make a console that writes plain text into pipes."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def print_json(content: object) -> None:
    """Print one JSON document, as scripts read it."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(content, default=str, option=option).decode() + "\n")


def fail(message: str, status: int) -> NoReturn:
    """Print a message to stderr, line by line, and end the command."""
    for line in message.splitlines() or ["failed"]:
        sys.stderr.write(f"sala: {line}\n")
    raise typer.Exit(status)


def _status_of(error: Exception) -> int | None:
    """Return the exit status of an error we know, None for a fault of ours."""
    if isinstance(error, SalaError):
        return error.exit_status
    from crm.errors import CrmError, DataRefused, NotFound
    from ivr.errors import FlowInvalid, IvrError
    from pbx.errors import PbxError

    if isinstance(error, FlowInvalid | NotFound | DataRefused):
        return 2
    if isinstance(error, PbxError | CrmError | IvrError):
        return 1
    return None


class Commands(TyperGroup):
    """The group of all commands: turns errors into one message and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see `_status_of` for what becomes of its errors."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            sys.stderr.close()
            raise typer.Exit(0) from None
        except Exception as error:
            if not type(error).__module__.startswith("typer."):
                self._tell(ctx, error)
            raise

    def _tell(self, ctx: Any, error: Exception) -> NoReturn:
        invocation = ctx.obj if isinstance(ctx.obj, Invocation) else Invocation()
        status = _status_of(error)
        if invocation.verbose:
            traceback.print_exception(error)
        if status is not None:
            fail(str(error), status)
        hint = "" if invocation.verbose else "; sala -v … tells where"
        fail(f"a fault in Sala itself: {type(error).__name__}: {error}{hint}", INTERNAL)
