"""A neutral message as Slack blocks within Slack's limits, and what of a block tells that it was ours."""

from __future__ import annotations

from typing import Any

from bot.channels.markup import MRKDWN, blocks, render
from bot.core.chat import Act
from bot.core.message import Button, Message, Shape
from bot.core.ports import Parcel

SECTION_MAX = 2900
SUM_MAX = 11_000
"""Slack refuses messages whose blocks add up to about 13,200 characters, which it does not document."""
BLOCKS_MAX = 45
TEXT_MAX = 3500
EVENT_TYPE, OTHER_EVENT_TYPE = "tocsin_alert", "tocsin_note"
ACTION = "tocsin"

Block = dict[str, Any]


def parts(message: Message) -> list[list[Block]]:
    """The blocks of each part; buttons under the last."""
    found: list[list[Block]] = [[]]
    size = 0
    for shape, text in blocks(message, MRKDWN, SECTION_MAX, "chars"):
        if found[-1] and (size + len(text) > SUM_MAX or len(found[-1]) >= BLOCKS_MAX):
            found.append([])
            size = 0
        found[-1].append(_block(shape, text))
        size += len(text)
    if not found[-1]:
        found[-1].append(_block(Shape.TEXT, "…"))
    if message.buttons:
        found[-1].append({"type": "actions", "elements": [_button(b, i) for i, b in enumerate(message.buttons[:25])]})
    return found


def fallback(message: Message) -> str:
    """What notifications and screen readers show: the same words, escaped."""
    return render(message, MRKDWN, TEXT_MAX, "chars")[0]


def plain(message: Message, first: int) -> list[str]:
    """What the parts from `first` on say, as texts without blocks of at most TEXT_MAX characters, escaped alike.

    Cut where the blocks are, so that nothing is lost or said twice when Slack takes some parts and refuses the next.
    """
    found: list[str] = []
    for part in parts(message)[first:]:
        texts = [text for block in part for text in _texts(block)]
        current = texts[0]
        for text in texts[1:]:
            if len(current) + 1 + len(text) > TEXT_MAX:
                found.append(current)
                current = text
            else:
                current = f"{current}\n{text}"
        found.append(current)
    return found


def content(parcel: Parcel) -> dict[str, Any]:
    """The words of one part, as arguments of a call."""
    if parcel.plain_from is None or not parcel.plain:
        shown = parts(parcel.message)
        return {"text": fallback(parcel.message), "blocks": shown[min(parcel.part, len(shown) - 1)]}
    texts = plain(parcel.message, parcel.plain_from)
    text = texts[min(parcel.part - parcel.plain_from, len(texts) - 1)]
    # Blocks that an edit does not name stay.
    return {"text": text} | ({"blocks": []} if parcel.act is Act.EDIT else {})


def metadata(parcel: Parcel) -> dict[str, Any]:
    """Travels unseen with the message, so that it can be found again: the delivery key and the part."""
    return {
        "event_type": EVENT_TYPE if parcel.alerts else OTHER_EVENT_TYPE,
        "event_payload": {"key": parcel.key, "part": parcel.part, "story": parcel.story_id},
    }


def is_ours(message: dict[str, Any], parcel: Parcel) -> bool:
    """Whether a message of the history is this part of this delivery."""
    data = message.get("metadata") or {}
    payload = data.get("event_payload") or {}
    return (
        data.get("event_type") in (EVENT_TYPE, OTHER_EVENT_TYPE)
        and payload.get("key") == parcel.key
        and int(payload.get("part") or 0) == parcel.part
    )


def _texts(block: Block) -> list[str]:
    if block["type"] == "context":
        return [element["text"] for element in block["elements"]]
    return [block["text"]["text"]] if block["type"] == "section" else []


def _block(shape: Shape, text: str) -> Block:
    if shape is Shape.NOTE:
        return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _button(button: Button, number: int) -> Block:
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": button.label[:75]},
        "action_id": f"{ACTION}_{number}",
        "value": button.command[:2000],
    }
