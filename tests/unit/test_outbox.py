"""The life of a delivery: every transition from every state, and the back-off."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core import outbox
from bot.core.chat import Receipt, State
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
    "give up": (lambda d: outbox.give_up(d, "x"), {State.PENDING, State.SENDING, State.AMBIGUOUS}, State.DEAD),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", list(State))
def test_every_step_from_every_state(step, state):
    act, allowed, result = STEPS[step]
    delivery = replace(row(), state=state)
    if state in allowed:
        assert act(delivery).state is result
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
