"""The house keeps its shape: who may open sockets, read the time, call feedparser; how long a file may be."""

import ast
import re
import subprocess

import pytest

from tests.unit.examples import ROOT

FILES = sorted((ROOT / "bot").rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 45


def names(path):
    """Dotted names used in a file, imports included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def users(pattern):
    return {str(p.relative_to(ROOT)) for p in FILES if any(re.fullmatch(pattern, n) for n in names(p))}


def test_one_module_opens_sockets_to_foreign_addresses():
    assert users(
        r"aiohttp\.(ClientSession|request|TCPConnector)|socket\.socket|urllib\.request.*|http\.client.*|requests.*"
    ) == {"bot/sources/http.py"}


def test_one_module_calls_feedparser():
    assert users(r"feedparser(\..*)?") == {"bot/sources/document.py"}


def test_the_clock_alone_reads_the_time():
    assert users(r"(datetime\.)?datetime\.(now|utcnow|today)|time\.(time|monotonic|perf_counter)|date\.today") == {
        "bot/runners/clock.py"
    }


def test_the_clock_and_the_replay_alone_sleep():
    assert users(r"asyncio\.sleep|time\.sleep") <= {"bot/runners/clock.py", "bot/cli/run.py"}


def test_channels_alone_make_markup():
    makers = users(r"html\.escape|.*ParseMode.*")
    assert makers <= {"bot/channels/markup.py", "bot/channels/telegram.py", "bot/demo/wire.py"}


def test_only_the_app_and_the_terminal_know_concrete_stores_and_channels():
    outside = {
        p
        for p in users(r"bot\.(stores|channels|runners)\..*")
        if not p.startswith(("bot/stores", "bot/channels", "bot/runners"))
    }
    assert outside <= {"bot/app.py"} | {p for p in outside if p.startswith("bot/cli/")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short_and_say_their_one_job(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    long = [
        f"{n.name} {n.end_lineno - n.lineno + 1}"
        for n in ast.walk(tree)
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.end_lineno - n.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long


def test_sockets_have_at_most_six_verbs():
    tree = ast.parse((ROOT / "bot/core/ports.py").read_text("utf-8"))
    verbs = {
        node.name: [n.name for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
    }
    assert len(verbs) > 10
    assert not {name: found for name, found in verbs.items() if len(found) > 6}


def test_the_top_level_is_as_asked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {line.split("/", 1)[0] for line in listed.stdout.splitlines()}
    asked = {"bot", "config", "tests", "Procfile", "requirements.txt", "README.md"}
    beside = {
        "pyproject.toml",
        "Makefile",
        ".ci",
        "LICENSE",
        "CHANGELOG.md",
        "bench",
        "docs",
        ".gitignore",
        ".env.example",
    }
    assert top <= asked | beside
