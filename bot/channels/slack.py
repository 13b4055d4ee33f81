"""Slack through slack-bolt in Socket Mode: commands, mentions and buttons in, messages out, none sent twice."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels import slack_blocks as shapes
from bot.channels.markup import JOINER
from bot.core.chat import Act, Call, Chat, ChatEvent, Limits, Receipt
from bot.core.errors import BadMarkup, BotError, MaybeSent, NotSent, Refused, SlowDown, TokenDead
from bot.core.message import Message
from bot.core.ports import Clock, Front, Parcel

log = structlog.get_logger("slack")
DEFAULT_BASE = "https://slack.com/api/"
CALL_S = 30
MEMBER_CACHE_S = 60.0
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|[^>]*)?>")
_STORY_ID = re.compile(r"#([0-9a-z]{6})\b")
_REFUSALS = {
    "is_archived": "archived",
    "channel_not_found": "not_found",
    "not_in_channel": "kicked",
    "user_not_in_channel": "kicked",
    "restricted_action": "rights",
    "restricted_action_read_only_channel": "rights",
    "restricted_action_thread_only_channel": "rights",
    "posting_to_general_channel_denied": "rights",
    "cannot_dm_bot": "blocked",
    "user_disabled": "deactivated",
    "messages_tab_disabled": "blocked",
    "missing_scope": "rights",
    "thread_not_found": "not_found",
    "message_not_found": "not_found",
}
_DEAD_TOKENS = (
    "token_revoked",
    "token_expired",
    "account_inactive",
    "invalid_auth",
    "not_authed",
    "org_login_required",
)
_MARKUP = (
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_too_long",
    "msg_blocks_too_long",
    "no_text",
    "invalid_metadata_format",
)
_UNSURE = ("internal_error", "fatal_error", "request_timeout", "service_unavailable")


class SlackChannel:
    """Chats are `slack:<team>/<channel>`. One workspace, the one the tokens belong to."""

    name = "slack"
    limits = Limits(text_max=shapes.SUM_MAX, edit=True, thread=True, buttons=True, per_chat_s=1.05, per_group_s=1.05)

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
        self._calls: dict[str, None] = {}

    async def serve(self, front: Front) -> None:
        await self._know_myself()
        app = AsyncApp(client=self._web, authorize=self._authorizer(), logger=_quiet)
        self._listen(app, front)
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
                    found = _explained(error)
                    if isinstance(found, TokenDead):
                        raise TokenDead("Slack refuses SLACK_APP_TOKEN; it needs connections:write") from None
                    await self._clock.sleep(5)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    log.warning("Slack cannot be reached; trying again", error=type(error).__name__)
                    await self._clock.sleep(5)
            log.info("slack is ready", team=self._team)
            await asyncio.Event().wait()
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]

    def parts(self, message: Message) -> int:
        return len(shapes.parts(message))

    async def send(self, parcel: Parcel) -> Receipt:
        channel = _channel(parcel.chat_id)
        body: dict[str, Any] = {
            "channel": channel,
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": shapes.metadata(parcel),
        }
        if parcel.plain:
            texts = shapes.plain(parcel.message)
            body |= {"text": texts[min(parcel.part, len(texts) - 1)], "mrkdwn": False}
        else:
            blocks = shapes.parts(parcel.message)
            body |= {"text": shapes.fallback(parcel.message), "blocks": blocks[min(parcel.part, len(blocks) - 1)]}
        try:
            if parcel.act is Act.EDIT:
                known = ("channel", "text", "blocks", "metadata")
                answer = await self._web.chat_update(ts=parcel.target, **{k: v for k, v in body.items() if k in known})
            else:
                if parcel.act is Act.REPLY:
                    body["thread_ts"] = parcel.target
                answer = await self._web.chat_postMessage(**body)
        except (SlackApiError, SlackRequestError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _explained(error) from None
        return Receipt(message_id=str(answer["ts"]), at=self._clock.now())

    async def look(self, parcel: Parcel, since: datetime) -> Receipt | None:
        """See ports.CanLook: the message carries its key as metadata, and the history shows it."""
        oldest = f"{since.timestamp() - 60:.6f}"
        cursor = ""
        try:
            for _ in range(10):
                body: dict[str, Any] = {
                    "channel": _channel(parcel.chat_id),
                    "include_all_metadata": True,
                    "oldest": oldest,
                    "limit": 200,
                }
                if cursor:
                    body["cursor"] = cursor
                if parcel.act is Act.REPLY and parcel.target:
                    answer = await self._web.conversations_replies(ts=parcel.target, **body)
                else:
                    answer = await self._web.conversations_history(**body)
                for message in answer.get("messages") or []:
                    if shapes.is_ours(message, parcel):
                        return Receipt(message_id=str(message["ts"]), at=self._clock.now())
                cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
                if not cursor:
                    return None
        except (SlackApiError, SlackRequestError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            found = _explained(error)
            raise (
                found if isinstance(found, SlowDown) else NotSent(f"Slack's history cannot be read: {found}")
            ) from None
        return None

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
        except (SlackApiError, SlackRequestError, aiohttp.ClientError, OSError, TimeoutError, ValueError):
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
            except (SlackApiError, SlackRequestError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                found = _explained(error)
                if isinstance(found, TokenDead):
                    raise found from None
                log.warning("Slack cannot be reached; trying again", error=str(found))
                await self._clock.sleep(found.after_s if isinstance(found, SlowDown) else 5.0)

    def _listen(self, app: AsyncApp, front: Front) -> None:
        """Everything the manifest subscribes to, and nothing left without an acknowledgement."""

        @app.command("/tocsin")
        async def slash(ack: Any, body: dict[str, Any], respond: Any) -> None:
            await ack()
            text = str(body.get("text") or "").strip() or "help"
            await self._answer(front, _call(body, text, str(body.get("trigger_id") or "")), _by_url(respond))

        @app.action(re.compile(f"^{shapes.ACTION}_"))
        async def press(ack: Any, body: dict[str, Any], respond: Any) -> None:
            await ack()
            action = body["actions"][0]
            await self._answer(
                front, _call(body, str(action.get("value") or ""), f"{body.get('trigger_id')}"), _by_url(respond)
            )

        @app.shortcut("why_alert")
        async def shortcut(ack: Any, body: dict[str, Any], respond: Any) -> None:
            await ack()
            story = _story_of(body.get("message") or {})
            await self._answer(
                front, _call(body, f"why {story}".strip(), f"{body.get('trigger_id')}"), _by_url(respond)
            )

        @app.event("app_mention")
        async def mention(body: dict[str, Any], event: dict[str, Any]) -> None:
            await self._said(front, body, event)

        @app.event("message")
        async def direct(body: dict[str, Any], event: dict[str, Any]) -> None:
            if event.get("channel_type") == "im" and not event.get("bot_id") and not event.get("subtype"):
                await self._said(front, body, event)

        for name, what in (
            ("channel_archive", "archived"),
            ("channel_left", "kicked"),
            ("group_left", "kicked"),
            ("group_archive", "archived"),
        ):
            app.event(name)(self._left(front, what))

        @app.event(re.compile(".*"))
        async def rest(body: dict[str, Any]) -> None:
            """Acknowledged, so that Slack does not send it three times more."""

    def _left(self, front: Front, reason: str) -> Callable[..., Awaitable[None]]:
        async def left(body: dict[str, Any], event: dict[str, Any]) -> None:
            chat = Chat(id=f"slack:{body.get('team_id')}/{event.get('channel')}", kind="group")
            await front.changed(ChatEvent(id=f"slack:{body.get('event_id')}", what="left", chat=chat, detail=reason))

        return left

    async def _said(self, front: Front, body: dict[str, Any], event: dict[str, Any]) -> None:
        text = _LINK.sub(r"\1", _MENTION.sub("", str(event.get("text") or ""))).strip() or "help"
        call = _call(
            {**body, "channel_id": event["channel"], "user_id": event.get("user", "")}, text, str(body.get("event_id"))
        )

        async def post(message: Message) -> None:
            thread = event.get("thread_ts")
            for blocks in shapes.parts(message):
                options: dict[str, Any] = {"thread_ts": thread} if thread else {}
                await self._web.chat_postMessage(
                    channel=event["channel"],
                    text=shapes.fallback(message),
                    blocks=blocks,
                    unfurl_links=False,
                    unfurl_media=False,
                    **options,
                )

        await self._answer(front, call, post)

    async def _answer(self, front: Front, call: Call, say: Callable[[Message], Awaitable[None]]) -> None:
        """Slack sends again what it thinks was lost; one request is answered once."""
        if call.id in self._calls:
            return
        self._calls[call.id] = None
        if len(self._calls) > 5000:
            del self._calls[next(iter(self._calls))]
        reply = await front.answer(call)
        if reply is None:
            return
        try:
            await say(reply)
        except (SlackApiError, SlackRequestError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("an answer could not be sent", call=call.id, error=str(_explained(error)))


_quiet = logging.getLogger("slack_bolt.tocsin")


def _by_url(respond: Any) -> Callable[[Message], Awaitable[None]]:
    """Answers only its asker sees, by the request's own address, which takes five of them."""

    async def say(message: Message) -> None:
        for blocks in shapes.parts(message)[:5]:
            await respond(
                text=shapes.fallback(message), blocks=blocks, response_type="ephemeral", replace_original=False
            )

    return say


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
    )


def _story_of(message: dict[str, Any]) -> str:
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    found = _STORY_ID.findall(str(message.get("text") or "").replace(JOINER, ""))
    return str(payload.get("story") or (found[-1] if found else ""))


def _channel(chat_id: str) -> str:
    return chat_id.rpartition("/")[2]


def _explained(error: Exception) -> BotError:
    """The library's exception as what to do next."""
    if isinstance(error, SlackApiError):
        response = error.response
        data = getattr(response, "data", response)  # no dict when a proxy answered in HTML
        code = str(data.get("error") or "") if isinstance(data, dict) else ""
        status = int(getattr(response, "status_code", 200) or 200)
        headers = {k.lower(): v for k, v in dict(getattr(response, "headers", {}) or {}).items()}
        if status == 429 or code in ("ratelimited", "rate_limited"):
            wait = str(headers.get("retry-after", "1"))
            after = min(86400.0, max(1.0, float(wait) if re.fullmatch(r"\d+(\.\d+)?", wait) else 1.0))
            # Posting is counted by channel; the others may go on.
            return SlowDown("Slack asks to wait", after_s=after, whole_bot=False)
        if code in _DEAD_TOKENS:
            return TokenDead(f"Slack refuses the token ({code}); install the app again and set the new tokens")
        if code in _REFUSALS:
            return Refused(f"Slack: {code}", reason=_REFUSALS[code])
        if code in _MARKUP:
            return BadMarkup(f"Slack cannot take the message as it is ({code})")
        if code in _UNSURE or status >= 500 or not code:
            return MaybeSent(f"Slack failed inside ({code or status})")
        return Refused(f"Slack: {code}", reason="rights")
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotSent("Slack cannot be reached")
    return MaybeSent(f"Slack's answer did not come ({type(error).__name__})")
