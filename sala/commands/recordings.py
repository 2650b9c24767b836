"""`sala recordings`: what callers spoke, as it lies on disk."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from sala.settings import Settings

app = typer.Typer(
    name="recordings", help="List and clear what callers have spoken.", no_args_is_help=True
)
_NAME = re.compile(r"(?P<interaction>[0-9a-f-]{36})-[0-9]+-[0-9]+\.wav")
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Recording:
    """A file in the folder of recordings. `mailbox` is empty for one that is no message."""

    file: str
    interaction: str
    made_s: int
    bytes: int
    mailbox: str


@app.command("list")
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List recordings, newest first; those that are messages with their mailbox."""
    found = _found(of(context).settings())
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        at = datetime.fromtimestamp(one.made_s, UTC).strftime("%Y-%m-%d %H:%M")
        console().print(f"{one.file}  {at}  {one.bytes:>9} B  {one.mailbox}", markup=False)
    if not found:
        console().print("no recordings")


@app.command("prune")
def prune(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", min=0, help="Older than so many days.")] = 30,
) -> None:
    """Remove old recordings that are no messages: takes spoken again, calls cut short."""
    settings = of(context).settings()
    before = time.time() - days * DAY_S
    old = [one for one in _found(settings) if not one.mailbox and one.made_s < before]
    for one in old:
        (Path(settings.paths.recordings) / one.file).unlink(missing_ok=True)
    console().print(f"{len(old)} recordings are removed")


def _found(settings: Settings) -> list[Recording]:
    from crm import voicemail
    from sala.database import opened

    async def boxes() -> dict[str, str]:
        async with opened(settings) as database:
            return {one.recording: one.mailbox for one in await voicemail.messages(database)}

    mailboxes = asyncio.run(boxes())
    found = []
    for path in settings.paths.recordings.glob("*.wav"):
        named = _NAME.fullmatch(path.name)
        if named is not None:
            status = path.stat()
            box = mailboxes.get(path.name, "")
            made = int(status.st_mtime)
            found.append(Recording(path.name, named["interaction"], made, status.st_size, box))
    return sorted(found, key=lambda one: (-one.made_s, one.file))
