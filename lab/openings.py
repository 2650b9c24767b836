"""Who picks up: openings of people and of machines, as a PBX that listens for machines hears them.

Speech is espeak-ng's, in the languages that Sala speaks, at -20 dBov (see `ivr.speech.shape`).
Noise is white, its level in dBov too (0: a full-scale square wave's).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivr.speech import shape
from ivr.speech.espeak import Espeak
from lab import audio

_LATE_S = 3.0
_NOISE_S = 8.0
_QUIET_DB = -32.0

PEOPLE = {
    "hello": ("en", "Hello?"),
    "yes": ("en", "Yes?"),
    "name": ("en", "Hello, Maria Schmidt speaking."),
    "twice": ("en", "Hello? Hello, who is this please?"),
    "office": ("en", "Good morning, Acme Corporation, Maria Schmidt speaking, how can I help you?"),
    "thai": ("th", "สวัสดีค่ะ"),
    "indonesian": ("id", "Halo, selamat pagi, dengan Budi."),
}
MACHINES = {
    "voicemail": (
        "en",
        "Hi, you have reached the voice mail of John Smith and I cannot take your call right now, "
        "so please leave a message after the tone and I will call you back as soon as I can.",
    ),
    "thai voicemail": ("th", "ขณะนี้ไม่สามารถรับสายได้ กรุณาฝากข้อความหลังเสียงสัญญาณ"),
    "indonesian voicemail": (
        "id",
        "Nomor yang anda tuju sedang tidak dapat dihubungi, "
        "silakan tinggalkan pesan setelah nada berikut.",
    ),
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What is heard from the moment on at which the phone is picked up."""

    name: str
    machine: bool
    sound: audio.Sound


async def spoken(*texts: tuple[str, str]) -> list[audio.Sound]:
    """Speak texts, each given with its language."""
    engine = Espeak()
    try:
        with tempfile.TemporaryDirectory(prefix="sala-said-") as folder:
            found = []
            for language, text in texts:
                path = Path(folder) / "said.wav"
                await engine.synthesise(text, language, path)
                samples = shape.shape(shape.read(path))
                found.append((samples / np.float32(32768)).astype(np.float32))
            return found
    finally:
        await engine.close()


async def voicemail() -> audio.Sound:
    """Speak what a machine says."""
    return (await spoken(MACHINES["voicemail"]))[0]


async def openings() -> list[Opening]:
    """Make all: plain, after a silence, faint, in noise and over voices; and nothing at all."""
    said = await spoken(*PEOPLE.values(), *MACHINES.values())
    plain = dict(zip((*PEOPLE, *MACHINES), said, strict=True))
    hello, machine = plain["hello"], plain["voicemail"]
    half, more = audio.voice(4711, 0.5), audio.voice(4712, 1.5)
    late = np.zeros(int(_LATE_S * audio.RATE), np.float32)
    pause = np.zeros(int(0.3 * audio.RATE), np.float32)
    people = {
        **{name: plain[name] for name in PEOPLE},
        "half a second": half,
        "half a second, and more": np.concatenate((half, pause, more)),
        "silence": np.zeros(audio.RATE, np.float32),
        "hello, late": np.concatenate((late, hello)),
        "hello, faint": _at(hello, _QUIET_DB),
        "hello in noise at -42": _over(_noise(-42.0), hello),
        "hello in noise at -30": _over(_noise(-30.0), hello),
        "noise at -30": _noise(-30.0),
        "hello over voices at -42": _over(_at(_voices(said), -42.0), hello),
    }
    machines = {
        **{name: plain[name] for name in MACHINES},
        "voicemail, noisy": _over(_noise(-42.0, 12.0), machine),
        "voicemail, late": np.concatenate((late[: audio.RATE], machine)),
    }
    return [
        *(Opening(name, False, sound) for name, sound in people.items()),
        *(Opening(name, True, sound) for name, sound in machines.items()),
    ]


def _noise(level_db: float, seconds: float = _NOISE_S) -> audio.Sound:
    draw = np.random.default_rng(42)
    return draw.normal(0, 10 ** (level_db / 20), int(seconds * audio.RATE)).astype(np.float32)


def _voices(said: list[audio.Sound]) -> audio.Sound:
    """Several who talk at once, as near a television."""
    length = int(_NOISE_S * audio.RATE)
    mixed = np.zeros(length, np.float32)
    for at, sound in enumerate(said[-4:]):
        mixed += np.resize(np.roll(sound, at * audio.RATE // 4), length)
    return mixed


def _at(sound: audio.Sound, level_db: float) -> audio.Sound:
    """Bring a sound to a level (root mean square)."""
    level = float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))
    return (sound * np.float32(10 ** (level_db / 20) / level)).astype(np.float32)


def _over(ground: audio.Sound, sound: audio.Sound) -> audio.Sound:
    """Put a sound on another, half a second in."""
    at = audio.RATE // 2
    mixed = ground.copy()
    mixed[at : at + len(sound)] += sound[: len(mixed) - at]
    return np.clip(mixed, -1.0, 1.0).astype(np.float32)
