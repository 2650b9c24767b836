"""Static checks of one flow: faults that the schema cannot see.

Each check is a function (flow, context) → problems; it is pure and looks at the whole flow. Its
name, with dashes, is the code its problems bear. Errors keep a flow from being published, warnings
do not.
"""

from __future__ import annotations

from dataclasses import replace

from ivr.flow.checks import keys, shape, speech, values, world
from ivr.flow.checks.context import Check, Context, Skilled
from ivr.flow.load import Flow
from ivr.flow.problems import Problem

__all__ = ["CHECKS", "Context", "Skilled", "check"]

CHECKS: dict[str, Check] = {
    one.__name__.replace("_", "-"): one
    for one in (
        shape.unknown_node,
        shape.unreachable,
        shape.silent_loop,
        shape.dead_end,
        shape.unattended_loop,
        keys.key_shadows,
        keys.key_twice,
        keys.key_long,
        keys.collect_unfit,
        speech.missing_prompt,
        speech.missing_text,
        speech.text_value,
        speech.missing_exit,
        speech.unknown_timezone,
        values.expression,
        values.unknown_variable,
        values.unset_variable,
        values.secret_told,
        values.secret_kept,
        values.secret_recorded,
        world.unknown_queue,
        world.unknown_skill,
        world.unmet_criteria,
        world.unknown_calendar,
        world.closed_queue,
        world.unknown_subflow,
        world.subflow_exits,
        world.recursive_subflow,
        world.refused_number,
        world.refused_address,
        world.refused_host,
        world.unknown_query,
        world.unknown_mailbox,
    )
}


def check(flow: Flow, context: Context | None = None) -> list[Problem]:
    """Return all problems of `flow`, in the order of the file."""
    known = context or Context()
    found = {
        replace(problem, code=code) for code, one in CHECKS.items() for problem in one(flow, known)
    }
    return sorted(found, key=lambda p: (p.line, p.column, p.message))
