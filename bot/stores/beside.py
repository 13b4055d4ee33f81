"""A copy of a data directory beside it, on the disk before anything is changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bot.core.errors import StoreError


def copied(directory: Path, ending: str) -> Path:
    """Copy everything to `<directory>.<ending>`, or to the first such name with a number that is free. Raises
    StoreError; then there is no half of a copy."""
    target = directory.with_name(f"{directory.name}.{ending}")
    number = 1
    while target.exists():
        number += 1
        target = directory.with_name(f"{directory.name}.{ending}-{number}")
    try:
        shutil.copytree(directory, target)
        for path in (*target.iterdir(), target, target.parent):
            _synced(path)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise StoreError(f"{directory} cannot be copied to {target}: {_reason(error)}; nothing was changed") from None
    return target


def _synced(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _reason(error: OSError) -> str:
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        source, _, why = error.args[0][0]
        return f"{Path(source).name}: {str(why).partition('] ')[2].partition(':')[0] or why}"
    return f"{Path(error.filename).name}: {error.strerror}" if error.filename else str(error.strerror or error)
