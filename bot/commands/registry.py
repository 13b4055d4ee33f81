"""A command is a method: its name, arguments, defaults, docstring and role make the grammar, the help and the menus."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any, NewType, cast

from bot.core.changes import Changes
from bot.core.chat import Call, Role
from bot.core.errors import BadRequest
from bot.core.message import Message

Rest = NewType("Rest", str)
"""Annotation of a last argument that takes the rest of the line as it stands."""
NOTHING = Rest("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a command knows besides its arguments. prefix: what stands before a verb on this service, `/` or
    `/tocsin `."""

    call: Call
    now: datetime
    prefix: str
    owner: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and what to remember (in one commit, together with the mark that the call was handled)."""

    message: Message
    changes: Changes | None = None


Handler = Callable[..., Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """verb: [a-z0-9_]{1,32}. usage: arguments as shown to people. words: first line of the docstring."""

    verb: str
    run: Handler
    role: Role
    words: str
    usage: str
    example: str
    aliases: tuple[str, ...]
    arguments: tuple[inspect.Parameter, ...] = field(repr=False)

    def line(self, prefix: str) -> str:
        """`/latest [n] [topic]`."""
        return f"{prefix}{self.verb} {self.usage}".rstrip()


def command(
    *aliases: str, role: Role = Role.ANYONE, usage: str = "", example: str = ""
) -> Callable[[Handler], Handler]:
    """Mark a method `async def verb(self, ask, ...) -> Reply` as a command."""

    def mark(handler: Handler) -> Handler:
        cast("Any", handler).command = {"aliases": aliases, "role": role, "usage": usage, "example": example}
        return handler

    return mark


class Registry:
    """Every command by verb and alias."""

    def __init__(self, groups: Iterable[object]) -> None:
        self.commands: dict[str, Command] = {}
        self._by_name: dict[str, Command] = {}
        for group in groups:
            for verb, method in inspect.getmembers(group, inspect.iscoroutinefunction):
                if hasattr(method, "command"):
                    self._add(verb.rstrip("_"), method)

    def _add(self, verb: str, method: Handler) -> None:
        marks = cast("Any", method).command
        arguments = tuple(inspect.signature(method, eval_str=True).parameters.values())[1:]
        made = Command(
            verb=verb,
            run=method,
            role=marks["role"],
            words=(inspect.getdoc(method) or "").splitlines()[0],
            usage=marks["usage"] or " ".join(map(_shown, arguments)),
            example=marks["example"],
            aliases=marks["aliases"],
            arguments=arguments,
        )
        for name in (verb, *made.aliases):
            if not re.fullmatch(r"[a-z0-9_]{1,32}", name) or name in self._by_name:
                raise ValueError(f"command name {name!r} is taken or not [a-z0-9_]{{1,32}}")
            self._by_name[name] = made
        self.commands[verb] = made

    def find(self, line: str, prefix: str) -> tuple[Command, str]:
        """The command a line begins with, and the rest of the line. Raises BadRequest with the nearest verb."""
        verb, _, rest = line.strip().partition(" ")
        verb = verb.lower().lstrip("/")
        if verb in self._by_name:
            return self._by_name[verb], rest.strip()
        near = get_close_matches(verb, self._by_name, 1, 0.6)
        hint = f"Did you mean {prefix}{near[0]}?" if near else f"{prefix}help lists what I answer to."
        raise BadRequest(f"I do not know {verb[:40]!r}. {hint}" if verb else f"Ask me something. {hint}")

    def arguments(self, found: Command, rest: str, prefix: str) -> list[Any]:
        """The rest of the line as values for the command. Raises BadRequest with usage and an example."""
        values: list[Any] = []
        tokens = [(m.group(), m.start()) for m in re.finditer(r"\S+", rest)]
        for argument in found.arguments:
            optional = argument.default is not inspect.Parameter.empty
            if argument.annotation is Rest:
                raw = rest[tokens[0][1] :] if tokens else ""
                if not raw and not optional:
                    raise self.misused(found, prefix, f"{_bare(argument)} is missing")
                values.append(raw or (argument.default if optional else ""))
                tokens = []
            elif not tokens:
                if not optional:
                    raise self.misused(found, prefix, f"{_bare(argument)} is missing")
                values.append(argument.default)
            elif argument.annotation is int and not re.fullmatch(r"\d{1,6}", tokens[0][0]):
                if not optional:
                    raise self.misused(found, prefix, f"{tokens[0][0][:40]!r} is not a number")
                values.append(argument.default)
            else:
                word = tokens.pop(0)[0]
                values.append(int(word) if argument.annotation is int else word)
        if tokens:
            raise self.misused(found, prefix, f"I do not know what to do with {tokens[0][0][:40]!r}")
        return values

    def misused(self, found: Command, prefix: str, text: str) -> BadRequest:
        example = f"{prefix}{found.example}" if found.example else ""
        return BadRequest(f"{text}.", usage=found.line(prefix), example=example)


def _bare(argument: inspect.Parameter) -> str:
    return argument.name.replace("_", " ")


def _shown(argument: inspect.Parameter) -> str:
    name = _bare(argument)
    return f"<{name}>" if argument.default is inspect.Parameter.empty else f"[{name}]"
