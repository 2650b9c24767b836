#!/usr/bin/env python3
"""Take a callback request while the service is away.

Asterisk runs this on its own (`sala-survival` in the dialplan), a process a call, as
``python survival.py SPOOL MEDIA DIALLED PRESENTATION CARRY``. It apologises, asks for a number to
call back, and writes the request to the spool before it says thank you: a promise is kept on disk
first. The service takes the spool in when it returns.

A request is one JSON file, written under another name and renamed, so a reader never sees half of
one: ``{"version": 1, "number", "typed", "dialled", "carry", "requested_ms"}``. `number` is as
keyed or as presented, unchecked: what may be dialled is for the service's gate to say.

This file stands alone (standard library and pyst2): it must run when all else of Sala does not.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from asterisk.agi import AGI, AGIException

VERSION = 1
TRIES = 3
DIGIT_MS = 6000
LONGEST = 15  # digits in the longest E.164 number
SHORTEST = 4


def open_agi() -> Any:
    """The AGI session on standard input and output.

    A caller's name may be in any encoding, so bytes that are not UTF-8 are replaced. pyst2 writes
    everything it sees to standard error, numbers included: that goes nowhere.
    """
    stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
    return AGI(stdin=stdin, stdout=sys.stdout, stderr=io.StringIO())


def presented_number(agi: Any, presentation: str) -> str:
    """The number that the caller calls from, or nothing when withheld or no number."""
    if presentation.startswith("prohib") or presentation == "unavailable":
        return ""
    raw = agi.env.get("agi_callerid", "")
    digits = raw.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and SHORTEST <= len(digits) <= LONGEST):
        return ""
    return str(raw)


def ask_number(agi: Any, media: str, own: str) -> tuple[str, bool] | None:
    """Ask for the number to call; gives it and whether it was typed, or None after the tries."""
    question = "survival-enter-number" if own else "survival-enter-number-only"
    for _ in range(TRIES):
        keyed = agi.get_data(f"{media}/{question}", DIGIT_MS, LONGEST + 1)
        if not keyed and own:
            return own, False
        if keyed.isascii() and keyed.isdigit() and SHORTEST <= len(keyed) <= LONGEST:
            return keyed, True
        agi.stream_file(f"{media}/survival-not-a-number")
    return None


def spool(folder: Path, request: dict[str, Any]) -> Path:
    """Write a request durably; gives the file's path. Raises OSError if it could not."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{request['requested_ms']}-{uuid.uuid4().hex}.json"
    draft = folder / f".{name}.tmp"
    with draft.open("x", encoding="utf-8") as out:
        os.fchmod(out.fileno(), 0o600)
        json.dump(request, out)
        out.flush()
        os.fsync(out.fileno())
    final = folder / name
    draft.rename(final)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return final


def serve(agi: Any, folder: Path, media: str, dialled: str, presentation: str, carry: str) -> None:
    """Lead one caller through it. Raises OSError when the request could not be kept."""
    agi.stream_file(f"{media}/survival-sorry")
    number = ask_number(agi, media, presented_number(agi, presentation))
    if number is None:
        agi.stream_file(f"{media}/survival-try-later")
    else:
        spool(
            folder,
            {
                "version": VERSION,
                "number": number[0],
                "typed": number[1],
                "dialled": dialled,
                "carry": carry,
                "requested_ms": time.time_ns() // 1_000_000,
            },
        )
        agi.stream_file(f"{media}/survival-thank-you")
    agi.stream_file(f"{media}/survival-goodbye")


def main(argv: list[str]) -> int:
    """Run one call. Exit status 1 when a request could not be kept, 0 otherwise."""
    folder, media, dialled, presentation, carry = (argv + [""] * 5)[:5]
    try:
        agi = open_agi()
        try:
            serve(agi, Path(folder), media, dialled, presentation, carry)
        except OSError as failure:
            # No thanks without a request on disk.
            print(f"sala survival: cannot keep a request in {folder}: {failure}", file=sys.stderr)
            agi.stream_file(f"{media}/survival-try-later")
            return 1
    except (AGIException, ValueError):
        # The caller hung up; pyst2 tells the end of its input by a ValueError.
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
