"""Settings: where they come from, and one clear message for each fault."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sala.errors import SettingsError
from sala.settings import PROJECT, Settings
from sala.settings_text import masked, rows, template
from sala.sources import load


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for key in Settings.model_fields:
        monkeypatch.delenv(f"SALA_{key.upper()}", raising=False)
    monkeypatch.delenv("SALA_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def faults(toml: str = "", **variables: str) -> list[str]:
    """Load with this file and these variables, which must fail."""
    with pytest.MonkeyPatch.context() as patch:
        if toml:
            Path("sala.toml").write_text(toml, encoding="utf-8")
        for name, value in variables.items():
            patch.setenv(name, value)
        with pytest.raises(SettingsError) as caught:
            load()
    assert str(caught.value) == "\n".join(caught.value.faults)
    assert caught.value.exit_status == 2
    return list(caught.value.faults)


def test_defaults_need_no_file() -> None:
    loaded = load()
    assert loaded.file is None
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.settings.state == Path.cwd() / ".sala"
    assert loaded.settings.sip_port == 5060


def test_shipped_folders_are_found_from_anywhere() -> None:
    assert load().settings.dialplans == PROJECT / "dialplans"


def test_a_folder_beside_the_settings_wins_over_the_shipped_one() -> None:
    Path("dialplans").mkdir()
    assert load().settings.dialplans == Path.cwd() / "dialplans"


def test_variables_win_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sala.toml").write_text("# mine\nsip_port = 5070\nami_port = 5039\n")
    monkeypatch.setenv("SALA_SIP_PORT", "5080")
    loaded = load()
    assert loaded.settings.sip_port == 5080
    assert loaded.settings.ami_port == 5039
    assert loaded.origins["sip_port"] == "SALA_SIP_PORT"
    assert loaded.origins["ami_port"] == "sala.toml:3"
    assert loaded.origins["agi_port"] == "default"


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    (folder / "mine").mkdir(parents=True)
    (folder / "sala.toml").write_text('state = "live"\nflows = "mine"\n')
    settings = load(Path("etc/sala.toml")).settings
    assert settings.state == folder / "live"
    assert settings.flows == folder / "mine"


def test_the_file_may_be_named_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other.toml").write_text("sip_port = 5090\n")
    monkeypatch.setenv("SALA_CONFIG", "other.toml")
    assert load().origins["sip_port"] == "other.toml:1"


def test_lists_are_written_with_commas_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALA_TRUNK_HOSTS", "192.0.2.1, 198.51.100.0/24")
    assert load().settings.trunk_hosts == ("192.0.2.1", "198.51.100.0/24")


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (
            '\n\nsip_adress = "x"',
            'sala.toml:3: unknown key "sip_adress" (did you mean "sip_address"?)',
        ),
        ("zzz = 1", 'sala.toml:1: unknown key "zzz"'),
        ("[sip]\nport = 1", 'sala.toml:1: unknown key "sip"'),
        ("sip_port = 0", "sala.toml:1: sip_port: 0 is not a number between 1 and 65535"),
        ("sip_port = 65536", "sala.toml:1: sip_port: 65536 is not a number between 1 and 65535"),
        ("sip_port = true", "sala.toml:1: sip_port: true is not a number between 1 and 65535"),
        ("sip_port = 5060.0", "sala.toml:1: sip_port: 5060.0 is not a number between 1 and 65535"),
        ('sip_address = "here"', 'sala.toml:1: sip_address: "here" is not an IP address'),
        ('external_address = "x"', 'sala.toml:1: external_address: "x" is not an IP address'),
        (
            'trunk_hosts = ["192.0.2.1", "carrier"]',
            'sala.toml:1: trunk_hosts: ["192.0.2.1", "carrier"] is not a list of IP addresses or '
            "networks",
        ),
        (
            'default_region = "XX"',
            'sala.toml:1: default_region: "XX" is not a region known to phonenumbers, such as US '
            "or DE",
        ),
        ('flows = "nowhere"', 'sala.toml:1: flows: "nowhere" is not a folder that exists'),
        (
            'asterisk = "/no"',
            'sala.toml:1: asterisk: "/no" is not the path of a program that exists',
        ),
        ("state = 7", "sala.toml:1: state: 7 is not a path"),
        (
            'log_level = "loud"',
            'sala.toml:1: log_level: "loud" is not one of debug, info, warning, error',
        ),
        (
            'language = "English"',
            'sala.toml:1: language: "English" is not a language code such as en',
        ),
        (
            "rtp_first = 12000\nrtp_last = 11000",
            "sala.toml:1, sala.toml:2: rtp_first (12000) must be below rtp_last (11000)",
        ),
        (
            "sip_port = 10010",
            "sala.toml:1: sip_port (10010) lies among the RTP ports (10000 to 12000)",
        ),
        ("ami_port = 4573", "sala.toml:1: ami_port and agi_port are both 4573"),
        (
            "survival_after_s = 0",
            "sala.toml:1: survival_after_s: 0 is not a number of seconds between 1 and 3600",
        ),
        ("sip_port = ", "sala.toml:1: Invalid value"),
        ("a = 1\na = 2", "sala.toml:2: Cannot overwrite a value"),
    ],
)
def test_each_fault_in_the_file_is_one_line_with_its_place(toml: str, told: str) -> None:
    assert faults(toml) == [told]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SALA_SIP_PORT", "abc", 'SALA_SIP_PORT: "abc" is not a number between 1 and 65535'),
        ("SALA_SIP_PORT", "", 'SALA_SIP_PORT: "" is not a number between 1 and 65535'),
        (
            "SALA_SIPPORT",
            "1",
            "SALA_SIPPORT: unknown setting (did you mean SALA_SIP_PORT?)",
        ),
        ("SALA_STATE", "a\nb", None),
    ],
)
def test_each_fault_in_a_variable_names_it(name: str, value: str, told: str | None) -> None:
    if told is None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(name, value)
            assert load().settings.state == Path.cwd() / value
    else:
        assert faults(**{name: value}) == [told]


def test_all_faults_are_told_at_once() -> None:
    told = faults("sip_prt = 1\nami_port = 0\n", SALA_AGI_PORT="x")
    assert len(told) == 3


def test_a_database_password_is_never_told() -> None:
    told = faults('database_url = "mysql://root:hunter2@db/x"')
    assert told == ['sala.toml:1: database_url: "(the value given)" is not a postgresql:// address']


def test_a_named_file_must_be_there() -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: there is no such file"):
        load(Path("none.toml"))


def test_a_file_that_is_not_text_is_told() -> None:
    Path("sala.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"sala\.toml: is not UTF-8 text"):
        load()


def test_the_template_holds_every_key_at_its_default() -> None:
    text = template()
    uncommented = "\n".join(
        line[1:] for line in text.splitlines() if line.startswith("#") and not line.startswith("# ")
    )
    values = tomllib.loads(uncommented)
    assert list(values) == list(Settings.model_fields)
    assert not tomllib.loads(text)
    Path("sala.toml").write_text(uncommented.replace('"ivr/flows"', '"."'), encoding="utf-8")
    for folder in ("dialplans", "sip_configs", "media"):
        Path(folder).mkdir()
    assert load().settings.sip_port == 5060


def test_rows_tell_value_origin_default_and_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALA_DATABASE_URL", "postgresql://sala:hunter2@db/sala")
    shown = {row.key: row for row in rows(load())}
    assert shown["database_url"].value == "postgresql://sala:***@db/sala"
    assert shown["database_url"].origin == "SALA_DATABASE_URL"
    assert shown["state"].shown == '".sala"'
    assert all(row.description and row.expects for row in shown.values())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("postgresql://db/sala", "postgresql://db/sala"),
        ("postgresql://u:p%40x@h:5/d?a=b", "postgresql://u:***@h:5/d?a=b"),
        ("postgresql://[", "***"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown
