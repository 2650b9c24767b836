"""Settings that are right alone but not together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sala.settings import Settings


def disagreements(settings: Settings) -> list[tuple[tuple[str, ...], str]]:
    """Find settings that are right alone but not together: (the keys, what is wrong)."""
    faults: list[tuple[tuple[str, ...], str]] = []
    if settings.event_url and not settings.webhook_secret:
        faults.append(
            (
                ("event_url", "webhook_secret"),
                "event_url needs webhook_secret, which signs what is told",
            )
        )
    if settings.rtp_first >= settings.rtp_last:
        faults.append(
            (
                ("rtp_first", "rtp_last"),
                f"rtp_first ({settings.rtp_first}) must be below rtp_last ({settings.rtp_last})",
            )
        )
    elif settings.rtp_first <= settings.sip_port <= settings.rtp_last:
        faults.append(
            (
                ("sip_port", "rtp_first", "rtp_last"),
                f"sip_port ({settings.sip_port}) lies among the RTP ports "
                f"({settings.rtp_first} to {settings.rtp_last})",
            )
        )
    if settings.trunk_user and not settings.trunk_secret:
        faults.append((("trunk_user", "trunk_secret"), "trunk_user needs a trunk_secret"))
    faults.extend(
        ((one, other), f"{one} and {other} are both {getattr(settings, one)}")
        for one, other in itertools.combinations(("sip_port", "ami_port", "agi_port"), 2)
        if getattr(settings, one) == getattr(settings, other)
    )
    return faults
