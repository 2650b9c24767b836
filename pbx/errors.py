"""Errors of the switch.

PbxError
├── LocalProtocolError      we tried to send what the protocol forbids
├── RemoteProtocolError     the peer sent what the protocol forbids
├── SwitchError             the PBX refused, or did not answer in time
│   └── LinkDown            there is no link to the PBX now
├── CallGone                the caller has hung up
└── ApplianceError          the bundled PBX cannot be fetched, configured or run
"""

from __future__ import annotations


class PbxError(Exception):
    """Anything that goes wrong between Sala and a PBX."""


class LocalProtocolError(PbxError):
    """We tried to send what the protocol forbids; nothing was sent."""


class RemoteProtocolError(PbxError):
    """The peer sent what the protocol forbids; the link is to be closed."""


class SwitchError(PbxError):
    """The PBX refused an order or did not answer it in time."""


class LinkDown(SwitchError):  # noqa: N818 - a state of the link, told as such
    """There is no link to the PBX now; the order was not sent."""


class CallGone(PbxError):  # noqa: N818 - the ordinary end of a call, not a fault
    """The caller has hung up."""


class ApplianceError(PbxError):
    """The bundled PBX cannot be fetched, configured or run; the message says what to do."""
