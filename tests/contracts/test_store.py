"""What every store promises (core/ports.py), held by each of them: in memory, TinyDB, reopened, rotated."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.changes import Audit, Changes
from bot.core.chat import Act, Call, Chat, Keyword, State
from bot.core.errors import Stale
from bot.core.habits import Habits, Mute
from bot.core.identity import delivery_key
from bot.core.news import Feed, FeedState, Judged, Report, Tier, Validators, Verdict
from bot.core.outbox import begin, fold, give_up, part_shown, release, replay
from bot.stores.memory import MemoryStore
from bot.stores.tinydb import TinyStore
from tests.fakes.clock import START
from tests.unit.examples import entry, message, row, story, subscription
from tests.unit.test_outbox import RECEIPT


class Reopened(TinyStore):
    """Closes and opens again after every commit."""

    async def commit(self, changes):
        await super().commit(changes)
        await self.close()
        self.__init__(self._directory, rotate_bytes=self.journal._rotate_bytes)
        await self.open()


@pytest.fixture(params=["memory", "tinydb", "reopened", "rotated", "rotated and reopened"])
async def store(request, tmp_path):
    made = {
        "memory": lambda: MemoryStore(),
        "tinydb": lambda: TinyStore(tmp_path / "d"),
        "reopened": lambda: Reopened(tmp_path / "d"),
        "rotated": lambda: TinyStore(tmp_path / "d", rotate_bytes=1),
        "rotated and reopened": lambda: Reopened(tmp_path / "d", rotate_bytes=1),
    }[request.param]()
    await made.open()
    yield made
    await made.close()
    await made.close()


async def keep(store, at=START, **what):
    await store.commit(Changes(at=at, **what))


def later(hours):
    return START + timedelta(hours=hours)


async def test_seen_keys(store):
    await keep(store, seen=("a", "b"))
    assert await store.unseen(["a", "b", "c", "网信办"]) == {"c", "网信办"}
    await keep(store, seen=("c",))
    assert await store.unseen(["a", "c"]) == frozenset()


async def test_due_feeds_longest_overdue_first(store):
    states = [FeedState(feed_id=f"f{n}", next_check=later(n)) for n in range(5)]
    await keep(store, states=tuple(reversed(states)))
    assert [s.feed_id for s in await store.due(later(2), 9)] == ["f0", "f1", "f2"]
    assert [s.feed_id for s in await store.due(later(2), 1)] == ["f0"]
    full = FeedState(
        feed_id="f0",
        next_check=later(9),
        interval_s=90.5,
        validators=Validators(etag='W/"x"', last_modified="m", body_hash="h"),
        failures=2,
        error="坏",
        last_ok=START,
        last_new=later(1),
        baselined=True,
    )
    await keep(store, states=(full,), states_gone=("f1",))
    assert {s.feed_id: s for s in await store.states()}["f0"] == full
    assert [s.feed_id for s in await store.due(later(3), 9)] == ["f2", "f3"]


async def test_stories_round_trip_and_newest_first(store):
    report = Report(key="k", source="S", url="https://s.example", title="t", at=START, tier=Tier.WIRE)
    first = replace(
        story("aaaaaa"), reports=(report,), features={"docs": [{"words": "滴滴", "at": 5}]}, entities=("didi",)
    )
    second = story("bbbbbb", at=later(1), topics=("listing",))
    await keep(store, stories=(first, second))
    assert await store.story("aaaaaa") == first
    assert await store.story("nothing") is None
    assert [s.id for s in await store.latest([], 9)] == ["bbbbbb", "aaaaaa"]
    assert [s.id for s in await store.latest(["cac"], 9)] == ["aaaaaa"]
    assert [s.id for s in await store.latest([], 1)] == ["bbbbbb"]
    assert [s.id for s in await store.live_stories(later(1))] == ["bbbbbb"]
    await keep(store, stories=(replace(first, last_update=later(5), revision=2),))
    assert [s.id for s in await store.live_stories(START)] == ["aaaaaa", "bbbbbb"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("滴滴", {"zh"}),
        ("滴滴 罚款", {"zh"}),
        ("罰款", {"zh"}),
        ("被罚", {"zh"}),
        ("8026", set()),
        ("80.26", {"zh"}),
        ("didi", {"en"}),
        ("ＤＩＤＩ", {"en"}),
        ("did", set()),
        ("Didi fined", {"en"}),
        ("wire", {"en", "zh"}),
        ("网信", set()),
        ("", set()),
        ("!!!", set()),
        ("滴", {"zh"}),
    ],
)
async def test_search(store, words, found):
    await keep(store, stories=(story("en", title="Didi fined by regulator"),))
    await store.search("warm", 1)
    await keep(
        store,
        stories=(
            replace(
                story("zh", title="滴滴被罚款80.26亿元"),
                reports=(Report(key="k", source="Wire", url="", title="x", at=START),),
            ),
        ),
    )
    await keep(
        store,
        stories=(
            replace(
                story("en", title="Didi fined by regulator"),
                reports=(Report(key="k", source="Wire", url="", title="x", at=START),),
            ),
        ),
    )
    assert {s.id for s in await store.search(words, 9)} == found


async def test_decisions_are_found_by_any_alias(store):
    one = entry("滴滴被罚", path="/1")
    one = replace(one, aliases=(one.key, "guid:wire:17"))
    kept = Judged(
        entry=one, at=START, outcome="alert", story_id="abc123", verdict=Verdict(alert=True, reason="because")
    )
    other = Judged(entry=entry("noise", path="/2"), at=later(1), outcome="no-match")
    await keep(store, entries=(kept,))
    await keep(store, at=later(1), entries=(other,))
    assert await store.judged(one.key) == kept
    assert await store.judged("guid:wire:17") == kept
    assert await store.judged("nothing") is None
    assert [j.outcome for j in await store.history(START)] == ["alert", "no-match"]
    assert [j.outcome for j in await store.history(later(1))] == ["no-match"]


async def test_subscriptions_follow_their_chat(store):
    one, two = subscription("fake:1", "cac"), subscription("fake:1", "listing", 2)
    await keep(store, chats=(Chat(id="fake:1"),), subscriptions=(two, one, subscription("fake:2")))
    assert await store.chat_subscriptions("fake:1") == [one, two]
    await keep(store, chats=(Chat(id="fake:1", paused="blocked", title="T"),))
    assert {s.chat_id for s in await store.subscriptions()} == {"fake:1", "fake:2"}, "what is due there is kept"
    assert {c.id: c.paused for c in await store.chats()} == {"fake:1": "blocked"}
    assert await store.chat_subscriptions("fake:1") == [one, two]
    assert (await store.chat("fake:1")).paused == "blocked"
    assert await store.chat("fake:9") is None
    await keep(store, chats=(Chat(id="fake:1"),), subscriptions_gone=(one.key,))
    assert two in await store.subscriptions()


async def test_the_same_delivery_key_is_one_row_for_ever(store):
    await keep(store, deliveries=(row(name="a"), row(name="b")), messages=(("m-a", message("one")),))
    await keep(store, deliveries=(row(name="a"), row(name="c")), messages=(("m-a", message("two")),))
    head = await store.head("fake:1")
    assert (head.story_id, head.seq) == ("a", 1)
    assert await store.message("m-a") == message("one")
    await keep(store, deliveries=(part_shown(begin(head), RECEIPT, 1, START),))
    await keep(store, deliveries=(row(name="a"),))
    assert (await store.head("fake:1")).story_id == "b"
    posted = await store.posted("fake:1", "a")
    assert (posted.state, posted.receipts) == (State.SENT, (RECEIPT,))
    assert await store.posted("fake:1", "zzz") is None


async def test_rows_of_a_chat_keep_their_order(store):
    for name in "abcde":
        await keep(store, deliveries=(row("fake:1", name), row("fake:2", name)))
    order = []
    while head := await store.head("fake:1"):
        order.append((head.seq, head.story_id))
        await keep(store, deliveries=(part_shown(begin(head), RECEIPT, 1, START),))
    assert order == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]
    counts = await store.counts()
    assert (counts["sent"], counts["pending"]) == (5, 5)


async def test_waiting_is_by_head_and_time(store):
    late = replace(row("fake:2", "b"), next_try=later(2))
    behind = replace(row("fake:2", "c"), next_try=START)
    await keep(store, deliveries=(replace(row("fake:1", "a"), next_try=later(1)), late, behind, row("fake:3", "d")))
    assert await store.waiting(START, 9) == ["fake:3"]
    assert await store.waiting(later(1), 9) == ["fake:3", "fake:1"]
    assert await store.waiting(later(3), 9) == ["fake:3", "fake:1", "fake:2"]
    assert await store.waiting(later(3), 2) == ["fake:3", "fake:1"]
    await keep(store, chats=(Chat(id="fake:3", paused="kicked"),))
    assert await store.waiting(later(3), 9) == ["fake:1", "fake:2"]
    assert await store.waiting(later(3), 9) == ["fake:1", "fake:2"]
    head = await store.head("fake:1")
    await keep(store, deliveries=(give_up(head, "never"),), chats=(Chat(id="fake:3"),))
    assert await store.waiting(later(3), 9) == ["fake:3", "fake:2"]
    assert [d.story_id for d in await store.dead(9)] == ["a"]


async def test_interrupted_rows_are_told(store):
    await keep(store, deliveries=(row(name="a"), row("fake:2", "b")))
    await keep(store, deliveries=(begin(await store.head("fake:1")),))
    assert [d.story_id for d in await store.stranded(START)] == ["a"]
    assert (await store.counts())["sending"] == 1


async def test_a_moved_chat_takes_everything_along(store):
    await keep(
        store,
        chats=(Chat(id="fake:1", title="T", paused="x"), Chat(id="fake:2")),
        subscriptions=(subscription("fake:1"), subscription("fake:1", "listing", 2)),
        deliveries=(row("fake:1", "a"), row("fake:1", "b"), row("fake:2", "z")),
    )
    head = await store.head("fake:1")
    await keep(store, moved=(("fake:1", "fake:-1"),), deliveries=(begin(head),))
    assert await store.chat("fake:1") is None
    assert (await store.chat("fake:-1")).title == "T"
    assert (await store.chat("fake:-1")).paused == ""
    assert len(await store.chat_subscriptions("fake:-1")) == 2
    assert await store.chat_subscriptions("fake:1") == []
    assert await store.head("fake:1") is None
    assert (await store.head("fake:-1")).story_id == "a"
    await keep(store, deliveries=(row("fake:-1", "c"),))
    names = []
    while head := await store.head("fake:-1"):
        names.append(head.story_id)
        head = head if head.state is State.SENDING else begin(head)
        await keep(store, deliveries=(part_shown(head, RECEIPT, 1, START),))
    assert names == ["a", "b", "c"]
    posted = await store.posted("fake:-1", "a")
    assert (posted.chat_id, posted.targets) == ("fake:-1", (RECEIPT.message_id,)), "it was shown under the new id"


async def test_what_was_shown_before_a_move_stays_sent_and_is_no_target(store):
    await keep(store, deliveries=(row(name="a"), row(name="b"), replace(row(name="c"), target="9")))
    sent = part_shown(begin(await store.head("fake:1")), RECEIPT, 1, START)
    await keep(store, deliveries=(sent,))
    half = part_shown(begin(await store.head("fake:1")), RECEIPT, 2, START)
    await keep(store, deliveries=(half,))
    await keep(store, moved=(("fake:1", "fake:-1"),))
    kept = await store.posted("fake:-1", "a")
    assert (kept.state, len(kept.receipts), kept.receipts[0].at, kept.targets) == (State.SENT, 1, RECEIPT.at, ())
    assert (await store.posted("fake:-1", "c")).target == ""
    rest = await store.head("fake:-1")
    assert (rest.story_id, len(rest.receipts)) == ("b", 1), "its first part is not sent again"
    other = replace(RECEIPT, message_id="77")
    await keep(store, deliveries=(part_shown(begin(rest), other, 2, START),))
    assert (await store.posted("fake:-1", "b")).targets == (), "its parts are not together"
    await keep(store, deliveries=(part_shown(begin(await store.head("fake:-1")), other, 1, START),))
    assert (await store.posted("fake:-1", "c")).targets == ("77",)
    assert (await store.counts())["sent"] == 3


async def test_expectations_hold_or_nothing_happens(store):
    word = Keyword(topic="cac", text="x", weight=1.0, by="fake:1", at=START)
    await keep(store, keywords=(word,), expect=(("keywords", 0),))
    with pytest.raises(Stale):
        await keep(store, keywords_gone=(word.key,), seen=("k",), expect=(("keywords", 0),))
    assert await store.keywords() == [word]
    assert await store.unseen(["k"]) == {"k"}
    await keep(store, keywords_gone=(word.key,), expect=(("keywords", 1),))
    assert await store.keywords() == []
    assert (await store.counts())["version.keywords"] == 2


async def test_feeds_calls_cursors_audit(store):
    feed = Feed(id="f", url="https://f.example", options={"item": "li"}, tier=Tier.OFFICIAL, every_s=60.0)
    lines = tuple(Audit(at=later(n), actor="fake:1", chat_id="fake:1", what=f"did {n}") for n in range(3))
    await keep(store, feeds=(feed,), calls=("c1",), cursors=(("telegram.offset", "7"),), audit=lines)
    assert await store.feeds() == [feed]
    assert await store.handled("c1")
    assert not await store.handled("c2")
    assert await store.cursor("telegram.offset") == "7"
    assert await store.cursor("other") == ""
    assert [a.what for a in await store.audit(2)] == ["did 2", "did 1"]
    await keep(store, feeds_gone=("f",), cursors=(("telegram.offset", "8"),))
    assert await store.feeds() == []
    assert await store.cursor("telegram.offset") == "8"


async def test_tidy_forgets_what_is_past_and_keeps_what_waits(store):
    old = row(name="old")
    await keep(
        store,
        seen=("old",),
        calls=("c",),
        stories=(story("old"), story("held")),
        deliveries=(old, row("fake:2", "held")),
        messages=(("m-old", message("o")), ("m-held", message("h"))),
        entries=(Judged(entry=entry("old", path="/o"), at=START, outcome="no-match"),),
    )
    await keep(
        store,
        at=later(50),
        seen=("new",),
        stories=(story("new", at=later(50)),),
        entries=(Judged(entry=entry("new", path="/n"), at=later(50), outcome="no-match"),),
    )
    await keep(store, deliveries=(part_shown(begin(await store.head("fake:1")), RECEIPT, 1, START),))
    assert await store.tidy(later(10)) >= 6
    assert await store.unseen(["old", "new"]) == {"old"}
    assert await store.message("m-old") is None
    assert await store.message("m-held") == message("h")
    assert (await store.head("fake:2")).story_id == "held"
    assert {s.id for s in await store.latest([], 9)} == {"held", "new"}
    assert not await store.handled("c")
    assert [j.entry.title for j in await store.history(START)] == ["new"]
    assert await store.judged(entry("old", path="/o").key) is None
    assert (await store.judged(entry("new", path="/n").key)).entry.title == "new"
    assert await store.tidy(later(10)) == 0
    counts = await store.counts()
    assert (counts["seen"], counts["entries"], counts["sent"], counts["pending"]) == (1, 1, 0, 1)


async def test_an_empty_change_is_nothing(store):
    await store.commit(Changes(at=START))
    assert all(n == 0 for n in (await store.counts()).values())


async def test_many_commits_add_up(store):
    for n, chat in itertools.product(range(6), ("fake:1", "fake:2")):
        await keep(
            store,
            at=later(n),
            seen=(f"{chat}{n}",),
            deliveries=(row(chat, f"s{n}"),),
            entries=(Judged(entry=entry(f"t{n}{chat}", path=f"/{n}{chat[-1]}"), at=later(n), outcome="x"),),
        )
    counts = await store.counts()
    assert (counts["seen"], counts["entries"], counts["pending"]) == (12, 12, 12)
    assert len(await store.history(START)) == 12


async def test_lanes_of_a_chat_do_not_wait_for_each_other(store):
    alert, answer = row("fake:1", "a"), replace(row("fake:1", "ans"), act=Act.ANSWER)
    edit = edited("fake:1", "z")
    await keep(store, deliveries=(alert, edit, answer))
    assert [(await store.head("fake:1")).act] == [Act.ANSWER]
    sending = begin(await store.head("fake:1"))
    await keep(store, deliveries=(replace(sending, state=State.AMBIGUOUS, next_try=later(1)),))
    assert (await store.head("fake:1", START)).act is Act.POST
    assert (await store.head("fake:1", later(1))).act is Act.ANSWER
    alert = begin(await store.head("fake:1", START))
    await keep(store, deliveries=(replace(alert, state=State.PENDING, next_try=later(2)),))
    assert (await store.head("fake:1", START)).act is Act.EDIT
    assert [d.story_id for d in await store.backlog("fake:1")] == ["a"]


async def test_answers_are_forgotten_when_they_are_settled(store):
    answer = replace(row("fake:1", "ans"), act=Act.ANSWER)
    await keep(store, deliveries=(answer, row("fake:1", "a")), messages=(("m-ans", message("here")),))
    await keep(store, deliveries=(part_shown(begin(await store.head("fake:1")), RECEIPT, 1, START),))
    assert await store.message("m-ans") is None
    assert (await store.head("fake:1")).story_id == "a"
    counts = await store.counts()
    assert (counts["sent"], counts["pending"]) == (0, 1)
    assert await store.posted("fake:1", "ans") is None


def edited(chat, name, revision=2):
    key = delivery_key(chat, name, 0, "edit")
    return replace(row(chat, name, revision=revision), key=key, act=Act.EDIT, message_id=f"card-{name}-{revision}")


async def test_a_later_edit_takes_the_place_of_an_earlier(store):
    await keep(store, deliveries=(edited("fake:1", "a"),))
    await keep(store, deliveries=(edited("fake:1", "a", 4),))
    await keep(store, deliveries=(edited("fake:1", "a", 3),))
    head = await store.head("fake:1")
    assert (head.revision, head.message_id, (await store.counts())["pending"]) == (4, "card-a-4", 1)
    sending = begin(head)
    await keep(store, deliveries=(sending,))
    await keep(store, deliveries=(edited("fake:1", "a", 5),))
    await keep(store, deliveries=(part_shown(sending, RECEIPT, 1, START),))
    head = await store.head("fake:1")
    assert (head.revision, head.state) == (5, State.PENDING), "an edit that was overtaken settles nothing"
    await keep(store, deliveries=(part_shown(begin(head), RECEIPT, 1, START),))
    assert await store.head("fake:1") is None
    await keep(store, deliveries=(edited("fake:1", "a", 6),))
    assert (await store.head("fake:1")).revision == 6
    assert await store.posted("fake:1", "a") is None, "an edit is no post"


async def test_the_first_due_are_those_who_asked_then_alerts_then_lists_then_edits(store):
    rows = (
        edited("fake:1", "e"),
        replace(row("fake:2", "g"), act=Act.GATHERED),
        replace(row("fake:3", "p"), next_try=later(1)),
        replace(row("fake:4", "a"), act=Act.ANSWER, next_try=later(1)),
    )
    await keep(store, deliveries=rows)
    assert await store.waiting(START, 9) == ["fake:2", "fake:1"]
    assert await store.waiting(later(1), 9) == ["fake:4", "fake:3", "fake:2", "fake:1"]
    assert await store.waiting(later(1), 9, lambda chat: chat == "fake:4") == ["fake:3", "fake:2", "fake:1"]
    assert await store.waiting(later(1), 2) == ["fake:4", "fake:3"]
    await keep(store, deliveries=(replace(row("fake:1", "late"), act=Act.ANSWER),))
    assert await store.waiting(later(1), 1) == ["fake:1"]


async def test_held_rows_block_nothing_and_stay(store):
    held = replace(row("fake:1", "a"), state=State.HELD, held="quiet")
    await keep(store, deliveries=(held, row("fake:1", "b"), replace(row("fake:2", "c"), state=State.HELD)))
    assert (await store.head("fake:1")).story_id == "b"
    assert sorted(await store.holding()) == ["fake:1", "fake:2"]
    (row_,) = await store.held("fake:1")
    assert (row_.story_id, row_.held, row_.seq) == ("a", "quiet", 1)
    await store.tidy(later(900))
    assert len(await store.held("fake:1")) == 1
    await keep(store, deliveries=(release(row_, START),))
    assert await store.held("fake:1") == []
    assert await store.holding() == ["fake:2"]
    assert (await store.head("fake:1")).story_id == "a", "it goes in its old place"
    (other,) = await store.held("fake:2")
    await keep(store, deliveries=(fold(other, "whole"),))
    assert await store.holding() == []
    assert ((await store.counts())["folded"], (await store.posted("fake:2", "c")).into) == (1, "whole")


async def test_rows_from_a_wrong_clock_are_told(store):
    far = replace(row("fake:1", "a"), next_try=later(900))
    await keep(store, deliveries=(far, row("fake:2", "b"), replace(far, key="held", state=State.HELD)))
    assert [d.story_id for d in await store.stranded(later(24))] == ["a"]
    assert await store.stranded(later(901)) == []


async def test_a_dead_row_is_sent_again_in_its_old_place(store):
    await keep(store, deliveries=(row(name="a"), row(name="b")))
    await keep(store, deliveries=(give_up(await store.head("fake:1"), "never"),))
    assert (await store.head("fake:1")).story_id == "b"
    (dead,) = await store.dead(9)
    await keep(store, deliveries=(replay(dead, START),))
    assert (await store.head("fake:1")).story_id == "a"
    assert await store.dead(9) == []


async def test_accepted_calls_wait_for_their_answer(store):
    calls = [Call(id=f"fake:c{n}", text=f"say {n}", chat=Chat(id="fake:1"), actor="fake:u") for n in range(3)]
    for n, call in enumerate(calls):
        await keep(store, at=later(2 - n), accepted=(call,))
    assert await store.accepted("fake") == calls[::-1], "in the order in which they came"
    assert await store.accepted("other") == []
    assert await store.handled("fake:c1"), "so that Slack's second try is known"
    await keep(store, calls=("fake:c1",))
    assert await store.accepted("fake") == [calls[2], calls[0]]
    await store.tidy(later(900))
    assert len(await store.accepted("fake")) == 2


async def test_stories_that_grew_beyond_their_posts(store):
    first = story("aaaaaa")
    await keep(store, stories=(first, replace(story("bbbbbb"), silent=True, revision=3)))
    assert await store.grown() == []
    second = replace(first, revision=3)
    await keep(store, stories=(second,))
    assert await store.grown() == [second]
    await keep(store, shown=(("aaaaaa", 2),))
    assert await store.grown() == [second], "it has grown again since"
    await keep(store, shown=(("aaaaaa", 3),))
    assert await store.grown() == []
    await keep(store, stories=(replace(second, revision=4),))
    assert [s.revision for s in await store.grown()] == [4]
    await keep(store, stories=(replace(second, revision=5, merged_into="cccccc"),))
    assert await store.grown() == []
    await keep(store, stories=(replace(second, revision=6),))
    await store.tidy(later(900))
    assert await store.grown() == []


async def test_chats_keep_their_habits(store):
    chat = Chat(id="fake:1", habits=Habits(zone="Asia/Shanghai", mutes=(Mute(what="didi", until=None),)))
    await keep(store, chats=(chat, Chat(id="fake:2", paused="kicked", probes=2, since=START)))
    assert await store.chat("fake:1") == chat
    assert {c.id: c.probes for c in await store.chats()} == {"fake:1": 0, "fake:2": 2}
    await keep(store, chats_gone=("fake:2",))
    assert [c.id for c in await store.chats()] == ["fake:1"]


async def test_a_key_seen_again_is_as_old_as_when_it_was_first_seen(store):
    """Else a feed that lists an entry for ever would keep its key for ever."""
    await keep(store, seen=("a",))
    await keep(store, at=START + timedelta(days=9), seen=("a", "b"))
    await store.tidy(START + timedelta(days=5))
    assert await store.unseen(["a", "b"]) == {"a"}


async def test_what_is_exactly_as_old_as_allowed_is_kept(store):
    await keep(store, at=START, seen=("a",))
    await keep(store, at=START + timedelta(seconds=1), seen=("b",))
    await store.tidy(START)
    assert await store.unseen(["a", "b"]) == frozenset()
    await store.tidy(START + timedelta(seconds=1))
    assert await store.unseen(["a", "b"]) == {"a"}


async def test_a_story_as_old_as_allowed_is_kept(store):
    await keep(store, stories=(story("edge"),))
    await store.tidy(START)
    assert await store.story("edge") is not None
    await store.tidy(START + timedelta(seconds=1))
    assert await store.story("edge") is None


async def test_tidy_keeps_what_is_just_young_enough_and_its_neighbours(store):
    """Also where decisions have moved to a file of their own, which is written anew without the old ones."""
    ages = {"old": 0, "edge": 10, "young": 20}
    for name, hours in ages.items():
        one = Judged(entry=entry(name, path=f"/{name}"), at=later(hours), outcome="no-match")
        await keep(store, at=later(hours), entries=(one,))
    await store.tidy(later(10))
    found = {name: await store.judged(entry(name, path=f"/{name}").key) for name in ages}
    assert {name: bool(judged) for name, judged in found.items()} == {"old": False, "edge": True, "young": True}
    assert found["young"].entry.title == "young"


async def test_a_chat_that_is_forgotten_is_paused_no_more(store):
    await keep(store, chats=(Chat(id="fake:1", paused="blocked"),), deliveries=(row(),))
    assert await store.waiting(later(1), 9) == []
    await keep(store, chats_gone=("fake:1",))
    assert await store.waiting(later(1), 9) == ["fake:1"]


async def test_chinese_is_found_as_it_stands_and_not_by_its_pieces(store):
    """Pairs of signs find candidates; the word itself has to stand there."""
    await keep(store, stories=(story("apart", title="中国信用体系与信办人员"), story("whole", title="国信办发布")))
    assert [s.id for s in await store.search("国信办", 9)] == ["whole"]


async def test_what_has_moved_is_not_posted_where_it_was(store):
    await keep(store, deliveries=(row("fake:1"), row("fake:3")), chats=(Chat(id="fake:1"),))
    await keep(store, moved=(("fake:1", "fake:-1"),))
    assert await store.posted("fake:1", "abc123") is None
    assert (await store.posted("fake:-1", "abc123")).chat_id == "fake:-1"
    assert (await store.posted("fake:3", "abc123")).chat_id == "fake:3"


async def test_a_long_decision_is_found_among_short_ones(store):
    """A body may hold 64 kB; what is looked up in a file is read in pieces."""
    long = entry("long", path="/long", body="网信办 " * 9000)
    for one in (entry("before", path="/b"), long, entry("after", path="/a")):
        await keep(store, entries=(Judged(entry=one, at=START, outcome="no-match"),))
    assert (await store.judged(long.key)).entry == long
    assert (await store.judged(entry("after", path="/a").key)).entry.title == "after"


@pytest.mark.parametrize("back", [False, True])
async def test_a_row_in_the_middle_of_a_lane_leaves_it_and_comes_back_to_its_place(store, back):
    await keep(store, deliveries=tuple(row(name=name) for name in "abcd"))
    rows = await store.backlog("fake:1")
    given_up = give_up(rows[1], "refused")
    await keep(store, deliveries=(given_up,))
    assert [r.story_id for r in await store.backlog("fake:1")] == ["a", "c", "d"]
    if back:
        await keep(store, deliveries=(replay(given_up, START),))
    order = []
    while head := await store.head("fake:1"):
        order.append(head.story_id)
        await keep(store, deliveries=(part_shown(begin(head), RECEIPT, 1, START),))
    assert order == (["a", "b", "c", "d"] if back else ["a", "c", "d"])
    assert await store.waiting(later(9), 9) == []
