"""Taking digits over FastAGI, in as few commands as Asterisk lets us."""

from __future__ import annotations

from pbx.asterisk.fastagi import AgiSession
from pbx.asterisk.keys import Keys
from pbx.errors import CallGone
from pbx.port import Digits, DigitsEnd
from pbx.wire.agi import Result

_GONE = "the caller hung up while keys were collected"

Given = tuple[list[str], bool]
"""The keys a command gave, terminator included, each as the characters it may be; and whether the
command ended because no further key came in time."""


class Keypad:
    """Takes digits from one call; `keys` are those that the PBX tells of."""

    def __init__(self, session: AgiSession, keys: Keys) -> None:
        self._session = session
        self.keys = keys

    async def collect(
        self, files: str, most: int, first_ms: int, next_ms: int, terminators: str
    ) -> Digits:
        """Play recordings (joined by `&`) and collect, so that no key is lost.

        Keys typed ahead count, and then nothing is played. Asterisk's ways to collect know one
        time-out each, so where two are asked for the first key has a command of its own.
        """
        typed, wait_ms = "", first_ms
        while True:
            over = False
            keys = await self.keys.ahead() if self.keys.typed_ahead else ""
            if not keys:
                left = most - len(typed)
                at_once = left if typed or first_ms == next_ms else 1
                self.keys.asking(at_once)
                given, over = await self._command(files, at_once, wait_ms, terminators)
                keys = self.keys.taken(given)
            for at, key in enumerate(keys):
                ends = key in terminators
                typed += "" if ends else key
                if ends or len(typed) == most:
                    self.keys.put_back(keys[at + 1 :])
                    return Digits(typed, DigitsEnd.COMPLETE)
            if over and not self.keys.typed_ahead:
                return Digits(typed, DigitsEnd.TIMEOUT)
            files, wait_ms = "", next_ms

    def pressed(self, done: Result) -> str:
        """Return the key that a command's result tells of, if any."""
        if done.result in ("", "0", "-1"):
            return ""
        return self.keys.taken([chr(int(done.result))])

    async def _command(self, files: str, most: int, wait_ms: int, terminators: str) -> Given:
        """Take up to `most` keys, or one at least, by the cheapest command that can."""
        odd = terminators != "#" and bool(terminators or most > 1)
        if odd and not files:
            return await self._wait_for_digit(wait_ms)
        if odd or "&" in files:
            return await self._read(files, most, wait_ms, terminators)
        return await self._get_data(files, most, wait_ms)

    async def _get_data(self, file: str, most: int, wait_ms: int) -> Given:
        """`GET DATA`: one round trip, one recording at most, and `#` always ends the input."""
        wait = str(max(wait_ms, 1))
        done = await self._session.command("GET DATA", file, wait, str(most))
        if done.result == "-1":
            raise CallGone(_GONE)
        keys = list(done.result)
        if done.data == "timeout":
            return keys, True
        return keys if len(keys) == most else [*keys, "#"], False

    async def _wait_for_digit(self, wait_ms: int) -> Given:
        """`WAIT FOR DIGIT`: one key, any, and nothing played.

        `Read()` without a recording returns at once in Asterisk 20.6.
        """
        done = await self._session.command("WAIT FOR DIGIT", str(max(wait_ms, 1)))
        if done.result == "-1":
            raise CallGone(_GONE)
        if done.result in ("", "0"):
            return [], True
        return [chr(int(done.result))], False

    async def _read(self, files: str, most: int, wait_ms: int, terminators: str) -> Given:
        """`Read()`: any recordings and terminators, two round trips."""
        options = f"t({terminators})" if terminators else "t"
        wait_s = f"{max(wait_ms, 1) / 1000:.3f}"
        application = f"SALA_KEYS,{files},{most},{options},1,{wait_s}"
        await self._session.command("EXEC", "Read", application)
        told = await self._session.command("GET FULL VARIABLE", "${READSTATUS}:${SALA_KEYS}")
        status, _, read = (told.data or "").partition(":")
        if status in ("HANGUP", "ERROR", "INTERRUPTED", ""):
            raise CallGone(_GONE)
        keys = list(read)
        if status == "TIMEOUT":
            return keys, True
        if terminators and len(keys) < most:
            keys.append(terminators)
        return keys, not keys
