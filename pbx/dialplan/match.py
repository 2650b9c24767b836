"""Which extension of a context a dialled text comes to."""

from __future__ import annotations

import re

from pbx.dialplan.read import Context, Dialplan, Extension


def extension_of(plan: Dialplan, context: Context | None, exten: str) -> Extension | None:
    """Return the extension that a static jump comes to, includes followed."""
    seen: set[str] = set()
    ahead = [context] if context else []
    while ahead:
        here = ahead.pop(0)
        if here.name in seen:
            continue
        seen.add(here.name)
        if exten in here.extensions:
            return here.extensions[exten]
        for extension in here.extensions.values():
            if extension.pattern.startswith("_") and matches(extension.pattern[1:], exten):
                return extension
        ahead += [plan.contexts[name] for name, _, _ in here.includes if name in plan.contexts]
    return None


def matches(pattern: str, exten: str) -> bool:
    """Tell whether a dialled text matches a pattern (without its `_`)."""
    sets = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*"}
    expression = re.sub(
        r"\[[^\]]*\]|.",
        lambda m: m[0] if len(m[0]) > 1 else sets.get(m[0].upper(), re.escape(m[0])),
        pattern.replace("-", "") if "[" not in pattern else pattern,
    )
    try:
        return re.fullmatch(expression, exten) is not None
    except re.error:
        return True
