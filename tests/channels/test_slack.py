"""The Slack channel through the real slack-bolt and slack-sdk against a strict workspace on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.channels.slack import SlackChannel
from bot.core.changes import Changes
from bot.core.chat import Act, Call, Chat, ChatEvent
from bot.core.errors import BadMarkup, BotError, Full, MaybeSent, NotSent, Refused, SlowDown, TokenDead
from bot.core.message import Button, Message, bullets, note, say, title
from bot.core.ports import Parcel
from bot.jobs.deliver import DeliverJob
from bot.runners.clock import SystemClock
from bot.stores.memory import MemoryStore
from tests.fakes.clock import VirtualClock
from tests.fakes.front import FakeFront
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack, mentions, words
from tests.unit.examples import row

MANIFEST = Path(__file__).parents[2] / "config" / "slack-manifest.yaml"


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as server:
        yield server


@pytest.fixture
async def channel(fake: FakeSlack) -> AsyncIterator[SlackChannel]:
    made = SlackChannel(BOT_TOKEN, APP_TOKEN, SystemClock(), base_url=fake.url)
    yield made
    await made.close()


@contextlib.asynccontextmanager
async def serving(channel: SlackChannel, fake: FakeSlack, front: FakeFront) -> AsyncIterator[None]:
    task = asyncio.create_task(channel.serve(front))
    try:
        await fake.until(lambda: fake.connected or task.done())
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def parcel(message: Message | None = None, **options: object) -> Parcel:
    made: dict[str, object] = {"key": "k1", "chat_id": "slack:T1/C1", "message": message or say("DiDi was fined")}
    return Parcel(**(made | options))  # type: ignore[arg-type]


def ago() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


async def test_a_message_carries_its_key(fake: FakeSlack, channel: SlackChannel) -> None:
    message = Message(blocks=say("DiDi was fined").blocks, buttons=(Button("Why?", "why a7f3k2"),))
    receipt = await channel.send(parcel(message, story_id="a7f3k2"))
    (shown,) = fake.messages
    assert shown["ts"] == receipt.message_id
    assert shown["metadata"] == {
        "event_type": "tocsin_alert",
        "event_payload": {"key": "k1", "part": 0, "story": "a7f3k2"},
    }
    assert "DiDi was fined" in words(shown)
    assert shown["text"], "notifications need a text of their own"


@pytest.mark.parametrize(
    ("kind", "error", "shown"),
    [
        ("429:7", SlowDown, 0),
        ("500", MaybeSent, 0),
        ("internal_error", MaybeSent, 0),
        ("drop", MaybeSent, 0),
        ("drop_after", MaybeSent, 1),
        ("channel_not_found", Refused, 0),
        ("not_in_channel", Refused, 0),
        ("is_archived", Refused, 0),
        ("restricted_action", Refused, 0),
        ("missing_scope", Refused, 0),
        ("something_new", Refused, 0),
        ("invalid_blocks", BadMarkup, 0),
        ("msg_blocks_too_long", BadMarkup, 0),
        ("token_revoked", TokenDead, 0),
        ("account_inactive", TokenDead, 0),
    ],
)
async def test_every_failure_is_named_by_what_to_do_next(
    fake: FakeSlack, channel: SlackChannel, kind: str, error: type[BotError], shown: int
) -> None:
    fake.fail_next(kind)
    with pytest.raises(error) as caught:
        await channel.send(parcel())
    assert type(caught.value) is error
    assert BOT_TOKEN not in str(caught.value)
    assert len(fake.messages) == shown
    assert [m for m, _ in fake.calls] == ["chat.postMessage"], "a channel never repeats by itself"
    if isinstance(caught.value, SlowDown):
        assert (caught.value.after_s, caught.value.whole_bot) == (7, False)


async def test_an_unreachable_server_is_certainly_not_sent(fake: FakeSlack, channel: SlackChannel) -> None:
    await fake.__aexit__()
    with pytest.raises(NotSent):
        await channel.send(parcel())


async def test_a_lost_answer_is_found_in_the_history(fake: FakeSlack, channel: SlackChannel) -> None:
    for number in range(4):
        await channel.send(parcel(key=f"before{number}"))
    fake.rates = False
    fake.fail_next("drop_after")
    with pytest.raises(MaybeSent):
        await channel.send(parcel(key="lost"))
    for number in range(4):
        await channel.send(parcel(key=f"after{number}"))
    found = await channel.look(parcel(key="lost"), ago())
    assert found
    assert found.message_id == fake.messages[4]["ts"]
    assert await channel.look(parcel(key="never"), ago()) is None
    assert await channel.look(parcel(key="lost", part=1), ago()) is None


async def test_a_lost_reply_is_found_in_its_thread(fake: FakeSlack, channel: SlackChannel) -> None:
    first = await channel.send(parcel())
    reply = parcel(key="k2", act=Act.REPLY, target=first.message_id)
    fake.fail_next("drop_after")
    with pytest.raises(MaybeSent):
        await channel.send(reply)
    found = await channel.look(reply, ago())
    assert found
    assert fake.messages[1]["thread_ts"] == first.message_id


async def test_a_history_that_cannot_be_read_is_no_answer(fake: FakeSlack, channel: SlackChannel) -> None:
    for kind in ("500", "internal_error"):
        fake.fail_next(kind, "conversations.history")
        with pytest.raises(NotSent):
            await channel.look(parcel(), ago())
    fake.fail_next("429:9", "conversations.history")
    with pytest.raises(SlowDown):
        await channel.look(parcel(), ago())


async def test_a_history_too_long_to_read_is_no_answer(
    fake: FakeSlack, channel: SlackChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.slack.MOST_PAGES", 2)  # of two messages each
    fake.rates = False
    for number in range(5):
        await channel.send(parcel(key=f"k{number}"))
    assert await channel.look(parcel(key="k1"), ago())
    with pytest.raises(Refused) as caught:
        await channel.look(parcel(key="k0"), ago())
    assert caught.value.reason == "unseen"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("missing_scope", "unseen"), ("not_in_channel", "kicked"), ("channel_not_found", "not_found")],
)
async def test_a_history_that_may_not_be_read_is_told_from_a_channel_that_is_shut(
    fake: FakeSlack, channel: SlackChannel, kind: str, reason: str
) -> None:
    fake.fail_next(kind, "conversations.history")
    with pytest.raises(Refused) as caught:
        await channel.look(parcel(), ago())
    assert caught.value.reason == reason
    assert kind in str(caught.value)
    fake.fail_next("token_revoked", "conversations.history")
    with pytest.raises(TokenDead):
        await channel.look(parcel(), ago())


async def test_edits(fake: FakeSlack, channel: SlackChannel) -> None:
    first = await channel.send(parcel())
    await channel.send(parcel(say("DiDi was fined; 3 sources"), act=Act.EDIT, target=first.message_id))
    assert fake.texts() == ["DiDi was fined; 3 sources"]
    with pytest.raises(Refused):
        await channel.send(parcel(act=Act.EDIT, target="1.000001"))


async def test_long_messages_go_in_parts_slack_takes(fake: FakeSlack, channel: SlackChannel) -> None:
    fake.rates = False
    long = say(*("滴滴 was fined 8.026bn yuan & <more>. " * 60 for _ in range(12)))
    assert channel.parts(long) > 1
    for part in range(channel.parts(long)):
        await channel.send(parcel(long, part=part))
    assert sum(t.count("fined") for t in fake.texts()) == 720
    assert not fake.faults


@pytest.mark.parametrize("refused", [0, 1, 2])
async def test_blocks_that_slack_refuses_go_as_text_and_nothing_is_lost_or_said_twice(
    fake: FakeSlack, channel: SlackChannel, refused: int
) -> None:
    fake.rates = False
    items = [f"item {number:03d} <!channel> & " + "x" * 100 for number in range(250)]
    long = Message((title("Digest"), bullets(*items), note("the end")))
    blocks = channel.parts(long)
    assert blocks == 4
    clock, store = VirtualClock(), MemoryStore()
    job = DeliverJob(store, {"slack": channel}, clock, random.Random(1))
    due = row("slack:T1/C1", "big")
    await store.commit(Changes(at=clock.now(), deliveries=(due,), messages=((due.message_id, long),)))
    for beat in range(30):
        if beat == refused:
            fake.fail_next("invalid_blocks")
        clock.advance(2)
        await job.run()
        await job.drain()
    assert [bool(m["blocks"]) for m in fake.messages[: refused + 1]] == [True] * refused + [False]
    assert len(fake.messages) > blocks
    assert all(len(m["text"]) <= 4000 for m in fake.messages)
    told = "\n".join(fake.texts())
    assert re.findall(r"item (\d{3})", told) == [f"{number:03d}" for number in range(250)]
    assert "Digest" in told.splitlines()[0]
    assert told.count("the end") == 1
    assert "<!channel>" not in told
    assert (await store.counts())["sent"] == 1


async def test_an_edit_as_text_takes_the_blocks_away(fake: FakeSlack, channel: SlackChannel) -> None:
    first = await channel.send(parcel())
    await channel.send(parcel(say("3 sources"), act=Act.EDIT, target=first.message_id, plain_from=0))
    assert fake.texts() == ["3 sources"]
    assert fake.calls[-1][1]["blocks"] == []


async def test_foreign_words_alert_nobody(fake: FakeSlack, channel: SlackChannel) -> None:
    await channel.send(parcel(say("<!channel> <@U1> <https://evil.example|bank> @here & *fat*")))
    shown = fake.messages[0]
    assert not mentions(words(shown)) + mentions(shown["text"])
    assert all(block["text"]["verbatim"] for block in shown["blocks"])
    posted = next(given for method, given in fake.calls if method == "chat.postMessage")
    assert not {"link_names", "parse"} & set(posted)
    assert str(posted["unfurl_links"]).lower() in ("false", "0")


async def test_a_slash_command_is_acknowledged_and_answered(fake: FakeSlack, channel: SlackChannel) -> None:
    front = FakeFront(say("subscribed"))
    async with serving(channel, fake, front):
        envelope = await fake.slash("subscribe cac")
        await fake.until(lambda: fake.answers)
    assert fake.acks[envelope] == 1
    (call,) = front.calls
    assert (call.text, call.actor, call.chat.id) == ("subscribe cac", "slack:T1:U1", "slack:T1/C1")
    assert fake.answers[0]["response_type"] == "ephemeral"
    assert not fake.faults
    assert not fake.late


async def test_an_answer_that_takes_long_does_not_delay_the_acknowledgement(
    fake: FakeSlack, channel: SlackChannel
) -> None:
    class Slow(FakeFront):
        async def answer(self, call: object) -> Message | None:
            await asyncio.sleep(3.5)
            return say("at last")

    async with serving(channel, fake, Slow()):
        envelope = await fake.slash("feeds test https://slow.example/")
        await fake.until(lambda: fake.acks[envelope], 3)
        await fake.until(lambda: fake.answers)
    assert not fake.late


async def test_buttons_shortcuts_mentions_and_direct_messages(fake: FakeSlack, channel: SlackChannel) -> None:
    message = Message(blocks=say("DiDi was fined #a7f3k2").blocks, buttons=(Button("Why?", "why a7f3k2"),))
    await channel.send(parcel(message, story_id="a7f3k2"))
    front = FakeFront(say("because"))
    async with serving(channel, fake, front):
        await fake.press(fake.messages[0], "Why?")
        await fake.shortcut(fake.messages[0])
        await fake.mention("<@UBOT> latest cac 3")
        await fake.mention("latest", channel="D1", kind="message")
        await fake.until(lambda: len(front.calls) == 4)
        await fake.until(lambda: len(front.posted) == 2 and len(fake.answers) == 2)
    assert sorted(c.text for c in front.calls) == ["latest", "latest cac 3", "why a7f3k2", "why a7f3k2"]
    assert {c.chat.kind for c in front.calls} == {"group", "private"}
    assert not fake.faults


async def test_an_event_sent_again_is_answered_once(fake: FakeSlack, channel: SlackChannel) -> None:
    front = FakeFront(say("here"))
    async with serving(channel, fake, front):
        await fake.mention("<@UBOT> latest", event_id="Ev1")
        await fake.mention("<@UBOT> latest", event_id="Ev1")
        last = await fake.mention("<@UBOT> status", event_id="Ev2")
        await fake.until(lambda: fake.acks[last] and len(front.posted) == 2)
    assert [c.text for c in front.calls] == ["latest", "status"]


async def test_a_call_is_kept_before_slack_is_told_so(fake: FakeSlack, channel: SlackChannel) -> None:
    class Watched(FakeFront):
        async def accept(self, call: Call) -> bool:
            await asyncio.sleep(0.3)
            told.append(fake.acks.total())
            return await super().accept(call)

    told: list[int] = []
    front = Watched(say("here"))
    async with serving(channel, fake, front):
        envelopes = [await fake.slash("subscribe cac"), await fake.mention("<@UBOT> latest", event_id="Ev1")]
        await fake.until(lambda: all(fake.acks[e] for e in envelopes) and len(front.calls) == 2)
    assert told == [0, 0], "acknowledged only after it was kept"
    assert sorted(front.taken) == sorted(c.id for c in front.calls)


async def test_a_call_that_cannot_be_kept_is_refused_in_words(fake: FakeSlack, channel: SlackChannel) -> None:
    class FullFront(FakeFront):
        async def accept(self, call: Call) -> bool:
            raise Full("disk full")

    front = FullFront()
    async with serving(channel, fake, front):
        envelope = await fake.slash("subscribe cac")
        await fake.until(lambda: fake.acks[envelope])
    assert front.calls == []


async def test_what_an_earlier_process_took_is_answered_to_its_asker(fake: FakeSlack, channel: SlackChannel) -> None:
    front = FakeFront(say("done at last"))
    chat = Chat(id="slack:T1/C1", kind="group")
    front.left = [
        Call(id="slack:t1", text="subscribe cac", chat=chat, actor="slack:T1:U1", aside=True),
        Call(id="slack:e1", text="latest", chat=chat, actor="slack:T1:U1"),
    ]
    async with serving(channel, fake, front):
        await fake.until(lambda: len(front.posted) == 1 and len(fake.answers) == 1)
    assert fake.answers[0]["user"] == "U1"
    assert [c.id for c in front.calls] == ["slack:t1", "slack:e1"]


async def test_the_connection_is_made_again(fake: FakeSlack, channel: SlackChannel) -> None:
    front = FakeFront(say("here"))
    async with serving(channel, fake, front):
        await fake.cut()
        await fake.until(lambda: fake.connected)
        await fake.slash("status")
        await fake.until(lambda: fake.answers)
        before = sum(m == "apps.connections.open" for m, _ in fake.calls)
        await fake.refresh()
        await fake.until(lambda: sum(m == "apps.connections.open" for m, _ in fake.calls) > before)
        await fake.until(lambda: fake.connected)


async def test_what_is_not_handled_is_acknowledged_all_the_same(fake: FakeSlack, channel: SlackChannel) -> None:
    async with serving(channel, fake, FakeFront()):
        envelope = await fake.event({"type": "reaction_added", "user": "U1"})
        await fake.until(lambda: fake.acks[envelope])
    assert not fake.messages


async def test_channels_that_change_are_told(fake: FakeSlack, channel: SlackChannel) -> None:
    front = FakeFront()
    async with serving(channel, fake, front):
        await fake.event({"type": "channel_archive", "channel": "C1", "user": "U1"})
        await fake.event({"type": "channel_left", "channel": "C1"})
        await fake.event({"type": "channel_unarchive", "channel": "C2", "user": "U1"})
        await fake.event({"type": "member_joined_channel", "channel": "C3", "user": "UBOT"})
        await fake.event({"type": "member_joined_channel", "channel": "C4", "user": "U1"})
        await fake.until(lambda: len(front.events) == 4)
    assert {(e.chat.id, e.what, e.detail) for e in front.events} == {
        ("slack:T1/C2", "joined", ""),
        ("slack:T1/C3", "joined", ""),
        ("slack:T1/C1", "left", "archived"),
        ("slack:T1/C1", "left", "kicked"),
    }


@pytest.mark.parametrize(
    ("kind", "user"), [("channel_left", "U1"), ("channel_unarchive", "U1"), ("member_joined_channel", "UBOT")]
)
async def test_what_happens_to_a_channel_is_kept_before_slack_is_told_so(
    fake: FakeSlack, channel: SlackChannel, kind: str, user: str
) -> None:
    class Watched(FakeFront):
        full_disk = True

        async def changed(self, event: ChatEvent) -> None:
            told.append(fake.acks.total())
            if self.full_disk:
                raise Full("no space left")
            await asyncio.sleep(0.3)
            told.append(fake.acks.total())
            await super().changed(event)

    told: list[int] = []
    front = Watched()
    event = {"type": kind, "channel": "C1", "user": user}
    async with serving(channel, fake, front):
        refused = await fake.event(event, "Ev1")
        await fake.until(lambda: told)
        front.full_disk = False
        again = await fake.event(event, "Ev1")
        await fake.until(lambda: fake.acks[again])
        last = await fake.event({"type": "reaction_added", "user": "U1"})
        await fake.until(lambda: fake.acks[last])
    assert fake.acks[refused] == 0, "Slack sends again what is not acknowledged"
    assert told == [0, 0, 0]
    assert [e.id for e in front.events] == ["slack:Ev1"]


async def test_guests_and_strangers_are_no_admins(fake: FakeSlack, channel: SlackChannel) -> None:
    chat = Chat(id="slack:T1/C1", kind="group")
    async with serving(channel, fake, FakeFront()):
        assert await channel.is_admin("slack:T1:U1", chat)
        assert not await channel.is_admin("slack:T1:U2", chat)
        assert not await channel.is_admin("slack:T1:U9", chat)
        assert not await channel.is_admin("slack:T2:U1", chat)


@pytest.mark.parametrize("wrong", ["bot", "app"])
async def test_a_wrong_token_is_said_and_never_shown(fake: FakeSlack, wrong: str) -> None:
    bad = "xoxb-" + "2" * 24
    tokens = (bad, APP_TOKEN) if wrong == "bot" else (BOT_TOKEN, bad)
    channel = SlackChannel(*tokens, SystemClock(), base_url=fake.url)
    with pytest.raises(TokenDead) as caught:
        await asyncio.wait_for(channel.serve(FakeFront()), 10)
    assert bad not in str(caught.value)


def test_the_manifest_and_the_code_agree() -> None:
    """What Slack is told to send is handled; what is handled is asked for; each call has its scope."""
    manifest = YAML(typ="safe").load(MANIFEST.read_text())
    code = (Path(__file__).parents[2] / "bot" / "channels" / "slack.py").read_text()
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    for event in events:
        assert f'"{event.partition(".")[0]}"' in code, event
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert [c["command"] for c in manifest["features"]["slash_commands"]] == ["/tocsin"]
    assert [s["callback_id"] for s in manifest["features"]["shortcuts"]] == ["why_alert"]
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    needed = {"chat:write", "commands", "app_mentions:read", "channels:history", "groups:history", "users:read"}
    assert needed <= scopes
    assert {"im:history"} <= scopes, "message.im needs it"
