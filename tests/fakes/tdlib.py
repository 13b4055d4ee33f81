"""Telegram's own parser of formatted text, called without an account."""

from __future__ import annotations

import json
from typing import Any

import tdjson

tdjson.td_execute(json.dumps({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0}).encode())


class Refused(Exception):
    """An answer of the Bot API that is not ok."""

    def __init__(self, text: str, status: int = 400, **parameters: Any) -> None:
        super().__init__(text)
        self.status = status
        self.parameters = parameters


def parse(text: str, mode: str) -> tuple[str, list[dict[str, Any]]]:
    """Plain text and its entities [{type, offset, length (UTF-16 units), url?}]; automatic ones included.
    Raises Refused with Telegram's words."""
    if mode:
        if mode != "HTML":
            raise Refused(f"Bad Request: this bot writes HTML, not {mode}")
        asked = {"@type": "parseTextEntities", "text": text, "parse_mode": {"@type": "textParseModeHTML"}}
        answer = json.loads(tdjson.td_execute(json.dumps(asked).encode()))
        if answer["@type"] == "error":
            raise Refused(f"Bad Request: {answer['message'].replace('Can', 'can', 1)}")
        text, marked = answer["text"], answer["entities"]
    else:
        marked = []
    found = json.loads(tdjson.td_execute(json.dumps({"@type": "getTextEntities", "text": text}).encode()))
    return text, [_flat(e) for e in [*marked, *found.get("entities", [])]]


def _flat(entity: dict[str, Any]) -> dict[str, Any]:
    kind = entity["type"]
    name = kind["@type"].removeprefix("textEntityType")
    flat = {"type": name, "offset": entity["offset"], "length": entity["length"]}
    return flat | ({"url": kind["url"]} if "url" in kind else {})
