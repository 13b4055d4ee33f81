"""A rule tried on what has been read: what it adds, removes, and has in common with today's rules."""

from datetime import timedelta

from bot.core.chat import Keyword
from bot.core.news import Judged
from bot.judge import render
from bot.judge.trial import try_rule
from tests.fakes.clock import START
from tests.unit.examples import FINE, NOISE, entry, judge


def history(*titles):
    days = [START + timedelta(days=n) for n in range(len(titles))]
    return [Judged(entry=entry(t, at=d), at=d, outcome="x") for t, d in zip(titles, days, strict=True)]


def tried(rule, *titles, weight=100.0):
    word = Keyword(topic="cac", text=rule, weight=weight)
    return try_rule(word, history(*titles), judge(), judge(word))


def test_what_a_word_adds_and_what_alerts_already():
    trial = tried("Didi OR quokka", FINE, "A quokka in Perth", "Didi raises fares", NOISE)
    assert (trial.read, trial.days, trial.hits) == (4, 4, 3)
    assert [e.title for e in trial.added] == ["Didi raises fares", "A quokka in Perth"]
    assert trial.removed == ()
    assert trial.overlap == {"cac": 1}
    assert trial.by_day == {(START + timedelta(days=n)).date(): 1 for n in (0, 1, 2)}
    assert trial.worst_day == 1


def test_what_a_word_that_speaks_against_removes():
    trial = tried("billion", FINE, NOISE, weight=-100.0)
    assert [e.title for e in trial.removed] == [FINE]
    assert trial.added == ()


def test_the_worst_day_is_one_of_reading_whatever_the_dates_of_the_entries():
    at = [START, START, START + timedelta(days=1)]
    published = [START - timedelta(days=n) for n in range(2)]
    read = [
        Judged(entry=entry(f"quokka {n} {number}", at=when), at=day, outcome="x")
        for number, day in enumerate(at)
        for n, when in enumerate((*published, None))
    ]
    word = Keyword(topic="cac", text="quokka", weight=100.0)
    trial = try_rule(word, read, judge(), judge(word))
    assert trial.worst_day == 6
    assert list(trial.by_day.values()) == [6, 3]


def test_people_are_shown_days_and_examples():
    blocks = render.trial(tried("quokka", *[f"quokka {n}" for n in range(12)]), "quokka")
    shown = "\n".join("".join(s.text for s in line) for b in blocks for line in b.lines)
    assert "It adds 12 alerts to today's rules and removes 0." in shown
    assert "2022-08-19: 1" in shown
    assert [n for n in range(12) if f"quokka {n}\n" in shown + "\n"] == list(range(2, 12))
