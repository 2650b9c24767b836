"""Recordings by a voice talent: the script they read, and their takes.

The script is CSV (RFC 4180, UTF-8) with the columns of `COLUMNS`: one row for each prompt, for each
text of a flow, and for each word that values are made of. A take is a file named as the row says,
with any suffix of `AUDIO`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ivr.speech import shape
from ivr.speech.shape import NotAudio, Wav

COLUMNS = ("language", "file", "words", "recorded")
AUDIO = (".wav", ".mp3", ".ogg", ".flac", ".m4a")
CONVERT_S = 60
_LIMIT_BYTES = 200 << 20
_CUT_S = shape.LONGEST_S + 1
"""So that what is too long is told from what is just as long as it may be."""
_DEMUXERS = ("wav", "mp3", "ogg", "flac", "mov")
"""What ffmpeg calls the formats of `AUDIO`."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the script: what is to be spoken, and the id its take bears."""

    language: str
    id: str
    words: str
    recorded: bool


def text_id(language: str, text: str) -> str:
    """Return the id under which a recording of a flow's text lies among the prompts."""
    digest = hashlib.sha256(f"{language}\0{text}".encode()).hexdigest()
    return f"say-{digest[:16]}"


def write_script(lines: Iterable[Line]) -> str:
    """Return the script as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for line in lines:
        recorded = "yes" if line.recorded else ""
        # A spreadsheet takes what begins so for a formula.
        words = f"'{line.words}" if line.words[:1] in "=+-@" else line.words
        writer.writerow((line.language, f"{line.language}/{line.id}.wav", words, recorded))
    return out.getvalue()


def take_in(folder: Path, media: Path, known: Iterable[Line]) -> tuple[list[str], list[str]]:
    """Copy takes (`<language>/<id>.<suffix>` in `folder`) into `media`, if they are audio.

    Returns (those taken in, what is wrong with others). A take replaces an older one of its id.
    """
    wanted = {(line.language, line.id) for line in known}
    taken: list[str] = []
    faults: list[str] = []
    for path in sorted(path for path in folder.glob("*/*") if path.is_file()):
        name = f"{path.parent.name}/{path.name}"
        if path.suffix.lower() not in AUDIO:
            faults.append(f"{name}: no suffix of audio ({', '.join(AUDIO)})")
        elif (path.parent.name, path.stem) not in wanted:
            faults.append(f"{name}: the script has no such line")
        else:
            try:
                shape.shape(load(path))
            except NotAudio as error:
                faults.append(f"{name}: {error}")
                continue
            home = media / "recordings" / path.parent.name
            home.mkdir(parents=True, exist_ok=True)
            for suffix in AUDIO:
                (home / f"{path.stem}{suffix}").unlink(missing_ok=True)
            shutil.copyfile(path, home / f"{path.stem}{path.suffix.lower()}")
            taken.append(name)
    return taken, faults


def load(path: Path) -> Wav:
    """Read a recording; what is no PCM WAV is converted by ffmpeg or sox. Raises NotAudio."""
    if path.stat().st_size > _LIMIT_BYTES:
        raise NotAudio("larger than 200 MiB")
    if path.suffix.lower() == ".wav":
        try:
            return shape.read(path)
        except NotAudio:
            if _converter() is None:
                raise
    with tempfile.TemporaryDirectory(prefix="sala-take-") as scratch:
        target = Path(scratch) / "take.wav"
        _convert(path, target)
        return shape.read(target)


def _converter() -> str | None:
    return shutil.which("ffmpeg") or shutil.which("sox")


def _convert(source: Path, target: Path) -> None:
    tool = _converter()
    if tool is None:
        raise NotAudio("no PCM WAV; to convert it, install ffmpeg or sox")
    # Both get absolute paths, so that no name is taken for an option or a protocol.
    one, other = str(source.absolute()), str(target)
    if Path(tool).name == "ffmpeg":
        # A list of files by the name of an mp3 would have it read others than the take.
        words = [tool, "-nostdin", "-v", "error", "-protocol_whitelist", "file"]
        words += ["-format_whitelist", ",".join(_DEMUXERS), "-i", one, "-map", "0:a:0"]
        words += ["-ac", "1", "-c:a", "pcm_s16le", "-t", str(_CUT_S), other]
    else:
        words = [tool, one, "-c", "1", "-b", "16", "-e", "signed-integer", other]
        words += ["trim", "0", str(_CUT_S)]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=CONVERT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise NotAudio(f"{Path(tool).name} did not convert it") from None
    if done.returncode != 0 or not target.is_file():
        raise NotAudio(f"no audio that {Path(tool).name} can read")
