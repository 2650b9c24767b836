"""SIP messages as a telephone reads and writes them (RFC 3261)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

Headers = Sequence[tuple[str, str]]

_TAG = re.compile(r";tag=([^;>\s]+)", re.IGNORECASE)
_URI = re.compile(r"<([^>]+)>")
_USER = re.compile(r"sips?:([^@;>]*)@")
_SHORT = {"i": "call-id", "f": "from", "t": "to", "v": "via", "m": "contact", "c": "content-type"}


@dataclass(frozen=True, slots=True)
class Message:
    """A request (`method`, `uri`) or a reply (`status`, the other two empty)."""

    method: str
    uri: str
    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: str = ""

    def get(self, name: str) -> str:
        """Give the first header of a name, or the empty text."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Give all headers of a name, in order."""
        return [value for key, value in self.headers if key == name]

    @property
    def answers(self) -> str:
        """The `CSeq`: which request this is, or is a reply to."""
        return self.get("cseq")


def parse(data: bytes) -> Message:
    """Read a message; what does not read as one has status 0 and no method."""
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers.append((_SHORT.get(name, name), value.strip()))
    if first.startswith("SIP/2.0 "):
        return Message("", "", int(first[8:11]), tuple(headers), body)
    method, _, rest = first.partition(" ")
    return Message(method, rest.partition(" ")[0], 0, tuple(headers), body)


def write(start: str, headers: Headers, body: str = "") -> bytes:
    """Write a message, its length included."""
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def tag_of(value: str) -> str:
    """Give the tag of a From or To; empty if it has none."""
    match = _TAG.search(value)
    return match[1] if match else ""


def uri_of(value: str) -> str:
    """Give the URI of a From, To or Contact."""
    match = _URI.search(value)
    return match[1] if match else value.partition(";")[0].strip()


def user_of(value: str) -> str:
    """Give the user part of a URI, or of what holds one."""
    match = _USER.search(value)
    return match[1] if match else ""


def sdp(host: str, port: int, version: int, direction: str) -> str:
    """Describe one µ-law audio stream; `direction` is sendrecv, sendonly or inactive (RFC 3264)."""
    return (
        f"v=0\r\no=phone 1 {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
        f"a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na={direction}\r\n"
    )


def media_of(body: str) -> tuple[str, int] | None:
    """Say where an SDP wants its audio; None if it tells of none."""
    host = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", body, re.MULTILINE)
    return (host[1], int(port[1])) if host and port else None
