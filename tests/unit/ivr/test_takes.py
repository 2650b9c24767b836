"""A voice talent's script and takes; recordings in other formats."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
from test_prompts import Tones

from ivr.flow.load import parse
from ivr.library import spoken
from ivr.prompts import PromptStore
from ivr.speech import shape
from ivr.speech.shape import NotAudio
from ivr.takes import COLUMNS, Line, load, take_in, text_id, write_script


def tone(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape.write_wav(path, (np.sin(np.arange(16_000) / 2) * 9_000).astype(np.int16))
    return path


LINES = [
    Line("th", "welcome", "ยินดีต้อนรับ, ค่ะ", False),
    Line("en", text_id("en", "five"), "five", True),
    Line("en", "formula", '=HYPERLINK("x")', False),
]


def test_script_is_csv_that_no_spreadsheet_runs() -> None:
    rows = list(csv.reader(io.StringIO(write_script(LINES))))
    assert rows[0] == list(COLUMNS)
    assert rows[1] == ["th", "th/welcome.wav", "ยินดีต้อนรับ, ค่ะ", ""]
    assert rows[2][3] == "yes"
    assert rows[3][2] == '\'=HYPERLINK("x")'


def test_takes_are_taken_in_if_they_are_audio_and_wanted(tmp_path: Path) -> None:
    folder, media = tmp_path / "takes", tmp_path / "media"
    tone(folder / "th" / "welcome.wav")
    tone(folder / "th" / "unknown.wav")
    (folder / "en").mkdir()
    (folder / "en" / "formula.wav").write_bytes(b"no audio")
    (folder / "en" / "notes.txt").write_text("x")
    old = media / "recordings" / "th" / "welcome.ogg"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    taken, faults = take_in(folder, media, LINES)
    assert taken == ["th/welcome.wav"]
    assert [fault.partition(": ")[0] for fault in faults] == [
        "en/formula.wav",
        "en/notes.txt",
        "th/unknown.wav",
    ]
    assert [path.name for path in (media / "recordings" / "th").iterdir()] == ["welcome.wav"]


async def test_recording_of_a_text_takes_the_place_of_the_engine(tmp_path: Path) -> None:
    media = tmp_path / "media"
    engine = Tones()
    store = PromptStore(media, tmp_path / "state", engine)
    tone(media / "recordings" / "en" / f"{text_id('en', 'One moment')}.wav")
    await store.prepare(store.read(), [("en", "One moment"), ("en", "Bye")])
    assert engine.asked == ["Bye"]
    name = store.speech("One moment", "en").name
    assert name.endswith(text_id("en", "One moment"))
    assert len(shape.read(Path(f"{name}.wav")).samples) > 14_000


def test_words_of_values_are_spoken_ahead() -> None:
    text = (
        "sala: 1\nstart: a\nnodes:\n"
        '  a: {type: say, text: "Wait {number size(dialled)} minutes.", next: h, failed: h}\n'
        "  h: {type: hangup}\n"
    )
    said = set(spoken(parse(text.encode(), alias="x", file="x")))
    assert {("en", "Wait"), ("en", "minutes."), ("en", "ninety-nine"), ("en", "million")} <= said


# A program by the name of ffmpeg that writes the tone it finds beside itself.
FFMPEG = '#!/bin/sh\nfor last; do :; done\ncp "$(dirname "$0")/tone.wav" "$last"\n'
FAILS = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    tone(folder / "tone.wav")
    return folder


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def test_other_formats_are_converted(tools: Path, tmp_path: Path) -> None:
    take = tmp_path / "-take.mp3"
    take.write_bytes(b"mp3")
    program(tools, "ffmpeg", FFMPEG)
    assert len(load(take).samples) == 16_000


def test_what_the_converter_refuses_is_no_audio(tools: Path, tmp_path: Path) -> None:
    take = tmp_path / "take.ogg"
    take.write_bytes(b"text")
    program(tools, "ffmpeg", FAILS)
    with pytest.raises(NotAudio, match="no audio that ffmpeg can read"):
        load(take)


def test_without_a_converter_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    take = tmp_path / "take.mp3"
    take.write_bytes(b"mp3")
    with pytest.raises(NotAudio, match="install ffmpeg or sox"):
        load(take)
