"""JSON as it comes from outside: what is well formed but for halves of characters is read all the same."""

from __future__ import annotations

import json
from typing import Any

import orjson

SURROGATES = ("\\ud", "\\uD")


def loads(text: str | bytes) -> Any:
    """Like orjson.loads; the escaped half of a character becomes U+FFFD, as it does where it is not escaped. Raises
    orjson.JSONDecodeError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
        if not any(half in shown for half in SURROGATES):
            raise
        try:
            again = json.dumps(json.loads(shown), ensure_ascii=False)
            return orjson.loads(again.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
        except (ValueError, RecursionError):
            raise error from None
