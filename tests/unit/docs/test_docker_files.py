"""The images, the composition and the unit: what can be told without running them."""

import configparser
import re
import subprocess
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from sala.cli import app
from sala.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).resolve().parents[3]
DOCKER = ROOT / "docker"
ELSEWHERE = {"SALA_CACHE", "SALA_CONFIG"}
"""Variables that are read apart from the settings."""


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"])


def unit(name: str = "sala.service") -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    assert parser.read(DOCKER / "systemd" / name)
    return parser


def yesterday() -> date:
    return datetime.now().astimezone().date() - timedelta(days=1)


def commands() -> set[str]:
    named = {
        info.name or getattr(info.callback, "__name__", "") for info in app.registered_commands
    }
    return named | {group.name for group in app.registered_groups if group.name}


def stages() -> list[list[str]]:
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    ends = [*starts[1:], len(lines)]
    return [lines[start:end] for start, end in zip(starts, ends, strict=True)]


def test_the_image_runs_as_a_user_who_cannot_change_the_programs() -> None:
    last = stages()[-1]
    assert [line for line in last if line.startswith("USER ")] == ["USER sala"]
    copied = [line for line in last if line.startswith("COPY ")]
    assert copied
    assert all("--chown=root:root" in line for line in copied)
    # In the state folder, `media` would be the rendered prompts instead of their texts.
    assert "WORKDIR /opt/sala" in last
    assert any(line.startswith("HEALTHCHECK ") for line in last)


def test_the_image_installs_what_is_pinned() -> None:
    build = "\n".join(stages()[0])
    assert "pip install --no-cache-dir --require-hashes -r requirements.txt" in build


def test_every_variable_is_a_setting_and_every_command_is_there() -> None:
    texts = [path.read_text() for path in (DOCKER / "Dockerfile", DOCKER / "compose.yaml")]
    texts += [path.read_text() for path in (DOCKER / "systemd").glob("*.service")]
    settings = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
    for text in texts:
        assert set(re.findall(r"\bSALA_[A-Z_]+\b", text)) <= settings | ELSEWHERE
    called = set(re.findall(r'(?:CMD \[(?:"sala", )?"|bin/sala )([a-z]+)', "\n".join(texts)))
    assert called >= {"up", "status", "setup", "reload", "replay"}
    assert called <= commands()


def test_no_password_has_a_default_and_only_loopback_is_mapped() -> None:
    services = compose()
    password = services["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert password.startswith("${POSTGRES_PASSWORD:?")
    assert all(port.startswith("127.0.0.1:") for port in services["postgres"]["ports"])
    assert services["sala"]["environment"]["SALA_SIP_ADDRESS"] == "${SALA_SIP_ADDRESS:-127.0.0.1}"
    assert services["sala"]["cap_drop"] == ["ALL"]
    assert "user" not in services["sala"]


def test_the_unit_ends_sala_as_ctrl_c_does_and_gives_it_no_rights() -> None:
    service = unit()["Service"]
    assert (service["User"], service["KillSignal"]) == ("sala", "SIGINT")
    assert (service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == ("yes", "")
    assert service["ExecStart"].split()[0] == "/opt/sala/.venv/bin/sala"


def test_the_journal_is_looked_at_every_night() -> None:
    check = unit("sala-check.service")["Service"]
    assert {check[name] for name in ("User", "Group")} == {"sala"}
    assert check["Environment"] in unit()["Service"]["Environment"]
    shell, option, quoted = check["ExecStart"].split(maxsplit=2)
    # As systemd hands it on.
    words = quoted.strip("'").replace("$$", "$").replace("%%", "%").removeprefix("exec ")
    assert (shell, option) == ("/bin/sh", "-c")
    before = yesterday()
    said = subprocess.run(
        [shell, option, words.replace("/opt/sala/.venv/bin/sala", "echo")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # It may be midnight meanwhile.
    assert said in {f"replay --from {day} --keep\n" for day in (before, yesterday())}
    assert unit("sala-check.timer")["Timer"]["OnCalendar"] == "*-*-* 03:30"
