"""Headlines written from facts, in the ways outlets put them: what alerts, under which topic, and what does not."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.unit.examples import entry, judge

ROWS = YAML(typ="safe").load(Path(__file__).with_name("headlines.yaml"))
WANTED = {"cac": {"cac"}, "listing": {"listing"}, "both": {"cac", "listing"}, "near": set(), "none": set()}


@pytest.mark.parametrize("section", WANTED)
def test_headlines_alert_as_their_section_says(section):
    wrong = []
    for row in ROWS[section]:
        title, _, body = row.partition(" | ")
        topics = set(judge().judge(entry(title, body=body)).topics)
        missing = WANTED[section] - topics
        if missing or (topics and not WANTED[section]):
            wrong.append((sorted(topics), row))
    assert not wrong


def test_every_alert_says_by_which_words():
    for section in ("cac", "listing", "both"):
        for row in ROWS[section]:
            title, _, body = row.partition(" | ")
            found = judge().judge(entry(title, body=body))
            best = found.matches[0].evidence
            assert any(e.weight > 0 and e.words in (title if e.where == "title" else body) for e in best), row
