"""Settings: flat keys, each with a default, a description and a kind (`sala.kinds`).

`Settings` is the checked value; `sala.sources.load` reads it from `sala.toml` and `SALA_*`
variables and tells every fault with the place it stands at. Relative paths are taken from the
working directory; a folder left at its default that is not there, from the installation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sala.disagreements import disagreements
from sala.kinds import (
    AbsolutePath,
    Count,
    DiallingRules,
    Host,
    IpAddress,
    IpAddressOrNone,
    Milliseconds,
    Networks,
    Port,
    PostgresUrl,
    Program,
    Region,
    Seconds,
    Texts,
    WebAddress,
    Zone,
    resolved,
)
from sala.paths import StatePaths

ENV_PREFIX = "SALA_"
PROJECT = Path(__file__).resolve().parent.parent
"""Where the shipped flows, dialplans, configuration templates and prompts lie."""


def _expects(what: str) -> dict[str, Any]:
    return {"expects": what}


_PORT = _expects("a number between 1 and 65535")
_FOLDER = _expects("a folder that exists")


def _seconds(
    default: int, *, between: tuple[int, int], description: str, unit: str = "seconds"
) -> Any:
    """Declare a setting in seconds; what it expects follows from its bounds."""
    least, most = between
    return Field(
        default=default,
        ge=least,
        le=most,
        description=description,
        json_schema_extra=_expects(f"a number of {unit} between {least} and {most}"),
    )


class Settings(BaseSettings):
    """All settings, checked. Constructed directly it reads nothing but its arguments."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, validate_default=True
    )

    state: AbsolutePath = Field(
        default=Path(".sala"),
        description="Folder of all that lives: secrets, database, PBX, recordings, logs.",
        json_schema_extra=_expects("a path"),
    )
    database_url: PostgresUrl = Field(
        default="",
        repr=False,
        description="Postgres to use (postgresql://user:password@host/name); "
        "empty: an embedded one in the state folder.",
        json_schema_extra=_expects("a postgresql:// address"),
    )
    asterisk: Program = Field(
        default="",
        description="Path of the asterisk program; "
        "empty: one of version 20 or later on PATH, else the bundled one.",
        json_schema_extra=_expects("the path of a program that exists"),
    )
    sip_address: IpAddress = Field(
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
    external_address: IpAddressOrNone = Field(
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
    trunk_hosts: Networks = Field(
        default=(),
        description="Addresses or networks that may send calls as a trunk.",
        json_schema_extra=_expects("a list of IP addresses or networks"),
    )
    trunk_out: Host = Field(
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
    trunk_silent_s: Seconds = _seconds(
        60,
        between=(0, 3600),
        description="Seconds without any sound from a trunk after which a call is taken for cut; "
        "0: never.",
    )
    default_region: Region = Field(
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
    timezone: Zone = Field(
        default="UTC",
        description="Time zone of the floor's day: counts of today begin anew at its midnight.",
        json_schema_extra=_expects("a time zone such as Asia/Bangkok"),
    )
    flows: Path = Field(
        default=Path("ivr/flows"),
        description="Folder of IVR flows.",
        json_schema_extra=_FOLDER,
    )
    flow_hosts: Texts = Field(
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
    event_url: WebAddress = Field(
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
    dial_allowed: DiallingRules = Field(
        default=(),
        description="What transfers and callbacks may dial: prefixes such as +66, regions such "
        "as TH; empty: nothing.",
        json_schema_extra=_expects("a list of prefixes (+66) and regions (TH)"),
    )
    dial_denied: DiallingRules = Field(
        default=(),
        description="What they may not dial, though it is allowed.",
        json_schema_extra=_expects("a list of prefixes (+66) and regions (TH)"),
    )
    dial_sip_hosts: Texts = Field(
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
    survival_after_s: Seconds = _seconds(
        30,
        between=(1, 3600),
        description="Seconds the service may be away before the survival script takes callers.",
    )
    record_wait_ms: Milliseconds = _seconds(
        250,
        between=(1, 60_000),
        unit="milliseconds",
        description="Milliseconds that a call waits for its customer's record (language, tier, "
        "agent spoken to last) before its flow begins without.",
    )
    restart_max_s: Seconds = _seconds(
        15,
        between=(1, 600),
        description="Longest pause before a part that dies again and again is started anew.",
    )
    announce_waits: bool = Field(
        default=True,
        description="Tell who waits how long it may take, as a range, where enough is known.",
        json_schema_extra=_expects("true or false"),
    )
    wait_tick_s: Seconds = _seconds(
        20,
        between=(1, 600),
        description="Seconds between two looks at a waiting caller (announcements, offers).",
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

    @field_validator("flows", "dialplans", "sip_configs", "media")
    @classmethod
    def _existing_folder(cls, value: Path) -> Path:
        path = resolved(value)
        if not path.is_dir() and value in _SHIPPED_DEFAULTS:
            path = PROJECT / value
        if not path.is_dir():
            raise ValueError
        return path

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
