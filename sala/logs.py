"""Logging: one JSON object a line into a rotated file, and short lines for people at a terminal.

Messages are constant texts; what varies stands in `extra`. No phone numbers, digits or names.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

FILE_BYTES = 10_000_000
"""A log file is rotated at this size …"""

FILES = 5
"""… and this many old ones are kept."""

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """Return what was given as `extra` with a message."""
    return {key: value for key, value in vars(record).items() if key not in _ORDINARY}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time (RFC 3339, UTC), level, logger, message, extras."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        content: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **extras(record),
        }
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class HumanFormatter(logging.Formatter):
    """A record as a person reads it: `12:34:56 warning  acd.service  message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an exception's traceback follows it."""
        clock = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        facts = "".join(f" {key}={value}" for key, value in extras(record).items())
        line = f"{clock} {record.levelname.lower():<8} {record.name}  {record.getMessage()}{facts}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def to_file(path: Path, level: str, *, terminal: bool = True) -> None:
    """Log as JSON lines to a rotated file (mode 0600), and to stderr if it is a terminal.

    `level` is a level's name in lower case; `terminal` false leaves stderr alone. Replaces what was
    set up before.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    file = logging.handlers.RotatingFileHandler(
        path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8"
    )
    file.setFormatter(JsonFormatter())
    handlers: list[logging.Handler] = [file]
    if terminal and sys.stderr.isatty():
        handlers.append(_human())
    _install(handlers, level)


def to_terminal(level: str) -> None:
    """Log short lines to stderr: what commands do with `-v`."""
    _install([_human()], level)


def _human() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HumanFormatter())
    return handler


def _install(handlers: list[logging.Handler], level: str) -> None:
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level.upper())
    # aiohttp's access log would tell each look at the status.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
