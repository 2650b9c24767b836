"""The command line: exit statuses, messages, and no tracebacks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crm import embedded
from sala import secrets, up
from sala.cli import app
from sala.errors import AlreadyRunning
from sala.paths import StatePaths
from sala.settings import Settings

Sala = Callable[..., Result]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("SALA_") and name != "SALA_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sala() -> Sala:
    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, words)
        assert "Traceback" not in result.output
        return result

    return run


def python(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=60, check=check
    )


def test_version(sala: Sala) -> None:
    result = sala("--version")
    assert result.exit_code == 0
    assert result.output.startswith("sala ")


def test_it_runs_as_a_module() -> None:
    assert python("-m", "sala", "--version").stdout.startswith("sala ")


def test_help_names_every_command(sala: Sala) -> None:
    result = sala("--help")
    assert result.exit_code == 0
    for name in (
        "up", "setup", "serve", "demo", "doctor", "status", "reload", "config", "agent", "number",
        "queue", "skill", "calendar", "apply", "export",
    ):  # fmt: skip
        assert name in result.output


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, sala.cli; print(*sys.modules)"
    loaded = set(python("-c", code).stdout.split())
    heavy = {"aiohttp", "asyncpg", "numpy", "phonenumbers", "psutil", "pydantic", "uvloop", "yaml"}
    assert not loaded & heavy


def test_an_unknown_command_exits_2(sala: Sala) -> None:
    assert sala("dance").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("config", "show"),
        ("status",),
        ("up",),
        ("setup",),
        ("serve",),
        ("reload",),
        ("agent", "list"),
    ],
)
def test_wrong_settings_are_told_line_by_line_and_exit_2(
    sala: Sala, words: tuple[str, ...]
) -> None:
    Path("sala.toml").write_text("sip_port = 0\nsip_adress = 1\n")
    result = sala(*words)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        'sala: sala.toml:2: unknown key "sip_adress" (did you mean "sip_address"?)',
        "sala: sala.toml:1: sip_port: 0 is not a number between 1 and 65535",
    ]


def test_a_fault_of_ours_is_told_as_such(sala: Sala, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("sala.sources.load", broken)
    result = sala("config", "show")
    assert result.exit_code == 70
    assert result.stderr == (
        "sala: a fault in Sala itself: RuntimeError: boom; sala -v … tells where\n"
    )


def test_verbose_tells_where() -> None:
    Path("sala.toml").write_text("sip_port = 0")
    done = python("-m", "sala", "-v", "config", "show", check=False)
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_config_show_tells_every_key(sala: Sala) -> None:
    Path("sala.toml").write_text("sip_port = 5070\n")
    result = sala("config", "show")
    assert result.exit_code == 0
    line = next(line for line in result.output.splitlines() if "sip_port" in line)
    assert line.split()[:4] == ["sip_port", "5070", "sala.toml:1", "5060"]
    assert all(key in result.output for key in Settings.model_fields)


def test_config_show_as_json(sala: Sala) -> None:
    shown = json.loads(sala("config", "show", "--json").output)
    assert shown["file"] is None
    assert {row["key"] for row in shown["settings"]} == set(Settings.model_fields)
    assert set(shown["settings"][0]) == {
        "key", "value", "origin", "default", "description", "expects",
    }  # fmt: skip


def test_config_show_as_toml_needs_no_right_settings(sala: Sala) -> None:
    Path("sala.toml").write_text("sip_port = 0\n")
    result = sala("config", "show", "--toml")
    assert result.exit_code == 0
    assert "#sip_port = 5060" in result.output


def test_status_without_a_service_says_what_to_run(sala: Sala) -> None:
    result = sala("status")
    assert result.exit_code == 1
    assert "start it with: sala up" in result.stderr


def test_serve_without_a_set_up_says_what_to_run(sala: Sala) -> None:
    result = python("-m", "sala", "serve", check=False)
    assert result.returncode == 2
    assert "run: sala setup" in result.stderr


def test_secrets_others_may_read_stop_everything(sala: Sala) -> None:
    paths = StatePaths(Path.cwd() / ".sala")
    paths.create()
    paths.secrets.write_text('ami = "abcdefgh"\ndatabase = "abcdefgh"\n')
    paths.secrets.chmod(0o644)
    result = sala("setup")
    assert result.exit_code == 2
    assert f"run: chmod 600 {paths.secrets}" in result.stderr


def test_doctor_tells_wrong_settings_and_exits_1(sala: Sala) -> None:
    Path("sala.toml").write_text("sip_port = 0\n")
    result = sala("doctor", "--json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert told["ok"] is False
    assert told["checks"][0]["verdict"] == "fail"


def test_doctor_names_a_taken_port(sala: Sala) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        Path("sala.toml").write_text(f"agi_port = {port}\n")
        told = json.loads(sala("doctor", "--json").output)
    ports = [check for check in told["checks"] if check["part"] == "ports"]
    assert any(f"port {port} (TCP) is taken by" in check["found"] for check in ports)
    assert not Path(".sala").exists()


def test_agents_and_numbers_without_anything_running(
    sala: Sala, request: pytest.FixtureRequest
) -> None:
    added = sala("agent", "add", "2001", "--name", "Second floor", "--queue", "support", "--json")
    assert added.exit_code == 0, added.output
    account = json.loads(added.output)
    assert account["account"] == "2001"
    assert account["active"] is False
    assert len(account["secret"]) == 20

    # One server for all that follows; each command would bring its own up and down.
    embedded.start(Path(".sala"), secrets.load(Path(".sala/secrets.toml")).database)
    request.addfinalizer(partial(embedded.stop, Path(".sala").absolute()))

    again = sala("agent", "add", "2001")
    assert (again.exit_code, again.stderr) == (2, "sala: There is an agent 2001 already.\n")
    lost = sala("agent", "add", "2002", "--queue", "nowhere")
    assert lost.exit_code == 2
    assert "sala: agent 2002, queues: there is no queue 'nowhere'" in lost.stderr
    assert sala("agent", "add", "caller").exit_code == 2

    paused = sala("agent", "pause", "2001", "--reason", "lunch")
    assert "it is so when it starts" in paused.output
    assert sala("agent", "pause", "nobody").exit_code == 2

    rows = {row["agent"]: row for row in json.loads(sala("agent", "list", "--json").output)}
    assert set(rows) == {"1001", "1002", "2001"}
    assert rows["2001"]["queues"] == ["support"]
    assert (rows["2001"]["presence"], rows["2001"]["reason"]) == ("paused", "lunch")

    shown = json.loads(sala("agent", "show", "2001", "--json").output)
    assert shown["account"]["secret"] == account["secret"]
    assert (
        "secret"
        not in json.loads(sala("agent", "show", "2001", "--no-secrets", "--json").output)["account"]
    )

    assert sala("agent", "remove", "2001").exit_code == 0
    assert "2001" not in Path(".sala/secrets.toml").read_text()
    assert "2002" not in Path(".sala/secrets.toml").read_text()
    assert sala("agent", "remove", "2001").exit_code == 2

    assert sala("number", "add", "601", "main").exit_code == 0
    astray = sala("number", "add", "602", "nowhere")
    assert astray.exit_code == 2
    assert "there is after-hours, balance, main" in astray.stderr
    assert json.loads(sala("number", "list", "--json").output) == [
        {"number": "600", "flow": "main"},
        {"number": "601", "flow": "main"},
    ]
    assert sala("number", "remove", "601").exit_code == 0
    assert sala("number", "remove", "601").exit_code == 2


def test_two_ups_on_one_state_folder(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path / "state")
    paths.create()
    with up.owned(paths):
        told = rf"already runs .*\(process {os.getpid()}\)"
        with pytest.raises(AlreadyRunning, match=told), up.owned(paths):
            pytest.fail("the lock was given twice")
    with up.owned(paths):
        pass
