from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from ivr.spoken import anybody


def recorded(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(
    ("loudness", "seconds", "spoken"),
    [(3000, 1.0, True), (3000, 0.2, True), (100, 3.0, False), (0, 2.0, False), (9000, 0.04, False)],
)
def test_speech_is_told_from_silence_noise_and_clicks(
    tmp_path: Path, loudness: int, seconds: float, spoken: bool
) -> None:
    draw = np.random.default_rng(1)
    sound = draw.normal(0, 1, int(8000 * seconds)) * loudness
    samples = np.concatenate((np.zeros(4000), sound, np.zeros(4000)))
    assert anybody(recorded(tmp_path / "a.wav", samples.clip(-32000, 32000))) is spoken


def test_what_cannot_be_read_is_taken_as_speech(tmp_path: Path) -> None:
    assert anybody(tmp_path / "gone.wav")
    (tmp_path / "odd.wav").write_bytes(b"RIFF1234")
    assert anybody(tmp_path / "odd.wav")
    assert not anybody(recorded(tmp_path / "empty.wav", np.zeros(0)))
