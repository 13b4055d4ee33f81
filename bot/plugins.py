"""Find a channel by name: our own table first, then what other packages offer under `tocsin.channels`."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from bot.core.errors import ConfigError, Problem

GROUP = "tocsin.channels"

# A checkout started by Procfile is no installed distribution, so it has no entry points of its own.
BUILT_IN = {
    "console": "bot.channels.console:ConsoleChannel",
    "telegram": "bot.channels.telegram:TelegramChannel",
    "slack": "bot.channels.slack:SlackChannel",
    "apprise": "bot.channels.apprise:AppriseChannel",
}


def known() -> tuple[str, ...]:
    """Names that `find` answers to, built-in ones first. A foreign package cannot take a built-in's name."""
    foreign = sorted({e.name for e in entry_points(group=GROUP)} - set(BUILT_IN))
    return (*BUILT_IN, *foreign)


def find(name: str) -> Any:
    """The class (or factory) of a channel. Imported only now.

    Raises ConfigError: unknown name (with the nearest known one), or the package that offers it does not import.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            try:
                return entry.load()
            except Exception as error:
                raise _refused(f"channel {name!r} comes from {entry.value}, which does not import: {error}") from error
    near = get_close_matches(name, known(), 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise _refused(f"no channel is called {name!r}; {hint}known are {', '.join(known())}")


def _refused(text: str) -> ConfigError:
    return ConfigError((Problem("tocsin.yaml", 0, 0, text),))
