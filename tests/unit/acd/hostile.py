"""Numbers that no callback may be promised to, in many disguises. The same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

SCRIPTS = ("٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
GOOD = "+14155550123"


def numbers(count: int, seed: int = 6) -> list[str]:
    """Return so many hostile numbers, where US numbers alone are allowed."""
    draw = random.Random(seed)
    makers = (_premium, _foreign, _malformed, _injected, _unicode, _short)
    found: list[str] = []
    while len(found) < count:
        found += [one for maker in makers for one in maker(draw)]
    return found[:count]


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choice("0123456789") for _ in range(count))


def _premium(draw: random.Random) -> Iterator[str]:
    line = f"{draw.randint(200, 999)}{_digits(draw, 4)}"
    yield f"+1900{line}"
    yield f"1900{line}"
    yield f"(900) {line[:3]}-{line[3:]}"
    yield f"+44909{_digits(draw, 7)}"
    yield f"+979{_digits(draw, 9)}"
    yield f"+1976{line}"


def _foreign(draw: random.Random) -> Iterator[str]:
    for code in ("66", "44", "7", "53", "234", "881", "882", "870", "252", "960"):
        yield f"+{code}{draw.randint(2, 9)}{_digits(draw, draw.randint(6, 10))}"
    yield f"011{draw.choice(('66', '44', '7'))}{_digits(draw, 9)}"
    for area in ("876", "809", "284", "473", "649"):  # looks like home, and is not
        yield f"+1{area}{draw.randint(200, 999)}{_digits(draw, 4)}"


def _malformed(draw: random.Random) -> Iterator[str]:
    yield ""
    yield " "
    yield "+"
    yield "+" + _digits(draw, draw.randint(16, 60))
    yield _digits(draw, draw.randint(1, 5))
    yield f"+1{draw.choice('01')}{_digits(draw, 9)}"
    yield f"++1415555{_digits(draw, 4)}"
    yield f"{GOOD}x{_digits(draw, 3)}"
    yield f"{GOOD};ext={_digits(draw, 2)}"
    yield f"1-800-{draw.choice(('FLOWERS', 'CALLNOW', 'ABCDEFG'))}"
    yield "anonymous"
    yield "-" * draw.randint(1, 50)
    yield "9" * 10_000


def _injected(draw: random.Random) -> Iterator[str]:
    for tail in (
        "\r\nVia: SIP/2.0/UDP evil", "\nAction: Originate", "&PJSIP/900@trunk", "@evil.example",
        ";transport=tcp", "?Route=evil", "%0d%0aX: y", ",5", "|tT", "${SHELL(id)}", "\x00", "`id`",
        "<sip:900@evil>", "'; DROP TABLE callbacks; --", "/../", "$[1+1]", "\u2028", "\u202e900",
    ):  # fmt: skip
        yield f"+1415555{_digits(draw, 4)}{tail}"
    yield f"sip:+1415555{_digits(draw, 4)}@trunk"
    yield f"tel:+1415555{_digits(draw, 4)}"
    yield f'"x" <+1415555{_digits(draw, 4)}>'


def _unicode(draw: random.Random) -> Iterator[str]:
    plain = f"1415555{_digits(draw, 4)}"
    for script in SCRIPTS:
        yield "+" + "".join(script[int(digit)] for digit in plain)
        one = draw.randrange(len(plain))
        yield "+" + plain[:one] + script[int(plain[one])] + plain[one + 1 :]
    yield f"\uff0b{plain}"
    yield f"+{plain[:4]}\u200b{plain[4:]}"
    yield f"+{plain[:4]}\u00a0{plain[4:]}"


def _short(draw: random.Random) -> Iterator[str]:
    yield from ("911", "112", "933", "+911", "1911", "411", "511", "988", "311", "00", "000")
    yield draw.choice(("9", "99", "999", "9999"))
    yield f"*{draw.randint(10, 99)}"
    yield f"#31#{GOOD}"
