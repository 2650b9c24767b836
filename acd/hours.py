"""Opening hours: tells the router when queues open and close, and when a new day starts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo

from acd.clock import Clock, Timer
from acd.router.events import DayStarted, Event, QueueClosed, QueueOpened
from crm.calendars import Calendar, State

log = logging.getLogger(__name__)


def last_midnight(now: int, zone: tzinfo) -> int:
    """Return the instant (ms) at which the day of `now` started in a zone."""
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    return round(datetime.combine(today, datetime.min.time(), zone).timestamp() * 1000)


def next_midnight(now: int, zone: tzinfo) -> int:
    """Return the first instant after `now` (ms) at which a new day starts in a zone.

    Where daylight saving skips midnight, the day starts at the first instant that there is.
    """
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), zone)
    return round(midnight.timestamp() * 1000)


class Hours:
    """Follows the calendars of queues, by one timer set to the next change of any.

    `feed` takes the events; `zone` is that of the floor's day.
    """

    def __init__(
        self, clock: Clock, feed: Callable[[Event, int], None], zone: tzinfo = UTC
    ) -> None:
        self._clock = clock
        self._feed = feed
        self._zone = zone
        self._calendars: Mapping[str, Calendar] = {}
        self._closed: dict[str, State] = {}
        """What the router was told of queues that are closed."""
        self._midnight = next_midnight(clock.now(), zone)
        self._timer: Timer | None = None

    @property
    def day(self) -> int:
        """When the floor's day, as far as is told, ends, in ms."""
        return self._midnight

    def configure(
        self, calendars: Mapping[str, Calendar], now: int, *, anew: bool = False
    ) -> list[Event]:
        """Follow these, by queue; return the events that tell how it stands.

        `anew` for a router that was told nothing yet; its queues are open, its day has begun.
        """
        if anew:
            self._closed.clear()
        self._calendars = calendars
        events = self._due(now)
        if anew:
            events = [event for event in events if not isinstance(event, DayStarted)]
        self._arm(now)
        return events

    def _due(self, now: int) -> list[Event]:
        events: list[Event] = []
        if now >= self._midnight:
            self._midnight = next_midnight(now, self._zone)
            events.append(DayStarted())
        states = {queue: calendar.at(now) for queue, calendar in self._calendars.items()}
        for queue in [one for one in self._closed if states.get(one, State.OPEN) is State.OPEN]:
            del self._closed[queue]
            events.append(QueueOpened(queue))
        for queue, state in states.items():
            if state is not State.OPEN and self._closed.get(queue) is not state:
                self._closed[queue] = state
                events.append(QueueClosed(queue, state.value))
        return events

    def _arm(self, now: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Queues share calendars; and each is asked once.
        calendars = {id(one): one for one in self._calendars.values()}.values()
        changes = [one.changes(now) for one in calendars]
        times = [self._midnight, *(at for at in changes if at is not None)]
        self._timer = self._clock.at(min(times), self._passed)

    def _passed(self) -> None:
        now = self._clock.now()
        for event in self._due(now):
            log.info("hours", extra={"action": "hours", "event": type(event).__name__})
            self._feed(event, now)
        self._arm(now)
