"""The prompt store and the flow library: what is rendered when, and all-or-nothing reloads."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import psutil
import pytest

from ivr.errors import FlowInvalid, FlowUnknown, PromptMissing, SpeechError
from ivr.flow.behaviour.recall import pieces
from ivr.flow.check import Context
from ivr.library import Library
from ivr.prompts import PromptStore
from ivr.shelf import Folder
from ivr.speech import shape
from ivr.speech.espeak import Espeak

FLOW = """\
sala: 1
start: a
nodes:
  a: {type: play, prompt: hello, next: b}
  b: {type: say, text: %s, next: q}
  q: {type: queue, queue: sales, failed: h}
  h: {type: hangup}
"""
WORDS = pieces("en", chosen=False)


class Tones:
    """An engine that writes a tone, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.breaks = False

    def signature(self, language: str) -> str:
        if language not in {"en", "th"}:
            raise SpeechError(f"no voice speaks `{language}`")
        return "tones"

    async def synthesise(self, text: str, language: str, path: Path) -> None:
        if self.breaks:
            raise SpeechError("broken")
        self.asked.append(text)
        pitch = 400 + 20 * len(text)
        signal = np.sin(2 * np.pi * pitch * np.arange(4_000) / 8_000) * 8_000
        shape.write_wav(path, signal.astype(np.int16))

    async def close(self) -> None:
        pass


class Counted(Espeak):
    """The bundled engine, that notes what it was asked for and by which processes it was spoken."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Path] = []
        self.spoken_by: set[int | None] = set()

    async def synthesise(self, text: str, language: str, path: Path) -> None:
        await super().synthesise(text, language, path)
        self.asked.append(path)
        self.spoken_by.add(self.pid)


class House:
    """An admin's folders and the two objects over them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "media" / "prompts").mkdir(parents=True)
        (root / "flows").mkdir()
        self.engine = Tones()
        self.open()

    def open(self) -> None:
        """As a new process would."""
        self.store = PromptStore(self.root / "media", self.root / "state", self.engine)
        self.library = Library(
            Folder(self.root / "flows"),
            self.root / "state",
            self.store,
            context=lambda: Context(queues={"sales"}),
        )

    def prompts(self, text: str, language: str = "en") -> None:
        (self.root / "media" / "prompts" / f"{language}.yaml").write_text(text, encoding="utf-8")

    def flow(self, text: str, alias: str = "main") -> None:
        (self.root / "flows" / f"{alias}.yaml").write_text(text, encoding="utf-8")

    def record(self, name: str, content: bytes | None = None, language: str = "en") -> Path:
        path = self.root / "media" / "recordings" / language / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            shape.write_wav(path, (np.sin(np.arange(16_000) / 2) * 9_000).astype(np.int16))
        else:
            path.write_bytes(content)
        return path

    async def faults(self) -> list[str]:
        with pytest.raises(FlowInvalid) as caught:
            await self.library.reload()
        return [str(p).removeprefix(f"{self.root}/") for p in caught.value.problems]

    def lose(self, rendered: str) -> None:
        (self.root / "state" / "media" / "en" / rendered).unlink()

    def asked(self) -> list[str]:
        """Return what was synthesised, the words that talks of callbacks are made of aside."""
        asked, self.engine.asked = self.engine.asked, []
        return [one for one in asked if one not in WORDS]


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.prompts("hello: Hello there.\n")
    house.flow(FLOW % "One moment.")
    return house


def length(name: str) -> int:
    sizes = {Path(name + suffix).stat().st_size for suffix in (".ulaw", ".alaw")}
    assert len(sizes) == 1
    (size,) = sizes
    assert len(shape.read(Path(name + ".wav")).samples) == size
    return size


async def test_renders_once_and_only_what_changed(house: House) -> None:
    seen: list[tuple[int, int]] = []
    assert await house.library.reload(lambda done, total: seen.append((done, total))) == []
    assert house.asked() == ["Hello there.", "One moment."]
    count = 2 + len(WORDS)
    assert seen == [(done, count) for done in range(count + 1)]
    house.open()
    await house.library.reload()
    assert house.asked() == []
    house.prompts("hello: Hello again.\nbye: Bye.\n")
    await house.library.reload()
    assert house.asked() == ["Hello again.", "Bye."]
    house.lose("bye.alaw")
    await house.library.reload()
    assert house.asked() == ["Bye."]


async def test_audio_is_named_without_suffix_and_lies_there(house: House) -> None:
    await house.library.reload()
    audio = house.store.audio("hello", "en")
    assert audio.name == str(house.root.absolute() / "state/media/en/hello")
    assert length(audio.name) > 1_000
    assert length(house.store.speech("One moment.", "en").name) > 1_000
    assert house.store.audio("hello", "th") == audio
    with pytest.raises(PromptMissing, match="nothing"):
        house.store.audio("nothing", "en")
    with pytest.raises(PromptMissing):
        house.store.speech("Never said.", "en")
    leftovers = [p.name for p in (house.root / "state/media").rglob("*") if p.name.startswith(".")]
    assert leftovers == []


async def test_recording_wins_and_is_taken_back(house: House) -> None:
    recording = house.record("hello")
    await house.library.reload()
    assert house.asked() == ["One moment."]
    assert length(house.store.audio("hello", "en").name) > 15_000
    recording.unlink()
    await house.library.reload()
    assert house.asked() == ["Hello there."]
    assert length(house.store.audio("hello", "en").name) < 8_000


async def test_faults_of_media_have_their_places(house: House) -> None:
    house.prompts("hello: Hi.\nBad id: x\nnone:\nmany: [a]\ndots: '...'\nhello: again\n")
    house.prompts("a: b\n", "xx")
    house.prompts("a: b\n", "English")
    house.prompts("- a\n", "th")
    house.record("No", b"")
    assert await house.faults() == [
        "media/prompts/English.yaml:1:1: error: `English` is not a language; name the file after "
        "one, as en.yaml",
        "media/prompts/en.yaml:6:1: error: `hello` stands here twice, first on line 1",
        "media/prompts/th.yaml:1:1: error: must be a mapping: `id: words` lines",
        "media/prompts/xx.yaml:1:1: error: no voice speaks `xx`",
        "media/recordings/en/No.wav:1:1: error: name it recordings/<language>/<id>.wav, the id in "
        "small letters",
    ]
    house.prompts("hello: Hi.\nBad id: x\nnone:\nmany: [a]\ndots: '...'\n")
    assert [told.partition(" error: ")[2][:20] for told in await house.faults()][1:5] == [
        "`Bad id` is not an i",
        "`none` needs words t",
        "`many` needs words t",
        "`dots` needs words t",
    ]


async def test_recording_that_is_no_audio_changes_nothing(house: House) -> None:
    await house.library.reload()
    before = house.library.current("main")
    house.record("hello", b"<html>")
    house.flow(FLOW % "Changed.")
    assert (await house.faults())[0].startswith(
        "media/recordings/en/hello.wav:1:1: error: cannot be used: not a PCM WAV file"
    )
    assert house.library.current("main") is before


async def test_broken_file_changes_nothing_and_all_errors_are_told(house: House) -> None:
    await house.library.reload()
    before = dict(house.library.flows)
    house.flow(FLOW % "Changed.")
    house.flow("sala: 1\nstart: a\nnodes:\n  a: {type: goto, next: b}\n", "second")
    house.flow("sala: [\n", "third")
    house.flow(FLOW.replace("hello", "helo").replace("sales", "sale") % "{xx: Hm, en: Hm}", "bad")
    told = await house.faults()
    assert [line.partition(" error: ")[0] for line in told] == [
        "flows/third.yaml:2:1:",
        "flows/bad.yaml:4:27:",
        "flows/bad.yaml:6:27:",
        "flows/bad.yaml:5:24:",
        "flows/second.yaml:4:25:",
    ]
    assert "did you mean `hello`?" in told[1]
    assert house.library.flows == before
    with pytest.raises(FlowUnknown):
        house.library.current("second")


async def test_speech_that_fails_changes_nothing(house: House) -> None:
    await house.library.reload()
    house.flow(FLOW % "Changed.")
    house.engine.breaks = True
    before = house.library.current("main")
    with pytest.raises(SpeechError):
        await house.library.reload()
    assert house.library.current("main") is before


async def test_live_calls_stay_on_their_version_through_reload_and_restart(house: House) -> None:
    await house.library.reload()
    old = house.library.current("main")
    house.flow(FLOW % "Changed.")
    await house.library.reload()
    assert house.library.current("main").version != old.version
    carried = {"flow": "main", "version": old.version, "node": "b"}
    assert house.library.pinned(carried) == (old, "b")
    house.open()
    await house.library.reload()
    pinned = house.library.pinned(carried)
    assert pinned is not None
    assert pinned[0].content == old.content
    # what it says was rendered by the process before
    assert length(house.store.speech("One moment.", "en").name) > 1_000


async def test_what_cannot_be_resumed(house: House) -> None:
    await house.library.reload()
    version = house.library.current("main").version
    assert house.library.pinned({}) is None
    assert house.library.pinned({"version": version}) is None
    assert house.library.pinned({"version": version, "node": "gone"}) is None
    for wrong in ("0" * 12, "../../etc/x", "", "A" * 12, version + "\n"):
        assert house.library.pinned({"version": wrong, "node": "a"}) is None
        with pytest.raises(FlowUnknown):
            house.library.version(wrong)
    kept = house.root / "state" / "flows" / f"{version}.yaml"
    kept.write_text("sala: 1\n", encoding="utf-8")
    house.open()
    with pytest.raises(FlowUnknown):
        house.library.version(version)


async def test_missing_folder_and_wrong_names(house: House) -> None:
    house.flow(FLOW % "Hi", "9 lives")
    assert (await house.faults())[0].startswith("flows/9 lives.yaml:1:1: error: a flow file is")
    shutil.rmtree(house.root / "flows")
    assert await house.faults() == ["flows:1:1: error: there is no such folder"]


async def test_sample_is_rendered_by_one_process_and_each_prompt_once(tmp_path: Path) -> None:
    engine = Counted()
    store = PromptStore(Path("media"), tmp_path, engine)
    queues = Context(queues={"sales", "support", "billing"})
    flows = Path("ivr/flows")
    library = Library(Folder(flows), tmp_path, store, context=lambda: queues)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    assert await library.reload() == []
    # A process for each prompt would take minutes, most of them to start.
    assert len(engine.spoken_by) == 1
    assert len(engine.asked) == len(list((tmp_path / "media").glob("*/*.ulaw")))
    after = {child.pid for child in psutil.Process().children(recursive=True)}
    assert after <= before
    ids = store.read().ids("en")
    for prompt in ids:
        name = store.audio(prompt, "en").name
        assert 0.4 < length(name) / 8_000 < 10
    greeting = sum(length(store.audio(prompt, "en").name) for prompt in ("welcome", "main-menu"))
    assert greeting / 8_000 <= 6
