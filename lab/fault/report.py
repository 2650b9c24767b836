"""The page that tells what was killed when, and what became of each callback. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

from lab.fault import facts as words, judge
from lab.fault.facts import Customer, Facts, Habit, Kill, Row, Step, Way
from lab.fault.judge import Breach, Law

Scene = tuple[str, str, bool]
"""Another fault: what was done, what came of it, and whether that is as it must be."""


def figures(facts: Facts, breaches: Sequence[Breach]) -> list[tuple[str, str]]:
    """Sum a run up: what, and how much."""
    customers = facts.customers
    rows = [row for one in customers for row in one.rows]
    attempts = [attempt for row in rows for attempt in row.attempts]
    away = sorted(kill.back - kill.at for kill in facts.kills)
    aimed = [kill for kill in facts.kills if kill.way is not None]
    hit = sum(bool(kill.customer) for kill in aimed)
    return [
        ("seed", str(facts.seed)),
        ("length", f"{(facts.ended - facts.began) / 1000:.0f} s"),
        ("kills", str(len(facts.kills))),
        ("kills at a callback's step", f"{hit} of {len(aimed)} aimed at one"),
        ("service away", f"median {median(away) / 1000:.1f} s, at most {away[-1] / 1000:.1f} s")
        if away
        else ("service away", "never"),
        ("customers", f"{len(customers)}, {sum(bool(one.talks) for one in customers)} talked"),
        *((f"callbacks, {way}", _states(customers, way)) for way in Way),
        ("from promise to talk", _took(customers)),
        ("callbacks open at a kill", _open(facts)),
        ("attempts", _counted(Counter(one.outcome or "open" for one in attempts))),
        ("INVITEs at customers' phones", str(sum(len(one.rings) for one in customers))),
        ("callers who gave up", str(sum(one.gave_up for one in customers))),
        ("laws broken", str(len(breaches))),
    ]


def page(
    facts: Facts,
    breaches: Sequence[Breach],
    scenes: Sequence[Scene],
    machine: str,
    command: str,
) -> str:
    """Write the page, as Markdown."""
    when = datetime.fromtimestamp(facts.began / 1000, UTC)
    parts = [
        "# Callbacks under `kill -9`\n",
        f"Written by `{command}` on {when:%Y-%m-%d}, {machine}. The same seed draws the same kills "
        "and customers; which callback a kill hits depends on the machine's pace.\n",
        f"Customers call two queues over a real trunk, each served by {_served(facts)} agents, "
        "press 1, hang up and are called back: one queue calls its agent first, the other its "
        "customer, who is asked whether to talk now. One of the agents serves both. Some customers "
        "are busy, away or refuse, want to be called later or not at all; some stay on the line. "
        "Meanwhile the service is killed (`SIGKILL`) at each step of a callback's life and started "
        "again. INVITEs, bridges and hang-ups are as the customers' phones and the PBX saw them; "
        "states and attempts are those of the database.\n",
        "## Figures\n",
        table(("What", "Figure"), figures(facts, breaches)),
        "## Laws\n",
        table(
            ("Law", "What it says", "Broken"),
            [
                (law, judge.MEANING[law], str(sum(one.law is law for one in breaches)))
                for law in Law
            ],
        ),
        _breaches(breaches),
        "## Killed at which step\n",
        "Each kill waited for a callback that came to its step, was done up to 50 ms after that, "
        "or at random within the step where that lasts. `At a callback`: so many hit one; the "
        "others waited in vain. What became of those callbacks:\n",
        *(_steps(facts, way) for way in Way),
        _starts(facts),
        "## Other faults\n" if scenes else "",
        table(
            ("Fault", "What came of it", "As it must be"),
            [(what, came, "yes" if good else "**no**") for what, came, good in scenes],
        )
        if scenes
        else "",
        "## Every kill\n",
        "`at` counts from the begin of the run; `away`: until the service answered again.\n",
        table(
            ("Kill", "At", "Way", "Step", "Delay", "Away", "Callback of", "Its end"),
            [_kill(facts, kill) for kill in facts.kills],
        ),
        "## Every customer\n",
        "Kills count if they came between the customer's call and the end of all of it. "
        "`INVITEs` are those at the customer's own phone.\n",
        table(
            ("Customer", "Way", "Habit", "Call", "Kills meanwhile", "Attempts", "INVITEs", "End"),
            [_customer(facts, one) for one in facts.customers],
        ),
    ]
    return "\n".join(part for part in parts if part)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _open(facts: Facts) -> str:
    """How many callbacks were promised and not ended when the service was killed."""
    rows = [row for one in facts.customers for row in one.rows]
    ends = [(row.made, row.ended or facts.ended) for row in rows]
    counts = sorted(sum(made <= kill.at < end for made, end in ends) for kill in facts.kills)
    return f"median {median(counts):.0f}, at most {counts[-1]}" if counts else "none"


def _breaches(breaches: Sequence[Breach]) -> str:
    if not breaches:
        return "No law was broken.\n"
    return table(
        ("Law", "Customer", "How"), [(one.law, one.customer, one.what) for one in breaches]
    )


def _served(facts: Facts) -> str:
    return " and ".join(sorted({str(count) for count in facts.agents.values()}))


def _states(customers: Sequence[Customer], way: Way) -> str:
    return _counted(Counter(row.state for one in customers if one.way is way for row in one.rows))


def _took(customers: Sequence[Customer]) -> str:
    """How long those who were called back waited, from the promise on."""
    took = sorted(
        one.talks[-1].at - one.rows[0].made
        for one in customers
        if one.talks and one.rows and one.rows[-1].state == "connected"
    )
    if not took:
        return "nobody was called back"
    return f"median {median(took) / 1000:.1f} s, at most {took[-1] / 1000:.1f} s"


def _steps(facts: Facts, way: Way) -> str:
    rows = []
    for step in words.STEPS[way]:
        kills = [one for one in facts.kills if (one.way, one.step) == (way, step)]
        hit = sum(bool(one.customer) for one in kills)
        rows.append((step, words.MEANING[step], str(len(kills)), str(hit), _fates(facts, kills)))
    head = ("Step", "When", "Kills", "At a callback", "What became of it")
    return f"### {str(way).capitalize()}\n\n{table(head, rows)}"


def _starts(facts: Facts) -> str:
    count = sum(one.step is Step.STARTING for one in facts.kills)
    return f"Besides, {count} kills hit a service that was coming up after the last one.\n"


def _fates(facts: Facts, kills: Iterable[Kill]) -> str:
    by_name = {one.name: one for one in facts.customers}
    fates = (fate(by_name[kill.customer]) for kill in kills if kill.customer in by_name)
    return _counted(Counter(fates)) or "–"


def fate(one: Customer) -> str:
    """Say how it ended with a customer, in a few words."""
    if one.rows:
        return ", ".join(map(_end, one.rows))
    if one.talks:
        return "served on the line"
    return "gave up on the line" if one.gave_up else "no callback"


def _end(row: Row) -> str:
    return f"{row.state} ({row.reason})" if row.reason else row.state


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "none"


def _kill(facts: Facts, kill: Kill) -> tuple[str, ...]:
    by_name = {one.name: one for one in facts.customers}
    whose = by_name.get(kill.customer)
    return (
        str(kill.number),
        f"{(kill.at - facts.began) / 1000:.3f} s",
        kill.way or "–",
        kill.step,
        f"{kill.delay_ms} ms",
        f"{(kill.back - kill.at) / 1000:.1f} s",
        kill.customer or "–",
        fate(whose) if whose is not None else "–",
    )


def _customer(facts: Facts, one: Customer) -> tuple[str, ...]:
    over = max(
        [one.left, *(span.until or span.at for span in (*one.rings, *one.talks))]
        + [row.ended or 0 for row in one.rows]
    )
    kills = [kill for kill in facts.kills if one.called <= kill.at <= over]
    attempts = [attempt for row in one.rows for attempt in row.attempts]
    stayed = one.habit is Habit.STAYS
    return (
        one.name,
        one.way,
        one.habit,
        f"{(one.called - facts.began) / 1000:.1f} s",
        ", ".join(f"{kill.number}{'' if kill.customer != one.name else '!'}" for kill in kills)
        or "–",
        ", ".join(attempt.outcome or "open" for attempt in attempts) or "–",
        str(len(one.rings)),
        "served on the line" if stayed and one.talks else fate(one),
    )
