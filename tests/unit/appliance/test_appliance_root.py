import json
from pathlib import Path

import pytest

from pbx.appliance import apt, fetch
from pbx.appliance.cache import Store
from pbx.appliance.host import architecture
from pbx.errors import ApplianceError


def said(what: str, done: float | None) -> None:
    """Take progress and say nothing."""


def script(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return path


def install(prefix: Path, version: str = "Asterisk 20.9.3") -> Path:
    (prefix / "lib/asterisk/modules").mkdir(parents=True)
    (prefix / "lib/asterisk/modules/chan_pjsip.so").touch()
    digits = prefix / "share/asterisk/sounds/en/digits"
    digits.mkdir(parents=True)
    (digits / "1.wav").touch()
    return script(prefix / "sbin/asterisk", version)


def test_an_own_asterisk_named_in_the_settings_is_used_as_it_is(tmp_path):
    binary = install(tmp_path)
    pbx = fetch.ensure(said, asterisk=str(binary), cache=tmp_path / "cache")
    assert pbx.argv == (str(binary),)
    assert pbx.version_text == "20.9.3"
    assert pbx.modules == tmp_path / "lib/asterisk/modules"
    assert pbx.sounds == tmp_path / "share/asterisk/sounds/en"
    assert pbx.origin == "own"


def test_its_own_configuration_says_where_its_parts_are(tmp_path):
    binary = install(tmp_path)
    (tmp_path / "lib").rename(tmp_path / "elsewhere")
    (tmp_path / "etc/asterisk").mkdir(parents=True)
    (tmp_path / "etc/asterisk/asterisk.conf").write_text(
        f"[directories](!)\nastmoddir => {tmp_path}/elsewhere/asterisk/modules\n"
    )
    assert fetch.ensure(said, asterisk=str(binary)).modules.parent.parent.name == "elsewhere"


def test_one_that_is_too_old_is_refused(tmp_path):
    with pytest.raises(ApplianceError, match=r"is Asterisk 18\.1\.0, and Sala needs 20"):
        fetch.ensure(said, asterisk=str(install(tmp_path, "Asterisk 18.1.0")))


def test_one_that_is_not_there_or_is_no_asterisk_is_told(tmp_path):
    with pytest.raises(ApplianceError, match="no such file"):
        fetch.ensure(said, asterisk=str(tmp_path / "none"))
    with pytest.raises(ApplianceError, match="does not tell a version"):
        fetch.ensure(said, asterisk=str(script(tmp_path / "x", "hello")))


def test_one_without_prompts_is_told_what_to_install(tmp_path):
    binary = install(tmp_path)
    (tmp_path / "share/asterisk/sounds/en/digits/1.wav").unlink()
    with pytest.raises(ApplianceError, match="asterisk-core-sounds-en-wav"):
        fetch.ensure(said, asterisk=str(binary))


def test_one_on_path_is_used_if_it_is_new_enough(tmp_path, monkeypatch):
    binary = install(tmp_path)
    monkeypatch.setenv("PATH", str(binary.parent))
    assert fetch.ensure(said).argv == (str(binary),)


def bundled_root(cache: Path) -> Path:
    """Lay out a root as the packages do, with a script for a loader."""
    arch = architecture()
    store = Store(cache / "pbx")
    with store.lock(said), store.scratch() as scratch:
        root = scratch / "made/root"
        script(root / f"usr/lib/{arch.multiarch}/{arch.loader}", "Asterisk 22.10.1~dfsg")
        modules = root / f"usr/lib/{arch.multiarch}/asterisk/modules"
        modules.mkdir(parents=True)
        script(root / "usr/sbin/asterisk", "no")
        script(root / "usr/bin/sipp", "no")
        (root / "usr/lib/baresip/modules").mkdir(parents=True)
        digits = root / "usr/share/asterisk/sounds/en_US_f_Allison/digits"
        digits.mkdir(parents=True)
        (digits / "1.wav").touch()
        store.publish(scratch / "made", "key", ["root/usr/sbin/asterisk"])
        store.point(f"current-{arch.debian}", {"key": "key"})
    return store.folder / "key/root"


@pytest.fixture
def no_network(monkeypatch):
    def refuse() -> None:
        raise AssertionError("apt was asked")

    monkeypatch.setattr(apt, "need_commands", refuse)


def test_a_second_start_asks_no_network(tmp_path, no_network):
    root = bundled_root(tmp_path)
    pbx = fetch.bundled(said, cache=tmp_path)
    assert pbx.version == (22, 10, 1)
    assert pbx.argv[0] == str(next((root / "usr/lib").glob("*/ld-linux*")))
    assert pbx.argv[-1] == str(root / "usr/sbin/asterisk")
    assert pbx.sounds.name == "en_US_f_Allison"
    assert pbx.tool("sipp").argv == (*pbx.loader, str(root / "usr/bin/sipp"))
    assert pbx.baresip_modules == root / "usr/lib/baresip/modules"


def test_an_old_asterisk_on_path_gives_way_to_the_bundled_one(tmp_path, monkeypatch, no_network):
    old = install(tmp_path / "old", "Asterisk 16.2.1")
    bundled_root(tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    told: list[str] = []
    pbx = fetch.ensure(lambda what, done: told.append(what), cache=tmp_path / "cache")
    assert pbx.origin == "bundled"
    assert "Asterisk 16.2.1" in told[0]


def test_a_damaged_root_is_fetched_again(tmp_path, no_network):
    root = bundled_root(tmp_path)
    (root / "usr/sbin/asterisk").write_text("cut")
    with pytest.raises(AssertionError, match="apt was asked"):
        fetch.bundled(said, cache=tmp_path)


def test_a_pointer_that_is_damaged_is_not_followed(tmp_path, no_network):
    bundled_root(tmp_path)
    pointer = next((tmp_path / "pbx").glob("current-*.json"))
    pointer.write_text(json.dumps(["key"]))
    with pytest.raises(AssertionError, match="apt was asked"):
        fetch.bundled(said, cache=tmp_path)


def test_a_tool_that_is_missing_names_its_package(tmp_path, monkeypatch):
    pbx = fetch.ensure(said, asterisk=str(install(tmp_path)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ApplianceError, match="sudo apt-get install sip-tester"):
        pbx.tool("sipp")
