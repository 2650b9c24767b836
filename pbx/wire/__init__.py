"""Sans-IO codecs of the protocols by which a PBX is driven: AMI and AGI.

Bytes in, events out; commands in, bytes out. Nothing here opens, awaits, reads a clock or logs.
Every codec has the same shape:

* `receive_data(data)` takes what a socket gave; `b""` says that the peer has closed.
* iterating (or `next_event()`) yields what those bytes meant, as far as they are complete.
* `send_…()` returns the bytes to write, or raises `LocalProtocolError` and changes nothing.
* `state` and the module's `TRANSITIONS` tell what may come next.

Only two errors come out, whatever goes in: `pbx.errors.LocalProtocolError` for what we may not
send, `pbx.errors.RemoteProtocolError` for what the peer may not. After the latter the connection
is of no more use: every call raises it again.
"""
