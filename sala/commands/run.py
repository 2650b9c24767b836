"""`sala up`, `setup`, `serve` and `demo`: the commands that run things."""

from __future__ import annotations

from typing import Annotated

import typer

from sala.invocation import console, of


def up(
    context: typer.Context,
    no_secrets: Annotated[
        bool, typer.Option("--no-secrets", help="Do not show the SIP accounts' secrets.")
    ] = False,
) -> None:
    """Start everything and stay in the foreground; Ctrl-C stops it all."""
    from sala.up import run

    invocation = of(context)
    run(
        invocation.loaded(),
        console(),
        show_secrets=not no_secrets,
        verbose=invocation.verbose,
    )


def setup(
    context: typer.Context,
    newer: Annotated[
        bool, typer.Option("--refresh", help="Look for newer packages of the bundled PBX first.")
    ] = False,
) -> None:
    """Fetch the PBX, make state folder and secrets, render prompts."""
    import time

    from pbx.appliance import refresh
    from sala.progress import Steps
    from sala.setup import set_up

    begun = time.monotonic()
    settings = of(context).settings()
    out = console()
    if newer:
        with Steps(out).step("looking for newer packages of the PBX") as tell:
            refresh(tell)
    done = set_up(settings, Steps(out))
    for warning in done.warnings:
        out.print(str(warning), style="yellow", markup=False)
    out.print(
        f"set up in {time.monotonic() - begun:.1f} s: Asterisk {done.pbx.version_text} "
        f"({done.pbx.origin}), state in {settings.state}",
        markup=False,
    )


def serve(
    context: typer.Context,
    supervised: Annotated[
        bool, typer.Option("--supervised", hidden=True, help="End when the parent process does.")
    ] = False,
) -> None:
    """Run the service alone, against a PBX and a database that already run."""
    from sala.serve import run

    run(of(context).settings(), supervised=supervised)


def demo(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play a whole call on a throwaway floor, tell it, and verify it."""
    from lab.demo import main

    of(context)
    raise typer.Exit(main(as_json=as_json))
