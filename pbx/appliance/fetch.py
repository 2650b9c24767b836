"""Find the PBX, or fetch it: `ensure` before a start, `refresh` to take newer packages."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from pbx.appliance import apt
from pbx.appliance.cache import Progress, Store, cache_folder, explain_os_error
from pbx.appliance.host import (
    OLDEST,
    Architecture,
    Distribution,
    architecture,
    distribution,
)
from pbx.appliance.root import Pbx, open_own, open_root
from pbx.appliance.unpack import unpack
from pbx.errors import ApplianceError

log = logging.getLogger(__name__)

PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en-wav",
    "asterisk-moh-opsound-wav",
    "baresip-core",
    "sip-tester",
)
"""What the root is made of: the PBX, its sounds, and the SIP clients of the lab."""

_UNPACKED_PER_ARCHIVE = 5
"""Disk needed for a byte of archive: itself, and what it unpacks to (3 to 4 times as much)."""


def store(cache: Path | None = None) -> Store:
    """Return the store of unpacked roots."""
    return Store((cache or cache_folder()) / "pbx")


def ensure(progress: Progress, *, asterisk: str = "", cache: Path | None = None) -> Pbx:
    """Return a PBX that can be run, fetching one if there is none.

    `asterisk` is the path of the admin's own binary; if empty, an `asterisk` on PATH is taken if
    it is new enough, else the bundled one. Once fetched, the bundled one is found without
    touching the network. May take a minute the first time; blocking, so call it in a thread.

    Raises `ApplianceError` with what to do about it.
    """
    if asterisk:
        path = Path(asterisk).expanduser().absolute()
        if not path.is_file():
            raise ApplianceError(f"asterisk = {asterisk!r} in the settings: there is no such file")
        return open_own(path)
    found = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if found:
        try:
            return open_own(Path(found))
        except ApplianceError as error:
            progress(f"{error}; the bundled PBX is used instead", None)
    return bundled(progress, cache=cache)


def bundled(progress: Progress, *, cache: Path | None = None) -> Pbx:
    """Return the bundled PBX, fetching it unless it is in the cache."""
    arch = architecture()
    roots = store(cache)
    if pbx := _cached(roots, arch):
        return pbx
    with roots.lock(progress):
        # Another set-up may have fetched it while this one waited.
        return _cached(roots, arch) or _fetch(roots, arch, progress)


def refresh(progress: Progress, *, cache: Path | None = None) -> Pbx:
    """Look for newer packages, fetch them if there are any, and return the PBX they make.

    The root used before is kept, for an Asterisk that still runs from it.
    """
    arch = architecture()
    roots = store(cache)
    with roots.lock(progress):
        return _fetch(roots, arch, progress)


def _pointer(arch: Architecture) -> str:
    return f"current-{arch.debian}"


def _cached(roots: Store, arch: Architecture) -> Pbx | None:
    facts = roots.pointed(_pointer(arch))
    if facts is None:
        return None
    return open_root(roots.folder / str(facts["key"]) / "root", arch)


def key_of(archives: Sequence[apt.Archive]) -> str:
    """Name a root by what it is made of: package names, versions and architectures."""
    names = "\n".join(sorted(archive.file for archive in archives))
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def _fetch(roots: Store, arch: Architecture, progress: Progress) -> Pbx:
    host = distribution()
    apt.need_commands()
    keyring = apt.find_keyring(host)
    try:
        with roots.scratch() as scratch:
            world, version = _open_suite(scratch / "apt", host, keyring, arch, progress)
            archives = world.resolve(PACKAGES, progress)
            key = key_of(archives)
            old = roots.pointed(_pointer(arch)) or {}
            if not roots.intact(key):
                _make(roots, scratch, world, archives, key, arch, progress)
            roots.point(
                _pointer(arch),
                {
                    "key": key,
                    "asterisk": version,
                    "suite": world.suite,
                    "packages": len(archives),
                    "checked": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                },
            )
            before = (
                str(old.get("key", "")) if old.get("key") != key else str(old.get("before", ""))
            )
            roots.prune({key, before})
    except OSError as error:
        raise explain_os_error(error, "cannot fetch the PBX") from error
    pbx = _cached(roots, arch)
    assert pbx is not None
    log.info("bundled PBX is ready", extra={"action": "appliance.fetched", "version": version})
    return pbx


def _open_suite(
    folder: Path, host: Distribution, keyring: Path, arch: Architecture, progress: Progress
) -> tuple[apt.Apt, str]:
    """Find a mirror and a suite with a new enough Asterisk; return its apt world and version."""
    failure = ApplianceError(
        f"no suite of {host.name} carries Asterisk {OLDEST} or later: install one and name it "
        "with SALA_ASTERISK=/path/to/asterisk"
    )
    tries = [
        (mirror, suite) for mirror in apt.find_mirrors(host, progress) for suite in host.suites
    ]
    for number, (mirror, suite) in enumerate(tries):
        world = apt.Apt(folder / str(number), mirror, suite, keyring, host.components, arch.debian)
        try:
            world.update(progress)
        except ApplianceError as error:
            failure = error
            continue
        version = world.candidate("asterisk", progress)
        if version and version[0] >= OLDEST:
            return world, ".".join(map(str, version))
    raise failure


def _make(
    roots: Store,
    scratch: Path,
    world: apt.Apt,
    archives: Sequence[apt.Archive],
    key: str,
    arch: Architecture,
    progress: Progress,
) -> None:
    total = sum(archive.size for archive in archives)
    roots.need_space(total * _UNPACKED_PER_ARCHIVE)
    world.download(PACKAGES, total, progress)
    files = sorted(world.archives.glob("*.deb"))
    if len(files) != len(archives):
        raise ApplianceError("apt-get did not fetch all packages: try again")
    made = scratch / "made"
    unpack(files, made / "root", progress)
    pbx = open_root(made / "root", arch)
    vital = (
        Path(pbx.argv[-1]),
        Path(pbx.loader[0]),
        pbx.modules / "chan_pjsip.so",
        pbx.sounds / "digits/1.wav",
        made / "root/usr/bin/sipp",
        made / "root/usr/bin/baresip",
    )
    roots.publish(made, key, [str(path.relative_to(made)) for path in vital])


__all__ = ["PACKAGES", "Pbx", "bundled", "ensure", "refresh", "store"]
