"""`sala flow` and `sala prompts`, as an admin types them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crm import embedded
from sala.cli import app

Sala = Callable[..., Result]
ROOT = Path(__file__).parents[3]
FLOW = """\
sala: 1
title: Test
start: menu
nodes:
  menu:
    type: menu
    prompt: {say: Press 1}
    keys: {1: sales}
    invalid: {next: end, retries: 0}
    timeout: {next: end, retries: 0}
  sales: {type: queue, queue: sales, failed: end}
  end: {type: hangup}
"""
TEST = "tests:\n  key 1 is sales:\n    when: 1\n    then: {queue: sales}\n"


@pytest.fixture
def sala(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sala]:
    for name in list(os.environ):
        if name.startswith("SALA_") and name != "SALA_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows").mkdir()
    (tmp_path / "media" / "prompts").mkdir(parents=True)
    (tmp_path / "media" / "prompts" / "en.yaml").write_text("hello: Hello.\n")
    (tmp_path / "sala.toml").write_text('flows = "flows"\nmedia = "media"\n')
    write(FLOW)
    write(TEST, "main.test")

    def run(*words: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(app, words, input=typed)
        assert "Traceback" not in result.output
        return result

    yield run
    embedded.stop(tmp_path / ".sala")


def write(text: str, name: str = "main") -> None:
    Path("flows", f"{name}.yaml").write_text(text, encoding="utf-8")


def test_check(sala: Sala) -> None:
    assert sala("flow", "check").output == "main: no faults\n"
    write(FLOW.replace("{1: sales}", "{1: sales, 2: slaes}"))
    result = sala("flow", "check", "main")
    assert result.exit_code == 2
    assert "no node `slaes`; did you mean `sales`? [unknown-node]" in result.output
    (problem,) = json.loads(sala("flow", "check", "--json").output)
    assert (problem["code"], problem["severity"]) == ("unknown-node", "error")
    write("sala: [")
    result = sala("flow", "check")
    assert result.exit_code == 2
    assert "wrong YAML" in result.output
    assert sala("flow", "check", "nothing").exit_code == 2


SECRET = """\
sala: 1
start: ask
variables: {code: secret}
nodes:
  ask:
    type: collect
    prompt: hello
    into: code
    secret: true
    max_digits: 4
    next: end
    invalid: {next: end, retries: 0}
    timeout: {next: end, retries: 0}
  end: {type: hangup}
"""
RECORDING = """
[from-trunk](+)
exten => 600,1,MixMonitor(${UNIQUEID}.wav)
 same => n,Goto(sala-in,${FILTER(0-9,${EXTEN})},1)
"""


def test_secret_digits_are_an_error_where_the_dialplan_records(sala: Sala) -> None:
    write(SECRET)
    assert sala("flow", "check").output == "main: no faults\n"
    shutil.copytree(ROOT / "dialplans", "dialplans")
    with Path("sala.toml").open("a") as settings:
        settings.write('dialplans = "dialplans"\n')
    assert sala("flow", "check").output == "main: no faults\n"
    Path("dialplans/asterisk/local.conf").write_text(RECORDING)
    result = sala("flow", "check")
    assert result.exit_code == 2
    assert "takes secret digits while the call is recorded [secret-recorded]" in result.output


def test_tests_and_coverage(sala: Sala) -> None:
    result = sala("flow", "test")
    assert result.exit_code == 0
    assert "main: 1 tests, 0 failed; nodes 67%, ways 33%" in result.output
    assert "not covered: end" in result.output
    write(TEST.replace("{queue: sales}", "{queue: support}"), "main.test")
    result = sala("flow", "test", "main")
    assert result.exit_code == 1
    assert "queue: support was wanted, sales came" in result.output


def test_run_by_hand_and_by_script(sala: Sala) -> None:
    result = sala("flow", "run", "main", typed="1\nhang up\n")
    assert result.exit_code == 0
    assert "♪ Press 1" in result.output
    assert "waits in queue sales" in result.output
    Path("script.txt").write_text("# a comment of ours\n1\n")
    result = sala("flow", "run", "main", "--script", "script.txt")
    assert "> 1" in result.output
    assert result.output.endswith("= the caller waits in queue sales\n")
    assert sala("flow", "run", "main", "--script", "gone.txt").exit_code == 2
    assert sala("flow", "run", "main", "--at", "noon").exit_code == 2
    assert sala("flow", "run", "main", "--answer", "x").exit_code == 2


def test_schema(sala: Sala) -> None:
    assert json.loads(sala("flow", "schema").output)["title"] == "Sala flow, version 1"
    assert json.loads(sala("flow", "schema", "--tests").output)["title"] == "Sala flow tests"


def test_publish_roll_back_and_compare(sala: Sala) -> None:
    result = sala("flow", "publish", "main", "--note", "first")
    assert result.exit_code == 0, result.output
    first = result.output.split()[1]
    assert "was in use already" in sala("flow", "publish", "main").output
    write(FLOW.replace("{1: sales}", "{1: sales, 2: end}"))
    result = sala("flow", "diff", "main")
    assert result.output == "key 2 on menu now goes to end\n"
    second = sala("flow", "publish", "main", "-m", "two").output.split()[1]
    assert second != first
    assert sala("flow", "diff", first, second).output == "key 2 on menu now goes to end\n"
    assert sala("flow", "rollback", "main").output == f"main points at {first}\n"
    (row,) = json.loads(sala("flow", "list", "--json").output)
    assert (row["alias"], row["version"], row["note"]) == ("main", first, "first")
    shown = json.loads(sala("flow", "show", "main", "--json").output)
    assert [move["version"] for move in shown["history"]] == [first, second, first]
    assert sala("flow", "show", second[:6], "--content").output.startswith("sala: 1\n")
    assert sala("flow", "rollback", "main", "--to", second[:8]).exit_code == 0
    assert sala("flow", "publish", "main", "--alias", "staging").exit_code == 0
    assert {row["alias"] for row in json.loads(sala("flow", "list", "--json").output)} == {
        "main",
        "staging",
    }
    assert sala("flow", "rollback", "nothing").exit_code == 2
    assert sala("flow", "show", "ffffff").exit_code == 2
    assert sala("flow", "replay", "no-such-interaction").exit_code == 2


def test_faults_and_failing_tests_keep_a_flow_from_being_published(sala: Sala) -> None:
    write(FLOW.replace("queue: sales", "queue: nowhere"))
    result = sala("flow", "publish", "main")
    assert result.exit_code == 2
    assert "there is no queue `nowhere`" in result.output
    assert "queue: sales was wanted, nowhere came" in result.output
    assert "nothing was published" in result.output
    assert json.loads(sala("flow", "list", "--json").output) == []


def test_prompts(sala: Sala) -> None:
    assert sala("prompts", "missing").exit_code == 0
    write(FLOW.replace("title: Test", "languages: [en, th]"))
    result = sala("prompts", "missing")
    assert result.exit_code == 1
    assert result.output == "th: main: a text at menu.prompt\n"
    result = sala("prompts", "missing", "--recordings", "--language", "en", "--json")
    assert {row["language"] for row in json.loads(result.output)} == {"en"}
    assert sala("prompts", "export", "script.csv").exit_code == 0
    assert "en/hello.wav,Hello.," in Path("script.csv").read_text(encoding="utf-8-sig")
    write(FLOW)
    assert "rendered" in sala("prompts", "render").output
    assert sala("prompts", "render").output == "everything was rendered already\n"
    Path("takes/en").mkdir(parents=True)
    shutil.copy(".sala/media/en/hello.wav", "takes/en/hello.wav")
    assert "1 takes are taken in" in sala("prompts", "import", "takes").output
    Path("takes/en/hello.wav").write_bytes(b"no audio")
    result = sala("prompts", "import", "takes")
    assert result.exit_code == 2
    assert "en/hello.wav: " in result.output
    assert sala("prompts", "import", "nowhere").exit_code == 2
