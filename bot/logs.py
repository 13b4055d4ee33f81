"""Log lines for people at a terminal and as JSON for machines, with every secret masked."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, TextIO
from urllib.parse import quote

import structlog

_TOKEN_SHAPES = re.compile(r"\d{5,}:[\w-]{20,}|xox[a-z]-[\w-]+|xapp-[\w-]+")
_CHATTY = ("httpx", "httpcore", "telegram", "slack_bolt", "slack_sdk", "apscheduler", "aiohttp", "asyncio", "urllib3")
MASK = "***"

Event = MutableMapping[str, Any]


def set_up(level: str, secrets: Sequence[str], stream: TextIO | None = None) -> None:
    """Send every log line, ours and the libraries', to standard error (or `stream`) through one masking road."""
    out = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=colours)
        if out.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            masking(secrets),
            last,
        ],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    # These two print tokens or whole target addresses in what they say of a failure.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def masking(secrets: Sequence[str]) -> Callable[[Any, str, Event], Event]:
    """A processor that replaces every secret, also url-encoded, and whatever has the shape of a token."""
    forms = {form for secret in secrets if len(secret) >= 4 for form in (secret, quote(secret, safe=""))}
    known = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return _TOKEN_SHAPES.sub(MASK, known.sub(MASK, value) if known else value)
        if isinstance(value, dict):
            return {key: clean(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [clean(inner) for inner in value]
        return value if value is None or isinstance(value, int | float | bool) else clean(str(value))

    def process(_logger: Any, _method: str, event: Event) -> Event:
        for key in list(event):
            event[key] = clean(event[key])
        return event

    return process
