"""What people type for a rule, made plain before it is parsed; and hints for what looks like something else."""

from __future__ import annotations

import re

from bot.judge.specs import RuleError
from bot.judge.text import HAN

DEEPEST = 60
_QUOTED = re.compile(r'"[^"]*"|“[^”"]*”|(?:^|(?<=[\s(:（：\u3000]))/(?:[^/\\]|\\.)+/')
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PLAIN = {**_FULL_WIDTH, 0x3000: 0x20, 0xA0: 0x20, 0xFFE5: 0xA5, 0x201C: 0x22, 0x201D: 0x22}
_DISTANCE = re.compile(r"(near|then)(/.*)?", re.IGNORECASE)
_GLUED = re.compile(rf"(?:^|[{HAN}])(AND|OR|NOT)(?:[{HAN}]|$)")
_COMPARED = re.compile(r"([A-Za-z_]*)(?:[<>≥≤]|=[<>])")
_SIGNS = {"&&": "AND", "&": "AND", "+": "AND", "||": "OR", "|": "OR", "!": "NOT"}


def plain(rule: str) -> str:
    """The rule with full-width signs and blanks as half-width ones outside quotes and patterns; curly quotes around a
    phrase become straight ones. Columns stay what they were. Raises RuleError for brackets that do not pair."""
    rule = rule.replace("＂", '"')
    pieces: list[str] = []
    masked: list[str] = []
    at = 0
    for quoted in _QUOTED.finditer(rule):
        outside = rule[at : quoted.start()].translate(_PLAIN)
        inside = quoted[0] if quoted[0][0] in '"/' else f'"{quoted[0][1:-1]}"'
        pieces += [outside, inside]
        masked += [outside, "p" * len(inside)]
        at = quoted.end()
    rest = rule[at:].translate(_PLAIN)
    _check_brackets("".join((*masked, rest)))
    return "".join((*pieces, rest))


def _check_brackets(masked: str) -> None:
    """Said apart, because a parser would only say that the rule ended too soon."""
    opened: list[int] = []
    for column, character in enumerate(masked, 1):
        if character == '"':
            raise RuleError('a closing " is missing for the one that opens here', column=column)
        if character == "(":
            opened.append(column)
            if len(opened) > DEEPEST:
                raise RuleError(f"more than {DEEPEST} parentheses are open here; use named lists", column=column)
        elif character == ")":
            if not opened:
                raise RuleError("this ) closes nothing; remove it or add a ( before", column=column)
            opened.pop()
    if opened:
        raise RuleError(f"a closing ) is missing for the ( at column {opened[-1]}", column=len(masked) + 1)


def check_word(word: str, column: int) -> None:
    """Raises RuleError for what stands where a word may stand, and is one to nobody but a parser."""
    hint = _hint(word)
    if hint:
        raise RuleError(f"{word[:30]!r} stands where a word or an operator was expected; {hint}", column=column)


def _hint(word: str) -> str:
    if word.lower() in ("and", "or", "not"):
        return f'did you mean {word.upper()}? For the word itself write "{word}"'
    if distance := _DISTANCE.fullmatch(word):
        name = distance[1].upper()
        number = re.fullmatch(r"/\d{1,3}", distance[2] or "")
        if number and distance[1].isupper():
            return f"{name} stands between two words"
        itself = "" if distance[2] else f'; for the word itself write "{word}"'
        meant = f"{name}{number[0] if number else '/5'}"
        return f"did you mean {meant}? It says how many words (Chinese: characters) may lie between, 0 to 999{itself}"
    if word in _SIGNS:
        return f"did you mean {_SIGNS[word]}?"
    if word[0] == "!":
        return f"did you mean NOT {word[1:]}?"
    if glued := _GLUED.search(word):
        return f"did you mean {glued[1]}, with a blank on either side?"
    for sign in ("&&", "||", "|"):
        if sign in word:
            return f"did you mean {_SIGNS[sign]}? For a text with {sign} put it in quotes"
    if compared := _COMPARED.match(word):
        return f"an amount is written like {compared[1] or 'fine'}>=1bn CNY"
    if re.search(r"[,;](?!\d)|、", word):
        return "did you mean OR? For a text with a comma put it in quotes"
    return ""
