"""The kinds of values that settings take, each with its check.

A check raises ValueError without words: what a setting expects is told by its own declaration.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")


def _strictly(kind: type) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, kind | str):
            raise ValueError  # noqa: TRY004 - pydantic collects ValueError only
        return value

    return BeforeValidator(check)


def _split(value: object) -> object:
    """Take a list written as one text, `a, b`, as variables have it."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _if_given(check: Callable[[str], str]) -> AfterValidator:
    """Check a text that may be empty, where that has a meaning of its own."""
    return AfterValidator(lambda value: check(value) if value else value)


def resolved(path: Path) -> Path:
    """Return a path as an absolute one; a relative one is taken from the working directory."""
    path = path.expanduser()
    return path if path.is_absolute() else Path.cwd() / path


def _program(value: str) -> str:
    path = resolved(Path(value))
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise ValueError
    return str(path)


def _postgres(value: str) -> str:
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError
    return value


def _address(value: str) -> str:
    return str(ipaddress.ip_address(value))


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for part in value:
        ipaddress.ip_network(part)
    return value


def _dialling_rules(value: tuple[str, ...]) -> tuple[str, ...]:
    from acd.gate import is_rule

    if not all(map(is_rule, value)):
        raise ValueError
    return value


def _web_address(value: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(value)
    if not (parts.scheme in ("http", "https") and parts.hostname):
        raise ValueError
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError
    return value


def _zone(value: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, OSError) as unknown:
        raise ValueError from unknown


def _region(value: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    if value not in SUPPORTED_REGIONS:
        raise ValueError
    return value


Port = Annotated[int, _strictly(int), Field(ge=1, le=65535)]
Seconds = Annotated[int, _strictly(int)]
Milliseconds = Annotated[int, _strictly(int)]
Count = Annotated[int, _strictly(int)]
Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[Texts, AfterValidator(_networks)]
"""IP addresses, or networks as address/length."""
DiallingRules = Annotated[Texts, AfterValidator(_dialling_rules)]
"""See `acd.gate.is_rule`."""
AbsolutePath = Annotated[Path, AfterValidator(resolved)]
Program = Annotated[str, _if_given(_program)]
"""The path of a file that can be executed, or empty."""
PostgresUrl = Annotated[str, _if_given(_postgres)]
IpAddress = Annotated[str, AfterValidator(_address)]
IpAddressOrNone = Annotated[str, _if_given(_address)]
WebAddress = Annotated[str, _if_given(_web_address)]
"""An http:// or https:// address, or empty."""
Host = Annotated[str, _if_given(_host)]
"""`host` or `host:port`, or empty."""
Zone = Annotated[str, AfterValidator(_zone)]
"""A time zone of the IANA database."""
Region = Annotated[str, AfterValidator(_region)]
"""Two letters of ISO 3166 that phonenumbers knows."""
