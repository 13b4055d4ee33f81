"""A rule tried on what has been read: what it would have alerted, day by day, and against today's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.core.chat import Keyword
from bot.core.news import Entry, Judged
from bot.judge.verdict import CHAT_RULE, Judge

EXAMPLES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """read: entries it was tried on, over `days` days that hold any. hits: on how many the rule itself fires.
    by_day: of those, per day, oldest first. added, removed: entries that alert only with it, only without it, newest
    first. worst_day: most that it adds on one day; those that join a story count as well. overlap: hits that alert
    today already, per topic. Days are those on which entries were read, which is when they would have alerted."""

    read: int
    days: int
    hits: int
    by_day: Mapping[date, int]
    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    worst_day: int
    overlap: Mapping[str, int]


def try_rule(rule: Keyword, history: Sequence[Judged], today: Judge, with_rule: Judge) -> Trial:
    """with_rule: today's rules and this one. Cost: two judgements an entry."""
    by_day: Counter[date] = Counter()
    added_by_day: Counter[date] = Counter()
    overlap: Counter[str] = Counter()
    added, removed = [], []
    for kept in history:
        now, then = today.judge(kept.entry), with_rule.judge(kept.entry)
        if with_rule.holds(rule.topic, f"{CHAT_RULE}: {rule.text}", kept.entry):
            by_day[kept.at.date()] += 1
            overlap.update(now.topics)
        if then.alert and not now.alert:
            added.append(kept.entry)
            added_by_day[kept.at.date()] += 1
        elif now.alert and not then.alert:
            removed.append(kept.entry)
    return Trial(
        read=len(history),
        days=len({kept.at.date() for kept in history}),
        hits=by_day.total(),
        by_day=dict(sorted(by_day.items())),
        added=tuple(reversed(added)),
        removed=tuple(reversed(removed)),
        worst_day=max(added_by_day.values(), default=0),
        overlap=dict(overlap.most_common()),
    )
