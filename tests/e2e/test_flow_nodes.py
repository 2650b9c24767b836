"""What nodes do on a real PBX: digits, recordings, look-ups, the queue, secrets, and death."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from found import in_rows, in_state
from house import House, of_kind, outcomes, until

from lab import audio

TYPED, MEMO, ASKED, IMPATIENT, VAULT, ENDLESS, SENT_ON = map(str, range(606, 613))
AHEAD, CODED = "681", "682"
SECRET, PIN = "730918264550", "918273645546"
GO_ON = "Press 1 to go on after all of this has been said to you at some length."


async def test_digits_end_at_the_terminator_after_a_wrong_try(house: House) -> None:
    call, number = await house.call(TYPED)
    await call.press("12*")
    await call.hears(house.prompt("not-an-option"))
    await call.press("12345*")
    await call.hears(house.spoken(GO_ON), at_least=0.5)
    await call.press("1")
    await call.hears(house.spoken("Thank you for this number."))
    await call.ended()
    await house.closed(number)
    assert await house.tags(number) == {"typed": "12345"}


async def test_the_most_digits_end_without_a_terminator_and_a_pause_ends_fewer(
    house: House,
) -> None:
    for keys, typed in (("987654", "987654"), ("4321", "4321")):
        call, number = await house.call(TYPED)
        await call.press(keys)
        await call.hears(house.spoken(GO_ON), at_least=0.5)
        await call.press("1")
        await call.ended(10)
        await house.closed(number)
        assert await house.tags(number) == {"typed": typed}


async def test_a_recording_is_spoken_again_and_ends_by_silence(house: House) -> None:
    call, number = await house.call(MEMO)
    await call.hears(house.spoken("Speak now."))
    recordings = house.stack.home / "state" / "recordings"
    review = house.spoken("Keep it with 1, or speak again with 2.")

    async def begun() -> int:
        interaction = (await house.interaction(number)).get("id")
        return len(list(recordings.glob(f"{interaction}-*")))

    for turn, key in ((1, "2"), (2, "1")):
        # After the tone, that is. The silence before the first word counts as silence, too.
        await until(begun, turn.__eq__, "it is recorded")
        heard = len(call.heard())
        said = await call.say(audio.voice(20 + turn, 3.0))
        await call.hears(review, within=20, at_least=0.7, since=heard)
        await call.press(key)
    await call.hears(house.spoken("Your memo is kept."))
    await call.ended()
    await house.closed(number)
    memo = (await house.tags(number))["memo"]
    kept = audio.read_sound(recordings / memo.rpartition("/")[2])
    assert audio.correlation(kept, said).value > 0.8
    listed = json.loads(await house.stack.run("recordings", "list", "--json"))
    interaction = (await house.interaction(number))["id"]
    assert len([one for one in listed if one["interaction"] == interaction]) == 2


async def test_a_lookup_outside_a_said_number_and_an_event(house: House) -> None:
    call, number = await house.call(ASKED)
    await call.press("1")
    await call.hears(house.spoken("Your level is"))
    await call.ended()
    assert house.web.asked[-1] == number
    interaction = (await house.closed(number))["id"]

    async def told() -> list[dict[str, Any]]:
        return [one for one in house.web.events if one["interaction"] == interaction]

    (event,) = await until(told, bool, "the event is told", 8)
    assert (event["event"], event["data"]) == ("customer-found", {"name": "Ann"})


async def test_a_host_that_hangs_does_not_hold_the_caller_beyond_the_time_out(
    house: House,
) -> None:
    call, number = await house.call(ASKED)
    before = house.web.asked.count("hang")
    await call.hears(house.spoken("Good is 1, slow is 2, and 3 asks a webhook."), at_least=0.5)
    await call.press("2")
    await call.hears(house.spoken("That took too long."))
    await call.ended()
    # It was not asked again, as it is where time is left.
    assert house.web.asked.count("hang") == before + 1
    interaction = (await house.closed(number))["id"]
    steps = json.loads(await house.stack.run("flow", "replay", interaction, "--json"))
    at = {step["body"]["node"]: step["at_ms"] for step in steps}
    assert 900 <= at["sorry"] - at["slow"] <= 3_000


async def test_keys_typed_while_a_lookup_runs_are_for_what_follows(house: House) -> None:
    house.web.release.clear()
    call, number = await house.call(AHEAD)
    await call.press("1")

    async def asked() -> list[str]:
        return house.web.asked

    await until(asked, lambda found: number in found, "the look-up runs")
    await call.press("274")
    house.web.release.set()
    await call.press("9")
    await call.ended(10)
    await house.closed(number)
    way = ["first", "held", "told", "second", "digits", "tell", "goodbye"]
    assert await house.way(number) == way
    assert await house.tags(number) == {"typed": "749"}


async def test_a_webhook_chooses_the_way(house: House) -> None:
    call, number = await house.call(ASKED)
    await call.press("3")
    await call.hears(house.spoken("The webhook has chosen this."))
    await call.ended()
    await house.closed(number)
    assert await house.way(number) == ["which", "where", "told_two", "goodbye"]


async def test_a_key_leads_out_of_the_queue_and_back(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call(IMPATIENT)
    await phone.ringing()
    await call.press("1")
    await call.hears(house.spoken("You are out of the line. Press 2 to join it again."))
    await house.waiting(0)
    await house.stack.becomes("1001", "available")
    await call.press("2")
    ringing = await phone.ringing()
    await phone.answer(ringing)
    await house.stack.becomes("1001", "on_contact")
    await house.talk(call, ringing)
    await ringing.hang_up()
    await call.ended()
    found = await house.closed(number)
    assert found["outcome"] == "answered"
    assert outcomes(found, "queue") == ["overflowed", "answered"]
    assert outcomes(found, "ringing")[0] == "cancelled"
    assert await house.way(number) == ["sales", "tired", "sales"]


async def test_a_key_counts_also_while_who_waits_is_told_of_it(house: House) -> None:
    call, number = await house.call(IMPATIENT)
    await house.queued(number)
    told = house.spoken("Press 1 if you are tired of this.")
    await call.hears(told[: len(told) // 3], within=20, at_least=0.8)
    await call.press("1")
    await call.hears(house.spoken("You are out of the line. Press 2 to join it again."))
    await house.waiting(0)
    await call.hang_up()
    await house.closed(number)


async def test_a_key_that_leads_nowhere_leaves_the_caller_in_line(house: House) -> None:
    call, number = await house.call(IMPATIENT)
    await house.queued(number)
    await call.press("5")
    await call.hears_music()
    await call.hears(house.spoken("Press 1 if you are tired of this."), within=15)
    await house.waiting(1)
    await call.hang_up()
    assert outcomes(await house.closed(number), "queue") == ["abandoned"]


async def test_a_key_comes_too_late_once_the_agent_is_there(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call(IMPATIENT)
    talking = await house.meets(phone)
    await call.press("1")
    await house.talk(call, talking)
    await talking.hang_up()
    await call.ended()
    assert outcomes(await house.closed(number), "queue") == ["answered"]


async def test_secrets_are_nowhere(house: House) -> None:
    await house.stack.run("customer", "pin", "vault-owner", typed=f"{PIN}\n")
    call, number = await house.call(VAULT)
    await call.press(SECRET)
    await call.hears(house.spoken("And now your long PIN."), within=15)
    heard = len(call.heard())
    await call.press(PIN[::-1])
    again = house.spoken("And now your long PIN.")
    await call.hears(again, within=15, since=heard, at_least=0.7)
    await call.press(PIN)
    await call.hears(house.spoken("That is right."), within=15)
    await call.ended()
    interaction = (await house.closed(number))["id"]
    for digits in (SECRET, PIN, PIN[::-1]):
        assert await in_state(house, digits) == []
        assert await in_rows(house, digits) == []
        assert digits not in await house.stack.run("flow", "replay", interaction)


async def test_a_code_is_sent_and_proves_the_caller_and_is_nowhere(house: House) -> None:
    call, number = await house.call(CODED)
    await call.hears(house.spoken("Type the code that we have just sent to you."))
    (code,) = house.web.codes[number]
    await call.press(code)
    await call.hears(house.spoken("The code was right."), within=15)
    await call.ended()
    interaction = (await house.closed(number))["id"]
    assert await in_state(house, code) == []
    assert await in_rows(house, code) == []
    assert code not in await house.stack.run("flow", "replay", interaction)


async def test_wrong_codes_lock_the_caller_over_all_calls(house: House) -> None:
    number = house.number()
    # Five wrong tries in all, of which a call allows two.
    for tries, end in (
        (2, "These were too many."),
        (2, "These were too many."),
        (1, "Come back another day."),
        (0, "Come back another day."),
    ):
        call, _ = await house.call(CODED, number=number)
        for _ in range(tries):
            await call.press("000000000000", gap_ms=80)
        await call.hears(house.spoken(end), within=20)
        await call.ended()
    assert len(house.web.codes[number]) == 3


async def test_an_endless_loop_is_cut_with_an_alarm_and_the_failure_exit(house: House) -> None:
    call, number = await house.call(ENDLESS)
    await call.hears(house.spoken("Something went wrong here."))
    await call.ended()
    found = await house.closed(number)
    log = (house.stack.home / "state" / "logs" / "service.log").read_text(encoding="utf-8")
    alarms = [json.loads(line) for line in log.splitlines() if '"ivr_cut"' in line]
    assert [one["level"] for one in alarms if one["interaction"] == found["id"]] == ["error"]
    assert (await house.way(number))[-2:] == ["sorry", "goodbye"]


async def test_an_agent_is_reached_by_name(house: House) -> None:
    call, number = await house.call(SENT_ON)
    await call.press("1")
    phone = house.world.phones["1001"]
    talking = await phone.answer(await phone.ringing())
    await house.talk(call, talking)
    await talking.hang_up()
    await call.ended()
    await house.closed(number)


@pytest.mark.parametrize(
    ("key", "who", "shown"),
    [("3", "+14155552681", "+14155550100"), ("4", "reception", "+14155550682")],
)
async def test_a_number_over_the_trunk_and_a_sip_address_are_reached(
    house: House, key: str, who: str, shown: str
) -> None:
    outside = house.world.outside(who)
    number = "+14155550682"
    call, _ = await house.call(SENT_ON, number=number)
    await call.press(key)
    talking = await outside.answer(await outside.ringing())
    assert talking.shown_number == shown
    await house.talk(call, talking)
    await talking.hang_up()
    await call.ended()
    await house.closed(number)
    assert (await house.way(number))[-1] == {"3": "number", "4": "address"}[key]


@pytest.mark.parametrize(("how", "cause"), [("busy", 17), ("reject", 21)])
async def test_who_does_not_answer_there_is_told_to_the_caller(
    house: House, how: Literal["busy", "reject"], cause: int
) -> None:
    await house.world.outside("reception").behave(how)
    call, number = await house.call(SENT_ON)
    await call.press("4")
    assert (await call.ended()).cause == cause
    await house.closed(number)
    await house.world.outside("reception").behave("ring")


async def test_a_costly_number_is_refused_and_never_told_in_logs(house: House) -> None:
    call, number = await house.call(SENT_ON)
    await call.press("2")
    await call.hears(house.spoken("This cannot be dialled."))
    await call.ended()
    await house.closed(number)
    log = (house.stack.home / "state" / "logs" / "service.log").read_text(encoding="utf-8")
    assert '"why":"COSTLY"' in log
    assert "9005550123" not in log


async def test_who_is_in_a_menu_when_the_service_is_killed_rejoins_there(house: House) -> None:
    call, number = await house.call(TYPED)
    await call.press("24680*")
    await call.hears(house.spoken(GO_ON), at_least=0.5)
    await house.stack.kill_service()
    heard = len(call.heard())
    await house.stack.start_service()
    # The prompt is heard once more, at most; what was typed is remembered.
    await call.hears(house.spoken(GO_ON), within=15, since=heard)
    await call.press("1")
    await call.hears(house.spoken("Thank you for this number."))
    await call.ended()
    found = await house.closed(number)
    assert await house.tags(number) == {"typed": "24680"}
    assert (await house.way(number)).count("choose") <= 2
    assert len(of_kind(found, "ivr")) == 1


async def test_who_is_looked_up_when_the_service_is_killed_is_not_asked_again(
    house: House,
) -> None:
    house.web.release.clear()
    call, number = await house.call(AHEAD)
    await call.press("1")

    async def asked() -> int:
        return house.web.asked.count(number)

    await until(asked, lambda count: count == 1, "the look-up runs")
    await house.stack.kill_service()
    await house.stack.start_service()
    await until(asked, lambda count: count == 2, "the look-up runs again", 15)
    house.web.release.set()
    await call.hears(house.spoken("The second menu. Press 2."), at_least=0.5)
    await call.press("2135")
    await call.ended(10)
    await house.closed(number)
    assert await house.tags(number) == {"typed": "135"}
    # What the killed service noted in its last moment may be lost.
    way = await house.way(number)
    assert way[-6:] == ["held", "told", "second", "digits", "tell", "goodbye"]
    assert "first" not in way[1:]


async def test_who_is_typing_when_the_service_is_killed_is_asked_again(house: House) -> None:
    call, number = await house.call(TYPED)
    await call.hears(house.spoken("Type a number and then the star."))
    await call.press("13")
    await house.stack.kill_service()
    heard = len(call.heard())
    await house.stack.start_service()
    await call.hears(house.spoken("Type a number and then the star."), within=15, since=heard)
    await call.press("5791*")
    await call.hears(house.spoken(GO_ON), at_least=0.5)
    await call.press("1")
    await call.ended(10)
    await house.closed(number)
    assert await house.tags(number) == {"typed": "5791"}


async def test_a_live_call_can_be_replayed(house: House) -> None:
    call, number = await house.call(TYPED)
    await call.press("111*")
    await call.hears(house.spoken(GO_ON), at_least=0.5)

    async def told() -> str:
        return await house.stack.run("flow", "replay", (await house.interaction(number))["id"])

    text = await until(told, lambda found: "choose" in found, "its way is journalled")
    assert [line.split()[-1] for line in text.splitlines()] == ["ask", "choose"]
    await call.hang_up()
