"""Slack through slack-bolt in Socket Mode: commands, mentions and buttons in, messages out, none sent twice."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels import slack_blocks as shapes
from bot.channels.markup import JOINER
from bot.channels.slack_errors import CALL_FAILURES, explained
from bot.core.chat import Act, Call, Chat, ChatEvent, Limits, Receipt
from bot.core.errors import BotError, NotSent, Refused, SlowDown, StoreError, TokenDead
from bot.core.message import Message
from bot.core.ports import Clock, Front, Parcel

log = structlog.get_logger("slack")
DEFAULT_BASE = "https://slack.com/api/"
CALL_S = 30
MEMBER_CACHE_S = 60.0
LOOK_BACK_S = 3600.0
MOST_PAGES = 100
_NO_CHAT = frozenset({"kicked", "not_found", "archived", "message_gone"})
"""Refusals that say the same of a look as of a send."""
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|[^>]*)?>")
_STORY_ID = re.compile(r"#([0-9a-z]{6})\b")
_CHAT_EVENTS = (
    ("channel_archive", "left", "archived"),
    ("group_archive", "left", "archived"),
    ("channel_left", "left", "kicked"),
    ("group_left", "left", "kicked"),
    ("channel_unarchive", "joined", ""),
    ("group_unarchive", "joined", ""),
)


class SlackChannel:
    """Chats are `slack:<team>/<channel>`. One workspace, the one the tokens belong to."""

    name = "slack"
    # Posting: one a second and channel, some hundred a minute and workspace; chat.update: fifty a minute in all.
    limits = Limits(
        text_max=shapes.SUM_MAX,
        edit=True,
        thread=True,
        buttons=True,
        per_chat_s=1.05,
        per_group_s=1.05,
        per_bot_s=0.15,
        per_edit_s=1.25,
    )

    def __init__(self, bot_token: str, app_token: str, clock: Clock, *, base_url: str = DEFAULT_BASE) -> None:
        base = base_url or DEFAULT_BASE
        # The library's own retries repeat a post whose answer was lost: two messages. The outbox settles that.
        self._web = AsyncWebClient(token=bot_token, base_url=base, timeout=CALL_S, retry_handlers=[], logger=_quiet)
        self._app_token = app_token
        self._clock = clock
        self._team = ""
        self._me = ""
        self._bot_id = ""
        self._members: dict[str, tuple[float, bool]] = {}

    async def serve(self, front: Front) -> None:
        await self._know_myself()
        app = AsyncApp(client=self._web, authorize=self._authorizer(), logger=_quiet)
        self._listen_to_commands(app, front)
        self._listen_to_events(app, front)
        socket_web = AsyncWebClient(base_url=self._web.base_url, timeout=CALL_S, logger=_quiet)
        handler = AsyncSocketModeHandler(app, self._app_token, web_client=socket_web, logger=_quiet, ping_interval=10)
        try:
            while True:
                try:
                    # Asked for here, because the library would ask for ever with a token that is refused.
                    link = await socket_web.apps_connections_open(app_token=self._app_token)
                    handler.client.wss_uri = str(link["url"])
                    await handler.connect_async()  # type: ignore[no-untyped-call]
                    break
                except SlackApiError as error:
                    found = explained(error)
                    if isinstance(found, TokenDead):
                        raise TokenDead("Slack refuses SLACK_APP_TOKEN; it needs connections:write") from None
                    await self._clock.sleep(5)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    log.warning("Slack cannot be reached; trying again", error=type(error).__name__)
                    await self._clock.sleep(5)
            log.info("slack is ready", team=self._team)
            for call in await front.accepted(self.name):  # taken, and not answered, by the process before this one
                await self._answer_the_accepted(front, call)
            await asyncio.Event().wait()
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]

    def parts(self, message: Message, plain_from: int | None = None) -> int:
        blocks = len(shapes.parts(message))
        return blocks if plain_from is None else plain_from + len(shapes.plain(message, plain_from))

    async def send(self, parcel: Parcel) -> Receipt:
        channel = _channel(parcel.chat_id)
        body: dict[str, Any] = {
            "channel": channel,
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": shapes.metadata(parcel),
            **shapes.content(parcel),
        }
        try:
            if parcel.act is Act.EDIT:
                known = ("channel", "text", "blocks", "metadata")
                answer = await self._web.chat_update(ts=parcel.target, **{k: v for k, v in body.items() if k in known})
            else:
                if parcel.act is Act.REPLY:
                    body["thread_ts"] = parcel.target
                answer = await self._web.chat_postMessage(**body)
        except CALL_FAILURES as error:
            raise explained(error) from None
        return Receipt(message_id=str(answer["ts"]), at=self._clock.now())

    async def look(self, parcel: Parcel, since: datetime) -> Receipt | None:
        """See ports.CanLook: the message carries its key as metadata, and the history shows it, newest first. Pages are
        read until they are surely older than the attempt; the first is always read, since our clock may be wrong."""
        oldest = since.timestamp() - LOOK_BACK_S
        body: dict[str, Any] = {"channel": _channel(parcel.chat_id), "include_all_metadata": True, "limit": 200}
        in_thread = parcel.act is Act.REPLY and bool(parcel.target)
        try:
            for _ in range(MOST_PAGES):
                if in_thread:
                    answer = await self._web.conversations_replies(ts=parcel.target, **body)
                else:
                    answer = await self._web.conversations_history(**body)
                messages = answer.get("messages") or []
                for message in messages:
                    if shapes.is_ours(message, parcel):
                        return Receipt(message_id=str(message["ts"]), at=self._clock.now())
                body["cursor"] = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
                past = not in_thread and messages and float(messages[-1].get("ts") or 0) < oldest
                if past or not body["cursor"]:
                    return None
        except CALL_FAILURES as error:
            raise _unseen(explained(error)) from None
        raise Refused("it may have arrived, but too much was written there since to look for it", reason="unseen")

    async def is_admin(self, actor: str, chat: Chat) -> bool:
        """Full members of this workspace may change what their channels get; guests, bots and strangers may not."""
        _, team, user = (*actor.split(":"), "", "")[:3]
        if not user or (self._team and team != self._team):
            return False
        known = self._members.get(user)
        now = self._clock.monotonic()
        if known and known[0] > now:
            return known[1]
        try:
            info = (await self._web.users_info(user=user))["user"]
        except CALL_FAILURES:
            return False
        flags = ("is_restricted", "is_ultra_restricted", "is_bot", "deleted", "is_stranger")
        found = not any(info.get(flag) for flag in flags)
        self._members[user] = (now + MEMBER_CACHE_S, found)
        return found

    async def close(self) -> None:
        """Sockets are closed by `serve`; the web client holds none between calls."""

    def _authorizer(self) -> Callable[..., Awaitable[AuthorizeResult]]:
        """Who we are was asked once; asking at events, as Bolt does, would lose those that meet a flood limit."""
        us = AuthorizeResult(
            enterprise_id=None, team_id=self._team, bot_token=self._web.token, bot_id=self._bot_id, bot_user_id=self._me
        )

        async def authorize() -> AuthorizeResult:
            return us

        return authorize

    async def _know_myself(self) -> None:
        while not self._team:
            try:
                who = await self._web.auth_test()
                self._team, self._me, self._bot_id = (str(who[k]) for k in ("team_id", "user_id", "bot_id"))
            except CALL_FAILURES as error:
                found = explained(error)
                if isinstance(found, TokenDead):
                    raise found from None
                log.warning("Slack cannot be reached; trying again", error=str(found))
                await self._clock.sleep(found.after_s if isinstance(found, SlowDown) else 5.0)

    def _listen_to_commands(self, app: AsyncApp, front: Front) -> None:
        """What people ask by a command, a button or a shortcut."""

        async def take(ack: Any, call: Call, respond: Any) -> None:
            """Acknowledged only once it is kept: what Slack was told we have, Slack does not keep."""
            try:
                new = await front.accept(call)
            except StoreError:
                await ack("I cannot write to my disk right now, so nothing was done. The operator knows; try later.")
                return
            await ack()
            if new:
                await self._answer(front, call, _by_url(respond))

        @app.command("/tocsin")
        async def slash(ack: Any, body: dict[str, Any], respond: Any) -> None:
            text = str(body.get("text") or "").strip() or "help"
            await take(ack, _call(body, text, str(body.get("trigger_id") or "")), respond)

        @app.action(re.compile(f"^{shapes.ACTION}_"))
        async def press(ack: Any, body: dict[str, Any], respond: Any) -> None:
            pressed = str(body["actions"][0].get("value") or "")
            await take(ack, _call(body, pressed, f"{body.get('trigger_id')}"), respond)

        @app.shortcut("why_alert")
        async def shortcut(ack: Any, body: dict[str, Any], respond: Any) -> None:
            story = _story_of(body.get("message") or {})
            await take(ack, _call(body, f"why {story}".strip(), f"{body.get('trigger_id')}"), respond)

    def _listen_to_events(self, app: AsyncApp, front: Front) -> None:
        """Everything else the manifest subscribes to, and nothing left without an acknowledgement."""

        async def keep(body: dict[str, Any], event: dict[str, Any], context: dict[str, Any], next: Any) -> None:
            """Bolt acknowledges an event before its listener runs, but after what stands before the listener."""
            if event.get("bot_id") or event.get("subtype"):
                return
            context["call"] = call = _said(body, event)
            if await front.accept(call):
                await next()

        @app.event("app_mention", middleware=[keep])
        async def mention(context: dict[str, Any]) -> None:
            await self._answer_the_accepted(front, context["call"])

        @app.event("message", matchers=[_is_direct], middleware=[keep])
        async def direct(context: dict[str, Any]) -> None:
            await self._answer_the_accepted(front, context["call"])

        async def kept() -> None:
            """All is done before the acknowledgement."""

        for name, what, detail in _CHAT_EVENTS:
            app.event(name, middleware=[_chat_event(front, what, detail)])(kept)

        async def is_me(event: dict[str, Any]) -> bool:
            return bool(event.get("user") == self._me)

        app.event("member_joined_channel", matchers=[is_me], middleware=[_chat_event(front, "joined", "")])(kept)

        @app.event(re.compile(".*"))
        async def rest(body: dict[str, Any]) -> None:
            """Acknowledged, so that Slack does not send it three times more."""

    async def _answer(self, front: Front, call: Call, say: Callable[[Message], Awaitable[None]]) -> None:
        reply = await front.answer(call)
        if reply is None:
            return
        try:
            await say(reply)
        except CALL_FAILURES as error:
            log.warning("an answer could not be sent", call=call.id, error=str(explained(error)))

    async def _answer_the_accepted(self, front: Front, call: Call) -> None:
        """Without the request's own address, which is not kept: by the outbox, or to the asker's eyes only."""
        if call.aside:
            await self._answer(front, call, self._by_whisper(call))
        elif (unkept := await front.post(call)) is not None:
            log.warning("an answer could not be kept", call=call.id, answer=unkept.plain()[:200])

    def _by_whisper(self, call: Call) -> Callable[[Message], Awaitable[None]]:
        """To its asker where he asked, or else to him alone."""
        channel, user = _channel(call.chat.id), call.actor.rpartition(":")[2]

        async def say(message: Message) -> None:
            for blocks in shapes.parts(message):
                body: dict[str, Any] = {"text": shapes.fallback(message), "blocks": blocks}
                try:
                    await self._web.chat_postEphemeral(channel=channel, user=user, **body)
                except SlackApiError:
                    await self._web.chat_postMessage(channel=user, unfurl_links=False, unfurl_media=False, **body)

        return say


_quiet = logging.getLogger("slack_bolt.tocsin")


def _by_url(respond: Any) -> Callable[[Message], Awaitable[None]]:
    """Answers only its asker sees, by the request's own address, which takes five of them."""

    async def say(message: Message) -> None:
        for blocks in shapes.parts(message)[:5]:
            await respond(
                text=shapes.fallback(message), blocks=blocks, response_type="ephemeral", replace_original=False
            )

    return say


def _said(body: dict[str, Any], event: dict[str, Any]) -> Call:
    """What somebody wrote to the bot, alone or by naming it."""
    text = _LINK.sub(r"\1", _MENTION.sub("", str(event.get("text") or ""))).strip() or "help"
    where = {**body, "channel_id": event["channel"], "user_id": event.get("user", "")}
    call = _call(where, text, str(body.get("event_id")))
    return replace(call, thread=str(event.get("thread_ts") or ""), aside=False)


def _chat_event(front: Front, what: str, detail: str) -> Callable[..., Awaitable[None]]:
    """What stands before a listener, like `keep`: when it fails nothing is acknowledged, and Slack tells it again."""

    async def happened(body: dict[str, Any], event: dict[str, Any], next: Any) -> None:
        chat = Chat(id=f"slack:{body.get('team_id')}/{event.get('channel')}", kind="group")
        try:
            await front.changed(ChatEvent(id=f"slack:{body.get('event_id')}", what=what, chat=chat, detail=detail))
        except StoreError as error:
            log.error("what happened to a channel cannot be stored; Slack tells it again", error=str(error))
            raise
        await next()

    return happened


async def _is_direct(event: dict[str, Any]) -> bool:
    return event.get("channel_type") == "im"


def _call(body: dict[str, Any], text: str, unique: str) -> Call:
    user, channel = body.get("user"), body.get("channel")
    team = body.get("team_id") or (body.get("team") or {}).get("id") or ""
    user_id = body.get("user_id") or (user.get("id") if isinstance(user, dict) else user) or ""
    channel_id = body.get("channel_id") or (channel.get("id") if isinstance(channel, dict) else channel) or ""
    kind = "private" if str(channel_id).startswith("D") else "group"
    user_team = (user.get("team_id") if isinstance(user, dict) else None) or body.get("user_team") or team
    return Call(
        id=f"slack:{unique}",
        text=text.removeprefix("/tocsin").strip().lstrip("/"),
        chat=Chat(id=f"slack:{team}/{channel_id}", kind=kind, title=str(body.get("channel_name") or "")),
        actor=f"slack:{user_team}:{user_id}",
        actor_name=str(body.get("user_name") or ""),
        reply_to=_story_of(body.get("message") or {}),
        aside=True,
    )


def _story_of(message: dict[str, Any]) -> str:
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    found = _STORY_ID.findall(str(message.get("text") or "").replace(JOINER, ""))
    return str(payload.get("story") or (found[-1] if found else ""))


def _unseen(error: BotError) -> BotError:
    """Why the history was not shown: for now, because nothing reaches the chat, or because it may not be read."""
    if isinstance(error, SlowDown | TokenDead) or (isinstance(error, Refused) and error.reason in _NO_CHAT):
        return error
    if isinstance(error, Refused):
        words = "it may have arrived, and Slack does not let the bot read the history to see; install the app again"
        return Refused(f"{words} from the manifest ({error})", reason="unseen")
    return NotSent(f"Slack's history cannot be read: {error}")


def _channel(chat_id: str) -> str:
    return chat_id.rpartition("/")[2]
