"""Any WAV → a prompt as telephones want it: 8 kHz, band-limited, level, without clicks.

Steps: mono, resample, band-pass 150–3,600 Hz (the telephone band is 300–3,400 Hz, ITU-T G.712; a
little more is kept, since the codecs carry it), trim silence, level, fade.

Level: the active speech level is brought to -20 dBov (root mean square over frames within 25 dB
of the loudest, after the idea of ITU-T P.56), unless peaks would pass -2 dBov.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

RATE = 8_000
ACTIVE_DBOV = -20.0
PEAK_DBOV = -2.0
LONGEST_S = 600
LEAD_MS = 20
TRAIL_MS = 120
REVISION = 1
"""Part of the prompts' cache key: grows when the same input would give other audio."""

_FRAME = RATE // 200
_SILENCE_DB = -40.0
_ACTIVE_DB = -25.0
_TAPS = 255

Signal = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wav:
    """Mono samples in -1 … 1 and their rate in Hz."""

    samples: Signal
    rate: int


class NotAudio(ValueError):  # noqa: N818
    """The file is no WAV that can be used; the message says why."""


def read(path: Path) -> Wav:
    """Read a PCM WAV of 8, 16, 24 or 32 bits and any count of channels, which are averaged."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if file.getnframes() > LONGEST_S * rate:
                raise NotAudio("longer than ten minutes")
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise NotAudio(f"not a PCM WAV file ({error})") from None
    if not 4_000 <= rate <= 192_000:
        raise NotAudio(f"a sample rate of {rate} Hz")
    raw = raw[: len(raw) // (width * channels) * (width * channels)]
    if not raw:
        raise NotAudio("no audio in it")
    samples = _decode(raw, width)
    return Wav(np.asarray(samples.reshape(-1, channels).mean(axis=1), np.float64), rate)


def _decode(raw: bytes, width: int) -> Signal:
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float64) - 128) / 128
    if width == 3:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return wide.view("<i4")[:, 0].astype(np.float64) / 2**31
    samples: NDArray[Any] = np.frombuffer(raw, {2: "<i2", 4: "<i4"}[width])
    return np.asarray(samples / 2.0 ** (8 * width - 1), np.float64)


def shape(wav: Wav) -> NDArray[np.int16]:
    """Return the prompt as 16-bit samples at 8 kHz. Raises NotAudio if nothing can be heard."""
    signal = np.asarray(soxr.resample(wav.samples, wav.rate, RATE, quality="HQ"), np.float64)
    if len(signal) < _TAPS:
        raise NotAudio("too short to be heard")
    signal = np.convolve(signal, _BAND, mode="same")
    levels = _levels(signal)
    loudest = float(np.max(levels))
    if loudest < 1e-4:
        raise NotAudio("nothing but silence in it")
    relative = 20 * np.log10(np.maximum(levels, 1e-9) / loudest)
    signal = _fade(_trim(signal, relative))
    active = float(np.sqrt(np.mean(levels[relative > _ACTIVE_DB] ** 2)))
    gain = 10 ** (ACTIVE_DBOV / 20) / active
    gain = min(gain, 10 ** (PEAK_DBOV / 20) / float(np.abs(signal).max()))
    return np.clip(np.rint(signal * gain * 32767), -32768, 32767).astype(np.int16)


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """Write 8 kHz mono 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def _band_pass(low: float, high: float) -> Signal:
    """Return a linear-phase FIR band-pass: difference of two windowed-sinc low-passes."""
    n = np.arange(_TAPS) - (_TAPS - 1) / 2
    window = np.blackman(_TAPS)

    def low_pass(cut: float) -> Signal:
        taps = np.sinc(2 * cut / RATE * n) * window
        return np.asarray(taps / taps.sum(), np.float64)

    return low_pass(high) - low_pass(low)


_BAND = _band_pass(150, 3_600)


def _levels(signal: Signal) -> Signal:
    """Return the root mean square of each 5 ms frame."""
    whole = len(signal) // _FRAME * _FRAME
    frames = signal[:whole].reshape(-1, _FRAME)
    return np.asarray(np.sqrt(np.mean(frames**2, axis=1)), np.float64)


def _trim(signal: Signal, relative: Signal) -> Signal:
    loud = np.flatnonzero(relative > _SILENCE_DB)
    first = max(0, loud[0] * _FRAME - LEAD_MS * RATE // 1000)
    last = min(len(signal), (loud[-1] + 1) * _FRAME + TRAIL_MS * RATE // 1000)
    return signal[first:last].copy()


def _fade(signal: Signal) -> Signal:
    """Let the ends rise from and fall to nothing, by a raised cosine."""
    for length, end in ((RATE * 5 // 1000, False), (RATE * 20 // 1000, True)):
        length = min(length, len(signal) // 2)
        ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / max(length, 1))
        if end:
            signal[len(signal) - length :] *= ramp[::-1]
        else:
            signal[:length] *= ramp
    return signal
