"""The bench's report: the machine, the table, `.sala/bench.json`."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.bench.figures import Finding, Row
from lab.programs import pbx


def machine() -> dict[str, Any]:
    """Describe this machine, and how busy it is now."""
    model = platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
            model = found[1].strip()
    except OSError:
        pass
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def sipp_version() -> str:
    """Tell SIPp's version; blocks."""
    tool = pbx().tool("sipp")
    done = subprocess.run(
        [*tool.argv, "-v"], capture_output=True, text=True, timeout=10, check=False
    )
    found = re.search(r"SIPp v(\S+?)[-\s]", done.stdout + done.stderr)
    return found[1] if found else "?"


def headline(where: Mapping[str, Any]) -> str:
    """Say on what was measured, in two lines."""
    return (
        f"{where['cpu']}, {where['cores']} cores, {where['memory_gb']} GB, "
        f"Linux {where['kernel']}, load {where['load']}\n"
        f"Asterisk {where['asterisk']}, Postgres {where['postgres']}, "
        f"Python {where['python']}, SIPp {where['sipp']}"
    )


def table(findings: Sequence[Finding]) -> Table:
    """Draw the table."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("measured")
    for column in ("Sala", "app_queue", "ratio", "goal"):
        drawn.add_column(column, justify="right")
    drawn.add_column("")
    for finding in findings:
        for row in finding.rows:
            drawn.add_row(row.what, row.sala, row.app_queue, row.ratio, row.goal, _mark(row))
    return drawn


def _mark(row: Row) -> Text:
    if row.met is None:
        return Text("")
    return Text("reached", style="green") if row.met else Text("missed", style="yellow")


def write(
    path: Path,
    findings: Sequence[Finding],
    where: Mapping[str, Any],
    *,
    quick: bool,
    seconds: float,
) -> None:
    """Write the JSON: figures at the top, what they were made of below."""
    content: dict[str, Any] = {}
    for finding in findings:
        content.update(finding.figures)
    content["at"] = datetime.now(UTC).isoformat(timespec="seconds")
    content["quick"] = quick
    content["seconds"] = round(seconds, 1)
    content["machine"] = dict(where)
    content["details"] = {finding.name: dict(finding.details) for finding in findings}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    new.replace(path)


def show(console: Console, findings: Sequence[Finding], path: Path) -> None:
    """Print the table, and where the rest is."""
    console.print(table(findings))
    console.print(Text(f"Written to {path}", style="dim"))
