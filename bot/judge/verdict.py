"""What the rules say of one entry: which topics it belongs to, by which words, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ahocorasick_rs
import structlog

from bot.core.chat import Keyword
from bot.core.news import Entry, Evidence, Mark, Match, Stage, Verdict
from bot.judge.lexicon import Found, Hit, Lexicon, Word
from bot.judge.rules import Compiler, Rule
from bot.judge.specs import NameSpec, RuleBook, RuleError, RuleSpec, TopicSpec
from bot.judge.text import offsets

log = structlog.get_logger("judge")
NOTHING = Verdict(alert=False, reason="no word of any topic stands in it")
GENERAL, SUBJECTS = "general", "subjects"
"""Tags: names that tell no stories apart; names of what a story is about."""
ACTS = "acts"
"""The list of all words of the lists named act_…, where no list of that name is written."""
MOST_WORDS = 6
"""Words named in a reason; /why lists the rest."""
CONTEXT = 16
"""Characters shown on either side of words found in the text below a headline."""
CHAT_RULE = "chat"
"""Begins the id of a rule added in chat."""


@dataclass(frozen=True, slots=True)
class _Topic:
    name: str
    threshold: float
    review: float
    urgent: frozenset[str]
    rules: tuple[Rule, ...]


Rules = list[tuple[int, Rule]]
"""Rules, each with the number of its topic."""


@dataclass(frozen=True, slots=True)
class Glance:
    """The words that stand in a text, and the rules that may speak for it."""

    found: Found
    possible: Rules


class Judge:
    """Compiled rules; immutable, so that polls may go on while another is built."""

    def __init__(self, book: RuleBook, keywords: Sequence[Keyword] = ()) -> None:
        """Raises RuleError, naming rule and column. keywords: added in chat, to their topics."""
        self._lexicon = Lexicon()
        self._aliases: dict[int, list[NameSpec]] = {}
        self._unless: dict[str, frozenset[int]] = {}
        lists = self._lists(book)
        self._acts: dict[int, tuple[str, ...]] = {}
        for name, numbers in lists.items():
            for n in numbers if _act(name) else ():
                self._acts[n] = (*self._acts.get(n, ()), _act(name))
        for inner, longer in book.not_inside.items():
            outer = [self._add(text, "not_inside") for text in longer]
            self._lexicon.not_inside(self._add(inner, "not_inside"), outer)
        self._compiler = Compiler(self._lexicon, lists, book.rates)
        self._rates = book.rates
        self._topics = tuple(self._topic(topic, keywords) for topic in book.topics)
        self._speaking_for, self._against = self._by_word(positive=True), self._by_word(positive=False)
        self._lexicon.freeze()

    def check(self, rule: RuleSpec, topic: str) -> None:
        """Raises RuleError for a rule that cannot be used with these lists and names. The rule is not kept."""
        self._compiler.compile(rule, topic)

    def glance(self, title: str, body: str) -> Glance | None:
        """What stands in a text; None when no rule has all it needs there, as in nearly all texts."""
        found = self._lexicon.find(title, body)
        possible = _possible(found, self._speaking_for)
        return Glance(found, possible) if possible else None

    def judge(self, entry: Entry, seen: Glance | None = None) -> Verdict:
        """seen: of a glance at this entry. Never raises: an entry that cannot be judged is skipped with the reason,
        since the others of its feed, and of all later polls, must not wait for it."""
        try:
            return self._judge(entry, seen)
        except Exception as error:
            log.exception("an entry cannot be judged", entry=entry.key[:200], title=entry.title[:200])
            return skipped(error)

    def _judge(self, entry: Entry, seen: Glance | None) -> Verdict:
        found = seen.found if seen else self._lexicon.find(entry.title, entry.body)
        if self._speaking_for.keys().isdisjoint(found.hits):
            return NOTHING
        names = self._names(found)
        fired: dict[int, list[tuple[Rule, list[Hit]]]] = {}
        _fire(seen.possible if seen else _possible(found, self._speaking_for), found, entry, fired)
        if not fired:
            return Verdict(alert=False, reason=self._words_only(found))
        _fire(_possible(found, self._against), found, entry, fired)
        return self._verdict(entry, names, found, fired)

    def _verdict(
        self,
        entry: Entry,
        names: Sequence[NameSpec],
        found: Found,
        fired: dict[int, list[tuple[Rule, list[Hit]]]],
    ) -> Verdict:
        places = (offsets(entry.title), offsets(entry.body))
        matches = []
        for number, rules in fired.items():
            if all(rule.weight <= 0 for rule, _ in rules):
                continue  # what speaks only against a topic nobody spoke for
            topic = self._topics[number]
            rules.sort(key=lambda pair: (-abs(pair[0].weight), pair[0].id))
            evidence = tuple(
                _evidence(entry, rule, hit, places) for rule, hits in rules for hit in dict.fromkeys(hits[:8])
            )
            score = round(sum(rule.weight for rule, _ in rules), 4)
            matches.append(
                Match(
                    topic=topic.name,
                    score=score,
                    threshold=topic.threshold,
                    review=topic.review,
                    evidence=evidence,
                )
            )
        matches.sort(key=lambda m: m.threshold - m.score)
        alert = any(m.fired for m in matches)
        acts = dict.fromkeys(act for n in sorted(n for n in found.hits if n in self._acts) for act in self._acts[n])
        marks = self._marks(found, names) if alert or any(m.near for m in matches) else ()
        return Verdict(
            alert=alert,
            matches=tuple(matches),
            entities=tuple(n.key for n in names if not {GENERAL, SUBJECTS} & {*n.tags}),
            subjects=tuple(n.key for n in names if SUBJECTS in n.tags),
            acts=tuple(acts),
            urgent=alert and self._is_urgent(marks, matches),
            marks=marks,
            amounts=self._amounts(found) if alert else (),
            stages=(Stage(name="normalised", outcome=found.texts[0]), *_stages(matches, entry)),
            reason=_reason(matches),
        )

    def _marks(self, found: Found, names: Sequence[NameSpec]) -> tuple[Mark, ...]:
        """What the headline's words are, in the order in which it has them."""
        kinds = {n.key: "subject" if SUBJECTS in n.tags else "general" if GENERAL in n.tags else "name" for n in names}
        marks = []
        for number in found.hits.keys() & (self._acts.keys() | self._aliases.keys()):
            meant = [(kinds[n.key], n.key) for n in self._aliases.get(number, ()) if n.key in kinds]
            meant += [("act", act) for act in self._acts.get(number, ())]
            for hit in found.hits[number]:
                if hit.field == 0:
                    marks += [Mark(kind=kind, what=what, start=hit.start, end=hit.end) for kind, what in meant]
        return tuple(sorted(marks, key=lambda m: (m.start, -m.end, m.kind, m.what)))

    def _is_urgent(self, marks: Sequence[Mark], matches: Sequence[Match]) -> bool:
        headline = {m.what for m in marks if m.kind == "act"}
        fired = {m.topic for m in matches if m.fired}
        return any(topic.urgent & headline for topic in self._topics if topic.name in fired)

    def holds(self, topic: str, rule: str, entry: Entry) -> bool:
        """Whether one rule, named by its id, fires on an entry."""
        found = self._lexicon.find(entry.title, entry.body)
        self._names(found)
        rules = (r for t in self._topics if t.name == topic for r in t.rules if r.id == rule)
        return any(r.fires(found, entry) is not None for r in rules)

    def near_misses(self, entry: Entry, most: int = 5) -> tuple[Stage, ...]:
        """Rules that lack only one thing to fire on this entry, and what that is; for people, not for every poll."""
        found = self._lexicon.find(entry.title, entry.body)
        if self._speaking_for.keys().isdisjoint(found.hits):
            return ()
        self._names(found)
        present = found.hits.keys()
        missed: list[tuple[int, Stage]] = []
        for topic in self._topics:
            for rule in topic.rules:
                lacking = [group for group in rule.needs if present.isdisjoint(group)]
                held = len(rule.needs) - len(lacking)
                if rule.weight <= 0 or not held or len(lacking) > 1 or rule.fires(found, entry) is not None:
                    continue
                if not lacking:
                    detail = "; ".join(self._compiler.obstacles(rule, found, entry))
                else:
                    words = sorted(self._lexicon.words(lacking[0]), key=len)
                    detail = f"lacks any of: {', '.join(words[:8])}{' …' if len(words) > 8 else ''}"
                missed.append((-held, Stage(name=f"near miss {topic.name}", outcome=rule.id, detail=detail)))
        return tuple(stage for _, stage in sorted(missed, key=lambda pair: pair[0])[:most])

    def _words_only(self, found: Found) -> str:
        words = self._lexicon.words(n for n in found.hits if n in self._speaking_for)
        shown = ", ".join(f"“{w}”" for w in sorted(words, key=len, reverse=True)[:3])
        return f"{shown} in it, but no rule holds"

    def _amounts(self, found: Found) -> tuple[float, ...]:
        worth = (self._rates.cny(a.value, a.currency) for _, a in found.amounts if a.currency)
        return tuple(dict.fromkeys(round(value) for value in worth if value))

    def _names(self, found: Found) -> list[NameSpec]:
        """Names that stand in the text; those whose guards stand there too are taken out of it."""
        names: dict[str, NameSpec] = {}
        for number in sorted(n for n in found.hits if n in self._aliases):
            for name in self._aliases[number]:
                if self._unless[name.key] & found.hits.keys():
                    found.hits.pop(number, None)
                else:
                    names[name.key] = name
        return list(names.values())

    def _by_word(self, *, positive: bool) -> dict[int, Rules]:
        """Rules that speak for their topic, or those against it, by the words they are looked up by."""
        rules: dict[int, Rules] = {}
        for number, topic in enumerate(self._topics):
            for rule in (r for r in topic.rules if (r.weight > 0) is positive):
                for word in min(rule.needs, key=self._lexicon.commonness):
                    rules.setdefault(word, []).append((number, rule))
        return rules

    def _lists(self, book: RuleBook) -> dict[str, frozenset[int]]:
        lists: dict[str, set[int]] = {}
        by_alias: dict[int, str] = {}
        for listed, words in book.lists.items():
            lists[listed] = {self._add(word, f"list @{listed}") for word in words}
        acts = [numbers for listed, numbers in lists.items() if _act(listed)]
        if acts:
            lists.setdefault(ACTS, set().union(*acts))
        for name in book.names:
            numbers = {self._add(alias, f"name {name.key}") for alias in name.aliases}
            self._unless[name.key] = frozenset(self._add(word, f"name {name.key}") for word in name.unless)
            for number in numbers:
                self._lexicon.guard(number, self._unless[name.key])
                self._aliases.setdefault(number, []).append(name)
                by_alias[number] = name.key
            for tag in name.tags:
                lists.setdefault(tag, set()).update(numbers)
        self._longest_wins(book, by_alias)
        return {name: frozenset(numbers) for name, numbers in lists.items()}

    def _longest_wins(self, book: RuleBook, by_alias: dict[int, str]) -> None:
        """京东 does not count inside 京东健康, which is another company. A subject takes no company's or venue's name
        away: Nasdaq counts in `Nasdaq proposes`."""
        numbers = {alias: self._lexicon.add(alias) for name in book.names for alias in name.aliases}
        subjects = {numbers[alias] for name in book.names if SUBJECTS in name.tags for alias in name.aliases}
        by_text: dict[str, list[int]] = {}
        for alias, number in numbers.items():
            by_text.setdefault(Word.parse(alias).text, []).append(number)
        texts = list(by_text)
        parts = ahocorasick_rs.AhoCorasick(texts)
        for longer in texts:
            within = {texts[found] for found, _, _ in parts.find_matches_as_indexes(longer, overlapping=True)} - {
                longer
            }
            for inner in (number for text in within for number in by_text[text]):
                outer = [n for n in by_text[longer] if n not in subjects and by_alias[n] != by_alias[inner]]
                self._lexicon.not_inside(inner, outer)

    def _add(self, word: str, where: str) -> int:
        try:
            return self._lexicon.add(word)
        except ValueError as error:
            raise RuleError(f"{where}: {error}") from None

    def _topic(self, spec: TopicSpec, keywords: Sequence[Keyword]) -> _Topic:
        added = [k for k in keywords if k.topic == spec.name and not k.removed]
        rules = [*spec.rules, *(RuleSpec(id=chat_rule(k), when=k.text, weight=k.weight) for k in added)]
        compiled = tuple(self._compiler.compile(rule, spec.name) for rule in rules)
        return _Topic(spec.name, spec.threshold, spec.review, frozenset(spec.urgent), compiled)


def _possible(found: Found, by_word: Mapping[int, Rules]) -> Rules:
    """Rules whose words all stand there, once each."""
    present = found.hits.keys()
    rules = {id(pair[1]): pair for word in present & by_word.keys() for pair in by_word[word]}
    return [pair for pair in rules.values() if not any(map(present.isdisjoint, pair[1].needs))]


def _fire(possible: Rules, found: Found, entry: Entry, fired: dict[int, list[tuple[Rule, list[Hit]]]]) -> None:
    for topic, rule in possible:
        hits = rule.fires(found, entry)
        if hits is not None:
            fired.setdefault(topic, []).append((rule, hits))


def chat_rule(keyword: Keyword) -> str:
    """The id of the rule that a word added in chat becomes."""
    return f"{CHAT_RULE}: {keyword.text}"


def skipped(error: Exception) -> Verdict:
    """Of an entry that could not be judged."""
    return Verdict(alert=False, reason=f"skipped: judging it failed ({type(error).__name__})")


def _act(listed: str) -> str:
    """The act a list of words tells of, the same in every language: `act_list_zh` is `list`; "" for other lists."""
    return listed.removeprefix("act_").removesuffix("_zh").removesuffix("_en") if listed.startswith("act_") else ""


def _evidence(entry: Entry, rule: Rule, hit: Hit, places: tuple[list[int], list[int]]) -> Evidence:
    field = places[hit.field]
    start, end = field[hit.start], field[hit.end - 1] + 1
    text = entry.title if hit.field == 0 else entry.body
    where = "title" if hit.field == 0 else "body"
    return Evidence(rule=rule.id, words=text[start:end], where=where, start=start, end=end, weight=rule.weight)


def _stages(matches: Sequence[Match], entry: Entry) -> list[Stage]:
    """Of each topic: what spoke for it, what against it, and how it ended; every rule with its weight and words."""
    stages = []
    for match in matches:
        for name, sign in (("rules", 1), ("against", -1)):
            told = [_told(match, rule, weight, entry) for rule, weight in _weights(match) if weight * sign > 0]
            if told or sign > 0:
                outcome = f"{match.score:g} of {match.threshold:g}, " + ("fired" if match.fired else "not enough")
                if sign < 0:
                    outcome = f"{sum(w for _, w in _weights(match) if w < 0):+g}"
                stages.append(Stage(name=f"{name} {match.topic}", outcome=outcome, detail="; ".join(told)))
    return stages


def _weights(match: Match) -> list[tuple[str, float]]:
    return list(dict.fromkeys((e.rule, e.weight) for e in match.evidence))


def _told(match: Match, rule: str, weight: float, entry: Entry) -> str:
    words = ", ".join(dict.fromkeys(_in_context(e, entry) for e in match.evidence if e.rule == rule))
    return f"{rule} {weight:+g}: {words}"


def _in_context(evidence: Evidence, entry: Entry) -> str:
    """The words; with what stands around them when that is not the headline everybody sees."""
    if evidence.where == "title":
        return evidence.words
    before, after = entry.body[: evidence.start], entry.body[evidence.end :]
    around = f"{before[-CONTEXT:]}[{evidence.words}]{after[:CONTEXT]}"
    return " ".join(f"{'…' * (len(before) > CONTEXT)}{around}{'…' * (len(after) > CONTEXT)}".split()).replace(";", ",")


def _reason(matches: Sequence[Match]) -> str:
    best = matches[0]
    words = ", ".join(f"“{w}”" for w in _told_apart([e.words for e in best.evidence if e.weight > 0])[:MOST_WORDS])
    rules = ", ".join(list(dict.fromkeys(e.rule for e in best.evidence if e.weight > 0))[:2])
    if best.fired:
        return f"{words} ({rules})"
    against = ", ".join(f"“{w}”" for w in dict.fromkeys(e.words for e in best.evidence if e.weight < 0))
    return f"{words} ({rules}) is not enough for {best.topic}" + (f"; {against} speaks against it" if against else "")


def _told_apart(words: Sequence[str]) -> list[str]:
    """Each once, and none that is part of another."""
    once = list(dict.fromkeys(words))
    return [w for w in once if not any(w != other and w in other for other in once)]
