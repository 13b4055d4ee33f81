"""The life of a delivery: every transition from every state, and the back-off."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core import outbox
from bot.core.chat import Act, Receipt, State
from tests.fakes.clock import START
from tests.unit.examples import row

RECEIPT = Receipt(message_id="7", at=START)
STEPS = {
    "begin": (lambda d: outbox.begin(d), {State.PENDING, State.AMBIGUOUS}, State.SENDING),
    "shown": (lambda d: outbox.part_shown(d, RECEIPT, 1, START), {State.SENDING, State.AMBIGUOUS}, State.SENT),
    "more": (lambda d: outbox.part_shown(d, RECEIPT, 2, START), {State.SENDING, State.AMBIGUOUS}, State.PENDING),
    "put off": (lambda d: outbox.put_off(d, "x", 5, START), {State.SENDING, State.AMBIGUOUS}, State.PENDING),
    "unsure": (lambda d: outbox.unsure(d, "x", START), {State.SENDING}, State.AMBIGUOUS),
    "look later": (lambda d: outbox.look_later(d, "x", 5, START), {State.AMBIGUOUS}, State.AMBIGUOUS),
    "taken for sent": (lambda d: outbox.taken_for_sent(d, START), {State.AMBIGUOUS}, State.SENT),
    "release": (lambda d: outbox.release(d, START), {State.HELD}, State.PENDING),
    "fold": (lambda d: outbox.fold(d, "other"), {State.HELD, State.PENDING}, State.FOLDED),
    "drop": (lambda d: outbox.drop(d, "x"), {State.HELD, State.PENDING, State.SENDING, State.AMBIGUOUS}, State.FOLDED),
    "postpone": (lambda d: outbox.postpone(d, 5, START), {State.PENDING}, State.PENDING),
    "replay": (lambda d: outbox.replay(d, START), {State.DEAD}, State.PENDING),
    "give up": (lambda d: outbox.give_up(d, "x"), {State.PENDING, State.SENDING, State.AMBIGUOUS}, State.DEAD),
}


DOUBTED = {"put off", "replay"}
"""Steps after which what may be there is looked for, rather than sent."""


@pytest.mark.parametrize("doubt", [False, True])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", list(State))
def test_every_step_from_every_state(step, state, doubt):
    act, allowed, result = STEPS[step]
    delivery = replace(row(), state=state, doubt=doubt)
    if state in allowed:
        assert act(delivery).state is (State.AMBIGUOUS if doubt and step in DOUBTED else result)
    else:
        with pytest.raises(ValueError, match=delivery.key):
            act(delivery)


def test_begin_counts_and_shown_parts_are_kept():
    sending = outbox.begin(row())
    assert sending.attempts == 1
    first = outbox.part_shown(sending, RECEIPT, 3, START)
    assert (first.state, first.receipts, first.attempts) == (State.PENDING, (RECEIPT,), 0)
    second = outbox.part_shown(outbox.begin(first), RECEIPT, 2, START)
    assert second.state is State.SENT
    assert len(second.receipts) == 2


def test_times_lie_ahead():
    sending = outbox.begin(row())
    assert outbox.put_off(sending, "x", 7, START).next_try == START + timedelta(seconds=7)
    assert outbox.unsure(sending, "x", START).next_try == START + timedelta(seconds=outbox.SETTLE_S)


def test_backoff_grows_to_its_cap_and_never_hammers():
    rng = random.Random(1)
    for attempts in range(1, 60):
        waits = [outbox.backoff_s(attempts, rng) for _ in range(50)]
        assert min(waits) >= 0.5
        assert max(waits) <= min(outbox.BACKOFF_CAP_S, 2.0**attempts) or attempts == 0
    assert max(outbox.backoff_s(30, rng) for _ in range(200)) > 600


def test_what_was_begun_is_never_folded_away():
    begun = outbox.part_shown(outbox.begin(row()), RECEIPT, 2, START)
    with pytest.raises(ValueError, match="cannot be folded"):
        outbox.fold(begun, "other")
    with pytest.raises(ValueError, match="cannot be folded"):
        outbox.fold(row(), "")


def test_a_released_row_goes_at_once_and_is_held_no_more():
    held = replace(row(), state=State.HELD, held="quiet")
    later = START + timedelta(hours=5)
    assert outbox.release(held, later) == replace(row(), next_try=later)
    assert outbox.fold(held, "other") == replace(row(), state=State.FOLDED, into="other")


def test_a_replayed_row_starts_over_in_its_old_place():
    dead = replace(row(), state=State.DEAD, attempts=9, seq=4, receipts=(RECEIPT,))
    again = outbox.replay(dead, START)
    assert (again.attempts, again.seq, again.receipts) == (0, 4, (RECEIPT,))


def test_no_row_waits_longer_than_it_may():
    far = replace(row(), next_try=START + timedelta(days=400))
    assert outbox.within(far, START).next_try == START
    assert outbox.within(row(), START + timedelta(days=1)) == row()


def test_looks_are_counted_for_each_part():
    unsure = outbox.unsure(outbox.begin(row()), "x", START)
    looked = outbox.look_later(outbox.look_later(unsure, "x", 5, START), "x", 5, START)
    assert looked.looks == 2
    assert outbox.part_shown(looked, RECEIPT, 2, START).looks == 0


def test_doubt_lasts_until_the_part_is_seen():
    repeated = outbox.begin(outbox.unsure(outbox.begin(row()), "x", START))
    assert repeated.doubt
    assert outbox.put_off(repeated, "x", 5, START).doubt
    assert outbox.replay(outbox.give_up(repeated, "x"), START).state is State.AMBIGUOUS
    assert not outbox.part_shown(repeated, RECEIPT, 2, START).doubt
    assert not outbox.begin(row()).doubt
    assert outbox.begin(replace(row(), state=State.AMBIGUOUS)).doubt, "as rows of earlier versions are"


@pytest.mark.parametrize("state", list(State))
def test_what_is_open_waits_and_what_waits_is_kept(state):
    delivery = replace(row(), state=state)
    assert delivery.open == (state in {State.PENDING, State.SENDING, State.AMBIGUOUS})
    assert delivery.waits == (delivery.open or state is State.HELD)
    answer = replace(delivery, act=Act.ANSWER)
    assert answer.forgotten == (not answer.waits)
    assert not delivery.forgotten
