"""The dialplan in use: what is wrong with it, and what it lacks of the shipped one."""

from __future__ import annotations

import re
from pathlib import Path

from pbx.dialplan.applications import available
from pbx.dialplan.checks import check
from pbx.dialplan.contract import departures
from pbx.dialplan.read import Fault
from sala.errors import UserError
from sala.settings import PROJECT, Settings

MAIN_FILE = Path("asterisk", "extensions.conf")
"""The dialplan, within its folder."""


def found(settings: Settings, files: list[Path] | None = None) -> list[Fault]:
    """Return the faults of files, or of the dialplan in use with all that it includes.

    Of the latter also where it lacks what the service needs of the shipped one. Raises `UserError`
    when it cannot be told which applications there are.
    """
    try:
        modules = re.findall(
            r"^load\s*=>?\s*(\w+)\.so",
            (settings.sip_configs / "asterisk" / "modules.conf").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"modules.conf cannot be read: {error}") from None
    own = settings.dialplans / MAIN_FILE
    faults = [fault for path in files or [own] for fault in check(path, available(modules))]
    return faults if files else faults + departures(own, PROJECT / "dialplans" / MAIN_FILE)
