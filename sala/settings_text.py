"""Settings as text: rows for tables, and a commented `sala.toml`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sala.settings import Settings
from sala.sources import Loaded, expects


@dataclass(frozen=True, slots=True)
class Row:
    """One key. `value` is as JSON has it, `shown` and `default` as TOML writes them."""

    key: str
    value: Any
    shown: str
    origin: str
    default: str
    description: str
    expects: str

    def as_dict(self) -> dict[str, Any]:
        """Return the row as a JSON object, without its display forms."""
        content = asdict(self)
        del content["shown"]
        content["default"] = plain(Settings.model_fields[self.key].default)
        return content


def rows(loaded: Loaded) -> list[Row]:
    """Describe every key. Passwords in `database_url` are masked."""
    found = []
    for key, field in Settings.model_fields.items():
        value = plain(getattr(loaded.settings, key))
        if key == "database_url":
            value = masked(value)
        found.append(
            Row(
                key=key,
                value=value,
                shown=toml(_near(key, value)),
                origin=loaded.origins[key],
                default=toml(plain(field.default)),
                description=field.description or "",
                expects=expects(key),
            )
        )
    return found


def plain(value: Any) -> Any:
    """Turn a setting's value into what JSON and TOML know."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def toml(value: Any) -> str:
    """Write a value as TOML does."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(toml(part) for part in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def masked(url: str) -> str:
    """Hide the password of a database address."""
    if not url:
        return url
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))
    except ValueError:
        return "***"


def template() -> str:
    """Write a `sala.toml` with every key at its default, commented out."""
    lines = [
        "# Settings of Sala. A variable SALA_<KEY> wins over what stands here.",
        "# Relative paths are taken from this file's folder.",
        "",
    ]
    for key, field in Settings.model_fields.items():
        text = f"{field.description or ''} Must be {expects(key)}."
        lines += [f"# {line}" for line in wrap(text, width=96)]
        lines += [f"#{key} = {toml(plain(field.default))}", ""]
    return "\n".join(lines)


def _near(key: str, value: Any) -> Any:
    """Show a path below the working directory as people write it."""
    if key in ("state", *Settings.shipped):
        path = Path(value)
        if path.is_relative_to(Path.cwd()):
            return str(path.relative_to(Path.cwd()))
    return value
