"""Configurations through the tables and back, and through the journal."""

from __future__ import annotations

from dataclasses import replace

from floors import configurations
from hypothesis import HealthCheck, given, settings
from stored_words import floor_of, normal

from acd import policy
from acd.roster import Roster
from acd.router import codec
from acd.router.check import check
from acd.router.events import ConfigChanged, Configuration
from crm import floor
from crm.database import Database
from sala.routing.changing import plan
from sala.routing.document import dump
from sala.routing.file import parse


@settings(max_examples=200)
@given(configurations())
def test_words_say_all_of_a_configuration(config: Configuration) -> None:
    config = normal(config)
    found = policy.read(floor_of(config))
    assert not found.faults
    assert found.configuration == config
    assert codec.from_entry(*codec.to_entry(ConfigChanged(config))) == ConfigChanged(config)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(config=configurations())
async def test_tables_hold_all_of_a_configuration(
    database: Database, config: Configuration
) -> None:
    """Each example changes what the one before left, so that every kind of change is tried."""
    config = normal(config)
    wanted = floor_of(config)
    was = await floor.change(database, lambda _: wanted)
    stored = await floor.load(database)
    roster = Roster.of(stored)
    assert not roster.faults
    assert roster.configuration == replace(config, version=stored.version)
    check(roster.configuration)
    # The same again changes nothing, and makes no version.
    await floor.change(database, lambda _: wanted)
    again = await floor.load(database)
    assert again.version == stored.version
    assert (was.version == stored.version) == (
        replace(was, version=0) == replace(stored, version=0)
    )


@settings(max_examples=60)
@given(configurations(), configurations())
def test_what_is_exported_applies_without_a_difference(
    config: Configuration, other: Configuration
) -> None:
    floor_ = floor_of(normal(config))
    exported = dump(floor_).encode()
    file = parse(exported, "r.yaml")
    assert plan(floor_, lambda was: file.onto(was, prune=True), file.wrong).lines == []
    # ... and brings any other floor to the same configuration.
    there = floor_of(normal(other))
    brought = file.onto(there, prune=True)
    assert policy.read(brought).configuration == replace(
        policy.read(floor_).configuration, version=brought.version
    )
