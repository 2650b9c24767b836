"""Settings: flat keys, each with a default, a description and a check.

`Settings` is the checked value; `sala.sources.load` reads it from `sala.toml` and `SALA_*`
variables and tells every fault with the place it stands at. Relative paths are taken from the
working directory; a folder left at its default that is not there, from the installation.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from sala.disagreements import disagreements
from sala.paths import StatePaths

ENV_PREFIX = "SALA_"
PROJECT = Path(__file__).resolve().parent.parent
"""Where the shipped flows, dialplans, configuration templates and prompts lie."""


def _split(value: object) -> object:
    """Take a list written as one text, `a, b`, as variables have it."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _strictly(kind: type) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, kind | str):
            raise ValueError  # noqa: TRY004 - pydantic collects ValueError only
        return value

    return BeforeValidator(check)


def _expects(what: str) -> dict[str, Any]:
    return {"expects": what}


_PORT = _expects("a number between 1 and 65535")
_FOLDER = _expects("a folder that exists")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")
Port = Annotated[int, _strictly(int), Field(ge=1, le=65535)]
Seconds = Annotated[int, _strictly(int)]
Count = Annotated[int, _strictly(int)]
Addresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """All settings, checked. Constructed directly it reads nothing but its arguments."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, validate_default=True
    )

    state: Path = Field(
        default=Path(".sala"),
        description="Folder of all that lives: secrets, database, PBX, recordings, logs.",
        json_schema_extra=_expects("a path"),
    )
    database_url: str = Field(
        default="",
        repr=False,
        description="Postgres to use (postgresql://user:password@host/name); "
        "empty: an embedded one in the state folder.",
        json_schema_extra=_expects("a postgresql:// address"),
    )
    asterisk: str = Field(
        default="",
        description="Path of the asterisk program; "
        "empty: one of version 20 or later on PATH, else the bundled one.",
        json_schema_extra=_expects("the path of a program that exists"),
    )
    sip_address: str = Field(
        default="127.0.0.1",
        description="Address SIP and RTP listen on; 0.0.0.0 for all of this machine.",
        json_schema_extra=_expects("an IP address"),
    )
    sip_port: Port = Field(
        default=5060, description="SIP port (UDP and TCP).", json_schema_extra=_PORT
    )
    rtp_first: Port = Field(
        default=10000, description="First UDP port of speech (RTP).", json_schema_extra=_PORT
    )
    rtp_last: Port = Field(
        default=12000, description="Last UDP port of speech (RTP).", json_schema_extra=_PORT
    )
    external_address: str = Field(
        default="",
        description="Address told to phones behind the router, when this machine is behind NAT.",
        json_schema_extra=_expects("an IP address"),
    )
    ami_port: Port = Field(
        default=5038, description="The PBX's AMI port, on loopback.", json_schema_extra=_PORT
    )
    agi_port: Port = Field(
        default=4573,
        description="The service's FastAGI port, on loopback.",
        json_schema_extra=_PORT,
    )
    trunk_hosts: Addresses = Field(
        default=(),
        description="Addresses or networks that may send calls as a trunk.",
        json_schema_extra=_expects("a list of IP addresses or networks"),
    )
    trunk_out: str = Field(
        default="",
        description="Trunk that numbers outside are dialled over, as host or host:port; "
        "empty: nothing is dialled out.",
        json_schema_extra=_expects("a host, such as sip.example.com or 192.0.2.1:5060"),
    )
    trunk_user: str = Field(
        default="",
        description="Account at that trunk; empty: it knows Sala by its address.",
        json_schema_extra=_expects("a text"),
    )
    trunk_secret: str = Field(
        default="",
        repr=False,
        description="Secret of that account.",
        json_schema_extra=_expects("a text"),
    )
    trunk_number: str = Field(
        default="",
        pattern=r"^(\+?[0-9]{2,20})?$",
        description="Number that calls over that trunk come from, in the form that it asks for.",
        json_schema_extra=_expects("a number such as +14155550100"),
    )
    trunk_silent_s: Seconds = Field(
        default=60,
        ge=0,
        le=3600,
        description="Seconds without any sound from a trunk after which a call is taken for cut; "
        "0: never.",
        json_schema_extra=_expects("a number of seconds between 0 and 3600"),
    )
    default_region: str = Field(
        default="US",
        description="Region whose rules national numbers follow (two letters, ISO 3166).",
        json_schema_extra=_expects("a region known to phonenumbers, such as US or DE"),
    )
    language: str = Field(
        default="en",
        pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$",
        description="Language of prompts when a flow names none.",
        json_schema_extra=_expects("a language code such as en"),
    )
    timezone: str = Field(
        default="UTC",
        description="Time zone of the floor's day: counts of today begin anew at its midnight.",
        json_schema_extra=_expects("a time zone such as Asia/Bangkok"),
    )
    flows: Path = Field(
        default=Path("ivr/flows"),
        description="Folder of IVR flows.",
        json_schema_extra=_FOLDER,
    )
    flow_hosts: Addresses = Field(
        default=(),
        description="Hosts that flows may look data up at, ask, and send codes by, as host or "
        "host:port.",
        json_schema_extra=_expects("a list of hosts, such as crm.example.com"),
    )
    webhook_secret: str = Field(
        default="",
        repr=False,
        description="Signs what flows ask webhooks and senders of codes; empty: these nodes take "
        "their failed exit.",
        json_schema_extra=_expects("a text"),
    )
    event_url: str = Field(
        default="",
        description="Address that flows' events are told to, signed; empty: nowhere.",
        json_schema_extra=_expects("an http:// or https:// address"),
    )
    survival_queue: str = Field(
        default="",
        description="Queue of callbacks that were asked for while the service was away, by callers "
        "who were in none; empty: they wait until one is assigned.",
        json_schema_extra=_expects("a queue's name"),
    )
    dial_allowed: Addresses = Field(
        default=(),
        description="What transfers and callbacks may dial: prefixes such as +66, regions such "
        "as TH; empty: nothing.",
        json_schema_extra=_expects("a list of prefixes (+66) and regions (TH)"),
    )
    dial_denied: Addresses = Field(
        default=(),
        description="What they may not dial, though it is allowed.",
        json_schema_extra=_expects("a list of prefixes (+66) and regions (TH)"),
    )
    dial_sip_hosts: Addresses = Field(
        default=(),
        description="Hosts of SIP addresses that transfers may go to, as host or host:port.",
        json_schema_extra=_expects("a list of hosts, such as pbx.example.com"),
    )
    dial_per_number: Count = Field(
        default=5,
        ge=0,
        description="Most times one number is dialled in 24 hours.",
        json_schema_extra=_expects("a number"),
    )
    dial_per_day: Count = Field(
        default=500,
        ge=0,
        description="Most numbers dialled in 24 hours.",
        json_schema_extra=_expects("a number"),
    )
    dial_at_once: Count = Field(
        default=10,
        ge=0,
        description="Most dialled calls in progress.",
        json_schema_extra=_expects("a number"),
    )
    dialplans: Path = Field(
        default=Path("dialplans"), description="Folder of dialplans.", json_schema_extra=_FOLDER
    )
    sip_configs: Path = Field(
        default=Path("sip_configs"),
        description="Folder of PBX configuration templates.",
        json_schema_extra=_FOLDER,
    )
    media: Path = Field(
        default=Path("media"),
        description="Folder of prompts and music on hold.",
        json_schema_extra=_FOLDER,
    )
    survival_after_s: Seconds = Field(
        default=30,
        ge=1,
        le=3600,
        description="Seconds the service may be away before the survival script takes callers.",
        json_schema_extra=_expects("a number of seconds between 1 and 3600"),
    )
    restart_max_s: Seconds = Field(
        default=15,
        ge=1,
        le=600,
        description="Longest pause before a part that dies again and again is started anew.",
        json_schema_extra=_expects("a number of seconds between 1 and 600"),
    )
    announce_waits: bool = Field(
        default=True,
        description="Tell who waits how long it may take, as a range, where enough is known.",
        json_schema_extra=_expects("true or false"),
    )
    wait_tick_s: Seconds = Field(
        default=20,
        ge=1,
        le=600,
        description="Seconds between two looks at a waiting caller (announcements, offers).",
        json_schema_extra=_expects("a number of seconds between 1 and 600"),
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Least severe messages that are logged.",
        json_schema_extra=_expects("one of debug, info, warning, error"),
    )

    shipped: ClassVar[tuple[str, ...]] = ("flows", "dialplans", "sip_configs", "media")
    """Folders that come with the installation."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments only; `load` brings file and environment, with their places."""
        return (init_settings,)

    @property
    def paths(self) -> StatePaths:
        """The state folder's layout."""
        return StatePaths(self.state)

    @property
    def embedded_database(self) -> bool:
        """Whether the database is the one in the state folder."""
        return not self.database_url

    @field_validator("state")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return _resolved(value)

    @field_validator("flows", "dialplans", "sip_configs", "media")
    @classmethod
    def _existing_folder(cls, value: Path) -> Path:
        path = _resolved(value)
        if not path.is_dir() and value in _SHIPPED_DEFAULTS:
            path = PROJECT / value
        if not path.is_dir():
            raise ValueError
        return path

    @field_validator("asterisk")
    @classmethod
    def _existing_program(cls, value: str) -> str:
        if not value:
            return value
        path = _resolved(Path(value))
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise ValueError
        return str(path)

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: str) -> str:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError
        return value

    @field_validator("sip_address")
    @classmethod
    def _address(cls, value: str) -> str:
        return str(ipaddress.ip_address(value))

    @field_validator("external_address")
    @classmethod
    def _address_or_none(cls, value: str) -> str:
        return str(ipaddress.ip_address(value)) if value else ""

    @field_validator("trunk_hosts")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            ipaddress.ip_network(part)
        return value

    @field_validator("dial_allowed", "dial_denied")
    @classmethod
    def _dialling_rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from acd.gate import is_rule

        if not all(map(is_rule, value)):
            raise ValueError
        return value

    @field_validator("event_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        from urllib.parse import urlsplit

        parts = urlsplit(value)
        if value and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError
        return value

    @field_validator("trunk_out")
    @classmethod
    def _host(cls, value: str) -> str:
        if value and not _HOST.fullmatch(value):
            raise ValueError
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, OSError) as unknown:
            raise ValueError from unknown

    @field_validator("default_region")
    @classmethod
    def _region(cls, value: str) -> str:
        from phonenumbers import SUPPORTED_REGIONS

        if value not in SUPPORTED_REGIONS:
            raise ValueError
        return value

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        faults = list(disagreements(self))
        if faults:
            raise PydanticCustomError(
                "disagree",
                "{texts}",
                {"texts": "; ".join(text for _, text in faults), "faults": faults},
            )
        return self


_SHIPPED_DEFAULTS = frozenset(Settings.model_fields[name].default for name in Settings.shipped)


def _resolved(path: Path) -> Path:
    path = path.expanduser()
    return path if path.is_absolute() else Path.cwd() / path
