"""The per-user cache: where fetched things lie, and how they get there whole.

A `Store` holds folders that are expensive to make and never change once made. Its rules:

* a folder is made in a scratch folder beside the others and renamed into place in one step;
* its seal (`sealed.json`, written last) lists the size of the files that matter, so that a folder
  that was cut short or damaged is not trusted;
* a pointer file says which folder is current, and is replaced in one step;
* makers hold one lock (`flock`), which the kernel releases however the holder dies. What a dead
  maker left is removed by the next one, under the lock.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pbx.errors import ApplianceError

log = logging.getLogger(__name__)

Progress = Callable[[str, float | None], None]
"""Told what is being done and how far it is (0.0 to 1.0; None when that is not known)."""

_SCRATCH = ".tmp-"
_SEAL = "sealed.json"
_WAIT_S = 1800.0
_POLL_S = 0.2
_TELL_S = 2.0


def cache_folder() -> Path:
    """Return the user's cache folder: `$SALA_CACHE`, `$XDG_CACHE_HOME/sala` or `~/.cache/sala`."""
    if own := os.environ.get("SALA_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "sala"
    try:
        return Path.home() / ".cache" / "sala"
    except RuntimeError as error:
        raise ApplianceError(
            "no home folder to keep a cache in: set SALA_CACHE to a folder you may write"
        ) from error


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a small text file in one step; readers see the old or the new one, never half."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Store:
    """One folder of the cache, holding sealed folders named by key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ApplianceError(
                f"cannot make the cache folder {self.folder} ({error.strerror}): "
                "set SALA_CACHE to a folder you may write"
            ) from error

    @contextmanager
    def lock(self, progress: Progress) -> Iterator[None]:
        """Hold the store's lock; while another process holds it, wait and say so.

        Raises `ApplianceError` after half an hour.
        """
        self._make_folder()
        path = self.folder / "lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ApplianceError(
                f"cannot write {path} ({error.strerror}): set SALA_CACHE to a folder you may write"
            ) from error
        try:
            self._wait_for(handle, path, progress)
            yield
        finally:
            os.close(handle)

    @staticmethod
    def _wait_for(handle: int, path: Path, progress: Progress) -> None:
        started = time.monotonic()
        told = -_TELL_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = time.monotonic() - started
                if waited > _WAIT_S:
                    raise ApplianceError(
                        f"another set-up has held {path} for {waited:.0f} s: "
                        "end that process, then try again"
                    ) from None
                if waited - told >= _TELL_S:
                    told = waited
                    progress("waiting for another set-up to finish", None)
                time.sleep(_POLL_S)  # a blocking flock() could neither give up nor tell
            else:
                return

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend an empty folder on the same file system; what remains of it is removed.

        To be called under `lock`: it first removes what makers that were killed have left.
        """
        for stale in self.folder.glob(f"{_SCRATCH}*"):
            log.info("removing what a killed set-up left", extra={"action": "cache.sweep"})
            shutil.rmtree(stale, ignore_errors=True)
        path = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-", dir=self.folder))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def publish(self, made: Path, key: str, files: Iterable[str]) -> Path:
        """Seal a finished scratch folder over `files` (relative names) and move it to its place.

        A folder already there under this key is kept if its seal holds, else replaced.
        """
        sizes = {name: (made / name).stat().st_size for name in files}
        write_atomically(made / _SEAL, json.dumps({"files": sizes}, indent=1) + "\n")
        target = self.folder / key
        if self.intact(key):
            return target
        if target.exists():
            doomed = self.folder / f"{_SCRATCH}{os.getpid()}-old"
            target.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)
        made.chmod(0o755)
        made.rename(target)
        return target

    def intact(self, key: str) -> bool:
        """Tell whether the folder of this key is there, sealed, and as it was sealed."""
        folder = self.folder / key
        try:
            sizes = json.loads((folder / _SEAL).read_text(encoding="utf-8"))["files"]
            return bool(sizes) and all(
                (folder / name).stat().st_size == size for name, size in sizes.items()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def point(self, name: str, facts: Mapping[str, object]) -> None:
        """Set the pointer `name`; `facts` must hold the `key` it points at."""
        write_atomically(self.folder / f"{name}.json", json.dumps(facts, indent=1) + "\n")

    def pointed(self, name: str) -> dict[str, object] | None:
        """Read the pointer `name`; None if there is none or what it points at is not intact."""
        try:
            facts = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
            return facts if self.intact(str(facts["key"])) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def prune(self, keep: Iterable[str]) -> None:
        """Remove sealed folders that are not to be kept. To be called under `lock`."""
        kept = set(keep)
        for seal in self.folder.glob(f"*/{_SEAL}"):
            if seal.parent.name not in kept and not seal.parent.name.startswith(_SCRATCH):
                shutil.rmtree(seal.parent, ignore_errors=True)

    def need_space(self, wanted: int) -> None:
        """Raise `ApplianceError` unless `wanted` bytes are free."""
        free = shutil.disk_usage(self.folder).free
        if free < wanted:
            raise ApplianceError(
                f"{self.folder} has {free >> 20} MB free and {wanted >> 20} MB are needed: "
                "free some space, or set SALA_CACHE to a folder on another disk"
            )


def explain_os_error(error: OSError, doing: str) -> ApplianceError:
    """Turn an operating system's error into one that says what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "the disk is full: free some space, or set SALA_CACHE to a folder on another disk"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "set SALA_CACHE to a folder you may write"
    else:
        hint = "see the reason above"
    return ApplianceError(f"{doing}: {error.strerror or error} ({error.filename}); {hint}")
