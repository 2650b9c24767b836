"""Moments as people write them on the command line."""

from __future__ import annotations

from datetime import datetime, time

import typer

FORMS = "2026-05-01, 2026-05-01T09:30, 09:30 (today)"


def parse(text: str) -> int:
    """Read a moment as milliseconds since the epoch; local time unless it names a zone.

    Raises `typer.BadParameter` for anything else.
    """
    try:
        if len(text) <= 8 and ":" in text:
            at = datetime.combine(datetime.now().astimezone().date(), time.fromisoformat(text))
        else:
            at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no moment; write it such as {FORMS}.") from error
    return int(at.astimezone().timestamp() * 1000)


def parse_end(text: str) -> int:
    """Read a moment that ends a span: a bare date means the end of that day."""
    day = len(text) == len("2026-05-01") and "-" in text
    return parse(f"{text}T23:59:59.999") if day else parse(text)


def clock(at_ms: int) -> str:
    """Write a moment as local time of day, to the millisecond."""
    at = datetime.fromtimestamp(at_ms / 1000).astimezone()
    return at.strftime("%H:%M:%S.") + f"{at_ms % 1000:03}"


def full(at_ms: int) -> str:
    """Write a moment as local date and time of day, to the millisecond."""
    at = datetime.fromtimestamp(at_ms / 1000).astimezone()
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at_ms % 1000:03}"
