"""Sounds and what is found in a recording. All sound is mono, 8 kHz, float32 from -1 to 1.

A played sound is looked for in what was heard by normalised cross-correlation: 1 is the same
sound at any loudness, sounds of different calls lie near 0.
"""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 8000
"""Samples a second of the telephone network (ITU-T G.711)."""

Sound = npt.NDArray[np.float32]

SILENCE: Sound = np.zeros(0, np.float32)

_PIECE = RATE // 2
_SLIP = RATE // 5
_DRIFT = RATE
_SURE = 0.7
"""The value from which a piece counts as found, so that others are sought by its place."""
_WHOLE = 0.98
"""The value from which nothing of a piece is missing."""
_STEP = RATE // 10
_NOTHING = 1e-3
"""Energy of a piece in which nothing is said."""
_ULAW_CLIP = 32635
_ULAW_BIAS = 132


@dataclass(frozen=True, slots=True)
class Match:
    """How well a sound was found, and where it starts in the recording, in samples."""

    value: float
    lag: int


def voice(seed: int, seconds: float = 3.0) -> Sound:
    """Make a sound that no other seed makes: chirps in the telephone band, with short pauses.

    Each chirp's pitch, slope and length are drawn from the seed, so that every stretch of a
    second or more tells one call from another. It holds no steady pair of tones, hence no DTMF.
    """
    draw = np.random.default_rng(seed)
    parts: list[Sound] = []
    left = int(seconds * RATE)
    while left > 0:
        length = min(left, int(draw.uniform(0.12, 0.3) * RATE))
        t = np.arange(length) / RATE
        start, end = draw.uniform(300, 3000, 2)
        phase = 2 * np.pi * (start * t + (end - start) / 2 * t * t / max(length / RATE, 1e-3))
        envelope = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / 80)
        parts.append((0.4 * np.sin(phase) * envelope).astype(np.float32))
        gap = min(left - length, int(draw.uniform(0.0, 0.04) * RATE))
        parts.append(np.zeros(gap, np.float32))
        left -= length + gap
    return np.concatenate(parts)


def padded(sound: Sound, seconds: float) -> Sound:
    """Put silence after a sound."""
    return np.concatenate((sound, np.zeros(int(seconds * RATE), np.float32)))


def write_ulaw(path: Path, sound: Sound) -> None:
    """Write raw µ-law (G.711), which Asterisk plays as `NAME.ulaw`."""
    path.write_bytes(to_ulaw(sound).tobytes())


def read_ulaw(path: Path) -> Sound:
    """Read raw µ-law (G.711)."""
    return from_ulaw(np.frombuffer(path.read_bytes(), np.uint8))


def to_ulaw(sound: Sound) -> npt.NDArray[np.uint8]:
    """Encode by G.711 µ-law."""
    pcm = np.clip(np.rint(sound * 32767), -_ULAW_CLIP, _ULAW_CLIP).astype(np.int32)
    sign = np.where(pcm < 0, 0x80, 0)
    size = np.abs(pcm) + _ULAW_BIAS
    exponent = np.clip(np.floor(np.log2(size)).astype(np.int32) - 7, 0, 7)
    mantissa = (size >> (exponent + 3)) & 0x0F
    code: npt.NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return code


def from_ulaw(code: npt.NDArray[np.uint8]) -> Sound:
    """Decode G.711 µ-law."""
    sound: Sound = _FROM_ULAW[code]
    return sound


def _all_ulaw() -> Sound:
    bits = 0xFF - np.arange(256)
    size = ((((bits & 0x0F) << 3) + _ULAW_BIAS) << ((bits >> 4) & 7)) - _ULAW_BIAS
    return (np.where(bits & 0x80, -size, size) / 32768).astype(np.float32)


_FROM_ULAW = _all_ulaw()


def read_wav(path: Path) -> Sound:
    """Read a mono 16-bit WAV of 8 kHz; raises `ValueError` for any other."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise ValueError(f"{path} is not mono 16-bit WAV of {RATE} Hz")
        frames = file.readframes(file.getnframes())
    return _from_pcm(np.frombuffer(frames, "<i2"))


def read_sound(path: Path) -> Sound:
    """Read a prompt as it was rendered: `.ulaw`, or else WAV."""
    return read_ulaw(path) if path.suffix == ".ulaw" else read_wav(path)


def read_pcm(path: Path, since: int = 0) -> Sound:
    """Read raw 16-bit samples behind the first `since` of them; nothing if there is no file."""
    if not path.exists():
        return SILENCE
    with path.open("rb") as file:
        file.seek(2 * since)
        data = file.read()
    return _from_pcm(np.frombuffer(data[: len(data) // 2 * 2], "<i2"))


def _from_pcm(pcm: npt.NDArray[np.int16]) -> Sound:
    sound: Sound = (pcm / np.float32(32768)).astype(np.float32)
    return sound


def correlation(heard: Sound, played: Sound) -> Match:
    """Find `played` in `heard`: the best normalised cross-correlation, and where.

    A machine that stalls slips: sound comes later than it should, or packets of it are gone. So the
    sound is placed as a whole first, and then each half second of it within 0.2 s of where it
    should be after those beside it, and at most 1 s off its place in the whole. The value is the
    mean over the pieces, weighted by their energy: what is missing, or comes in another order,
    counts as not heard. A sound of which less than a half second was heard gives 0.
    """
    if len(played) < _PIECE or len(heard) < _PIECE:
        return Match(0.0, 0)
    whole = _place(heard, played)
    starts = range(0, len(played) - _PIECE + 1, _PIECE)
    pieces = [played[start : start + _PIECE] for start in starts]
    energies = [float(np.dot(piece, piece)) for piece in pieces]
    weight = sum(energy for energy in energies if energy >= _NOTHING)
    if not weight:
        return whole
    found: dict[int, Match] = {}

    def seek(at: int, slip: int) -> int:
        """Find one piece near its place, off by `slip`; gives by how much it is off itself."""
        expected = whole.lag + starts[at] + slip
        low = max(0, expected - _SLIP)
        around = heard[low : max(low, expected + _PIECE + _SLIP)]
        if len(around) < _PIECE or energies[at] < _NOTHING:
            return slip
        match = _place(around, pieces[at])
        if at not in found or match.value > found[at].value:
            found[at] = match
        off = low + match.lag - whole.lag - starts[at]
        return off if match.value >= _SURE and abs(off) <= _DRIFT else slip

    slips = {at: seek(at, 0) for at in range(len(pieces))}
    if any(match.value < _WHOLE for match in found.values()):
        # From the piece that lies best, to both sides.
        anchor = max(found, key=lambda at: found[at].value)
        for way in (range(anchor + 1, len(pieces)), range(anchor - 1, -1, -1)):
            slip = slips[anchor]
            for at in way:
                slip = seek(at, slip)
    total = sum(energies[at] * match.value for at, match in found.items())
    return Match(max(whole.value, total / weight), whole.lag)


def _place(heard: Sound, played: Sound) -> Match:
    """Best normalised cross-correlation over all offsets at which `played` lies in `heard`.

    `played` may hang over either end of the recording; what hangs over counts as not heard.
    """
    ahead = len(played) - 1
    count = len(heard) + ahead
    fft = 1 << (len(heard) + 2 * len(played)).bit_length()
    padded = np.concatenate((np.zeros(ahead, np.float32), heard))
    product = np.fft.irfft(np.fft.rfft(padded, fft) * np.conj(np.fft.rfft(played, fft)), fft)
    energy = np.concatenate(([0.0], np.cumsum(padded.astype(np.float64) ** 2)))
    ends = np.minimum(np.arange(count) + len(played), count)
    wanted = float(np.dot(played, played)) + 1e-12
    # A window with almost nothing in it would divide noise by noise.
    window = np.maximum(energy[ends] - energy[:count], 0.0025 * wanted)
    ratio = product[:count] / np.sqrt(window * wanted)
    at = int(np.argmax(ratio))
    return Match(float(min(1.0, ratio[at])), at - ahead)


class Finder:
    """Looks for a sound in what is heard while it is heard, at each time only where it may be new.

    `heard` gives all that is heard, behind a number of samples.
    """

    def __init__(self, sound: Sound, heard: Callable[[int], Sound], since: int = 0) -> None:
        self._sound = sound
        self._heard = heard
        self._since = self._from = since
        self._seen = self._came = 0
        self.best = Match(0.0, 0)
        """The best place until now, behind `since`."""

    @property
    def seconds(self) -> float:
        """How much has been looked at."""
        return self._seen / RATE

    @property
    def came(self) -> int:
        """How many samples had come at the last look."""
        return self._came

    def look(self, *, last: bool) -> Match:
        """Look once more, unless little has come and more is coming; gives the best place."""
        tail = self._heard(self._from)
        ahead = self._from - self._since
        came, self._came = self._came, ahead + len(tail)
        new = self._came - self._seen
        if new and (last or came == self._came or new >= max(_STEP, len(self._sound) // 10)):
            self._seen = self._came
            found = correlation(tail, self._sound)
            if found.value > self.best.value:
                self.best = Match(found.value, found.lag + ahead)
            self._from += max(0, len(tail) - len(self._sound) - _DRIFT - _SLIP)
        return self.best


def loudness(sound: Sound, window_s: float = 0.1) -> Sound:
    """Root mean square of each window, from 0 to 1."""
    width = int(window_s * RATE)
    count = len(sound) // width
    if count == 0:
        return np.zeros(0, np.float32)
    squares = sound[: count * width].reshape(count, width).astype(np.float64) ** 2
    result: Sound = np.sqrt(squares.mean(axis=1)).astype(np.float32)
    return result


def silent(sound: Sound, at_most: float = 0.003) -> bool:
    """Tell whether there is nothing to hear: no window above `at_most` (-50 dB of full scale)."""
    levels: Any = loudness(sound)
    return bool((levels <= at_most).all())


def music(sound: Sound, share: float = 0.8, at_least: float = 0.003) -> bool:
    """Tell whether sound goes on nearly all the time, as music does and speech does not.

    At least `share` of the tenths of a second are above `at_least`; needs a second of sound.
    """
    levels: Any = loudness(sound)
    return len(levels) >= 10 and float((levels > at_least).mean()) >= share
