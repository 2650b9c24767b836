"""G.711 encoding of whole arrays (ITU-T G.711, 1988; segments as in its tables 1 and 2).

Both laws take 16-bit linear samples, full scale to full scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

_BIAS = 0x84
_ULAW_CLIP = 0x7FFF - _BIAS


def _table_ulaw() -> NDArray[np.uint8]:
    linear = np.arange(-32768, 32768)
    magnitude = np.minimum(np.abs(linear), _ULAW_CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    step = (magnitude >> (segment + 3)) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    return np.asarray(~(sign | (segment << 4) | step) & 0xFF, np.uint8)


def _table_alaw() -> NDArray[np.uint8]:
    linear = np.arange(-32768, 32768)
    # Negative values count from -1, so that both halves have the same steps.
    magnitude = np.where(linear < 0, -linear - 1, linear) >> 3
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 0)
    step = (magnitude >> np.maximum(segment, 1)) & 0x0F
    sign = np.where(linear < 0, 0, 0x80)
    return np.asarray((sign | (segment << 4) | step) ^ 0x55, np.uint8)


_ULAW = _table_ulaw()
_ALAW = _table_alaw()


def ulaw(samples: Samples) -> bytes:
    """Encode 16-bit samples as µ-law, one byte each."""
    return _ULAW[samples.astype(np.int32) + 32768].tobytes()


def alaw(samples: Samples) -> bytes:
    """Encode 16-bit samples as A-law, one byte each."""
    return _ALAW[samples.astype(np.int32) + 32768].tobytes()
