"""The child process in which espeak-ng speaks: JSON lines in, JSON lines out.

    ← {"text": "…", "voice": "en-us", "rate": 165, "path": "/…/x.wav"}
    → {"ok": true}  or  {"ok": false, "error": "…"}

Why not pyttsx3: its espeak driver starts the library in asynchronous mode, is called back from the
library's thread and does not wait for it. `runAndWait` returns after 10 ms, finished or not; then
the end of one prompt falls into the next, which is written empty or with the other's rate. The
driver cannot work in the library's synchronous mode, for it waits for an event that is not sent
there. So the library (speak_lib.h of espeak-ng 1.52) is called directly, in synchronous mode: all
happens on one thread, in order. The library and its data are those of `espeakng_loader`, so no
system package is needed.

Why a process of its own: the library keeps its state in globals, and a fault in it must not touch
calls.

The process ends with its standard input. A prompt that takes too long ends it by SIGALRM, so it
does not outlive a parent that was killed.
"""

from __future__ import annotations

import ctypes
import json
import signal
import sys
import wave
from typing import Any

import espeakng_loader

PROMPT_LIMIT_S = 60

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_RATE = 1
_UTF8 = 1
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Speaker:
    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._sample_rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
        if self._sample_rate <= 0:
            raise OSError("espeak-ng does not start: is its data folder complete?")
        self._samples = bytearray()
        self._callback = _Callback(self._on_samples)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, rate: int, path: str) -> None:
        """Write `text` to `path` as 16-bit mono WAV; `rate` is in words a minute."""
        self._samples.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"there is no voice {voice}")
        self._library.espeak_SetParameter(_RATE, rate, 0)
        words = text.encode() + b"\0"
        size = ctypes.c_size_t(len(words))
        if self._library.espeak_Synth(words, size, 0, 0, 0, _UTF8, None, None):
            raise RuntimeError("espeak-ng refused the text")
        with wave.open(path, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self._sample_rate)
            file.writeframes(bytes(self._samples))

    def _on_samples(self, samples: Any, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, 2 * count)
        return 0


def main() -> None:
    """Serve prompts until standard input ends."""
    # Ctrl-C in the terminal is for the parent, which ends this process when it wants to.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    speaker = _Speaker()
    for line in sys.stdin.buffer:
        signal.alarm(PROMPT_LIMIT_S)
        answer: dict[str, Any] = {"ok": True}
        try:
            speaker.speak(**json.loads(line))
        except Exception as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        signal.alarm(0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
