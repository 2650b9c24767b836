"""The page that tells what was killed when, and what became of each callback. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

from lab.fault import facts as words
from lab.fault import judge
from lab.fault.facts import Customer, Facts, Habit, Kill, Row, Step
from lab.fault.judge import Breach, Law

Scene = tuple[str, str, bool]
"""Another fault: what was done, what came of it, and whether that is as it must be."""


def figures(facts: Facts, breaches: Sequence[Breach]) -> list[tuple[str, str]]:
    """Sum a run up: what, and how much."""
    customers = facts.customers
    rows = [row for one in customers for row in one.rows]
    attempts = [attempt for row in rows for attempt in row.attempts]
    states = Counter(row.state for row in rows)
    away = sorted(kill.back - kill.at for kill in facts.kills)
    hit = sum(bool(kill.customer) for kill in facts.kills)
    return [
        ("seed", str(facts.seed)),
        ("length", f"{(facts.ended - facts.began) / 1000:.0f} s"),
        ("kills", f"{len(facts.kills)}, {hit} of them at a customer's step"),
        ("service away", f"median {median(away) / 1000:.1f} s, at most {away[-1] / 1000:.1f} s")
        if away
        else ("service away", "never"),
        ("customers", f"{len(customers)}, {sum(bool(one.talks) for one in customers)} talked"),
        ("callbacks", _counted(states)),
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
        "Customers call a queue of three agents over a real trunk, press 1, hang up and are called "
        "back; some are busy, away or refuse, some stay on the line. Meanwhile the service is "
        "killed (`SIGKILL`) at each step of a callback's life and started again. INVITEs, bridges "
        "and hang-ups are those that the customers' phones and the PBX saw; states and attempts "
        "are those of the database.\n",
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
        "Each kill was done up to 50 ms after its step, or at random within the step where that "
        "lasts. What became of the callbacks whose step it was:\n",
        table(
            ("Step", "When", "Kills", "What became of it"),
            [
                (step, words.MEANING[step], str(count), _fates(facts, step))
                for step in Step
                if (count := sum(kill.step is step for kill in facts.kills))
            ],
        ),
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
            ("Kill", "At", "Step", "Delay", "Away", "Callback of", "Its end"),
            [_kill(facts, kill) for kill in facts.kills],
        ),
        "## Every customer\n",
        "Kills count if they came between the customer's call and the end of all of it. "
        "`INVITEs` are those at the customer's own phone.\n",
        table(
            ("Customer", "Habit", "Call", "Kills meanwhile", "Attempts", "INVITEs", "End"),
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


def _fates(facts: Facts, step: Step) -> str:
    by_name = {one.name: one for one in facts.customers}
    fates = Counter(
        fate(by_name[kill.customer]) if kill.customer in by_name else "nobody's step"
        for kill in facts.kills
        if kill.step is step
    )
    return _counted(fates)


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
        one.habit,
        f"{(one.called - facts.began) / 1000:.1f} s",
        ", ".join(f"{kill.number}{'' if kill.customer != one.name else '!'}" for kill in kills)
        or "–",
        ", ".join(attempt.outcome or "open" for attempt in attempts) or "–",
        str(len(one.rings)),
        "served on the line" if stayed and one.talks else fate(one),
    )
