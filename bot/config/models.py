"""The shapes of tocsin.yaml and feeds.yaml: every key, its type, range and default."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.config.files import SECRET_KEY
from bot.core.durations import seconds, words
from bot.core.news import ALL_ENTRIES, Kind, Tier


def _duration(value: object) -> float:
    return seconds(value if isinstance(value, str) else str(value))


def _at_least(least: float, most: float, words: str) -> AfterValidator:
    def check(value: float) -> float:
        if not least <= value <= most:
            raise ValueError(f"must be between {words}")
        return value

    return AfterValidator(check)


def _first(value: object) -> int:
    if value in ("none", "all"):
        return ALL_ENTRIES if value == "all" else 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= ALL_ENTRIES:
        return value
    raise ValueError("must be none, all, or the number of newest entries that may alert at the first poll")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone; write one like Asia/Shanghai") from None
    return value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f"{value!r} is no network; write one like 127.0.0.0/8") from None
    return value


def _address(value: str) -> str:
    if value and not re.fullmatch(r"[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>()]+", value):
        raise ValueError("must be an e-mail address, such as you@example.org")
    return value


def _url(value: str) -> str:
    if not re.match(r"^https?://[^\s/@?#]+([/?#]|$)", value) or re.search(r"\s", value):
        raise ValueError("must be an http:// or https:// address without spaces or credentials")
    try:
        port = urlsplit(value).port
    except ValueError:
        raise ValueError("is no address: its host or port cannot be") from None
    if port == 0:
        raise ValueError("is no address: there is no port 0")
    return value


def _endpoint(value: str) -> str:
    if any(SECRET_KEY.search(name) for name, _ in parse_qsl(urlsplit(_url(value)).query, keep_blank_values=True)):
        raise ValueError("holds a secret, which may not stand here: put the key into TOCSIN_LLM_KEY")
    return value


Duration = Annotated[float, BeforeValidator(_duration)]
PollEvery = Annotated[Duration, _at_least(1, 7 * 86400, "1s and 7d")]
First = Annotated[int, BeforeValidator(_first)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Poll(_Strict):
    """min, max: bounds of the adaptive interval. first: what a new feed alerts on its first poll.
    max_age: an entry published longer ago than this is archived, not alerted."""

    min: PollEvery = 60
    max: PollEvery = Field(default="1h", validate_default=True)  # its order with min is looked at whatever is given
    timeout: Annotated[Duration, _at_least(1, 120, "1s and 120s")] = 20
    concurrency: Annotated[int, Field(ge=1, le=500)] = 50
    per_host: Annotated[int, Field(ge=1, le=50)] = 2
    first: First = 0
    max_age: Annotated[Duration, _at_least(60, 365 * 86400, "1m and 365d")] = 3 * 86400

    @field_validator("max")
    @classmethod
    def _in_order(cls, longest: float, info: ValidationInfo) -> float:
        shortest = info.data.get("min", 0.0)
        if shortest > longest:
            raise ValueError(f"min ({words(shortest)}) is longer than max ({words(longest)})")
        return longest


class Fetch(_Strict):
    """allow_networks: addresses that are not public and may be fetched all the same. contact: an e-mail address the
    bot names in its User-Agent; sec.gov refuses readers without one."""

    allow_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    contact: Annotated[str, Field(max_length=100), AfterValidator(_address)] = ""


class Judging(_Strict):
    """budget: further alerts that a rule added in chat may bring on its worst day of the last thirty."""

    budget: Annotated[int, Field(ge=1, le=10000)] = 20


class DeliveryPolicy(_Strict):
    """on_ambiguous: what becomes of a message whose answer was lost on a platform that cannot be asked whether it
    arrived: `resend` it under the same visible id, or `mark` it as sent. edit_after: how long the reports that follow a
    first one are waited for before the posted message is brought up to date with them. catch_up_after: what an outage,
    the bot's or a chat's, has made later than this comes as one list."""

    on_ambiguous: Literal["resend", "mark"] = "resend"
    edit_after: Annotated[Duration, _at_least(1, 3600, "1s and 1h")] = 20
    catch_up_after: Annotated[Duration, _at_least(300, 365 * 86400, "5m and 365d")] = 3600


class Llm(_Strict):
    """url: of an endpoint that speaks OpenAI's chat completions, up to and including `/v1`. Its key, when it wants
    one, is TOCSIN_LLM_KEY."""

    url: Annotated[str, AfterValidator(_endpoint)]
    model: Annotated[str, Field(min_length=1, max_length=100)]


class Summary(_Strict):
    llm: Llm | None = None


class TocsinFile(_Strict):
    """config/tocsin.yaml. A section whose every line is commented out is as good as absent."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: object) -> object:
        return {k: v for k, v in values.items() if v is not None} if isinstance(values, dict) else values

    poll: Poll = Poll()
    fetch: Fetch = Fetch()
    judge: Judging = Judging()
    summary: Summary = Summary()
    delivery: DeliveryPolicy = DeliveryPolicy()
    retention: Annotated[Duration, _at_least(3600, 3650 * 86400, "1h and 3650d")] = 90 * 86400
    store: Literal["tinydb"] = "tinydb"
    push: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    channels: dict[str, dict[str, str]] = Field(default_factory=dict)


class FeedItem(_Strict):
    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=64)]
    url: Annotated[str, AfterValidator(_url)]
    name: Annotated[str, Field(max_length=100)] = ""
    kind: Kind = Kind.FEED
    lang: Literal["", "en", "zh-Hans", "zh-Hant"] = ""
    tier: Tier = Tier.PRESS
    every: PollEvery | None = None
    first: First | None = None
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    enabled: bool = True
    article: bool = False
    options: dict[str, str] = Field(default_factory=dict)


class FeedsFile(_Strict):
    """config/feeds.yaml."""

    feeds: tuple[FeedItem, ...]
