"""A Slack workspace on loopback: the Web API and Socket Mode, with Slack's limits, errors and acknowledgements."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Any

from aiohttp import WSMsgType, web

BOT_TOKEN = "xoxb-" + "1" * 24  # made of one digit: nobody's
APP_TOKEN = "xapp-1-" + "1" * 24
TEAM, BOT_USER, BOT_ID, APP = "T1", "UBOT", "BBOT", "A1"
ACK_S = 3.0
_POST = {"channel", "text", "blocks", "metadata", "thread_ts", "unfurl_links", "unfurl_media", "mrkdwn", "token"}
KNOWN = {
    "auth.test": {"token", "team_id"},
    "apps.connections.open": {"token", "app_token"},
    "chat.postMessage": _POST,
    "chat.postEphemeral": {"channel", "user", "text", "blocks", "thread_ts", "token"},
    "chat.update": {"channel", "ts", "text", "blocks", "metadata", "token"},
    "conversations.history": {"channel", "oldest", "limit", "include_all_metadata", "cursor", "token"},
    "conversations.replies": {"channel", "ts", "oldest", "limit", "include_all_metadata", "cursor", "token"},
    "users.info": {"user", "token"},
}


class Refused(Exception):
    """An answer with ok: false."""

    def __init__(self, error: str, status: int = 200, **more: Any) -> None:
        super().__init__(error)
        self.status = status
        self.more = more


@dataclass
class FakeSlack:
    """`slash`, `mention`, `press`, `shortcut` act as people; `messages` is what they see; `fail_next` breaks a call.

    Kinds of failure: `429:<s>`, `500`, `drop`, `drop_after`, `500_after`, `slow:<s>`, or any error name of the Web API.
    """

    rates: bool = True
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    chaos: Callable[[str, dict[str, Any]], str] | None = None
    """Asked at every call (its method, its parameters) for a kind of failure, "" for none."""
    acks: Counter[str] = field(default_factory=Counter)
    late: list[str] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self._failures: dict[str, deque[str]] = defaultdict(deque)
        self._sends: dict[str, deque[float]] = defaultdict(deque)
        self._wait_until: dict[tuple[str, str], float] = {}
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._sent: dict[str, tuple[float, bool]] = {}
        self._urls: dict[str, int] = {}
        self._last_ts = 0.0
        self._runner: web.AppRunner | None = None
        self.channels |= {"C1": {"name": "desk"}, "D1": {"name": "directmessage"}}
        self.users |= {"U1": {}, "U2": {"is_restricted": True}}

    async def __aenter__(self) -> FakeSlack:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_get("/link", self._socket)
        app.router.add_post("/respond/{id}", self._respond)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._base = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.url = f"http://{self._base}/api/"
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in self._sockets:
            await socket.close()
        if self._runner:
            await self._runner.cleanup()

    # what people do
    async def slash(self, text: str, *, channel: str = "C1", user: str = "U1") -> str:
        """`/tocsin <text>` typed. Returns the envelope id."""
        return await self._send(
            "slash_commands",
            self._person(channel, user)
            | {"command": "/tocsin", "text": text, "response_url": self._answer_url(), "trigger_id": self._id()},
            accepts=True,
        )

    async def mention(
        self, text: str, *, channel: str = "C1", user: str = "U1", event_id: str = "", kind: str = "app_mention"
    ) -> str:
        event = {"type": kind, "user": user, "text": text, "ts": self._ts(), "channel": channel, "event_ts": "1"}
        if kind == "message":
            event["channel_type"] = "im"
        return await self.event(event, event_id)

    async def event(self, event: dict[str, Any], event_id: str = "") -> str:
        body = {
            "token": "x",
            "team_id": TEAM,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": event_id or "Ev" + secrets.token_hex(4),
            "event_time": int(time()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
        }
        return await self._send("events_api", body, accepts=False)

    async def press(self, message: dict[str, Any], label: str, *, user: str = "U1") -> str:
        rows = [b for b in message["blocks"] if b["type"] == "actions"]
        pressed = next(e for row in rows for e in row["elements"] if e["text"]["text"] == label)
        action = {"action_id": pressed["action_id"], "block_id": "b", "type": "button", "value": pressed["value"]}
        return await self._send(
            "interactive", self._interactive("block_actions", message, user) | {"actions": [action]}, accepts=True
        )

    async def shortcut(self, message: dict[str, Any], *, user: str = "U1") -> str:
        body = self._interactive("message_action", message, user) | {"callback_id": "why_alert"}
        return await self._send("interactive", body, accepts=True)

    async def refresh(self) -> None:
        """Slack takes its connections back every few hours."""
        for socket in [s for s in self._sockets if not s.closed]:
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def cut(self) -> None:
        for socket in [s for s in self._sockets if not s.closed]:
            await socket.close()

    def fail_next(self, kind: str, method: str = "chat.postMessage", times: int = 1) -> None:
        self._failures[method].extend([kind] * times)

    @property
    def connected(self) -> int:
        return sum(not socket.closed for socket in self._sockets)

    def texts(self, channel: str = "C1") -> list[str]:
        """All words of each message, blocks included."""
        return [words(m) for m in self.messages if m["channel"] == channel]

    def unacknowledged(self) -> list[str]:
        return [e for e, (at, _) in self._sent.items() if not self.acks[e] and monotonic() - at > ACK_S]

    async def until(self, holds: Any, within_s: float = 20.0) -> None:
        end = monotonic() + within_s
        while not holds():
            if monotonic() > end:
                raise AssertionError(
                    f"did not happen in {within_s} s; shown {self.messages}; answers {self.answers}; "
                    f"faults {self.faults}; calls {[m for m, _ in self.calls]}"
                )
            await asyncio.sleep(0.02)

    # the server
    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        given = await _parameters(request)
        self.calls.append((method, given))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or given.get("token", "")
        try:
            if method not in KNOWN:
                raise Refused("unknown_method")
            if unknown := set(given) - KNOWN[method]:
                raise Refused(f"invalid_arguments: {sorted(unknown)}")
            if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
                raise Refused("invalid_auth")
            failure = self._failures[method].popleft() if self._failures[method] else ""
            if self.chaos and not failure:
                failure = self.chaos(method, given)
            name, _, value = failure.partition(":")
            if failure and name not in ("drop_after", "500_after", "slow"):
                return await self._fail(method, failure, request, str(given.get("channel", "")))
            result = getattr(self, "_" + method.replace(".", "_").lower())(given)
        except Refused as error:
            if not str(error).startswith("ratelimited"):
                self.faults.append(f"{method}: {error}")
            headers = {"Retry-After": str(error.more.pop("retry_after"))} if "retry_after" in error.more else {}
            body = {"ok": False, "error": str(error)} | error.more
            return web.json_response(body, status=error.status, headers=headers)
        if name == "drop_after":
            return await self._drop(request)
        if name == "500_after":
            return web.Response(status=500, text="<html>Server Error</html>")
        await asyncio.sleep(float(value or 0))
        return web.json_response({"ok": True} | result)

    async def _fail(self, method: str, kind: str, request: web.Request, channel: str) -> web.StreamResponse:
        name, _, value = kind.partition(":")
        if name == "429":
            self._wait_until[method, channel] = monotonic() + float(value)
            raise Refused("ratelimited", 429, retry_after=value)
        if name == "500":
            return web.Response(status=500, text="<html>Server Error</html>")
        if name == "drop":
            return await self._drop(request)
        raise Refused(name)

    async def _drop(self, request: web.Request) -> web.StreamResponse:
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _auth_test(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "url": "https://x.slack.com/",
            "team": "x",
            "user": "tocsin",
            "team_id": TEAM,
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
        }

    def _apps_connections_open(self, given: dict[str, Any]) -> dict[str, Any]:
        self._tickets.add(ticket := secrets.token_hex(8))
        return {"url": f"ws://{self._base}/link?ticket={ticket}&app_id={APP}"}

    def _chat_postmessage(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        self._count(channel)
        ts = self._ts()
        thread = given.get("thread_ts")
        if thread and not any(m["ts"] == thread for m in self.messages):
            raise Refused("thread_not_found")
        message = self._message(given, channel) | {"ts": ts}
        self.messages.append(message | ({"thread_ts": thread} if thread else {}))
        return {"channel": channel, "ts": ts, "message": message}

    def _chat_postephemeral(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        if given.get("user") not in self.users:
            raise Refused("user_not_in_channel")
        body = self._message(given, channel)
        self.answers.append({**body, "response_type": "ephemeral", "user": given["user"]})
        return {"message_ts": self._ts()}

    def _chat_update(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        found = [m for m in self.messages if (m["channel"], m["ts"]) == (channel, given["ts"])]
        if not found:
            raise Refused("message_not_found")
        stays = {} if "blocks" in given else {"blocks": found[0]["blocks"]}
        found[0].update(self._message(given, channel) | stays, edits=found[0].get("edits", 0) + 1)
        return {"channel": channel, "ts": given["ts"], "text": found[0]["text"]}

    def _conversations_history(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        return self._page(given, [m for m in self.messages if m["channel"] == channel and not m.get("thread_ts")])

    def _conversations_replies(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        root = given["ts"]
        return self._page(
            given, [m for m in self.messages if m["channel"] == channel and root in (m["ts"], m.get("thread_ts"))]
        )

    def _page(self, given: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        found = [m for m in reversed(found) if float(m["ts"]) > float(given.get("oldest") or 0)]
        start, size = int(given.get("cursor") or 0), min(int(given.get("limit") or 100), 2)
        shown = [dict(m) for m in found[start : start + size]]
        if str(given.get("include_all_metadata")).lower() not in ("true", "1"):
            for message in shown:
                message.pop("metadata", None)
        more = start + size < len(found)
        return {
            "messages": shown,
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + size) if more else ""},
        }

    def _users_info(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("user") not in self.users:
            raise Refused("user_not_found")
        return {"user": {"id": given["user"], "team_id": TEAM} | self.users[given["user"]]}

    def _channel(self, given: dict[str, Any]) -> str:
        channel = str(given.get("channel", ""))
        known = self.channels.get(channel)
        if known is None:
            raise Refused("channel_not_found")
        if known.get("is_archived"):
            raise Refused("is_archived")
        return channel

    def _count(self, channel: str) -> None:
        """4 in 4 s a channel; 429 until told otherwise."""
        now = monotonic()
        if now < self._wait_until.get(("chat.postMessage", channel), 0):
            self.faults.append("chat.postMessage: called before Retry-After ended")
        times = self._sends[channel]
        while times and now - times[0] > 4:
            times.popleft()
        if self.rates and len(times) >= 4:
            raise Refused("ratelimited", 429, retry_after="2")
        times.append(now)

    def _message(self, given: dict[str, Any], channel: str) -> dict[str, Any]:
        blocks = given.get("blocks") or []
        text = given.get("text") or ""
        if not text and not blocks:
            raise Refused("no_text")
        if len(text) > 40_000:
            raise Refused("msg_too_long")
        if problem := wrong_blocks(blocks):
            raise Refused("invalid_blocks", response_metadata={"messages": [problem]})
        if sum(len(t) for t in _texts(blocks)) > 13_200:
            raise Refused("msg_blocks_too_long")
        metadata = given.get("metadata")
        if metadata and (set(metadata) != {"event_type", "event_payload"} or not metadata["event_type"]):
            raise Refused("invalid_metadata_format")
        return {"type": "message", "channel": channel, "text": text, "blocks": blocks, "user": BOT_USER} | (
            {"metadata": metadata} if metadata else {}
        )

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("ticket", "") not in self._tickets:
            return web.Response(status=401)
        self._tickets.discard(request.query["ticket"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_json({"type": "hello", "num_connections": self.connected, "connection_info": {"app_id": APP}})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            answer = json.loads(message.data)
            envelope = answer.get("envelope_id", "")
            if envelope not in self._sent:
                self.faults.append(f"an unknown envelope was acknowledged: {answer}")
                continue
            at, accepts = self._sent[envelope]
            self.acks[envelope] += 1
            if self.acks[envelope] > 1:
                self.faults.append("an envelope was acknowledged twice")
            if monotonic() - at > ACK_S:
                self.late.append(envelope)
            if answer.get("payload") and not accepts:
                self.faults.append("a payload was sent to an envelope that takes none")
        return socket

    async def _respond(self, request: web.Request) -> web.Response:
        left = self._urls.get(request.match_info["id"], 0)
        if left <= 0:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        self._urls[request.match_info["id"]] = left - 1
        body = await request.json()
        if problem := wrong_blocks(body.get("blocks") or []):
            self.faults.append(f"response_url: {problem}")
            return web.json_response({"ok": False, "error": "invalid_blocks"}, status=400)
        self.answers.append(body)
        return web.Response(text="ok")

    async def _send(self, kind: str, payload: dict[str, Any], *, accepts: bool) -> str:
        envelope = secrets.token_hex(8)
        self._sent[envelope] = (monotonic(), accepts)
        live = [s for s in self._sockets if not s.closed]
        if not live:
            raise AssertionError("the app has no connection: Slack would tell the person it failed")
        body = {"type": kind, "envelope_id": envelope, "payload": payload, "accepts_response_payload": accepts}
        await live[-1].send_json(body | ({"retry_attempt": 0, "retry_reason": ""} if kind == "events_api" else {}))
        return envelope

    def _interactive(self, kind: str, message: dict[str, Any], user: str) -> dict[str, Any]:
        return {
            "type": kind,
            "token": "x",
            "team": {"id": TEAM, "domain": "x"},
            "user": {"id": user, "team_id": TEAM, "username": "ann"},
            "channel": {"id": message["channel"], "name": "desk"},
            "message": message,
            "api_app_id": APP,
            "trigger_id": self._id(),
            "response_url": self._answer_url(),
        }

    def _person(self, channel: str, user: str) -> dict[str, Any]:
        name = self.channels.get(channel, {}).get("name", "privategroup")
        return {
            "token": "x",
            "team_id": TEAM,
            "team_domain": "x",
            "channel_id": channel,
            "channel_name": name,
            "user_id": user,
            "user_name": "ann",
            "api_app_id": APP,
            "is_enterprise_install": "false",
        }

    def _answer_url(self) -> str:
        self._urls[key := secrets.token_hex(6)] = 5
        return f"http://{self._base}/respond/{key}"

    def _id(self) -> str:
        return f"{secrets.randbelow(10**9)}.{secrets.randbelow(10**9)}.{secrets.token_hex(8)}"

    def _ts(self) -> str:
        self._last_ts = max(self._last_ts + 0.000001, time())
        return f"{self._last_ts:.6f}"


def words(message: dict[str, Any]) -> str:
    """What a person reads: the blocks' texts, else the text."""
    return "\n".join(_texts(message.get("blocks") or [])) or message.get("text", "")


def wrong_blocks(blocks: list[dict[str, Any]]) -> str:
    """The first fault with its json-pointer, "" when the blocks are right."""
    if len(blocks) > 50:
        return "no more than 50 items allowed [json-pointer:/blocks]"
    for number, block in enumerate(blocks):
        at = f"[json-pointer:/blocks/{number}]"
        match block.get("type"):
            case "section":
                text = block.get("text", {})
                if not 1 <= len(text.get("text", "")) <= 3000 or len(block.get("fields", [])) > 10:
                    return f"must be 1 to 3000 characters {at}"
            case "context":
                if not 1 <= len(block["elements"]) <= 10 or not all(e["text"] for e in block["elements"]):
                    return f"1 to 10 elements with a text {at}"
            case "header":
                if not 1 <= len(block["text"]["text"]) <= 150:
                    return f"must be 1 to 150 characters {at}"
            case "actions":
                if not 1 <= len(block["elements"]) <= 25:
                    return f"1 to 25 elements {at}"
                for button in block["elements"]:
                    if len(button["text"]["text"]) > 75 or not button["text"]["text"]:
                        return f"button text of 1 to 75 characters {at}"
                    if len(button.get("value", "")) > 2000 or not 1 <= len(button["action_id"]) <= 255:
                        return f"button value or action_id {at}"
                if len({b["action_id"] for b in block["elements"]}) < len(block["elements"]):
                    return f"`action_id` already exists {at}"
            case "divider":
                pass
            case other:
                return f"unsupported type: {other} {at}"
    return ""


def _texts(blocks: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for block in blocks:
        found += [block["text"]["text"]] if isinstance(block.get("text"), dict) else []
        found += [e["text"] for e in block.get("elements", []) if isinstance(e.get("text"), str)]
    return found


async def _parameters(request: web.Request) -> dict[str, Any]:
    if "json" in request.headers.get("Content-Type", ""):
        return dict(await request.json())
    given: dict[str, Any] = {**request.query, **{k: str(v) for k, v in (await request.post()).items()}}
    for name in ("blocks", "metadata"):
        if name in given:
            given[name] = json.loads(given[name])
    return given


def mentions(text: str) -> list[str]:
    """Whom a mrkdwn text would alert."""
    return re.findall(r"<(?:!channel|!here|!everyone|!subteam\^\w+|@\w+)[^>]*>", text)
