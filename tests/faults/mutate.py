"""`python -m tests.faults.mutate --sample 200 --seed S`: deliberate mistakes in stores and delivery, one at a time, and
whether the tests notice. Prints the survivors with their places, and how many of a hundred were killed: guards and
effects that are taken away, and, apart from them, figures and bounds that are one off.

Each mistake lives in a fork of this process, which has the libraries behind it: no file is changed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
STORES = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "bot" / "stores").glob("[a-z]*.py") if p.stem != "memory")
"""All but the one that the tests measure the other by."""
JOBS = [f"bot/jobs/{name}.py" for name in ("deliver", "carry", "pace", "gather", "release")] + ["bot/core/outbox.py"]
STORE_TESTS = ["tests/contracts/test_store.py", "tests/contracts/test_archive.py"]
STORE_TESTS += [f"tests/faults/test_{name}.py" for name in ("journal", "disk", "care", "restore", "storage")]
STORE_TESTS += ["tests/contracts/test_store_machine.py", "tests/contracts/test_tinydb.py"]
CRASHES = "tests/faults/test_crash_points.py::"
JOB_TESTS = [f"tests/unit/test_{name}.py" for name in ("outbox", "deliver", "release", "grow", "outgoing")]
JOB_TESTS += ["tests/faults/test_storm.py", f"{CRASHES}test_the_scenario_itself"]
JOB_TESTS += [f"{CRASHES}test_the_process_is_killed_at_every_step[0]"]
FURTHER = [f"tests/unit/test_{name}.py" for name in ("runner", "poll", "commands", "hours_commands")]
FURTHER += ["tests/channels/test_telegram.py", "tests/channels/test_slack.py"]
"""Those that what the nearer tests let pass must get by too."""
SLOW = "not cut_at_any_byte and not acknowledged_outlives and not five_thousand"
LONGEST_S = 240
COMPARES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
SUMS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv}


@dataclass(frozen=True)
class Mutant:
    """The `number`-th possible mistake of a file."""

    path: str
    number: int
    what: str
    guard: bool


class Mistakes(ast.NodeTransformer):
    """Walks a module and counts what could go wrong; makes the `wanted`-th mistake."""

    def __init__(self, wanted: int = -1) -> None:
        self.wanted = wanted
        self.found: list[tuple[str, bool]] = []

    def _may(self, node: ast.AST, change: Callable[[], ast.AST], *, guard: bool = True) -> ast.AST:
        """The node, or what `change` makes of it when this is the one. guard: what is done, or seen to, is left out;
        otherwise a figure or a bound is another."""
        changed = change()
        before, after = (ast.unparse(n).splitlines()[0][:60] if n else "" for n in (node, changed))
        self.found.append((f"{getattr(node, 'lineno', 0)}: {before}  ->  {after}", guard))
        return ast.copy_location(changed, node) if len(self.found) - 1 == self.wanted else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for at, op in enumerate(node.ops):
            if type(op) in COMPARES:
                ops = [*node.ops[:at], COMPARES[type(op)](), *node.ops[at + 1 :]]
                guard = not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE)
                made = self._may(node, lambda ops=ops: ast.Compare(node.left, ops, node.comparators), guard=guard)  # type: ignore[misc]
                if made is not node:
                    return made
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return self._may(node, lambda: ast.BoolOp(other, node.values))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return self._may(node, lambda: node.operand) if isinstance(node.op, ast.Not) else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if type(node.op) not in SUMS:
            return node
        return self._may(node, lambda: ast.BinOp(node.left, SUMS[type(node.op)](), node.right), guard=False)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool):
            return self._may(node, lambda: ast.Constant(not node.value))
        if isinstance(node.value, int | float):
            return self._may(node, lambda: ast.Constant(node.value + 1), guard=False)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if not node.orelse and all(ast.unparse(said).startswith("log.") for said in node.body):
            return node
        return self._may(node, lambda: ast.If(ast.Constant(False), node.body, node.orelse))

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if node.value is None or (isinstance(node.value, ast.Constant) and not node.value.value):
            return node  # None is as false as False is
        return self._may(node, lambda: ast.Return(ast.Constant(None)))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return self._may(node, ast.Pass)  # what is said in it is for people

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if not isinstance(value, ast.Call) or ast.unparse(value.func).startswith("log."):
            return node
        self.generic_visit(node)
        return self._may(node, ast.Pass)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        name = node.targets[0]
        if isinstance(name, ast.Name) and name.id.strip("_").isupper():
            return node  # a figure that somebody chose
        self.generic_visit(node)
        return self._may(node, ast.Pass) if isinstance(name, ast.Attribute | ast.Subscript) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        return self._may(node, ast.Pass)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value:
            node.value = self.visit(node.value)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg == "strict" else self.generic_visit(node)  # of zip: an assertion, not behaviour

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """But for figures that somebody chose, as on the module's own level."""
        node.body = [child if isinstance(child, ast.Assign) else self.visit(child) for child in node.body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = [self.visit(child) for child in node.body]
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.body = [self.visit(child) for child in node.body]
        return node


def mutants(path: str) -> Iterator[Mutant]:
    walk = Mistakes()
    walk.visit(ast.parse((ROOT / path).read_text()))
    yield from (Mutant(path, number, what, guard) for number, (what, guard) in enumerate(walk.found))


def made(mutant: Mutant) -> ast.Module:
    tree = ast.parse((ROOT / mutant.path).read_text())
    return ast.fix_missing_locations(Mistakes(mutant.number).visit(copy.deepcopy(tree)))


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Puts the mistaken module in the place of the right one."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = mutant.path.removesuffix(".py").replace("/", ".")
        self._file = str(ROOT / mutant.path)
        self._code = compile(made(mutant), self._file, "exec")

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._file, loader=self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def run(mutant: Mutant | None) -> None:
    """In a fork: the tests, nearest first, until one fails. Exits with 0 when none does."""
    import pytest

    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    random.seed()
    if mutant:
        sys.meta_path.insert(0, Finder(mutant))
    near = [STORE_TESTS, JOB_TESTS] if mutant is None or mutant.path in STORES else [JOB_TESTS, STORE_TESTS]
    paths = [path for tests in (*near, FURTHER) for path in tests]
    base = tempfile.mkdtemp(prefix="tocsin-mutant-")
    options = [
        "-x",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-k",
        SLOW,
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        "--basetemp",
        f"{base}/t",
        "--tb=no",
        "-o",
        "timeout=20",
    ]
    code = pytest.main([*options, *paths])
    shutil.rmtree(base, ignore_errors=True)
    os._exit(1 if code else 0)


def tried(sample: Sequence[Mutant | None], jobs: int) -> Iterator[tuple[Mutant | None, str]]:
    """Each mutant with `killed`, `slow` (which is killed too) or `survived`."""
    waiting, running = list(sample)[::-1], {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            pid = os.fork()
            if pid == 0:
                run(mutant)
            running[pid] = (mutant, time.monotonic())
        for pid, (mutant, since) in list(running.items()):
            slow = time.monotonic() - since > (LONGEST_S if mutant else 3 * LONGEST_S)
            if slow:
                os.kill(pid, signal.SIGKILL)
            done, status = os.waitpid(pid, 0 if slow else os.WNOHANG)
            if done:
                del running[pid]
                yield mutant, "slow" if slow else "killed" if status else "survived"
        time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only files whose path holds this")
    parser.add_argument("--guards", action="store_true", help="only guards and effects, no figures and bounds")
    given = parser.parse_args()
    os.chdir(ROOT)
    every = [m for path in (*STORES, *JOBS) if given.only in path for m in mutants(path)]
    every = [m for m in every if m.guard or not given.guards]
    sample = random.Random(given.seed).sample(every, min(given.sample, len(every)))
    print(f"seed {given.seed}: {len(sample)} of {len(every)} mutants", flush=True)
    _import_libraries()
    if [how for _, how in tried([None], 1)] != ["survived"]:
        print("The tests fail without any mistake.")
        return 2
    guards, figures = Counter[str](), Counter[str]()
    for mutant, how in tried(sample, given.jobs):
        if mutant is None:
            continue
        count = guards if mutant.guard else figures
        count["killed" if how != "survived" else how] += 1
        if how != "killed" or sum((guards + figures).values()) % 20 == 0:
            so_far = f"guards {_share(guards)}, figures {_share(figures)}"
            print(f"{how}: {mutant.path}:{mutant.what}  (#{mutant.number}; {so_far})", flush=True)
    print(f"killed: guards and effects {_share(guards)}; figures and bounds {_share(figures)}")
    return 0 if guards["killed"] >= 0.9 * sum(guards.values()) else 1


def _share(count: Counter[str]) -> str:
    return f"{count['killed']} of {sum(count.values())}"


def _import_libraries() -> None:
    """Everything but our own modules: those must be imported after the mistake is in place."""
    ours = ("hypothesis.stateful", "pytest", "xdist.plugin", "pytest_asyncio", "pytest_timeout")
    theirs = ("ahocorasick_rs", "lark", "opencc", "orjson", "pydantic", "re2", "slack_bolt.async_app", "structlog")
    for name in (*ours, *theirs, "telegram.ext", "tinydb"):
        importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())
