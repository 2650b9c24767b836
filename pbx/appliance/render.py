"""Render Sala's PBX configuration from the admin's folders into the state folder.

`sip_configs/asterisk` (templates) and `dialplans/asterisk` (copied as they are) become
`<state>/asterisk/etc`, with what Sala generates beside them: accounts, globals, event filters.
`etc` is a link to a finished, checked folder and is switched in one step, so a broken edit or a
crash leaves the running configuration as it was.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pbx.appliance.check import check_folder
from pbx.appliance.events import events_text
from pbx.appliance.root import Pbx
from pbx.appliance.template import (
    check_value,
    read_text,
    render_folder,
    substitute,
    write_private,
)
from pbx.errors import ApplianceError

_SOCKET_LIMIT = 107
"""The longest path of a Unix socket, in bytes (`sun_path` less its NUL)."""

_ACCOUNT_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
_GLOBAL_NAME = re.compile(r"^[A-Z][A-Z0-9_]*$")
_UNSAFE_GLOBAL = re.compile(r"[,${}\"'\\|&()\[\]^]")


@dataclass(frozen=True, slots=True)
class Account:
    """A SIP account. `agent` and `caller` have a secret, a `trunk` has the `host` it calls from.

    A `carrier` is the trunk that numbers outside are dialled over: `host` is where it is, as host
    or host:port, `number` the number that calls over it come from, and `user`, with `secret`, the
    account there, if it is known by one.
    """

    name: str
    kind: Literal["agent", "caller", "trunk", "carrier"]
    secret: str = ""
    display: str = ""
    host: str = ""
    user: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the rendered configuration depends on besides the folders.

    Ports are UDP/TCP port numbers; `globals` become dialplan globals (`SALA_…`), to be used there
    as `${SALA_…}`.
    """

    ami_secret: str
    accounts: Sequence[Account] = ()
    globals: Mapping[str, str] = field(default_factory=dict)
    sip_address: str = "127.0.0.1"
    sip_port: int = 5060
    rtp_first: int = 10000
    rtp_last: int = 12000
    external_address: str = ""
    ami_port: int = 5038
    trunk_silent_s: int = 0
    """After how many seconds without RTP a call over a trunk is ended; 0: never."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one instance keeps its things: `<home>/{etc,log,spool,db}` and its run folder.

    The run folder is `<home>/run`, unless that is too long for the path of a Unix socket; then it
    is a private folder in `/tmp`, and `note` says so.
    """

    home: Path
    run: Path
    note: str = ""

    @classmethod
    def of(cls, home: Path) -> Layout:
        """Lay an instance out below `home` (Sala's own: `<state>/asterisk`)."""
        home = home.absolute()
        run = home / "run"
        if len(os.fsencode(run / "asterisk.ctl")) <= _SOCKET_LIMIT:
            return cls(home, run)
        name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        short = Path("/tmp") / f"sala-{os.getuid()}-{name}"  # noqa: S108 - private, checked in make
        return cls(
            home,
            short,
            f"{run} is too long for a control socket; Asterisk's lies in {short} instead",
        )

    @property
    def etc(self) -> Path:
        """The configuration in force."""
        return self.home / "etc"

    @property
    def conf(self) -> Path:
        """The `asterisk.conf` to start with."""
        return self.etc / "asterisk.conf"

    @property
    def log(self) -> Path:
        """Asterisk's logs."""
        return self.home / "log"

    def make(self) -> None:
        """Make the folders, private to this user."""
        for name in ("log", "spool", "db"):
            (self.home / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        stat = self.run.lstat()
        if stat.st_uid != os.getuid() or self.run.is_symlink():
            raise ApplianceError(
                f"{self.run} belongs to someone else: remove it, or move the state folder"
            )
        self.run.chmod(0o700)

    def values(self, pbx: Pbx, data: Path) -> dict[str, str]:
        """Return the placeholders of `asterisk.conf`; `data` is from `data.data_folder`."""
        return {
            "ETC": str(self.etc),
            "MODULES": str(pbx.modules),
            "DATA": str(data),
            "DB": str(self.home / "db"),
            "SPOOL": str(self.home / "spool"),
            "RUN": str(self.run),
            "LOG": str(self.log),
        }


def render(
    pbx: Pbx,
    layout: Layout,
    plan: Plan,
    *,
    sip_configs: Path,
    dialplans: Path,
    data: Path,
    music: Path,
) -> Path:
    """Render, check, and put in force; return the `asterisk.conf` to start with.

    `sip_configs` and `dialplans` are the admin's folders (their `asterisk` folders are read).
    Raises `ApplianceError` with all problems, one a line with file and line, and then nothing has
    changed.
    """
    layout.make()
    with _rendered(pbx, layout, plan, sip_configs, dialplans, data, music) as made:
        _switch(made, layout.etc)
    return layout.conf


def check(
    pbx: Pbx,
    layout: Layout,
    plan: Plan,
    *,
    sip_configs: Path,
    dialplans: Path,
    data: Path,
    music: Path,
) -> None:
    """Do all that `render` does, except putting it in force."""
    layout.make()
    with _rendered(pbx, layout, plan, sip_configs, dialplans, data, music):
        pass


@contextmanager
def _rendered(
    pbx: Pbx,
    layout: Layout,
    plan: Plan,
    sip_configs: Path,
    dialplans: Path,
    data: Path,
    music: Path,
) -> Iterator[Path]:
    out = Path(tempfile.mkdtemp(prefix=".etc-", dir=layout.home))
    try:
        templates = sip_configs / "asterisk"
        _check_plan(plan)
        values = {
            **layout.values(pbx, data),
            "SIP_ADDRESS": _host(plan.sip_address),
            "SIP_PORT": str(plan.sip_port),
            "RTP_FIRST": str(plan.rtp_first),
            "RTP_LAST": str(plan.rtp_last),
            "AMI_PORT": str(plan.ami_port),
            "AMI_SECRET": plan.ami_secret,
            "MUSIC": str(music),
            "TRUNK_SILENT_S": str(plan.trunk_silent_s),
        }
        # All problems in all files at once: an admin mends them in one go.
        problems: list[str] = []
        sources: dict[str, Path] = {}
        steps: list[Callable[[], object]] = [
            lambda: sources.update(render_folder(templates, values, out)),
            lambda: write_private(
                out / "pjsip-accounts.conf", accounts_text(templates / "accounts", plan.accounts)
            ),
            lambda: write_private(out / "sala-globals.conf", globals_text(plan.globals)),
            lambda: sources.update(_copy(dialplans / "asterisk", out)),
        ]
        for step in steps:
            try:
                step()
            except ApplianceError as error:
                problems.append(str(error))
        if problems:
            raise ApplianceError("\n".join(problems))
        write_private(out / "sala-events.conf", events_text(pbx.version))
        write_private(out / "sala-external.conf", external_text(plan.external_address))
        write_private(out / "sala-media.conf", media_text(plan.sip_address))
        check_folder(out, sources)
        yield out
    finally:
        if not (layout.etc.is_symlink() and layout.etc.readlink().name == out.name):
            shutil.rmtree(out, ignore_errors=True)


def _switch(made: Path, etc: Path) -> None:
    """Make the link `etc` lead to `made`, in one step, and remove what it led to before."""
    old = etc.readlink() if etc.is_symlink() else None
    if old is None and etc.exists():
        shutil.rmtree(etc)
    link = etc.with_name(f".link-{os.getpid()}")
    link.unlink(missing_ok=True)
    link.symlink_to(made.name)
    link.replace(etc)
    for stale in etc.parent.glob(".etc-*"):
        if stale.name != made.name:
            shutil.rmtree(stale, ignore_errors=True)


def _copy(dialplans: Path, out: Path) -> dict[str, Path]:
    if not (dialplans / "extensions.conf").is_file():
        raise ApplianceError(f"{dialplans}/extensions.conf: there is no such file")
    sources = {}
    for file in sorted(dialplans.glob("*.conf")):
        if (out / file.name).exists():
            raise ApplianceError(f"{file}: Sala's own configuration has a file of that name")
        write_private(out / file.name, read_text(file))
        sources[file.name] = file
    return sources


def _host(address: str) -> str:
    parsed = ipaddress.ip_address(address)
    return f"[{parsed}]" if parsed.version == 6 else str(parsed)


def _check_plan(plan: Plan) -> None:
    for name in ("sip_address", "external_address"):
        value = getattr(plan, name)
        if value or name == "sip_address":
            _check_address(name, value)
    for name in ("sip_port", "ami_port", "rtp_first", "rtp_last"):
        if not 1 <= getattr(plan, name) <= 65535:
            raise ApplianceError(f"{name} = {getattr(plan, name)}: not a port number (1 to 65535)")
    if plan.rtp_last - plan.rtp_first < 3:
        raise ApplianceError(
            f"rtp_first = {plan.rtp_first}, rtp_last = {plan.rtp_last}: no room for a call; "
            "each call with an agent takes four ports"
        )
    if not plan.ami_secret:
        raise ApplianceError("the AMI secret is empty")


def _check_address(name: str, value: str) -> None:
    try:
        ipaddress.ip_address(value)
    except ValueError as error:
        raise ApplianceError(f"{name} = {value!r}: not an IP address") from error


def accounts_text(snippets: Path, accounts: Iterable[Account]) -> str:
    """Render `pjsip-accounts.conf` from `accounts/*.conf`, a template for each kind."""
    parts = ["; Written by Sala; changes here are lost. See sip_configs/asterisk/accounts.\n"]
    templates: dict[str, str] = {}
    seen: set[str] = set()
    for account in accounts:
        if not _ACCOUNT_NAME.match(account.name):
            raise ApplianceError(
                f"account {account.name!r}: a name has letters, digits, - and _ only, at most 40"
            )
        if account.name in seen:
            raise ApplianceError(f"account {account.name!r}: there are two of that name")
        seen.add(account.name)
        if account.kind == "trunk":
            _check_network(account)
            values = {"NAME": account.name, "HOST": account.host}
        elif account.kind == "carrier":
            values = {"NAME": account.name, "HOST": account.host, "NUMBER": account.number}
            if account.user:
                values |= {"USER": account.user, "SECRET": account.secret}
        else:
            if not account.secret:
                raise ApplianceError(f"account {account.name!r}: its secret is empty")
            values = {"NAME": account.name, "SECRET": account.secret}
        if account.kind == "agent":
            # Quotes and angle brackets are what `callerid` is parsed by.
            display = re.sub(r"[\"<>\\\[\]@]", "", account.display).strip()
            values["DISPLAY"] = display or account.name
        for name, value in values.items():
            check_value(f"{name} of account {account.name}", value)
        kind = f"{account.kind}-login" if account.user else account.kind
        path = snippets / f"{kind}.conf"
        if kind not in templates:
            templates[kind] = read_text(path)
        text, used = substitute(templates[kind], values, path)
        if missing := sorted(set(values) - used):
            raise ApplianceError(f"{path}: it does not use @{missing[0]}@")
        parts.append(text)
    return "\n".join(parts)


def _check_network(account: Account) -> None:
    try:
        ipaddress.ip_network(account.host, strict=False)
    except ValueError as error:
        raise ApplianceError(
            f"trunk {account.name}: {account.host!r} is not an IP address or network"
        ) from error


def globals_text(values: Mapping[str, str]) -> str:
    """Render `sala-globals.conf`.

    Raises `ApplianceError` for a value that would mean something else inside an application's
    arguments, such as a path with a comma.
    """
    lines = ["; Written by Sala; changes here are lost.", "[globals]"]
    for name, value in values.items():
        if not _GLOBAL_NAME.match(name):
            raise ApplianceError(f"{name!r} is no name for a dialplan global")
        check_value(name, value)
        if found := _UNSAFE_GLOBAL.search(value):
            raise ApplianceError(
                f"{name} = {value}: the dialplan cannot take the character {found[0]!r}; "
                "if it is a folder's name, move or rename that folder"
            )
        lines.append(f"{name} = {value}")
    return "\n".join(lines) + "\n"


def media_text(address: str) -> str:
    """Render the part of all endpoints that says where speech (RTP) listens: where SIP does."""
    head = "; Written by Sala from the setting sip_address; changes here are lost.\n"
    if ipaddress.ip_address(address).is_unspecified:
        return head
    return f"{head}media_address = {address}\nbind_rtp_to_media_address = yes\n"


def external_text(address: str) -> str:
    """Render the part of a transport that tells the address others reach us by."""
    head = "; Written by Sala from the setting external_address; changes here are lost.\n"
    if not address:
        return head
    return (
        f"{head}external_signaling_address = {address}\nexternal_media_address = {address}\n"
        "; Phones on these networks are answered with our own address.\n"
        "local_net = 127.0.0.0/8\nlocal_net = 10.0.0.0/8\n"
        "local_net = 172.16.0.0/12\nlocal_net = 192.168.0.0/16\n"
    )
