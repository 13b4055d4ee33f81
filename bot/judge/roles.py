"""Who did it to whom: whether two sentences agree on it, as far as word order tells."""

from __future__ import annotations

import re
from typing import NamedTuple

from bot.judge.text import HAN

_TOKEN = re.compile(r"[A-Za-z][\w'’.-]*|[,;:]")
_BE = frozenset("is are was were be been being get gets got".split())  # noqa: SIM905
_NOBODY = frozenset(
    """the a an in on at it its this that and for monday tuesday wednesday thursday friday saturday sunday january
    february march april may june july august september october november december""".split()  # noqa: SIM905
)
_ROLES = frozenset(
    """regulator regulators watchdog company companies firm firms court government ministry commission authorities
    authority agency exchange office officials official administration platform founder founders app apps""".split()  # noqa: SIM905
)
"""Nouns that stand for somebody who may be named elsewhere."""
_SAYS = frozenset("say says said saying tell tells told add adds added".split())  # noqa: SIM905
_REPORTS = frozenset("said says told added".split())  # noqa: SIM905
_IRREGULAR = frozenset(
    """said says told won made paid sent took hit met sued cut bans bars bought sold sues held left put wins pays
    makes takes fines raises""".split()  # noqa: SIM905
)
_BROUGHT = ("对", "向", "将", "把", "令", "约谈", "要求", "责令")
"""Behind these stands to whom it is done."""
_SUFFERED = ("被", "遭", "受到", "接受")
_HAN_PIECE = re.compile(rf"[{HAN}a-z]{{2,}}")


class _Deed(NamedTuple):
    """A verb with those named before and behind it, turned round where it is in the passive. Names in small letters."""

    verb: str
    by: frozenset[str]
    to: frozenset[str]


def agree(sentence: str, source: str) -> bool:
    """Whether each deed of the sentence is one of the source: the same verb, done by and to the same. English only."""
    there = _deeds(source)
    stems = {_stem(word.lower()) for word in re.findall(r"[A-Za-z]+", source)}
    for deed in _deeds(sentence):
        if deed.verb not in stems:
            return False
        same = [d for d in there if d.verb == deed.verb]
        if not same and not _in_order(deed, source.lower()):
            return False
        if same and not any(_agree(deed.by, d.by) and _agree(deed.to, d.to) for d in same):
            return False
    return True


def _in_order(deed: _Deed, source: str) -> bool:
    """Where the source has the deed as a noun (`imposed a fine on`), who does it has to be named before who suffers."""
    by, to = ([source.find(name) for name in names if name in source] for names in (deed.by, deed.to))
    return not by or not to or max(by) < min(to)


def _agree(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Nobody named: nothing said wrongly. Names must be met by a name; a role may stand for a name."""
    if not mine or mine & theirs:
        return True
    names, others = mine - _ROLES, theirs - _ROLES
    return not names and bool(others) and not theirs & _ROLES


def _deeds(text: str) -> list[_Deed]:
    tokens = [t.rstrip(".'’-") for t in _TOKEN.findall(text)]
    deeds = []
    for at, token in enumerate(tokens):
        if not _is_verb(token, at, tokens):
            continue
        before = _named(tokens[_clause_start(tokens, at) : at])
        behind = tokens[at + 1 : _clause_end(tokens, at)]
        if any(t.lower() in _BE for t in tokens[max(0, at - 3) : at]):
            by = behind.index("by") if "by" in behind else len(behind)
            deeds.append(_Deed(_stem(token.lower()), _named(behind[by:]), before))
        else:
            deeds.append(_Deed(_stem(token.lower()), before, _named(behind)))
    return deeds


def _is_verb(token: str, at: int, tokens: list[str]) -> bool:
    word = token.lower()
    if token != word or word in _SAYS - _REPORTS:
        return False
    if word in _IRREGULAR or (len(word) > 4 and word.endswith("ed")):
        return True
    # The present tense of headlines (`China fines Didi`), and what follows did, will or to.
    after_name = at > 0 and tokens[at - 1][:1].isupper() and at + 1 < len(tokens) and tokens[at + 1][:1].isupper()
    helped = at > 0 and tokens[at - 1].lower() in ("did", "will", "would", "must", "may", "to", "not")
    return len(word) > 3 and ((after_name and word.endswith("s")) or helped) and word not in _BE


def _clause_start(tokens: list[str], at: int) -> int:
    start = at
    while start > 0 and tokens[start - 1] not in ",;:" and tokens[start - 1].lower() not in ("that", "which", "who"):
        start -= 1
    # `China's regulator, the office, fined …`: what stands between commas may belong to either side.
    return start if _named(tokens[start:at]) or start < 2 else _clause_start(tokens, start - 1)


def _clause_end(tokens: list[str], at: int) -> int:
    for end in range(at + 1, len(tokens)):
        if tokens[end] in ",;:" or tokens[end].lower() in ("that", "after", "because", "for", "over", "when", "while"):
            return end
    return len(tokens)


def _named(tokens: list[str]) -> frozenset[str]:
    found = {t.lower().removesuffix("'s").removesuffix("’s") for t in tokens if t[0].isupper() or t in _ROLES}
    return frozenset(found - _NOBODY)


def _stem(verb: str) -> str:
    bare = re.sub(r"(ed|es|ing|s|e|d)$", "", verb) if len(verb) > 3 else verb
    bare = bare[:-1] if len(bare) > 3 and bare[-1] == bare[-2] else bare
    return bare[:-1] + "i" if bare.endswith("y") else bare


def agree_in_chinese(sentence: str, source: str) -> bool:
    """Both folded. Whether nobody suffers in one what they do in the other."""
    for piece in _pieces(sentence, source):
        mine, theirs = _side(piece, sentence), _side(piece, source)
        if mine and theirs and mine != theirs:
            return False
    return True


def _pieces(sentence: str, source: str) -> set[str]:
    """What of a clause stands between the marks of doing and suffering, as far as the source has it too."""
    marks = "|".join(sorted((*_BROUGHT, *_SUFFERED, "由"), key=len, reverse=True))
    found: set[str] = set()
    for run in _HAN_PIECE.findall(sentence):
        for part in re.split(marks, run):
            size = next((n for n in range(len(part), 1, -1) if part[:n] in source), 0)
            tail = next((n for n in range(len(part), 1, -1) if part[-n:] in source), 0)
            found |= {part[:size], part[len(part) - tail :]} if size and tail else set()
    return found


def _side(piece: str, text: str) -> str:
    """`by` or `to`, or "" when it cannot be told."""
    at = text.find(piece)
    if at < 0:
        return ""
    before, after = text[:at], text[at + len(piece) :]
    if before.endswith(_BROUGHT) or after.startswith(_SUFFERED):
        return "to"
    if before.endswith((*_SUFFERED, "由")) or re.match(rf".{{0,6}}?({'|'.join(_BROUGHT)})", after):
        return "by"
    return ""
