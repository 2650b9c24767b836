"""Speech: real rendering by the bundled engine, its process, and the telephone formats."""

from __future__ import annotations

import asyncio
import os
import signal
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from ivr.errors import SpeechError, SpeechTimeout
from ivr.speech import g711, shape
from ivr.speech.espeak import Espeak

TEXT = "For sales, press 1. For support, press 2."


@pytest.fixture
async def engine() -> AsyncIterator[Espeak]:
    espeak = Espeak()
    yield espeak
    pid = espeak.pid
    await espeak.close()
    assert pid is None or not psutil.pid_exists(pid)


def spoken(path: Path) -> float:
    """Return the length in seconds, and prove that it is more than silence."""
    wav = shape.read(path)
    assert np.abs(wav.samples).max() > 0.05
    return len(wav.samples) / wav.rate


@pytest.mark.parametrize(
    ("language", "text", "shortest", "longest"),
    [
        ("en", TEXT, 2.0, 5.5),
        ("en-GB", "Goodbye.", 0.3, 1.5),
        ("th", "กรุณากดหนึ่งเพื่อติดต่อฝ่ายขาย", 1.0, 5.0),
        ("id", "Tekan satu untuk penjualan.", 1.0, 4.0),
    ],
)
async def test_speaks(
    engine: Espeak, tmp_path: Path, language: str, text: str, shortest: float, longest: float
) -> None:
    path = tmp_path / "x.wav"
    await engine.synthesise(text, language, path)
    assert shortest <= spoken(path) <= longest


async def test_many_at_once_are_each_written_whole(engine: Espeak, tmp_path: Path) -> None:
    texts = ["One.", TEXT, f"{TEXT} {TEXT}"]
    paths = [tmp_path / f"{n}.wav" for n in range(30)]
    await asyncio.gather(
        *(engine.synthesise(texts[n % 3], "en", path) for n, path in enumerate(paths))
    )
    lengths = np.array([spoken(path) for path in paths]).reshape(-1, 3)
    # The engine varies a little; a mixed-up or cut prompt would differ by more.
    assert (lengths.max(axis=0) / lengths.min(axis=0)).max() < 1.05
    assert (np.diff(lengths.mean(axis=0)) > 0.3).all()


async def test_killed_process_is_started_again(engine: Espeak, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    await engine.synthesise("One.", "en", path)
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await engine.synthesise("Two.", "en", path)
    assert engine.pid not in {None, first}
    assert spoken(path) > 0.2


async def test_process_killed_while_it_speaks(engine: Espeak, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    await engine.synthesise("One.", "en", path)
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)  # so that the prompt is surely in its hands when it dies
    speaking = asyncio.create_task(engine.synthesise(TEXT, "en", path))
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    await speaking
    assert spoken(path) > 2


async def test_process_that_hangs_is_ended(tmp_path: Path) -> None:
    engine = Espeak(timeout_s=10)
    path = tmp_path / "x.wav"
    await engine.synthesise("One.", "en", path)
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    engine._timeout_s = 0.2
    with pytest.raises(SpeechTimeout):
        await engine.synthesise("Two.", "en", path)
    assert not psutil.pid_exists(first)
    engine._timeout_s = 10
    await engine.synthesise("Two.", "en", path)
    await engine.close()


async def test_cancelled_prompt_does_not_answer_the_next(engine: Espeak, tmp_path: Path) -> None:
    await engine.synthesise("One.", "en", tmp_path / "a.wav")
    task = asyncio.create_task(engine.synthesise(TEXT * 5, "en", tmp_path / "b.wav"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await engine.synthesise("Two.", "en", tmp_path / "c.wav")
    assert 0.2 < spoken(tmp_path / "c.wav") < 2


async def test_faults_are_told_and_the_engine_goes_on(engine: Espeak, tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="no voice speaks `xx`"):
        await engine.synthesise("One.", "xx", tmp_path / "x.wav")
    with pytest.raises(SpeechError, match="FileNotFoundError"):
        await engine.synthesise("One.", "en", tmp_path / "no" / "x.wav")
    pid = engine.pid
    await engine.synthesise("One.", "en", tmp_path / "x.wav")
    assert engine.pid == pid


# --- shape -----------------------------------------------------------------------------------


def decibels(value: float) -> float:
    return 20 * float(np.log10(value))


def tone(hertz: float, seconds: float = 1.0, rate: int = 22_050, level: float = 0.05) -> shape.Wav:
    return shape.Wav(
        level * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate), rate
    )


async def test_prompt_is_trimmed_level_and_without_clicks(engine: Espeak, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    await engine.synthesise(TEXT, "en", path)
    raw = shape.read(path)
    for factor in (1.0, 0.02):
        samples = shape.shape(shape.Wav(raw.samples * factor, raw.rate)) / 32768
        level = np.sqrt(np.mean(samples**2))
        assert -26 < decibels(level) < -18
        assert decibels(np.abs(samples).max()) <= shape.PEAK_DBOV + 0.01
        audible = np.flatnonzero(np.abs(samples) > 10 ** (-45 / 20))
        assert audible[0] <= 0.030 * shape.RATE
        assert len(samples) - audible[-1] <= 0.150 * shape.RATE
        assert abs(samples[0]) < 1e-3
        assert abs(samples[-1]) < 1e-3


def test_telephone_band_is_kept_and_the_rest_is_not() -> None:
    def passed(hertz: float) -> float:
        # speech at 1 kHz beside it sets the level
        mixed = tone(1_000).samples + tone(hertz).samples
        out = shape.shape(shape.Wav(mixed, 22_050)).astype(np.float64)
        spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out))))
        bins = np.fft.rfftfreq(len(out), 1 / shape.RATE)

        def at(f: float) -> float:
            return float(spectrum[np.abs(bins - f) < 10].max())

        return decibels(at(hertz) / at(1_000))

    for kept in (300, 3_400):
        assert abs(passed(kept)) < 1.5
    for cut in (50, 3_950):
        assert passed(cut) < -20


@pytest.mark.parametrize(("width", "channels"), [(1, 1), (2, 2), (3, 1), (4, 2)])
def test_recordings_of_any_width_are_read(tmp_path: Path, width: int, channels: int) -> None:
    samples = np.repeat(tone(440, level=0.5, rate=16_000).samples, channels)
    if width == 1:
        raw = (samples * 127 + 128).astype(np.uint8).tobytes()
    else:
        wide = (samples * (2**31 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)
        raw = wide[:, 4 - width :].tobytes()
    path = tmp_path / "x.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(16_000)
        file.writeframes(raw)
    wav = shape.read(path)
    assert len(wav.samples) == 16_000
    assert np.abs(wav.samples - samples[::channels]).max() < 0.02


def test_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    for content in (b"", b"RIFF", b"<html>no</html>" * 10, os.urandom(200)):
        path.write_bytes(content)
        with pytest.raises(shape.NotAudio):
            shape.read(path)
    with pytest.raises(shape.NotAudio, match="silence"):
        shape.shape(shape.Wav(np.zeros(8_000), 8_000))
    with pytest.raises(shape.NotAudio):
        shape.shape(shape.Wav(np.ones(3), 8_000))


# --- G.711 -----------------------------------------------------------------------------------


def decode_ulaw(code: int) -> int:
    """Decode by the formula of G.711: 16-bit scale."""
    code = ~code & 0xFF
    value = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return -value if code & 0x80 else value


def decode_alaw(code: int) -> int:
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 0x0F
    value = (step << 4) + 8 if segment == 0 else (step << 4) + 264 << segment - 1
    return value if code & 0x80 else -value


ULAW = np.array([decode_ulaw(code) for code in range(256)], np.int32)
ALAW = np.array([decode_alaw(code) for code in range(256)], np.int32)
ALL = np.arange(-32768, 32768).astype(np.int16)


def decoded(table: NDArray[np.int32], data: bytes) -> NDArray[np.int32]:
    return np.asarray(table[np.frombuffer(data, np.uint8)])


@pytest.mark.parametrize(("encode", "table"), [(g711.ulaw, ULAW), (g711.alaw, ALAW)])
def test_g711_codes_every_value_well(
    encode: Callable[[g711.Samples], bytes], table: NDArray[np.int32]
) -> None:
    back = decoded(table, encode(ALL))
    assert (np.diff(back) >= 0).all()
    # Half a step is at most 1/33 of the value, and the top of the scale is clipped.
    assert (np.abs(back - ALL) <= np.abs(ALL.astype(np.int32)) / 30 + 8).all()
    levels = table.astype(np.int16)
    assert (decoded(table, encode(levels)) == levels).all()


def test_g711_known_codes() -> None:
    values = np.array([0, -1, 32767, -32768, 1000, -1000], np.int16)
    assert g711.ulaw(values).hex() == "ff7f8000ce4e"
    assert g711.alaw(values).hex() == "d555aa2afa7a"


async def test_three_formats_agree(engine: Espeak, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    await engine.synthesise(TEXT, "en", path)
    samples = shape.shape(shape.read(path))
    shape.write_wav(path, samples)
    again = shape.read(path)
    assert again.rate == 8_000
    for encode, table in ((g711.ulaw, ULAW), (g711.alaw, ALAW)):
        back = decoded(table, encode(samples))
        assert len(back) == len(again.samples)
        assert np.corrcoef(back, again.samples)[0, 1] >= 0.99
