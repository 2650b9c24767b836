"""The bench's configuration of the PBX, and the whole bench once, on a real Asterisk."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.bench.ground import APP_QUEUE, FEW, MANY, SALA, UNKNOWN, configure, queues
from sala.settings import PROJECT


def test_the_configuration_is_salas_own_with_few_changes(tmp_path: Path) -> None:
    configure(tmp_path)
    for folder in ("sip_configs", "dialplans"):
        for path in (PROJECT / folder).rglob("*.conf"):
            copy = tmp_path / path.relative_to(PROJECT)
            own = path.read_text(encoding="utf-8")
            assert (UNKNOWN in own) == (path.name == "pjsip.conf")
            assert copy.read_text(encoding="utf-8").startswith(own.replace(UNKNOWN, ""))
    assert "load = app_queue.so" in (tmp_path / "sip_configs/asterisk/modules.conf").read_text()
    local = (tmp_path / "dialplans/asterisk/local.conf").read_text()
    assert f"exten => {APP_QUEUE.many},1,Answer(,i)" in local
    assert sorted(path.name for path in (tmp_path / "flows").iterdir()) == ["few.yaml", "main.yaml"]


def test_app_queue_has_its_defaults_and_agents_of_its_own() -> None:
    text = queues()
    assert text.count("retry = 5") == text.count("wrapuptime = 0") == 2
    assert text.count("autofill = yes") == 3
    assert text.count("member => PJSIP/") == MANY + FEW
    ours = {*SALA.many_agents, *SALA.few_agents}
    assert not ours & {*APP_QUEUE.many_agents, *APP_QUEUE.few_agents}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, as `/tmp` is: sockets must fit beneath it."""
    with tempfile.TemporaryDirectory(prefix="b-") as name:
        yield Path(name)


async def test_a_measurement_ends_well_and_leaves_nothing(folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lab.bench", "--quick", "--only", "idle"),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "TMPDIR": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    content = json.loads((folder / ".sala" / "bench.json").read_text(encoding="utf-8"))
    assert content["idle_ring_ratio"] > 0
    assert content["details"]["idle"]["sala"]["count"] >= 30
    assert [path.name for path in folder.iterdir()] == [".sala"]
    assert not [one for one in psutil.process_iter(["cmdline"]) if _mentions(one, folder)]


def _mentions(process: psutil.Process, folder: Path) -> bool:
    return any(str(folder) in word for word in process.info["cmdline"] or ())
