"""Whose turn it is: the open rows of each chat by lane and in order, and the chats by when they are due."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import NamedTuple

import orjson

from bot.core.chat import OPEN, Act, Delivery, State

Place = tuple[int, int]
"""seq and number of a row."""


class Turn(NamedTuple):
    """What of a row decides whose turn it is. due: next_try in seconds since 1970."""

    chat_id: str
    seq: int
    state: State
    act: Act
    due: float

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @classmethod
    def of(cls, row: Delivery) -> Turn:
        return cls(row.chat_id, row.seq, row.state, row.act, row.next_try.timestamp())

    @classmethod
    def read(cls, document: bytes) -> Turn:
        """From a stored row, of which a hundred thousand are read at a start: no more of it than is needed."""
        row = orjson.loads(document)
        state = State(row.get("state", State.PENDING))
        due = datetime.fromisoformat(row["next_try"]).timestamp() if state in OPEN else 0.0
        return cls(row["chat_id"], row.get("seq", 0), state, Act(row.get("act", Act.POST)), due)


_EDIT_LANE = Act.EDIT.lane
_TELLING_LANE = Act.POST.lane


class ChatQueues:
    """An index over the outbox. It holds numbers of rows, never the rows; nothing in it is durable.

    A chat stands in `_later` by when it is due next, or, once that time has come, in `_ready` by the rank of what is
    due. Each place has a ticket; `_ticket` tells the one that counts, others are left over and passed by.
    """

    def __init__(self) -> None:
        self.by_state: Counter[str] = Counter()
        self._lanes: dict[tuple[str, int], deque[Place]] = {}
        self._held: dict[str, list[Place]] = {}
        self._rows: dict[str, list[int]] = {}
        self._last: dict[str, int] = {}
        self._due: dict[int, tuple[float, int]] = {}
        self._states: dict[int, State] = {}
        self._later: list[tuple[float, int, str]] = []
        self._ready: list[tuple[int, float, int, str]] = []
        self._ticket: dict[str, int] = {}
        self._tickets = count()

    def next_seq(self, chat_id: str) -> int:
        """The number the next new row of this chat gets."""
        return self._last.get(chat_id, 0) + 1

    def put(self, number: int, row: Turn) -> None:
        """A row is new or has changed."""
        before = self._states.get(number)
        if before is None:
            self._rows.setdefault(row.chat_id, []).append(number)
        else:
            self.by_state[before.value] -= 1
            self._leave(number, row, before)
        self.by_state[row.state.value] += 1
        self._states[number] = row.state
        self._last[row.chat_id] = max(self._last.get(row.chat_id, 0), row.seq)
        if row.open:
            self._due[number] = (row.due, row.act.rank)
            _insert(self._lanes.setdefault((row.chat_id, row.act.lane), deque()), (row.seq, number))
        elif row.state is State.HELD:
            self._held.setdefault(row.chat_id, []).append((row.seq, number))
        if row.open or before is not None:
            self._schedule(row.chat_id)

    def forget(self, number: int, row: Turn) -> None:
        """A row is no longer kept."""
        before = self._states.pop(number)
        self.by_state[before.value] -= 1
        self._leave(number, row, before)
        self._rows[row.chat_id].remove(number)
        self._schedule(row.chat_id)

    def head(self, chat_id: str, now: datetime | None = None) -> int | None:
        """See ports.Outbox.head."""
        stamp = None if now is None else now.timestamp()
        found = [n for n in self._heads(chat_id) if stamp is None or self._due[n][0] <= stamp]
        return found[0] if found else None

    def rows(self, chat_id: str) -> Iterable[int]:
        """Every row of the chat, in order of seq."""
        return self._rows.get(chat_id, ())

    def backlog(self, chat_id: str) -> list[int]:
        """Open rows of the lane that tells, in order."""
        return [number for _, number in self._lanes.get((chat_id, _TELLING_LANE), ())]

    def held(self, chat_id: str) -> list[int]:
        return [number for _, number in sorted(self._held.get(chat_id, ()))]

    def holding(self) -> list[str]:
        """Chats that have held rows."""
        return list(self._held)

    def stranded(self, latest: datetime) -> list[int]:
        """See ports.Outbox.stranded."""
        stamp = latest.timestamp()
        return [n for n, (at, _) in self._due.items() if at > stamp or self._states[n] is State.SENDING]

    def dead(self) -> Iterator[int]:
        return (number for number, state in self._states.items() if state is State.DEAD)

    def due(self, now: datetime, limit: int, busy: Callable[[str], bool]) -> list[str]:
        """Chats that are due and not busy, by rank, then longest waiting first. Looks at due chats only, however
        many rows wait."""
        stamp = now.timestamp()
        while self._later and self._later[0][0] <= stamp:
            at, ticket, chat_id = heapq.heappop(self._later)
            if self._ticket.get(chat_id) == ticket:
                rank = min(rank for at, rank in map(self._due.__getitem__, self._heads(chat_id)) if at <= stamp)
                heapq.heappush(self._ready, (rank, at, ticket, chat_id))
        found: list[str] = []
        again: list[tuple[int, float, int, str]] = []
        while self._ready and len(found) < limit:
            ready = heapq.heappop(self._ready)
            ticket, chat_id = ready[2:]
            if self._ticket.get(chat_id) != ticket:
                continue  # what was due there has changed since
            again.append(ready)
            if not busy(chat_id):
                found.append(chat_id)
        for ready in again:
            heapq.heappush(self._ready, ready)
        return found

    def _heads(self, chat_id: str) -> Iterator[int]:
        """The first row of each lane, and every edit, since those do not wait for each other; soonest edit first."""
        for lane in range(_EDIT_LANE):
            waiting = self._lanes.get((chat_id, lane))
            if waiting:
                yield waiting[0][1]
        edits = self._lanes.get((chat_id, _EDIT_LANE))
        if edits:
            yield from sorted((number for _, number in edits), key=self._due.__getitem__)

    def _leave(self, number: int, row: Turn, state: State) -> None:
        """Take a row out of where it stood."""
        if state is State.HELD:
            kept = [place for place in self._held[row.chat_id] if place[1] != number]
            if kept:
                self._held[row.chat_id] = kept
            else:
                del self._held[row.chat_id]
        elif self._due.pop(number, None) is not None:
            waiting = self._lanes[row.chat_id, row.act.lane]
            if waiting[0][1] == number:
                waiting.popleft()
            else:
                waiting.remove((row.seq, number))

    def _schedule(self, chat_id: str) -> None:
        at = min((self._due[number][0] for number in self._heads(chat_id)), default=None)
        if at is None:
            self._ticket.pop(chat_id, None)
            return
        self._ticket[chat_id] = ticket = next(self._tickets)
        heapq.heappush(self._later, (at, ticket, chat_id))


def _insert(waiting: deque[Place], item: Place) -> None:
    """Rows come in order; only one that was sent before, or is settled again, has to find its place."""
    if not waiting or waiting[-1] < item:
        waiting.append(item)
    elif item < waiting[0]:
        waiting.appendleft(item)
    else:
        waiting.insert(next(i for i, other in enumerate(waiting) if item < other), item)
