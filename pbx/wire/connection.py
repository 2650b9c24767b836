"""What all codecs share: feeding, pulling, the end of the stream, and the error state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from pbx.errors import LocalProtocolError, RemoteProtocolError
from pbx.wire.lines import Splitter

StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT")

END = "end of stream"
"""Signal in every `TRANSITIONS`: the peer has closed between two messages."""
VIOLATION = "violation"
"""Signal in every `TRANSITIONS`: the peer has broken the protocol."""


class Connection(ABC, Generic[StateT, EventT]):
    """One end of one connection.

    A codec gives its transitions (state → signal → next state) and pulls events out of `_input`.
    Its state changes by `_step` alone.
    """

    def __init__(self, transitions: Mapping[StateT, Mapping[str, StateT]], start: StateT) -> None:
        self._transitions = transitions
        self._state = start
        self._input = Splitter()
        self._ended = False
        self._failure: str | None = None

    @property
    def state(self) -> StateT:
        """Where the connection is, after the events given out so far."""
        return self._state

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer; `b""` means that it has closed its side.

        What they mean, and whether they are legal, comes out of `next_event`. Raises
        `LocalProtocolError` for data after the end.
        """
        self._check()
        if not data:
            self._ended = True
        elif self._ended:
            raise LocalProtocolError("data was given after the end of the stream")
        else:
            self._input.feed(data)

    def next_event(self) -> EventT | None:
        """Give the next complete event, or None when more data is needed.

        The end of the stream is told once. Raises `RemoteProtocolError` when the peer broke the
        protocol, after all events that came before.
        """
        self._check()
        try:
            event = self._pull()
            if event is not None or not self._ended:
                return event
            onward = self._transitions[self._state]
            if not onward:
                return None
            if len(self._input) or END not in onward:
                raise RemoteProtocolError("the peer closed in the middle of a message")
            event = self._at_end()
        except RemoteProtocolError as error:
            self._failure = str(error)
            self._input.clear()
            self._step(VIOLATION)
            raise
        self._step(END)
        return event

    def __iter__(self) -> Iterator[EventT]:
        """Yield events until more data is needed."""
        while (event := self.next_event()) is not None:
            yield event

    def _check(self) -> None:
        if self._failure is not None:
            raise RemoteProtocolError(self._failure)

    def _step(self, signal: str) -> None:
        """Go where `signal` leads; `LocalProtocolError` where it leads nowhere."""
        after = self._transitions[self._state].get(signal)
        if after is None:
            raise LocalProtocolError(f"{signal!s} is not possible in state {self._state!s}")
        self._state = after

    @abstractmethod
    def _pull(self) -> EventT | None:
        """Give the next event of the buffered bytes; `RemoteProtocolError` if they are illegal."""

    @abstractmethod
    def _at_end(self) -> EventT:
        """Give the event of a clean end; `RemoteProtocolError` if it comes at a wrong time."""
