"""Secrets and switches of the environment: variables, `.env`, or files named by `…_FILE`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from bot.config.dotenvs import read_dotenv
from bot.core.errors import Problem

_PLACEHOLDER = re.compile(r"^(|changeme|change-me|todo|xxx+|\.\.\.|your[-_ ].*|<.*>)$", re.IGNORECASE)
_OWNER = re.compile(r"^(telegram:\d+|slack:[A-Z0-9]+:[A-Z0-9]+|console:\w+)$")
_APPRISE = "TOCSIN_APPRISE_"
WHERE = "environment"
NAMES = (
    "TELEGRAM_BOT_TOKEN", "TELEGRAM_API_BASE", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_BASE", "TOCSIN_OWNERS",
    "TOCSIN_LLM_KEY", "TOCSIN_LOG", "TOCSIN_DATABASE_URL", "TOCSIN_HTTP",
)  # fmt: skip


class Secret:
    """A value that never shows itself: `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret()"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the environment says. apprise: target name (lower case, `-` for `_`) -> its Apprise URL."""

    telegram_token: Secret = Secret("")
    telegram_base: str = ""
    slack_bot_token: Secret = Secret("")
    slack_app_token: Secret = Secret("")
    slack_base: str = ""
    owners: frozenset[str] = frozenset()
    apprise: Mapping[str, Secret] = field(default_factory=dict)
    llm_key: Secret = Secret("")
    log_level: str = "INFO"
    refused: frozenset[str] = frozenset()
    """Variables that were set to what cannot be used."""

    def secrets(self) -> tuple[str, ...]:
        """Every secret's text, for the log's masking filter."""
        every = (self.telegram_token, self.slack_bot_token, self.slack_app_token, self.llm_key, *self.apprise.values())
        return tuple(s.reveal() for s in every if s)


def load(variables: Mapping[str, str] | None = None, dotenv: Path | None = None) -> tuple[Environment, list[Problem]]:
    """Read variables (the process's own by default), over `.env` when it is there. Problems never show a value."""
    from_file, wrong = read_dotenv(dotenv) if dotenv and dotenv.exists() else ({}, [])
    reader = _Reader({**from_file, **(os.environ if variables is None else variables)}, wrong)
    environment = Environment(
        telegram_token=reader.secret(
            "TELEGRAM_BOT_TOKEN", r"\d+:\S+", "digits, a colon and the rest, as BotFather gave it"
        ),
        telegram_base=reader.base("TELEGRAM_API_BASE"),
        slack_bot_token=reader.secret("SLACK_BOT_TOKEN", r"xoxb-\S+", "xoxb-…"),
        slack_app_token=reader.secret("SLACK_APP_TOKEN", r"xapp-\S+", "xapp-…"),
        slack_base=reader.base("SLACK_API_BASE"),
        owners=reader.owners("TOCSIN_OWNERS"),
        apprise=reader.apprise(),
        llm_key=reader.secret("TOCSIN_LLM_KEY", r"\S+", "one word"),
        log_level=reader.level("TOCSIN_LOG"),
    )
    if bool(environment.slack_bot_token) != bool(environment.slack_app_token) and not reader.refused:
        missing = "SLACK_APP_TOKEN" if environment.slack_bot_token else "SLACK_BOT_TOKEN"
        reader.complain(
            missing, "Slack needs both SLACK_BOT_TOKEN (xoxb-…) and SLACK_APP_TOKEN (xapp-…); this one is missing"
        )
    if environment.slack_base and not environment.slack_base.endswith("/api/"):
        reader.complain("SLACK_API_BASE", "must end in /api/")
    if reader.get("TOCSIN_DATABASE_URL"):
        reader.complain(
            "TOCSIN_DATABASE_URL", "PostgreSQL is not built yet; unset it to keep the data in TinyDB under --data"
        )
    if reader.get("TOCSIN_HTTP"):
        reader.complain("TOCSIN_HTTP", "health and metrics over HTTP are not built yet; unset it")
    reader.misspelt(from_file)
    return replace(environment, refused=frozenset(reader.refused)), reader.problems


def variable_of(target: str) -> str:
    """The variable that holds the address of a target `apprise:<target>`."""
    return _APPRISE + target.upper().replace("-", "_")


class _Reader:
    def __init__(self, variables: Mapping[str, str], problems: list[Problem]) -> None:
        self._variables = variables
        self.problems = problems
        self.refused: set[str] = set()

    def complain(self, name: str, text: str) -> None:
        self.refused.add(name.removesuffix("_FILE"))
        self.problems.append(Problem(WHERE, 0, 0, f"{name}: {text}"))

    def misspelt(self, from_file: Mapping[str, str]) -> None:
        """Names that look like ours and are none. Other programs have variables too, so those of the environment must
        begin as only ours do; `.env` is ours."""
        for name in sorted(self._variables):
            bare = name.removesuffix("_FILE")
            if bare in NAMES or name.startswith(_APPRISE) or not (name in from_file or name.startswith("TOCSIN_")):
                continue
            near = get_close_matches(bare, NAMES, 1, 0.8)
            if near or name.startswith("TOCSIN_"):
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}"
                self.complain(name, f"is no variable of this bot; {hint}")

    def get(self, name: str) -> str:
        return self._variables.get(name, "").strip()

    def secret(self, name: str, shape: str, words: str) -> Secret:
        value = self.get(name)
        path = self.get(f"{name}_FILE")
        if path:
            if value:
                self.complain(name, f"set either {name} or {name}_FILE, not both")
            value = self._from_file(f"{name}_FILE", Path(path))
            if not value:
                return Secret("")
        elif not value:
            if name in self._variables and self._variables[name] != "":
                self.complain(name, "is blank; set it or remove it")
            return Secret("")
        if _PLACEHOLDER.match(value):
            self.complain(name, "still holds a placeholder; put the real token there or remove the line")
        elif not re.fullmatch(shape, value):
            self.complain(name, f"does not look like a token of this kind (expected {words})")
        else:
            return Secret(value)
        return Secret("")

    def _from_file(self, name: str, path: Path) -> str:
        try:
            mode = path.stat().st_mode
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.complain(name, f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not text'}")
            return ""
        if mode & 0o004:
            self.complain(name, f"{path} can be read by everybody (mode {mode & 0o777:04o}); chmod 600 {path}")
            return ""
        if not value:
            self.complain(name, f"{path} is empty")
        return value

    def base(self, name: str) -> str:
        value = self.get(name)
        if value and not re.match(r"^https?://[^\s/]+", value):
            self.complain(name, "must be an http:// or https:// address")
            return ""
        return value

    def owners(self, name: str) -> frozenset[str]:
        found = set()
        for word in filter(None, (w.strip() for w in self.get(name).split(","))):
            if _OWNER.match(word):
                found.add(word)
            else:
                self.complain(
                    name, f"{word!r} is not telegram:<user id> or slack:<team id>:<user id> (numeric ids, not names)"
                )
        return frozenset(found)

    def apprise(self) -> dict[str, Secret]:
        targets: dict[str, Secret] = {}
        for name in sorted(self._variables):
            if not name.startswith(_APPRISE) or not self.get(name):
                continue
            bare = name.removesuffix("_FILE")
            target = bare.removeprefix(_APPRISE).lower().replace("_", "-")
            value = self._from_file(name, Path(self.get(name))) if name != bare else self.get(name)
            if value and "://" not in value:
                self.complain(name, "is not an Apprise URL (scheme://…)")
            elif value:
                targets[target] = Secret(value)
        return targets

    def level(self, name: str) -> str:
        value = self.get(name).upper() or "INFO"
        if value not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            self.complain(name, "must be debug, info, warning or error")
            return "INFO"
        return value
