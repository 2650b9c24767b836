"""A SIP telephone of our own: it holds, transfers and takes second calls, as desk phones do.

Just enough of RFC 3261 (INVITE, re-INVITE, BYE, REGISTER), RFC 3515 (REFER), RFC 3891 (Replaces)
and RFC 3550 (RTP, G.711 µ-law) over UDP on loopback.
"""

from lab.softphone.line import Line
from lab.softphone.phone import SoftPhone

__all__ = ["Line", "SoftPhone"]
