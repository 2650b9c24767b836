"""The command line: `sala …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sala.commands import (
    agent,
    apply,
    calendar,
    call,
    callback,
    config,
    customer,
    dialplan,
    doctor,
    ewt,
    explain,
    flow,
    number,
    prompts,
    queue,
    recordings,
    reload,
    replay,
    run,
    simulate,
    skill,
    status,
    voicemail,
)
from sala.invocation import Commands, Invocation

app = typer.Typer(
    name="sala",
    cls=Commands,
    help="The voice server of a contact centre.",
    epilog="Settings: sala.toml and SALA_* variables; `sala config show` lists them all.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"sala {version('sala')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE",
            help="Settings file (else SALA_CONFIG, else sala.toml here).",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell what is done, and where faults lie.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    context.obj = Invocation(config_file, verbose)
    if verbose:
        from sala import logs

        logs.to_terminal("debug")


app.command("up")(run.up)
app.command("setup")(run.setup)
app.command("serve")(run.serve)
app.command("demo")(run.demo)
app.command("doctor")(doctor.doctor)
app.command("status")(status.status)
app.command("reload")(reload.reload)
app.command("apply")(apply.apply)
app.command("export")(apply.export)
app.command("replay")(replay.replay)
app.command("explain")(explain.explain)
app.command("simulate")(simulate.simulate)
app.add_typer(config.app)
app.add_typer(ewt.app)
app.add_typer(agent.app)
app.add_typer(call.app)
app.add_typer(queue.app)
app.add_typer(skill.app)
app.add_typer(calendar.app)
app.add_typer(callback.app)
app.add_typer(customer.app)
app.add_typer(number.app)
app.add_typer(flow.app)
app.add_typer(prompts.app)
app.add_typer(voicemail.app)
app.add_typer(recordings.app)
app.add_typer(dialplan.app)


def main() -> None:
    """Run the command line; the entry point of the installed `sala`."""
    app()
