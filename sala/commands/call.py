"""`sala call`: calls in progress: hold them, and hand them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala import moments
from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from sala.handing import Verb

app = typer.Typer(
    name="call",
    help="Calls in progress: hold, consult, transfer.",
    no_args_is_help=True,
)

Call = Annotated[
    str, typer.Argument(metavar="INTERACTION", help="The interaction, or how its id ends.")
]
To = Annotated[str, typer.Argument(metavar="TO", help="An agent, a queue, or a number.")]


@app.command("list")
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """List calls in progress: where each is, and with whom."""
    import asyncio

    from sala.view import calls_table

    rows = asyncio.run(_calls(context))
    if as_json:
        print_json(rows)
    else:
        console().print(calls_table(rows))


@app.command("hold")
def hold(context: typer.Context, call: Call) -> None:
    """Put a caller on hold, with music."""
    _do(context, call, "hold", "", "The caller is on hold.")


@app.command("resume")
def resume(context: typer.Context, call: Call) -> None:
    """Take a caller back from hold."""
    _do(context, call, "resume", "", "The caller is taken back.")


@app.command("transfer")
def transfer(
    context: typer.Context,
    call: Call,
    to: To,
    keep_place: Annotated[
        bool,
        typer.Option("--keep-place", help="In a queue: as one who waits since they first came."),
    ] = False,
) -> None:
    """Send a caller on; the agent is free. Nobody takes it: the agent is rung, then the queue."""
    _do(context, call, "transfer", to, f"The caller is sent on to {to}.", keep_place=keep_place)


@app.command("consult")
def consult(context: typer.Context, call: Call, to: To) -> None:
    """Hold a caller and ring somebody for the agent to speak with."""
    _do(context, call, "consult", to, f"The caller is on hold; {to} is rung.")


@app.command("complete")
def complete(context: typer.Context, call: Call) -> None:
    """Give a caller to who is consulted."""
    _do(context, call, "complete", "", "The caller is handed over.")


@app.command("cancel")
def cancel(context: typer.Context, call: Call) -> None:
    """Let who is consulted go, and take the caller back."""
    _do(context, call, "cancel", "", "Who was consulted is let go.")


@app.command("conference")
def conference(context: typer.Context, call: Call) -> None:
    """Bring a caller into the consult: all three talk."""
    _do(context, call, "conference", "", "All three talk.")


@app.command("callback")
def callback(
    context: typer.Context,
    call: Call,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help=f"Such as {moments.FORMS}.")
    ] = None,
    number: Annotated[
        str | None, typer.Option("--number", help="Another than the one they call from.")
    ] = None,
) -> None:
    """Promise a caller that the agent who talks with them will call back."""
    import asyncio

    wish: dict[str, Any] = {} if number is None else {"number": number}
    if at is not None:
        wish["due_ms"] = moments.parse(at)
    made = asyncio.run(_call_back(context, call, wish))
    console().print(f"{made['answer']} {made['callback']}", markup=False)


def _do(
    context: typer.Context, call: str, verb: str, to: str, done: str, *, keep_place: bool = False
) -> None:
    import asyncio

    from sala.handing import Verb

    asyncio.run(_order(context, call, Verb(verb), to, keep_place))
    console().print(done)


async def _call_back(context: typer.Context, call: str, wish: dict[str, Any]) -> dict[str, Any]:
    from sala.control import ControlClient

    interaction = await _named(context, call)
    async with ControlClient(of(context).settings().paths.control_socket) as client:
        return await client.add_callback({**wish, "interaction": interaction})


async def _order(context: typer.Context, call: str, verb: Verb, to: str, keep_place: bool) -> None:
    from sala.control import ControlClient

    interaction = await _named(context, call)
    async with ControlClient(of(context).settings().paths.control_socket) as client:
        await client.call(interaction, verb, to, keep_place=keep_place)


async def _named(context: typer.Context, call: str) -> str:
    known = [str(row["interaction"]) for row in await _calls(context)]
    found = [one for one in known if one.endswith(call)]
    if len(found) != 1:
        why = "several calls end so" if found else "there is no such call"
        raise UserError(f"{call}: {why}; sala call list shows all")
    return found[0]


async def _calls(context: typer.Context) -> list[dict[str, Any]]:
    from sala.control import ControlClient

    async with ControlClient(of(context).settings().paths.control_socket) as client:
        rows: list[dict[str, Any]] = (await client.status()).get("calls", [])
        return rows
