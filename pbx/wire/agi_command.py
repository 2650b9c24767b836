"""AGI commands: how a command and its arguments are written.

Rules of Asterisk's `res_agi.c`: a command line with its line feed is read into 8,192 bytes (2,048
before 20.16, 21.11 and 22.6), NUL included; it is cut into at most 127 words at blanks and tabs;
double quotes keep blanks in a word; a backslash takes the next byte as it is, within quotes and
without. Quoted words are not counted against the bound while they are read, so that it is on us to
keep it.
"""

from __future__ import annotations

import re

from pbx.errors import LocalProtocolError
from pbx.wire.fields import encode_text

MAX_COMMAND = 8190
"""Most bytes in a command line, its LF not counted."""
OLD_MAX_COMMAND = 2046
"""The same for an Asterisk before the versions of `_LONGER`."""
_LONGER = {20: 16, 21: 11, 22: 6}
"""From which minor version on of each branch a command line may have `MAX_COMMAND` bytes."""
MAX_WORDS = 127
"""Most words in a command line, those of the command's name included."""

_COMMAND = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)*")
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\b", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+*#,=&-]+", re.ASCII)


def max_command(version: str) -> int:
    """Tell how long a command line may be for an Asterisk, by its `agi_version`.

    A version that does not read as one (a build from the sources) is taken as a new one.
    """
    match = _VERSION.match(version)
    if match is None:
        return MAX_COMMAND
    major, minor = int(match[1]), int(match[2])
    return OLD_MAX_COMMAND if minor < _LONGER.get(major, 0) or major < 20 else MAX_COMMAND


def encode_command(name: str, args: tuple[str, ...] = (), limit: int = MAX_COMMAND) -> bytes:
    """Write one command, such as `encode_command("SET VARIABLE", ("NAME", "a value"))`.

    Every argument arrives as one word, whatever it holds; an empty one as an empty word. (`EXEC`
    takes an application and one word with all its arguments, and ignores further words.) Raises
    `LocalProtocolError` for a name that is not letters and single blanks, for CR, LF or NUL, and
    for a line of more than `limit` bytes.
    """
    if not _COMMAND.fullmatch(name):
        raise LocalProtocolError("a command's name is not words of letters")
    if name.count(" ") + 1 + len(args) > MAX_WORDS:
        raise LocalProtocolError(f"{name} has more than {MAX_WORDS} words")
    line = encode_text(" ".join([name, *map(_quote, args)]), f"an argument of {name}")
    if len(line) > limit:
        raise LocalProtocolError(f"{name} makes a line of more than {limit} bytes")
    return line + b"\n"


def _quote(arg: str) -> str:
    if _PLAIN.fullmatch(arg):
        return arg
    escaped = arg.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
