"""The shipped sample flows, by real calls."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from found import in_rows, in_state
from house import MAIN, House, of_kind, outcomes, until

from lab import audio

BALANCE, AFTER_HOURS, SURVEYED = "603", "604", "605"
ACCOUNT, PIN = "4539578763621486", "4711"

MESSAGE_S, LEAST_S = 20.0, 5
"""How long somebody speaks, unless they press a key; and how much of it is to be in the message."""
BYTES_A_SECOND = 2 * audio.RATE
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OPEN = "timezone: Asia/Bangkok\nweek: {mon-sun: 00:00-24:00}\n"


@pytest.mark.parametrize(
    ("key", "language", "connecting"),
    [
        ("8", "th", "กำลังโอนสายไปยังฝ่ายขาย"),
        ("9", "id", "Anda kami hubungkan ke bagian penjualan."),
    ],
)
async def test_main_menu_in_another_language_now_and_the_next_time(
    house: House, key: str, language: str, connecting: str
) -> None:
    call, number = await house.call(MAIN)
    await call.press(key)
    await call.hears(house.prompt("welcome", language))
    await call.press("1")
    await call.hears(house.spoken(connecting, language))
    assert (await house.queued(number))["queue"] == "sales"
    await call.hang_up()
    first = await house.closed(number)

    async def kept() -> Any:
        return await house.stack.db.fetchval(
            "SELECT language FROM customers WHERE id = $1::text::uuid", first["customer"]
        )

    await until(kept, lambda found: found == language, "the language is on the record")
    again, _ = await house.call(MAIN, number=number)
    await again.hears(house.prompt("welcome", language))


async def test_the_balance_is_told_once_the_pin_is_proved(house: House) -> None:
    await house.stack.run("customer", "pin", "customer-4539", typed=f"{PIN}\n")
    call, number = await house.call(BALANCE)
    await call.press(f"{ACCOUNT}#")
    await call.hears(house.spoken("Please enter your four digit PIN."), at_least=0.7)
    await call.press("9999")
    await call.hears(house.prompt("wrong-pin"))
    await call.press(PIN)
    await call.hears(house.spoken("Your balance is"), within=15)
    await call.hang_up()
    await house.closed(number)
    assert (await house.way(number))[-3:] == ["proved", "tell", "more"]
    assert await house.tags(number) == {"proved": "yes"}
    # Neither the number nor the PIN is anywhere.
    assert await in_state(house, ACCOUNT) == []
    assert await in_rows(house, ACCOUNT) == []


async def test_a_locked_account_is_locked_in_the_next_call_too(house: House) -> None:
    await house.stack.run("customer", "pin", "customer-4539", typed=f"{PIN}\n")
    numbers = []
    for wrong in (3, 2):
        call, number = await house.call(BALANCE)
        await call.press(f"{ACCOUNT}#")
        prompt, heard = house.spoken("Please enter your four digit PIN."), 0
        for _ in range(wrong):
            await call.hears(prompt, at_least=0.7, since=heard)
            heard = len(call.heard())
            await call.press("1111")
            prompt = house.prompt("wrong-pin")
        assert (await house.queued(number, within=15))["queue"] == "support"
        numbers.append(number)
        await call.hang_up()
        await house.closed(number)
    call, number = await house.call(BALANCE)
    await call.press(f"{ACCOUNT}#")
    await call.hears(house.spoken("Please enter your four digit PIN."), at_least=0.7)
    await call.press(PIN)
    assert (await house.queued(number, within=15))["queue"] == "support"
    assert await house.tags(number) == {"proved": "no"}
    await house.stack.run("customer", "pin", "customer-4539", "--unlock")


def closed() -> str:
    """A calendar by which the office is closed now, at whatever hour, and opens in some days."""
    opens = datetime.now(ZoneInfo("Asia/Bangkok")) + timedelta(days=3)
    return f"timezone: Asia/Bangkok\nweek: {{{DAYS[opens.weekday()]}: 09:00-17:00}}\n"


async def opening(house: House, flows: Path, calendar: str) -> None:
    (flows / "calendars" / "office.yaml").write_text(calendar, encoding="utf-8")
    await house.stack.run("reload")


async def test_after_hours_a_message_is_left(house: House, flows: Path, tmp_path: Path) -> None:
    await opening(house, flows, closed())
    call, number = await house.call(AFTER_HOURS)
    await call.hears(house.spoken("Our office is closed now."))
    await call.press("1")
    spoken = "Please speak after the tone. Press hash when you are done."
    await call.hears(house.spoken(spoken))
    recordings = house.stack.home / "state" / "recordings"
    interaction = (await house.interaction(number))["id"]

    async def recorded() -> list[int]:
        return [one.stat().st_size for one in recordings.glob(f"{interaction}-*.wav")]

    # The PBX makes the file once the tone is over. Other tests' callers were recorded here, too.
    (begun,) = await until(recorded, bool, "the recording has begun")
    said = await call.say(audio.voice(4711, MESSAGE_S))
    enough = begun + BYTES_A_SECOND * LEAST_S
    await until(recorded, lambda sizes: sizes[0] > enough, "it holds what is said", MESSAGE_S)
    await call.press("#")
    await call.hears(house.spoken("To keep your message, press 1. To speak again, press 2."))
    await call.press("1")
    await call.hears(house.spoken("Thank you for your message."))
    await call.ended()
    await house.closed(number)
    listed = json.loads(await house.stack.run("voicemail", "list", "office", "--json"))
    (message,) = [one for one in listed if one["interaction"] == interaction]
    assert message["caller"] == number
    assert 1000 * LEAST_S < message["length_ms"] < 1000 * MESSAGE_S, "the key has ended it"
    copy = tmp_path / "message.wav"
    await house.stack.run("voicemail", "export", message["id"], str(copy))
    assert audio.correlation(audio.read_sound(copy), said[: 2 * audio.RATE]).value > 0.9
    assert message["id"] in await house.stack.run("voicemail", "show", message["id"][:13])
    await house.stack.run("voicemail", "delete", message["id"])
    assert not (recordings / message["recording"]).exists()
    assert message["id"] not in await house.stack.run("voicemail", "list")


async def test_after_hours_a_callback_is_promised_once(house: House, flows: Path) -> None:
    await opening(house, flows, closed())
    number = house.number()
    for again in (False, True):
        call, _ = await house.call(AFTER_HOURS, number=number)
        await call.press("2")
        text = "To be called back when we are open again, press 1. If not, 2."
        await call.hears(house.spoken(text), at_least=0.7)
        await call.press("1")
        if again:
            await call.hears(house.prompt("callback-waits-choose"), at_least=0.7)
        else:
            await call.hears(house.prompt("callback-confirm"), at_least=0.7)
        await call.press("1")
        await call.hears(
            house.spoken("We will call you back when we are open again."), at_least=0.7
        )
        # It was on disk before the caller heard so.
        rows = await house.stack.db.fetch(
            "SELECT queue, state, source FROM callbacks WHERE number = $1", number
        )
        assert [tuple(row) for row in rows] == [("support", "waiting", "closed")]
        await call.ended()
        ended = "ended_in_flow" if again else "called_back"
        await until(
            lambda: house.interaction(number),
            lambda one, ended=ended: one.get("outcome") == ended,
            f"the call {ended}",
        )


async def test_a_callback_to_a_number_that_may_not_be_dialled_is_not_promised(
    house: House, flows: Path
) -> None:
    await opening(house, flows, closed())
    call, number = await house.call(AFTER_HOURS, number="+66812345678")
    await call.press("21")
    await call.hears(house.prompt("callback-cannot"), at_least=0.7)
    for premium in ("19005550123#", "911#"):
        await call.hears(house.prompt("callback-enter"), at_least=0.7)
        await call.press(premium)
    await call.hears(house.prompt("cannot-connect"), at_least=0.7)
    await call.ended()
    rows = await house.stack.db.fetch("SELECT 1 FROM callbacks WHERE number = $1", number)
    assert rows == []


async def test_in_office_hours_callers_come_through(house: House, flows: Path) -> None:
    await opening(house, flows, OPEN)
    call, number = await house.call(AFTER_HOURS)
    await call.hears(house.prompt("welcome"))
    assert (await house.queued(number))["queue"] == "support"


async def test_the_survey_after_the_agent_has_hung_up(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call(SURVEYED)
    talking = await house.meets(phone)
    await house.talk(call, talking)
    await talking.hang_up()
    await talking.ended()
    # What is heard now comes in another RTP stream; the lab's recording is begun anew for it, as
    # Asterisk's translators drop packets whose sequence numbers fall behind those before.
    await call.flush()
    first = "How content are you with this call? Press 1 for not at all, up to 5 for very."
    # Who has missed it hears it once more.
    await call.hears(house.spoken(first), at_least=0.7, within=20)
    await call.press("9")
    await call.hears(house.prompt("not-an-option"))
    await call.press("4")
    await call.hears(house.spoken("Is your question answered? Press 1 for yes, 2 for no."))
    await call.press("1")
    await call.hears(house.spoken("Thank you. Goodbye."))
    await call.ended()
    found = await house.closed(number)
    assert found["outcome"] == "answered"
    assert [one["kind"] for one in found["segments"]].count("talk") == 1
    assert outcomes(found, "queue") == ["answered"]
    assert len(of_kind(found, "ivr")) == 2
    assert await house.answers(number) == {"satisfied": "4", "solved": "1"}
