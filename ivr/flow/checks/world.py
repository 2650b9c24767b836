"""Checks against the world a flow runs in: queues, agents, calendars, other flows, hosts."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from crm.calendars import WEEK
from ivr.flow.checks.context import Context
from ivr.flow.load import Flow
from ivr.flow.nodes import (
    CallbackNode,
    HoursNode,
    IdentifyNode,
    LookupNode,
    QueueNode,
    ReturnNode,
    SubflowNode,
    TransferNode,
    VoicemailNode,
    WebhookNode,
)
from ivr.flow.parts import Path
from ivr.flow.problems import Problem, Severity, nearest

_ALWAYS = (1 << WEEK) - 1


def unknown_queue(flow: Flow, context: Context) -> Iterator[Problem]:
    """Queues that are not configured."""
    if context.queues is None:
        return
    for name, node in flow.document.nodes.items():
        if isinstance(node, QueueNode | CallbackNode) and node.queue not in context.queues:
            hint = nearest(node.queue, context.queues)
            yield flow.problem(("nodes", name, "queue"), f"there is no queue `{node.queue}`{hint}")


def unknown_skill(flow: Flow, context: Context) -> Iterator[Problem]:
    """Skills that no agent at all has."""
    if context.agents is None:
        return
    known = {skill for agent in context.agents for skill in agent.skills}
    for name, node in flow.document.nodes.items():
        for index, step in enumerate(node.criteria if isinstance(node, QueueNode) else ()):
            for skill in step.skills:
                if skill not in known:
                    yield flow.problem(
                        ("nodes", name, "criteria", index, "skills", skill),
                        f"no agent has a skill `{skill}`{nearest(skill, known)}",
                    )


def unmet_criteria(flow: Flow, context: Context) -> Iterator[Problem]:
    """Criteria that no agent of the queue meets: an error where they are never relaxed."""
    if context.agents is None:
        return
    known = {skill for agent in context.agents for skill in agent.skills}
    for name, node in flow.document.nodes.items():
        steps = node.criteria if isinstance(node, QueueNode) else ()
        for index, step in enumerate(steps):
            if not known.issuperset(step.skills):
                continue
            meets = any(
                node.queue in agent.queues  # type: ignore[union-attr]
                and all(agent.skills.get(s, 0) >= level for s, level in step.skills.items())
                for agent in context.agents
            )
            if not meets:
                last = step.for_s is None or index == len(steps) - 1
                yield flow.problem(
                    ("nodes", name, "criteria", index),
                    "no agent on the roster who serves the queue has these skills",
                    Severity.ERROR if last else Severity.WARNING,
                )


def unknown_calendar(flow: Flow, context: Context) -> Iterator[Problem]:
    """Calendars that are not there."""
    if context.calendars is None:
        return
    for name, node in flow.document.nodes.items():
        if isinstance(node, HoursNode) and node.calendar not in context.calendars:
            hint = nearest(node.calendar, context.calendars)
            yield flow.problem(
                ("nodes", name, "calendar"), f"there is no calendar `{node.calendar}`{hint}"
            )


def closed_queue(flow: Flow, context: Context) -> Iterator[Problem]:
    """Queues that callers reach at hours when they are closed."""
    if not context.queue_hours:
        return
    when = _hours_at(flow, context)
    for name, node in flow.document.nodes.items():
        calendar = context.queue_hours.get(node.queue) if isinstance(node, QueueNode) else None
        if calendar is not None and when.get(name, 0) & ~calendar.open_week():
            yield flow.problem(
                ("nodes", name),
                f"callers come to queue `{node.queue}` "  # type: ignore[union-attr]
                f"at hours when it is closed (calendar `{calendar.name}`): ask `hours` before",
                Severity.WARNING,
            )


def _hours_at(flow: Flow, context: Context) -> dict[str, int]:
    """Return by node the minutes of a week at which a caller can be there, as a bit mask."""
    document = flow.document
    when = {document.start: _ALWAYS}
    ahead = [document.start]
    if document.failed is not None:
        when[document.failed] = _ALWAYS
        ahead.append(document.failed)
    while ahead:
        name = ahead.pop()
        node = document.nodes.get(name)
        if node is None:
            continue
        calendar = (
            (context.calendars or {}).get(node.calendar) if isinstance(node, HoursNode) else None
        )
        for path, target in node.exits():
            mask = when[name]
            if calendar is not None and path[0] in ("open", "closed"):
                opened = calendar.open_week()
                mask &= opened if path[0] == "open" else ~opened
            if when.get(target, 0) | mask != when.get(target, 0):
                when[target] = when.get(target, 0) | mask
                ahead.append(target)
    return when


def unknown_subflow(flow: Flow, context: Context) -> Iterator[Problem]:
    """Subflows that are not there."""
    for name, node in flow.document.nodes.items():
        if not isinstance(node, SubflowNode) or context.flows is None:
            continue
        if node.flow not in context.flows:
            hint = nearest(node.flow, context.flows)
            yield flow.problem(("nodes", name, "flow"), f"there is no flow `{node.flow}`{hint}")


def subflow_exits(flow: Flow, context: Context) -> Iterator[Problem]:
    """Exits and variables of a subflow that do not fit the node that calls it."""
    for name, node in flow.document.nodes.items():
        called = (context.flows or {}).get(node.flow) if isinstance(node, SubflowNode) else None
        if called is None or not isinstance(node, SubflowNode):
            continue
        exits = {n.exit for n in called.document.nodes.values() if isinstance(n, ReturnNode)}
        for exit_ in sorted(exits - node.returns.keys()):
            yield flow.problem(
                ("nodes", name, "returns"),
                f"flow `{node.flow}` returns by `{exit_}`, which leads nowhere here",
            )
        for exit_ in node.returns:
            if exit_ not in exits:
                yield flow.problem(
                    ("nodes", name, "returns", exit_),
                    f"flow `{node.flow}` never returns by `{exit_}`{nearest(exit_, exits)}",
                )
        declared = called.document.variables
        theirs = [*((("give", v), v) for v in node.give)]
        theirs += [(("take", mine), v) for mine, v in node.take.items()]
        for path, variable in theirs:
            if variable not in declared:
                yield flow.problem(
                    ("nodes", name, *path),
                    f"flow `{node.flow}` has no variable `{variable}`{nearest(variable, declared)}",
                )


def recursive_subflow(flow: Flow, context: Context) -> Iterator[Problem]:
    """Subflows that come back to this flow."""
    flows = {**(context.flows or {}), flow.alias: flow}
    for name, node in flow.document.nodes.items():
        if isinstance(node, SubflowNode) and flow.alias in _called(node.flow, flows):
            yield flow.problem(
                ("nodes", name, "flow"), f"flow `{node.flow}` leads back to flow `{flow.alias}`"
            )


def _called(alias: str, flows: dict[str, Flow]) -> set[str]:
    seen: set[str] = set()
    ahead = [alias]
    while ahead:
        one = ahead.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in flows:
            nodes = flows[one].document.nodes.values()
            ahead.extend(node.flow for node in nodes if isinstance(node, SubflowNode))
    return seen


def refused_number(flow: Flow, context: Context) -> Iterator[Problem]:
    """Numbers that stand in the flow and that the dialling gate would refuse."""
    if context.refuses is None:
        return
    for name, node in flow.document.nodes.items():
        if isinstance(node, TransferNode | CallbackNode) and node.number is not None:
            number = _literal(node.number)
            if number is not None and (why := context.refuses(number)):
                yield flow.problem(
                    ("nodes", name, "number"), f"the dialling gate refuses this number: {why}"
                )


def refused_address(flow: Flow, context: Context) -> Iterator[Problem]:
    """SIP addresses that the dialling gate would refuse, such as of a host that is not listed."""
    if context.refuses_sip is None:
        return
    for name, node in flow.document.nodes.items():
        address = node.sip if isinstance(node, TransferNode) else None
        if address is not None and (why := context.refuses_sip(address)):
            yield flow.problem(
                ("nodes", name, "sip"), f"the dialling gate refuses this address: {why}"
            )


def _literal(expression: str) -> str | None:
    text = expression.strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted and text[0] not in text[1:-1] else None


def refused_host(flow: Flow, context: Context) -> Iterator[Problem]:
    """Look-ups, webhooks and senders of codes on hosts that are not allowed."""
    if context.hosts is None:
        return
    for name, node in flow.document.nodes.items():
        if isinstance(node, LookupNode) and node.http is not None:
            path: Path = ("nodes", name, "http", "url")
            url = node.http.url
        elif isinstance(node, WebhookNode):
            path, url = ("nodes", name, "url"), node.url
        elif isinstance(node, IdentifyNode) and node.send is not None:
            path, url = ("nodes", name, "send", "url"), node.send.url
        else:
            continue
        host = urlsplit(url).netloc.lower()
        if host not in context.hosts:
            yield flow.problem(
                path, f"the host {host} is not allowed; the setting flow_hosts lists those that are"
            )


def unknown_query(flow: Flow, context: Context) -> Iterator[Problem]:
    """Named queries that are not there."""
    if context.queries is None:
        return
    for name, node in flow.document.nodes.items():
        if isinstance(node, LookupNode) and node.sql and node.sql.query not in context.queries:
            hint = nearest(node.sql.query, context.queries)
            yield flow.problem(
                ("nodes", name, "sql", "query"), f"there is no query `{node.sql.query}`{hint}"
            )


def unknown_mailbox(flow: Flow, context: Context) -> Iterator[Problem]:
    """Mailboxes that are not there."""
    if context.mailboxes is None:
        return
    for name, node in flow.document.nodes.items():
        if isinstance(node, VoicemailNode) and node.mailbox not in context.mailboxes:
            hint = nearest(node.mailbox, context.mailboxes)
            yield flow.problem(
                ("nodes", name, "mailbox"), f"there is no mailbox `{node.mailbox}`{hint}"
            )
