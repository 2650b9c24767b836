"""`sala flow`: check, try and test flows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala.commands import publish
from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from ivr.flow.load import Flow
    from sala.flows import Desk
    from sala.settings import Settings

app = typer.Typer(name="flow", help="Check, try, test and publish flows.", no_args_is_help=True)

Files = Annotated[
    list[str] | None, typer.Argument(metavar="[FLOW]...", help="Names or files; none: all.")
]
One = Annotated[str, typer.Argument(metavar="FLOW", help="A flow's name, or its file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app.command("publish")(publish.publish)
app.command("rollback")(publish.rollback)
app.command("list")(publish.list_)
app.command("show")(publish.show)
app.command("diff")(publish.diff)
app.command("replay")(publish.replay)


@app.command("check")
def check(context: typer.Context, flows: Files = None, as_json: AsJson = False) -> None:
    """Look for faults: of schema, ways, keys, prompts, types, and against the floor.

    Exit status 2 if there is an error; warnings alone are well.
    """
    from dataclasses import asdict

    from ivr.errors import FlowInvalid
    from ivr.flow.problems import Problem, Severity

    settings = of(context).settings()
    known = publish.known(settings)
    problems: list[Problem] = []
    names: list[str] = []
    for desk, path in _desks(settings, flows):
        try:
            flow = desk.flow(path)
        except FlowInvalid as error:
            problems += error.problems
            continue
        names.append(flow.alias)
        problems += desk.check(flow, known)
        try:
            desk.suite(flow)
        except FlowInvalid as error:
            problems += error.problems
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if as_json:
        print_json([asdict(problem) for problem in problems])
    else:
        for problem in problems:
            console().print(str(problem), markup=False)
        if not problems:
            console().print(f"{', '.join(names)}: no faults", markup=False)
    if errors:
        raise typer.Exit(2)


@app.command("run")
def run(
    context: typer.Context,
    flow: One,
    script: Annotated[
        Path | None, typer.Option("--script", help="Steps from a file, one a line.")
    ] = None,
    caller: Annotated[str, typer.Option("--caller", help="The caller's number.")] = "",
    language: Annotated[str | None, typer.Option("--language", help="The caller's.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="The time, as 2026-11-23T10:00.")] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option("--answer", help="NODE=ANSWER: what a service says there; repeatable."),
    ] = None,
) -> None:
    """Play a flow in the terminal: type digits, see prompts, the path, variables."""
    from ivr.flow.frame import Facts
    from ivr.flow.stage import Stage
    from ivr.simulator import simulate

    settings = of(context).settings()
    desk, path = next(iter(_desks(settings, [flow])))
    stage = Stage(
        desk.flow(path).document,
        facts=Facts(number=caller),
        world=desk.world(),
        now_ms=_time(at),
        language=language,
        answers=dict(_answer(one) for one in answers or ()),
    )
    out = console()
    if script is not None:
        try:
            lines = script.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{script} cannot be read: {error}") from None
        simulate(stage, lines, lambda line: out.print(line, markup=False), echo=True)
    else:
        simulate(stage, _typed(), lambda line: out.print(line, markup=False))


@app.command("test")
def try_out(
    context: typer.Context,
    flows: Files = None,
    on_pbx: Annotated[
        bool,
        typer.Option("--on-pbx", help="By real calls, in real time, on a PBX of their own."),
    ] = False,
    only: Annotated[
        str, typer.Option("--only", metavar="TEXT", help="Tests whose name holds this.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Run flows' tests (FLOW.test.yaml beside them), and tell what they do not cover.

    Exit status 1 if one fails.
    """
    from ivr.flow import testing

    out = console()
    settings = of(context).settings()
    known = publish.known(settings)
    report: list[dict[str, Any]] = []
    suites: list[tuple[Desk, Flow, dict[str, testing.Case]]] = []
    for desk, path in _desks(settings, flows):
        flow = desk.flow(path)
        suite = desk.suite(flow)
        cases = {n: c for n, c in (suite.tests if suite else {}).items() if only in n}
        suites.append((desk, flow, cases))
    if on_pbx:
        from sala import flow_line

        done = flow_line.run(settings, suites, known)
    else:
        done = [
            [testing.run(flow, case, name, desk.world(known)) for name, case in cases.items()]
            for desk, flow, cases in suites
        ]
    for (_, flow, _), results in zip(suites, done, strict=True):
        coverage = testing.Coverage.of(flow.document)
        for result in results:
            coverage.add(result.run.path)
        report.append(_told(flow, results, coverage))
    failed = sum(len(one["failed"]) for one in report)
    if as_json:
        print_json(report)
    else:
        for one in report:
            out.print(
                f"{one['flow']}: {one['tests']} tests, {len(one['failed'])} failed; "
                f"nodes {one['nodes']:.0%}, ways {one['ways']:.0%}",
                markup=False,
            )
            for name, faults in one["failed"].items():
                out.print(f"  failed: {name}", markup=False)
                for fault in faults:
                    out.print(f"    {fault}", markup=False)
            for missed in one["missed"]:
                out.print(f"  not covered: {missed}", markup=False)
    if failed:
        raise typer.Exit(1)


@app.command("schema")
def schema(
    tests: Annotated[bool, typer.Option("--tests", help="That of flow tests.")] = False,
) -> None:
    """Print the JSON Schema of flow files, for editors."""
    from ivr.flow import schema as schemas

    print_json(schemas.test_schema() if tests else schemas.flow_schema())


def _told(flow: Flow, results: Any, coverage: Any) -> dict[str, Any]:
    return {
        "flow": flow.alias,
        "tests": len(results),
        "failed": {one.name: list(one.faults) for one in results if one.faults},
        "nodes": coverage.share("nodes"),
        "ways": coverage.share("ways"),
        "missed": coverage.missed,
    }


def _desks(settings: Settings, flows: list[str] | None) -> Iterator[tuple[Desk, Path]]:
    """Yield the flows wanted, each with the folder it lies in."""
    from ivr.shelf import flow_files
    from sala.flows import desk

    folder = Path(settings.flows)
    if not flows:
        here = desk(settings)
        for path in flow_files(folder):
            yield here, path
        return
    desks: dict[Path, Desk] = {}
    for one in flows:
        path = publish.file_of(folder, one)
        if path.parent not in desks:
            desks[path.parent] = desk(settings, path.parent)
        yield desks[path.parent], path


def _typed() -> Iterator[str]:
    while True:
        try:
            yield input("> ") if sys.stdin.isatty() else input()
        except EOFError:
            return


def _time(at: str | None) -> int:
    import time
    from datetime import datetime

    if at is None:
        return time.time_ns() // 1_000_000
    try:
        return round(datetime.fromisoformat(at).astimezone().timestamp() * 1000)
    except ValueError:
        raise UserError(f"{at} is no time such as 2026-11-23T10:00") from None


def _answer(given: str) -> tuple[str, list[Any]]:
    import json

    node, equals, answer = given.partition("=")
    if not equals:
        raise UserError(f"{given}: write NODE=ANSWER, such as find=missing")
    try:
        values = json.loads(answer)
    except ValueError:
        values = answer
    return node, [values if isinstance(values, dict) else answer]
