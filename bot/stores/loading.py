"""Read the generations of a data directory: what they hold, and what a start has to do before it can go on. Changes
nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from bot.core.errors import Corrupt
from bot.stores import records
from bot.stores.generations import Tables, absorb, is_whole, path_of, present

log = structlog.get_logger("store")
REPAIR = "python -m bot db repair --data"


@dataclass(slots=True)
class Found:
    """schema: the oldest of the files that count. base: the generation of the snapshot it begins with, 0 for none.
    generation: of the newest journal, 0 when there is none. whole: bytes of that journal to go on after; 0 when it has
    to be begun anew. torn: bytes behind them that a crash left. stillborn: newer journals that were never begun."""

    tables: Tables = field(default_factory=dict)
    schema: int = field(default_factory=lambda: records.SCHEMA)
    base: int = 0
    generation: int = 0
    whole: int = 0
    torn: int = 0
    stillborn: list[Path] = field(default_factory=list)


def load(directory: Path, *, held: bool) -> Found:
    """The newest whole snapshot plus every journal from its generation on. held: whether the lock file says that the
    directory has held data. Raises Corrupt, TooNew, OSError."""
    return _Loading(directory, held).found


class _Loading:
    def __init__(self, directory: Path, held: bool) -> None:
        self._directory = directory
        self._held = held
        self._short: dict[int, int] = {}
        self.found = Found()
        journals, snapshots = present(directory, "journal"), present(directory, "snapshot")
        base = self.found.base = next((g for g in reversed(snapshots) if self._load_snapshot(g)), 0)
        replay = [g for g in journals if g >= max(base, 1)]
        self._must_be_complete(base, replay, snapshots)
        while len(replay) > 1 and self._stillborn(replay[-1]):
            if replay[-1] in snapshots:
                log.error("a journal is empty though it was begun; what it held is lost", generation=replay[-1])
            self.found.stillborn.append(self._path("journal", replay.pop()))
        for generation in replay:
            self._replay(generation, last=generation == replay[-1])
        self.found.generation = max(replay[-1] if replay else 0, base)

    def _must_be_complete(self, base: int, replay: Sequence[int], snapshots: Sequence[int]) -> None:
        """Raises Corrupt when what is there is only a part of what was."""
        if not replay and not base and not snapshots:
            self._must_be_new()
        elif not base and replay != list(range(1, 1 + len(replay))):
            raise self._lacking("snapshot", replay[0])
        elif not replay:
            raise self._lacking("journal", base) if base else self._lacking("snapshot", snapshots[-1])
        else:
            expected = range(max(base, 1), max(base, 1) + len(replay))
            gap = next((wanted for wanted, found in zip(expected, replay, strict=True) if wanted != found), None)
            if gap is not None:
                raise self._lacking("journal", gap)

    def _must_be_new(self) -> None:
        """An empty directory is a first start; one that has held data and lost it is not."""
        archive = next(iter(sorted(self._directory.glob("archive-*.records"))), None)
        if self._held or archive:
            sign = f"{archive.name} is there" if archive else "its lock file says that it held some"
            raise Corrupt(
                f"{self._path('journal', 1)} is missing or empty, so {self._directory} has lost its data: {sign}. "
                "Nothing was changed. Restore a backup; to begin anew, move the directory away"
            )

    def _lacking(self, kind: str, generation: int) -> Corrupt:
        cut = self._short.get(generation) if kind == "snapshot" else None
        what = "is missing" if cut is None else f"is cut off at byte {cut}"
        return Corrupt(
            f"{self._path(kind, generation)} {what}, and without it {self._directory} is only a part of what was kept; "
            f"nothing was changed. Restore a backup, or keep what is left with: {REPAIR} {self._directory}"
        )

    def _load_snapshot(self, generation: int) -> bool:
        """True when it was whole. A short one (power lost before it was on the disk) is passed over, loudly."""
        path = self._path("snapshot", generation)
        tables: Tables = {}

        def spend(value: Any) -> Any:
            absorb(tables, value)
            return value if isinstance(value, dict) and value.keys() & {"format", "end"} else None

        values, whole, torn = records.read(path, f"{REPAIR} {self._directory}", spend)
        if values:
            self._note_schema(records.check_header(values[0], path))
        if torn or not is_whole(values):
            self._short[generation] = whole
            log.error("a snapshot is not whole; falling back to the one before it and its journals", file=str(path))
            return False
        self.found.tables = tables
        return True

    def _note_schema(self, schema: int) -> None:
        self.found.schema = min(self.found.schema, schema)

    def _stillborn(self, generation: int) -> bool:
        """Whether a journal was begun and not even its header got whole: then the one before it went on."""
        started = self._path("journal", generation).read_bytes().rstrip(b"\0")
        forms = [records.header("journal", generation, needs=n) for n in (None, generation - 1, generation)]
        return any(len(started) < len(h) and h.startswith(started) for h in map(records.encode, forms))

    def _replay(self, generation: int, *, last: bool) -> None:
        path = self._path("journal", generation)
        values, whole, torn = records.read(path, f"{REPAIR} {self._directory}")
        if values:
            self._note_schema(records.check_header(values[0], path))
            if generation != self.found.base and self._needs(values[0], generation) == generation:
                raise self._lacking("snapshot", generation)
        if torn and not last:
            raise Corrupt(
                f"{path} is damaged at byte {whole}, and a later journal goes on; nothing was changed. "
                f"Keep a copy, then run: {REPAIR} {self._directory}"
            )
        for value in values[1:]:
            absorb(self.found.tables, value)
        if last and values:
            self.found.whole, self.found.torn = whole, torn
        elif last:
            self._must_be_begun(path, generation)

    def _needs(self, header: dict[str, int], generation: int) -> int:
        """Journals of before this was recorded: only a repair wrote a snapshot for the first."""
        first = 1 if self._path("snapshot", 1).exists() else 0
        return header.get("from", generation - 1 if generation > 1 else first)

    def _must_be_begun(self, path: Path, generation: int) -> None:
        """The newest journal is empty: raises Corrupt where that means that data is lost."""
        if not self._stillborn(generation):
            records.check_header(None, path)
        if self.found.base:
            log.error("the journal is empty: what was kept after its snapshot is lost", file=str(path))
        elif self._path("snapshot", generation).exists():
            raise self._lacking("snapshot", generation)
        else:
            self._must_be_new()

    def _path(self, kind: str, generation: int) -> Path:
        return path_of(self._directory, kind, generation)
