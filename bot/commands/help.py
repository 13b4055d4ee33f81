"""What the bot can do, generated from the commands themselves."""

from __future__ import annotations

from bot.commands.registry import NOTHING, Ask, Registry, Reply, Rest, command
from bot.core.chat import Role
from bot.core.errors import BadRequest
from bot.core.message import Block, Message, Shape, bold, code, line, note, text, title


class Help:
    """Needs the registry it is part of, which is set once that is built."""

    registry: Registry

    @command(example="help subscribe")
    async def help(self, ask: Ask, verb: Rest = NOTHING) -> Reply:
        """What I can do, or how one command works."""
        if verb:
            return Reply(self._one(ask, verb))
        shown = [c for c in self.registry.commands.values() if ask.owner or c.role is not Role.OWNER]
        lines = tuple(line(code(c.line(ask.prefix)), f"  {c.words}") for c in shown)
        return Reply(
            Message(
                (
                    title("Tocsin: the first to know, and only once"),
                    Block(Shape.LIST, lines),
                    note(f"{ask.prefix}help <command> says more about one."),
                )
            )
        )

    def _one(self, ask: Ask, verb: str) -> Message:
        try:
            found, _ = self.registry.find(verb, ask.prefix)
        except BadRequest as error:
            raise BadRequest(
                str(error), usage=f"{ask.prefix}help [command]", example=f"{ask.prefix}help subscribe"
            ) from None
        blocks = [text(line(code(found.line(ask.prefix)))), text(found.words)]
        if found.example:
            blocks.append(text(line(bold("Example: "), code(f"{ask.prefix}{found.example}"))))
        if found.aliases:
            blocks.append(note(f"Also: {', '.join(ask.prefix + a for a in found.aliases)}"))
        return Message(tuple(blocks))
