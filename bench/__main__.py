"""`python -m bench [NAME …]`: one table of ratios; the names are those of ALL."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.table import Table

from bench import delivering, idle, judging, polling, remembering
from bench.measure import Result
from bot import logs

ALL: dict[str, Callable[[], Awaitable[Result | list[Result]]]] = {
    "unchanged": polling.unchanged,
    "same": polling.same_body,
    "changed": polling.all_changed,
    "store": remembering.flat,
    "start": remembering.starting,
    "words": judging.keywords,
    "chats": judging.subscribers,
    "outbox": delivering.full_outbox,
    "message": delivering.a_message,
    "fanout": delivering.fan_out,
    "idle": idle.memory,
}


def main() -> None:
    logs.set_up("ERROR", ())
    names = [name for name in sys.argv[1:] if not name.startswith("-")] or list(ALL)
    if unknown := set(names) - set(ALL):
        raise SystemExit(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    results: list[Result] = []
    for name in names:
        found = asyncio.run(_run(ALL[name]))
        results += found if isinstance(found, list) else [found]
    if "--json" in sys.argv:
        print(json.dumps([{**vars(r), "ok": r.ok} for r in results]))
        raise SystemExit(_verdict(results))
    table = Table("what", "measured", "limit", "", "of which", box=None)
    for result in results:
        mark = "ok" if result.ok else "OVER"
        figures = (f"{result.measured:.2f} {result.unit}", f"{result.limit:.2f} {result.unit}")
        table.add_row(result.name, *figures, mark, result.note)
    Console(width=160).print(table)
    raise SystemExit(_verdict(results))


def _verdict(results: list[Result]) -> int:
    """1 when a limit is passed, so that a script notices."""
    return int(not all(result.ok for result in results))


async def _run(work: Callable[[], Awaitable[Result | list[Result]]]) -> Result | list[Result]:
    return await work()


if __name__ == "__main__":
    main()
