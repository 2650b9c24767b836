"""The PBX programs that Sala's set-up found or fetched: the lab runs the same."""

from __future__ import annotations

import functools
import os

from pbx.appliance.fetch import ensure
from pbx.appliance.root import Pbx


@functools.cache
def pbx() -> Pbx:
    """Find them, once; `SALA_ASTERISK` names an Asterisk of the machine's own, as for Sala.

    Raises `ApplianceError` when there are none and they cannot be fetched.
    """
    return ensure(lambda _what, _share: None, asterisk=os.environ.get("SALA_ASTERISK", ""))
