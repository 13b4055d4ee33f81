"""`db`: look after the data while the bot is stopped: check it, repair what is damaged, copy it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from bot.cli.options import DATA, AsJson, DataDir
from bot.core.errors import Locked, StoreError
from bot.stores import care

app = typer.Typer(no_args_is_help=True)


@app.command()
def check(data: DataDir = DATA, as_json: AsJson = False) -> None:
    """Read everything, change nothing, and say what is there. Exit 2 when it is damaged."""
    if as_json:
        try:
            rows, notes = care.tables(data)
            found: dict[str, object] = {"ok": True, "tables": rows, "notes": notes}
        except Locked:
            raise
        except StoreError as error:
            found = {"ok": False, "error": str(error)}
        typer.echo(orjson.dumps(found))
        raise typer.Exit(0 if found["ok"] else 2)
    for line in care.check(data):
        typer.echo(line)


@app.command()
def repair(data: DataDir = DATA) -> None:
    """Keep a copy of the damaged files, then rewrite what is whole."""
    for line in care.repair(data):
        typer.echo(line)


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="Directory to make; must not exist.")], data: DataDir = DATA
) -> None:
    """Copy the data, also while the bot runs."""
    for line in care.backup(data, to):
        typer.echo(line)
