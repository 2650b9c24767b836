"""Policies, quiet hours in the customer's zone, chosen times, who is called unasked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import assume, given, reject, settings, strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType, timezone

from acd.callbacks.asking import slots, zone_of
from acd.callbacks.calling import Calling, zones
from acd.callbacks.policy import HOUR, MINUTE, Policy, read
from acd.callbacks.words import RETRIED, Outcome
from acd.policy.faults import Faults
from crm.calendars import Calendar, State

BANGKOK, NEW_YORK, LONDON = "+66812345678", "+12125550123", "+442070313000"
DAYTIME = Policy().calling


def at(text: str, zone: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def policy(**given_: object) -> Policy:
    faults = Faults()
    found = read(given_, faults)
    assert not faults.found
    return found


def faults_of(**given_: object) -> list[str]:
    faults = Faults()
    read(given_, faults)
    return [str(one) for one in faults.found]


@pytest.mark.parametrize(
    ("over", "expected", "offered"),
    [
        ("1m", MINUTE + 1, True),
        ("1m", MINUTE, False),
        ("1m", None, False),
        ("none", HOUR, False),
    ],
)
def test_who_is_expected_to_wait_longer_is_offered_it(
    over: str, expected: int | None, offered: bool
) -> None:
    assert policy(offer_over=over).offers(expected) is offered


def test_a_policy_is_read() -> None:
    found = policy(
        first="customer", ring="30s", ask="yes", answer_within="10s", attempts="5",
        retry={"busy": ["1m", "2m"], "no_answer": "1h", "refused": []}, machine="message",
        expires="24h", later="5m", at_once="3", calling={"mon-fri": "10:00-18:00"},
        timezone="Asia/Bangkok", after_abandon="45s", rescue="no", slot="15m", owner_wait="0",
        caller_id="+6621234567",
    )  # fmt: skip
    assert (found.agent_first, found.asks, found.ring_ms, found.attempts) == (
        False,
        True,
        30_000,
        5,
    )
    assert [found.pause(Outcome.BUSY, n) for n in range(3)] == [MINUTE, 2 * MINUTE, 2 * MINUTE]
    assert found.pause(Outcome.REFUSED, 0) is None
    assert found.pause(Outcome.HUNG_UP, 0) == Policy().pause(Outcome.HUNG_UP, 0)
    assert (found.calling.timezone, found.after_abandon_ms, found.owner_wait_ms) == (
        "Asia/Bangkok", 45_000, 0,
    )  # fmt: skip
    assert policy() == Policy() == read(None, Faults())


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"rings": "3s"}, "did you mean 'ring'"),
        ({"first": "both"}, "unknown order 'both'"),
        ({"ring": "30"}, "write 30s, 30m"),
        ({"ring": "1s"}, "from 5s to 2m"),
        ({"attempts": "0"}, "from 1 to 20"),
        ({"retry": {"bussy": "1m"}}, "did you mean 'busy'"),
        ({"retry": {"busy": ["1m", "soon"]}}, "'soon' is no time"),
        ({"calling": {"mon": "9-5"}}, "no time of opening"),
        ({"calling": {"mon": None}}, "at least one day"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"caller_id": "sip:me"}, "no number"),
        ({"screen": ""}, "1 to 40 characters"),
        ({"screen": "a\nb"}, "1 to 40 characters"),
        ({"whisper": "../x y"}, "name"),
        ({"rescue": "perhaps"}, "true or false"),
    ],
)
def test_a_faulty_field_is_told_and_has_its_default(given_: dict[str, object], told: str) -> None:
    (message,) = faults_of(**given_)
    assert told in message
    assert read(given_, Faults()) == Policy()


def test_no_number_of_its_own_is_the_trunks() -> None:
    assert policy(caller_id="").caller_id == Policy().caller_id == ""


def test_all_faults_are_told_at_once() -> None:
    assert len(faults_of(ring="x", attempts="y", first="z")) == 3
    faults = Faults()
    assert read([1], faults) == Policy()
    assert "must be a mapping" in str(faults.found[0])


def test_zones_of_numbers() -> None:
    assert zones(BANGKOK) == ("Asia/Bangkok",)
    assert zones(NEW_YORK) == ("America/New_York",)
    assert zones("+18005550123") == ()  # freephone: everywhere
    assert zones("not a number") == ()


def test_quiet_hours_are_the_customers() -> None:
    calling = Calling()
    now = at("2026-07-01T12:00", "Asia/Bangkok")
    assert calling.window(DAYTIME, BANGKOK, now).allowed
    assert not calling.window(DAYTIME, NEW_YORK, now).allowed
    assert calling.next(DAYTIME, NEW_YORK, now) == at("2026-07-01T09:00", "America/New_York")
    # Of no zone: the policy's.
    assert calling.next(DAYTIME, "+18005550123", now) == at("2026-07-01T09:00", "UTC")


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_quiet_hours_on_days_of_daylight_saving(day: str) -> None:
    night = at(f"{day}T00:30", "America/New_York")
    first = Calling().next(DAYTIME, NEW_YORK, night)
    assert first == at(f"{day}T09:00", "America/New_York")
    assert first - night in (int(7.5 * HOUR), int(9.5 * HOUR))


@given(
    st.sampled_from((BANGKOK, NEW_YORK, LONDON, "+18005550123", "+77010000000")),
    st.lists(st.integers(at("2026-01-01T00:00", "UTC"), at("2027-12-31T00:00", "UTC")), max_size=6),
)
def test_windows_agree_with_the_calendar(number: str, moments: list[int]) -> None:
    calling = Calling()
    where = zones(number) or ("UTC",)
    for now in moments:
        window = calling.window(DAYTIME, number, now)
        for moment in (now, (now + window.until) // 2, window.until - 1):
            open_ = [replace(DAYTIME, timezone=z).at(moment) is State.OPEN for z in where]
            assert all(open_) is window.allowed
        assert calling.window(DAYTIME, number, window.until).allowed is not window.allowed
        assert calling.window(DAYTIME, number, now) == window


def test_slots_by_hours_zone_and_staffing() -> None:
    office = Calendar("office", "America/New_York", (((9 * 60, 11 * 60),),) * 7)
    now = at("2026-03-07T08:50", "America/New_York")
    until = at("2026-03-09T00:00", "America/New_York")
    first = at("2026-03-07T09:00", "America/New_York")
    found = list(
        slots(policy(slot="30m"), office, NEW_YORK, now, lambda _: 2, {first: 2}, until=until)
    )
    local = [
        datetime.fromtimestamp(one.start / 1000, ZoneInfo("America/New_York")).strftime("%d %H:%M")
        for one in found
    ]
    # The first is full; daylight saving began in the night between.
    assert local == [
        "07 09:30", "07 10:00", "07 10:30", "08 09:00", "08 09:30", "08 10:00", "08 10:30",
    ]  # fmt: skip
    assert {one.left for one in found} == {2}
    assert not list(slots(policy(), None, NEW_YORK, now, lambda _: 0, {}, until=until))


@pytest.mark.parametrize(
    ("number", "there"),
    [
        (BANGKOK, "Asia/Bangkok"),
        ("+34612345678", "Europe/Madrid"),
        ("+351912345678", "Europe/Lisbon"),
    ],
)
def test_times_are_told_in_the_zone_that_most_customers_of_a_number_are_in(
    number: str, there: str
) -> None:
    now = at("2026-07-01T10:00", "UTC")

    def hour(zone: str) -> int:
        return datetime.fromtimestamp(now / 1000, ZoneInfo(zone)).hour

    assert hour(zone_of(policy(), number, now)) == hour(there)


def test_the_house_s_own_zone_is_told_where_it_may_be_the_number_s() -> None:
    here = replace(policy(), calling=replace(DAYTIME, timezone="Atlantic/Canary"))
    assert zone_of(here, "+34612345678", 0) == "Atlantic/Canary"
    assert zone_of(here, "+88216123456", 0) == "Atlantic/Canary"  # of no country


def test_every_outcome_has_a_plan() -> None:
    assert set(Policy().retry) == set(RETRIED)


# --- zones of numbers -----------------------------------------------------------------------------


def by_library(number: str) -> tuple[str, ...]:
    """What the library says, asked as it is meant to be."""
    found = timezone.time_zones_for_number(phonenumbers.parse(number))
    known = [one for one in found if one != timezone.UNKNOWN_TIMEZONE]
    return tuple(known) if len(found) <= 8 else ()


def examples() -> list[str]:
    """A valid number of each kind of each region, and of codes without a country."""
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in PhoneNumberType.values()
    ]
    found += [
        phonenumbers.example_number_for_non_geo_entity(code)
        for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    ]
    return sorted({phonenumbers.format_number(one, PhoneNumberFormat.E164) for one in found if one})


EXAMPLES = examples()


def test_zones_are_those_of_the_library_for_each_kind_of_number() -> None:
    assert len(EXAMPLES) > 1000
    assert {one: zones(one) for one in EXAMPLES} == {one: by_library(one) for one in EXAMPLES}


@settings(max_examples=1000)
@given(st.sampled_from(EXAMPLES), st.text("0123456789", min_size=1, max_size=9))
def test_zones_are_those_of_the_library_for_any_valid_number(start: str, end: str) -> None:
    number = start[: -len(end)] + end if len(end) < len(start) - 2 else start
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        reject()
    assume(phonenumbers.is_valid_number(parsed))
    written = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    assert zones(written) == by_library(written)


@pytest.mark.parametrize("number", ["", "+", "+66", "66812345678", "+999123", "+66a", "+٦٦٨١", "x"])
def test_what_is_no_number_has_no_zones(number: str) -> None:
    assert zones(number) == ()
