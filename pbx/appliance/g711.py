"""G.711: 16-bit linear samples to µ-law and A-law bytes, and back (ITU-T G.711, 1988).

Encoding goes through a table of all 65,536 samples, built once when first used.
"""

from __future__ import annotations

import sys
from array import array
from functools import cache

_BIAS = 0x84
_CLIP = 32635


def _ulaw(sample: int) -> int:
    """Encode one sample: 14-bit magnitude, 8 segments, all bits inverted."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(-sample if sample < 0 else sample, _CLIP) + _BIAS
    segment = magnitude.bit_length() - 8
    return ~(sign | segment << 4 | magnitude >> (segment + 3) & 0x0F) & 0xFF


def _alaw(sample: int) -> int:
    """Encode one sample: 13-bit magnitude, 8 segments, even bits inverted."""
    sign = 0 if sample < 0 else 0x80
    magnitude = (~sample if sample < 0 else sample) >> 3
    segment = max(0, magnitude.bit_length() - 5)
    code = segment << 4 | magnitude >> max(1, segment) & 0x0F
    return (sign | code) ^ 0x55


def _from_ulaw(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + _BIAS << (code >> 4 & 7)) - _BIAS
    return -magnitude if code & 0x80 else magnitude


def _from_alaw(code: int) -> int:
    code ^= 0x55
    segment = code >> 4 & 7
    magnitude = ((code & 0x0F) << 4) + 8
    if segment:
        magnitude = magnitude + 0x100 << segment - 1
    return magnitude if code & 0x80 else -magnitude


@cache
def _encoder(law: str) -> bytes:
    one = {"ulaw": _ulaw, "alaw": _alaw}[law]
    # Index by the unsigned view of a sample, so that no arithmetic is left for the loop.
    return bytes(one(value - 65536 if value > 32767 else value) for value in range(65536))


@cache
def _decoder(law: str) -> tuple[int, ...]:
    one = {"ulaw": _from_ulaw, "alaw": _from_alaw}[law]
    return tuple(one(code) for code in range(256))


def encode(pcm: bytes, law: str) -> bytes:
    """Encode little-endian 16-bit samples; `law` is `ulaw` or `alaw`. One byte a sample."""
    samples = array("H", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return bytes(map(_encoder(law).__getitem__, samples))


def decode(data: bytes, law: str) -> bytes:
    """Decode to little-endian 16-bit samples; `law` is `ulaw` or `alaw`."""
    samples = array("h", map(_decoder(law).__getitem__, data))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
