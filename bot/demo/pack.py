"""Reads the demo's news: outlets with their habits, and what each of them publishes when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.core.errors import ConfigError, Problem
from bot.core.news import Tier

PACK_FILE = Path("demo") / "pack.yaml"
"""Where the pack lies in the configuration directory."""


class Format(StrEnum):
    """What an outlet's document is. `PAGE` is shaped like the CAC's list, `API` like the CSRC's searchList."""

    RSS = "rss"
    RDF = "rdf"
    ATOM = "atom"
    JSONFEED = "jsonfeed"
    PAGE = "page"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One publisher. path: of its document, below `/<id>`. dates: `rfc822` or `local`. bytes: the charset it really
    sends. guids: `stable`, `none` or `changing`. order: `newest` or `mixed`. challenge: when a page that checks for
    robots comes instead of the document, None for never."""

    id: str
    name: str
    format: Format
    path: str
    lang: str
    tier: Tier
    zone: str
    dates: str = "rfc822"
    bytes: str = "utf-8"
    guids: str = "stable"
    validators: tuple[str, ...] = ()
    order: str = "newest"
    tracking: str = ""
    challenge: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One article. at: when it appears. story: equal for accounts of one event, "" for noise; only tests read it.
    redated: from the first moment on, the second is shown as its date. also: from that moment on, the article is
    listed under that path too."""

    outlet: str
    at: datetime
    path: str
    title: str
    lede: str = ""
    story: str = ""
    redated: tuple[datetime, datetime] | None = None
    also: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """start, end: the time to replay. items: oldest first; those before `start` are what a first reading finds.
    near: stories of which tests expect neither an alert nor silence."""

    title: str
    start: datetime
    end: datetime
    outlets: tuple[Outlet, ...]
    items: tuple[Item, ...]
    near: tuple[str, ...] = ()

    def published(self, outlet_id: str, now: datetime) -> tuple[Item, ...]:
        """What an outlet has published by then, oldest first."""
        return tuple(i for i in self.items if i.outlet == outlet_id and i.at <= now)


class _Mistake(Exception):
    """A sentence about one value of the pack."""


def load_pack(path: Path) -> Pack:
    """The pack in a file. Raises ConfigError with the first mistake: the file is shipped, not edited."""
    try:
        values = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
        return _pack(values)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise _refused(path, f"is not valid YAML in UTF-8: {str(error).splitlines()[0]}") from None
    except _Mistake as error:
        raise _refused(path, str(error)) from None


def _refused(path: Path, text: str) -> ConfigError:
    return ConfigError((Problem(str(path), 0, 0, text),))


def _pack(values: Any) -> Pack:
    top = _keys(values, "the pack", need={"title", "zone", "start", "end", "outlets", "items"}, may={"near"})
    zone = str(top["zone"])
    outlets = tuple(_outlet(v, zone) for v in _list(top["outlets"], "outlets"))
    names = {outlet.id for outlet in outlets}
    items = sorted((_item(v, zone) for v in _list(top["items"], "items")), key=lambda i: i.at)
    for item in items:
        if item.outlet not in names:
            raise _Mistake(f"{item.title!r} names the outlet {item.outlet!r}, which is not in the pack")
    for what, found in (("outlet", [o.id for o in outlets]), ("path", [f"{i.outlet}{i.path}" for i in items])):
        if twice := next((one for one in found if found.count(one) > 1), None):
            raise _Mistake(f"the {what} {twice!r} is there twice")
    near = tuple(str(name) for name in _list(top.get("near", []), "near"))
    if unknown := set(near) - {item.story for item in items}:
        raise _Mistake(f"near: no item tells the story {', '.join(sorted(unknown))}")
    return Pack(
        title=str(top["title"]),
        start=_time(top["start"], zone),
        end=_time(top["end"], zone),
        outlets=outlets,
        items=tuple(items),
        near=near,
    )


def _outlet(value: Any, zone: str) -> Outlet:
    need = {"id", "name", "format", "path", "lang", "tier"}
    may = {"dates", "bytes", "guids", "validators", "order", "tracking", "challenge"}
    found = _keys(value, "an outlet", need=need, may=may)
    blocked = found.pop("challenge", None)
    try:
        made = {
            **found,
            "format": Format(found["format"]),
            "tier": Tier(found["tier"]),
            "validators": tuple(found.get("validators", ())),
        }
    except ValueError as error:
        raise _Mistake(f"outlet {found['id']!r}: {error}") from None
    hours = _keys(blocked, "challenge", need={"from", "until"}) if blocked else None
    span = (_time(hours["from"], zone), _time(hours["until"], zone)) if hours else None
    return Outlet(**made, zone=zone, challenge=span)


def _item(value: Any, zone: str) -> Item:
    may = {"lede", "story", "redated", "also"}
    found = _keys(value, "an item", need={"outlet", "at", "path", "title"}, may=may)
    redated, also = found.pop("redated", None), found.pop("also", None)
    again = _keys(redated, "redated", need={"at", "to"}) if redated else None
    second = _keys(also, "also", need={"at", "path"}) if also else None
    return Item(
        **{key: str(text).strip() for key, text in found.items() if key != "at"},
        at=_time(found["at"], zone),
        redated=(_time(again["at"], zone), _time(again["to"], zone)) if again else None,
        also=(_time(second["at"], zone), str(second["path"])) if second else None,
    )


def _keys(value: Any, what: str, *, need: set[str], may: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _Mistake(f"{what} must be keys with values, not {str(value)[:60]!r}")
    found = {str(key): one for key, one in value.items()}
    where = found.get("title") or found.get("id") or what
    if missing := need - found.keys():
        raise _Mistake(f"{where}: {', '.join(sorted(missing))} is missing")
    if unknown := found.keys() - need - (may or set()):
        raise _Mistake(f"{where}: unknown key {', '.join(sorted(unknown))}")
    return found


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _Mistake(f"{what} must be a list")
    return value


def _time(value: Any, zone: str) -> datetime:
    """A time of the pack's zone, in UTC."""
    try:
        home = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise _Mistake(f"{zone!r} is no time zone; write one like Asia/Shanghai") from None
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M").replace(tzinfo=home).astimezone(UTC)
    except ValueError:
        raise _Mistake(f"{value!r} is no time; write one like 2022-08-19 10:50") from None
