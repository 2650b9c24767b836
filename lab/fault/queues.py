"""The queues of fault tests, one for each way of calling back, and how customers come into them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.fault.facts import Way
from lab.stack import Stack
from sala.settings import PROJECT

AGENTS: dict[str, tuple[Way, ...]] = {
    "1001": (Way.AGENT,),
    "1002": (Way.AGENT,),
    "1003": (Way.CUSTOMER,),
    "1004": (Way.CUSTOMER,),
    "1005": (Way.AGENT, Way.CUSTOMER),
}
"""Agents, and the queues they serve."""
OFFER_AFTER = "600ms"
"""How long who waits agent-first waits until they are asked whether they would be called back."""
ASKS_EVERY_S = 2.0
"""How often a waiting call asks the service; a break of the service is heard by then."""
ALWAYS = "00:00-24:00"
POLICY = f"""\
      attempts: 20  # so many that none is the last by chance
      ring: 5s
      machine: connect  # no test of who answers: it takes seconds
      calling: {{mon-sun: '{ALWAYS}'}}
      later: 1m
      # Short pauses, so that a run sees many attempts.
      retry: {{busy: [1s], no_answer: [1s], machine: [1s], failed: [1s], refused: [],
        congestion: [1s], hung_up: [1s], no_choice: [1s], lost: [1s]}}
"""
SETTINGS = {
    "dial_allowed": "US",
    "dial_per_number": "1000",
    "dial_per_day": "100000",
    "dial_at_once": "1000",
    # A service that comes back every few seconds is not away for good.
    "survival_after_s": "3600",
    "wait_tick_s": f"{ASKS_EVERY_S:g}",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A queue, and the number and flow that lead into it."""

    queue: str
    number: str
    flow: str


LINES: dict[Way, Line] = {
    # Asked while they wait, or by a key; the number is said back.
    Way.AGENT: Line("sales", "600", "main"),
    # Asked before the queue, and by a key that leads back there.
    Way.CUSTOMER: Line("care", "601", "care"),
}
ROUTING = f"""\
version: 1
queues:
  sales:
    wrap_up: 300ms
    ring: 5s
    recipes: [{{when: waited {OFFER_AFTER}, then: callback}}]
    callback:
      first: agent
      key: 1
{POLICY}  care:
    wrap_up: 300ms
    ring: 5s
    callback:
      first: customer
{POLICY}agents:
"""
FLOWS = {
    "main": """\
sala: 1
title: Straight into the queue
start: line
nodes:
  line: {type: queue, queue: sales, failed: end}
  end: {type: hangup}
""",
    "care": """\
sala: 1
title: A callback before the queue
start: offer
nodes:
  offer:
    type: callback
    queue: care
    prompt: {say: Press 1 to be called back.}
    confirm: false
    typed: false
    tries: 1
    first_digit_s: 2
    accepted: promised
    declined: line
    failed: line
  promised: {type: play, prompt: wait-callback-promised, next: end}
  line: {type: queue, queue: care, keys: {1: offer}, failed: end}
  end: {type: hangup}
""",
}


def write(folder: Path, secret: str) -> None:
    """Write the flows, and Sala's own PBX configuration with an account that only listens."""
    shutil.copytree(PROJECT / "sip_configs", folder / "sip_configs")
    manager = folder / "sip_configs" / "asterisk" / "manager.conf"
    text = manager.read_text(encoding="utf-8")
    for event in ("Newexten,", "Newchannel,", "AGIExecStart,"):
        text = text.replace(event, "")
    # What is told is told when it was, as by the world's PBX, however late it is read.
    text = text.replace("timestampevents = no", "timestampevents = yes")
    manager.write_text(
        f"{text}\n[lab]\nsecret = {secret}\ndeny = 0.0.0.0/0.0.0.0\n"
        "permit = 127.0.0.1/255.255.255.255\nread = call,dialplan,agi\nwrite = call\n",
        encoding="utf-8",
    )
    (folder / "flows").mkdir()
    _write_flow(folder, LINES[Way.AGENT].flow)


def _write_flow(folder: Path, name: str) -> Path:
    path = folder / "flows" / f"{name}.yaml"
    path.write_text(FLOWS[name], encoding="utf-8")
    return path


async def make(stack: Stack, folder: Path) -> None:
    """Make the queues and their agents."""
    care = LINES[Way.CUSTOMER]
    agents = "".join(
        f"  {agent}: {{queues: [{', '.join(LINES[way].queue for way in ways)}]}}\n"
        for agent, ways in AGENTS.items()
    )
    file = folder / "routing.yaml"
    file.write_text(ROUTING + agents, encoding="utf-8")
    await stack.run("apply", "--yes", str(file))
    # Its queue was not there when the others were published.
    await stack.run("flow", "publish", str(_write_flow(folder, care.flow)))
    await stack.run("number", "add", care.number, care.flow)


async def call_only(stack: Stack, hours: str = ALWAYS) -> None:
    """Have customers called at these hours of each day."""
    for line in LINES.values():
        await stack.run("callback", "policy", line.queue, f"calling={{mon-sun: '{hours}'}}")
