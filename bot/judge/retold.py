"""Entries that come back with another text: what live stories keep of theirs, found by a look-up each."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.core.identity import digest
from bot.core.news import Entry, Story
from bot.judge.text import fold, is_chinese

LEDE = 300
"""Characters below a headline whose change may be news."""

MOST_TEXTS = 6
"""Texts of an entry that are known again, as when two feeds list it in two ways."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a live story keeps of one entry. texts: prints of those it had, newest last. document: of
    `likeness.describe`."""

    story_id: str
    texts: tuple[str, ...]
    document: Mapping[str, Any]


def print_of(entry: Entry) -> str:
    """The same for texts that read the same."""
    return digest(fold(entry.title), fold(entry.body[:LEDE]))


def as_headline(entry: Entry) -> tuple[Entry, int]:
    """The entry with its first sentences in its headline, and how long the headline alone is when folded."""
    stop = "。" if is_chinese(entry.title) else ". "
    joined = f"{entry.title}{stop}{entry.body[:LEDE]}" if entry.body else entry.title
    return replace(entry, title=joined, body=""), len(fold(entry.title))


class Texts:
    """The texts that the reports of live stories had when they were last read, by each of their keys."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def keep(self, story: Story) -> None:
        """A story is new or has grown."""
        documents = story.features.get("docs", ())
        for document in documents if isinstance(documents, list | tuple) else ():
            for key in document.get("keys", ()):
                before = self._kept[key].texts if key in self._kept else ()
                texts = tuple(dict.fromkeys((*before, str(document.get("text", "")))))
                self._kept[key] = Kept(story.id, texts[-MOST_TEXTS:], document)

    def forget(self, live: Container[str]) -> None:
        """All but those of the stories that live."""
        self._kept = {key: kept for key, kept in self._kept.items() if kept.story_id in live}

    def other(self, entry: Entry) -> Kept | None:
        """What a live story keeps of this entry, when it never had this text; from now on it had."""
        kept = next((self._kept[key] for key in entry.aliases if key in self._kept), None)
        if kept is None:
            return None
        text = print_of(entry)
        if text in kept.texts:
            return None
        for key in entry.aliases:
            self._kept[key] = replace(kept, texts=(*kept.texts, text)[-MOST_TEXTS:])
        return kept
