"""What an instance reads besides its configuration: prompts, music on hold, documentation.

All of it is derived once from the PBX's own files, kept in the cache, and linked to.
"""

from __future__ import annotations

import hashlib
import logging
import os
import wave
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

from pbx.appliance import g711
from pbx.appliance.cache import Progress, Store, cache_folder, explain_os_error
from pbx.appliance.root import Pbx
from pbx.errors import ApplianceError

log = logging.getLogger(__name__)

_MAKE = "1"
"""Part of every key: raised when what is made from the same files changes."""

_LAWS = ("ulaw", "alaw")
_DOCUMENTED = frozenset({"configInfo", "manager", "application", "function", "agi"})
_PROSE = frozenset({"description", "see-also", "since", "syntax", "responses", "synopsis"})


def _store(cache: Path | None) -> Store:
    return Store((cache or cache_folder()) / "derived")


def _key(kind: str, files: Iterable[Path], place: Path | None = None) -> str:
    """Name what is made of these files; `place` is a folder that it will link to."""
    told = hashlib.sha256(f"{kind} {_MAKE} {place}\n".encode())
    for file in files:
        stat = file.stat()
        told.update(f"{file.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return f"{kind}-{told.hexdigest()[:16]}"


def data_folder(pbx: Pbx, progress: Progress, *, cache: Path | None = None) -> Path:
    """Return an `astdatadir` for any instance of this PBX: its prompts, and slim documentation.

    Asterisk refuses configuration options that its XML documentation does not name, and keeps all
    of that documentation in memory. Without its prose half of the idle process's memory is saved.
    """
    folder = pbx.data / "documentation"
    documents = sorted(folder.glob("core-*.xml"))
    if not documents:
        raise ApplianceError(
            f"{folder} holds no core-en_US.xml, without which Asterisk does not start: "
            "reinstall the asterisk package"
        )
    store = _store(cache)
    key = _key("data", documents, pbx.sounds)
    if store.intact(key):
        return store.folder / key
    try:
        with store.lock(progress):
            if store.intact(key):
                return store.folder / key
            with store.scratch() as scratch:
                made = scratch / "made"
                (made / "documentation/thirdparty").mkdir(parents=True)
                for document in documents:
                    _slim(document, made / "documentation" / document.name)
                (made / "sounds").mkdir()
                (made / "sounds/en").symlink_to(pbx.sounds)
                names = [f"documentation/{document.name}" for document in documents]
                return store.publish(made, key, names)
    except OSError as error:
        raise explain_os_error(error, "cannot make the PBX's data folder") from error


def _slim(document: Path, out: Path) -> None:
    """Copy Asterisk's documentation without its prose: the names are all that it checks."""
    tree = ElementTree.parse(document)  # noqa: S314 - a file of the verified package
    root = tree.getroot()

    def strip(element: ElementTree.Element) -> None:
        element.text = element.tail = None
        for child in list(element):
            if child.tag in _PROSE:
                element.remove(child)
            else:
                strip(child)

    for child in list(root):
        if child.tag in _DOCUMENTED:
            strip(child)
            # An element without any child counts as missing.
            ElementTree.SubElement(child, "synopsis")
        else:
            root.remove(child)
    tree.write(out, encoding="utf-8", xml_declaration=True)


def music_on_hold(
    pbx: Pbx, into: Path, progress: Progress, *, cache: Path | None = None
) -> list[Path]:
    """Put the package's music on hold into `into`, as µ-law and A-law; return what is there.

    Music in the trunk's own coding costs no transcoding. The files are links into the cache; an
    admin's own files in the folder are left alone. Takes about a second the first time.
    """
    sources = sorted(pbx.music.glob("*.wav"))
    if not sources:
        raise ApplianceError(
            f"no music on hold in WAV in {pbx.music}: sudo apt-get install asterisk-moh-opsound-wav"
        )
    store = _store(cache)
    key = _key("music", sources)
    try:
        if not store.intact(key):
            with store.lock(progress):
                if not store.intact(key):
                    _convert(store, key, sources, progress)
        return _link(store.folder / key, into)
    except OSError as error:
        raise explain_os_error(error, "cannot make the music on hold") from error


def _convert(store: Store, key: str, sources: list[Path], progress: Progress) -> None:
    with store.scratch() as scratch:
        made = scratch / "made"
        made.mkdir()
        for number, source in enumerate(sources):
            progress("preparing music on hold", number / len(sources))
            pcm = read_pcm(source)
            for law in _LAWS:
                (made / f"{source.stem}.{law}").write_bytes(g711.encode(pcm, law))
        store.publish(made, key, [file.name for file in made.iterdir()])


def read_pcm(path: Path) -> bytes:
    """Read a WAV of 8 kHz, 16 bits, one channel; `ApplianceError` if it is another kind."""
    try:
        with wave.open(str(path), "rb") as file:
            kind = (file.getframerate(), file.getsampwidth(), file.getnchannels())
            if kind != (8000, 2, 1):
                raise ApplianceError(
                    f"{path}: must be 8000 Hz, 16 bits, 1 channel, and is "
                    f"{kind[0]} Hz, {kind[1] * 8} bits, {kind[2]} channels"
                )
            return file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ApplianceError(f"{path}: not a WAV file of plain samples ({error})") from error


def _link(folder: Path, into: Path) -> list[Path]:
    into.mkdir(parents=True, exist_ok=True)
    for old in into.iterdir():
        # Links of ours whose target was pruned or replaced.
        if old.is_symlink() and old.readlink().parent != folder and not old.exists():
            old.unlink()
    for file in sorted(folder.glob("*.*law")):
        link = into / file.name
        if link.is_symlink() and link.readlink() == file:
            continue
        if link.exists() and not link.is_symlink():
            continue
        temporary = into / f".{file.name}.{os.getpid()}"
        temporary.symlink_to(file)
        temporary.replace(link)
    return sorted(into.glob("*.*law"))
