"""Flow tests: given a caller and a world, when they do this, then that comes of it.

    # main.test.yaml, beside main.yaml
    tests:
      a caller who presses 2 waits for support:
        given: {caller: "+66812345678", at: 2026-11-23T10:00:00+07:00}
        when: [2]
        then: {heard: [welcome, main-menu], queue: support}

`when` holds steps of `ivr.flow.stage`. Of what came, only what `then` names is compared; `heard`
and `path` must be there in this order, other things may come between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from ivr.errors import FlowInvalid
from ivr.flow import document
from ivr.flow.frame import Facts, World
from ivr.flow.load import Flow, find
from ivr.flow.model import FlowDocument
from ivr.flow.parts import Part
from ivr.flow.problems import Problem, excerpt
from ivr.flow.stage import STEP, Answer, Run, Stage


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Several = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Customer(Part):
    """The customer whom the call belongs to."""

    id: str = "customer"
    name: str = ""
    language: str = ""


class Given(Part):
    """The caller, the time, and what services answer, by node."""

    at: datetime = datetime(2026, 1, 5, 12, tzinfo=UTC)
    caller: str = ""
    dialled: str = ""
    customer: Customer | None = None
    language: str | None = None
    answers: dict[str, Annotated[tuple[Any, ...], BeforeValidator(_listed)]] = Field(
        default_factory=dict
    )


class Then(Part):
    """What is to come of it; None: whatever."""

    heard: Several | None = None
    not_heard: Several | None = None
    path: Several | None = None
    ends: str | None = None
    at: str | None = None
    queue: str | None = None
    priority: int | None = None
    criteria: tuple[dict[str, int], ...] | None = None
    language: str | None = None
    kept_language: str | None = None
    tags: dict[str, str] | None = None
    events: Several | None = None
    answers: dict[str, str] | None = None
    callback: str | None = None
    voicemail: str | None = None
    transfer: str | None = None


class Case(Part):
    """One test."""

    given: Given = Given()
    when: Several = ()
    then: Then


class Suite(Part):
    """A file of tests, by what each of them says."""

    tests: Annotated[dict[str, Case], Field(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True)
class Result:
    """How a test went; `faults` is empty if it passed."""

    name: str
    faults: tuple[str, ...]
    run: Run


@dataclass(slots=True)
class Coverage:
    """Which nodes of a flow, and which ways from node to node, tests went.

    Two exits that lead from one node to the same other are one way.
    """

    nodes: dict[str, bool] = field(default_factory=dict)
    ways: dict[tuple[str, str], bool] = field(default_factory=dict)

    @classmethod
    def of(cls, flow: FlowDocument) -> Coverage:
        """Return the coverage before any test."""
        ways = {(n, t): False for n, node in flow.nodes.items() for _, t in node.exits()}
        return cls(dict.fromkeys(flow.nodes, False), ways)

    def add(self, path: Iterable[str]) -> None:
        """Count a run's path; steps inside subflows count for the node that called them."""
        before = ""
        for node in (step.partition(".")[0] for step in path):
            if node in self.nodes:
                self.nodes[node] = True
            if (before, node) in self.ways:
                self.ways[before, node] = True
            before = node

    @property
    def missed(self) -> list[str]:
        """Nodes and ways that no test went, as an admin reads them."""
        nodes = [name for name, went in self.nodes.items() if not went]
        ways = [f"{one} → {other}" for (one, other), went in self.ways.items() if not went]
        return nodes + ways

    def share(self, of: str) -> float:
        """Return which share of `nodes` or `ways` was gone, 0 … 1."""
        went = (self.nodes if of == "nodes" else self.ways).values()
        return sum(went) / len(went) if went else 1.0


def parse(content: bytes, *, file: str) -> Suite:
    """Read a test file. Raises FlowInvalid with all faults."""
    source = document.parse(content, file)
    problems = list(source.problems)
    suite = None
    if not problems:
        try:
            suite = Suite.model_validate(source.value)
        except ValidationError as error:
            for detail in error.errors():
                path = tuple(step for step in detail["loc"] if step != "[key]")
                what = f"`{path[-1] if path else 'tests'}`: {detail['msg'].lower()}"
                problems.append(Problem(file, *find(source, path, key=False), excerpt(what, 200)))
    if suite is not None:
        for name, case in suite.tests.items():
            for index, step in enumerate(case.when):
                if not STEP.fullmatch(step):
                    place = find(source, ("tests", name, "when", index), key=False)
                    what = "is no step: digits, silence, talk, speak SECONDS, hang up"
                    problems.append(Problem(file, *place, f"`{excerpt(step)}` {what}"))
    if problems or suite is None:
        raise FlowInvalid(sorted(problems, key=lambda p: (p.line, p.column)))
    return suite


def run(flow: Flow, case: Case, name: str, world: World) -> Result:
    """Run one test on paper."""
    stage = Stage(
        flow.document,
        facts=facts(case.given),
        world=world,
        now_ms=now_ms(case.given),
        language=case.given.language,
        answers=answers(flow, case.given),
    )
    came = stage.play(case.when)
    return Result(name, tuple(faults(case.then, came)), came)


def facts(given: Given) -> Facts:
    """Return what is known of the caller."""
    customer = given.customer or Customer(id="")
    return Facts(given.caller, given.dialled, customer.id, customer.name, customer.language)


def now_ms(given: Given) -> int:
    """Return the time of the call, in milliseconds since the epoch."""
    return round(given.at.replace(tzinfo=given.at.tzinfo or UTC).timestamp() * 1000)


def answers(flow: Flow, given: Given) -> dict[str, list[Answer]]:
    """Return what services answer, by node."""
    return {
        node: [_answer(flow.document, node, one) for one in told]
        for node, told in given.answers.items()
    }


def _answer(flow: FlowDocument, node: str, given: Any) -> Answer:
    """Give the values of a look-up, which are text in the file, the types the node names."""
    if not isinstance(given, Mapping):
        return str(given)
    fields = getattr(flow.nodes.get(node), "fields", {})
    return {name: _typed(str(value), fields.get(name, "")) for name, value in given.items()}


def _typed(text: str, kind: str) -> object:
    try:
        match kind:
            case "int":
                return int(text)
            case "double":
                return float(text)
            case "bool":
                return {"true": True, "false": False}[text.lower()]
    except (ValueError, KeyError):
        return None  # which no field takes, so that the look-up fails
    return text


def faults(then: Then, came: Run) -> Iterable[str]:
    """Yield what came otherwise than was wanted."""
    if came.unanswered:
        yield f"node {came.unanswered} asks outside, and `given: answers` tells no answer for it"
    if came.cut:
        yield "the flow goes on without end and was cut"
    for name in ("heard", "path"):
        in_order: tuple[str, ...] | None = getattr(then, name)
        if in_order is not None and (missing := _first_missing(in_order, getattr(came, name))):
            among = ", ".join(getattr(came, name)) or "nothing"
            yield f"{name}: no {missing} (in this order) among: {among}"
    for unwanted in then.not_heard or ():
        if any(unwanted in one for one in came.heard):
            yield f"heard: {unwanted}, which was not to be heard"
    told = set(Then.model_fields) - {"heard", "not_heard", "path"}
    for name in sorted(told):
        wanted: Any = getattr(then, name)
        got: Any = getattr(came, name)
        if wanted is None:
            continue
        if isinstance(got, Mapping):
            got = {key: _shown(value) for key, value in got.items()}
        elif isinstance(got, list):
            got = tuple(got)
        if wanted != got:
            yield f"{name}: {_shown(wanted)} was wanted, {_shown(got)} came"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value or value == 0 else "nothing"


def _first_missing(wanted: Iterable[str], came: Sequence[str]) -> str | None:
    """Return the first that is not there, in this order; two may be parts of one that came."""
    index = begin = 0
    for one in wanted:
        while index < len(came) and (found := came[index].find(one, begin)) < 0:
            index, begin = index + 1, 0
        if index == len(came):
            return one
        begin = found + len(one)
    return None
