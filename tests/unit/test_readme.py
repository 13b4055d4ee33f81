"""The README names every command there is, and none that there is not."""

import re

from bot.cli import app
from tests.unit.examples import ROOT
from tests.unit.test_commands import Rig

OTHERS = {"command", "tocsin", "company", "law", "calendar", "api", "invite", "newbot", "pattern"}
"""What is written alike and is no command of ours: BotFather's, Slack's, a path, a pattern, what is not there yet."""
README = (ROOT / "README.md").read_text("utf-8")


def test_every_command_in_chat_is_told_of():
    commands = Rig().front.registry.commands
    missing = {verb for verb in commands if not re.search(rf"[`/]{verb}\b", README)}
    assert not missing
    told = {*re.findall(r"`/(\w+)", README)} - {*commands}
    assert told <= {alias for c in commands.values() for alias in c.aliases} | OTHERS


def test_every_command_at_the_terminal_is_told_of():
    names = {c.name or c.callback.__name__ for c in app.registered_commands} | {
        g.name for g in app.registered_groups if g.name
    }
    assert names
    assert not {name for name in names if f"`{name}" not in README and f" {name}" not in README}
