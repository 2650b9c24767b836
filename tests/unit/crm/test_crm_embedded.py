from __future__ import annotations

import asyncio
import os
import secrets
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from crm import embedded
from crm.errors import EmbeddedError

PASSWORD = "it's p@ss/word"


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sala-crm-") as folder:
        yield Path(folder)
        embedded.stop(Path(folder))


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    """A state folder whose cluster is made already, for several tests in turn."""
    with tempfile.TemporaryDirectory(prefix="sala-crm-") as folder:
        embedded.start(Path(folder), PASSWORD)
        yield Path(folder)
        embedded.stop(Path(folder))


async def _ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_first_start_restart_and_stop(state: Path) -> None:
    told: list[str] = []
    url = embedded.start(state, PASSWORD, progress=told.append)
    assert told
    assert await _ask(url, "SELECT current_database() || current_user") == "salasala"
    assert await _ask(url, "SHOW listen_addresses") == ""
    assert await _ask(url, "SHOW synchronous_commit") == "on"
    await _ask(url, "CREATE TABLE kept ()")
    assert embedded.stop(state)
    assert not embedded.stop(state)
    assert embedded.running(state) is None

    assert embedded.start(state, PASSWORD, progress=told.append) == url
    assert len(told) == 1
    assert await _ask(url, "SELECT count(*) FROM kept") == 0


async def test_only_the_password_opens(shared: Path) -> None:
    state = shared
    url = embedded.start(state, PASSWORD)
    socket = url.partition("?host=")[2]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host=socket, user="sala", password="guess", database="sala")
    for user, name in (("postgres", "sala"), ("postgres", "postgres"), ("sala", "template1")):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await asyncpg.connect(host=socket, user=user, password=PASSWORD, database=name)
    assert await _ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = 'sala'") is False
    stored = (state / "pg" / "data" / "pg_hba.conf").read_text()
    assert stored == "local sala sala scram-sha-256\n"
    for folder in (state / "pg", state / "pg" / "data", Path(socket)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert PASSWORD not in (state / "pg" / "log").read_text()


async def test_server_left_by_a_killed_owner_is_adopted(shared: Path) -> None:
    state = shared
    embedded.stop(state)
    owner = subprocess.Popen(  # noqa: ASYNC220
        [
            sys.executable,
            "-c",
            "import pathlib, sys, time; from crm import embedded;"
            "print(embedded.start(pathlib.Path(sys.argv[1]), sys.argv[2]), flush=True);"
            "sys.stdin.read()",
            str(state),
            PASSWORD,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    url = owner.stdout.readline().strip()
    left = embedded.running(state)
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    assert await _ask(url, "SELECT 1") == 1
    assert embedded.start(state, PASSWORD) == url
    assert embedded.running(state) == left


def test_killed_postmaster_starts_again(shared: Path) -> None:
    state = shared
    embedded.start(state, PASSWORD)
    left = embedded.running(state)
    assert left is not None
    handle = os.pidfd_open(left)
    os.kill(left, signal.SIGKILL)
    assert select.select([handle], [], [], 10)[0]
    os.close(handle)
    url = embedded.start(state, PASSWORD)
    assert embedded.running(state) != left
    assert asyncio.run(_ask(url, "SELECT 1")) == 1


def test_lock_file_of_another_program_is_not_believed(shared: Path) -> None:
    embedded.start(shared, PASSWORD)
    lock = shared / "pg" / "data" / "postmaster.pid"
    told = lock.read_text().splitlines()
    owner = lock.stat()
    embedded.stop(shared)
    # A live process of the same user, in another folder: what a pid may be after a reboot.
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=owner.st_uid, cwd="/") as other:
        lock.write_text("\n".join([str(other.pid), *told[1:]]) + "\n")
        lock.chmod(0o600)
        os.chown(lock, owner.st_uid, owner.st_gid)
        assert embedded.running(shared) is None
        embedded.start(shared, PASSWORD)
        assert embedded.running(shared) not in (None, other.pid)


def test_socket_of_a_long_path(state: Path) -> None:
    deep = state / ("long" * 30)
    url = embedded.start(deep, PASSWORD)
    try:
        assert asyncio.run(_ask(url, "SELECT 1")) == 1
        socket = Path(url.partition("?host=")[2])
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    finally:
        embedded.stop(deep)
    shutil.rmtree(socket)
    socket.mkdir(mode=0o755)
    try:
        with pytest.raises(EmbeddedError, match="remove it"):
            embedded.start(deep, PASSWORD)
    finally:
        socket.rmdir()


def test_two_starts_at_once_make_one_server(state: Path) -> None:
    urls: list[str] = []
    threads = [
        threading.Thread(target=lambda: urls.append(embedded.start(state, PASSWORD)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(urls) == 3
    assert len(set(urls)) == 1


def test_first_start_killed_halfway_is_made_again(state: Path) -> None:
    half = state / "pg" / "new-half"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    embedded.start(state, PASSWORD)
    assert not half.exists()


def test_cluster_of_another_version_is_refused(state: Path) -> None:
    data = state / "pg" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="made by Postgres 16"):
        embedded.start(state, PASSWORD)


def test_reason_is_told_when_it_does_not_start(state: Path) -> None:
    embedded.start(state, PASSWORD)
    embedded.stop(state)
    (state / "pg" / "data" / "pg_hba.conf").write_text("nonsense\n")
    with pytest.raises(EmbeddedError, match="pg_hba"):
        embedded.start(state, PASSWORD)


@pytest.mark.parametrize("password", ["", "a\nb", "a\0b", "a\\b"])
def test_unfit_password_is_refused(state: Path, password: str) -> None:
    with pytest.raises(EmbeddedError, match="password"):
        embedded.start(state, password)


def test_state_that_cannot_be_made(state: Path) -> None:
    (state / "pg").write_text(secrets.token_hex(4))
    with pytest.raises(EmbeddedError, match="Cannot prepare"):
        embedded.start(state, PASSWORD)
