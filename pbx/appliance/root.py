"""A PBX that can be run: the distribution's unpacked root, or an Asterisk of the machine's own."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pbx.appliance.host import OLDEST, Architecture, Version, asterisk_version
from pbx.errors import ApplianceError

log = logging.getLogger(__name__)

_VERSION_S = 20.0


@dataclass(frozen=True, slots=True)
class Tool:
    """A program to run: the words before its own arguments, and the environment it needs."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pbx:
    """An Asterisk, and where its parts lie.

    `argv` stands before Asterisk's own arguments. `sounds` holds the English prompts (`digits/`,
    `beep.wav`, …), `music` the music on hold as the package brings it. `root` is the unpacked root,
    None for an Asterisk of the machine's own.
    """

    argv: tuple[str, ...]
    version: Version
    modules: Path
    data: Path
    sounds: Path
    music: Path
    origin: str
    root: Path | None = None
    loader: tuple[str, ...] = ()

    @property
    def version_text(self) -> str:
        """The version as people write it: `22.10.1`."""
        return ".".join(map(str, self.version))

    def tool(self, name: str) -> Tool:
        """Return how to run `sipp`, `baresip` or another program that came with the root.

        For an Asterisk of the machine's own, the program is looked for on PATH. A root's baresip
        finds its modules by the `module_path` of its configuration: `baresip_modules`.
        """
        if self.root is not None:
            for folder in ("usr/bin", "usr/sbin", "bin", "sbin"):
                path = self.root / folder / name
                if path.is_file():
                    return Tool((*self.loader, str(path)))
        found = shutil.which(name)
        if found is None:
            package = {"sipp": "sip-tester", "baresip": "baresip-core"}.get(name, name)
            raise ApplianceError(f"{name} is not on PATH: sudo apt-get install {package}")
        return Tool((found,))

    @property
    def baresip_modules(self) -> Path:
        """Where baresip's modules lie."""
        base = self.root if self.root is not None else Path("/")
        for folder in ("usr/lib/baresip/modules", *_multiarch("baresip/modules", base)):
            if (base / folder).is_dir():
                return base / folder
        raise ApplianceError("baresip's modules are not here: sudo apt-get install baresip-core")

    def rx(self, conf: Path, command: str, *, timeout: float = 10.0) -> str:
        """Run one console command on the Asterisk that runs with `conf`, and return its output.

        Raises `ApplianceError` if none runs, or it does not answer in time.
        """
        argv = [*self.argv, "-C", str(conf), "-rx", command]
        try:
            done = subprocess.run(
                argv, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ApplianceError(f"Asterisk did not answer `{command}` in {timeout:.0f} s") from (
                error
            )
        output = done.stdout.decode("utf-8", "replace")
        if done.returncode != 0:
            raise ApplianceError(
                f"Asterisk does not run with {conf}: {(output or done.stderr.decode()).strip()}"
            )
        return output


def _multiarch(below: str, base: Path) -> list[str]:
    return [str(path.relative_to(base)) for path in sorted((base / "usr/lib").glob(f"*/{below}"))]


def _find(root: Path, name: str) -> Path:
    """Find a file by name below the library folders of a root."""
    for pattern in ("usr/lib/*", "lib/*", "usr/lib64", "lib64"):
        for folder in sorted(root.glob(pattern)):
            if (folder / name).is_file():
                return folder / name
    raise ApplianceError(f"the unpacked PBX in {root} has no {name}: run `sala setup` again")


def open_root(root: Path, arch: Architecture) -> Pbx:
    """Describe an unpacked root; `ApplianceError` if a part is missing or it does not run."""
    loader = _find(root, arch.loader)
    libraries = [
        str(path)
        for path in (root / "usr/lib" / arch.multiarch, root / "lib" / arch.multiarch)
        if path.is_dir()
    ]
    prefix = (str(loader), "--library-path", ":".join(libraries))
    argv = (*prefix, str(root / "usr/sbin/asterisk"))
    modules = next(
        (
            path
            for path in (
                root / "usr/lib" / arch.multiarch / "asterisk/modules",
                root / "usr/lib/asterisk/modules",
            )
            if path.is_dir()
        ),
        None,
    )
    data = root / "usr/share/asterisk"
    if modules is None:
        raise ApplianceError(f"the unpacked PBX in {root} has no modules: run `sala setup` again")
    return Pbx(
        argv=argv,
        version=read_version(argv),
        modules=modules,
        data=data,
        sounds=find_sounds(data),
        music=data / "moh",
        origin="bundled",
        root=root,
        loader=prefix,
    )


def read_version(argv: tuple[str, ...]) -> Version:
    """Run `asterisk -V`; `ApplianceError` if it is not an Asterisk that runs here."""
    try:
        done = subprocess.run(
            [*argv, "-V"],
            capture_output=True,
            text=True,
            timeout=_VERSION_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ApplianceError(f"{argv[-1]} cannot be run: {error}") from error
    version = asterisk_version(done.stdout)
    if version is None:
        said = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["nothing"]
        raise ApplianceError(
            f"{argv[-1]} -V does not tell a version of Asterisk; it said: {said[0]}"
        )
    return version


def find_sounds(data: Path) -> Path:
    """Find the folder of English prompts below an `astdatadir`."""
    sounds = data / "sounds"
    for folder in (sounds / "en", *sorted(sounds.glob("en*")), sounds):
        if any((folder / f"digits/1.{kind}").is_file() for kind in ("wav", "ulaw", "alaw", "sln")):
            return folder
    raise ApplianceError(
        f"no English prompts in WAV below {sounds}: "
        "sudo apt-get install asterisk-core-sounds-en-wav"
    )


_SETTING = re.compile(r"^\s*(ast\w+dir)\s*=>?\s*([^;\s]+)", re.MULTILINE)


def open_own(binary: Path) -> Pbx:
    """Describe an Asterisk of the machine's own, used as it is with its modules and data."""
    argv = (str(binary),)
    version = read_version(argv)
    if version[0] < OLDEST:
        raise ApplianceError(
            f"{binary} is Asterisk {'.'.join(map(str, version))}, and Sala needs {OLDEST} or later"
        )
    prefix = binary.resolve().parent.parent
    settings: dict[str, str] = {}
    for conf in (prefix / "etc/asterisk/asterisk.conf", Path("/etc/asterisk/asterisk.conf")):
        if conf.is_file() and os.access(conf, os.R_OK):
            settings = dict(_SETTING.findall(conf.read_text(encoding="utf-8", errors="replace")))
            break
    bases = list(dict.fromkeys((prefix, Path("/usr"), Path("/usr/local"))))
    modules = _first(
        [settings.get("astmoddir", ""), *(
            str(path)
            for base in bases
            for libraries in ("lib", "lib/*", "lib64")
            for path in sorted(base.glob(f"{libraries}/asterisk/modules"))
        )],
        "chan_pjsip.so",
        f"the modules of {binary} are not found: set astmoddir in its asterisk.conf",
    )  # fmt: skip
    data = _first(
        [settings.get("astdatadir", ""), *(f"{base}/share/asterisk" for base in bases),
         "/var/lib/asterisk"],
        "sounds",
        f"the sounds of {binary} are not found: sudo apt-get install asterisk-core-sounds-en-wav",
    )  # fmt: skip
    return Pbx(
        argv=argv,
        version=version,
        modules=modules,
        data=data,
        sounds=find_sounds(data),
        music=data / "moh",
        origin="own",
    )


def _first(folders: list[str], holding: str, otherwise: str) -> Path:
    for folder in folders:
        if folder and (Path(folder) / holding).exists():
            return Path(folder)
    raise ApplianceError(otherwise)
