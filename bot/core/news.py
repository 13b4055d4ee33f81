"""What comes in and what becomes of it: feed, reading, entry, verdict, story.

All values are frozen. Times are aware and UTC; durations end in `_s` and are seconds; ids are strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

ALL_ENTRIES = 1_000_000
"""`Feed.first` of a feed whose whole first reading may alert."""


class Kind(StrEnum):
    """How a source is read. `FEED` covers RSS 0.9x/1.0/2.0, Atom and JSON Feed, told apart by content."""

    FEED = "feed"
    HTML = "html"
    JSON = "json"


class Tier(StrEnum):
    """How near a source is to the fact, best first."""

    OFFICIAL = "official"
    FILING = "filing"
    WIRE = "wire"
    PRESS = "press"
    SOCIAL = "social"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A place to look for news, as an operator defined it (in a file, or in chat).

    every_s: fixed interval; None lets it adapt between poll.min and poll.max.
    first: how many of the newest entries may alert at the very first poll; 0 none, ALL_ENTRIES all.
    article: when it gives little more than a headline, read the article itself for the summary.
    zone: IANA name for dates that come without one.
    options: what the kind needs. html: `item`, `title`, `link`, `date`, `summary` (CSS selectors; `link` may end
        in `@attribute`). json: `items`, `title`, `link`, `date`, `summary`, `id` (dotted paths), `page` (a template
        such as `https://host/{id}.html` when the rows carry no link). Both: `date_format` (strptime), `method`,
        `form` (a urlencoded body for POST), `headers` is not an option: secrets do not belong here.
    """

    id: str
    url: str
    name: str = ""
    kind: Kind = Kind.FEED
    lang: str = ""
    tier: Tier = Tier.PRESS
    every_s: float | None = None
    first: int = 0
    zone: str = "UTC"
    options: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    article: bool = False
    origin: str = "file"
    """`file`, or the actor who added it in chat."""

    @property
    def outlet(self) -> str:
        """Name shown to readers."""
        return self.name or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What lets the next poll cost nothing. body_hash: 32 hex digits of the decoded body, "" before the first."""

    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What the bot remembers of one feed between polls.

    next_check: when it is due. interval_s: the pause chosen last. failures: in a row, 0 when the last poll went well.
    error: last failure as a sentence, "" when well. last_ok: last good answer (304 included). last_new: last poll
    that brought an unseen entry. baselined: the first reading was taken, so unseen entries are news.
    """

    feed_id: str
    next_check: datetime
    interval_s: float = 0.0
    validators: Validators = Validators()
    failures: int = 0
    error: str = ""
    last_ok: datetime | None = None
    last_new: datetime | None = None
    baselined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a feed, cleaned: plain text, no markup, no control characters, at most 64 kB a field.

    key: its identity (`identity.entry_keys`): canonical link, else guid, else hash of outlet, title and day.
    aliases: every key under which it may come back, `key` first.
    published: None when the source gives none or nonsense. day_only: the source gives a date without a time.
    """

    feed_id: str
    key: str
    aliases: tuple[str, ...]
    url: str
    title: str
    body: str = ""
    published: datetime | None = None
    day_only: bool = False
    source: str = ""
    lang: str = ""
    tier: Tier = Tier.PRESS
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One successful look at a feed.

    entries: in document order, at most 500. unchanged: 304, or the same bytes as last time; then no entries.
    moved_to: where a permanent redirect (301, 308) led, "" when none. retry_after_s, ttl_s: what the server or the
    document asked for. title: the channel's own name. notes: what an operator may want to know, one sentence each.
    """

    feed_id: str
    at: datetime
    entries: tuple[Entry, ...] = ()
    unchanged: bool = False
    validators: Validators = Validators()
    moved_to: str = ""
    retry_after_s: float | None = None
    ttl_s: float | None = None
    title: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a rule fired. where: `title` or `body`; start, end: character offsets in that field of the entry, so that
    `field[start:end] == words`. weight is negative for what speaks against."""

    rule: str
    words: str
    where: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One topic's opinion of an entry. review: from this score on it is a near miss."""

    topic: str
    score: float
    threshold: float
    evidence: tuple[Evidence, ...] = ()
    review: float = 0.6

    @property
    def fired(self) -> bool:
        return self.score >= self.threshold

    @property
    def near(self) -> bool:
        return self.review <= self.score < self.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One named step of a decision and how it ended, in words a person reads."""

    name: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules say of one entry, by itself: no memory, no subscribers.

    alert: some topic fired. matches: every topic with any evidence, best first. entities: keys of companies and laws
    named, none so general that it tells nothing apart. subjects: what it is about, softer (`minors`, `live-streams`).
    acts: kinds of thing done (`fine`, `delist`), the same in every language; headline_acts: those of
    them that the headline names. urgent: the headline names an act that a
    topic it alerts calls urgent. object: the headline, folded, without the words that every report of its kind has.
    amounts: sums of money
    named, in CNY. stages: normalised, rules, blockers, in order. reason: one sentence.
    """

    alert: bool
    matches: tuple[Match, ...] = ()
    entities: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    headline_acts: tuple[str, ...] = ()
    urgent: bool = False
    object: str = ""
    amounts: tuple[float, ...] = ()
    stages: tuple[Stage, ...] = ()
    reason: str = ""

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics that fired, strongest first."""
        return tuple(m.topic for m in self.matches if m.fired)

    @property
    def score(self) -> float:
        return max((m.score for m in self.matches), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An entry with everything that was decided about it, as kept in the archive for /why, /whynot and backtests.

    outcome: `alert`, `update` (of a story), `grew` (a story), `review` (a near miss), `baseline`, `old`, `no-match`.
    story_id: "" when none.
    """

    entry: Entry
    at: datetime
    outcome: str
    story_id: str = ""
    verdict: Verdict = Verdict(alert=False)
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One outlet's account of a story."""

    key: str
    source: str
    url: str
    title: str
    at: datetime
    tier: Tier = Tier.PRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One thing that happened, however many outlets report it.

    id: 6 of 0-9a-z, shown as `#id` on every copy. title, summary, url, source, lang, published: of the lead report.
    spans: where each sentence of the summary stands in the text it was taken from.
    why: the sentence that says what matched. words: the words that matched, to be marked in the title.
    reports: oldest first, at most 50. report_count: all of them. revision: grows with each visible change.
    features: what `judge.stories` needs to recognise the story again; plain JSON, opaque to stores.
    score: of the lead report, by the topic it fits best.
    urgent: its act is one that may break into quiet hours. rumour: so far a plan, or told by unnamed sources.
    silent: known only from first readings or old entries, so nobody was told of it yet.
    merged_into: id of the story it was found to be part of, "" for all others.
    """

    id: str
    title: str
    summary: str
    url: str
    source: str
    tier: Tier
    lang: str
    topics: tuple[str, ...]
    why: str
    words: tuple[str, ...]
    published: datetime | None
    first_seen: datetime
    last_update: datetime
    spans: tuple[tuple[int, int], ...] = ()
    entities: tuple[str, ...] = ()
    reports: tuple[Report, ...] = ()
    report_count: int = 1
    revision: int = 1
    features: Mapping[str, object] = field(default_factory=dict)
    score: float = 0.0
    urgent: bool = False
    rumour: bool = False
    silent: bool = False
    merged_into: str = ""
