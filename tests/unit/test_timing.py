"""When a feed is read next."""

import random
from datetime import timedelta

import pytest

from bot.core.errors import FetchError
from bot.core.news import Feed, FeedState, Reading
from bot.judge.timing import Bounds, after_failure, after_reading
from tests.fakes.clock import START

BOUNDS = Bounds(60, 3600)
FEED = Feed(id="a", url="https://a.example")
RNG = random.Random(3)


def state(**more):
    return FeedState(feed_id="a", next_check=START, **more)


def reading(**more):
    return Reading(feed_id="a", at=START, **more)


def pause(found):
    return (found.next_check - START).total_seconds()


def test_news_brings_it_nearer_and_silence_lets_it_go():
    now = state(interval_s=600)
    assert after_reading(FEED, now, reading(), True, BOUNDS, RNG).interval_s == 300
    assert after_reading(FEED, now, reading(), False, BOUNDS, RNG).interval_s == pytest.approx(690)
    assert after_reading(FEED, state(interval_s=60), reading(), True, BOUNDS, RNG).interval_s == 60
    assert after_reading(FEED, state(interval_s=3600), reading(), False, BOUNDS, RNG).interval_s == 3600


def test_a_fixed_interval_stays():
    fixed = Feed(id="a", url="https://a.example", every_s=900)
    assert after_reading(fixed, state(interval_s=60), reading(ttl_s=7200), False, BOUNDS, RNG).interval_s == 900


def test_ttl_and_retry_after():
    assert after_reading(FEED, state(interval_s=60), reading(ttl_s=1800), False, BOUNDS, RNG).interval_s == 1800
    assert pause(after_reading(FEED, state(interval_s=60), reading(retry_after_s=5000), False, BOUNDS, RNG)) == 5000


def test_success_clears_failures_and_marks_the_baseline():
    found = after_reading(FEED, state(failures=3, error="x"), reading(), True, BOUNDS, RNG)
    assert (found.failures, found.error, found.baselined, found.last_new) == (0, "", True, START)


def test_failures_double_up_to_an_hour_or_six_behind_a_wall():
    now = state(interval_s=60)
    pauses = []
    for _ in range(12):
        now = after_failure(FEED, now, FetchError("down"), START, BOUNDS, RNG)
        pauses.append(pause(now))
    assert pauses[0] == pytest.approx(60, rel=0.06)
    assert pauses[1] == pytest.approx(120, rel=0.06)
    assert pauses[-1] == pytest.approx(3600, rel=0.06)
    wall = after_failure(FEED, state(interval_s=60, failures=20), FetchError("no", status=403), START, BOUNDS, RNG)
    assert pause(wall) == pytest.approx(6 * 3600, rel=0.06)


def test_retry_after_always_wins_and_validators_stay():
    found = after_failure(FEED, state(), FetchError("slow", status=429, retry_after_s=86400), START, BOUNDS, RNG)
    assert found.next_check - START == timedelta(days=1)
    assert found.failures == 1
