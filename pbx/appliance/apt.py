"""Packages from the distribution's archive, without root and without touching the system's own.

An `Apt` is one private world for `apt-get`: its own state, cache and sources list, and an empty
status file, so that apt resolves everything down to the C library. The mirror and its proxy come
from the machine's own apt configuration; the signatures are verified with the distribution's
keyring, always.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pbx.appliance.cache import Progress
from pbx.appliance.host import Distribution, Version, package_version
from pbx.appliance.process import dies_with_parent, environment
from pbx.errors import ApplianceError

log = logging.getLogger(__name__)

_TICK_S = 1.0
_SILENCE_S = 180.0
_ANSWER_S = 120.0
_CHOOSING = "choosing packages"


@dataclass(frozen=True, slots=True)
class Archive:
    """One package's archive as apt means to fetch it: file name and size in bytes."""

    file: str
    size: int


def mirrors_from_targets(text: str, origin: str, codename: str) -> list[str]:
    """Pick mirrors from `apt-get indextargets` lines `repo-uri|origin|codename|component`.

    The archive's own come in the order of the machine's configuration; those that carry the
    machine's release itself (not its updates or security suites) first.
    """
    own: list[str] = []
    others: list[str] = []
    for line in text.splitlines():
        uri, _, rest = line.partition("|")
        if rest.split("|")[0] != origin or "security" in uri:
            continue
        (own if rest.split("|")[1] == codename else others).append(uri)
    return list(dict.fromkeys(own + others))


_RELEASE_URI = re.compile(r"^'([^']+/)dists/([^/']+)/(?:In)?Release'")


def mirrors_from_uris(text: str, codename: str) -> list[str]:
    """Pick mirrors from `apt-get update --print-uris`, for a machine without package lists.

    An address that carries both a release and its `-updates` is the distribution's archive
    rather than a third party's, so it comes first.
    """
    found: dict[str, set[str]] = {}
    for match in map(_RELEASE_URI.match, text.splitlines()):
        if match:
            found.setdefault(match[1], set()).add(match[2])
    candidates = [
        uri
        for uri, suites in found.items()
        if "security" not in uri
        and suites & {codename, "stable", "oldstable", "testing", "unstable", "sid"}
    ]
    return sorted(
        candidates, key=lambda uri: not any(suite.endswith("-updates") for suite in found[uri])
    )


def archives_from_uris(text: str) -> list[Archive]:
    """Read the archives from `apt-get install --print-uris`."""
    archives = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 3 and line.startswith("'") and fields[1].endswith(".deb"):
            archives.append(Archive(fields[1], int(fields[2])))
    return archives


def candidate_from_policy(text: str) -> Version | None:
    """Read the candidate's upstream version from `apt-cache policy`; None if there is none."""
    match = re.search(r"^\s+Candidate: (\S+)", text, re.MULTILINE)
    return package_version(match[1]) if match else None


def find_keyring(distribution: Distribution) -> Path:
    """Return the distribution's archive keyring, or say which package brings it."""
    for path in distribution.keyrings:
        if path.is_file():
            return path
    raise ApplianceError(
        f"the keys of {distribution.name}'s archive are missing, so packages cannot be verified: "
        f"sudo apt-get install {distribution.keyring_package}"
    )


def need_commands() -> None:
    """Raise `ApplianceError` unless apt and dpkg are here."""
    for command, package in (("apt-get", "apt"), ("apt-cache", "apt"), ("dpkg-deb", "dpkg")):
        if shutil.which(command) is None:
            raise ApplianceError(
                f"{command} is missing (package {package}), so no PBX can be fetched: install "
                "Asterisk 20 or later and name it with SALA_ASTERISK=/path/to/asterisk"
            )


def find_mirrors(distribution: Distribution, progress: Progress) -> list[str]:
    """Return the addresses of the archive from the machine's own apt configuration."""
    targets = _output(
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)|$(ORIGIN)|$(CODENAME)|$(COMPONENT)",
        "Created-By: Packages",
        progress=progress,
        what="looking for a mirror",
    )
    mirrors = mirrors_from_targets(targets, distribution.origin, distribution.codename)
    if not mirrors:
        uris = _output(
            "apt-get",
            "-o",
            "Debug::NoLocking=1",
            "update",
            "--print-uris",
            progress=progress,
            what="looking for a mirror",
        )
        mirrors = mirrors_from_uris(uris, distribution.codename)
    if not mirrors:
        raise ApplianceError(
            f"this machine's apt configuration names no mirror of {distribution.name}'s archive: "
            "add one to /etc/apt/sources.list (or sources.list.d), then try again"
        )
    return mirrors


def _output(*argv: str, progress: Progress, what: str) -> str:
    """Run a command and return what it prints, telling that it goes on at least every second."""
    progress(what, None)
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
        preexec_fn=dies_with_parent(),
    ) as process:
        deadline = time.monotonic() + _ANSWER_S
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=_TICK_S)[0]
            progress(what, None)
        process.kill()
    raise ApplianceError(f"{argv[0]} did not finish in {_ANSWER_S:.0f} s: try again")


class Apt:
    """A private apt world in `folder`, looking at one suite of one mirror."""

    def __init__(
        self, folder: Path, mirror: str, suite: str, keyring: Path, components: str, arch: str
    ) -> None:
        self.folder = folder
        self.suite = suite
        self.archives = folder / "cache" / "archives"
        for made in (folder / "state" / "lists" / "partial", self.archives / "partial"):
            made.mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        sources = folder / "sources.list"
        options = f"signed-by={keyring} arch={arch} target=Packages"
        sources.write_text(f"deb [{options}] {mirror} {suite} {components}\n", encoding="utf-8")
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::State::lists": folder / "state" / "lists",
            "Dir::Cache": folder / "cache",
            "Dir::Cache::archives": self.archives,
            "Dir::Etc::sourcelist": sources,
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": arch,
            "APT::Architectures": arch,
            "APT::Default-Release": "",
            "APT::Sandbox::User": "",
            "APT::Get::AllowUnauthenticated": "false",
            "APT::Update::Error-Mode": "any",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
            "Debug::NoLocking": "1",
        }
        self._options = [
            part for key, value in settings.items() for part in ("-o", f"{key}={value}")
        ]

    def update(self, progress: Progress) -> None:
        """Fetch and verify the suite's index."""
        self._run(["update"], progress, f"reading the package index ({self.suite})", 0)

    def candidate(self, package: str, progress: Progress) -> Version | None:
        """Return the upstream version of the suite's package, None if it has none."""
        return candidate_from_policy(
            _output(
                "apt-cache", *self._options, "policy", package, progress=progress, what=_CHOOSING
            )
        )

    def resolve(self, packages: Sequence[str], progress: Progress) -> list[Archive]:
        """List the archives of these packages and of everything they depend on."""
        argv = ["apt-get", *self._options, "-y", "-qq", "--no-install-recommends"]
        archives = archives_from_uris(
            _output(*argv, "install", "--print-uris", *packages, progress=progress, what=_CHOOSING)
        )
        if not archives:
            raise ApplianceError(
                f"the suite {self.suite} cannot give {', '.join(packages)} together just now "
                "(its packages are changing): try again later, or install Asterisk 20 or later "
                "and name it with SALA_ASTERISK=/path/to/asterisk"
            )
        return archives

    def download(self, packages: Sequence[str], total: int, progress: Progress) -> None:
        """Download and verify what `resolve` listed, `total` bytes, into `archives`."""
        self._run(
            ["install", "-y", "--download-only", "--no-install-recommends", *packages],
            progress,
            "downloading the PBX",
            total,
        )

    def _run(self, command: Sequence[str], progress: Progress, what: str, total: int) -> None:
        """Run apt-get, telling its progress from its status pipe at least every second."""
        reader, writer = os.pipe()
        argv = ["apt-get", *self._options, "-o", f"APT::Status-Fd={writer}", "-q", *command]
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(writer,),
                env=environment(),
                preexec_fn=dies_with_parent(),
            )
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        try:
            errors = self._follow(process, reader, progress, what, total)
            code = process.wait(timeout=30)
        finally:
            os.close(reader)
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stderr:
                process.stderr.close()
        if code != 0:
            raise ApplianceError(explain_apt(errors, self.suite))

    def _follow(
        self,
        process: subprocess.Popen[bytes],
        reader: int,
        progress: Progress,
        what: str,
        total: int,
    ) -> str:
        assert process.stderr is not None
        errors = bytearray()
        status = bytearray()
        done: float | None = None
        heard = told = time.monotonic()
        progress(what, None)
        with selectors.DefaultSelector() as selector:
            selector.register(reader, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(_TICK_S):
                    chunk = os.read(key.fd, 65536)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fd == reader:
                        heard = time.monotonic()
                        status += chunk
                        *lines, rest = bytes(status).split(b"\n")
                        status = bytearray(rest)
                        done = _fraction(lines) or done
                    else:
                        errors = (errors + chunk)[-65536:]
                now = time.monotonic()
                if now - told >= _TICK_S:
                    told = now
                    progress(_amount(what, done, total), done)
                if now - heard > _SILENCE_S:
                    process.kill()
                    raise ApplianceError(
                        f"the mirror has sent nothing for {_SILENCE_S:.0f} s: check the network, "
                        "then try again"
                    )
        return errors.decode("utf-8", "replace")


def _fraction(lines: Sequence[bytes]) -> float | None:
    """Read the last download percentage of apt's status lines, `dlstatus:1:42.0000:text`."""
    for line in reversed(lines):
        fields = line.split(b":")
        if len(fields) >= 3 and fields[0] == b"dlstatus":
            with contextlib.suppress(ValueError):
                return min(1.0, float(fields[2]) / 100)
    return None


def _amount(what: str, done: float | None, total: int) -> str:
    if not total or done is None:
        return what
    return f"{what}: {done * total / 1e6:.0f} of {total / 1e6:.0f} MB"


def explain_apt(errors: str, suite: str) -> str:
    """Turn apt's complaints into one message that says what to do."""
    lines = [line for line in errors.splitlines() if line.startswith(("E:", "W:"))]
    reason = lines[0][3:] if lines else "it gave no reason"
    hints = (
        (r"NO_PUBKEY|is not signed|BADSIG|EXPKEYSIG|signature|Missing key",
         "the archive's signature cannot be verified; update the keyring package "
         "(sudo apt-get install --only-upgrade debian-archive-keyring ubuntu-keyring)"),
        (r"No space left|Write error", "free some disk space, or set SALA_CACHE to another disk"),
        (r"is not valid yet|expired", "check this machine's clock, or its mirror's freshness"),
        (r"does not have a Release file|404 ",
         f"the mirror does not carry {suite}; name one that does in /etc/apt/sources.list"),
        (r"resolv|connect|unreachable|timed out|Timeout|Failed to fetch",
         "check the network, and the proxy and mirror in /etc/apt, then try again"),
    )  # fmt: skip
    for pattern, hint in hints:
        if re.search(pattern, errors, re.IGNORECASE):
            return f"apt-get: {reason}\n{hint}"
    return f"apt-get: {reason}"
