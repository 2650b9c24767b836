"""The prompt store: what callers hear, rendered ahead of time into the PBX's own formats.

Sources, in the admin's folder `media`:

* `prompts/<language>.yaml`: id → words, spoken by the engine;
* `recordings/<language>/<id>.wav` (or `.mp3`, `.ogg` …, where ffmpeg or sox is there to convert
  them): a recording, which takes the place of the words.

Beside these, flows hold texts of their own; a recording of one is named by `ivr.takes.text_id`. All
are rendered under `<state>/media/<language>/`, as `<id>` or, for texts of flows, `_<hash>`; each as
`.ulaw`, `.alaw` and `.wav`, from which the PBX takes the one in the call's codec. `index.json`
there tells from what each was rendered, so only what changed is rendered again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ivr import takes
from ivr.errors import FlowInvalid, PromptMissing, SpeechError
from ivr.flow import document
from ivr.flow.parts import LANGUAGE_PATTERN, PROMPT_PATTERN
from ivr.flow.problems import Problem, excerpt
from ivr.speech import g711, shape
from ivr.speech.engine import Engine
from pbx.port import Audio

SUFFIXES = (".ulaw", ".alaw", ".wav")
MAX_TEXT = 2_000

Progress = Callable[[int, int], None]
"""Told how many prompts are rendered, and how many there are to render."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a prompt is rendered from: `text`, or the recording at `recording`.

    `problem` is the place to name when it cannot be rendered: file, line, column.
    """

    language: str
    name: str
    text: str = ""
    recording: Path | None = None
    place: tuple[str, int, int] = ("", 1, 1)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All prompts with an id, by (language, id)."""

    sources: dict[tuple[str, str], Source] = field(default_factory=dict)

    def ids(self, language: str) -> frozenset[str]:
        """Return the ids that can be heard in a language."""
        return frozenset(name for known, name in self.sources if known == language)


class PromptStore:
    """Renders prompts into `<state>/media` and tells where they lie.

    `language` is the one to fall back to when a prompt is not there in the caller's.
    """

    def __init__(self, media: Path, state: Path, engine: Engine, *, language: str = "en") -> None:
        self._media = media
        self._out = state.absolute() / "media"
        self._engine = engine
        self._language = language
        self._catalogue = Catalogue()
        self._speech: dict[tuple[str, str], Audio] = {}
        self._lock = asyncio.Lock()

    # --- while calls run -------------------------------------------------------------------

    def audio(self, prompt: str, language: str) -> Audio:
        """Return a prompt by id, in `language` or else in the store's own.

        Raises PromptMissing, which the checks at load time are there to rule out.
        """
        for candidate in (language, self._language):
            if (candidate, prompt) in self._catalogue.sources:
                return Audio(str(self._out / candidate / prompt))
        raise PromptMissing(f"there is no prompt `{prompt}` in {language} or {self._language}")

    def speech(self, text: str, language: str) -> Audio:
        """Return a text of a flow, rendered by an earlier `prepare`, of this process or another.

        Raises PromptMissing if it never was.
        """
        audio = self._speech.get((language, text))
        if audio is None:
            base = self._out / language / self._text_name(text, language)
            if not base.with_suffix(SUFFIXES[0]).exists():
                raise PromptMissing(f"a text in {language} was not rendered: {base.name}")
            audio = self._speech[language, text] = Audio(str(base))
        return audio

    # --- at set-up and reload --------------------------------------------------------------

    def speaks(self, language: str) -> str | None:
        """Return None if texts in `language` can be spoken, else why not."""
        try:
            self._engine.signature(language)
        except SpeechError as error:
            return str(error)
        return None

    def read(self) -> Catalogue:
        """Read the admin's folder. Raises FlowInvalid with all faults; changes nothing."""
        problems: list[Problem] = []
        catalogue = Catalogue()
        for path in sorted((self._media / "prompts").glob("*.yaml")):
            self._read_texts(path, catalogue, problems)
        recordings = (self._media / "recordings").glob("*/*")
        for path in sorted(path for path in recordings if path.suffix in takes.AUDIO):
            language, name = path.parent.name, path.stem
            if not re.match(LANGUAGE_PATTERN, language) or not re.match(PROMPT_PATTERN, name):
                what = "name it recordings/<language>/<id>.wav, the id in small letters"
                problems.append(Problem(str(path), 1, 1, what))
                continue
            catalogue.sources[language, name] = Source(
                language, name, recording=path, place=(str(path), 1, 1)
            )
        if problems:
            raise FlowInvalid(problems)
        return catalogue

    async def prepare(
        self,
        catalogue: Catalogue,
        texts: Iterable[tuple[str, str]] = (),
        progress: Progress | None = None,
    ) -> int:
        """Render what is not rendered yet, then use `catalogue`; return how many were rendered.

        `texts` are (language, text) pairs of flows. Raises FlowInvalid for recordings that are no
        audio, and SpeechError; then the catalogue in use stays.
        """
        async with self._lock:
            wanted = list(dict.fromkeys(texts))
            spoken = [
                Source(language, self._text_name(text, language), text)
                for language, text in wanted
                if (language, takes.text_id(language, text)) not in catalogue.sources
            ]
            index = self._read_index()
            todo = []
            for source in (*catalogue.sources.values(), *spoken):
                key = self._key(source)
                if index.get(f"{source.language}/{source.name}") != key or not self._there(source):
                    todo.append((source, key))
            if todo:
                await self._render_all(todo, index, progress)
            self._catalogue = catalogue
            self._speech.update({(s.language, s.text): Audio(str(self._base(s))) for s in spoken})
            for language, text in wanted:
                take = catalogue.sources.get((language, takes.text_id(language, text)))
                if take is not None:
                    self._speech[language, text] = Audio(str(self._base(take)))
            return len(todo)

    async def close(self) -> None:
        """End the speech engine's process."""
        await self._engine.close()

    # --- rendering -------------------------------------------------------------------------

    async def _render_all(
        self, todo: list[tuple[Source, str]], index: dict[str, str], progress: Progress | None
    ) -> None:
        problems: list[Problem] = []
        self._out.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=".new-", dir=self._out) as scratch:
                for done, (source, key) in enumerate(todo):
                    if progress:
                        progress(done, len(todo))
                    try:
                        await self._render(source, Path(scratch))
                    except shape.NotAudio as error:
                        problems.append(Problem(*source.place, f"cannot be used: {error}"))
                    else:
                        index[f"{source.language}/{source.name}"] = key
                if progress:
                    progress(len(todo), len(todo))
        finally:
            self._write_index(index)
            await self._engine.close()
        if problems:
            raise FlowInvalid(problems)

    async def _render(self, source: Source, scratch: Path) -> None:
        raw = source.recording
        if raw is None:
            raw = scratch / "spoken.wav"
            raw.unlink(missing_ok=True)
            await self._engine.synthesise(source.text, source.language, raw)
        await asyncio.to_thread(self._write, raw, self._base(source), scratch)

    @staticmethod
    def _write(raw: Path, base: Path, scratch: Path) -> None:
        samples = shape.shape(takes.load(raw))
        new = scratch / "new"
        new.with_suffix(".ulaw").write_bytes(g711.ulaw(samples))
        new.with_suffix(".alaw").write_bytes(g711.alaw(samples))
        shape.write_wav(new.with_suffix(".wav"), samples)
        base.parent.mkdir(parents=True, exist_ok=True)
        for suffix in SUFFIXES:
            # A call that plays the old file goes on playing it.
            new.with_suffix(suffix).replace(base.with_suffix(suffix))

    def _base(self, source: Source) -> Path:
        return self._out / source.language / source.name

    def _there(self, source: Source) -> bool:
        base = self._base(source)
        return all(base.with_suffix(suffix).exists() for suffix in SUFFIXES)

    def _key(self, source: Source) -> str:
        if source.recording is None:
            return self._text_key(source.text, source.language)
        content = hashlib.sha256(source.recording.read_bytes()).hexdigest()
        return f"recording {shape.REVISION} {content}"

    def _text_key(self, text: str, language: str) -> str:
        made_of = [shape.REVISION, self._engine.signature(language), language, text]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    def _text_name(self, text: str, language: str) -> str:
        return f"_{self._text_key(text, language)[:20]}"

    def _read_index(self) -> dict[str, str]:
        try:
            index = json.loads((self._out / "index.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return index if isinstance(index, dict) else {}

    def _write_index(self, index: dict[str, str]) -> None:
        new = self._out / ".index.json"
        new.write_text(json.dumps(index, indent=0, sort_keys=True), encoding="utf-8")
        new.replace(self._out / "index.json")

    def _read_texts(self, path: Path, catalogue: Catalogue, problems: list[Problem]) -> None:
        file, language = str(path), path.stem
        if not re.match(LANGUAGE_PATTERN, language):
            what = f"`{excerpt(language)}` is not a language; name the file after one, as en.yaml"
            problems.append(Problem(file, 1, 1, what))
            return
        if why := self.speaks(language):
            problems.append(Problem(file, 1, 1, why))
            return
        parsed = document.parse(path.read_bytes(), file)
        problems.extend(parsed.problems)
        if parsed.problems:
            return
        if not isinstance(parsed.value, dict):
            problems.append(Problem(file, 1, 1, "must be a mapping: `id: words` lines"))
            return
        for name, text in parsed.value.items():
            place = parsed.keys[(name,)]
            if not re.match(PROMPT_PATTERN, name):
                what = f"`{excerpt(name)}` is not an id: use small letters, digits, `_`, `-`"
                problems.append(Problem(file, *place, what))
            elif not isinstance(text, str) or not re.search(r"\w", text) or len(text) > MAX_TEXT:
                what = f"`{name}` needs words to speak, at most {MAX_TEXT} characters"
                problems.append(Problem(file, *place, what))
            else:
                catalogue.sources[language, name] = Source(
                    language, name, text, place=(file, *place)
                )
