"""The keys of a call as the PBX tells them (AMI `DTMFBegin`, `DTMFEnd`), beside what commands give.

Between two FastAGI commands, and for as long as a handler is busy with something else, Asterisk
reads a call's frames and throws them away (res_agi.c, `run_agi`); a key that ends there is in no
command's result. But each key is told over AMI. So what was told and not taken by a command was
typed ahead, and is given to the next taking of digits.

The end of a key that follows another closely is told twice, once for each time it is read
(channel.c, `__ast_read`); its beginning never is. So an end without a beginning tells nothing; nor
do keys that come by SIP INFO, which have none: of these, what no command takes stays lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

ANY_KEY = "0123456789*#"

SETTLED_S = 0.25
APART_S = 0.15
"""Asterisk tells of a key at once, and hands it out when it has been long enough and far enough
from the one before: up to 145 ms apart (channel.c, `AST_MIN_DTMF_GAP`, `mindtmfduration`). So keys
typed quickly are handed out later and later. One that is so long overdue is in no command."""
LATE_S = 1.0
"""A key may end just before a command begins, and be told just after. One that the command has not
taken by then is pressed again on the caller's behalf."""
TOLD_S = 2.0
"""How long after a command gave a key its beginning may be told."""
READ_S = 0.1
"""Then what has come from the PBX meanwhile is read first: this service may have stood still."""
HELD_S = 30.0
"""Nobody holds a key for so long: its end was not told, for the link was down."""
TYPING_S = 2.0
"""How long a caller who goes on typing ahead is waited for before what was typed is looked at."""

_Timed = list[tuple[float, str]]


class Keys:
    """One call's keys, while FastAGI has it. `press` presses a key on the caller's behalf."""

    def __init__(self, press: Callable[[str], None] = lambda key: None) -> None:
        self._press = press
        self._clock = asyncio.get_running_loop().time
        self._ready = ""
        self._begun: _Timed = []
        """Pressed, and neither told to have ended nor in a command's result so far."""
        self._heard: _Timed = []
        """Ended, and in no command's result; with when each is handed out at the latest."""
        self._owed: _Timed = []
        """In a command's result, and not told to have begun."""
        self._due = 0.0
        self._late: asyncio.TimerHandle | None = None
        self._asks_one = False

    @property
    def typed_ahead(self) -> bool:
        """Whether there are keys that no command has given."""
        return bool(self._ready or self._heard)

    def begun(self, key: str) -> None:
        """Note that the PBX told of a key's beginning."""
        if len(key) == 1 and key in ANY_KEY and not _take(self._owed, key, self._clock() - TOLD_S):
            self._begun.append((self._clock(), key))

    def ended(self, key: str) -> None:
        """Note that the PBX told of a key's end."""
        self._due = max(self._clock(), self._due + APART_S)
        if not _take(self._begun, key, self._clock() - HELD_S):
            return
        self._heard.append((self._due, key))
        if self._asks_one and self._late is None:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(LATE_S, self._overdue)

    def asking(self, most: int) -> None:
        """A command begins that takes `most` keys."""
        self._asks_one = most == 1

    def taken(self, given: Sequence[str]) -> str:
        """End a command that gave these keys, each as one of the characters of a text.

        Returns them in the order typed, those that were lost before or between them included.
        """
        self._asks_one = False
        if self._late is not None:
            self._late.cancel()
            self._late = None
        typed = ""
        for one in given:
            at = next((at for at, (_, key) in enumerate(self._heard) if key in one), None)
            if at is not None:
                typed += "".join(key for _, key in self._heard[: at + 1])
                del self._heard[: at + 1]
                continue
            found = _take(self._begun, one, self._clock() - HELD_S)
            if not found:
                self._owed.append((self._clock(), one))
            typed += found or one[0]
        return typed

    async def ahead(self) -> str:
        """Return and forget the keys typed ahead, once none of them can be given by a command."""
        until = self._clock() + TYPING_S
        while self._heard:
            wait = min(self._heard[-1][0] + SETTLED_S, until) - self._clock()
            if wait <= 0:
                break
            await asyncio.sleep(wait)
        keys = self._ready + "".join(key for _, key in self._heard)
        self.forget()
        return keys

    def put_back(self, keys: str) -> None:
        """Keep keys for the next taking of digits, before all others."""
        self._ready = keys + self._ready

    def forget(self) -> None:
        """Drop what was typed ahead."""
        self._ready = ""
        self._heard.clear()

    def _overdue(self) -> None:
        self._late = asyncio.get_running_loop().call_later(READ_S, self._again)

    def _again(self) -> None:
        self._late = None
        if self._asks_one and self._heard:
            self._press(self._heard[0][1])


def _take(keys: _Timed, wanted: str, oldest: float) -> str:
    """Take the first key out that is one of those wanted, and not too old; return it, or nothing.

    Either may be several characters, of which any will do.
    """
    keys[:] = [one for one in keys if one[0] >= oldest]
    for at, (_, key) in enumerate(keys):
        if set(key) & set(wanted):
            del keys[at]
            return key
    return ""
