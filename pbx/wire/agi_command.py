"""AGI commands: how a command and its arguments are written.

Rules of Asterisk's `res_agi.c`: a command line with its line feed is read into 8,192 bytes, NUL
included; it is cut into at most 127 words at blanks and tabs; double quotes keep blanks in a word;
a backslash takes the next byte as it is, within quotes and without. Quoted words are not counted
against the bound while they are read, so that it is on us to keep it.
"""

from __future__ import annotations

import re

from pbx.errors import LocalProtocolError
from pbx.wire.fields import encode_text

MAX_COMMAND = 8190
"""Most bytes in a command line, its LF not counted."""
MAX_WORDS = 127
"""Most words in a command line, those of the command's name included."""

_COMMAND = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)*")
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+*#,=&-]+", re.ASCII)


def encode_command(name: str, args: tuple[str, ...] = ()) -> bytes:
    """Write one command, such as `encode_command("SET VARIABLE", ("NAME", "a value"))`.

    Every argument arrives as one word, whatever it holds; an empty one as an empty word. (`EXEC`
    takes an application and one word with all its arguments, and ignores further words.) Raises
    `LocalProtocolError` for a name that is not letters and single blanks, for CR, LF or NUL, and
    for a line too long.
    """
    if not _COMMAND.fullmatch(name):
        raise LocalProtocolError("a command's name is not words of letters")
    if name.count(" ") + 1 + len(args) > MAX_WORDS:
        raise LocalProtocolError(f"{name} has more than {MAX_WORDS} words")
    line = encode_text(" ".join([name, *map(_quote, args)]), f"an argument of {name}")
    if len(line) > MAX_COMMAND:
        raise LocalProtocolError(f"{name} makes a line of more than {MAX_COMMAND} bytes")
    return line + b"\n"


def _quote(arg: str) -> str:
    if _PLAIN.fullmatch(arg):
        return arg
    escaped = arg.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
