"""Read a YAML file into plain values that remember their line and column, and say what is wrong in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.core.errors import Problem

MAX_BYTES = 4 * 1024 * 1024
MAX_VALUES = 200_000
"""An anchor bomb is a short file that unfolds into more values than this."""

_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:omap")
Path_ = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
SECRET_KEY = re.compile(r"token|secret|password|passwd|api_?key", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"\b\d{6,}:[\w-]{30,}|\bxox[abprs]-[\w-]{8,}|\bxapp-[\w-]{8,}"
    r"|hooks\.slack\.com/(services|workflows)/\w|discord(app)?\.com/api/webhooks/\w"
)
_REFUSAL = "this looks like a token; secrets stand in the environment, in .env or in a *_FILE only"
_PATTERNS = {"^[a-z0-9-]+$": "may hold only a-z, 0-9 and -", "^[A-Z]{3}$": "must be three capital letters"}
"""Patterns of the models, in words."""


@dataclass(slots=True)
class Document:
    """One file's content. values: dicts, lists and scalars. places: path of a value -> (line, column), from 1."""

    file: str
    values: Any = None
    places: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: bool = False
    """Nothing can be said of its values: there are none."""
    refused: list[Path_] = field(default_factory=list)
    """Paths of values that were refused on the way, of which nothing more is to be said."""

    def complain(self, path: Path_, text: str) -> None:
        """Unless this place was complained of already."""
        if not any(path[: len(known)] == known for known in self.refused):
            self.problems.append(self.problem(path, text))

    def problem(self, path: Path_, text: str) -> Problem:
        """A problem at a path, or at the nearest enclosing value that has a place."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                line, column = self.places[path[:end]]
                return Problem(self.file, line, column, text)
        return Problem(self.file, 1, 1, text)


def read(path: Path, shown_as: str) -> Document:
    """Read a file. What cannot be read is a problem of the document, never an exception."""
    document = Document(shown_as)
    document.unread = True
    try:
        if path.stat().st_size > MAX_BYTES:
            most = f"larger than {MAX_BYTES // 1024 // 1024} MiB"
            raise _Refused(1, 1, f"the file is {most}; shorten it, or bring feeds in with: python -m bot import FILE")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        document.problems.append(Problem(shown_as, 0, 0, f"there is no such file ({path}); `config/` ships with one"))
        return document
    except UnicodeDecodeError as error:
        document.problems.append(Problem(shown_as, 1, 1, f"not UTF-8 at byte {error.start}; save the file as UTF-8"))
        return document
    except OSError as error:
        document.problems.append(Problem(shown_as, 0, 0, f"cannot be read: {error.strerror}"))
        return document
    except _Refused as refused:
        document.problems.append(Problem(shown_as, refused.line, refused.column, refused.text))
        return document
    try:
        node = YAML(typ="rt", pure=True).compose(text)
        if node is not None:
            document.values = _Unfolder(document).unfold(node, ())
        document.unread = False
    except _Refused as refused:
        document.problems.append(Problem(shown_as, refused.line, refused.column, refused.text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.problems.append(Problem(shown_as, line, column, f"not valid YAML: {_first_line(error)}"))
    except (YAMLError, RecursionError, ValueError) as error:
        document.problems.append(Problem(shown_as, 1, 1, f"not valid YAML: {_first_line(error)}"))
    return document


def check(document: Document, model: type[Model]) -> Model | None:
    """The values as a model, or None with every mistake added to `document.problems`."""
    if document.unread:
        return None
    try:
        return model.model_validate({} if document.values is None else document.values)
    except ValidationError as error:
        explain(document, model, error)
        return None


def explain(document: Document, model: type[BaseModel], error: ValidationError, under: Path_ = ()) -> None:
    """Complain of every mistake. model: of the whole document; under: the path of the part that was validated."""
    details = error.errors()
    for detail in details:
        detail["loc"] = (*under, *detail["loc"])
    for detail in details:
        if not _follows(detail, details, document):
            path, text = _explain(document, model, detail)
            document.complain(path, text)


def _follows(detail: ErrorDetails, details: Sequence[ErrorDetails], document: Document) -> bool:
    """Whether a mistake only follows from another that is named: a list is empty because what stands in it is refused,
    a key is missing because it is misspelt."""
    path = detail["loc"]
    if detail["type"] == "too_short":
        return (*path, 0) in document.places
    extra = [str(d["loc"][-1]) for d in details if d["type"] == "extra_forbidden" and d["loc"][:-1] == path[:-1]]
    return detail["type"] == "missing" and bool(get_close_matches(str(path[-1]), extra, 1, 0.5))


class _Refused(Exception):
    def __init__(self, line: int, column: int, text: str) -> None:
        super().__init__(text)
        self.line, self.column, self.text = line, column, text


class _Unfolder:
    """Nodes to plain values. Written here because constructors lose the places, and would build foreign objects."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0
        self._open: set[int] = set()

    def unfold(self, node: Node, path: Path_) -> Any:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self._document.places.setdefault(path, (line, column))
        self._count += 1
        if self._count > MAX_VALUES:
            raise _Refused(
                line, column, f"the file unfolds into more than {MAX_VALUES} values (an anchor used too often?)"
            )
        if id(node) in self._open:
            raise _Refused(line, column, "an anchor contains itself")
        if not isinstance(node, ScalarNode) and str(node.tag) not in _PLAIN_TAGS:
            raise _Refused(line, column, f"the tag {node.tag} is not allowed; write plain values")
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.unfold(child, (*path, i)) for i, child in enumerate(node.value)]
            assert isinstance(node, ScalarNode)
            return self._scalar(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            if not isinstance(key_node, ScalarNode):
                raise _Refused(line, column, "a key must be a plain word")
            key = str(key_node.value)
            if _SECRET_VALUE.search(key):
                self._document.problems.append(Problem(self._document.file, line, column, _REFUSAL))
                continue
            if key in result:
                first = self._document.places[(*path, key)][0]
                text = f"{key!r} stands here a second time (first in line {first}); keep one"
                self._document.problems.append(Problem(self._document.file, line, column, text))
                continue
            self._document.places[(*path, key)] = (line, column)
            result[key] = self.unfold(value_node, (*path, key))
        return result

    def _scalar(self, node: ScalarNode, path: Path_) -> Any:
        kind = str(node.tag).rpartition(":")[2]
        value = str(node.value)
        if _SECRET_VALUE.search(value):
            return self._without(path, _REFUSAL)
        if kind == "null":
            return None
        if kind == "bool":
            return value.lower() == "true"
        if kind in ("int", "float"):
            found = _number(value, kind)
            return found if found is not None else self._without(path, f"{value[:40]!r} is not a number that will do")
        if kind in ("str", "timestamp", ""):
            return value
        raise _Refused(*self._document.places[path], f"the tag {node.tag} is not allowed; write a plain value")

    def _without(self, path: Path_, text: str) -> None:
        """Complain of a value and go on as if it were not there."""
        self._document.problems.append(self._document.problem(path, text))
        self._document.refused.append(path)


def _number(value: str, kind: str) -> int | float | str | None:
    """None for what is no finite number. Zeros in front make it a name, such as a stock code."""
    plain = value.replace("_", "")
    try:
        if kind == "int":
            return value if re.fullmatch(r"[-+]?0\d+", value) else int(plain, 0)
        return float(plain) if isfinite(float(plain)) else None
    except (ValueError, OverflowError):
        return None


def _first_line(error: Exception) -> str:
    text = getattr(error, "problem", None) or str(error)
    return str(text).strip().splitlines()[0] if str(text).strip() else "cannot be parsed"


def _explain(document: Document, model: type[BaseModel], detail: ErrorDetails) -> tuple[Path_, str]:
    path = tuple(p for p in detail["loc"])
    kind = detail["type"]
    name = ".".join(str(p) for p in path) or document.file
    if kind == "extra_forbidden":
        key = str(path[-1])
        if SECRET_KEY.search(key):
            return path, f"{key!r}: secrets stand in the environment, in .env or in a *_FILE, never here"
        near = get_close_matches(key, list(_allowed(model, path[:-1])), 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(_allowed(model, path[:-1]))}"
        return path, f"unknown key {key!r}; {hint}"
    if kind == "missing":
        return path[:-1], f"{str(path[-1])!r} is missing here"
    if kind in ("value_error", "assertion_error"):
        return path, f"{name}: {detail['msg'].split(', ', 1)[-1]}"
    return path, f"{name}: {_in_words(detail)}"


_WORDS = {
    "a valid integer": "a whole number",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "a valid tuple": "a list",
    "a valid ": "a ",
}


def _in_words(detail: ErrorDetails) -> str:
    if detail["type"] == "too_short":
        return "at least one has to stand here"
    message = detail["msg"].replace("Input should be", "must be")
    if detail["type"] == "string_pattern_mismatch":
        message = _PATTERNS.get(detail.get("ctx", {}).get("pattern", ""), "is not written as it has to be")
    for ours, plain in _WORDS.items():
        message = message.replace(ours, plain)
    shown = detail.get("input")
    if isinstance(shown, str | int | float | bool):
        message += f", not {str(shown)[:60]!r}"
    return re.sub(r"a dictionary( or instance of \w+)?", "keys with values", message)


def _allowed(model: type[BaseModel], path: Path_) -> Iterator[str]:
    """Keys that may stand at a path, found by walking the model's annotations."""
    kinds: list[Any] = [model]
    for step in path:
        nexts: list[Any] = []
        for kind in kinds:
            for part in _models(kind):
                found = part.model_fields.get(str(step))
                nexts += [found.annotation] if found else []
            if not _models(kind):
                nexts += _inside(kind)
        kinds = nexts
    for kind in kinds:
        for part in _models(kind):
            yield from (f.alias or name for name, f in part.model_fields.items())


def _models(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [
        m
        for inner in getattr(kind, "__args__", ())
        if type(None) is not inner and not _is_container(kind)
        for m in _models(inner)
    ]


def _inside(kind: Any) -> list[Any]:
    return [inner for inner in getattr(kind, "__args__", ()) if inner not in (str, int, type(None), Ellipsis)]


def _is_container(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) in (list, tuple, dict, Mapping)
