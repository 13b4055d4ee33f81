"""The seed: a press conference of August 2022 and what it looked back on, in three scripts, as many outlets told it."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.core.news import Feed, FeedState, Reading, Tier
from bot.judge.decide import Editor, Memory, keys_of
from bot.judge.timing import Bounds
from tests.unit.examples import entry, judge, subscription

STORIES = YAML(typ="safe").load(Path(__file__).with_name("seed.yaml"))


def reported(name):
    """What became of each report of a story, in the order in which they came, and the messages sent."""
    editor = Editor([], bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))
    kept, sent = [], []
    for minutes, outlet, title, body in STORIES[name]["reports"]:
        at = STORIES[name]["at"] + timedelta(minutes=minutes)
        tier = Tier.OFFICIAL if outlet == "office" else Tier.PRESS
        item = replace(entry(title, feed=outlet, path=f"/{minutes}", body=body, at=at), tier=tier)
        reading = Reading(feed_id=outlet, at=at, entries=(item,))
        memory = Memory(unseen=keys_of(reading), subscriptions=(subscription("fake:1", "all"),))
        state = FeedState(feed_id=outlet, next_check=at, baselined=True)
        changes = editor.decide(Feed(id=outlet, url="https://x.example"), state, reading, memory, judge())
        kept += changes.entries
        sent += [dict(changes.messages)[d.message_id] for d in changes.deliveries]
    return kept, sent


@pytest.mark.parametrize("name", STORIES)
def test_one_story_one_alert(name):
    kept, sent = reported(name)
    assert [k.outcome for k in kept] == ["alert"] + ["grew"] * (len(kept) - 1)
    assert len({k.story_id for k in kept}) == 1
    assert len(sent) == 1


def test_all_reports_through_one_desk_are_as_many_alerts_as_stories():
    editor = Editor([], bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))
    told = [
        (story["at"] + timedelta(minutes=minutes), name, outlet, title, body, minutes)
        for name, story in STORIES.items()
        for minutes, outlet, title, body in story["reports"]
    ]
    ids = {}
    for at, name, outlet, title, body, minutes in sorted(told):
        item = entry(title, feed=outlet, path=f"/{name}{minutes}", body=body, at=at)
        reading = Reading(feed_id=outlet, at=at, entries=(item,))
        memory = Memory(unseen=keys_of(reading), subscriptions=(subscription("fake:1", "all"),))
        state = FeedState(feed_id=outlet, next_check=at, baselined=True)
        changes = editor.decide(Feed(id=outlet, url="https://x.example"), state, reading, memory, judge())
        ids.setdefault(name, set()).update(k.story_id for k in changes.entries)
    assert len(told) == 31
    assert all(len(found) == 1 for found in ids.values())
    assert len(set.union(*ids.values())) == len(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_the_alert_names_actor_and_act_and_says_why(name):
    (message,) = reported(name)[1]
    shown = message.plain()
    assert any(actor in shown for actor in STORIES[name]["actor"])
    assert any(act in shown for act in STORIES[name]["act"])
    assert "Why: “" in shown


def test_whichever_report_comes_first_is_an_alert_that_names_its_words():
    for name, story in STORIES.items():
        for _, outlet, title, body in story["reports"]:
            verdict = judge().judge(entry(title, feed=outlet, body=body))
            assert verdict.alert, (name, title, verdict.reason)
            assert any(e.words in title or e.words in body for e in verdict.matches[0].evidence)
