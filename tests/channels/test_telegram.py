"""The Telegram channel through the real python-telegram-bot against a strict Bot API on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from bot.channels.markup import PLAIN, render
from bot.channels.telegram import TelegramChannel
from bot.core.chat import Act, Chat, ChatEvent
from bot.core.errors import BadMarkup, BotError, ChatMoved, Full, MaybeSent, NotSent, Refused, SlowDown, TokenDead
from bot.core.message import Button, Message, bold, bullets, line, say
from bot.core.ports import Parcel
from bot.runners.clock import SystemClock
from tests.fakes.front import FakeFront
from tests.fakes.telegram import TOKEN, FakeTelegram


class Cursor:
    def __init__(self) -> None:
        self.value = ""
        self.broken = False

    async def load(self) -> str:
        return self.value

    async def save(self, value: str) -> None:
        if self.broken:
            raise OSError("disk")
        self.value = value


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        server.chat(7)
        yield server


@pytest.fixture
def cursor() -> Cursor:
    return Cursor()


@pytest.fixture
async def channel(fake: FakeTelegram, cursor: Cursor) -> AsyncIterator[TelegramChannel]:
    made = make(fake, cursor)
    yield made
    await made.close()


def make(fake: FakeTelegram, cursor: Cursor, token: str = TOKEN) -> TelegramChannel:
    return TelegramChannel(
        token,
        SystemClock(),
        base_url=fake.url,
        owners=("telegram:7",),
        cursor=cursor.load,
        save_cursor=cursor.save,
    )


@contextlib.asynccontextmanager
async def serving(channel: TelegramChannel, front: FakeFront) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(channel.serve(front))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def parcel(message: Message | None = None, **options: object) -> Parcel:
    made: dict[str, object] = {"key": "k1", "chat_id": "telegram:7", "message": message or say("DiDi was fined")}
    return Parcel(**(made | options))  # type: ignore[arg-type]


async def test_a_message_arrives_once_with_its_buttons(fake: FakeTelegram, channel: TelegramChannel) -> None:
    message = Message(blocks=say("DiDi <was> fined & more").blocks, buttons=(Button("Why?", "why a7f3k2"),))
    receipt = await channel.send(parcel(message))
    assert fake.texts() == ["DiDi <was> fined & more"]
    assert receipt.message_id == str(fake.shown[0].message_id)
    assert fake.shown[0].buttons == [("Why?", "why a7f3k2")]


@pytest.mark.parametrize(
    ("kind", "error", "shown"),
    [
        ("429:7", SlowDown, 0),
        ("blocked", Refused, 0),
        ("kicked", Refused, 0),
        ("not_found", Refused, 0),
        ("topic_closed", Refused, 0),
        ("migrate:-1007", ChatMoved, 0),
        ("markup", BadMarkup, 0),
        ("500", MaybeSent, 0),
        ("drop", MaybeSent, 0),
        ("drop_after", MaybeSent, 1),
        ("401", TokenDead, 0),
    ],
)
async def test_every_failure_is_named_by_what_to_do_next(
    fake: FakeTelegram, channel: TelegramChannel, kind: str, error: type[BotError], shown: int
) -> None:
    fake.fail_next(kind)
    with pytest.raises(error) as caught:
        await channel.send(parcel())
    assert type(caught.value) is error
    assert len(fake.shown) == shown
    assert len([m for m, _ in fake.calls if m == "sendMessage"]) == 1, "a channel never repeats by itself"
    if isinstance(caught.value, SlowDown):
        assert caught.value.after_s == 7
        assert caught.value.whole_bot
    if isinstance(caught.value, ChatMoved):
        assert caught.value.new_chat_id == "telegram:-1007"


async def test_an_unreachable_server_is_certainly_not_sent(fake: FakeTelegram, channel: TelegramChannel) -> None:
    await fake.__aexit__()
    with pytest.raises(NotSent):
        await channel.send(parcel())


async def test_edits_and_replies(fake: FakeTelegram, channel: TelegramChannel) -> None:
    fake.rates = False
    first = await channel.send(parcel())
    await channel.send(parcel(say("DiDi was fined; 3 sources"), act=Act.EDIT, target=first.message_id))
    again = await channel.send(parcel(say("DiDi was fined; 3 sources"), act=Act.EDIT, target=first.message_id))
    assert again.message_id == first.message_id, "an edit that changes nothing has arrived"
    assert fake.texts() == ["DiDi was fined; 3 sources"]
    assert fake.shown[0].edits == 1
    await channel.send(parcel(say("It was confirmed"), act=Act.REPLY, target=first.message_id))
    assert fake.shown[1].reply_to == int(first.message_id)


async def test_long_messages_go_in_parts_none_too_long(fake: FakeTelegram, channel: TelegramChannel) -> None:
    fake.rates = False
    long = say(*("滴滴 was fined 8.026bn yuan & <more>. " * 20 for _ in range(12)))
    for part in range(channel.parts(long)):
        await channel.send(parcel(long, part=part))
    assert channel.parts(long) > 1
    assert "".join(fake.texts()).count("fined") == 240
    assert not fake.refused


async def test_a_forum_topic_is_kept_and_the_general_one_has_no_number(
    fake: FakeTelegram, channel: TelegramChannel
) -> None:
    fake.topic(-100, 5)
    await channel.send(parcel(chat_id="telegram:-100/5"))
    await channel.send(parcel(chat_id="telegram:-100/1"))
    assert [m.thread for m in fake.shown] == [5, None]
    with pytest.raises(Refused) as caught:
        await channel.send(parcel(chat_id="telegram:-100/6"))
    assert caught.value.reason == "topic_closed"


async def test_a_command_is_answered_and_the_offset_moves_after_it(
    fake: FakeTelegram, channel: TelegramChannel, cursor: Cursor
) -> None:
    front = FakeFront(say("subscribed"))
    async with serving(channel, front):
        update = fake.say("/subscribe@TocsinBot cac")
        await fake.until(lambda: front.posted == [say("subscribed")])
        await fake.until(lambda: cursor.value == str(update + 1))
        await fake.until(lambda: fake.pending == 0)
    (call,) = front.calls
    assert (call.text, call.actor, call.chat.id) == ("subscribe cac", "telegram:7", "telegram:7")
    assert call.id == f"telegram:{update}"


async def test_menus_for_all_and_for_owners(fake: FakeTelegram, channel: TelegramChannel) -> None:
    async with serving(channel, FakeFront()):
        await fake.until(lambda: "chat" in fake.menus)
    assert [c["command"] for c in fake.menus["default"]] == ["help"]
    assert [c["command"] for c in fake.menus["chat"]] == ["help", "feeds"]


async def test_what_is_not_for_us_is_left_alone(fake: FakeTelegram, channel: TelegramChannel, cursor: Cursor) -> None:
    fake.chat(-5, "group")
    front = FakeFront()
    async with serving(channel, front):
        fake.say("/subscribe@OtherBot cac", chat_id=-5)
        fake.say("just talking", chat_id=-5)
        fake.say("/latest", age_s=3 * 86400)
        last = fake.say("/help", chat_id=-5)
        await fake.until(lambda: cursor.value == str(last + 1))
    assert [c.text for c in front.calls] == ["help"]


async def test_one_broken_update_does_not_hold_the_next(
    fake: FakeTelegram, channel: TelegramChannel, cursor: Cursor, caplog: pytest.LogCaptureFixture
) -> None:
    front = FakeFront()
    front.broken = True
    async with serving(channel, front):
        fake.say("/help")
        last = fake.say("/help")
        await fake.until(lambda: cursor.value == str(last + 1))
    assert len(front.calls) == 2


async def test_a_button_is_answered_and_is_a_command(fake: FakeTelegram, channel: TelegramChannel) -> None:
    await channel.send(parcel(Message(blocks=say("x #a7f3k2").blocks, buttons=(Button("Why?", "why a7f3k2"),))))
    front = FakeFront()
    async with serving(channel, front):
        fake.press(fake.shown[0], "Why?")
        await fake.until(lambda: front.calls)
    assert front.calls[0].text == "why a7f3k2"
    assert not fake.unanswered


async def test_a_reply_to_an_alert_names_its_story(fake: FakeTelegram, channel: TelegramChannel) -> None:
    await channel.send(parcel(say("DiDi was fined #a7f3k2")))
    front = FakeFront()
    async with serving(channel, front):
        fake.say("/why", reply_to=fake.shown[0])
        await fake.until(lambda: front.calls)
    assert front.calls[0].reply_to == "a7f3k2"


async def test_chats_that_change_are_told(fake: FakeTelegram, channel: TelegramChannel) -> None:
    fake.chat(-5, "group")
    front = FakeFront()
    async with serving(channel, front):
        fake.membership(7, "kicked")
        fake.membership(-5, "left")
        fake.membership(-5, "member")
        fake.migrate(-5, -1005)
        await fake.until(lambda: len(front.events) == 4)
    said = {(e.chat.id, e.what, e.detail) for e in front.events}
    assert ("telegram:7", "left", "blocked") in said
    assert ("telegram:-5", "left", "kicked") in said
    assert ("telegram:-5", "joined", "") in said
    assert ("telegram:-5", "moved", "telegram:-1005") in said


async def test_what_cannot_be_stored_is_taken_again_and_holds_its_chat_alone(
    fake: FakeTelegram, channel: TelegramChannel, cursor: Cursor
) -> None:
    class FullFront(FakeFront):
        full_disk = True
        tries = 0

        async def changed(self, event: ChatEvent) -> None:
            self.tries += 1
            if self.full_disk:
                raise Full("no space left")
            await super().changed(event)

    fake.chat(-5, "group")
    front = FullFront()
    fake.membership(-5, "kicked")
    fake.membership(-5, "member")
    last = fake.say("/help")
    async with serving(channel, front):
        await fake.until(lambda: front.tries > 1)
        assert [c.text for c in front.calls] == ["help"], "other chats go on, and are answered once"
        assert (cursor.value, fake.pending, front.events) == ("", 3, [])
        front.full_disk = False
        await fake.until(lambda: cursor.value == str(last + 1))
    assert [e.what for e in front.events] == ["left", "joined"], "in order, each once"
    assert len(front.calls) == 1


async def test_administrators_of_groups(fake: FakeTelegram, channel: TelegramChannel) -> None:
    fake.chat(-5, "group")
    fake.admins[-5].add(8)
    group = Chat(id="telegram:-5", kind="group")
    assert await channel.is_admin("telegram:8", group)
    assert not await channel.is_admin("telegram:9", group)
    assert await channel.is_admin("telegram:chat:-5", group), "an anonymous administrator writes as the group"
    assert await channel.is_admin("telegram:7", Chat(id="telegram:7"))
    assert not await channel.is_admin("telegram:8", Chat(id="telegram:-6", kind="group"))


async def test_a_second_poller_is_said_and_waited_for(
    fake: FakeTelegram, channel: TelegramChannel, cursor: Cursor
) -> None:
    front = FakeFront()
    async with serving(channel, front):
        await fake.until(lambda: any(m == "getUpdates" for m, _ in fake.calls))
        other = make(fake, cursor)
        async with serving(other, FakeFront()):
            await fake.until(lambda: any("terminated" in text for _, text in fake.refused))
        await other.close()


async def test_a_wrong_token_is_said_and_never_shown(
    fake: FakeTelegram, cursor: Cursor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wrong = "999:" + "B" * 35
    channel = make(fake, cursor, wrong)
    with pytest.raises(TokenDead) as caught:
        await asyncio.wait_for(channel.serve(FakeFront()), 10)
    await channel.close()
    assert wrong not in str(caught.value)
    assert "TELEGRAM_BOT_TOKEN" in str(caught.value)


async def test_an_answer_that_cannot_be_kept_is_shown_all_the_same(
    fake: FakeTelegram, channel: TelegramChannel
) -> None:
    front = FakeFront(say("my disk is full"))
    front.full = True
    async with serving(channel, front):
        fake.say("/subscribe cac")
        await fake.until(lambda: fake.texts() == ["my disk is full"])


def test_parts_without_markup_are_counted_as_they_are_sent(channel: TelegramChannel) -> None:
    long = Message((bullets(*(line(bold("a & b <c> "), bold("d & e")) for _ in range(300))),))
    with_markup, without = channel.parts(long), channel.parts(long, 0)
    assert without == len(render(long, PLAIN, 4096, "utf16")) < with_markup
