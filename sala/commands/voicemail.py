"""`sala voicemail`: mailboxes, and the messages in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from crm.database import Database
    from crm.voicemail import Message
    from sala.settings import Settings

app = typer.Typer(
    name="voicemail", help="Look after mailboxes and their messages.", no_args_is_help=True
)

Id = Annotated[str, typer.Argument(metavar="MESSAGE", help="A message's id, or its beginning.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_T = TypeVar("_T")


@app.command("list")
def list_(
    context: typer.Context,
    mailbox: Annotated[str | None, typer.Argument(help="One mailbox (else all).")] = None,
    as_json: AsJson = False,
) -> None:
    """List messages, newest first."""
    from dataclasses import asdict

    from crm import voicemail

    settings = of(context).settings()

    async def read(database: Database) -> list[Message]:
        known = [box.name for box in await voicemail.mailboxes(database)]
        if mailbox is not None and mailbox not in known:
            raise UserError(f"there is no mailbox {mailbox}; there is {', '.join(known)}")
        return await voicemail.messages(database, mailbox)

    found = _with(settings, read)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        console().print(_line(one), markup=False)
    if not found:
        console().print("no messages")


@app.command("show")
def show(context: typer.Context, message: Id, as_json: AsJson = False) -> None:
    """Show a message: who left it, when, and where its recording lies."""
    from dataclasses import asdict

    settings = of(context).settings()
    found = _with(settings, _finder(message))
    path = settings.paths.recordings / found.recording
    if as_json:
        print_json({**asdict(found), "path": str(path)})
        return
    console().print(_line(found), markup=False)
    console().print(f"  interaction {found.interaction}", markup=False)
    console().print(f"  {path}", markup=False)
    console().print(f"  sha256 {found.sha256}", markup=False)


@app.command("export")
def export(
    context: typer.Context,
    message: Id,
    file: Annotated[Path, typer.Argument(help="The WAV file to write.")],
) -> None:
    """Copy a message's recording into a file."""
    import hashlib

    settings = of(context).settings()
    found = _with(settings, _finder(message))
    source = settings.paths.recordings / found.recording
    try:
        content = source.read_bytes()
    except OSError as error:
        raise UserError(f"{source} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != found.sha256:
        raise UserError(f"{source} is not what was recorded (its sha256 differs)")
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None
    console().print(f"{found.length_ms / 1000:.1f} s are written to {file}", markup=False)


@app.command("delete")
def delete(context: typer.Context, message: Id) -> None:
    """Remove a message and its recording."""
    from crm import voicemail

    settings = of(context).settings()

    async def remove(database: Database) -> Message:
        found = await voicemail.find(database, message)
        (settings.paths.recordings / found.recording).unlink(missing_ok=True)
        await voicemail.delete(database, found.id)
        return found

    found = _with(settings, remove)
    console().print(f"message {found.id} is removed from {found.mailbox}", markup=False)


@app.command("boxes")
def boxes(context: typer.Context, as_json: AsJson = False) -> None:
    """List mailboxes."""
    from dataclasses import asdict

    from crm import voicemail

    found = _with(of(context).settings(), voicemail.mailboxes)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        console().print(f"{one.name:<20} {one.messages:>4} messages  {one.title}", markup=False)


@app.command("add")
def add(
    context: typer.Context,
    mailbox: Annotated[str, typer.Argument(help="Its name, as flows use it.")],
    title: Annotated[str, typer.Option("--title", help="What it is for.")] = "",
) -> None:
    """Make a mailbox, or change its title."""
    from crm import voicemail

    _with(of(context).settings(), lambda base: voicemail.put_mailbox(base, mailbox, title))
    console().print(f"mailbox {mailbox} is there", markup=False)


@app.command("remove")
def remove(
    context: typer.Context, mailbox: Annotated[str, typer.Argument(help="Its name.")]
) -> None:
    """Remove a mailbox that no message was ever left in."""
    from crm import voicemail

    _with(of(context).settings(), lambda base: voicemail.remove_mailbox(base, mailbox))
    console().print(f"mailbox {mailbox} is gone", markup=False)


def _finder(message: str) -> Callable[[Database], Awaitable[Message]]:
    from crm import voicemail

    return lambda database: voicemail.find(database, message)


def _with(settings: Settings, work: Callable[[Database], Awaitable[_T]]) -> _T:
    from sala.database import opened

    async def run() -> _T:
        async with opened(settings) as database:
            return await work(database)

    return asyncio.run(run())


def _line(one: Message) -> str:
    at = datetime.fromtimestamp(one.left_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    caller = one.caller or "withheld"
    return f"{one.id}  {one.mailbox:<12} {at}  {one.length_ms / 1000:6.1f} s  {caller}"
