"""Secrets: generated at first start, kept in one file that only its owner may read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets as random_source
import stat
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sala.errors import SecretsError
from sala.paths import make_private

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that are not taken for each other when typed into a phone."""

LENGTH = 20
"""Characters of a secret: 20 out of 31 are 99 bits."""

_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,32}")
_SECRET = re.compile(r"[!-~]{8,128}")


@dataclass(frozen=True, slots=True)
class Secrets:
    """All secrets of one state folder. Their values never show in `repr`."""

    ami: str = field(repr=False)
    """The AMI account's secret."""
    database: str = field(repr=False)
    """The embedded database's password."""
    sip: Mapping[str, str] = field(repr=False)
    """SIP account name → secret."""


def check_account(account: str) -> None:
    """Raise `SecretsError` for a name that cannot be a SIP account's."""
    if not _ACCOUNT.fullmatch(account):
        raise SecretsError(f'"{account}" cannot be a SIP account: use 1 to 32 of A-Z a-z 0-9 _ -')


def generate() -> str:
    """Make one new secret."""
    return "".join(random_source.choice(ALPHABET) for _ in range(LENGTH))


def load(path: Path) -> Secrets:
    """Read the secrets.

    Raises `SecretsError` when the file is missing, damaged, or can be read by others.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise SecretsError(
                    f"{path} can be read by others (mode {mode:04o}); run: chmod 600 {path}"
                )
            content = tomllib.load(file)
    except FileNotFoundError as error:
        raise SecretsError(f"{path} is missing; run: sala setup") from error
    except OSError as error:
        raise SecretsError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SecretsError(
            f"{path} is damaged ({error}); put it back from a copy, "
            "or move it away to have new secrets made"
        ) from error
    return _checked(path, content)


def ensure(path: Path, accounts: Iterable[str] = ()) -> Secrets:
    """Read the secrets, making the file, or what it lacks, first.

    `accounts` are SIP accounts that must have a secret. Those already there are kept, so a phone
    once set up stays set up. Safe against another process that does the same.
    """
    make_private(path.parent)
    with _locked(path):
        known = load(path) if path.exists() else None
        sip = dict(known.sip) if known else {}
        for account in accounts:
            check_account(account)
            sip.setdefault(account, generate())
        wanted = Secrets(
            ami=known.ami if known else generate(),
            database=known.database if known else generate(),
            sip=sip,
        )
        if wanted != known:
            _write(path, wanted)
        return wanted


def forget(path: Path, account: str) -> None:
    """Remove a SIP account's secret. Does nothing if it has none."""
    with _locked(path):
        known = load(path)
        if account in known.sip:
            sip = {name: secret for name, secret in known.sip.items() if name != account}
            _write(path, Secrets(ami=known.ami, database=known.database, sip=sip))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path.with_name(".secrets.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _checked(path: Path, content: Mapping[str, object]) -> Secrets:
    def text(name: str, value: object) -> str:
        if not isinstance(value, str) or not _SECRET.fullmatch(value):
            raise SecretsError(f"{path}: {name} must be 8 to 128 printable characters in quotes")
        if '"' in value or "\\" in value or ";" in value:
            raise SecretsError(f'{path}: {name} must not hold ", \\ or ;')
        return value

    sip = content.get("sip", {})
    if not isinstance(sip, Mapping):
        raise SecretsError(f"{path}: [sip] must be a table of account = secret")
    return Secrets(
        ami=text("ami", content.get("ami")),
        database=text("database", content.get("database")),
        sip={str(name): text(f"sip.{name}", value) for name, value in sip.items()},
    )


def _write(path: Path, secrets: Secrets) -> None:
    lines = [
        "# Generated. Keep this file to yourself (mode 0600).",
        f'ami = "{secrets.ami}"',
        f'database = "{secrets.database}"',
        "",
        "[sip]",
        *(f'"{name}" = "{secret}"' for name, secret in sorted(secrets.sip.items())),
        "",
    ]
    write_private(path, "\n".join(lines))


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, mode 0600: readers see the old text or the new, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
