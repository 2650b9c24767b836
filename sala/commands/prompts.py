"""`sala prompts`: render what callers hear, find what is missing, have it spoken by a talent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from ivr.flow.load import Flow
    from ivr.flow.parts import Text
    from ivr.takes import Line
    from sala.settings import Settings

app = typer.Typer(
    name="prompts", help="Render prompts, and exchange them with a voice.", no_args_is_help=True
)

Language = Annotated[
    str | None, typer.Option("--language", "-l", help="This language alone (else all).")
]


@app.command("render")
def render(context: typer.Context) -> None:
    """Render prompts and flows' texts that are not rendered yet."""
    import asyncio

    from sala import flows

    settings = of(context).settings()
    count = 0

    def progress(done: int, total: int) -> None:
        nonlocal count
        count = total

    for warning in asyncio.run(flows.prepare(settings, progress=progress)):
        console().print(str(warning), markup=False)
    console().print(f"{count} rendered" if count else "everything was rendered already")


@app.command("missing")
def missing(
    context: typer.Context,
    language: Language = None,
    recordings: Annotated[
        bool, typer.Option("--recordings", help="Those that are spoken by the engine too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what cannot be heard in a language that is in use. Exit status 1 if there is any."""
    settings = of(context).settings()
    found = [(one, name) for one, name in _missing(settings) if language in (None, one)]
    if recordings:
        found += [
            (line.language, f"{line.id} (spoken by the engine: {line.words})")
            for line in _lines(settings, language)
            if not line.recorded
        ]
    if as_json:
        print_json([{"language": one, "prompt": name} for one, name in found])
    else:
        for one, name in found:
            console().print(f"{one}: {name}", markup=False)
        if not found:
            console().print("nothing is missing")
    if found:
        raise typer.Exit(1)


@app.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    language: Language = None,
) -> None:
    """Write a recording script for a voice talent: what to speak, and how to name the takes."""
    from ivr.takes import write_script

    lines = _lines(of(context).settings(), language)
    try:
        file.write_text(write_script(lines), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None
    console().print(f"{len(lines)} lines are written to {file}", markup=False)


@app.command("import")
def import_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Takes: <language>/<id>.wav, .mp3, .ogg …")],
) -> None:
    """Take a voice talent's takes in. Exit status 2 if any could not be; the others are."""
    from ivr.takes import take_in

    settings = of(context).settings()
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    taken, faults = take_in(folder, Path(settings.media), _lines(settings, None))
    console().print(f"{len(taken)} takes are taken in; sala reload lets callers hear them")
    if faults:
        raise UserError("\n".join(faults))


def _lines(settings: Settings, language: str | None) -> list[Line]:
    """Return all that can be spoken, prompts first."""
    from ivr.library import spoken
    from ivr.takes import Line, text_id
    from sala.flows import desk

    here = desk(settings)
    assert here.catalogue is not None
    sources = here.catalogue.sources
    lines = [
        Line(one, name, source.text, source.recording is not None)
        for (one, name), source in sorted(sources.items())
        if source.text or not name.startswith("say-")
    ]
    texts = dict.fromkeys(one for flow in here.flows.values() for one in spoken(flow))
    lines += [
        Line(one, text_id(one, text), text, (one, text_id(one, text)) in sources)
        for one, text in texts
    ]
    return [line for line in lines if language in (None, line.language)]


def _missing(settings: Settings) -> list[tuple[str, str]]:
    """Return (language, prompt) of prompts that flows need and that are not there."""
    from ivr.flow.checks.speech import heard
    from ivr.flow.parts import Recorded, Text
    from sala.flows import desk

    here = desk(settings)
    assert here.catalogue is not None
    found: dict[tuple[str, str], None] = {}
    for flow in here.flows.values():
        for path, item in heard(flow):
            place = f"{flow.alias}: a text at {'.'.join(map(str, path[1:]))}"
            for one in flow.document.served:
                if isinstance(item, Recorded) and item.prompt not in here.catalogue.ids(one):
                    found[one, item.prompt] = None
                elif isinstance(item, Text) and not (item.voice or _there(item, one, flow)):
                    found[one, place] = None
    return list(found)


def _there(item: Text, language: str, flow: Flow) -> bool:
    return language in dict(item.all(flow.language))
