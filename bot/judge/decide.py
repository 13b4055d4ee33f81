"""A reading and what is remembered become one `Changes`: who learns what, and why."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.changes import Changes
from bot.core.chat import REVIEW, Act, Delivery, State, Subscription
from bot.core.errors import FetchError
from bot.core.habits import Habits
from bot.core.identity import delivery_key, digest, story_id
from bot.core.message import Message
from bot.core.news import Entry, Feed, FeedState, Judged, Reading, Report, Stage, Story, Verdict
from bot.judge import render, timing
from bot.judge.gathering import LATE
from bot.judge.hours import Told, Untold, why_held
from bot.judge.retold import Kept, Texts, as_headline
from bot.judge.stories import Joined, StoryIndex, with_memory
from bot.judge.summary import summarise
from bot.judge.updates import changed, told, whats_new
from bot.judge.verdict import Judge

OUTAGE_S = 3600.0
"""So long without a good look at a feed, and its older entries come as one list instead of ringing one by one."""
MAX_REPORTS = 50
"""Reports kept by name in a story; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a decision may know. unseen: those of the reading's keys never seen before. articles: by entry key, the
    text of an article whose feed gives little more than a headline. rewrites: by entry key, a summary to be shown in
    place of sentences of the source. habits: of the chats that have any, by chat."""

    unseen: frozenset[str]
    subscriptions: Sequence[Subscription]
    articles: Mapping[str, str] = field(default_factory=dict)
    rewrites: Mapping[str, str] = field(default_factory=dict)
    habits: Mapping[str, Habits] = field(default_factory=dict)


def keys_of(reading: Reading) -> frozenset[str]:
    """Every key a decision on this reading will ask about."""
    return frozenset(key for entry in reading.entries for key in _keys(entry))


@dataclass(slots=True)
class _Draft:
    """What one reading has decided so far."""

    now: datetime
    memory: Memory
    late_before: datetime | None
    entries: list[Judged] = field(default_factory=list)
    stories: dict[str, Story] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)

    def send(self, messages: Iterable[tuple[str, Message]], rows: Iterable[Delivery]) -> None:
        self.messages.update(messages)
        self.deliveries.extend(rows)

    def tell(self, story: Story, message: Message, act: Act, entry: Entry) -> None:
        self.send(*tell(story, message, act, self.memory, self.now, late=self.late(entry)))

    def tell_those_it_reaches_now(self, story: Story, before: Story, entry: Entry) -> None:
        """A report has brought the story a topic or a score that further chats asked for: it is new to them."""
        told = {s.chat_id for s in self.memory.subscriptions if s.wants(before.topics, before.score)}
        others = [s for s in self.memory.subscriptions if s.chat_id not in told]
        reached = replace(self.memory, subscriptions=others)
        late = self.late(entry)
        self.send(*tell(story, render.alert(story), Act.POST, reached, self.now, late=late))

    def late(self, entry: Entry) -> bool:
        """Whether an outage has kept this entry from being read while it was new."""
        return self.late_before is not None and (entry.published or self.late_before) <= self.late_before


class Editor:
    """Decides what each entry of a reading is to its readers.

    It keeps the live stories and the index that finds them. Both move on with every `decide`, so a caller whose
    commit then fails must build a new Editor from the store.
    """

    def __init__(
        self,
        live: Sequence[Story],
        *,
        bounds: timing.Bounds,
        max_age_s: float,
        rng: random.Random,
        outage_s: float = OUTAGE_S,
    ) -> None:
        """max_age_s, outage_s: see config.models.Poll and DeliveryPolicy."""
        self._outage_s = outage_s
        self._bounds = bounds
        self._max_age = timedelta(seconds=max_age_s)
        self._rng = rng
        self._index = StoryIndex()
        self._texts = Texts()
        self._live: dict[str, Story] = {}
        for story in live:
            self._keep(story)

    def decide(self, feed: Feed, state: FeedState, reading: Reading, memory: Memory, judge: Judge) -> Changes:
        """All of `deciding` at once."""
        steps = self.deciding(feed, state, reading, memory, judge)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                changes: Changes = done.value
                return changes

    def deciding(
        self, feed: Feed, state: FeedState, reading: Reading, memory: Memory, judge: Judge
    ) -> Generator[None, None, Changes]:
        """Everything to remember of this reading, as one value; a step an entry, for some are long.

        Unseen entries of a first reading beyond `feed.first`, and entries published longer ago than max_age, are
        judged and kept for look-ups, but wake nobody.
        """
        draft = _Draft(reading.at, memory, self._late_before(state, reading.at))
        fresh = [e for e in reading.entries if all(key in memory.unseen for key in _keys(e))]
        fresh = list({e.key: e for e in reversed(fresh)}.values())
        fresh.sort(key=lambda e: e.published or reading.at)
        loud = fresh if state.baselined else fresh[max(0, len(fresh) - feed.first) :]
        names = {e.key for e in loud}
        for entry in fresh:
            old = entry.published is not None and entry.published < draft.now - self._max_age
            why_quiet = "" if entry.key in names and not old else "old" if old else "baseline"
            self._take(entry, judge.judge(entry), draft, why_quiet)
            yield
        new = {e.key for e in fresh}
        for entry in reading.entries:
            kept = self._texts.other(entry) if entry.key not in new else None
            if kept:
                self._retell(entry, kept, judge, draft)
                yield
        return Changes(
            at=reading.at,
            states=(timing.after_reading(feed, state, reading, bool(fresh), self._bounds, self._rng),),
            seen=tuple(dict.fromkeys(k for e in reading.entries for k in _keys(e) if k in memory.unseen)),
            entries=tuple(draft.entries),
            stories=tuple(draft.stories.values()),
            messages=tuple(draft.messages.items()),
            deliveries=tuple(draft.deliveries),
        )

    def _late_before(self, state: FeedState, now: datetime) -> datetime | None:
        """Until when an entry must have been published to be late; None when the feed was read all the time."""
        pause = timedelta(seconds=max(self._outage_s, 2 * state.interval_s))
        away = state.last_ok is not None and now - state.last_ok > pause
        return now - timedelta(seconds=self._outage_s) if away else None

    def unchanged(self, feed: Feed, state: FeedState, reading: Reading) -> FeedState:
        """The feed's next state after a reading that held what the last one did."""
        return timing.after_reading(feed, state, reading, False, self._bounds, self._rng)

    def failed(self, feed: Feed, state: FeedState, error: FetchError, now: datetime) -> FeedState:
        """The feed's next state after a poll that failed: a later next check, and the reason."""
        return timing.after_failure(feed, state, error, now, self._bounds, self._rng)

    def forget(self, before: datetime) -> None:
        """Let go of stories nothing can join any more."""
        self._index.forget(before)
        self._live = {key: story for key, story in self._live.items() if story.last_update >= before}
        self._texts.forget(self._live)

    def _take(self, entry: Entry, verdict: Verdict, draft: _Draft, why_quiet: str) -> None:
        """Decide one unseen entry."""
        verdict = with_memory(verdict, self._index, draft.now)
        if not verdict.alert:
            near = not why_quiet and any(m.near for m in verdict.matches)
            outcome = "review" if near else "no-match"
            draft.entries.append(Judged(entry=entry, at=draft.now, outcome=outcome, verdict=verdict))
            if near:
                # To those who want to see what nearly was an alert. It makes no story: nothing joins it.
                lanes = (s for s in draft.memory.subscriptions if s.topic == REVIEW and verdict.score >= s.least)
                chats = dict.fromkeys(s.chat_id for s in lanes)
                about = (digest(entry.key), 0, REVIEW)
                hold = _holding(draft.memory, Untold(title=entry.title), draft.now, late=draft.late(entry))
                draft.send(*_rows(chats, render.near_miss(entry, verdict), about, Act.POST, draft.now, hold))
            return
        joined = self._index.find(entry, verdict, draft.now)
        known = self._live.get(joined.story_id) if joined else None
        if joined and known and (not known.silent or why_quiet):
            self._join(joined, known, entry, verdict, draft, why_quiet)
            return
        # A story nobody was told of starts anew, under its own id, with the first report that may wake somebody.
        taken = known.id if known else story_id(entry.key, self._live)
        story = self._story(taken, entry, verdict, draft, silent=bool(why_quiet))
        self._keep(story, draft)
        if not why_quiet:
            draft.tell(story, render.alert(story), Act.POST, entry)
        stage = Stage(name="story", outcome=f"new #{story.id}")
        draft.entries.append(_judged(entry, why_quiet or "alert", story, verdict, stage, draft))

    def _join(
        self, joined: Joined, known: Story, entry: Entry, verdict: Verdict, draft: _Draft, why_quiet: str
    ) -> None:
        """One more report of a story; news within it gets a message of its own, as an answer to the first."""
        before = known.features.get("told")
        before = before if isinstance(before, dict) else {}
        new = "" if why_quiet else whats_new(before, entry, verdict)
        features = self._index.features(entry, verdict, draft.now, known.features)
        features["told"] = told(entry, verdict, before) if new else before
        story = _grown(known, entry, verdict, draft.now, features)
        self._keep(story, draft)
        if new:
            message = render.update(story, entry, new, verdict, _said(entry, verdict, draft))
            draft.tell(story, message, Act.REPLY, entry)
        elif not why_quiet:
            draft.tell_those_it_reaches_now(story, known, entry)
        stage = Stage(name="story", outcome=f"joined #{story.id}", detail=joined.why)
        outcome = why_quiet or ("update" if new else "grew")
        draft.entries.append(_judged(entry, outcome, story, verdict, stage, draft, new))

    def _retell(self, entry: Entry, kept: Kept, judge: Judge, draft: _Draft) -> None:
        """A seen entry of a live story has another text: news when it tells a further act or another sum, and nothing
        when only words, dates or links have changed."""
        known = self._live.get(kept.story_id)
        verdict = with_memory(judge.judge(entry), self._index, draft.now)
        if known is None or not verdict.alert:
            return
        before = known.features.get("told")
        before = before if isinstance(before, dict) else {}
        read, headline = as_headline(entry)
        reading = judge.judge(read)
        new = changed(before, kept.document, read, reading, headline)
        if not new:
            return
        if known.silent:
            if entry.published is None or entry.published >= draft.now - self._max_age:
                self._take(entry, verdict, draft, "")
            return
        features = self._index.features(entry, verdict, draft.now, known.features)
        features["told"] = told(read, reading, before)
        reports = tuple(replace(r, title=entry.title) if r.key in entry.aliases else r for r in known.reports)
        story = replace(known, reports=reports, revision=known.revision + 1, features=features, last_update=draft.now)
        self._keep(story, draft)
        draft.tell(story, render.update(story, entry, new, verdict, _said(entry, verdict, draft)), Act.REPLY, entry)
        stage = Stage(name="story", outcome=f"of #{story.id}", detail="its publisher changed the text")
        draft.entries.append(_judged(entry, "update", story, verdict, stage, draft, new))

    def _story(self, name: str, entry: Entry, verdict: Verdict, draft: _Draft, *, silent: bool) -> Story:
        now = draft.now
        evidence = [e for m in verdict.matches if m.fired for e in m.evidence if e.weight > 0]
        words = tuple(dict.fromkeys(e.words for e in evidence if e.where == "title"))
        said = summarise(
            entry.title,
            draft.memory.articles.get(entry.key) or entry.body,
            tuple(dict.fromkeys(e.words for e in evidence)),
        )
        return Story(
            id=name,
            title=entry.title,
            summary=draft.memory.rewrites.get(entry.key) or said.text,
            spans=said.spans,
            url=entry.url,
            source=entry.source or entry.feed_id,
            tier=entry.tier,
            lang=entry.lang,
            topics=verdict.topics,
            score=verdict.score,
            why=verdict.reason,
            words=words,
            published=entry.published,
            first_seen=now,
            last_update=min(now, entry.published) if silent and entry.published else now,
            entities=verdict.entities,
            reports=(_report(entry, now),),
            features={**self._index.features(entry, verdict, now), "told": told(entry, verdict)},
            urgent=verdict.urgent,
            rumour=bool(told(entry, verdict)["rumour"]),
            silent=silent,
        )

    def _keep(self, story: Story, draft: _Draft | None = None) -> None:
        self._live[story.id] = story
        self._index.add(story)
        self._texts.keep(story)
        if draft:
            draft.stories[story.id] = story


def _said(entry: Entry, verdict: Verdict, draft: _Draft) -> str:
    """A summary of one report."""
    words = tuple(dict.fromkeys(e.words for m in verdict.matches if m.fired for e in m.evidence if e.weight > 0))
    body = draft.memory.articles.get(entry.key) or entry.body
    return draft.memory.rewrites.get(entry.key) or summarise(entry.title, body, words).text


def _keys(entry: Entry) -> Iterator[str]:
    """The entry's keys; an undated one is also known by its title, since feeds without dates often change links."""
    yield from entry.aliases
    if entry.published is None:
        yield f"title:{entry.source}:{digest(' '.join(entry.title.casefold().split()))}"


def _report(entry: Entry, now: datetime) -> Report:
    source = entry.source or entry.feed_id
    return Report(key=entry.key, source=source, url=entry.url, title=entry.title, at=now, tier=entry.tier)


def _grown(story: Story, entry: Entry, verdict: Verdict, now: datetime, features: Mapping[str, object]) -> Story:
    reports = story.reports if len(story.reports) >= MAX_REPORTS else (*story.reports, _report(entry, now))
    return replace(
        story,
        reports=reports,
        report_count=story.report_count + 1,
        revision=story.revision + 1,
        topics=tuple(dict.fromkeys((*story.topics, *verdict.topics))),
        score=max(story.score, verdict.score),
        features=features,
        last_update=story.last_update if story.silent else now,
    )


def _judged(
    entry: Entry, outcome: str, story: Story, verdict: Verdict, stage: Stage, draft: _Draft, new: str = ""
) -> Judged:
    stages = (stage, Stage(name="update", outcome=new)) if new else (stage,)
    return Judged(entry=entry, at=draft.now, outcome=outcome, story_id=story.id, verdict=verdict, stages=stages)


Hold = Callable[[str], str]
"""chat id -> why a row for it is held, "" when it is not."""


def tell(
    story: Story, message: Message, act: Act, memory: Memory, now: datetime, *, late: bool = False
) -> tuple[tuple[tuple[str, Message], ...], tuple[Delivery, ...]]:
    """The message, kept once, and a row for each chat, however many of its subscriptions match; held where the chat
    does not want to hear now, or where it comes after an outage and is not urgent."""
    chats = dict.fromkeys(s.chat_id for s in memory.subscriptions if s.wants(story.topics, story.score))
    hold = _holding(memory, story, now, late=late and not story.urgent, urgent=story.urgent)
    return _rows(chats, message, (story.id, story.revision, act.value), act, now, hold, urgent=story.urgent)


def _holding(memory: Memory, story: Told, now: datetime, *, late: bool, urgent: bool = False) -> Hold:
    def why(chat_id: str) -> str:
        habits = memory.habits.get(chat_id)
        return (why_held(habits, story, now, urgent=urgent) if habits else "") or (LATE if late else "")

    return why


def _rows(
    chats: Iterable[str],
    message: Message,
    about: tuple[str, int, str],
    act: Act,
    now: datetime,
    hold: Hold,
    *,
    urgent: bool = False,
) -> tuple[tuple[tuple[str, Message], ...], tuple[Delivery, ...]]:
    """about: story, revision and kind, which together name the message."""
    name, revision, kind = about
    message_id = digest(name, str(revision), *([kind] if kind == REVIEW else []))
    rows = tuple(
        Delivery(
            key=delivery_key(chat, name, revision, kind),
            chat_id=chat,
            message_id=message_id,
            story_id="" if kind == REVIEW else name,
            revision=revision,
            act=act,
            created=now,
            next_try=now,
            held=held,
            state=State.HELD if held else State.PENDING,
            urgent=urgent,
        )
        for chat, held in ((chat, hold(chat)) for chat in chats)
    )
    return (((message_id, message),) if rows else ()), rows
