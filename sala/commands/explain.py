"""`sala explain`: what became of one interaction, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sala import moments
from sala.errors import UserError
from sala.invocation import of, print_json

if TYPE_CHECKING:
    from acd.explain import Story
    from sala.settings import Settings

LATE_MS = 5_000
"""The router is told of the end this much after the record, at most."""


def explain(
    context: typer.Context,
    interaction: Annotated[
        str, typer.Argument(metavar="INTERACTION", help="Its id, or the beginning of it.")
    ],
    why_not: Annotated[
        list[str] | None,
        typer.Option("--why-not", metavar="AGENT", help="Tell why it was not this agent."),
    ] = None,
    why_before: Annotated[
        list[str] | None,
        typer.Option(
            "--why-before", metavar="INTERACTION", help="Tell why this one went before it."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what became of an interaction and why, by replaying the journal.

    When it came, its place and every change of it, each offer with the step in force, who was
    eligible, and why the one chosen came first.
    """
    import asyncio

    from acd.explain import as_json as data, as_text

    story = asyncio.run(
        _tell(of(context).settings(), interaction, tuple(why_not or ()), why_before or [])
    )
    if as_json:
        print_json(data(story))
    else:
        typer.echo(as_text(story, moments.clock), nl=False)


async def _tell(
    settings: Settings, interaction: str, agents: tuple[str, ...], others: list[str]
) -> Story:
    from acd.explain import Asked, Story
    from acd.explain.handed import told
    from acd.explain.story import Teller
    from acd.replay import ReplayError
    from acd.replay.checkpoints import begin
    from crm import interactions, journal
    from sala.database import opened

    async with opened(settings) as database:
        found, came, ended = await interactions.span(database, interaction)
        names = tuple([(await interactions.span(database, one))[0] for one in others])
        story = Story(Asked(found, agents, names))
        last = 2**53 if ended is None else ended + LATE_MS
        try:
            for run in await journal.runs(database, came, last):
                teller = Teller(run, story.asked, story, moments.clock)
                teller.replayer = await begin(database, run, came, teller.make)
                async for entry in journal.read(database, run, first=teller.replayer.next):
                    if entry.at_ms > last:
                        break
                    teller.feed(entry)
            story.weave(told((await interactions.get(database, found)).segments))
        except ReplayError as error:
            raise UserError(str(error)) from error
    return story
