"""Running Postgres when we are root, which it refuses.

Nothing is changed on the machine for it: no user is added and no folder is opened.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
from pathlib import Path

from crm.errors import EmbeddedError

_DAC_READ_SEARCH = 2
"""capabilities(7), by its bit number: pass and read what file modes close."""


def user(data: Path) -> pwd.struct_passwd | None:
    """Return the user to run as when we are root; else None.

    The owner of data that is there already, else `postgres` or `nobody`: none is added.
    """
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(OSError, KeyError):
        owner = data.stat().st_uid
        if owner != 0:
            return pwd.getpwuid(owner)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError(
        "Postgres does not run as root, and there is neither a user postgres nor nobody to run it "
        "as: start Sala as an ordinary user, or give a server of your own by SALA_DATABASE_URL."
    )


def run_as(user: pwd.struct_passwd, *needed: Path) -> list[str]:
    """Return the command that drops root for `user`.

    Where that user cannot walk down to the `needed` folders (say, below /root), the process
    keeps the one capability that lets it pass closed folders, rather than our opening them.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(
            "Postgres does not run as root, and setpriv (package util-linux) is missing: install "
            "it, start Sala as an ordinary user, or set SALA_DATABASE_URL."
        )
    capability = ""
    if not all(_reachable(path.resolve(), user) for path in needed):
        capability = ",+dac_read_search" if _holds(_DAC_READ_SEARCH) else ",+dac_override"
    return [
        setpriv,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        f"--inh-caps=-all{capability}",
        f"--ambient-caps=-all{capability}",
    ]


def _reachable(path: Path, user: pwd.struct_passwd) -> bool:
    for folder in path.parents:
        status = folder.stat()
        if status.st_uid == user.pw_uid:
            needed = stat.S_IXUSR
        elif status.st_gid == user.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            return False
    return True


def _holds(capability: int) -> bool:
    """Tell whether this process may hand on a capability (capabilities(7), bit number)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return bool(int(line.split()[1], 16) >> capability & 1)
    return False
