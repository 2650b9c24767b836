"""Writes the parts of the documentation that the code knows better.

    python docs/generate.py            write them
    python docs/generate.py --check    change nothing; exit status 1 if one is stale

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; what it holds is
what the function of that name in `PARTS` returns. The rest of a page is written by hand.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
import sys
import textwrap
import tomllib
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from crm import records  # noqa: E402 - found by the line above

_PART = re.compile(r"(<!-- generated: (?P<name>[\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_OPEN = re.compile(r"<!-- generated: ")
_DROP = re.compile(r"^DROP (?:TABLE|VIEW) (\w+);", re.MULTILINE)
_COMMENT = re.compile(
    r"COMMENT ON (?P<kind>TABLE|VIEW|COLUMN) (?P<name>[\w.]+) IS\s+"
    r"(?P<text>(?:'(?:[^']|'')*'\s*)+);"
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars within cells are escaped."""
    lines = [list(head), ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


# --- settings ----------------------------------------------------------------------------------


def settings() -> str:
    """Return the table of all settings."""
    from sala.settings import ENV_PREFIX, Settings
    from sala.sources import expects

    return table(
        ("Key", "Variable", "Default", "Takes", "Meaning"),
        (
            (
                _code(key),
                _code(ENV_PREFIX + key.upper()),
                _code(_toml(field.default)),
                expects(key) if field.json_schema_extra else "a language code such as en",
                field.description or "",
            )
            for key, field in Settings.model_fields.items()
        ),
    )


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return str(value) if isinstance(value, int) else json.dumps(str(value))


# --- the command line --------------------------------------------------------------------------


def walk() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command that is not hidden as (its words after `sala`, the command)."""
    import typer

    from sala.cli import app

    def below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        yield words, command
        for name, one in getattr(command, "commands", {}).items():
            if not one.hidden:
                yield from below((*words, name), one)

    return below((), typer.main.get_command(app))


def commands() -> str:
    """Return a short table of the commands that do something."""
    return table(
        ("Command", "What it does"),
        (
            (_code(" ".join(("sala", *words))), _first(command))
            for words, command in walk()
            if not hasattr(command, "commands")
        ),
    )


def cli() -> str:
    """Return the reference of the command line: every command with its arguments and options."""
    blocks = []
    for words, command in walk():
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [
            one for one in command.params if one.param_type_name == "option" and not one.hidden
        ]
        usage = " ".join(("sala", *words, *map(_argument, arguments)))
        if options:
            usage += " [OPTIONS]"
        if hasattr(command, "commands"):
            usage += " COMMAND …"
        block = f"## {' '.join(('sala', *words))}\n\n{_prose(command.help)}\n\n    {usage}\n"
        rows = [(_code(_argument(one)), _default(one)) for one in arguments]
        rows += [(_option(one), _default(one)) for one in options]
        if rows:
            block += "\n" + table(("Argument or option", "Meaning"), rows)
        blocks.append(block)
    return "\n".join(blocks)


def _first(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _prose(text: str | None) -> str:
    paragraphs = (text or "").strip().split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(one.split()), 100) for one in paragraphs)


def _argument(one: Any) -> str:
    name = one.metavar or one.name.upper()
    return name if one.required else f"[{name}]"


def _option(one: Any) -> str:
    value = "" if one.is_flag else f" {one.metavar or one.name.upper()}"
    return ", ".join(_code(name + value) for name in one.opts)


def _default(one: Any) -> str:
    flag = getattr(one, "is_flag", False)
    shown = f" Default: `{one.default}`." if one.default and not flag else ""
    return f"{one.help or ''}{shown}"


# --- codecs ------------------------------------------------------------------------------------


def states(module: str) -> str:
    """Return the state diagram of a codec, drawn from its own `TRANSITIONS`."""
    from pbx.wire.connection import END, VIOLATION

    transitions: Mapping[str, Mapping[str, str]] = importlib.import_module(module).TRANSITIONS
    start = next(iter(transitions))
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_node(start)}"]
    lines += [
        f"    state {json.dumps(str(state))} as {_node(state)}"
        for state in transitions
        if " " in state
    ]
    for state, row in transitions.items():
        signals: dict[str, list[str]] = {}
        for signal, after in row.items():
            signals.setdefault(after, []).append(str(signal))
        for after, names in signals.items():
            lines.append(f"    {_node(state)} --> {_node(after)}: {', '.join(names)}")
    lines += [f"    {_node(state)} --> [*]" for state, row in transitions.items() if not row]
    note = f"`{END}`: the peer closed between two messages. `{VIOLATION}`: it broke the protocol."
    return "\n".join([*lines, "```", "", note, ""])


def _node(state: str) -> str:
    return str(state).replace(" ", "_")


# --- laws, codes, tables -----------------------------------------------------------------------


def import_law() -> str:
    """Return the import contracts that `make check` enforces."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rows = []
    for one in content["tool"]["importlinter"]["contracts"]:
        if one["type"] == "layers":
            law = "from the top down, each knows only those below: " + " → ".join(
                _code(layer) for layer in one["layers"]
            )
            law += " (`|`: neither knows the other; `:`: they may know each other)"
        else:
            sources = ", ".join(map(_code, one["source_modules"]))
            law = f"{sources} may not import {', '.join(map(_code, one['forbidden_modules']))}"
        rows.append((one["name"], law))
    return table(("Law", "In words of the linter"), rows)


def feature_codes() -> str:
    """Return the feature codes, with what the agent becomes and hears."""
    import yaml

    from sala.reception import FEATURES

    texts = yaml.safe_load((ROOT / "media/prompts/en.yaml").read_text(encoding="utf-8"))
    return table(
        ("Code", "The agent asks to be", "and hears"),
        (
            (_code(code), wanted.value, f"“{texts[prompt]}”")
            for code, (wanted, prompt) in FEATURES.items()
        ),
    )


def strategies() -> str:
    """Return the strategies by which an agent is chosen."""
    from acd.router.strategies import STRATEGIES

    return table(
        ("Name", "Where", "Which agent"),
        (
            (_code(name), _code(one.__module__.replace(".", "/") + ".py"), _module_line(one))
            for name, one in STRATEGIES.items()
        ),
    )


def _module_line(one: Any) -> str:
    return (sys.modules[one.__module__].__doc__ or "").split("\n")[0]


def tables() -> str:
    """Return the tables and views of the database, as their own comments tell them."""
    rows: dict[str, tuple[str, str, str]] = {}
    for file in sorted((ROOT / "crm/sql/migrations").glob("*.sql")):
        sql = file.read_text(encoding="utf-8")
        for name in _DROP.findall(sql):
            rows.pop(name, None)
        for match in _COMMENT.finditer(sql):
            parts = re.findall(r"'((?:[^']|'')*)'", match["text"])
            text = "".join(parts).replace("''", "'")
            rows[match["name"]] = (_code(match["name"]), match["kind"].lower(), text)
    return table(("Name", "Kind", "What it holds"), rows.values())


def journal() -> str:
    """Return the kinds of journal entries with the fields of each."""
    from acd.router import events
    from acd.router.codec import _WRITERS

    rows = []
    for event in typing.get_args(events.Event):
        fields = ", ".join(_code(field.name) for field in dataclasses.fields(event))
        told = (event.__doc__ or "").split("\n")[0].replace("``", "`")
        rows.append((_code(_WRITERS[event][0]), fields, told))
    return table(("Kind", "Fields", "What happened"), rows)


def nodes() -> str:
    """Return the node types of the flow language with their fields."""
    from ivr.flow.nodes import NODE_TYPES

    rows = []
    for name, model in NODE_TYPES.items():
        fields = [
            _code(key) if field.is_required() else f"{_code(key)} (optional)"
            for key, field in model.model_fields.items()
            if key != "type"
        ]
        rows.append((_code(name), (model.__doc__ or "").split("\n")[0], ", ".join(fields)))
    return table(("Type", "What it does", "Fields"), rows)


def policies() -> str:
    """Return the policies by which a freed agent's next call is chosen."""
    from acd.router.selection import POLICIES

    rows = ((_code(name), _module_line(one)) for name, one in POLICIES.items())
    return table(("Name", "Which call"), rows)


def routing_fields(record: Any) -> str:
    """Return the fields that a routing file has for a record, with their defaults."""
    from sala.routing import fields
    from sala.routing.document import text

    plain = fields.plain(record)
    rows = []
    for field in fields.of(record):
        default = fields.told(field, plain)
        if field.name in ("name", "account") or default in (None, {}, []):
            shown = ""
        else:
            shown = _code(text(default, inline=True))
        rows.append((_code(field.name), shown, field.meaning))
    return table(("Field", "Default", "Meaning"), rows)


def callback_fields() -> str:
    """Return the fields of a queue's `callback`."""
    from acd.callbacks.policy import FIELDS

    rows = (
        (_code(name), "" if default in ("", "none") else _code(default), meaning)
        for name, (default, meaning) in FIELDS.items()
    )
    return table(("Field", "Default", "Meaning"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "cli": cli,
    "commands": commands,
    "feature-codes": feature_codes,
    "import-law": import_law,
    "journal": journal,
    "nodes": nodes,
    "policies": policies,
    "routing-agent": lambda: routing_fields(records.Agent("", "", "")),
    "routing-callback": callback_fields,
    "routing-floor": lambda: routing_fields(records.FloorPolicy()),
    "routing-queue": lambda: routing_fields(records.Queue("")),
    "routing-selection": lambda: routing_fields(records.Selection("")),
    "settings": settings,
    "strategies": strategies,
    "tables": tables,
    "states-agi": lambda: states("pbx.wire.agi"),
    "states-ami": lambda: states("pbx.wire.ami"),
    "states-ami-server": lambda: states("pbx.wire.ami_server"),
}
"""Every generated part by the name that stands in its mark."""


# --- pages -------------------------------------------------------------------------------------


def pages() -> list[Path]:
    """Return every Markdown page of the documentation, the README first."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def rendered(text: str, page: str) -> str:
    """Return a page's text with its generated parts as they ought to be.

    Raises `ValueError` for a mark that is not closed or names nothing.
    """

    def fill(match: re.Match[str]) -> str:
        if match["name"] not in PARTS:
            raise ValueError(f"{page}: nothing generates {match['name']}")
        return f"{match[1]}\n{PARTS[match['name']]().strip()}\n\n{match[3]}"

    found, count = _PART.subn(fill, text)
    if count != len(_OPEN.findall(text)):
        raise ValueError(f"{page}: a generated part has no <!-- end -->, or a malformed name")
    return found


def main(arguments: Sequence[str]) -> int:
    """Write or check all pages; return the exit status."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python docs/generate.py [--check]\n")
        return 2
    stale = False
    for page in pages():
        text = page.read_text(encoding="utf-8")
        name = str(page.relative_to(ROOT))
        new = rendered(text, name)
        if new == text:
            continue
        if arguments:
            sys.stderr.write(f"{name} is stale; run: python docs/generate.py\n")
            stale = True
        else:
            page.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{name} written\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
