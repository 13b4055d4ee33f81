"""Configuration: what is right is read, and every mistake is named with its place."""

import shutil
from itertools import pairwise
from time import process_time

import pytest

from bot.config import secrets
from bot.config.files import read
from bot.config.settings import load
from bot.core.errors import ConfigError
from tests.unit.examples import ROOT

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{this}: &{this} [{','.join(['*' + last] * 9)}]\n" for last, this in pairwise("abcdef")
)
TOKEN = "123456789:" + "A" * 35


RULES = "topics: {cac: {words: the regulator, rules: [{id: r, when: '@companies AND fine'}]}}\n"
COMPANIES = "companies: [{key: didi, aliases: [Didi, 滴滴]}]\n"


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "topics.yaml").write_text(RULES)
    (tmp_path / "companies.yaml").write_text(COMPANIES)
    shutil.copy(ROOT / "config" / "tocsin.yaml", tmp_path / "tocsin.yaml")
    (tmp_path / "feeds.yaml").write_text("feeds:\n  - id: the-record\n    url: https://therecord.media/feed\n")
    return tmp_path


def problems(directory, **files):
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(directory, {})
    return [str(p).replace(f"{directory}/", "") for p in caught.value.problems]


def test_the_shipped_files_are_well():
    settings = load(ROOT / "config", {})
    assert sum(f.enabled for f in settings.feeds) >= 30
    assert {t.name for t in settings.rules.topics} == {"cac", "listing"}
    assert sum("companies" in n.tags for n in settings.rules.names) >= 150


def test_a_minimal_feed_has_defaults(directory):
    (feed,) = load(directory, {}).feeds
    assert (feed.name, feed.kind, feed.tier, feed.every_s, feed.first, feed.enabled) == (
        "",
        "feed",
        "press",
        None,
        0,
        True,
    )


def test_times_and_firsts(directory):
    (directory / "feeds.yaml").write_text("feeds:\n  - {id: a, url: 'https://a.example/x', every: 90s, first: all}\n")
    (directory / "tocsin.yaml").write_text("poll: {min: 30s, max: 2h, first: 3}\nretention: 2d\n")
    settings = load(directory, {})
    assert settings.feeds[0].every_s == 90
    assert settings.feeds[0].first >= 10**6
    assert (settings.tocsin.poll.min, settings.tocsin.poll.max, settings.tocsin.retention) == (30, 7200, 172800)
    (directory / "feeds.yaml").write_text("feeds:\n  - {id: a, url: 'https://a.example/x'}\n")
    assert load(directory, {}).feeds[0].first == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "feeds:\n  - id: a\n    url: https://a.example\n    evry: 5m\n",
            "feeds.yaml:4:5: unknown key 'evry'; did you mean 'every'?",
        ),
        (
            "feeds:\n  - id: a\n    url: https://a.example\n    every: 5 parsecs\n",
            "feeds.yaml:4:5: feeds.0.every: a time is written",
        ),
        (
            "feeds:\n  - id: a\n    url: https://a.example\n    every: 0s\n",
            "feeds.yaml:4:5: feeds.0.every: must be between",
        ),
        ("feeds:\n  - id: A B\n    url: https://a.example\n", "feeds.yaml:2:5"),
        ("feeds:\n  - id: a\n", "feeds.yaml:2:5: 'url' is missing here"),
        ("feeds:\n  - id: a\n    url: gopher://a\n", "must be an http"),
        ("feeds:\n  - id: a\n    url: https://u:p@a.example\n", "without spaces or credentials"),
        ("feeds:\n  - id: a\n    url: https://a.example\n    zone: Mars/Base\n", "is no time zone"),
        ("feeds:\n  - id: a\n    url: https://a.example\n    tier: gossip\n", "'official'"),
        (
            "feeds:\n  - {id: a, url: 'https://a.example'}\n  - {id: a, url: 'https://b.example'}\n",
            "feeds.yaml:3:6: the id 'a' stands here a second time (first in line 2)",
        ),
        ("feeds:\n  - {id: a, url: 'https://a.example/'}\n  - {id: b, url: 'http://www.a.example'}\n", "the address"),
        ("feeds:\n\t- id: a\n", "feeds.yaml:2:1: not valid YAML"),
        (
            "feeds:\n  - id: a\n    id: b\n    url: https://a.example\n",
            "feeds.yaml:3:5: 'id' stands here a second time",
        ),
        ("feeds: !!python/object/apply:os.system ['x']\n", "feeds.yaml:1:8"),
        ("feeds: &a [*a]\n", "contains itself"),
        ("just words\n", "feeds.yaml:1:1"),
        ("", "'feeds' is missing"),
        (
            BOMB,
            "unfolds into more than",
        ),
    ],
)
def test_each_mistake_is_named_with_its_place(directory, text, said):
    found = problems(directory, feeds=text)
    assert any(said in p for p in found), found


def test_all_mistakes_of_all_files_come_at_once(directory):
    found = problems(
        directory,
        feeds="feeds:\n  - {id: a, url: 'nope'}\n  - {id: B, url: 'https://b.example'}\n",
        tocsin="poll: {min: never}\nretentoin: 9d\n",
        topics="topics: {cac: {words: x, rules: [{id: r, when: '(a OR'}]}}\n",
    )
    assert len(found) >= 5
    assert any("retentoin" in p and "retention" in p for p in found)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("(a OR b", "topics.yaml:1:42: rule r: column 8: a closing ) is missing for the ( at column 1"),
        ("a OR", "column 5: the rule ends where a word"),
        ("@nobody", "there is no list @nobody"),
        ("titel:a", "did you mean title:"),
        ("-a", "word that must be there"),
        ('"', "closing"),
        ("", "rule is empty"),
        ("x" * 5000, "characters"),
        ("(" * 100 + "a" + ")" * 100, "parentheses"),
        ("a AND /(?=x)/", "pattern cannot be used"),
        ("NEAR/3 a", "column 1"),
    ],
)
def test_a_rule_that_cannot_be_used_is_named(directory, when, said):
    import json

    found = problems(directory, topics="topics: {cac: {words: x, rules: [{id: r, when: " + json.dumps(when) + "}]}}\n")
    assert any(said in p for p in found), found


def test_a_bad_rule_costs_no_more_than_good_ones(directory):
    for name in ("topics", "companies"):
        shutil.copy(ROOT / "config" / f"{name}.yaml", directory)
    began = process_time()
    load(directory, {})
    well = process_time() - began
    text = (directory / "topics.yaml").read_text()
    began = process_time()
    found = problems(directory, topics=text.replace("when: title:@cac_zh\n", "when: title:(@cac_zh\n"))
    assert process_time() - began < 2 * well
    assert len(found) == 1


def test_a_bad_word_of_a_list_is_named_once(directory):
    rules = "topics: {cac: {words: x, rules: [{id: r, when: apple}, {id: s, when: pear}]}}\n"
    (found,) = problems(directory, topics=rules + "lists: {fruit: ['**']}\n")
    assert "list @fruit: '**' holds nothing to look for" in found
    (found,) = problems(directory, topics=rules + "not_inside: {apple: ['**']}\n")
    assert "not_inside: '**' holds nothing to look for" in found


def test_examples_are_run(directory):
    rule = "{id: r, when: apple, must: [an apple, a pear], must_not: [the apple]}"
    found = problems(directory, topics=f"topics: {{cac: {{words: x, rules: [{rule}]}}}}\n")
    assert any("'a pear' has to fire" in p for p in found)
    assert any("'the apple' must not fire" in p for p in found)
    assert len(found) == 2


def test_examples_may_say_more_than_a_title(directory):
    rule = """
      - id: r
        when: body:apple AND lang:zh AND tier:official AND source:orchard
        must:
          - {title: x, body: an apple, lang: zh-Hans, source: The Orchard, tier: official}
          - {title: x, body: an apple}
        must_not:
          - {title: x, body: an apple, lang: zh, source: Orchard, tier: official}
          - 苹果 | apple"""
    found = problems(directory, topics=f"topics:\n  cac:\n    words: x\n    rules:{rule}\n")
    assert [f.split(": ")[0] for f in found] == ["topics.yaml:9:13", "topics.yaml:11:13"]


def test_a_mistake_that_follows_from_another_is_not_told_as_well(directory):
    rules = "topics:\n  cac:\n    words: x\n    rules:\n      - id: r\n        wen: apple\n"
    assert problems(directory, topics=rules) == ["topics.yaml:6:9: unknown key 'wen'; did you mean 'when'?"]
    (found,) = problems(directory, topics="topics: {cac: {words: x, rules: []}}\n")
    assert "at least one has to stand here" in found
    found = problems(directory, topics=rules.replace("wen: apple", "when: [apple]"))
    assert len(found) == 1


def test_a_rule_is_named_by_the_line_of_its_when(directory):
    rules = (
        "topics:\n  cac:\n    words: x\n    rules:\n      - id: r\n        weight: 1\n        when: apple and pear\n"
    )
    (found,) = problems(directory, topics=rules)
    assert found.startswith("topics.yaml:7:9: rule r: column 7: 'and' stands")


@pytest.mark.parametrize(
    "text", [f"telegram_token: '{TOKEN}'\n", f"push: {{'{TOKEN}': [cac]}}\n", "slack: {bot_token: xoxb-1}\n"]
)
def test_a_secret_in_yaml_is_refused_and_not_repeated(directory, text):
    found = problems(directory, tocsin=text)
    assert TOKEN not in "".join(found)
    assert any("environment" in p or "unknown key" in p or "channel" in p for p in found)


def test_missing_files_and_odd_bytes(directory):
    (directory / "topics.yaml").unlink()
    assert any("there is no such file" in p for p in problems(directory))
    (directory / "feeds.yaml").write_bytes(b"feeds: \xff\xfe")
    assert any("not UTF-8 at byte 7" in p for p in problems(directory))
    big = directory / "big.yaml"
    big.write_text("a: b\n" * 10**6)
    assert "larger than" in str(read(big, "big.yaml").problems[0])


FEED = "feeds:\n  - id: a\n    url: https://a.example\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("    options: {itme: li}\n", "feeds.yaml:4:15: a feed of kind feed has no option 'itme'; there are form"),
        (
            "    kind: html\n    options: {itme: li}\n",
            "a feed of kind html has no option 'itme'; did you mean 'item'?",
        ),
        ("    kind: html\n    options: {title: a}\n", "5:5: a feed of kind html needs options: item"),
        ("    kind: html\n", "2:5: a feed of kind html needs options: item"),
        ("    kind: html\n    options: {item: 'li['}\n", "5:15: item: 'li[' is no CSS selector"),
        ("    kind: html\n    options: {item: li, title: '>>a@title'}\n", "title: '>>a@title' is no CSS selector"),
        ("    kind: json\n    options: {title: t}\n", "a feed of kind json needs options: items"),
    ],
)
def test_options_fit_the_kind_of_feed(directory, text, said):
    found = problems(directory, feeds=FEED + text)
    assert any(said in p for p in found), found


def test_a_list_that_is_the_whole_document_is_said_so(directory):
    (directory / "feeds.yaml").write_text(FEED + "    kind: json\n    options: {items: ''}\n")
    assert load(directory, {}).feeds[0].options == {"items": ""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("poll: {min: 2h, max: 5m}\n", "tocsin.yaml:1:17: poll.max: min (2h) is longer than max (5m)"),
        ("poll: {min: 2h, max: 5m, foo: 1}\n", "poll.max: min (2h) is longer than max (5m)"),
        ("poll: {min: 2h}\n", "min (2h) is longer than max (1h)"),
        ("push: {'slack://tokenA/tokenB/tokenC': [cac]}\n", "write apprise:<name>"),
        ("summary: {llm: {url: 'http://l.example/v1?api_key=sk-1', model: m}}\n", "TOCSIN_LLM_KEY"),
        ("poll: {per_host: 1.5}\n", "a whole number"),
        ("poll: {per_host: .nan}\n", "tocsin.yaml:1:8: '.nan' is not a number"),
        ("fetch:\n  contact: me\n", "tocsin.yaml:2:3: fetch.contact: must be an e-mail address"),
        (
            "push: {'console:local': [cac, lsting]}\n",
            "1:31: there is no topic 'lsting'; did you mean 'listing'?",
        ),
        ("push: {'telegram:5': [cac]}\n", "'telegram:5' cannot be reached: TELEGRAM_BOT_TOKEN is not set"),
        ("push: {'slack:T1:C1': [cac]}\n", "SLACK_BOT_TOKEN is not set"),
        ("push: {console: [cac]}\n", "names no chat; write console:<chat>"),
        ("channels: {pagerr: {}}\n", "tocsin.yaml:1:12: no channel is called 'pagerr'; known are console"),
        ("channels: {slackk: {}}\n", "no channel is called 'slackk'; did you mean 'slack'? known are console"),
        ("channels: {telegram: {}}\n", "telegram is built in"),
        ("channels: {console: {}, pagerr: {token: abc}}\n", "'token' looks like a secret"),
        ("channels: {pagerr: {url: 'https://u:p@example.org/'}}\n", "'url' looks like a secret"),
        ("channels: {pagerr: {url: 'https://hooks.slack.com/services/T0/B0/x'}}\n", "looks like a token"),
    ],
)
def test_what_would_deliver_nothing_is_refused(directory, text, said):
    topics = RULES.replace("topics: {", "topics: {listing: {words: w, rules: [{id: r, when: fine}]}, ")
    found = problems(directory, tocsin=text, topics=topics)
    assert any(said in p for p in found), found
    assert not any("services/T0" in p or "u:p@" in p for p in found)


def test_a_name_of_a_variable_is_no_secret(directory):
    found = problems(directory, tocsin="channels: {pagerr: {token_env: PAGER_TOKEN}}\n")
    assert len(found) == 1, found


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise's own import
def test_an_apprise_address_is_tried_and_not_shown(directory):
    with pytest.raises(ConfigError) as caught:
        load(directory, {"TOCSIN_APPRISE_OPS_MAIL": "nonsense://secret-word"})
    assert "TOCSIN_APPRISE_OPS_MAIL: Apprise does not understand" in str(caught.value)
    assert "secret-word" not in str(caught.value)
    assert load(directory, {"TOCSIN_APPRISE_OPS_MAIL": "json://127.0.0.1/"}).environment.apprise


def test_a_mistake_hides_no_other(directory):
    found = problems(
        directory,
        feeds="feeds:\n  - {id: a, url: 'https://a.example', evry: 5m}\n"
        "  - {id: a, url: 'https://b.example', first: .inf}\n",
        tocsin=f"fetch: {{contact: '{TOKEN}'}}\nretentoin: 9d\npoll: {{min: never, min: 5s}}\npush: {{'x:1': [all]}}\n",
    )
    for said in ("looks like a token", "retentoin", "poll.min", "second time", "'x'", "evry", "id 'a'", "'.inf'"):
        assert any(said in p for p in found), (said, found)
    assert len(found) == 8
    assert TOKEN not in "".join(found)


def test_a_token_as_a_key_is_not_repeated(directory):
    found = problems(directory, tocsin=f"'{TOKEN}': x\nchannels: {{'{TOKEN}': {{}}}}\n")
    assert len(found) == 2
    assert TOKEN not in "".join(found)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_dotenv_of_any_editor(tmp_path, coding):
    mark = "\ufeff" if coding == "utf-16-be" else ""
    (tmp_path / ".env").write_bytes(f"{mark}# mine\r\nTELEGRAM_BOT_TOKEN={TOKEN}\r\n".encode(coding))
    environment, wrong = secrets.load({}, tmp_path / ".env")
    assert not wrong
    assert environment.telegram_token.reveal() == TOKEN


def test_dotenv_lines_that_are_none_are_named(tmp_path):
    (tmp_path / ".env").write_text(f"# mine\n\n{TOKEN}\nTOCSIN_LOG=debug\n\nTELEGRAM_BOT_TOKEN\n")
    environment, wrong = secrets.load({}, tmp_path / ".env")
    assert [(p.line, TOKEN in p.text) for p in wrong] == [(3, False), (6, False)]
    assert environment.log_level == "DEBUG"
    (tmp_path / ".env").write_bytes("TOCSIN_LOG=débug\n".encode("latin-1"))
    _, wrong = secrets.load({}, tmp_path / ".env")
    assert "not UTF-8" in str(wrong[0])


def test_push_needs_its_address_and_channel(directory):
    found = problems(directory, tocsin="push: {'apprise:ops-mail': [all], 'pager:x': [cac]}\n")
    assert any("TOCSIN_APPRISE_OPS_MAIL" in p for p in found)
    assert any("no channel is called 'pager'" in p for p in found)


def test_environment_reads_tokens_files_and_owners(tmp_path):
    secret = tmp_path / "token"
    secret.write_text(TOKEN + "\n")
    secret.chmod(0o600)
    environment, wrong = secrets.load(
        {
            "TELEGRAM_BOT_TOKEN_FILE": str(secret),
            "TOCSIN_OWNERS": "telegram:1, slack:T1:U2",
            "TOCSIN_APPRISE_OPS_MAIL": "json://x",
        }
    )
    assert not wrong
    assert environment.telegram_token.reveal() == TOKEN
    assert TOKEN not in repr(environment)
    assert environment.owners == {"telegram:1", "slack:T1:U2"}
    assert environment.apprise["ops-mail"].reveal() == "json://x"
    assert set(environment.secrets()) == {TOKEN, "json://x"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TELEGRAM_BOT_TOKEN": "   "}, "is blank"),
        ({"TELEGRAM_BOT_TOKEN": "changeme"}, "placeholder"),
        ({"TELEGRAM_BOT_TOKEN": "hello"}, "does not look like"),
        ({"SLACK_BOT_TOKEN": "xoxb-1-2"}, "SLACK_APP_TOKEN: Slack needs both"),
        ({"TELEGRAM_BOT_TOKEN_FILE": "/nowhere/at/all"}, "cannot be read"),
        ({"TOCSIN_OWNERS": "alice"}, "numeric ids"),
        ({"TELEGRAM_API_BASE": "localhost"}, "http"),
        ({"SLACK_API_BASE": "http://127.0.0.1/x"}, "must end in /api/"),
        ({"TOCSIN_LOG": "loud"}, "debug, info"),
        ({"TOCSIN_DATABASE_URL": "postgresql://u:p@h/d"}, "not built yet"),
        ({"TOCSIN_HTTP": "127.0.0.1:8080"}, "not built yet"),
    ],
)
def test_environment_mistakes(variables, said):
    _, wrong = secrets.load(variables)
    assert any(said in str(p) for p in wrong), wrong
    assert not any(value in str(p) for p in wrong for value in ("u:p@h",))


def test_a_secret_file_everybody_reads_is_refused(tmp_path):
    secret = tmp_path / "token"
    secret.write_text(TOKEN)
    secret.chmod(0o644)
    environment, wrong = secrets.load({"TELEGRAM_BOT_TOKEN_FILE": str(secret)})
    assert not environment.telegram_token
    assert "chmod 600" in str(wrong[0])


def test_dotenv_is_read_and_the_environment_wins(tmp_path):
    (tmp_path / ".env").write_text(f"TELEGRAM_BOT_TOKEN={TOKEN}\nTOCSIN_LOG=debug\n")
    environment, _ = secrets.load({"TOCSIN_LOG": "error"}, tmp_path / ".env")
    assert environment.telegram_token
    assert environment.log_level == "ERROR"


@pytest.mark.parametrize("url", ["https://a.example:99999/", "https://a.example:0/f", "https://[::1/f"])
def test_an_address_that_cannot_be_is_refused(directory, url):
    found = problems(directory, feeds=f"feeds:\n  - {{id: a, url: '{url}'}}\n")
    assert any("feeds.yaml:2" in p and "address" in p for p in found), found


def test_rules_that_cannot_be_read_are_told_beside_other_mistakes(directory):
    topics = "topics:\n  cac:\n    rules:\n      - {id: r, when: '(a AND b'}\n      - {id: s, when: fine}\n"
    found = problems(directory, topics=topics)
    assert any("words" in p for p in found), found
    assert any("topics.yaml:4" in p and "r" in p for p in found), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("TELEGRAM_TOKEN=1:x\n", "did you mean TELEGRAM_BOT_TOKEN?"),
        ("TOCSIN_OWNER=telegram:1\n", "did you mean TOCSIN_OWNERS?"),
        ("TOCSIN_COLOUR=red\n", "is no variable of this bot"),
        ("SLACK_SIGNING_SECRET=x\nOTHER=1\n", ""),
    ],
)
def test_a_misspelt_variable_is_not_passed_over(tmp_path, text, said):
    (tmp_path / ".env").write_text(text)
    _, found = secrets.load({}, tmp_path / ".env")
    assert [said in p.text for p in found] == ([True] if said else [])


def test_a_directory_called_env_is_told(tmp_path):
    (tmp_path / ".env").mkdir()
    _, found = secrets.load({}, tmp_path / ".env")
    assert "cannot be read" in found[0].text
