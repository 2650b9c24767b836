"""Whether anybody spoke in a recording: a PBX records silence too, and tells its length."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

FRAME_MS = 20
LOUD = 256
"""Mean magnitude of a frame of speech, of 32,768: what Asterisk's silence detection goes by."""
LEAST_MS = 120
"""Less is a click."""


def anybody(path: Path) -> bool:
    """Tell whether a WAV file (16 bit) holds speech; True for what cannot be read as one."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                return True
            width = file.getframerate() * file.getnchannels() * FRAME_MS // 1000
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (OSError, EOFError, ValueError, wave.Error):
        return True
    whole = samples[: len(samples) - len(samples) % width].astype(np.int32).reshape(-1, width)
    loud = int((np.abs(whole).mean(axis=1) >= LOUD).sum())
    return loud * FRAME_MS >= LEAST_MS
