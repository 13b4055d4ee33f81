"""A story as a neutral message: what happened, from whom, why it matched, when, and its short id."""

from __future__ import annotations

from datetime import datetime

from bot.core.message import (
    Block,
    Button,
    Line,
    Message,
    Shape,
    Span,
    Style,
    bold,
    bullets,
    code,
    line,
    note,
    text,
    title,
)
from bot.core.news import Entry, Story, Tier, Verdict
from bot.judge.trial import EXAMPLES, Trial
from bot.judge.updates import denies

OFFICIAL = (Tier.OFFICIAL, Tier.FILING)
NAMED = 5
"""Outlets named in a message; the rest are counted."""
THIN, THIN_DAYS = 200, 7
"""Fewer entries, or days that hold any, and a rule tried on them has hardly been tried."""
TOPIC_NAMES = {"cac": "CAC", "listing": "Listing"}


def alert(story: Story) -> Message:
    """The message every subscriber gets: linked title with the matched words marked, summary, source, topic, time,
    who else has it, why, `#id`. As the story grows, the same message is made anew and takes the old one's place."""
    blocks = [Block(Shape.TITLE, (marked(story.title, story.words, story.url),))]
    if story.summary:
        blocks.append(text(story.summary))
    badge = standing(story)
    blocks.append(text(line(bold(story.source), f" · {topics(story)} · {when(story)}", f" · {badge}" if badge else "")))
    if others := also(story):
        blocks.append(text(others))
    blocks.append(note(f"Why: {story.why}"))
    blocks.append(note(code(f"#{story.id}")))
    return Message(tuple(blocks), buttons=(Button("Why?", f"why {story.id}"),), lang="en")


def update(story: Story, entry: Entry, new: str, verdict: Verdict, summary: str) -> Message:
    """What a later report adds to a story told before, and why it counts; shown as an answer to the first message."""
    evidence = [e for m in verdict.matches if m.fired for e in m.evidence if e.weight > 0]
    words = tuple(dict.fromkeys(e.words for e in evidence if e.where == "title"))
    head = line(bold("Update"), f" ({new}): ", *marked(entry.title, words, entry.url))
    at = f"published {stamp(entry.published)}" if entry.published else f"first seen {stamp(story.last_update)}"
    source = text(line(bold(entry.source or entry.feed_id), f" · {topics(story)} · {at}"))
    said = (text(summary),) if summary else ()
    blocks = (Block(Shape.TITLE, (head,)), *said, source, note(f"Why: {verdict.reason}"), note(code(f"#{story.id}")))
    return Message(blocks, buttons=(Button("Why?", f"why {story.id}"),), lang="en")


def near_miss(entry: Entry, verdict: Verdict) -> Message:
    """What scored less than its topic asks for, for those who want to see it."""
    blocks = (
        title(bold("Near miss: "), Span(entry.title, url=entry.url)),
        text(line(bold(entry.source or entry.feed_id))),
        note(verdict.reason),
    )
    return Message(blocks, lang="en")


def trial(tried: Trial, written: str) -> tuple[Block, ...]:
    """What a rule would have done, for chat and terminal alike; with a warning where that tells little."""
    days = [f"{day:%Y-%m-%d}: {count}" for day, count in list(tried.by_day.items())[-14:]]
    overlap = ", ".join(f"{count} of {topic}" for topic, count in tried.overlap.items())
    facts = [
        f"Tried on the {tried.read} entries kept from {tried.days} days. It fires on {tried.hits}.",
        f"It adds {len(tried.added)} alerts to today's rules and removes {len(tried.removed)}."
        + (f" The most it adds on one day: {tried.worst_day}." if tried.worst_day else ""),
        f"Of its hits, today's rules alert already: {overlap or 'none'}.",
    ]
    if tried.read < THIN or tried.days < THIN_DAYS:
        entries, over = _counted(tried.read, "entry", "entries"), _counted(tried.days, "day", "days")
        facts.append(f"There are only {entries} in the history, from {over}, so this tells little.")
    blocks = [title(written[:120]), bullets(*facts)]
    if days:
        blocks.append(text(line(bold("Per day: "), " · ".join(days))))
    for name, found in (("Adds", tried.added), ("Removes", tried.removed)):
        if found:
            blocks.append(text(line(bold(f"{name}:"))))
            blocks.append(bullets(*(line(Span(e.title, url=e.url)) for e in found[:EXAMPLES])))
    return tuple(blocks)


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def one_line(story: Story) -> Line:
    """For lists: id, linked title, source and time."""
    more = f" +{story.report_count - 1}" if story.report_count > 1 else ""
    return line(
        code(f"#{story.id}"),
        " ",
        Span(story.title, url=story.url),
        f" · {story.source}{more} · {topics(story)} · {when(story)}",
    )


def standing(story: Story) -> str:
    """Whether it is known for certain: `unconfirmed`, `confirmed by CAC, 47 min later`, `denied by CAC`, "" where
    nothing is to say."""
    if story.tier in OFFICIAL:
        return ""
    found = next((r for r in story.reports if r.tier in OFFICIAL), None)
    if found is None:
        return "unconfirmed" if story.rumour else ""
    if story.rumour and denies(found.title):
        return f"denied by {found.source}"
    minutes = int((found.at - story.first_seen).total_seconds() // 60)
    return f"confirmed by {found.source}" + (f", {minutes} min later" if 0 < minutes < 600 else "")


def also(story: Story) -> str:
    """Who else reports it: `Also: Reuters, 财新 and 4 more · 7 reports`; "" where nobody does."""
    if story.report_count < 2:
        return ""
    others = [name for name in dict.fromkeys(r.source for r in story.reports) if name != story.source]
    names = ", ".join(others[:NAMED]) or story.source
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return f"Also: {names}{more} · {story.report_count} reports"


def topics(story: Story) -> str:
    """Topic names for a reader, e.g. `CAC, Listing`."""
    return ", ".join(TOPIC_NAMES.get(t, t) for t in story.topics)


def when(story: Story) -> str:
    """When it was published, or first seen when the source does not say."""
    if story.published:
        return f"published {stamp(story.published)}"
    return f"first seen {stamp(story.first_seen)}"


def stamp(moment: datetime) -> str:
    """`2022-08-19 06:05 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def marked(title: str, words: tuple[str, ...], url: str) -> Line:
    """The title as spans, each matched word marked; the longest word wins where several begin."""
    spans: list[Span] = []
    plain_from = at = 0
    ordered = sorted({w for w in words if w}, key=len, reverse=True)
    while at < len(title):
        word = next((w for w in ordered if title.startswith(w, at)), "")
        if not word:
            at += 1
            continue
        if plain_from < at:
            spans.append(Span(title[plain_from:at], url=url))
        spans.append(Span(word, Style.MARK, url))
        at += len(word)
        plain_from = at
    if plain_from < len(title) or not spans:
        spans.append(Span(title[plain_from:], url=url))
    return tuple(spans)
