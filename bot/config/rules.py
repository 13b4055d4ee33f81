"""topics.yaml and companies.yaml: read, compiled, their examples run; every mistake with its line."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.config.files import Document, Path_, check, read
from bot.core.errors import Problem
from bot.core.news import Entry, Tier
from bot.judge.amounts import Rates
from bot.judge.grammar import parse
from bot.judge.specs import NameSpec, RuleBook, RuleError, RuleSpec, TopicSpec
from bot.judge.text import is_chinese
from bot.judge.verdict import Judge

Words = tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]
Weight = Annotated[float, Field(ge=-100, le=100)]
COMPANIES = "companies"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExampleItem(_Strict):
    """An entry to try a rule on. A plain text is a title, or `title | body`."""

    title: Annotated[str, Field(min_length=1)]
    body: str = ""
    lang: Literal["", "en", "zh", "zh-Hans", "zh-Hant"] = ""
    source: str = ""
    tier: Tier = Tier.PRESS

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        title, _, body = value.partition(" | ")
        return {"title": title, "body": body}

    def entry(self) -> Entry:
        title, body = (unicodedata.normalize("NFC", text) for text in (self.title, self.body))
        lang = self.lang or ("zh-Hans" if is_chinese(f"{title} {body}") else "en")
        return Entry(
            feed_id="example",
            key="example",
            aliases=("example",),
            url="",
            title=title,
            body=body,
            lang=lang,
            source=self.source,
            tier=self.tier,
        )


Examples = tuple[ExampleItem, ...]


class RuleItem(_Strict):
    id: Annotated[str, Field(min_length=1, max_length=64)]
    when: str
    weight: Weight = 1.0
    must: Examples = ()
    must_not: Examples = ()


class TopicItem(_Strict):
    words: Annotated[str, Field(max_length=200)]
    threshold: Annotated[float, Field(gt=0, le=100)] = 1.0
    review: Annotated[float, Field(gt=0, le=100)] = 0.6
    urgent: Words = ()
    rules: Annotated[tuple[RuleItem, ...], Field(min_length=1)]
    must: Examples = ()
    must_not: Examples = ()


class NameItem(_Strict):
    key: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=64)]
    aliases: Annotated[Words, Field(min_length=1)]
    unless: Words = ()
    tags: Words = ()
    tickers: Words = ()


class ExchangeItem(_Strict):
    """on: the day of these rates. in_cny: what one unit of a currency was worth."""

    on: date
    in_cny: dict[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Annotated[float, Field(gt=0)]]


class TopicsFile(_Strict):
    """config/topics.yaml."""

    exchange: ExchangeItem = ExchangeItem(on=date(1970, 1, 1), in_cny={})

    topics: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")], TopicItem]
    lists: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,40}$")], Words] = Field(default_factory=dict)
    names: tuple[NameItem, ...] = ()
    not_inside: dict[str, Words] = Field(default_factory=dict)


class CompaniesFile(_Strict):
    """config/companies.yaml."""

    companies: tuple[NameItem, ...]


def load_rules(directory: Path) -> tuple[RuleBook | None, list[Problem]]:
    """The rule book, proved by compiling it and running its examples; None when anything is wrong."""
    topics_doc = read(directory / "topics.yaml", f"{directory}/topics.yaml")
    companies_doc = read(directory / "companies.yaml", f"{directory}/companies.yaml")
    topics, companies = check(topics_doc, TopicsFile), check(companies_doc, CompaniesFile)
    book = _book(topics, companies) if topics and companies else None
    if topics and book:
        for path, text in _doubles(topics, companies):
            topics_doc.problems.append(topics_doc.problem(path, text))
        _prove(topics_doc, topics, book)
    if topics is None:
        _spell(topics_doc)
    problems = [*topics_doc.problems, *companies_doc.problems]
    return (None if problems else book), problems


def _spell(document: Document) -> None:
    """Of a file that has other mistakes: the rules nobody could read, all the same."""
    topics = document.values.get("topics") if isinstance(document.values, dict) else None
    for name, topic in topics.items() if isinstance(topics, dict) else ():
        rules = topic.get("rules") if isinstance(topic, dict) else None
        for number, rule in enumerate(rules if isinstance(rules, list) else ()):
            if isinstance(rule, dict) and isinstance(rule.get("when"), str):
                try:
                    parse(rule["when"])
                except RuleError as error:
                    path = ("topics", name, "rules", number, "when")
                    said = RuleError(error.text, rule=str(rule.get("id", "")), topic=str(name), column=error.column)
                    document.problems.append(document.problem(path, str(said)))


def _book(topics: TopicsFile, companies: CompaniesFile | None) -> RuleBook:
    names = [_name(n, n.tags) for n in topics.names]
    names += [_name(n, (*n.tags, COMPANIES)) for n in (companies.companies if companies else ())]
    return RuleBook(
        topics=tuple(
            TopicSpec(
                name=name,
                words=item.words,
                threshold=item.threshold,
                review=item.review,
                urgent=item.urgent,
                rules=tuple(RuleSpec(id=r.id, when=r.when, weight=r.weight) for r in item.rules),
            )
            for name, item in topics.topics.items()
        ),
        lists=topics.lists,
        names=tuple(names),
        not_inside=topics.not_inside,
        rates=Rates(topics.exchange.on, topics.exchange.in_cny),
    )


def _name(item: NameItem, tags: Words) -> NameSpec:
    tickers = tuple(f"=${ticker}" for ticker in item.tickers)
    return NameSpec(key=item.key, aliases=(*item.aliases, *tickers), unless=item.unless, tags=tags)


def _doubles(topics: TopicsFile, companies: CompaniesFile | None) -> list[tuple[Path_, str]]:
    found: list[tuple[Path_, str]] = []
    for name, topic in topics.topics.items():
        seen: set[str] = set()
        for number, rule in enumerate(topic.rules):
            if rule.id in seen:
                found.append(
                    (("topics", name, "rules", number, "id"), f"the rule id {rule.id!r} stands here a second time")
                )
            seen.add(rule.id)
    keys: set[str] = {n.key for n in topics.names}
    for company in companies.companies if companies else ():
        if company.key in keys:
            found.append((("names",), f"the name key {company.key!r} stands twice in topics.yaml and companies.yaml"))
        keys.add(company.key)
    return found


def _prove(document: Document, topics: TopicsFile, book: RuleBook) -> None:
    """All rules together; when one is bad, each by itself, so that every bad one is named. Then the examples."""
    try:
        judge = Judge(book)
    except RuleError:
        _name_refused(document, topics, book)
        return
    for name, number, rule in _rules(topics):
        path = ("topics", name, "rules", number)

        def holds(entry: Entry, name: str = name, rule: RuleItem = rule) -> bool:
            return judge.holds(name, rule.id, entry)

        _examples(document, judge, holds, rule.must, path, fires=True)
        _examples(document, judge, holds, rule.must_not, path, fires=False)
    for name, topic in topics.topics.items():

        def alerts(entry: Entry, name: str = name) -> bool:
            return name in judge.judge(entry).topics

        _examples(document, judge, alerts, topic.must, ("topics", name), fires=True)
        _examples(document, judge, alerts, topic.must_not, ("topics", name), fires=False)


def _rules(topics: TopicsFile) -> Iterator[tuple[str, int, RuleItem]]:
    for name, topic in topics.topics.items():
        for number, rule in enumerate(topic.rules):
            yield name, number, rule


def _name_refused(document: Document, topics: TopicsFile, book: RuleBook) -> None:
    try:
        judge = Judge(replace(book, topics=()))  # lists and names are most of the work, and done once
    except RuleError as error:
        document.problems.append(document.problem(("lists",), str(error)))
        return
    for name, number, rule in _rules(topics):
        try:
            judge.check(RuleSpec(id=rule.id, when=rule.when), name)
        except RuleError as error:
            document.problems.append(document.problem(("topics", name, "rules", number, "when"), str(error)))


def _examples(
    document: Document, judge: Judge, holds: Callable[[Entry], bool], examples: Examples, path: Path_, *, fires: bool
) -> None:
    field = "must" if fires else "must_not"
    for number, example in enumerate(examples):
        entry = example.entry()
        if holds(entry) != fires:
            what = "has to fire, and does not" if fires else "must not fire, and does"
            text = f"{example.title[:60]!r} {what}: {judge.judge(entry).reason}"
            document.problems.append(document.problem((*path, field, number), text))
