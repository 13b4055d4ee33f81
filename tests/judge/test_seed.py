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


class Desk:
    """One Editor that reads reports as they come, and what it made of them."""

    def __init__(self):
        self.editor = Editor([], bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))
        self.kept, self.stories, self.sent = [], {}, []

    def read(self, at, name, outlet, title, body, minutes):
        tier = Tier.OFFICIAL if outlet == "office" else Tier.PRESS
        item = replace(entry(title, feed=outlet, path=f"/{name}{minutes}", body=body, at=at), tier=tier)
        reading = Reading(feed_id=outlet, at=at, entries=(item,))
        memory = Memory(unseen=keys_of(reading), subscriptions=(subscription("fake:1", "all"),))
        state = FeedState(feed_id=outlet, next_check=at, baselined=True)
        changes = self.editor.decide(Feed(id=outlet, url="https://x.example"), state, reading, memory, judge())
        self.kept += [(name, k) for k in changes.entries]
        for story in changes.stories:
            self.stories.setdefault(story.id, story)
        self.sent += [(name, dict(changes.messages)[d.message_id]) for d in changes.deliveries]
        return self


def reports(name, day=None):
    """Of a story, at its own time or counted from that of another."""
    return [
        (STORIES[day or name]["at"] + timedelta(minutes=minutes), name, outlet, title, body, minutes)
        for minutes, outlet, title, body in STORIES[name]["reports"]
    ]


@pytest.mark.parametrize("day", ["conference", None], ids=["all on one day", "at their own dates"])
def test_all_reports_through_one_desk_are_as_many_alerts_as_stories(day):
    desk = Desk()
    told = sorted(r for name in STORIES for r in reports(name, day))
    assert len(told) == 31
    for report in told:
        desk.read(*report)
    ids = {name: {k.story_id for other, k in desk.kept if other == name} for name in STORIES}
    assert {name: len(found) for name, found in ids.items()} == dict.fromkeys(STORIES, 1)
    assert len(set.union(*ids.values())) == len(STORIES)
    assert sorted(k.outcome for _, k in desk.kept) == ["alert"] * 4 + ["grew"] * 27
    assert sorted(name for name, _ in desk.sent) == sorted(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_whichever_report_comes_first_the_summary_itself_names_actor_and_act(name):
    """As far as the text below its headline does: a summary is made of the source's own sentences."""
    for report in reports(name):
        desk = Desk().read(*report)
        (story,) = desk.stories.values()
        body = report[4]
        for words in (STORIES[name]["actor"], STORIES[name]["act"]):
            if any(word in body for word in words):
                assert any(word in story.summary for word in words), (words, story.summary)
        assert bool(story.summary) == bool(body)
        ((_, message),) = desk.sent
        shown = message.plain()
        assert any(word in story.title + story.summary for word in STORIES[name]["actor"])
        assert any(word in story.title + story.summary for word in STORIES[name]["act"])
        assert "Why: “" in shown


def test_whichever_report_comes_first_is_an_alert_that_names_its_words():
    for name, story in STORIES.items():
        for _, outlet, title, body in story["reports"]:
            verdict = judge().judge(entry(title, feed=outlet, body=body))
            assert verdict.alert, (name, title, verdict.reason)
            assert any(e.words in title or e.words in body for e in verdict.matches[0].evidence)
