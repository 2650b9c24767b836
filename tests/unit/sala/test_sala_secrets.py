"""Secrets: generated, private, kept, and never half written."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from sala import secrets
from sala.errors import SecretsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "secrets.toml"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_first_use_makes_a_private_file_in_a_private_folder(file: Path) -> None:
    made = secrets.ensure(file, ["1001", "caller"])
    assert mode(file) == 0o600
    assert mode(file.parent) == 0o700
    assert set(made.sip) == {"1001", "caller"}
    values = [made.ami, made.database, *made.sip.values()]
    assert len(set(values)) == 4
    assert all(len(value) == secrets.LENGTH for value in values)
    assert secrets.load(file) == made


def test_what_is_there_is_kept_and_what_lacks_is_added(file: Path) -> None:
    before = secrets.ensure(file, ["1001"])
    after = secrets.ensure(file, ["1002"])
    assert after.ami == before.ami
    assert after.sip["1001"] == before.sip["1001"]
    assert set(after.sip) == {"1001", "1002"}


def test_nothing_is_written_when_nothing_lacks(file: Path) -> None:
    secrets.ensure(file, ["1001"])
    inode = file.stat().st_ino
    secrets.ensure(file, ["1001"])
    assert file.stat().st_ino == inode


@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_others_may_read_is_refused(file: Path, open_mode: int) -> None:
    secrets.ensure(file)
    file.chmod(open_mode)
    for use in (secrets.load, secrets.ensure):
        with pytest.raises(SecretsError, match=f"run: chmod 600 {file}"):
            use(file)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("ami = ", "is damaged"),
        ('ami = "short"\ndatabase = "abcdefgh"', "ami must be 8 to 128 printable characters"),
        ('database = "abcdefgh"', "ami must be"),
        ('ami = "abcdefgh"\ndatabase = "abcdefgh"\nsip = 1', r"\[sip\] must be a table"),
        ('ami = "abcdefgh;x"\ndatabase = "abcdefgh"', "must not hold"),
        (
            'ami = "abcdefgh"\ndatabase = "abcdefgh"\n[sip]\na = "b\\nc\\nd\\ne\\nf"',
            "sip.a must be",
        ),
    ],
)
def test_a_damaged_file_is_told_and_left_alone(file: Path, content: str, told: str) -> None:
    secrets.ensure(file)
    file.write_text(content)
    with pytest.raises(SecretsError, match=told):
        secrets.ensure(file, ["1001"])
    assert file.read_text() == content


def test_a_missing_file_says_what_to_run(file: Path) -> None:
    with pytest.raises(SecretsError, match="run: sala setup"):
        secrets.load(file)


@pytest.mark.parametrize("account", ["", "a b", "x" * 33, 'a"b', "a\nb", "a/b"])
def test_an_account_that_could_break_a_file_is_refused(file: Path, account: str) -> None:
    with pytest.raises(SecretsError, match="cannot be a SIP account"):
        secrets.ensure(file, [account])


def test_a_forgotten_account_is_gone_and_others_stay(file: Path) -> None:
    before = secrets.ensure(file, ["1001", "1002"])
    secrets.forget(file, "1001")
    secrets.forget(file, "never there")
    assert dict(secrets.load(file).sip) == {"1002": before.sip["1002"]}


def test_many_at_once_lose_nothing(file: Path) -> None:
    names = [f"a{number}" for number in range(12)]
    threads = [threading.Thread(target=secrets.ensure, args=(file, [name])) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(secrets.load(file).sip) == set(names)
    assert [path.name for path in sorted(file.parent.iterdir())] == [
        ".secrets.lock",
        "secrets.toml",
    ]


def test_values_never_show(file: Path) -> None:
    made = secrets.ensure(file, ["1001"])
    assert made.ami not in repr(made)
    assert made.sip["1001"] not in repr(made)
