"""Ports: who has one, and what to do about it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from sala import ports
from sala.settings import Settings


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def settings() -> Settings:
    sip, ami, agi = (free_port() for _ in range(3))
    return Settings(sip_port=sip, ami_port=ami, agi_port=agi, rtp_first=1024, rtp_last=1030)


@pytest.fixture
def occupied(settings: Settings) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", settings.sip_port))
        yield holder


def test_free_ports_are_no_fault(settings: Settings) -> None:
    assert ports.taken(settings) == []


def test_a_taken_port_names_its_owner_and_the_setting(
    settings: Settings, occupied: socket.socket
) -> None:
    (fault,) = ports.taken(settings)
    assert fault.pid == os.getpid()
    assert f"port {settings.sip_port} (UDP) is taken by" in fault.message
    assert f"(process {os.getpid()})" in fault.message
    assert "sip_port in sala.toml or SALA_SIP_PORT" in fault.message


def test_what_is_ours_is_no_fault(settings: Settings, occupied: socket.socket) -> None:
    assert ports.taken(settings, but_by=[os.getpid()]) == []


def test_an_address_of_another_machine_is_told(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"sip_address": "192.0.2.1"})
    faults = ports.taken(elsewhere)
    assert {fault.message for fault in faults} == {
        "192.0.2.1 is not an address of this machine: set sip_address"
    }
