"""The terminal's commands, run in this process: what they print, and the exit code they end with."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot import cli
from bot.config.settings import load
from bot.stores.journal import Journal
from tests.unit.examples import ROOT

RULES = "topics: {cac: {words: the regulator, rules: [{id: r, when: '@companies AND (fine OR 罚款)'}]}}\n"


@dataclass
class Said:
    code: int
    out: str
    err: str


Terminal = Callable[..., Said]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Runs a command in a directory of its own, whose config/ has one feed and one rule."""
    monkeypatch.chdir(tmp_path)
    for name in ("TELEGRAM_BOT_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "TOCSIN_OWNERS", "TOCSIN_HTTP"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config" / "tocsin.yaml", tmp_path / "config" / "tocsin.yaml")
    (tmp_path / "config" / "topics.yaml").write_text(RULES)
    (tmp_path / "config" / "companies.yaml").write_text("companies: [{key: didi, aliases: [Didi, 滴滴]}]\n")
    (tmp_path / "config" / "feeds.yaml").write_text("feeds:\n  - {id: one, url: 'http://127.0.0.1:9/feed'}\n")

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["bot", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else int(code is not None), printed.out, printed.err)

    return run


def test_a_read_only_data_directory_is_refused_before_the_network(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o555)
    said = terminal("run", "--or-demo")
    assert said.code == 2
    assert "data cannot be written by uid" in said.err


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise's own import
def test_check_says_the_channels_that_run_would_serve(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("TOCSIN_APPRISE_OPS=json://127.0.0.1/\n")
    assert json.loads(terminal("check", "--json").out)["channels"] == ["apprise:ops", "console"]
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:" + "A" * 35)
    assert json.loads(terminal("check", "--json").out)["channels"] == ["telegram", "apprise:ops"]


def test_a_dotenv_in_utf_16_with_a_bare_token_is_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(("123456:" + "A" * 35 + "\n").encode("utf-16"))
    said = terminal("check")
    assert said.code == 2
    assert said.err.startswith(".env:1:1: this line has no `=`")
    assert "AAAA" not in said.err


def test_a_catalogue_goes_out_and_comes_in_again(terminal: Terminal, tmp_path: Path) -> None:
    shutil.copy(ROOT / "config" / "feeds.yaml", tmp_path / "config" / "feeds.yaml")
    wanted = {feed.id: replace(feed, origin="") for feed in load(tmp_path / "config", {}).feeds}
    said = {form: terminal("export", form).out for form in ("json", "opml")}
    (tmp_path / "config" / "feeds.yaml").write_text("feeds: []\n")
    for form, text in said.items():
        (tmp_path / f"all.{form}").write_text(text)
        shutil.rmtree(tmp_path / "data", ignore_errors=True)
        found = json.loads(terminal("import", f"all.{form}", "--json").out)
        assert found["refused"] == []
        assert set(found["added"]) == set(wanted)
        assert json.loads(terminal("export", "json").out) == json.loads(said["json"])


def test_an_import_names_the_rows_it_refuses_and_is_audited(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "mine.opml").write_text(
        '<opml version="2.0"><body><outline text="Folder">\n'
        '<outline text="A" type="rss" xmlUrl="https://a.example/feed"/>\n'
        '<outline text="B" xmlUrl="gopher://b"/>\n'
        '<outline text="C" xmlUrl="https://a.example/other"/>\n'
        '<outline text="D" xmlUrl="http://www.a.example/feed/"/>\n'
        '<outline text="E" xmlUrl="http://127.0.0.1:9/feed"/></outline></body></opml>'
    )
    said = terminal("import", "mine.opml")
    assert said.code == 0
    assert "Added 2 feeds" in said.out
    assert [line.split(":")[1] for line in said.err.splitlines()] == ["3", "5", "6"]
    assert "is read already, as a-example" in said.err
    assert "is read already, as one" in said.err
    listed = [json.loads(line)["id"] for line in terminal("feeds", "--json").out.splitlines()]
    assert listed == ["one", "a-example", "a-example-2"]
    found = json.loads(terminal("db", "check", "--json").out)
    assert found["ok"]
    assert (found["tables"]["feeds"], found["tables"]["audit"]) == (2, 2)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "a.json",
            '{"feeds": [{"url": "https://c.example/x", "kind": "html"}]}',
            "a.json:1:12: a feed of kind html needs",
        ),
        ("a.json", '{"feeds": [{"url": "https://c.example/x", "evry": 1}]}', "did you mean 'every'?"),
        ("a.yaml", "feeds: [{url: 'https://c.example/x', lang: [}]", "not valid YAML"),
        ("a.yaml", "- just\n- words\n", "a.yaml"),
        ("a.txt", "words", "there is no list of feeds"),
        ("a.xml", "<rss/>", "not OPML"),
        ("a.opml", "<opml><body>", "not well-formed"),
        ("a.opml", '<!DOCTYPE o [<!ENTITY a "b">]><opml><outline xmlUrl="&a;"/></opml>', "DOCTYPE"),
        ("a.opml", "<opml><body/></opml>", ""),
    ],
)
def test_an_import_of_nothing_readable_is_exit_2(
    terminal: Terminal, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    found = terminal("import", name)
    assert found.code == 2
    assert said in found.err
    assert "Added 0 feeds" in found.out


def test_an_import_while_the_bot_runs_says_what_to_do(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.opml").write_text("<opml/>")
    holder = Journal(tmp_path / "data")
    holder.open()
    said = terminal("import", "a.opml")
    holder.close()
    assert said.code == 1
    assert "Stop the bot first" in said.err
    assert terminal("import", "nowhere.opml").code == 2


def test_explain_of_an_unknown_id_is_no_text(terminal: Terminal) -> None:
    for name in ("a7f3k2", "#abcdef"):
        said = terminal("explain", name)
        assert said.code == 2
        assert "no alert is called #" in said.err
    assert "title: huawei" in terminal("explain", "huawei").out
    found = json.loads(terminal("explain", "--json", "国家网信办对滴滴罚款").out)
    assert (found["kept"], found["topics"]) == (False, ["cac"])
    assert found["stages"]


def test_figures_for_machines(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("db", "check", "--json").code == 2
    journal = Journal(tmp_path / "data")
    journal.open()
    journal.close()
    found = json.loads(terminal("backtest", "--json", "滴滴").out)
    assert (found["read"], found["hits"], found["added"]) == (0, 0, [])
    (tmp_path / "data" / "00000001.journal").write_bytes(b"?")
    said = terminal("db", "check", "--json")
    assert said.code == 2
    assert json.loads(said.out)["ok"] is False
