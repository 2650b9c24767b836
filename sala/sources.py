"""Where settings come from: `sala.toml`, then `SALA_*` variables, which win.

Every fault found is told in one line that begins with its place, so that an admin mends all of
them in one go.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from sala.errors import SettingsError
from sala.settings import ENV_PREFIX, Settings

FILE = "sala.toml"
CONFIG_VARIABLE = "SALA_CONFIG"
OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, "SALA_CACHE"})
"""Variables that are not settings: the file's own place, and the cache of fetched packages."""

_PATHS = frozenset({"state", "asterisk", *Settings.shipped})
_LINE = re.compile(r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[\w-]+))\s*[=.]""")
_TABLE = re.compile(r"\s*\[+\s*[\"']?(?P<name>[^]\"'.]+)")
_TOML_PLACE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+).*|end of document)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Key → `default`, a variable's name, or `file:line`."""
    file: Path | None
    """The file that was read; None if there is none."""


def load(config: Path | None = None) -> Loaded:
    """Read and check the settings.

    `config` names the file; without it `SALA_CONFIG` does, else it is `sala.toml` in the working
    directory, which need not exist. Raises `SettingsError` with one line for each fault.
    """
    file = _find(config)
    faults: list[str] = []
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    written: dict[str, Any] = {}
    if file is not None:
        for key, value, place in _from_file(file):
            if key not in Settings.model_fields:
                faults.append(f"{place}: unknown key {_quoted(key)}{_meant(key)}")
                continue
            written[key] = value
            values[key] = _beside(file, key, value)
            origins[key] = place
    faults.extend(_unknown_variables())
    for key, value in EnvSettingsSource(Settings)().items():
        values[key] = written[key] = value
        origins[key] = ENV_PREFIX + key.upper()
    try:
        settings = Settings(**values)
    except ValidationError as error:
        faults.extend(_told(error, written, origins))
    if faults:
        raise SettingsError(list(dict.fromkeys(faults)))
    return Loaded(settings, origins, file)


def _find(config: Path | None) -> Path | None:
    named = config or (Path(text) if (text := os.environ.get(CONFIG_VARIABLE)) else None)
    if named is None:
        usual = Path.cwd() / FILE
        return usual if usual.is_file() else None
    file = named if named.is_absolute() else Path.cwd() / named
    if not file.is_file():
        raise SettingsError([f"{named}: there is no such file"])
    return file


def _from_file(file: Path) -> Iterator[tuple[str, Any, str]]:
    shown = _shown(file)
    try:
        text = file.read_bytes().decode("utf-8")
    except OSError as error:
        raise SettingsError([f"{shown}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{shown}: is not UTF-8 text (byte {error.start})"]) from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _TOML_PLACE.fullmatch(str(error))
        last = max(1, len(text.splitlines()))
        line = match["line"] or last if match else last
        what = match["what"] if match else str(error)
        raise SettingsError([f"{shown}:{line}: {what}"]) from error
    lines = _lines(text)
    for key, value in content.items():
        yield key, value, f"{shown}:{lines.get(key, 1)}"


def _lines(text: str) -> dict[str, int]:
    """Find each top-level key's line; tomllib keeps none."""
    found: dict[str, int] = {}
    top = True
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE.match(line):
            if "=" not in line.split("#")[0]:
                top = False
                found.setdefault(match["name"].strip(), number)
        elif top and (match := _LINE.match(line)):
            found.setdefault(match["double"] or match["single"] or match["bare"] or "", number)
    return found


def _beside(file: Path, key: str, value: Any) -> Any:
    if key in _PATHS and isinstance(value, str) and value:
        path = Path(value).expanduser()
        return str(path if path.is_absolute() else file.parent / path)
    return value


def _unknown_variables() -> Iterator[str]:
    known = {ENV_PREFIX + key.upper() for key in Settings.model_fields} | OTHER_VARIABLES
    for name in sorted(os.environ):
        if name.startswith(ENV_PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            yield f"{name}: unknown setting{meant}"


def _told(
    error: ValidationError, written: Mapping[str, Any], origins: Mapping[str, str]
) -> Iterator[str]:
    for fault in error.errors():
        if fault["type"] == "disagree":
            for keys, text in fault["ctx"]["faults"]:
                places = dict.fromkeys(
                    origins[key] for key in keys if origins.get(key, "default") != "default"
                )
                yield f"{', '.join(places)}: {text}" if places else text
            continue
        key = str(fault["loc"][0])
        place = origins[key]
        value = written.get(key, fault["input"])
        named = "" if place == ENV_PREFIX + key.upper() else f"{key}: "
        if key == "database_url":
            value = "(the value given)"
        yield f"{place}: {named}{_quoted(value)} is not {expects(key)}"


def expects(key: str) -> str:
    """Say what a setting's value must be, as it ends the sentence "… is not"."""
    extra = Settings.model_fields[key].json_schema_extra
    assert isinstance(extra, dict)
    return str(extra["expects"])


def _quoted(value: object) -> str:
    if isinstance(value, str | Path):
        return '"' + str(value).encode("unicode_escape").decode()[:80] + '"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_quoted(part) for part in value)[:80] + "]"
    return str(value)[:80]


def _meant(key: str) -> str:
    close = difflib.get_close_matches(key.lower().replace("-", "_"), Settings.model_fields, n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""


def _shown(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
