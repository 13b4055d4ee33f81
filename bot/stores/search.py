"""Find stories: newest by topic at once, by words through an index that is built at the first question."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence

from bot.core.news import Story
from bot.stores.folding import fold, terms
from bot.stores.memory import searchable


class StorySearch:
    """Holds ids, times and topics; the words only once somebody has searched."""

    def __init__(self, stories: Callable[[], Iterable[Story]]) -> None:
        """stories: all of them, as stored."""
        self._stories = stories
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._texts: dict[str, str] | None = None
        self._holding: dict[str, set[str]] = {}
        for story in stories():
            self._known[story.id] = (story.first_seen.timestamp(), story.topics)

    def put(self, story: Story) -> None:
        self._known[story.id] = (story.first_seen.timestamp(), story.topics)
        if self._texts is not None:
            self._index(story)

    def forget(self, story_id: str) -> None:
        self._known.pop(story_id, None)
        if self._texts is not None and story_id in self._texts:
            for term in set(terms(self._texts.pop(story_id))):
                self._holding[term].discard(story_id)

    def newest(self, topics: Sequence[str], limit: int) -> list[str]:
        wanted = set(topics)
        found = (i for i, (_, its) in self._known.items() if not wanted or wanted & set(its))
        return heapq.nlargest(limit, found, key=lambda i: self._known[i][0])

    def find(self, words: str, limit: int) -> list[str]:
        """Ids of stories that hold every word, newest first."""
        if self._texts is None:
            self._texts = {}
            for story in self._stories():
                self._index(story)
        asked = words.split()
        found: set[str] | None = None
        for word in asked:
            parts = set(terms(word))
            holding = [self._holding.get(part, set()) for part in parts]
            with_all = set.intersection(*holding) if holding else set()
            folded = fold(word)
            if any(c >= "\u3400" for c in folded):
                with_all = {i for i in with_all if folded in self._texts[i]}
            found = with_all if found is None else found & with_all
        return heapq.nlargest(limit, found or (), key=lambda i: self._known[i][0])

    def _index(self, story: Story) -> None:
        assert self._texts is not None
        text = fold(searchable(story))
        if story.id in self._texts:
            for term in set(terms(self._texts[story.id])):
                self._holding[term].discard(story.id)
        self._texts[story.id] = text
        for term in set(terms(text)):
            self._holding.setdefault(term, set()).add(story.id)
