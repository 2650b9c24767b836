"""Checks a configuration before anything of it is applied."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import ConfigError
from .events import Configuration
from .strategies import STRATEGIES


def check(config: Configuration) -> None:
    """Raise `ConfigError`, naming the queue or agent, for what the router cannot work with."""
    _unique("queue", (queue.name for queue in config.queues))
    _unique("agent", (agent.agent for agent in config.agents))
    for queue in config.queues:
        if queue.strategy not in STRATEGIES:
            known = ", ".join(sorted(STRATEGIES))
            raise ConfigError(
                f"queue {queue.name!r}: unknown strategy {queue.strategy!r} (known: {known})"
            )
        if queue.ring_ms <= 0:
            raise ConfigError(f"queue {queue.name!r}: ring_ms must be above 0, is {queue.ring_ms}")
        if queue.wrap_up_ms < 0:
            raise ConfigError(
                f"queue {queue.name!r}: wrap_up_ms must not be below 0, is {queue.wrap_up_ms}"
            )
    if config.busy_backoff_ms <= 0:
        # An agent who is free again in the instant of a failure would be offered the same call
        # for ever.
        raise ConfigError(f"busy_backoff_ms must be above 0, is {config.busy_backoff_ms}")
    names = {queue.name for queue in config.queues}
    for agent in config.agents:
        for name in agent.queues:
            if name not in names:
                raise ConfigError(f"agent {agent.agent!r}: there is no queue {name!r}")


def _unique(what: str, names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise ConfigError(f"{what} {name!r} is configured twice")
        seen.add(name)
