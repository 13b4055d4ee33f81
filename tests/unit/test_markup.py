"""Every rendered text is judged by Telegram's own parser, and by what Slack escapes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels import slack_blocks
from bot.channels.markup import MRKDWN, PLAIN, TELEGRAM, TERMINAL, measure, render, safe_text, safe_url
from bot.core.message import Block, Message, Shape, Span, Style
from tests.fakes.tdlib import parse

HOSTILE = [
    "<b>bold</b> & <script>alert(1)</script>",
    "@everyone @channel <!channel> <!here> <@U12345> <!subteam^S1>",
    "*fat* _thin_ ~gone~ `code` ```block```",
    "[label](https://evil.example) <https://evil.example|bank.example>",
    "right\u202eto left\u202c\u2066x\u2069",
    "nul\x00 bell\x07 esc\x1b[31mred\x1b[0m",
    "z" + "\u0301" * 400,
    "👩‍👩‍👧‍👦🇨🇳" * 300,
    "&nbsp;&lt;&#60;&amp;lt;",
    "\ud800 lone surrogate",
    "/subscribe all #fine $CASH +1 202 555 0100 evil.com www.evil.com https://evil.example/x",
    "card 4111 1111 1111 1111 4111111111111111 host 10.20.30.40 a.b@c.example",
    "滴滴出行：罚款80.26亿元" * 700,
    "a" * 50_000,
    "",
    " \n\t ",
]
text = st.one_of(st.text(max_size=300), st.sampled_from(HOSTILE))
span = st.builds(
    Span,
    text,
    st.sampled_from(list(Style)),
    st.sampled_from(["", "https://example.com/a?b=1&c=2", "javascript:alert(1)", 'https://e.com/"><b>', "http://[::1"]),
)
line = st.lists(span, max_size=4).map(tuple)
block = st.builds(Block, lines=st.lists(line, max_size=5).map(tuple), shape=st.sampled_from(list(Shape)))
message = st.builds(Message, blocks=st.lists(block, max_size=5).map(tuple))


def one(words: str, style: Style = Style.PLAIN, url: str = "", shape: Shape = Shape.TEXT) -> Message:
    return Message(blocks=(Block(lines=((Span(words, style, url),),), shape=shape),))


@settings(max_examples=150, deadline=None)
@given(message)
def test_telegram_takes_every_part(message: Message) -> None:
    for part in render(message, TELEGRAM, 4096, "utf16"):
        plain, _ = parse(part, "HTML")
        assert plain.strip()
        assert measure(plain, "utf16") <= 4096


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("shape", list(Shape))
def test_telegram_shows_foreign_words_as_words(words: str, shape: Shape) -> None:
    """No formatting, mention, tag, command or link comes from a text that only has words."""
    for part in render(one(words, shape=shape), TELEGRAM, 4096, "utf16"):
        _, entities = parse(part, "HTML")
        allowed = {"Bold", "Italic", "Pre", "Code", "Underline"}
        assert {e["type"] for e in entities} <= allowed, (part[:200], entities)


@pytest.mark.parametrize("words", HOSTILE)
def test_no_word_is_lost_in_splitting(words: str) -> None:
    shown = "".join(parse(part, "HTML")[0] for part in render(one(words), TELEGRAM, 4096, "utf16"))

    def bare(text: str) -> str:
        return re.sub(r"[\s\u2060…•]", "", text)

    assert bare(shown) == bare(safe_text(words))


def test_splitting_keeps_graphemes_whole() -> None:
    family = "👩‍👩‍👧‍👦"
    parts = render(one(family * 600), TELEGRAM, 4096, "utf16")
    assert len(parts) > 1
    assert all(part.replace(family, "").strip() == "" for part in parts)


@settings(max_examples=150, deadline=None)
@given(message)
def test_slack_never_mentions_or_links_by_foreign_words(message: Message) -> None:
    for part in render(message, MRKDWN, 2900, "chars"):
        assert len(part) <= 2900
        for found in re.findall(r"<([^>]*)>", part):
            assert re.match(r"https?://[^|]+\|", found), found


@settings(max_examples=100, deadline=None)
@given(message)
def test_slack_blocks_stay_within_limits(message: Message) -> None:
    for part in slack_blocks.parts(message):
        assert 1 <= len(part) <= 50
        total = 0
        for shape in part:
            texts = [e["text"] for e in shape["elements"]] if shape["type"] == "context" else [shape["text"]["text"]]
            assert all(1 <= len(t) <= 3000 for t in texts)
            total += sum(map(len, texts))
        assert total <= 13_000
    assert slack_blocks.fallback(message)


@settings(max_examples=100, deadline=None)
@given(message, st.sampled_from([PLAIN, TERMINAL]))
def test_a_terminal_gets_no_foreign_escape_sequence(message: Message, dialect: object) -> None:
    for part in render(message, dialect, 4000, "chars"):  # type: ignore[arg-type]
        assert "\x1b" not in re.sub(r"\x1b\[\d*m", "", part)
        assert "\x07" not in part
        assert "\x00" not in part


def test_the_same_message_always_splits_alike() -> None:
    long = one("滴滴 was fined. " * 2000)
    assert render(long, TELEGRAM, 4096, "utf16") == render(long, TELEGRAM, 4096, "utf16")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://www.cac.gov.cn/2022-07/21/c_1.htm", True),
        ("http://例え.テスト/x", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("ftp://example.com/x", False),
        ("https://user:secret@example.com/", False),
        ("https:///nohost", False),
        ("https://e.com/a b", False),
        ('https://e.com/"><b>', False),
        ("https://e.com:99999/", False),
        ("tg://resolve?domain=x", False),
        ("https://e.com/" + "a" * 3000, False),
    ],
)
def test_only_web_addresses_are_linked(url: str, kept: bool) -> None:
    assert bool(safe_url(url)) is kept
    (part,) = render(one("here", url=url), TELEGRAM, 4096, "utf16")
    links = [e for e in parse(part, "HTML")[1] if e["type"] == "TextUrl"]
    assert bool(links) is kept


def test_words_that_look_like_another_address_are_not_linked() -> None:
    (part,) = render(one("https://bank.example/login", url="https://evil.example/x"), TELEGRAM, 4096, "utf16")
    plain, entities = parse(part, "HTML")
    assert "evil.example" in plain.replace("\u2060", "")
    assert not [e for e in entities if e["type"] in ("TextUrl", "Url")]


@pytest.mark.parametrize("words", ["$1.2 billion", "8.026bn yuan on 2022-07-21", "24/7, 50.5%", "第1.2条", "No. 15"])
def test_figures_and_dates_stay_as_they_are(words: str) -> None:
    assert render(one(words), TELEGRAM, 4096, "utf16") == (words,)
    assert render(one(words), MRKDWN, 2900, "chars") == (words,)
