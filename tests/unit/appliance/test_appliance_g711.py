import struct

import pytest

from pbx.appliance import g711


def encode(sample: int, law: str) -> int:
    return g711.encode(struct.pack("<h", sample), law)[0]


def decode(code: int, law: str) -> int:
    return struct.unpack("<h", g711.decode(bytes([code]), law))[0]


# Decision and output values of ITU-T G.711 tables 1 and 2, scaled to 16 bits.
@pytest.mark.parametrize(
    ("law", "sample", "code"),
    [
        ("ulaw", 0, 0xFF),
        ("ulaw", -1, 0x7F),
        ("ulaw", 32767, 0x80),
        ("ulaw", -32768, 0x00),
        ("ulaw", 1000, 0xCE),
        ("ulaw", -1000, 0x4E),
        ("alaw", 0, 0xD5),
        ("alaw", -1, 0x55),
        ("alaw", 32767, 0xAA),
        ("alaw", -32768, 0x2A),
        ("alaw", 1000, 0xFA),
        ("alaw", -1000, 0x7A),
    ],
)
def test_known_codes(law, sample, code):
    assert encode(sample, law) == code


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        ("ulaw", 0x80, 32124),
        ("ulaw", 0x00, -32124),
        ("ulaw", 0xFF, 0),
        ("ulaw", 0xF0, 120),
        ("alaw", 0xAA, 32256),
        ("alaw", 0x2A, -32256),
        ("alaw", 0xD5, 8),
        ("alaw", 0x55, -8),
    ],
)
def test_known_outputs(law, code, sample):
    assert decode(code, law) == sample


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_every_code_comes_back(law):
    codes = bytes(range(256))
    again = g711.encode(g711.decode(codes, law), law)
    # µ-law has two zeroes; the negative one comes back as the positive.
    assert again == (codes.replace(b"\x7f", b"\xff") if law == "ulaw" else codes)


@pytest.mark.parametrize(("law", "top"), [("ulaw", 32635), ("alaw", 32767)])
def test_the_error_stays_within_half_a_step(law, top):
    samples = range(-top, top + 1)
    pcm = struct.pack(f"<{len(samples)}h", *samples)
    heard = struct.unpack(f"<{len(samples)}h", g711.decode(g711.encode(pcm, law), law))
    for sample, back in zip(samples, heard, strict=True):
        assert abs(sample - back) <= max(8, abs(sample) // 31 + 4)


def test_speech_is_encoded_whole():
    assert len(g711.encode(bytes(16000), "ulaw")) == 8000
