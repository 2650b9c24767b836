"""Digest authentication of SIP requests (RFC 2617, MD5 with qop=auth)."""

from __future__ import annotations

import hashlib
import re
import secrets

from lab.errors import Deadline

_PARAMETER = re.compile(rb'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def authorization(
    account: tuple[str, str], method: bytes, target: bytes, status: bytes, challenge: bytes
) -> bytes:
    """Answer a challenge, as a whole header line with its CRLF.

    `target` is the request's URI; `status` and `challenge` are the reply's status (401, 407) and
    the value of its challenge header. Raises `Deadline` for a challenge without a nonce.
    """
    asked = {
        match[1].lower(): match[2] or match[3] or b"" for match in _PARAMETER.finditer(challenge)
    }
    if b"nonce" not in asked:
        raise Deadline("the challenge holds no nonce")
    realm, nonce = asked.get(b"realm", b""), asked[b"nonce"]
    user, count, own = account[0].encode(), b"00000001", secrets.token_hex(8).encode()
    first = _md5(b"%b:%b:%b" % (user, realm, account[1].encode()))
    second = _md5(b"%b:%b" % (method, target))
    answer = _md5(b":".join((first, nonce, count, own, b"auth", second)))
    name = b"Authorization" if status == b"401" else b"Proxy-Authorization"
    return (
        b'%b: Digest username="%b", realm="%b", nonce="%b", uri="%b", response="%b", '
        b'algorithm=MD5, qop=auth, nc=%b, cnonce="%b"%b\r\n'
        % (
            *(name, user, realm, nonce, target, answer, count, own),
            b', opaque="%b"' % asked[b"opaque"] if asked.get(b"opaque") else b"",
        )
    )


def _md5(text: bytes) -> bytes:
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()
