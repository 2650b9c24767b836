"""Configuration templates: `@NAME@` stands for a value, and nothing else is special.

Strict on purpose: a placeholder nobody gives a value for, a value no template uses, or a value
that could break out of its line is an error, told with file and line. Substitution keeps the
number of lines, so that a line of a rendered file is the same line of its template.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pbx.errors import ApplianceError

_PLACEHOLDER = re.compile(r"@([A-Z][A-Z0-9_]*)@")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f;\u0085\u2028\u2029]")


def check_value(name: str, value: str) -> str:
    """Return `value`; `ApplianceError` if it holds what would end or cut a configuration line."""
    if found := _UNSAFE.search(value):
        raise ApplianceError(f"the value for {name} holds {found[0]!r}, which is not allowed there")
    return value


def substitute(text: str, values: Mapping[str, str], source: Path | str) -> tuple[str, set[str]]:
    """Replace every placeholder of `text`; return the result and the names that were used.

    Raises `ApplianceError` naming `source` and line for each name without a value.
    """
    used: set[str] = set()
    problems: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        used.add(name)
        if name not in values:
            line = text.count("\n", 0, match.start()) + 1
            problems.append(f"{source}:{line}: nobody gives @{name}@ a value; known: {known}")
            return match[0]
        return values[name]

    known = ", ".join(sorted(values)) or "none"
    result = _PLACEHOLDER.sub(value_of, text)
    if problems:
        raise ApplianceError("\n".join(problems))
    return result, used


def read_text(path: Path) -> str:
    """Read an admin's file; `ApplianceError` names it if that cannot be done."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ApplianceError(f"{path}:{line}: not UTF-8 text") from error
    except OSError as error:
        raise ApplianceError(f"{path}: cannot be read ({error.strerror})") from error


def write_private(path: Path, text: str) -> None:
    """Write a new file that its owner alone can read (configuration holds secrets)."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def render_folder(
    templates: Path | Iterable[Path],
    values: Mapping[str, str],
    out: Path,
    *,
    optional: Iterable[str] = (),
) -> dict[str, Path]:
    """Render `*.conf` templates (a folder, or files) into `out`; return name → its template.

    Every value must be used by some template, except those named in `optional`.
    """
    for name, value in values.items():
        check_value(name, value)
    if isinstance(templates, Path):
        if not templates.is_dir():
            raise ApplianceError(f"{templates}: there is no such folder of configuration templates")
        files = sorted(templates.glob("*.conf"))
    else:
        files = list(templates)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    used: set[str] = set()
    problems: list[str] = []
    sources: dict[str, Path] = {}
    for file in files:
        try:
            text, names = substitute(read_text(file), values, file)
        except ApplianceError as error:
            problems.append(str(error))
            continue
        used |= names
        sources[file.name] = file
        write_private(out / file.name, text)
    if not problems and (unused := sorted(set(values) - used - set(optional))):
        where = templates if isinstance(templates, Path) else "the templates"
        problems += [f"{where}: no file uses @{name}@, which Sala gives a value" for name in unused]
    if problems:
        raise ApplianceError("\n".join(problems))
    return sources
