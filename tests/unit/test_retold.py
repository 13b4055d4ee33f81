"""An entry that comes back with another text: news when more was done, nothing when only words have changed."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.chat import Act
from bot.judge.decide import Editor
from bot.judge.timing import Bounds
from tests.fakes.clock import START
from tests.unit.examples import FINE, entry, judge, subscription
from tests.unit.test_decide import FIRST, Desk, outcomes

REVIEW = ("China's cyberspace regulator opens cybersecurity review of Kuaishou", "The office said so.")
FINED = ("China's cyberspace regulator fines Kuaishou 2 billion yuan", "The office said so.")
NOTICE = "国家网信办关于某平台的通告"
OPENED = (NOTICE, "国家网信办发布通告，对某平台启动网络安全审查。")
ENDED = (NOTICE, "国家网信办发布通告，对某平台处以80.26亿元罚款，并责令停业。")


def read(desk, text, *, minutes=0, at=START, **other):
    title, body = text
    return desk.read(entry(title, path="/one", body=body, at=at), at=START + timedelta(minutes=minutes), **other)


def desk_of(*texts):
    desk = Desk(subscription("fake:1", "all"))
    return desk, [read(desk, text, minutes=n) for n, text in enumerate(texts)]


@pytest.mark.parametrize(("before", "after"), [(REVIEW, FINED), (OPENED, ENDED)])
def test_a_further_act_in_a_changed_text_is_an_update(before, after):
    desk, (first, changed) = desk_of(before, after)
    assert (outcomes(first), outcomes(changed)) == (["alert"], ["update"])
    (row,) = changed.deliveries
    assert (row.act, row.story_id, row.revision) == (Act.REPLY, first.stories[0].id, 2)
    message = dict(changed.messages)[row.message_id].plain()
    assert "now: fine" in message
    assert "Why: “" in message
    assert changed.stories[0].report_count == 1
    assert changed.stories[0].reports[0].title == after[0]
    # there and back again
    for text in (before, after, before, after):
        again = read(desk, text, minutes=9)
        assert (again.entries, again.deliveries, again.stories) == ((), (), ())


def test_a_first_sum_and_another_sum_are_updates():
    plain = ("China's cyberspace regulator fines Kuaishou", "")
    _, (_, first, other, same) = desk_of(
        plain, FINED, ("China's cyberspace regulator fines Kuaishou 3 billion yuan", ""), FINED
    )
    assert [s.outcome for s in first.entries[0].stages] == [f"of #{first.stories[0].id}", "the sum is known"]
    assert other.entries[0].stages[-1].outcome == "another sum"
    assert outcomes(same) == []


@pytest.mark.parametrize(
    "text",
    [
        ("China's cyberspace regulator opens a cybersecurity review of Kuaishou, shares fall", REVIEW[1]),
        (REVIEW[0], "The office said on Friday that it would look into how the company keeps data."),
        (REVIEW[0] + ", a month after Didi's $1.2 billion fine", REVIEW[1]),
        (REVIEW[0], "The office said so. Didi was fined $1.2 billion in 2022."),
        ("Kuaishou under review", ""),
        ("A page that was moved", ""),
    ],
)
def test_other_words_are_nothing(text):
    _, (_, changed) = desk_of(REVIEW, text)
    assert (changed.entries, changed.deliveries, changed.stories) == ((), (), ())


def test_another_date_is_nothing():
    desk, _ = desk_of(REVIEW)
    again = read(desk, REVIEW, minutes=5, at=START + timedelta(minutes=4))
    assert (again.entries, again.deliveries) == ((), ())


def test_a_rebuilt_editor_knows_what_was_told():
    desk, (first,) = desk_of(REVIEW)
    rebuilt = Desk(subscription("fake:1", "all"))
    rebuilt.seen = desk.seen
    rebuilt.editor = Editor(first.stories, bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))
    changed = read(rebuilt, FINED, minutes=3)
    assert outcomes(changed) == ["update"]
    rebuilt.editor = Editor(changed.stories, bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))
    assert [outcomes(read(rebuilt, text, minutes=4)) for text in (REVIEW, FINED)] == [[], []]


def test_a_story_nobody_was_told_of_is_told_when_its_text_changes():
    desk = Desk(subscription("fake:1", "all"))
    (quiet,) = read(desk, REVIEW, state=FIRST).stories
    changed = read(desk, FINED, minutes=5)
    assert outcomes(changed) == ["alert"]
    assert [d.act for d in changed.deliveries] == [Act.POST]
    assert (changed.stories[0].id, changed.stories[0].silent) == (quiet.id, False)


def test_seen_entries_of_no_story_are_not_judged_again(monkeypatch):
    desk = Desk(subscription("fake:1", "all"))
    dull = [entry(f"Harvest report {n}", path=f"/{n}") for n in range(50)]
    desk.read(entry(FINE, path="/fine"), *dull)
    asked = []
    original = type(judge()).judge
    monkeypatch.setattr(type(judge()), "judge", lambda self, *a: asked.append(a) or original(self, *a))
    changed = [replace(e, title=e.title + " again") for e in dull]
    desk.read(entry(FINE, path="/fine"), *changed)
    assert asked == []


def test_a_forgotten_story_hears_of_no_change():
    desk, _ = desk_of(REVIEW)
    desk.editor.forget(START + timedelta(days=40))
    assert outcomes(read(desk, FINED, minutes=60)) == []
