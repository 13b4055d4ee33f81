"""What one key alone cannot tell: doubles, options that fit no kind of feed, pushes that would reach nobody. All of it
looks at the values as they stand, so that mistakes are found also in a file that has others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from bot import plugins
from bot.config.files import SECRET_KEY, Document
from bot.config.secrets import WHERE, Environment, variable_of
from bot.core.chat import EVERY_TOPIC, REVIEW
from bot.core.errors import ConfigError, Problem
from bot.core.identity import canonical_url
from bot.core.news import Kind
from bot.sources import page, rows

_ANY_KIND = ("form", "date_format")
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    Kind.FEED: _ANY_KIND,
    Kind.HTML: (*page.OPTIONS, *_ANY_KIND),
    Kind.JSON: (*rows.OPTIONS, *_ANY_KIND),
}
_NEEDED = {Kind.HTML: ("item", "a CSS selector of one row"), Kind.JSON: ("items", 'the path of the list, "" for all')}
_TOKENS = {"telegram": "TELEGRAM_BOT_TOKEN", "slack": "SLACK_BOT_TOKEN"}
_HIDDEN = re.compile(r"://[^/\s]*@")


def check_feeds(document: Document) -> None:
    """Ids and addresses that stand twice, and options that the feed's kind does not have or lacks."""
    found: dict[tuple[str, str], int] = {}
    for number, item in _items(document):
        for what, key in (("id", item.get("id")), ("address", canonical_url(str(item.get("url", ""))))):
            path = ("feeds", number, "url" if what == "address" else "id")
            if not isinstance(key, str) or not key:
                continue
            if (what, key) in found:
                first = document.places[("feeds", found[what, key], path[2])][0]
                document.complain(path, f"the {what} {key!r} stands here a second time (first in line {first})")
            found.setdefault((what, key), number)
        check_options(document, number, item)


def _items(document: Document) -> Iterator[tuple[int, Mapping[str, Any]]]:
    listed = document.values.get("feeds") if isinstance(document.values, dict) else None
    for number, item in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(item, dict):
            yield number, item


def check_options(document: Document, number: int, item: Mapping[str, Any]) -> None:
    """Whether a row's options fit its kind."""
    kind, options = str(item.get("kind", Kind.FEED.value)), item.get("options")
    options = {} if options is None else options
    if kind not in _OPTIONS or not isinstance(options, dict):
        return  # said by the model
    at = ("feeds", number, "options")
    allowed = _OPTIONS[kind]
    for key, value in options.items():
        if key not in allowed:
            near = get_close_matches(key, allowed, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(allowed)}"
            document.complain((*at, key), f"a feed of kind {kind} has no option {key!r}; {hint}")
        elif kind == Kind.HTML and key in page.OPTIONS and not page.is_selector(str(value)):
            document.complain((*at, key), f"{key}: {str(value)[:80]!r} is no CSS selector")
    needed, words = _NEEDED.get(Kind(kind), ("", ""))
    if needed and (options.get(needed) is None or (kind == Kind.HTML and not options[needed])):
        place = at if "options" in item else at[:2]
        document.complain(place, f"a feed of kind {kind} needs options: {needed}, {words}")


def check_push(document: Document, topics: Collection[str], environment: Environment) -> None:
    """Whether every pushed chat has a channel that runs, and every topic a name that is one. topics: none when the
    topics could not be read."""
    values = document.values if isinstance(document.values, dict) else {}
    push, channels = values.get("push"), values.get("channels")
    for chat_id, wanted in push.items() if isinstance(push, dict) else ():
        if text := _unreachable(chat_id, channels if isinstance(channels, dict) else {}, environment):
            document.complain(("push", chat_id), text)
        for number, topic in enumerate(wanted if isinstance(wanted, list) and topics else ()):
            if topic not in (*topics, EVERY_TOPIC, REVIEW):
                near = get_close_matches(str(topic), [*topics, EVERY_TOPIC, REVIEW], 1, 0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join((*topics, EVERY_TOPIC))}"
                document.complain(("push", chat_id, number), f"there is no topic {topic!r}; {hint}")


def _unreachable(chat_id: str, channels: Mapping[str, object], environment: Environment) -> str:
    if "://" in chat_id:
        return (
            "an address stands here, which may hold a secret: write apprise:<name>, and put the address into "
            f"{variable_of('<name>')}"
        )
    channel, _, name = chat_id.partition(":")
    if channel == "apprise":
        if name not in environment.apprise and variable_of(name) not in environment.refused:
            return f"{chat_id!r} needs its address: set {variable_of(name)} to an Apprise URL"
    elif channel in _TOKENS:
        has = environment.telegram_token if channel == "telegram" else environment.slack_bot_token
        if not has and _TOKENS[channel] not in environment.refused:
            return f"{chat_id!r} cannot be reached: {_TOKENS[channel]} is not set"
    elif channel not in channels and channel != "console":
        near = get_close_matches(channel, [*channels, *_TOKENS, "apprise", "console"], 1)
        return f"no channel is called {channel!r}{f'; did you mean {near[0]!r}?' if near else ''}; see channels:"
    return "" if name else f"{chat_id!r} names no chat; write {channel}:<chat>"


def check_channels(document: Document) -> None:
    """Adapters nobody offers, and secrets among their options."""
    channels = document.values.get("channels") if isinstance(document.values, dict) else None
    for name, options in channels.items() if isinstance(channels, dict) else ():
        if name in plugins.BUILT_IN:
            document.complain(("channels", name), f"{name} is built in: it runs when its token or address is set")
            continue
        try:
            plugins.find(name)
        except ConfigError as error:
            document.complain(("channels", name), error.problems[0].text)
        for key, value in options.items() if isinstance(options, dict) else ():
            named = SECRET_KEY.search(key) and not key.endswith(("_env", "_file"))
            if named or _HIDDEN.search(str(value)):
                document.complain(
                    ("channels", name, key),
                    f"{key!r} looks like a secret, which may not stand here; put it into an environment variable that "
                    f"the channel {name!r} reads itself (its name may stand here, as {key}_env)",
                )


def check_targets(environment: Environment) -> list[Problem]:
    """Apprise addresses that Apprise does not understand; nothing is opened, and none is shown."""
    if not environment.apprise:
        return []
    understands = plugins.find("apprise").understands
    said = "Apprise does not understand this address; its wiki has the forms"
    return [
        Problem(WHERE, 0, 0, f"{variable_of(name)}: {said}")
        for name, url in environment.apprise.items()
        if not understands(url.reveal())
    ]
