"""A sound is found however late its parts come, and not found if parts are missing or misplaced."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from lab import audio

PIECE = audio.RATE // 2
HEARD = 0.6
"""The least that any test asks of two who talk."""

seeds = st.integers(0, 10_000)


def quiet(seconds: float) -> audio.Sound:
    return np.zeros(int(seconds * audio.RATE), np.float32)


def in_pieces(sound: audio.Sound) -> list[audio.Sound]:
    return [sound[at : at + PIECE] for at in range(0, len(sound), PIECE)]


@given(seeds, st.floats(0, 5), st.floats(0.06, 1))
@settings(max_examples=15)
def test_a_sound_is_found_where_it_is_at_any_loudness(
    seed: int, ahead: float, loudness: float
) -> None:
    sound = audio.voice(seed, 2.0)
    before = quiet(ahead)
    found = audio.correlation(np.concatenate((before, loudness * sound, quiet(1))), sound)
    assert found.value > 0.99
    assert found.lag == len(before)


@given(seeds, st.lists(st.floats(0, 0.19), min_size=4, max_size=4))
@settings(max_examples=15)
def test_a_sound_whose_parts_come_ever_later_is_found(seed: int, late: list[float]) -> None:
    sound = audio.voice(seed, 2.0)
    parts = [
        part for piece, s in zip(in_pieces(sound), late, strict=True) for part in (quiet(s), piece)
    ]
    assert audio.correlation(np.concatenate((*parts, quiet(1))), sound).value > 0.97


@given(seeds, st.integers(1, 3).flatmap(lambda n: st.permutations(range(4)).map(lambda p: p[:n])))
@settings(max_examples=15)
def test_what_is_missing_counts_as_not_heard(seed: int, missing: list[int]) -> None:
    sound = audio.voice(seed, 2.0)
    pieces = in_pieces(sound)
    left = [one for at, one in enumerate(pieces) if at not in missing]
    share = sum(float(np.dot(one, one)) for one in left) / float(np.dot(sound, sound))
    gone = np.concatenate((quiet(1), *left, quiet(1)))
    silenced = np.concatenate(
        (quiet(1), *(np.where(at in missing, 0, one) for at, one in enumerate(pieces)), quiet(1))
    ).astype(np.float32)
    for heard in (gone, silenced):
        assert audio.correlation(heard, sound).value < share**0.5 + 0.1


@given(seeds, st.permutations(range(6)))
@settings(max_examples=15)
def test_parts_in_another_order_are_not_the_sound(seed: int, order: list[int]) -> None:
    sound = audio.voice(seed, 3.0)
    pieces = in_pieces(sound)
    stays = max(
        sum(place - at == shift for place, at in enumerate(order)) for shift in range(-5, 6)
    )
    heard = np.concatenate((quiet(1), *(pieces[at] for at in order), quiet(1)))
    value = audio.correlation(heard, sound).value
    assert (value > 0.99) == (stays == 6)
    if stays <= 2:
        assert value < 0.7


@given(seeds, seeds)
@settings(max_examples=15)
def test_another_voice_is_not_heard(seed: int, other: int) -> None:
    if seed != other:
        heard = np.concatenate((quiet(0.5), audio.voice(other, 4.0)))
        assert audio.correlation(heard, audio.voice(seed, 1.5)).value < HEARD - 0.1


def test_less_than_half_a_second_is_nothing() -> None:
    sound = audio.voice(1, 2.0)
    assert audio.correlation(sound[: PIECE - 1], sound).value == 0
    assert audio.correlation(audio.SILENCE, sound).value == 0
    assert audio.correlation(quiet(3), sound).value < 0.01


@given(seeds, st.floats(0.1, 1.0), st.floats(0, 6))
@settings(max_examples=5)
def test_looking_again_and_again_finds_what_one_look_would(
    seed: int, step: float, ahead: float
) -> None:
    sound = audio.voice(seed, 1.5)
    whole = np.concatenate((audio.voice(seed + 1, 0.5 + ahead), sound, quiet(3)))
    come, looked = 0, []

    def heard(since: int) -> audio.Sound:
        looked.append(come - since)
        return whole[since:come]

    finder = audio.Finder(sound, heard, since=100)
    while come < len(whole):
        come += int(step * audio.RATE)
        finder.look(last=False)
    assert finder.best.value > 0.99
    assert abs(finder.best.lag - (len(whole) - len(sound) - 3 * audio.RATE - 100)) <= 1
    # Not all of it each time.
    assert max(looked) < (1.5 + 1.3 + 2 * step) * audio.RATE


def test_the_end_of_what_came_is_looked_at_once_no_more_comes() -> None:
    sound = audio.voice(5, 2.0)
    heard = sound[: -audio.RATE // 4]
    finder = audio.Finder(sound, lambda since: heard[since:])
    finder.look(last=False)
    assert finder.best.value < 0.95
    heard = sound[: -audio.RATE // 50]
    finder.look(last=False)
    heard = sound
    assert finder.look(last=False).value < 0.999
    assert finder.look(last=False).value > 0.999
    assert finder.seconds == 2.0


@pytest.mark.parametrize("seed", range(3))
def test_ulaw_comes_back_as_it_was_sent(seed: int) -> None:
    code = audio.to_ulaw(audio.voice(seed))
    sent = audio.from_ulaw(code)
    assert (audio.from_ulaw(audio.to_ulaw(sent)) == sent).all()
    assert float(np.abs(sent - audio.voice(seed)).max()) < 0.02
