"""The same said in the passive: `Didi was fined by China` of `China fined Didi`, 滴滴被罚款 of 对滴滴罚款."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.judge.shortening import CLAUSES, DOUBT, EXTENT, HELPING, is_verb

_LONGEST_OBJECT = 4
_ENDS = frozenset("on in at for after during since amid following by to over within".split())  # noqa: SIM905
_OFFICE = re.compile(r"^(?:the )?cyberspace administration of (?=china\b)")
_DEEDS = "罚款|处罚|立案|调查|约谈|审查|下架|封禁"
_TOWARDS = re.compile(rf"([^,;:对被]{{2,20}})对([^,;:对被]{{2,20}}?)((?:处以?|{_DEEDS}).*)")
_AT_ONCE = re.compile(rf"([^,;:对被]{{2,20}}?)({_DEEDS})([^,;:\d对被]{{2,20}})(.*)")
_DEED_FIRST = re.compile(rf"({_DEEDS})(.*)")


def wordings(folded: str) -> Iterator[str]:
    """A folded sentence as it stands, then what else says the same: its first deed in the passive; China for its
    cyberspace administration."""
    yield folded
    yield from _chinese(folded)
    if passive := _passive(folded):
        yield passive
    if (country := _OFFICE.sub("", folded)) != folded:
        yield country


def _passive(folded: str) -> str:
    """ "" when the first verb stands in the passive, has a helping verb, or nobody behind it to whom it is done."""
    words = folded.strip(" .!").split(" ")
    verb = next((at for at, word in enumerate(words) if at and is_verb(word)), 0)
    if not verb or words[verb] in HELPING:
        return ""
    end = verb + 1
    while end < len(words) and not _ends_object(words[end]) and words[end - 1][-1:] not in (",", ";"):
        end += 1
    suffers = words[verb + 1 : end]
    if not 0 < len(suffers) <= _LONGEST_OBJECT or any(map(is_verb, suffers)) or {*suffers} & (EXTENT | CLAUSES):
        return ""
    rest = end if suffers[-1][-1] in (",", ";") else _clause_end(words, end)
    if DOUBT.search(" ".join(words[rest:])):
        return ""
    return " ".join((*suffers, "was", words[verb], *words[end:rest], "by", *words[:verb]))


def _clause_end(words: list[str], start: int) -> int:
    for at in range(start, len(words)):
        if words[at] in CLAUSES - _ENDS:
            return at
        if words[at][-1:] in (",", ";"):
            return at + 1
    return len(words)


def _ends_object(word: str) -> bool:
    return word in _ENDS or not word[:1].isalpha() or word in ("one", "two", "three", "half")


def _chinese(folded: str) -> Iterator[str]:
    """Of the first clause; the others must put nothing in doubt."""
    clause, _, others = re.sub(r"[。.!]$", "", folded).partition(",")
    if DOUBT.search(others):
        return
    if found := _TOWARDS.fullmatch(clause):
        by, to, deed = found.groups()
        yield f"{to}被{by}{deed}"
        if first := _DEED_FIRST.fullmatch(deed):
            yield f"{by}{first[1]}{to}{first[2]}"
    elif found := _AT_ONCE.fullmatch(clause):
        by, deed, to, rest = found.groups()
        yield f"{to}被{by}{deed}{rest}"
