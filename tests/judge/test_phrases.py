"""Habits as people write them, what is said of what cannot be read, and how they are said back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.habits import Digest, Habits, Mute, Quiet
from bot.judge.phrases import parse_digest, parse_quiet, parse_until, parse_zone, stamp, words
from tests.fakes.clock import START


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


WORK, REST = (1, 2, 3, 4, 5), (6, 7)


@pytest.mark.parametrize(
    ("written", "quiet"),
    [
        ("22:00-07:00", Quiet(start=1320, end=420)),
        ("22-7", Quiet(start=1320, end=420)),
        (" 22：00 – 07：00  WEEKDAYS ", Quiet(start=1320, end=420, days=WORK)),
        ("9:30 to 17:00 weekends except urgent", Quiet(start=570, end=1020, days=REST, urgent=True)),
        ("22:00-07:00 daily except urgent", Quiet(start=1320, end=420, urgent=True)),
        ("00:00-24:00 weekends", Quiet(start=0, end=0, days=REST)),
        ("18:00-24:00", Quiet(start=1080, end=0)),
    ],
)
def test_quiet_hours_are_read(written, quiet):
    assert parse_quiet(written) == quiet


@pytest.mark.parametrize(
    ("written", "digest"),
    [
        ("hourly", Digest(every="hourly")),
        ("Daily 08:30", Digest(every="daily", at=510)),
        ("daily 8 except urgent", Digest(every="daily", at=480, urgent=True)),
        ("weekly mon 09:00", Digest(every="weekly", at=540, weekday=1)),
        ("weekly Thurs 09:00 except urgent", Digest(every="weekly", at=540, weekday=4, urgent=True)),
        ("weekly sunday 0:05", Digest(every="weekly", at=5, weekday=7)),
    ],
)
def test_digests_are_read(written, digest):
    assert parse_digest(written) == digest


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("Asia/Shanghai", "Asia/Shanghai"),
        ("asia/shanghai", "Asia/Shanghai"),
        ("Shanghai", "Asia/Shanghai"),
        ("new york", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("北京", "Asia/Shanghai"),
        ("utc", "UTC"),
        ("Singapore", "Singapore"),
        ("Etc/GMT+8", "Etc/GMT+8"),
    ],
)
def test_zones_are_read(written, zone):
    assert parse_zone(written) == zone


FRIDAY = utc(2022, 8, 19, 6)


@pytest.mark.parametrize(
    ("written", "zone", "until"),
    [
        ("8h", "UTC", utc(2022, 8, 19, 14)),
        ("for 2d", "UTC", utc(2022, 8, 21, 6)),
        ("until 09:00", "UTC", utc(2022, 8, 19, 9)),
        ("UNTIL 6", "UTC", utc(2022, 8, 20, 6)),
        ("until 09:00", "Asia/Shanghai", utc(2022, 8, 20, 1)),
        ("until 15:00", "Asia/Shanghai", utc(2022, 8, 19, 7)),
        ("until 00:00", "America/New_York", utc(2022, 8, 20, 4)),
    ],
)
def test_ends_of_mutes_are_read(written, zone, until):
    assert parse_until(written, FRIDAY, zone) == until


def test_a_time_that_clocks_show_twice_is_waited_for_both_times():
    said = [parse_until("until 02:30", utc(2022, 10, 30, 0, n), "Europe/Berlin") for n in (29, 30)]
    assert said == [utc(2022, 10, 30, 0, 30), utc(2022, 10, 30, 1, 30)]


@pytest.mark.parametrize(
    ("parse", "written", "said"),
    [
        (parse_quiet, "", "written like 22:00-07:00"),
        (parse_quiet, "at night", "written like 22:00-07:00"),
        (parse_quiet, "25:00-07:00", "a time of day is written like 08:30, not '25:00'"),
        (parse_quiet, "22:60-07:00", "not '22:60'"),
        (parse_quiet, "22:00-24:01", "not '24:01'"),
        (parse_quiet, "22:00-07:00 sometimes", "written like"),
        (parse_quiet, "22:00-07:00 except", "written like"),
        (parse_quiet, "08:00-08:00", "quiet at all times"),
        (parse_quiet, "22:00-07:00\x00" * 50, "written like"),
        (parse_digest, "", "a digest is written like hourly"),
        (parse_digest, "daily", "a digest is written like hourly"),
        (parse_digest, "daily noon", "a time of day is written like 08:30, not 'noon'"),
        (parse_digest, "weekly m 09:00", "a day of the week is written like mon, not 'm'"),
        (parse_digest, "weekly moonday 09:00", "not 'moonday'"),
        (parse_digest, "hourly 08:30", "a digest is written like hourly"),
        (parse_digest, "now", "a digest is written like hourly"),
        (parse_zone, "", "named like Asia/Shanghai"),
        (parse_zone, "Shangai", "did you mean Asia/Shanghai?"),
        (parse_zone, "Erope/Berlin", "did you mean Europe/Berlin?"),
        (parse_zone, "Atlantis", "no time zone 'Atlantis'"),
        (parse_zone, "UTC+8", "a place with that time"),
        (parse_zone, "GMT8", "a place with that time"),
        (parse_zone, "-5", "a place with that time"),
        (parse_zone, "../../etc/passwd", "no time zone"),
        (parse_zone, "Istanbul", "there are Asia/Istanbul and Europe/Istanbul"),
        (parse_zone, "localtime", "no time zone"),
        (parse_zone, "x" * 4000, "no time zone"),
        (lambda text: parse_until(text, FRIDAY, "UTC"), "", "a time is written like"),
        (lambda text: parse_until(text, FRIDAY, "UTC"), "0h", "up to 366d"),
        (lambda text: parse_until(text, FRIDAY, "UTC"), "999999999d", "up to 366d"),
        (lambda text: parse_until(text, FRIDAY, "UTC"), "until", "a time of day is written like"),
        (lambda text: parse_until(text, FRIDAY, "UTC"), "until friday", "not 'friday'"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(parse, written, said):
    with pytest.raises(ValueError) as caught:
        parse(written)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


pieces = st.sampled_from(
    ["22:00", "-", "7", "24:00", "99", "to", "daily", "weekly", "mon", "until", "for", "8h", "0d", "滴"]
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.one_of(pieces, st.just(" ")), max_size=8).map("".join))
def test_no_text_breaks_a_reader(written):
    for parse in (parse_quiet, parse_digest, lambda text: parse_until(text, FRIDAY, "UTC")):
        with suppress(ValueError):
            parse(written)


def test_habits_in_words():
    assert words(Habits()) == [
        "Times are those of UTC.",
        "There are no quiet hours.",
        "Alerts come one by one, as they happen.",
        "Nothing is muted.",
    ]
    habits = Habits(
        zone="Asia/Shanghai",
        quiet=parse_quiet("22:00-07:00 weekdays except urgent"),
        digest=parse_digest("weekly mon 09:00 except urgent"),
        mutes=(Mute(what="didi", until=START), Mute(what="#abc123", until=None), Mute(what="", until=None)),
    )
    assert words(habits) == [
        "Times are those of Asia/Shanghai.",
        "It is quiet from 22:00 to 07:00 on weekdays, except for urgent alerts.",
        "Alerts come together in a digest every Monday at 09:00; urgent ones come at once.",
        "“didi” is muted until Fri 2022-08-19 14:00 (Asia/Shanghai).",
        "#abc123 is muted until you unmute it.",
        "Everything is muted until you unmute it.",
    ]
    assert stamp(START, "America/New_York") == "Fri 2022-08-19 02:00 (America/New_York)"


@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        (parse_quiet("00:00-24:00 weekends"), "It is quiet all day on weekends."),
        (Quiet(start=600, end=600, days=(1, 3)), "It is quiet for 24 hours from 10:00 on Monday, Wednesday."),
        (parse_quiet("22-7"), "It is quiet from 22:00 to 07:00 every day."),
    ],
)
def test_quiet_hours_in_words(quiet, said):
    assert words(Habits(quiet=quiet))[1] == said
