"""A voice talent's script and takes; recordings in other formats."""

from __future__ import annotations

import csv
import io
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray
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


TONE = np.sin(2 * np.pi * 700 * np.arange(32_000) / 16_000)
"""Two seconds at 16 kHz."""
QUIET, LOUD = 300, 32_000
FORMATS = ("mp3", "ogg", "opus.ogg", "flac", "m4a")
# A program by the name of sox that writes the tone it finds beside itself.
SOX = '#!/bin/sh\ncp "$(dirname "$0")/tone.wav" "$8"\n'


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def ffmpeg(tools: Path) -> Path:
    tool = tools / "ffmpeg"
    tool.symlink_to(get_ffmpeg_exe())
    return tool


def encoded(ffmpeg: Path, take: Path, samples: NDArray[np.float64]) -> Path:
    """A take in the format of its suffixes, of samples at 16 kHz."""
    take.parent.mkdir(parents=True, exist_ok=True)
    raw = np.clip(samples, -32_768, 32_767).astype("<i2").tobytes()
    words = [str(ffmpeg), "-v", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-"]
    words += ["-c:a", "libopus"] if ".opus" in take.suffixes else []
    subprocess.run([*words, str(take.absolute())], input=raw, check=True, timeout=30)
    return take


def active_dbov(samples: NDArray[np.int16]) -> float:
    middle = samples[len(samples) // 4 : -len(samples) // 4] / 32_768
    return float(20 * np.log10(np.sqrt(np.mean(middle**2))))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_take_is_converted_and_brought_to_level(
    ffmpeg: Path, tmp_path: Path, suffix: str
) -> None:
    for loudness in (QUIET, LOUD):
        take = encoded(ffmpeg, tmp_path / f"-take{loudness}.{suffix}", TONE * loudness)
        shaped = shape.shape(load(take))
        assert abs(len(shaped) - 16_000) < 1_600
        assert active_dbov(shaped) == pytest.approx(shape.ACTIVE_DBOV, abs=0.5)
        spectrum = np.abs(np.fft.rfft(shaped))
        assert np.argmax(spectrum) * 8_000 / len(shaped) == pytest.approx(700, abs=2)


async def test_an_mp3_and_an_ogg_are_taken_in_and_rendered(ffmpeg: Path, tmp_path: Path) -> None:
    takes, media = tmp_path / "takes", tmp_path / "media"
    encoded(ffmpeg, takes / "th" / "welcome.mp3", TONE * LOUD)
    encoded(ffmpeg, takes / "en" / "formula.ogg", TONE * QUIET)
    assert take_in(takes, media, LINES) == (["en/formula.ogg", "th/welcome.mp3"], [])
    store = PromptStore(media, tmp_path / "state", Tones())
    await store.prepare(store.read())
    for name, language in (("welcome", "th"), ("formula", "en")):
        base = Path(store.audio(name, language).name)
        heard = shape.read(base.with_suffix(".wav")).samples
        assert active_dbov((heard * 32_767).astype(np.int16)) == pytest.approx(-20, abs=0.5)
        assert base.with_suffix(".ulaw").stat().st_size == len(heard)


def test_a_wav_that_is_no_pcm_is_converted(ffmpeg: Path, tmp_path: Path) -> None:
    words = [str(ffmpeg), "-v", "error", "-i", str(tone(tmp_path / "pcm.wav")), "-c:a", "pcm_mulaw"]
    subprocess.run([*words, str(tmp_path / "mulaw.wav")], check=True, timeout=30)
    assert len(load(tmp_path / "mulaw.wav").samples) == 16_000


# What an mp3 or ogg may turn out to be: nothing, a page, a list that names another file.
WRONG = {
    "empty": b"",
    "page": b"<html><body>404</body></html>" * 40,
    "noise": bytes(range(256)) * 64,
    "concat": b"ffconcat version 1.0\nfile other.wav\n",
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.wav\n#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("suffix", ["mp3", "ogg"])
@pytest.mark.parametrize("what", WRONG)
@pytest.mark.usefixtures("ffmpeg")
def test_what_is_no_audio_is_refused(tmp_path: Path, what: str, suffix: str) -> None:
    tone(tmp_path / "other.wav")
    take = tmp_path / f"take.{suffix}"
    take.write_bytes(WRONG[what])
    with pytest.raises(NotAudio, match="no audio that ffmpeg can read"):
        load(take)


def test_a_silent_take_is_refused(ffmpeg: Path, tmp_path: Path) -> None:
    take = encoded(ffmpeg, tmp_path / "takes" / "th" / "welcome.mp3", TONE * 0)
    taken, faults = take_in(take.parent.parent, tmp_path / "media", LINES)
    assert (taken, faults) == ([], ["th/welcome.mp3: nothing but silence in it"])


def test_more_than_ten_minutes_are_refused_not_cut(ffmpeg: Path, tmp_path: Path) -> None:
    take = encoded(ffmpeg, tmp_path / "take.ogg", np.zeros(16_000 * 605))
    with pytest.raises(NotAudio, match="longer than ten minutes"):
        load(take)
    raw = tmp_path / "take.wav"
    shape.write_wav(raw, np.zeros(8_000 * 605, np.int16))
    with pytest.raises(NotAudio, match="longer than ten minutes"):
        load(raw)


def test_sox_converts_where_there_is_no_ffmpeg(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")
    tone(tools / "tone.wav")
    (tools / "sox").write_text(SOX)
    (tools / "sox").chmod(0o755)
    take = tmp_path / "take.mp3"
    take.write_bytes(b"mp3")
    assert len(load(take).samples) == 16_000


@pytest.mark.usefixtures("tools")
def test_without_a_converter_it_is_told_what_to_install(tmp_path: Path) -> None:
    take = tmp_path / "take.mp3"
    take.write_bytes(b"mp3")
    with pytest.raises(NotAudio, match="install ffmpeg or sox"):
        load(take)
