"""When a chat hears of a story: quiet hours, digests and mutes, through whole years of clocks put forward and back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.habits import Digest, Habits, Quiet
from bot.judge.hours import (
    first_slot,
    next_slot,
    quiet_ends,
    slot_due,
    why_held,
    with_digest,
    with_zone,
    without_slot_ahead,
)
from bot.judge.phrases import parse_digest, parse_quiet
from tests.fakes.clock import START
from tests.unit.examples import story

MINUTE, QUARTER, DAY = timedelta(minutes=1), timedelta(minutes=15), timedelta(days=1)
PLACES = (
    ("Europe/Berlin", 2022),
    ("America/New_York", 2022),
    ("Australia/Lord_Howe", 2022),  # half an hour
    ("Asia/Shanghai", 2022),  # none at all
    ("Africa/Casablanca", 2022),  # back for Ramadan
    ("America/Sao_Paulo", 2018),  # at midnight
    ("America/Nuuk", 2024),  # an hour before it
    ("Asia/Kathmandu", 2022),  # 45 minutes off
)
places = st.sampled_from(PLACES)
minutes = st.integers(0, 1439)
few = settings(max_examples=8, deadline=None, derandomize=True)
some = settings(max_examples=150, deadline=None, derandomize=True)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@cache
def clock_of(zone: str, year: int) -> list[tuple[datetime, datetime]]:
    """Every quarter of an hour of a year and two days either side, and what local clocks show then. In none of these
    places are clocks changed at any other minute."""
    begins = utc(year, 1, 1) - 2 * DAY
    return [(begins + QUARTER * n, shown_at(zone, begins + QUARTER * n)) for n in range(369 * 96)]


def shown_at(zone: str, moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@cache
def looked_at(zone: str, year: int) -> list[tuple[datetime, datetime]]:
    """Some of these, and all of those within a day of a change of the clocks."""
    clock = clock_of(zone, year)
    changes = [n for n in range(1, len(clock)) if clock[n][1] - clock[n - 1][1] != QUARTER]
    near = {m for n in changes for m in range(n - 96, n + 96)}
    return [pair for n, pair in enumerate(clock) if n % 7 == 0 or n in near]


def first_shown(zone: str, year: int, at: int) -> dict[date, datetime]:
    """By local day, the first minute at which clocks show `at` of it or are past it: what `hours` works out by
    arithmetic, found here by looking."""
    found: dict[date, datetime] = {}
    wanted = datetime.combine(date(year, 1, 1), time()) + MINUTE * at
    for moment, shown in clock_of(zone, year):
        if shown + QUARTER > wanted:
            found[wanted.date()] = moment + max(wanted - shown, timedelta())
            wanted += DAY
    return found


def live(habits: Habits, start: datetime, end: datetime, rng: random.Random, pace: int) -> Iterator[tuple]:
    """What a chat is told: (slot, moment of the look before, moment of this look)."""
    before = now = start
    while now < end:
        if slot := slot_due(habits, now):
            habits = replace(habits, slot=slot)
            yield slot, before, now
        before, now = now, now + MINUTE * rng.randint(1, pace)


def year_of(year: int) -> tuple[datetime, datetime]:
    return utc(year, 1, 1), utc(year, 12, 30)


@few
@given(places, minutes, st.integers(0, 99))
@example(PLACES[0], 150, 0)
@example(PLACES[1], 90, 0)
@example(PLACES[2], 105, 0)
@example(PLACES[5], 0, 0)
@example(PLACES[6], 1410, 0)
def test_every_local_day_has_one_daily_slot_at_its_time(place, at, seed):
    zone, year = place
    start, end = year_of(year)
    habits = with_digest(Habits(zone=zone), Digest(every="daily", at=at), start)
    due = {d: m for d, m in first_shown(zone, year, at).items() if start < m < end - DAY}
    told = {}
    for slot, before, now in live(habits, start, end, random.Random(seed), 300):
        assert slot not in told
        told[slot] = before, now
    assert len(due) > 350
    for day, moment in due.items():
        before, now = told.pop(f"{day}T{at // 60:02}:{at % 60:02}")
        assert before < moment <= now
    assert len(told) <= 3


@few
@given(places, minutes, st.integers(1, 7), st.integers(0, 99))
def test_every_week_has_one_weekly_slot(place, at, weekday, seed):
    zone, year = place
    start, end = year_of(year)
    habits = with_digest(Habits(zone=zone), Digest(every="weekly", at=at, weekday=weekday), start)
    days = [date.fromisoformat(slot[:10]) for slot, _, _ in live(habits, start, end, random.Random(seed), 300)]
    assert {d.isoweekday() for d in days} == {weekday}
    assert all(later - day == 7 * DAY for day, later in pairwise(days))
    assert len(days) >= 51


@few
@given(places, st.integers(0, 59), st.integers(0, 99))
def test_every_hour_has_one_hourly_slot(place, at, seed):
    zone, year = place
    start = utc(year, 3, 1) if seed % 2 else utc(year, 10, 1)
    habits = with_digest(Habits(zone=zone), Digest(every="hourly", at=at), start)
    hours = [
        datetime.fromisoformat(slot.replace("Z", ":00+00:00"))
        for slot, _, _ in live(habits, start, start + 65 * DAY, random.Random(seed), 59)
    ]
    assert all(later - hour == timedelta(hours=1) for hour, later in pairwise(hours))
    assert len(hours) >= 65 * 24 - 1


@pytest.mark.parametrize(
    ("zone", "at", "moment"),
    [
        ("Asia/Kathmandu", 0, utc(2022, 8, 19, 6, 15)),
        ("Australia/Lord_Howe", 10, utc(2022, 8, 19, 6, 40)),
        ("Europe/Berlin", 0, utc(2022, 8, 19, 7)),
    ],
)
def test_an_hourly_digest_comes_when_local_clocks_show_the_minute(zone, at, moment):
    habits = with_digest(Habits(zone=zone), Digest(every="hourly", at=at), START + MINUTE)
    assert next_slot(habits, START + MINUTE) == moment
    assert slot_due(habits, moment - MINUTE) == ""
    assert slot_due(habits, moment) == f"2022-08-19T{moment:%H}Z"


@pytest.mark.parametrize(
    ("zone", "at", "day", "moment"),
    [
        ("Europe/Berlin", "02:30", date(2022, 3, 27), utc(2022, 3, 27, 1)),  # left out: right after the gap
        ("Europe/Berlin", "02:00", date(2022, 3, 27), utc(2022, 3, 27, 1)),
        ("Europe/Berlin", "03:00", date(2022, 3, 27), utc(2022, 3, 27, 1)),
        ("Europe/Berlin", "02:30", date(2022, 10, 30), utc(2022, 10, 30, 0, 30)),  # twice: the first time
        ("Australia/Lord_Howe", "02:15", date(2022, 10, 2), utc(2022, 10, 1, 15, 30)),
        ("America/Sao_Paulo", "00:20", date(2018, 11, 4), utc(2018, 11, 4, 3)),
        ("America/Nuuk", "23:30", date(2024, 3, 30), utc(2024, 3, 31, 1)),
        ("America/St_Johns", "00:00", date(2010, 11, 7), utc(2010, 11, 7, 2, 30)),
    ],
)
def test_the_days_on_which_clocks_are_changed(zone, at, day, moment):
    habits = Habits(zone=zone, digest=parse_digest(f"daily {at}"), slot=f"{day - DAY}T{at}")
    assert next_slot(habits, moment - MINUTE) == moment
    assert slot_due(habits, moment - timedelta(seconds=1)) == ""
    told = replace(habits, slot=slot_due(habits, moment))
    assert told.slot == f"{day}T{at}"
    assert not any(slot_due(told, moment + MINUTE * n) for n in range(20 * 60))


digests = st.one_of(
    st.builds(Digest, every=st.just("hourly"), at=st.integers(0, 59)),
    st.builds(Digest, every=st.just("daily"), at=minutes),
    st.builds(Digest, every=st.just("weekly"), at=minutes, weekday=st.integers(1, 7)),
)
anywhere = st.sampled_from([*(zone for zone, _ in PLACES), "Pacific/Kiritimati", "Pacific/Pago_Pago"])
steps = st.lists(
    st.one_of(
        st.integers(-5 * 1440, 3 * 1440).map(lambda n: ("clock", n)),
        anywhere.map(lambda zone: ("zone", zone)),
        digests.map(lambda digest: ("digest", digest)),
    ),
    max_size=30,
)


@some
@given(anywhere, digests, steps)
def test_no_slot_is_told_twice_through_any_change(zone, digest, steps):
    """Nothing comes at once either for a time that was past when zone or digest were changed."""
    now = utc(2022, 3, 25)
    habits = with_digest(Habits(zone=zone), digest, now)
    told: list[str] = []
    for what, value in steps:
        if what == "clock":
            now += MINUTE * value
            if slot := slot_due(habits, now):
                told.append(slot)
                habits = replace(habits, slot=slot)
                assert slot_due(habits, now) == ""
        else:
            if what == "digest" and value.every != habits.digest.every:
                told.clear()
            if what == "digest" and told and first_slot(replace(habits, digest=value), now) < told[-1]:
                continue  # the clock was set back: whoever asks for a digest again then has it begin again
            habits = with_zone(habits, value, now) if what == "zone" else with_digest(habits, value, now)
            assert slot_due(habits, now) == ""
    assert told == sorted(set(told))


@some
@given(anywhere, digests, st.integers(0, 525_600))
def test_the_next_slot_is_the_next_to_come_due(zone, digest, minute):
    now = utc(2022, 1, 1) + MINUTE * minute
    habits = with_digest(Habits(zone=zone), digest, now)
    comes = next_slot(habits, now)
    assert now < comes <= now + 8 * DAY
    assert slot_due(habits, comes - timedelta(seconds=1)) == ""
    assert slot_due(habits, comes)


def test_after_a_clock_set_back_the_next_slot_is_the_next_that_will_be_told():
    habits = Habits(digest=parse_digest("daily 08:30"), slot="2022-08-19T08:30")
    assert next_slot(habits, START) == utc(2022, 8, 20, 8, 30)
    assert next_slot(replace(habits, slot="2022-09-01T08:30"), START) == utc(2022, 8, 19, 8, 30)
    hourly = Habits(digest=parse_digest("hourly"), slot="2022-08-19T07Z")
    assert next_slot(hourly, START) == utc(2022, 8, 19, 8)
    assert next_slot(replace(hourly, slot="2022-09-01T08Z"), START) == utc(2022, 8, 19, 7)


@pytest.mark.parametrize(
    ("slot", "ahead"),
    [
        ("2022-08-19T07:00", False),  # told, and the clock set back by an hour
        ("2022-08-19T20:00", False),  # told in the zone that is first
        ("2022-08-19T20:01", True),
        ("2022-09-18T08:30", True),
        ("2022-08-19T07Z", False),
        ("2022-08-19T08Z", True),
        ("", False),
    ],
)
def test_a_slot_that_no_clock_can_show_yet_is_forgotten(slot, ahead):
    habits = Habits(digest=parse_digest("hourly" if slot.endswith("Z") else "daily 08:30"), slot=slot)
    assert without_slot_ahead(habits, START) == (replace(habits, slot="") if ahead else habits)


def test_a_digest_just_switched_on_waits_and_one_moved_to_the_evening_comes_the_same_day():
    morning, noon = utc(2022, 8, 19, 8, 30), utc(2022, 8, 19, 12)
    habits = with_digest(Habits(), parse_digest("daily 08:30"), noon)
    assert (habits.slot, slot_due(habits, noon)) == ("2022-08-19T08:30", "")
    assert next_slot(habits, noon) == morning + DAY
    assert slot_due(replace(habits, slot=""), noon) == "2022-08-19T08:30"
    evening = with_digest(habits, parse_digest("daily 18:00"), noon)
    assert next_slot(evening, noon) == utc(2022, 8, 19, 18)
    assert with_digest(evening, None, noon) == Habits()
    assert (next_slot(Habits(), noon), first_slot(Habits(), noon), slot_due(Habits(), noon)) == (None, "", "")


def test_a_digest_switched_on_where_clocks_go_back_over_midnight_waits_for_the_next_day():
    """In Newfoundland it was Sunday for a minute, Saturday again for an hour, and then Sunday for good."""
    habits = with_digest(Habits(zone="America/St_Johns"), parse_digest("daily 00:00"), utc(2010, 11, 7, 2, 45))
    assert slot_due(habits, utc(2010, 11, 7, 3, 45)) == ""
    assert next_slot(habits, utc(2010, 11, 7, 2, 45)) == utc(2010, 11, 8, 3, 30)


def test_a_digest_told_in_one_zone_is_not_told_again_in_another():
    at = utc(2022, 8, 19, 6, 30)
    habits = Habits(zone="Europe/Berlin", digest=parse_digest("daily 08:30"), slot="2022-08-19T08:30")
    west = with_zone(habits, "America/New_York", at)
    assert next_slot(west, at) == utc(2022, 8, 20, 12, 30)
    east = with_zone(replace(habits, slot="2022-08-18T08:30"), "Pacific/Auckland", at)
    assert next_slot(east, at) == utc(2022, 8, 19, 20, 30)


def shown_quiet(quiet: Quiet, shown: datetime) -> bool:
    """Whether a clock and a calendar on the wall say so."""
    minute = shown.hour * 60 + shown.minute
    days = (shown.isoweekday(), (shown - DAY).isoweekday())
    if quiet.start < quiet.end:
        return days[0] in quiet.days and quiet.start <= minute < quiet.end
    return (days[0] in quiet.days and minute >= quiet.start) or (days[1] in quiet.days and minute < quiet.end)


quarters = st.integers(0, 95).map(lambda n: n * 15)
some_days = st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days)))


@few
@given(places, quarters, quarters, some_days)
@example(PLACES[0], 22 * 60, 7 * 60, (1, 2, 3, 4, 5, 6, 7))
@example(PLACES[0], 22 * 60, 150, (6,))
@example(PLACES[1], 90, 120, (7,))
@example(PLACES[5], 0, 30, (7,))
def test_it_is_quiet_when_the_clock_on_the_wall_says_so(place, start, end, days):
    """And, where it begins or ends in an hour that clocks show twice, from the first time to the second."""
    habits = Habits(zone=place[0], quiet=Quiet(start=start, end=end, days=days))
    held = 0
    for at, shown in looked_at(*place):
        quiet, expected = why_held(habits, story(), at, urgent=False) == "quiet", shown_quiet(habits.quiet, shown)
        held += quiet
        assert quiet or not expected
        if quiet and not expected:
            around = [(at + QUARTER * n, shown_at(place[0], at + QUARTER * n)) for n in range(-8, 9)]
            assert len({clock - moment.replace(tzinfo=None) for moment, clock in around}) == 2
            assert any(shown_quiet(habits.quiet, clock) for _, clock in around)
    assert held


@some
@given(anywhere, minutes, minutes, some_days, st.integers(0, 525_600))
def test_quiet_is_over_when_it_was_said_to_be(zone, start, end, days, minute):
    habits = Habits(zone=zone, quiet=Quiet(start=start, end=end, days=days))
    now = utc(2022, 1, 1) + MINUTE * minute
    ends = quiet_ends(habits, now)
    held = why_held(habits, story(), now, urgent=False) == "quiet"
    assert (ends is not None) == held
    if ends and ends < now + 7 * DAY:
        assert now < ends
        assert why_held(habits, story(), ends - timedelta(seconds=1), urgent=False) == "quiet"
        assert why_held(habits, story(), ends, urgent=False) == ""


@pytest.mark.parametrize(
    ("written", "zone", "quiet", "ends"),
    [
        ("22:00-07:00", "Asia/Shanghai", utc(2022, 8, 19, 14), utc(2022, 8, 19, 23)),
        ("22:00-07:00", "Asia/Shanghai", utc(2022, 8, 19, 22, 59), utc(2022, 8, 19, 23)),
        ("22:00-07:00", "Asia/Shanghai", utc(2022, 8, 19, 23), None),
        ("22:00-07:00", "Asia/Shanghai", utc(2022, 8, 19, 13, 59), None),
        ("22:00-07:00 weekdays", "UTC", utc(2022, 8, 20, 6, 59), utc(2022, 8, 20, 7)),  # Friday's, on Saturday
        ("22:00-07:00 weekdays", "UTC", utc(2022, 8, 20, 22), None),
        ("22:00-07:00 weekdays", "UTC", utc(2022, 8, 22, 6), None),  # Monday before dawn is Sunday's
        ("00:00-24:00 weekends", "UTC", utc(2022, 8, 20, 9), utc(2022, 8, 22)),  # two days without a break
        ("22:00-02:30", "Europe/Berlin", utc(2022, 10, 30, 1, 15), utc(2022, 10, 30, 1, 30)),  # the second 02:30
        ("22:00-02:30", "Europe/Berlin", utc(2022, 3, 27, 0, 59), utc(2022, 3, 27, 1)),  # 02:30 is left out
    ],
)
def test_quiet_hours_end(written, zone, quiet, ends):
    assert quiet_ends(Habits(zone=zone, quiet=parse_quiet(written)), quiet) == ends


def test_a_zone_that_is_no_longer_known_is_utc():
    habits = Habits(zone="Europe/Atlantis", digest=parse_digest("daily 08:30"))
    assert first_slot(habits, utc(2022, 8, 19, 8, 30)) == "2022-08-19T08:30"
