"""No secret gets into a log line, whichever library writes it."""

import io
import json
import logging

import pytest
import structlog

from bot import logs

TOKEN = "987654321:secretsecretsecretsecretsecretsec"


@pytest.fixture
def out():
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.set_up("DEBUG", [TOKEN, "p@ss/word"], stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def test_ours_theirs_and_tracebacks_are_masked(out):
    structlog.get_logger("x").info("sending", url=f"https://api/bot{TOKEN}/send", nested={"a": [TOKEN]})
    logging.getLogger("some.library").warning("POST %s", f"http://h/bot{TOKEN}/getMe p%40ss%2Fword")
    try:
        raise ValueError(f"token {TOKEN}")
    except ValueError:
        structlog.get_logger("x").exception("it broke")
    logging.getLogger("slack").error("xoxb-12345-abcdef and xapp-1-A-b")
    text = out.getvalue()
    assert TOKEN not in text
    assert "secretsecret" not in text
    assert "p%40ss" not in text
    assert "xoxb-12345" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["event"] == "sending"
    assert "ValueError" in lines[2]["exception"]


def test_a_title_cannot_forge_a_line(out):
    structlog.get_logger("x").info("alert", title='a\n{"event": "forged"}\x1b[31m')
    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["event"] == "alert"
