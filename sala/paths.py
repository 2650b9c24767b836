"""Where things lie in the state folder."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sala.errors import UserError

SOCKET_PATH_BYTES = 107
"""Longest path a unix socket can be bound to: `sun_path` of unix(7) less its closing NUL."""


@dataclass(frozen=True, slots=True)
class StatePaths:
    """The layout of one state folder. `root` is absolute; nothing here touches the disk."""

    root: Path

    @property
    def secrets(self) -> Path:
        """Generated secrets (mode 0600)."""
        return self.root / "secrets.toml"

    @property
    def postgres(self) -> Path:
        """The embedded database's own folder."""
        return self.root / "pg"

    @property
    def asterisk(self) -> Path:
        """The PBX's folder: `etc`, `run`, `log`, `spool` and `db` lie in it."""
        return self.root / "asterisk"

    @property
    def asterisk_etc(self) -> Path:
        """The PBX's rendered configuration."""
        return self.asterisk / "etc"

    @property
    def media(self) -> Path:
        """Rendered prompts and music on hold."""
        return self.root / "media"

    @property
    def music(self) -> Path:
        """Music on hold: links to what came with the PBX, and an admin's own files."""
        return self.root / "music"

    @property
    def callbacks(self) -> Path:
        """Callback requests taken while the service was away, one file each."""
        return self.root / "spool" / "callbacks"

    @property
    def rows(self) -> Path:
        """Rows that the database could not take yet."""
        return self.root / "spool" / "rows.sqlite"

    @property
    def recordings(self) -> Path:
        """Recordings of callers and calls."""
        return self.root / "recordings"

    @property
    def logs(self) -> Path:
        """Log files of the service and of what `sala up` supervises."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Process ids."""
        return self.root / "run"

    @property
    def lock(self) -> Path:
        """Held by the one `sala up` that owns this folder; holds its process id."""
        return self.run / "up.lock"

    @property
    def control_socket(self) -> Path:
        """The service's control socket.

        It is `control.sock` in the state folder, unless that path is longer than a unix socket
        may have; then it lies in a short folder of this user's own, named after the state folder.
        """
        path = self.root / "control.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
            return path
        return self._short_runtime() / "control.sock"

    def _short_runtime(self) -> Path:
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        base = os.environ.get("XDG_RUNTIME_DIR")
        if base and len(os.fsencode(base)) <= 60 and Path(base).is_dir():
            return Path(base) / f"sala-{name}"
        return Path(tempfile.gettempdir()) / f"sala-{os.getuid()}-{name}"

    def create(self) -> None:
        """Make every folder, mode 0700. Does nothing to those that are there and private.

        Raises `UserError` when a folder cannot be made, or belongs to somebody else.
        """
        folders = [
            self.root,
            self.asterisk,
            self.media,
            self.music,
            self.callbacks.parent,
            self.callbacks,
            self.recordings,
            self.logs,
            self.run,
        ]
        socket = self.control_socket
        if socket.parent != self.root:
            folders.append(socket.parent)
        for folder in folders:
            make_private(folder)


def make_private(folder: Path) -> None:
    """Make a folder of mode 0700, or take others' rights to it away.

    Raises `UserError` when that cannot be, or when the folder belongs to another user.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except FileExistsError as error:
        raise UserError(f"{folder} is needed as a folder, but a file is there") from error
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode) and not folder.is_dir():
        raise UserError(f"{folder} is not a folder")
    if not stat.S_ISLNK(status.st_mode):
        if status.st_uid != os.getuid():
            raise UserError(
                f"{folder} belongs to another user (uid {status.st_uid}); "
                "use another state folder (setting: state)"
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            folder.chmod(0o700)
