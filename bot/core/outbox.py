"""The life of a delivery, as pure functions: pending -> sending -> sent, ambiguous or dead.

held      -> pending      release        its hour has come
pending   -> pending      postpone       what it belongs to has not gone out
held, pending -> folded   fold           another row shows it as one line of many
pending   -> sending      begin          durable before the socket is touched
sending   -> sent         part_shown     the last part was shown
sending   -> pending      part_shown     more parts follow
sending   -> pending      put_off        certainly not delivered, or told to wait
sending   -> ambiguous    put_off        the same, but an attempt before it may have arrived
sending   -> ambiguous    unsure         the answer was lost, or the process died
ambiguous -> sent/pending settled by looking in the chat, or by repeating under the same visible id
any open  -> sent         taken_for_sent the chat's policy is to repeat nothing that may be there
held, any open -> folded  drop           there is nothing left to edit, or nobody who wants to hear
any open  -> dead         give_up        the platform will never take it
dead      -> pending      replay         an operator wants it tried again
dead      -> ambiguous    replay         the same, but it may be there: it is looked for first
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.chat import Delivery, Receipt, State

BACKOFF_BASE_S = 1.0
BACKOFF_CAP_S = 900.0
SETTLE_S = 10.0
"""How long an ambiguous send is left to arrive before anyone looks or repeats it."""


def begin(delivery: Delivery) -> Delivery:
    """About to touch the socket."""
    _must_be(delivery, State.PENDING, State.AMBIGUOUS)
    doubt = delivery.doubt or delivery.state is State.AMBIGUOUS
    return replace(delivery, state=State.SENDING, doubt=doubt, attempts=delivery.attempts + 1)


def part_shown(delivery: Delivery, receipt: Receipt, parts: int, now: datetime) -> Delivery:
    """One more part is in the chat; SENT when it was the last of `parts`."""
    _must_be(delivery, State.SENDING, State.AMBIGUOUS)
    receipts = (*delivery.receipts, receipt)
    done = len(receipts) >= parts
    return replace(
        delivery,
        receipts=receipts,
        state=State.SENT if done else State.PENDING,
        attempts=delivery.attempts if done else 0,
        looks=0,
        doubt=False,
        next_try=now,
        error="",
    )


def put_off(delivery: Delivery, error: str, wait_s: float, now: datetime) -> Delivery:
    """This attempt was certainly not delivered: go on `wait_s` seconds from now. Doubt about an earlier one stays."""
    _must_be(delivery, State.SENDING, State.AMBIGUOUS)
    return replace(delivery, state=_again(delivery), error=error, next_try=now + timedelta(seconds=wait_s))


def postpone(delivery: Delivery, wait_s: float, now: datetime) -> Delivery:
    """It is not its turn yet: what it belongs to has not gone out."""
    _must_be(delivery, State.PENDING)
    return replace(delivery, next_try=now + timedelta(seconds=wait_s))


def unsure(delivery: Delivery, error: str, now: datetime) -> Delivery:
    """It may have arrived."""
    _must_be(delivery, State.SENDING)
    after = now + timedelta(seconds=SETTLE_S)
    return replace(delivery, state=State.AMBIGUOUS, doubt=True, looks=0, error=error, next_try=after)


def look_later(delivery: Delivery, error: str, wait_s: float, now: datetime) -> Delivery:
    """Still not known whether it arrived: look again later."""
    _must_be(delivery, State.AMBIGUOUS)
    return replace(delivery, error=error, looks=delivery.looks + 1, next_try=now + timedelta(seconds=wait_s))


def give_up(delivery: Delivery, error: str) -> Delivery:
    """It will never be taken. The row stays, to be listed and replayed."""
    _must_be(delivery, State.PENDING, State.SENDING, State.AMBIGUOUS)
    return replace(delivery, state=State.DEAD, error=error)


def taken_for_sent(delivery: Delivery, now: datetime) -> Delivery:
    """It may be there, and this chat wants no copies: nothing more is sent."""
    _must_be(delivery, State.AMBIGUOUS)
    return replace(delivery, state=State.SENT, error="the answer was lost; by choice it is not repeated", next_try=now)


def release(delivery: Delivery, now: datetime) -> Delivery:
    """Its hour has come."""
    _must_be(delivery, State.HELD)
    return replace(delivery, state=State.PENDING, held="", next_try=now)


def fold(delivery: Delivery, into: str) -> Delivery:
    """`into`, the key of another row, shows it. Nothing of it may be in the chat yet."""
    _must_be(delivery, State.HELD, State.PENDING)
    if delivery.receipts or not into:
        raise ValueError(f"delivery {delivery.key} cannot be folded into {into!r}")
    return replace(delivery, state=State.FOLDED, held="", into=into)


def drop(delivery: Delivery, error: str) -> Delivery:
    """There is nothing any more that it could change, or nobody who wants to hear it."""
    _must_be(delivery, State.HELD, State.PENDING, State.SENDING, State.AMBIGUOUS)
    return replace(delivery, state=State.FOLDED, held="", error=error)


def replay(delivery: Delivery, now: datetime) -> Delivery:
    """An operator wants it tried again, in its old place."""
    _must_be(delivery, State.DEAD)
    return replace(delivery, state=_again(delivery), attempts=0, looks=0, next_try=now)


def moved(delivery: Delivery, chat_id: str, seq: int) -> Delivery:
    """Its chat has a new id, and message ids are those of the old one: what was shown stays shown, but is no target."""
    receipts = tuple(replace(receipt, message_id="") for receipt in delivery.receipts)
    return replace(delivery, chat_id=chat_id, seq=seq, receipts=receipts, target="")


def within(delivery: Delivery, latest: datetime) -> Delivery:
    """Not later than `latest`: a time written under a clock that was wrong must not hold a chat."""
    return delivery if delivery.next_try <= latest else replace(delivery, next_try=latest)


def backoff_s(attempts: int, rng: random.Random) -> float:
    """Seconds to wait after the n-th failed attempt (n >= 1): full jitter, base 1 s, cap 15 min.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. Never under half a second, so that a
    zero draw cannot hammer.
    """
    ceiling = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(attempts, 30))
    return max(0.5, rng.uniform(0.0, ceiling))


def _again(delivery: Delivery) -> State:
    """What may be there is looked for before it is sent again."""
    return State.AMBIGUOUS if delivery.doubt else State.PENDING


def _must_be(delivery: Delivery, *states: State) -> None:
    if delivery.state not in states:
        raise ValueError(f"delivery {delivery.key} is {delivery.state}, not {' or '.join(states)}")
