"""Which chat's turn it is: the open rows of each chat in order, and the chats by when their head is due."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from bot.core.chat import Delivery, State


class ChatQueues:
    """An index over the outbox. It holds numbers of rows, never the rows; nothing in it is durable."""

    def __init__(self) -> None:
        self.by_state: Counter[str] = Counter()
        self._open: dict[str, deque[tuple[int, int]]] = {}
        self._rows: dict[str, list[int]] = {}
        self._last: dict[str, int] = {}
        self._due: list[tuple[float, str]] = []
        self._head_due: dict[str, float] = {}
        self._next_try: dict[int, float] = {}
        self._states: dict[int, State] = {}

    def next_seq(self, chat_id: str) -> int:
        """The number the next new row of this chat gets."""
        return self._last.get(chat_id, 0) + 1

    def put(self, number: int, row: Delivery) -> None:
        """A row is new or has changed."""
        before = self._states.get(number)
        if before is not None:
            self.by_state[before.value] -= 1
        else:
            self._rows.setdefault(row.chat_id, []).append(number)
        self.by_state[row.state.value] += 1
        self._states[number] = row.state
        self._last[row.chat_id] = max(self._last.get(row.chat_id, 0), row.seq)
        waiting = self._open.setdefault(row.chat_id, deque())
        if row.open:
            self._next_try[number] = row.next_try.timestamp()
            if before is None or before in (State.SENT, State.DEAD):
                _insert(waiting, (row.seq, number))
        else:
            self._next_try.pop(number, None)
            if waiting and waiting[0][1] == number:
                waiting.popleft()
            elif before is not None and before not in (State.SENT, State.DEAD):
                waiting.remove((row.seq, number))
        self._schedule(row.chat_id)

    def forget(self, number: int, row: Delivery) -> None:
        """A settled row is no longer kept."""
        self.by_state[row.state.value] -= 1
        del self._states[number]
        self._rows[row.chat_id].remove(number)

    def head(self, chat_id: str) -> int | None:
        """The number of the open row with the lowest seq."""
        waiting = self._open.get(chat_id)
        return waiting[0][1] if waiting else None

    def rows(self, chat_id: str) -> Iterable[int]:
        """Every row of the chat, in order of seq."""
        return self._rows.get(chat_id, ())

    def sending(self) -> Iterator[int]:
        return (number for number, state in self._states.items() if state is State.SENDING)

    def dead(self) -> Iterator[int]:
        return (number for number, state in self._states.items() if state is State.DEAD)

    def due(self, now: datetime, limit: int, paused: set[str]) -> list[str]:
        """Chats whose head is due, longest waiting first. Looks at due chats only, however many rows wait."""
        stamp = now.timestamp()
        found: list[str] = []
        again: list[tuple[float, str]] = []
        while self._due and self._due[0][0] <= stamp and len(found) < limit:
            at, chat_id = heapq.heappop(self._due)
            if self._head_due.get(chat_id) != at:
                continue  # the head has changed since
            again.append((at, chat_id))
            if chat_id not in paused:
                found.append(chat_id)
        for item in again:
            heapq.heappush(self._due, item)
        return found

    def _schedule(self, chat_id: str) -> None:
        head = self.head(chat_id)
        if head is None:
            self._head_due.pop(chat_id, None)
            return
        at = self._next_try[head]
        if self._head_due.get(chat_id) != at:
            self._head_due[chat_id] = at
            heapq.heappush(self._due, (at, chat_id))


def _insert(waiting: deque[tuple[int, int]], item: tuple[int, int]) -> None:
    """Rows come in order; only a replayed one has to find its place."""
    if not waiting or waiting[-1] < item:
        waiting.append(item)
        return
    place = next(i for i, other in enumerate(waiting) if item < other)
    waiting.insert(place, item)
