"""`.env` as editors of all systems write it: UTF-8 with or without a mark, or UTF-16 with one."""

from __future__ import annotations

import codecs
import logging
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from bot.core.errors import Problem

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_dotenv(path: Path) -> tuple[dict[str, str], list[Problem]]:
    """Its variables, and what is wrong with its lines; a problem never shows a value."""
    logging.getLogger("dotenv").setLevel(logging.ERROR)  # what it would warn of is told below, with its place
    try:
        data = path.read_bytes()
        text = data.decode("utf-16" if data.startswith(_WIDE) else "utf-8-sig")
    except OSError as error:
        return {}, [Problem(str(path), 0, 0, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return {}, [Problem(str(path), 0, 0, f"is not UTF-8 text (byte {error.start}); save it as UTF-8")]
    problems = []
    for binding in parse_stream(StringIO(text)):
        line = binding.original.line + len(binding.original.string) - len(binding.original.string.lstrip("\r\n"))
        if binding.error:
            problems.append(Problem(str(path), line, 1, "this line is not NAME=value"))
        elif binding.key is not None and binding.value is None:
            problems.append(Problem(str(path), line, 1, "this line has no `=`; write NAME=value"))
    values = dotenv_values(stream=StringIO(text))
    return {name: value for name, value in values.items() if value is not None}, problems
