"""The labelled development set, when it is there: what judging reaches on it must not get worse."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from bot.cli.judge import Desk, answer
from tests.unit.examples import judge as shipped

SIGNAL = Path(__file__).resolve().parents[3] / "shared" / "signal"
pytestmark = pytest.mark.skipif(not SIGNAL.is_dir(), reason="the labelled set is not part of the repository")
STRICT_PRECISION, RECALL, LENIENT_PRECISION = 0.97, 0.975, 0.995
STORY_RECALL, ALERTS_A_STORY = 0.985, 1.04
LOST_IN_A_MERGE = 1


@pytest.fixture(scope="module")
def judged() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    items = [json.loads(line) for line in (SIGNAL / "dev.jsonl").read_text().splitlines()]
    judge, desk = shipped(), Desk()
    given = ("id", "title", "summary", "lang", "published")
    asked = ({k: i[k] for k in given if k in i} for i in items)
    answers = [answer(judge, desk, json.dumps(item).encode(), n) for n, item in enumerate(asked, 1)]
    return list(zip(items, answers, strict=True))


def relevant(item: dict[str, Any]) -> bool:
    return bool(item["labels"]["relevant"])


def test_precision_and_recall(judged: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    right = sum(a["alert"] and relevant(i) for i, a in judged)
    false = sum(a["alert"] and not relevant(i) for i, a in judged)
    near = sum(a["alert"] and not relevant(i) and i.get("cls") == "near" for i, a in judged)
    missed = sum(not a["alert"] and relevant(i) for i, a in judged)
    assert right / (right + false) >= STRICT_PRECISION
    assert right / (right + false - near) >= LENIENT_PRECISION
    assert right / (right + missed) >= RECALL


def test_stories(judged: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    stories: defaultdict[str, set[str]] = defaultdict(set)
    gold = {i["story"] for i, _ in judged if relevant(i) and i.get("story")}
    for item, said in judged:
        if relevant(item) and item.get("story") and said["alert"]:
            stories[item["story"]].add(said["story"])
    assert len(stories) / len(gold) >= STORY_RECALL
    assert sum(map(len, stories.values())) / len(stories) <= ALERTS_A_STORY
    held: defaultdict[str, set[str]] = defaultdict(set)
    for name, found in stories.items():
        for story in found:
            held[story].add(name)
    assert sum(len(names) - 1 for names in held.values()) <= LOST_IN_A_MERGE
