"""The terminal: one file a command, joined here; errors become sentences and exit codes."""

from __future__ import annotations

import sys

import typer

from bot.cli import backtest, catalogue, check, db, explain, feeds, joins, judge, poll, run
from bot.core.errors import BotError, ConfigError, Locked

app = typer.Typer(
    name="bot",
    help="Tocsin: alerts about the Cyberspace Administration of China and Chinese tech listings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (run, check, poll, judge, explain, backtest, joins, feeds):
    app.command(name=module.__name__.rpartition(".")[2])(module.command)
app.command(name="export")(catalogue.export_feeds)
app.command(name="import")(catalogue.import_feeds)
app.add_typer(db.app, name="db", help="Look after the data: check, repair, backup.")


def main() -> None:
    """Exit codes: 0 well, 1 another instance holds the data, 2 configuration or data, 3 some feed failed."""
    try:
        app()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    except Locked as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
    except BotError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'the system'}: {error.strerror or error}\n")
        raise SystemExit(2) from None
