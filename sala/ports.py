"""The ports Sala listens on: whether each is free, and who has it when it is not."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sala.settings import Settings

_PROGRAM = re.compile(r"/s?bin/[^/]+$")


@dataclass(frozen=True, slots=True)
class Listener:
    """One place to listen on, and the setting that chooses it."""

    setting: str
    address: str
    port: int
    kind: socket.SocketKind

    @property
    def protocol(self) -> str:
        """`UDP` or `TCP`."""
        return "UDP" if self.kind is socket.SOCK_DGRAM else "TCP"


@dataclass(frozen=True, slots=True)
class Taken:
    """A listener that cannot be had. `pid` is its owner's, as far as this user may see it."""

    listener: Listener
    pid: int | None
    message: str


def listeners(settings: Settings) -> Iterator[Listener]:
    """List where the PBX and the service will listen (RTP ports are taken call by call)."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        yield Listener("sip_port", settings.sip_address, settings.sip_port, kind)
    yield Listener("ami_port", "127.0.0.1", settings.ami_port, socket.SOCK_STREAM)
    yield Listener("agi_port", "127.0.0.1", settings.agi_port, socket.SOCK_STREAM)


def taken(settings: Settings, *, but_by: Collection[int] = ()) -> list[Taken]:
    """Find the listeners that cannot be had; those held by `but_by` (process ids) are ours."""
    found: list[Taken] = []
    for listener in listeners(settings):
        code = _bind(listener)
        if code is None:
            continue
        if code != errno.EADDRINUSE:
            found.append(Taken(listener, None, _refused(listener, code)))
            continue
        owner = _owner(listener)
        if owner is None or owner.pid not in but_by:
            found.append(Taken(listener, owner.pid if owner else None, _occupied(listener, owner)))
    return found


def _bind(listener: Listener) -> int | None:
    """Try to bind; return the error number, None if it went well."""
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    with socket.socket(family, listener.kind) as trial:
        if listener.kind is socket.SOCK_STREAM:
            # A port whose last connections linger in TIME_WAIT is free for a listener.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((listener.address, listener.port))
        except OSError as error:
            return error.errno or errno.EINVAL
    return None


def _owner(listener: Listener) -> psutil.Process | None:
    kind = "udp" if listener.kind is socket.SOCK_DGRAM else "tcp"
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind):
            listens = kind == "udp" or connection.status == psutil.CONN_LISTEN
            if connection.pid and listens and _port(connection.laddr) == listener.port:
                return psutil.Process(connection.pid)
    return None


def _port(address: Any) -> int | None:
    # An address is empty for a socket that is not bound.
    return int(address.port) if address else None


def _variable(listener: Listener) -> str:
    return f"SALA_{listener.setting.upper()}"


def _occupied(listener: Listener, owner: psutil.Process | None) -> str:
    who = "another process"
    if owner is not None:
        with contextlib.suppress(psutil.Error):
            who = f"{_name(owner)} (process {owner.pid})"
    return (
        f"port {listener.port} ({listener.protocol}) is taken by {who}: stop it, or choose another "
        f"with {listener.setting} in sala.toml or {_variable(listener)}"
    )


def _name(process: psutil.Process) -> str:
    """Name a process; for one that was started by its loader, the program that was loaded."""
    name = process.name()
    if name.startswith("ld-"):
        programs = [Path(word).name for word in process.cmdline()[1:] if _PROGRAM.search(word)]
        name = programs[0] if programs else name
    return name


def _refused(listener: Listener, code: int) -> str:
    if code == errno.EADDRNOTAVAIL:
        return f"{listener.address} is not an address of this machine: set sip_address"
    if code == errno.EACCES:
        return (
            f"port {listener.port} ({listener.protocol}) is for root alone: choose one above 1023 "
            f"with {listener.setting} in sala.toml or {_variable(listener)}"
        )
    return (
        f"port {listener.port} ({listener.protocol}) on {listener.address} cannot be had: "
        f"{errno.errorcode.get(code, code)}"
    )
