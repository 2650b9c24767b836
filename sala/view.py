"""What people see of the floor and of the parts that run: rich renderables, and plain lines."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psutil
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from crm.records import CallbackReport
from sala.settings import Settings
from sala.supervisor import Health, State

_STATE_STYLES = {
    State.DOWN: ("○", "dim"),
    State.STARTING: ("◌", "yellow"),
    State.UP: ("●", "green"),
    State.RESTARTING: ("◌", "red"),
    State.STOPPING: ("◌", "yellow"),
    State.STUCK: ("●", "bold red"),
}
_PRESENCE_STYLES = {
    "available": "green",
    "ringing": "yellow",
    "on_contact": "cyan",
    "wrap_up": "blue",
    "paused": "magenta",
    "offline": "dim",
}


MOST_SHOWN = 20
"""Of those who wait in a queue, so many are shown."""
FOREVER_MS = 366 * 24 * 3_600_000
"""A presence older than this was never asked for; no length of time is shown."""


def server_address(settings: Settings) -> str:
    """Say where phones register: address and port."""
    return ", ".join(
        f"[{address}]:{settings.sip_port}" if ":" in address else f"{address}:{settings.sip_port}"
        for address in _reachable(settings)
    )


def _reachable(settings: Settings) -> list[str]:
    if not ipaddress.ip_address(settings.sip_address).is_unspecified:
        return [settings.sip_address]
    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family is socket.AF_INET and not address.address.startswith("127.")
    ]
    return found or ["127.0.0.1"]


def seconds(milliseconds: float | None) -> str:
    """Write a length of time as `1:05` or `2:03:04`."""
    if milliseconds is None or milliseconds > FOREVER_MS:
        return ""
    whole = max(0, int(milliseconds / 1000))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(
            column, justify="right" if column in ("waiting", "longest", "waited") else "left"
        )
    return table


def presence_text(agent: Mapping[str, Any]) -> Text:
    """Write an agent's presence with its reason."""
    presence = str(agent.get("presence", "?"))
    reason = agent.get("reason")
    text = presence.replace("_", " ") + (f" ({reason})" if reason else "")
    return Text(text, style=_PRESENCE_STYLES.get(presence, ""))


def agents_table(agents: Iterable[Mapping[str, Any]]) -> Table:
    """Show agents: presence, for how long, whether the phone is registered."""
    table = _table("agent", "presence", "since", "phone")
    for agent in agents:
        reachable = agent.get("reachable")
        table.add_row(
            Text(str(agent.get("agent", "?"))),
            presence_text(agent),
            seconds(agent.get("since_ms")),
            Text("registered", style="green") if reachable else Text("not registered", style="dim"),
        )
    return table


def queues_table(queues: Iterable[Mapping[str, Any]]) -> Table:
    """Show queues: how many wait, the longest wait, the last one's estimate, and if closed."""
    table = _table("queue", "waiting", "longest", "EWT", "")
    for queue in queues:
        closed = queue.get("closed")
        waits = [entry.get("waited_ms", 0) for entry in queue.get("waiting", ())]
        table.add_row(
            Text(str(queue.get("queue", "?"))),
            Text(str(len(waits)), style="bold yellow" if waits else "dim"),
            seconds(max(waits)) if waits else "",
            ewt_text(queue.get("waiting", ())),
            Text("" if closed is None else str(closed or "closed"), style="yellow"),
        )
    return table


def ewt_text(waiting: Sequence[Mapping[str, Any]]) -> Text:
    """Write the estimated wait of the last in line as its P10–P90."""
    if not waiting:
        return Text("")
    last = next((one["ewt"] for one in reversed(waiting) if one.get("ewt")), None)
    if last is None:
        return Text("not enough data", style="dim")
    return Text(f"{seconds(last['p10'])} – {seconds(last['p90'])}")


def waiting_table(queues: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Show who waits, in order: how long, and will still, the step, what they need of an agent."""
    table = _table("waits for", "call", "waited", "EWT", "step", "needs")
    for queue in queues:
        for one in queue.get("waiting", ())[:MOST_SHOWN]:
            table.add_row(
                Text(str(queue.get("queue", "?"))),
                Text(str(one.get("interaction", ""))[-12:]),
                seconds(one.get("waited_ms")),
                ewt_text([one]) if one.get("ewt") else "",
                step_text(one),
                Text(str(one.get("needs") or "")),
            )
    return table if table.row_count else Text("nobody waits", style="dim")


def step_text(waiting: Mapping[str, Any]) -> str:
    """Write where a waiting call is in its routing steps: `2 of 3`, `all over`, or nothing."""
    step, steps = waiting.get("step"), len(waiting.get("steps") or ())
    if step is None:
        return ""
    return "all over" if step > steps else f"{step} of {steps}"


STRANDED = {
    "no_queue": ("there is no such queue", "run: sala queue add QUEUE"),
    "closed": ("it is closed and nobody is logged in", "see: sala queue show QUEUE"),
    "no_agents": ("no agent serves it", "run: sala agent set AGENT --queue QUEUE"),
    "no_skill": ("no agent of it has what they need", "see: sala status, sala skill list"),
    "logged_out": ("the agents who could help are logged out", "run: sala agent login AGENT"),
}
"""Why nobody can serve a waiting call, in words, and what to do."""


def stranded(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say which waiting calls nobody could serve as things stand, by queue and reason.

    Each comes with what to do about it.
    """
    counts: dict[tuple[str, str], int] = {}
    for one in status.get("stranded", ()):
        key = str(one.get("queue")), str(one.get("reason"))
        counts[key] = counts.get(key, 0) + 1
    found = []
    for (queue, reason), count in counts.items():
        why, advice = STRANDED.get(reason, (reason, ""))
        calls = "1 call waits" if count == 1 else f"{count} calls wait"
        found.append((f"queue {queue}: {calls}, and {why}", advice.replace("QUEUE", queue)))
    return found


def calls_table(calls: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Show calls in progress: where each is, and with whom."""
    if not calls:
        return Text("no calls", style="dim")
    table = _table("call", "state", "queue", "agent")
    for call in calls:
        table.add_row(
            Text(str(call.get("interaction", ""))[-12:]),
            Text(str(call.get("state", "?"))),
            Text(str(call.get("queue") or "")),
            Text(str(call.get("agent") or "")),
        )
    return table


def callbacks_table(counts: Iterable[Mapping[str, Any]]) -> Table:
    """Show open callbacks: due, for later, and with a call in progress."""
    table = _table("callbacks", "waiting", "scheduled", "dialling")
    for one in counts:
        table.add_row(
            Text(str(one.get("queue") or "no queue")),
            *(Text(str(one.get(name, 0))) for name in ("waiting", "scheduled", "dialling")),
        )
    return table


def callback_report(rows: Iterable[CallbackReport]) -> Table:
    """Show what became of callbacks, by queue, a row for each figure."""
    found = list(rows)
    table = _table("callbacks", *(one.queue or "no queue" for one in found))
    for name in ("offered", "accepted", "declined", "waiting", "attempted", "connected", "failed",
                 "expired", "cancelled", "merged", "told", "kept"):  # fmt: skip
        table.add_row(name, *(str(getattr(one, name)) for one in found))
    rates = ("" if not one.told else f"{one.kept / one.told:.0%}" for one in found)
    table.add_row("kept of told", *rates)
    for title, name in (("mean time", "mean_ms"), ("median", "median_ms"), ("9 of 10", "p90_ms")):
        times = (getattr(one, name) for one in found)
        table.add_row(title, *("" if at is None else seconds(at) for at in times))
    return table


def switch_up(status: Mapping[str, Any]) -> bool:
    """Tell whether the service has its link to the PBX, from what `GET /status` tells."""
    return status.get("switch") in (True, "up")


def floor_tables(status: Mapping[str, Any]) -> Group:
    """Show the whole floor, as `GET /status` tells it."""
    parts: list[RenderableType] = []
    if not switch_up(status):
        parts.append(Text("The service has no link to the PBX.", style="bold red"))
    parts += [Text(line, style="bold yellow") for line, _ in stranded(status)]
    parts += [
        queues_table(status.get("queues", ())),
        Text(),
        waiting_table(status.get("queues", ())),
        Text(),
        agents_table(status.get("agents", ())),
        Text(),
        calls_table(status.get("calls", ())),
    ]
    if status.get("callbacks"):
        parts += [Text(), callbacks_table(status["callbacks"])]
    return Group(*parts)


def parts_table(parts: Sequence[tuple[Health, str]]) -> Table:
    """Show what is up: each part's state, its process, and what is to be known of it."""
    table = Table.grid(padding=(0, 2))
    for health, detail in parts:
        mark, style = _STATE_STYLES[health.state]
        facts = [detail] if health.state is State.UP and detail else []
        if health.state is not State.UP:
            facts.append(str(health.state))
        if health.part.pid and health.state is not State.DOWN:
            facts.append(f"process {health.part.pid}")
        if health.restarts:
            facts.append(f"restarted {health.restarts}×, last: {health.why}")
        table.add_row(Text(mark, style=style), health.part.name, Text(" · ".join(facts)))
    return table


def accounts_table(
    server: str, accounts: Mapping[str, str], *, secrets: bool, outside: str
) -> Table:
    """Show the SIP accounts to register."""
    table = _table("account", "secret", "server", "for")
    for account, secret in accounts.items():
        table.add_row(
            Text(account, style="bold"),
            Text(secret if secrets else "hidden", style="" if secrets else "dim"),
            server,
            "an outside caller" if account == outside else "an agent",
        )
    return table


def line_of(health: Health, detail: str) -> str:
    """Tell a part's change in one line."""
    match health.state:
        case State.UP:
            words = [f"{health.part.name} is up", detail]
            if health.part.pid:
                words.append(f"process {health.part.pid}")
            return ", ".join(word for word in words if word)
        case State.RESTARTING:
            return f"{health.part.name} ended ({health.why}) and is restarted"
        case State.STUCK:
            return f"{health.part.name} does not stop: {health.why}"
        case State.DOWN:
            return f"{health.part.name} is down"
        case _:
            return f"{health.part.name} is {health.state}"
