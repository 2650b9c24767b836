"""A folder of broken flows, one for each check: each is found, by its check and by no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.calendars import Calendar
from ivr.errors import FlowInvalid
from ivr.flow.check import CHECKS, Context, Skilled, check
from ivr.flow.load import parse
from ivr.flow.problems import Severity

BROKEN = Path(__file__).parent / "broken"
OFFICE = Calendar("office", "Asia/Bangkok", (((9 * 60, 17 * 60),),) * 5 + ((), ()))
WARNINGS = {"unreachable", "key-shadows", "unset-variable", "closed-queue"}


def context(*, recorded: bool = False) -> Context:
    beside = {
        path.stem: parse(path.read_bytes(), alias=path.stem, file=path.name)
        for path in (BROKEN / "beside").glob("*.yaml")
    }
    return Context(
        queues={"sales", "support"},
        prompts={"en": {"hello", "english-only"}, "th": {"hello"}},
        calendars={"office": OFFICE},
        queue_hours={"support": OFFICE},
        agents=[Skilled({"sales"}, {"thai": 3}), Skilled({"support"}, {"thai": 5})],
        flows=beside,
        hosts={"crm.example.com"},
        queries={"balance"},
        mailboxes={"office"},
        refuses=lambda number: "a premium number" if number.startswith("+1900") else None,
        refuses_sip=lambda address: "elsewhere" if "elsewhere" in address else None,
        recorded=recorded,
    )


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_broken_flow_is_found_by_its_check(path: Path) -> None:
    flow = parse(path.read_bytes(), alias=path.stem, file=path.name)
    found = check(flow, context(recorded=path.stem == "secret-recorded"))
    assert {problem.code for problem in found} == {path.stem}, [str(p) for p in found]
    wanted = Severity.WARNING if path.stem in WARNINGS else Severity.ERROR
    assert {problem.severity for problem in found} == {wanted}
    for problem in found:
        assert problem.line > 1
        assert str(problem).endswith(f"[{path.stem}]")


def test_there_is_a_broken_flow_for_each_check() -> None:
    assert {path.stem for path in BROKEN.glob("*.yaml")} == set(CHECKS)


def test_nothing_is_checked_that_is_not_known() -> None:
    unknown = {"unknown-queue", "unknown-skill", "unmet-criteria", "unknown-calendar"}
    unknown |= {
        "closed-queue",
        "unknown-subflow",
        "subflow-exits",
        "refused-number",
        "refused-address",
    }
    unknown |= {"refused-host", "unknown-query", "unknown-mailbox", "missing-prompt"}
    for name in unknown:
        path = BROKEN / f"{name}.yaml"
        assert check(parse(path.read_bytes(), alias="x", file="x")) == []


def test_queue_behind_its_own_hours_is_not_closed() -> None:
    text = (
        "sala: 1\nstart: a\nnodes:\n"
        "  a: {type: hours, calendar: office, open: q, closed: h, failed: h}\n"
        "  q: {type: queue, queue: support, failed: h}\n  h: {type: hangup}\n"
    )
    assert check(parse(text.encode(), alias="x", file="x"), context()) == []


def test_relaxing_criteria_are_a_warning_only() -> None:
    text = (
        "sala: 1\nstart: a\nnodes:\n"
        "  a: {type: queue, queue: sales, failed: h,"
        " criteria: [{skills: {thai: 5}, for_s: 20}, {skills: {thai: 2}}]}\n"
        "  h: {type: hangup}\n"
    )
    (problem,) = check(parse(text.encode(), alias="x", file="x"), context())
    assert (problem.code, problem.severity) == ("unmet-criteria", Severity.WARNING)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://crm.example.com/a", True),
        ("https://CRM.example.com/a", True),
        ("https://crm.example.com:8443/a", False),
        ("https://crm.example.com.evil.net/a", False),
        ("https://user@crm.example.com/a", None),
        ("https://{caller.number}/a", None),
        ("file:///etc/passwd", None),
    ],
)
def test_hosts(url: str, right: bool | None) -> None:
    text = (
        "sala: 1\nstart: a\nnodes:\n"
        f'  a: {{type: webhook, url: "{url}", targets: [h], failed: h}}\n  h: {{type: hangup}}\n'
    )
    if right is None:
        with pytest.raises(FlowInvalid, match="an address such as"):
            parse(text.encode(), alias="x", file="x")
    else:
        found = check(parse(text.encode(), alias="x", file="x"), context())
        assert (found == []) is right


def test_the_host_of_who_sends_codes_is_checked() -> None:
    text = (
        "sala: 1\nstart: a\nnodes:\n"
        "  a: {type: identify, method: otp, send: {url: 'https://elsewhere.example/x'},\n"
        "    prompt: hello, next: h, refused: h, locked: h, unknown: h, failed: h,\n"
        "    timeout: {next: h}}\n"
        "  h: {type: hangup}\n"
    )
    (problem,) = check(parse(text.encode(), alias="x", file="x"), context())
    assert (problem.code, problem.severity) == ("refused-host", Severity.ERROR)
