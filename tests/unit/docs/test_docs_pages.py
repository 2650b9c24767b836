"""The documentation agrees with the code: generated parts, links, and the commands it names."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "docs" / "generate.py"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *$", re.MULTILINE)
CODE = re.compile(r"`(?P<inline>[^`\n]+)`|^(?: {4}|\$ )?(?P<line>(?:\S*/)?sala .*)$", re.MULTILINE)
MAKE = re.compile(r"(?:^|`)make ([a-z]+)\b", re.MULTILINE)
PATH = re.compile(
    r"`(?P<path>(?:acd|agi_scripts|crm|dialplans|docs|ivr|lab|media|pbx|sala|sip_configs|tests)"
    r"/[\w./*-]+)`"
)


READERS_OWN = {
    "dialplans/asterisk/local.conf",
    "ivr/flows/opening-hours.yaml",
    "ivr/flows/pizza.test.yaml",
    "ivr/flows/pizza.yaml",
    "media/recordings/en/",
    "media/recordings/en/welcome.wav",
}
"""Files that a page tells its reader to make."""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = load()
COMMANDS = {words for words, _ in GENERATE.walk()}
GROUPS = {words for words, command in GENERATE.walk() if hasattr(command, "commands")}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {anchor(match["text"]) for match in HEADING.finditer(text)}


def anchor(heading: str) -> str:
    """The fragment that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_generated_parts_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_stale_part_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "README.md"
    page.write_text("<!-- generated: commands -->\nold\n<!-- end -->\n", encoding="utf-8")
    monkeypatch.setattr(GENERATE, "ROOT", tmp_path)
    assert GENERATE.main(["--check"]) == 1
    assert "old" in page.read_text(encoding="utf-8")
    assert GENERATE.main([]) == 0
    assert "`sala up`" in page.read_text(encoding="utf-8")
    assert GENERATE.main(["--check"]) == 0


@pytest.mark.parametrize(
    "text", ["<!-- generated: nothing -->\n<!-- end -->", "<!-- generated: cli -->\n"]
)
def test_a_mark_that_is_wrong_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"README\.md"):
        GENERATE.rendered(text, "README.md")


def test_every_part_is_used() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {part for part in GENERATE.PARTS if f"<!-- generated: {part} -->" not in text} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for match in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, fragment = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (fragment and fragment not in anchors(file)):
            broken.append(match["target"])
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_it_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {match["path"] for match in PATH.finditer(text)} - READERS_OWN
    assert [path for path in sorted(named) if not any(ROOT.glob(path.rstrip("/")))] == []


def is_known(words: list[str]) -> bool:
    """Whether the words after `sala` name a command; options may stand before it."""
    found: tuple[str, ...] = ()
    for word in words:
        if word.startswith("-"):
            continue
        if found not in GROUPS or not word.isalpha() or not word.islower():
            break
        if (*found, word) not in COMMANDS:
            return False
        found = (*found, word)
    return True


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_it_names_exist(page: Path) -> None:
    unknown = []
    for match in CODE.finditer(page.read_text(encoding="utf-8")):
        text = match["inline"] or match["line"]
        program, *words = text.split() or [""]
        if program.rpartition("/")[2] == "sala" and not is_known(words):
            unknown.append(text)
    assert unknown == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("sala up", True),
        ("sala agent show 1003", True),
        ("sala -v status", True),
        ("sala -v state", False),
        ("sala agent shew 1003", False),
        ("sala restart", False),
    ],
)
def test_a_command_that_is_not_there_is_found(text: str, known: bool) -> None:
    assert is_known(text.split()[1:]) is known


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_it_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(MAKE.findall(page.read_text(encoding="utf-8")))
    assert named <= targets


def test_nothing_of_this_machine_stands_in_the_pages() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/home/\w|/root/|/tmp/\w+/", text), name(page)
