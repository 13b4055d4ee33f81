"""Summaries rewritten by a language model, over any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

from bot.core.errors import FetchError

READ = 6000
"""Characters of the source that are shown to the model."""
ANSWER = 2000
_ASK = (
    "You shorten news for busy readers. Tell what happened in two or three short sentences, in the language of the "
    "text: who did what, to whom, and how much. Shorten the text's own sentences: leave clauses out, keep words and "
    "their order, the numbers and the names as they stand. No opinion, no heading, no list."
)

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[bytes]]
"""POST of a body with headers to an address; the answer's body. Raises FetchError."""


class Rewriter:
    """Implements ports.Rewriter."""

    def __init__(self, post: Post, url: str, model: str, key: str = "") -> None:
        """url: up to and including `/v1`. key: sent as a bearer token when given."""
        self._post = post
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}

    async def rewrite(self, title: str, source: str) -> str:
        """See ports.Rewriter."""
        asked = {
            "model": self._model,
            "temperature": 0,
            "max_tokens": 300,
            "messages": [
                {"role": "system", "content": _ASK},
                {"role": "user", "content": f"{title}\n\n{source[:READ]}"},
            ],
        }
        try:
            answer = json.loads(await self._post(self._url, json.dumps(asked).encode(), self._headers))
            said = answer["choices"][0]["message"]["content"]
        except (FetchError, ValueError, LookupError, TypeError):
            return ""
        return said[:ANSWER].strip() if isinstance(said, str) else ""
