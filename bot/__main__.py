"""`python -m bot`: hands over to the terminal's commands."""

from __future__ import annotations

import signal
import sys


def heed_hangups() -> None:
    """SIGHUP must not end a `run` that is still loading: the rules it asks for are about to be read anyway. Unless it
    tells that the terminal is gone: then there is nobody to start for."""
    at_terminal = sys.stdin is not None and sys.stdin.isatty()

    def hung_up(*_: object) -> None:
        if at_terminal and not sys.stdin.isatty():
            raise SystemExit(0)

    signal.signal(signal.SIGHUP, hung_up)


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        heed_hangups()
    from bot.cli import main  # takes a second, in which a signal may come

    main()
