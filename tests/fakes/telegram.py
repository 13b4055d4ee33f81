"""A Bot API server on loopback that is as strict as the real one: its limits, its errors, its way of polling.

Markup is judged by Telegram's own library (TDLib's parseTextEntities), the one the real server calls.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Any

from aiohttp import web

from tests.fakes.tdlib import Refused, parse

TOKEN = "123456:" + "A" * 35  # made of one letter: nobody's
IN_FLIGHT_S = 0.25
"""What was on the wire when the platform asked to wait cannot be called back."""
BOT = {"id": 123456, "is_bot": True, "first_name": "Tocsin", "username": "TocsinBot", "can_join_groups": True}
_COMMON = {"chat_id", "message_thread_id", "text", "parse_mode", "entities", "link_preview_options", "reply_markup"}
KNOWN = {
    "getMe": set(),
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
    "setMyCommands": {"commands", "scope", "language_code"},
    "sendMessage": _COMMON | {"reply_parameters", "disable_notification", "protect_content"},
    "editMessageText": (_COMMON - {"message_thread_id"}) | {"message_id"},
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert"},
    "getChatMember": {"chat_id", "user_id"},
}


@dataclass
class Shown:
    """A message as people see it."""

    chat_id: int
    message_id: int
    text: str
    entities: list[dict[str, Any]]
    at: float
    thread: int | None = None
    reply_to: int | None = None
    buttons: list[tuple[str, str]] = field(default_factory=list)
    edits: int = 0


@dataclass
class FakeTelegram:
    """`say`, `press`, `migrate` act as people; `shown` is what they see; `fail_next` breaks the next call.

    Kinds of failure: `429:<s>`, `500`, `drop` (no answer, nothing done), `drop_after` (done, no answer), `500_after`,
    `slow:<s>` (done, answered late),
    `blocked`, `kicked`, `not_found`, `migrate:<id>`, `401`.
    """

    rates: bool = True
    admins: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    shown: list[Shown] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    menus: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    chaos: Callable[[str, dict[str, Any]], str] | None = None
    """Asked at every call (its method, its parameters) for a kind of failure, "" for none."""
    unanswered: set[str] = field(default_factory=set)
    url: str = ""
    port: int = 0

    def __post_init__(self) -> None:
        self._updates: list[dict[str, Any]] = []
        self._next_update = 1000
        self._next_message: dict[int, int] = defaultdict(int)
        self._failures: dict[str, deque[str]] = defaultdict(deque)
        self._wake = asyncio.Event()
        self._poller = 0
        self._sends: dict[Any, deque[float]] = defaultdict(deque)
        self._wait_until = self._told_at = 0.0
        self._chats: dict[int, dict[str, Any]] = {}
        self._topics: dict[int, set[int]] = defaultdict(set)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> FakeTelegram:
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._poller += 1
        self._wake.set()
        if self._runner:
            await self._runner.cleanup()

    # what people do
    def chat(self, chat_id: int, kind: str = "private", title: str = "") -> dict[str, Any]:
        names = {"first_name": title or "Ann"} if kind == "private" else {"title": title or "Desk"}
        return self._chats.setdefault(chat_id, {"id": chat_id, "type": kind, **names})

    def topic(self, chat_id: int, thread: int) -> None:
        self.chat(chat_id, "supergroup")["is_forum"] = True
        self._topics[chat_id].add(thread)

    def say(
        self,
        text: str,
        *,
        chat_id: int = 7,
        user_id: int = 7,
        thread: int | None = None,
        reply_to: Shown | None = None,
        age_s: float = 0,
        channel_post: bool = False,
    ) -> int:
        """A person writes. Returns the update id."""
        message: dict[str, Any] = self._message(chat_id, thread) | {"text": text, "date": int(time() - age_s)}
        if channel_post:
            message["sender_chat"] = self.chat(chat_id, "channel")
        else:
            message["from"] = {"id": user_id, "is_bot": False, "first_name": "Ann", "language_code": "en"}
        if match := re.match(r"/\w+(@\w+)?", text):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": match.end()}]
        if reply_to:
            message["reply_to_message"] = {
                "message_id": reply_to.message_id,
                "date": 1,
                "chat": self.chat(chat_id),
                "from": BOT,
                "text": reply_to.text,
            }
        return self.push({"channel_post" if channel_post else "message": message})

    def press(self, message: Shown, label: str, *, user_id: int = 7) -> int:
        """A person presses a button under a message."""
        data = next(data for words, data in message.buttons if words == label)
        self.unanswered.add(query := f"q{self._next_update}")
        shown = {"message_id": message.message_id, "date": 1, "chat": self.chat(message.chat_id), "from": BOT}
        sender = {"id": user_id, "is_bot": False, "first_name": "Ann"}
        return self.push(
            {
                "callback_query": {
                    "id": query,
                    "from": sender,
                    "chat_instance": "1",
                    "data": data,
                    "message": shown | {"text": message.text},
                }
            }
        )

    def membership(self, chat_id: int, status: str, user_id: int = 7) -> int:
        """The bot is let in or thrown out: `member`, `administrator`, `left`, `kicked`."""

        def member(state: str) -> dict[str, Any]:
            found: dict[str, Any] = {"user": BOT, "status": state}
            return found | ({"until_date": 0} if state == "kicked" else {})

        change = {"chat": self.chat(chat_id), "from": {"id": user_id, "is_bot": False, "first_name": "Ann"}, "date": 1}
        before = "member" if status in ("left", "kicked") else "left"
        return self.push(
            {"my_chat_member": change | {"old_chat_member": member(before), "new_chat_member": member(status)}}
        )

    def migrate(self, chat_id: int, new_id: int) -> int:
        self.chat(new_id, "supergroup")
        self.admins[new_id] = self.admins[chat_id]
        return self.push({"message": self._message(chat_id, None) | {"migrate_to_chat_id": new_id}})

    def push(self, update: dict[str, Any]) -> int:
        self._next_update += 1
        self._updates.append({"update_id": self._next_update} | update)
        self._wake.set()
        return self._next_update

    def fail_next(self, kind: str, method: str = "sendMessage", times: int = 1) -> None:
        self._failures[method].extend([kind] * times)

    @property
    def pending(self) -> int:
        return len(self._updates)

    def texts(self, chat_id: int = 7) -> list[str]:
        return [message.text for message in self.shown if message.chat_id == chat_id]

    async def until(self, holds: Any, within_s: float = 20.0) -> None:
        """Wait until `holds()` is true."""
        end = monotonic() + within_s
        while not holds():
            if monotonic() > end:
                raise AssertionError(f"did not happen in {within_s} s; shown: {self.shown}; refused: {self.refused}")
            await asyncio.sleep(0.02)

    # the server
    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if request.match_info["token"] != TOKEN:
            return _error(401, "Unauthorized")
        if method not in KNOWN:
            return _error(404, "Not Found: method not found")
        given = await _parameters(request)
        self.calls.append((method, given))
        if unknown := set(given) - KNOWN[method]:
            return self._refuse(method, 400, f"Bad Request: unknown parameters {sorted(unknown)}")
        failure = self._failures[method].popleft() if self._failures[method] else ""
        if self.chaos and not failure:
            failure = self.chaos(method, given)
        name, _, value = failure.partition(":")
        if failure and name not in ("drop_after", "500_after", "slow"):
            return await self._fail(method, failure, request)
        try:
            result = await getattr(self, "_" + re.sub(r"([A-Z])", r"_\1", method).lower())(given)
        except Refused as error:
            if request.transport is None or request.transport.is_closing():
                return web.Response()  # a poller that has gone is told nothing
            return self._refuse(method, error.status, str(error), **error.parameters)
        if name == "drop_after":
            return await self._drop(request)
        if name == "500_after":
            return _error(500, "Internal Server Error")
        await asyncio.sleep(float(value or 0))
        return web.json_response({"ok": True, "result": result})

    def _refuse(self, method: str, status: int, text: str, **parameters: Any) -> web.Response:
        self.refused.append((method, text))
        return _error(status, text, **parameters)

    async def _fail(self, method: str, kind: str, request: web.Request) -> web.StreamResponse:
        name, _, value = kind.partition(":")
        known = {
            "500": (500, "Internal Server Error"),
            "401": (401, "Unauthorized"),
            "blocked": (403, "Forbidden: bot was blocked by the user"),
            "kicked": (403, "Forbidden: bot was kicked from the supergroup chat"),
            "not_found": (400, "Bad Request: chat not found"),
            "topic_closed": (400, "Bad Request: TOPIC_CLOSED"),
            "markup": (400, "Bad Request: can't parse entities: Unsupported start tag"),
        }
        if name == "429":
            self._told_at = monotonic()
            self._wait_until = self._told_at + float(value)
            return _error(429, f"Too Many Requests: retry after {value}", retry_after=int(value))
        if name == "migrate":
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            return _error(400, text, migrate_to_chat_id=int(value))
        if name == "drop":
            return await self._drop(request)
        return self._refuse(method, *known[name])

    async def _drop(self, request: web.Request) -> web.StreamResponse:
        if request.transport:
            request.transport.abort()
        return web.Response()

    async def _get_me(self, given: dict[str, Any]) -> dict[str, Any]:
        return BOT

    async def _get_updates(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        self._poller += 1  # a newer poller ends the older one
        mine = self._poller
        self._wake.set()
        offset, timeout = int(given.get("offset", 0)), min(float(given.get("timeout", 0)), 50)
        allowed = given.get("allowed_updates") or []
        self._updates = [u for u in self._updates if u["update_id"] >= offset]
        end = monotonic() + timeout
        while True:
            ready = [u for u in self._updates if not allowed or set(allowed) & set(u)]
            if ready or monotonic() >= end:
                return ready[: int(given.get("limit", 100))]
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), end - monotonic())
            except TimeoutError:
                continue
            if self._poller != mine:
                raise Refused(
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                    409,
                )

    async def _set_my_commands(self, given: dict[str, Any]) -> bool:
        commands = given["commands"]
        if len(commands) > 100:
            raise Refused("Bad Request: BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise Refused("Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise Refused("Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        scope = given.get("scope") or {"type": "default"}
        if scope["type"] == "chat" and scope["chat_id"] not in self._chats:
            raise Refused("Bad Request: chat not found")
        self.menus[scope["type"]] = commands
        return True

    async def _send_message(self, given: dict[str, Any]) -> dict[str, Any]:
        chat_id = self._known(given["chat_id"])
        self._count(chat_id)
        text, entities = _formatted(given)
        thread = given.get("message_thread_id")
        if thread is not None and (thread == 1 or int(thread) not in self._topics[chat_id]):
            raise Refused("Bad Request: message thread not found")
        answered = given.get("reply_parameters") or {}
        reply_to = answered.get("message_id")
        if reply_to and not any(m.message_id == reply_to and m.chat_id == chat_id for m in self.shown):
            if not answered.get("allow_sending_without_reply"):
                raise Refused("Bad Request: message to be replied not found")
            reply_to = None
        buttons = _buttons(given.get("reply_markup"))
        body = self._message(chat_id, thread)
        self.shown.append(Shown(chat_id, body["message_id"], text, entities, time(), thread, reply_to, buttons))
        return body | {"from": BOT, "text": text}

    async def _edit_message_text(self, given: dict[str, Any]) -> dict[str, Any]:
        chat_id = self._known(given["chat_id"])
        self._count(chat_id)
        found = [m for m in self.shown if m.chat_id == chat_id and m.message_id == int(given["message_id"])]
        if not found:
            raise Refused("Bad Request: message to edit not found")
        text, entities = _formatted(given)
        buttons = _buttons(given.get("reply_markup"))
        if (found[0].text, found[0].entities, found[0].buttons) == (text, entities, buttons):
            raise Refused(
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message"
            )
        found[0].text, found[0].entities, found[0].buttons = text, entities, buttons
        found[0].edits += 1
        body = {"message_id": found[0].message_id, "date": int(found[0].at), "chat": self.chat(chat_id)}
        return body | {"from": BOT, "text": text, "edit_date": int(time())}

    async def _answer_callback_query(self, given: dict[str, Any]) -> bool:
        if given["callback_query_id"] not in self.unanswered:
            raise Refused("Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(given.get("text", "")) > 200:
            raise Refused("Bad Request: MESSAGE_TOO_LONG")
        self.unanswered.discard(given["callback_query_id"])
        return True

    async def _get_chat_member(self, given: dict[str, Any]) -> dict[str, Any]:
        chat_id, user_id = self._known(given["chat_id"]), int(given["user_id"])
        user = {"id": user_id, "is_bot": False, "first_name": "Ann"}
        if user_id in self.admins[chat_id]:
            return {"user": user, "status": "creator", "is_anonymous": False}
        return {"user": user, "status": "member"}

    def _known(self, chat_id: Any) -> int:
        number = int(chat_id)
        if number not in self._chats:
            raise Refused("Bad Request: chat not found")
        return number

    def _count(self, chat_id: int) -> None:
        """3 in 3 s a chat, 20 in 60 s a group, 30 in 1 s in all; calls while told to wait are noted."""
        now = monotonic()
        if now < self._wait_until:
            if now > self._told_at + IN_FLIGHT_S:
                self.early.append(f"called {self._wait_until - now:.2f} s too early")
            left = int(self._wait_until - now) + 1
            raise Refused(f"Too Many Requests: retry after {left}", 429, retry_after=left)
        if not self.rates:
            return
        for key, most, span in ((chat_id, 3, 3.0), (("group", chat_id), 20, 60.0), ("all", 30, 1.0)):
            if isinstance(key, tuple) and chat_id > 0:
                continue
            times = self._sends[key]
            while times and now - times[0] > span:
                times.popleft()
            if len(times) >= most:
                self._wait_until, self._told_at = now + 3, now
                raise Refused("Too Many Requests: retry after 3", 429, retry_after=3)
            times.append(now)

    def _message(self, chat_id: int, thread: Any) -> dict[str, Any]:
        self._next_message[chat_id] += 1
        known = self.chat(chat_id)
        body: dict[str, Any] = {"message_id": self._next_message[chat_id], "date": int(time()), "chat": known}
        return body | ({"message_thread_id": int(thread), "is_topic_message": True} if thread else {})


def _formatted(given: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    raw = given.get("text", "")
    if len(raw.encode()) > 32768:
        raise Refused("Bad Request: text is too long")
    if not raw:
        raise Refused("Bad Request: message text is empty")
    text, entities = parse(raw, given.get("parse_mode", ""))
    if not text.strip():
        raise Refused("Bad Request: text must be non-empty")
    if len(text.strip().encode("utf-16-le")) // 2 > 4096:
        raise Refused("Bad Request: message is too long")
    return text.strip(), entities


def _buttons(markup: dict[str, Any] | None) -> list[tuple[str, str]]:
    found = [button for row in (markup or {}).get("inline_keyboard", []) for button in row]
    if len(found) > 100:
        raise Refused("Bad Request: REPLY_MARKUP_TOO_LONG")
    for button in found:
        if not button["text"].strip():
            raise Refused("Bad Request: BUTTON_TEXT_INVALID")
        if not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            raise Refused("Bad Request: BUTTON_DATA_INVALID")
    return [(button["text"], button["callback_data"]) for button in found]


async def _parameters(request: web.Request) -> dict[str, Any]:
    form = await request.post()
    found: dict[str, Any] = {}
    for name, value in {**request.query, **{k: str(v) for k, v in form.items()}}.items():
        try:
            found[name] = json.loads(value) if name not in ("text", "parse_mode", "callback_query_id") else value
        except ValueError:
            found[name] = value
    return found


def _error(status: int, text: str, **parameters: Any) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": text}
    headers = {"Retry-After": str(parameters["retry_after"])} if "retry_after" in parameters else {}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=status, headers=headers)
