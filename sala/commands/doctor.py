"""`sala doctor`: looks at every part and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sala.errors import SettingsError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sala.checks import Finding
    from sala.invocation import Invocation


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check every part, and say what to do. Exit status 1 if one does not work."""
    import asyncio
    from dataclasses import asdict

    show = (lambda finding: None) if as_json else _show
    findings = asyncio.run(_examine(of(context), show))
    healthy = all(finding.verdict != "fail" for finding in findings)
    if as_json:
        print_json({"ok": healthy, "checks": [asdict(finding) for finding in findings]})
    raise typer.Exit(0 if healthy else 1)


async def _examine(invocation: Invocation, show: Callable[[Finding], None]) -> list[Finding]:
    from sala import checks

    findings: list[Finding] = []
    try:
        loaded = invocation.loaded()
    except SettingsError as error:
        findings = [checks.fail("settings", fault, "mend this first") for fault in error.faults]
        for finding in findings:
            show(finding)
        return findings
    findings.append(checks.ok("settings", str(loaded.file or "all at their defaults")))
    show(findings[0])
    async for finding in checks.examine(loaded.settings):
        findings.append(finding)
        show(finding)
    return findings


def _show(finding: Finding) -> None:
    from rich.text import Text

    mark, style = {
        "ok": ("ok  ", "green"),
        "warn": ("warn", "yellow"),
        "fail": ("fail", "bold red"),
    }[finding.verdict]
    first, *more = finding.found.splitlines() or [""]
    line = Text.assemble((mark, style), f"  {finding.part:<10} {first}")
    for text in more:
        line.append(f"\n{'':<17}{text}")
    if finding.advice:
        line.append(f"\n{'':<17}→ {finding.advice}", style="cyan")
    console().print(line)
