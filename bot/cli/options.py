"""Options several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigDir = Annotated[
    Path, typer.Option("--config", help="Directory of tocsin.yaml, feeds.yaml, topics.yaml, companies.yaml.")
]
DataDir = Annotated[Path, typer.Option("--data", help="Directory of the data; made when it is not there.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]

CONFIG = Path("config")
DATA = Path("data")
DOTENV = Path(".env")
