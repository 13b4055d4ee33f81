"""The terminal's commands, run in this process: what they print, and the exit code they end with."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import cli
from tests.unit.examples import ROOT


@dataclass
class Said:
    code: int
    out: str
    err: str


Terminal = Callable[..., Said]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Runs a command in a directory of its own, whose config/ has one feed and the shipped rules."""
    monkeypatch.chdir(tmp_path)
    for name in ("TELEGRAM_BOT_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "TOCSIN_OWNERS", "TOCSIN_HTTP"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").mkdir()
    for name in ("topics.yaml", "companies.yaml", "tocsin.yaml"):
        shutil.copy(ROOT / "config" / name, tmp_path / "config" / name)
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
