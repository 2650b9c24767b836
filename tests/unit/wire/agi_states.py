"""AGI connections in each of their states."""

from __future__ import annotations

from pbx.wire.agi import (
    AgiConnection,
    ConnectionClosed,
    Request,
)

CLOSED = ConnectionClosed()

ENV = b"agi_network: yes\nagi_uniqueid: 17.1\n\n"

REQUEST = Request({"agi_network": "yes", "agi_uniqueid": "17.1"})


def asked():
    """A session that has read its request."""
    connection = AgiConnection()
    connection.receive_data(ENV)
    assert list(connection) == [REQUEST]
    return connection


def waiting():
    """A session that waits for a reply."""
    connection = asked()
    connection.send_command("ANSWER")
    return connection
