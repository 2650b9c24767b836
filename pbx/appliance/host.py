"""The machine: its distribution, its architecture, and which suite can give it an Asterisk."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path

from pbx.errors import ApplianceError

OLDEST = 20
"""The oldest major version of Asterisk that Sala drives."""

OS_RELEASE = Path("/etc/os-release")


@dataclass(frozen=True, slots=True)
class Architecture:
    """One processor family, as Debian, the GNU toolchain and the dynamic loader call it."""

    debian: str
    multiarch: str
    loader: str


_ARCHITECTURES = {
    "x86_64": Architecture("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": Architecture("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


@dataclass(frozen=True, slots=True)
class Distribution:
    """Debian or Ubuntu (or one built on them): its family, codename, name, archive keyrings."""

    family: str
    codename: str
    name: str

    @property
    def keyring_package(self) -> str:
        """The package that carries the keys with which this family signs its archive."""
        return {"debian": "debian-archive-keyring", "ubuntu": "ubuntu-keyring"}[self.family]

    @property
    def keyrings(self) -> tuple[Path, ...]:
        """Where that package puts the keyring, newest name first."""
        folder = Path("/usr/share/keyrings")
        return tuple(folder / f"{self.family}-archive-keyring.{kind}" for kind in ("pgp", "gpg"))

    @property
    def components(self) -> str:
        """The archive's components in which the PBX and all it needs lie."""
        return {"debian": "main", "ubuntu": "main universe"}[self.family]

    @property
    def origin(self) -> str:
        """The `Origin` field of this family's own archive."""
        return {"debian": "Debian", "ubuntu": "Ubuntu"}[self.family]

    @property
    def suites(self) -> tuple[str, ...]:
        """The suites to look for an Asterisk in, best first.

        The machine's own comes first, except where it is known to carry none that is new enough:
        the unpacked packages bring their own C library, so a newer suite's run on an older
        machine.
        """
        fallback = {"debian": "forky", "ubuntu": "noble"}[self.family]
        if self.codename in _WITHOUT or self.codename == fallback:
            return (fallback,)
        return (self.codename, fallback)


_WITHOUT = frozenset({"buster", "bullseye", "bookworm", "trixie", "bionic", "focal", "jammy"})


def architecture() -> Architecture:
    """Return the machine's architecture; `ApplianceError` if packages cannot be run on it."""
    machine = platform.machine()
    try:
        return _ARCHITECTURES[machine]
    except KeyError:
        raise ApplianceError(
            f"no bundled PBX for the {machine} architecture (only x86-64 and arm64): "
            f"install Asterisk {OLDEST} or later and name it with SALA_ASTERISK=/path/to/asterisk"
        ) from None


def distribution(os_release: str | None = None) -> Distribution:
    """Read which distribution this is, from the text of `os-release` (default: the machine's)."""
    if os_release is None:
        os_release = OS_RELEASE.read_text(encoding="utf-8") if OS_RELEASE.exists() else ""
    facts = {
        key: value.strip("\"'")
        for key, _, value in (line.strip().partition("=") for line in os_release.splitlines())
    }
    name = facts.get("PRETTY_NAME", "this system")
    kin = [facts.get("ID", ""), *facts.get("ID_LIKE", "").split()]
    family = next((one for one in kin if one in ("debian", "ubuntu")), None)
    if family is None:
        raise ApplianceError(
            f"{name} is neither Debian nor Ubuntu, so no PBX can be fetched for it: install "
            f"Asterisk {OLDEST} or later and name it with SALA_ASTERISK=/path/to/asterisk"
        )
    if facts.get("ID") == family:
        codename = facts.get("VERSION_CODENAME", "")
    else:
        codename = facts.get(f"{family.upper()}_CODENAME", "")
    # Debian's testing and unstable may carry no codename of their own.
    fallback = {"debian": "forky", "ubuntu": "noble"}[family]
    return Distribution(family, codename or fallback, name)


_VERSION = re.compile(r"Asterisk (?:\S*/)?(\d+)\.(\d+)(?:\.(\d+))?")
_PACKAGE_VERSION = re.compile(r"(?:\d+:)?(\d+)\.(\d+)(?:\.(\d+))?")

Version = tuple[int, int, int]


def _numbers(match: re.Match[str]) -> Version:
    major, minor, patch = match.groups("0")
    return int(major), int(minor), int(patch)


def asterisk_version(text: str) -> Version | None:
    """Read the version from what `asterisk -V` prints, such as `Asterisk 22.10.1~dfsg`."""
    match = _VERSION.search(text)
    return _numbers(match) if match else None


def package_version(text: str) -> Version | None:
    """Read the upstream version from a package's, such as `1:20.6.0~dfsg+~cs6.13-2build5`."""
    match = _PACKAGE_VERSION.match(text)
    return _numbers(match) if match else None
