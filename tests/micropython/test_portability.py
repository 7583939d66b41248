"""Shared sources and firmware use nothing that MicroPython lacks.

The syntax trees are walked by rules; each rule is shown to fire on a snippet, and a real MicroPython is shown to fail
on that snippet, or to differ from CPython without a word.
"""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware_micropython" / "iastm_firmware"
SHARED = sorted((ROOT / "protocol" / "iastm_protocol").rglob("*.py"))
ON_THE_TOOL = [*SHARED, *sorted(FIRMWARE.rglob("*.py")), ROOT / "firmware_micropython" / "main.py"]
# The stand-in for a board runs on the same two interpreters.
SIMULATED = sorted((ROOT / "firmware_micropython" / "iastm_simulated").rglob("*.py"))
# What stands in for MicroPython runs only where there is none.
STAND_INS = ("stand_ins.py",)

MODULES = {
    *("array", "asyncio", "binascii", "bluetooth", "cmath", "collections", "deflate", "errno", "framebuf", "gc"),
    *("hashlib", "heapq", "io", "json", "machine", "math", "micropython", "neopixel", "network", "onewire", "os"),
    *("platform", "random", "re", "rp2", "select", "socket", "struct", "sys", "time", "tls", "uctypes", "esp32"),
    *("iastm_protocol", "iastm_firmware", "iastm_simulated"),
    # The one file that differs from tool to tool; main.py takes it.
    "board",
}
COLLECTIONS = {"OrderedDict", "deque", "namedtuple"}
# Methods and module members that CPython has and MicroPython has not, whatever they are called on.
ATTRIBUTES = {
    *("bit_count", "bit_length", "casefold", "expandtabs", "format_map", "is_integer", "isalnum", "isascii"),
    *("isidentifier", "isnumeric", "isprintable", "istitle", "ljust", "removeprefix", "removesuffix", "rjust"),
    *("swapcase", "title", "translate", "zfill", "capitalize", "maketrans"),
    *("cast", "frombytes", "tobytes", "tofile", "fromfile", "byteswap"),
    *("_asdict", "_fields", "_make", "_replace", "add_note", "with_traceback", "__cause__", "__context__"),
    *("Struct", "iter_unpack", "hexdigest", "fullmatch", "findall", "finditer"),
    *("Queue", "PriorityQueue", "TaskGroup", "Semaphore", "Barrier", "Condition", "shield", "timeout", "to_thread"),
    *("get_running_loop", "all_tasks", "ensure_future"),
    *("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"),
    *("hypot", "prod", "comb", "perm", "dist", "fsum", "getsizeof", "environ", "scandir"),
}
NAMES = {
    *("BrokenPipeError", "ConnectionError", "ConnectionResetError", "ExceptionGroup", "FileNotFoundError"),
    *("InterruptedError", "ModuleNotFoundError", "PermissionError", "RecursionError", "TimeoutError"),
    *("UnicodeDecodeError", "UnicodeEncodeError", "BaseExceptionGroup", "FileExistsError", "BlockingIOError"),
    *("aiter", "anext", "ascii", "format", "vars", "breakpoint"),
}
TICKS = {"ticks_us", "ticks_ms", "ticks_cpu", "ticks_diff", "ticks_add", "time_ns"}
BUILTIN_TYPES = {
    "bool",
    "bytearray",
    "bytes",
    "dict",
    "float",
    "int",
    "list",
    "memoryview",
    "object",
    "set",
    "str",
    "tuple",
}
# Calls whose keyword arguments MicroPython does not take.
KEYWORD_FREE = {"from_bytes", "zip", "namedtuple", "deque", "pack_into", "unpack_from"}


class Finding(NamedTuple):
    """One use of something that MicroPython lacks."""

    rule: str
    line: int
    what: str


def constants_of(trees: dict[str, ast.Module]) -> set[str]:
    """Return the names that are folded away where they are defined: `_X = const(…)`."""
    return {
        target.id
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if isinstance(node.value.func, ast.Name) and node.value.func.id == "const"
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.startswith("_")
    }


def in_type_checking(tree: ast.Module) -> set[ast.AST]:
    """Return every node that only a type checker reads."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    for module in modules:
        if module.split(".")[0] not in MODULES or module == "collections.abc":
            yield Finding("module", node.lineno, module)
    if isinstance(node, ast.ImportFrom):
        if node.level:
            yield Finding("module", node.lineno, "relative import")
        names = {alias.name for alias in node.names}
        if node.module == "collections":
            for name in sorted(names - COLLECTIONS):
                yield Finding("module", node.lineno, f"collections.{name}")
        elif (node.module or "").split(".")[0] not in ("iastm_protocol", "iastm_firmware", "iastm_simulated"):
            for name in sorted(names & (ATTRIBUTES | NAMES)):
                yield Finding("attribute", node.lineno, name)


def displays(node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.List | ast.Tuple | ast.Set) and not isinstance(getattr(node, "ctx", None), ast.Store):
        if any(isinstance(item, ast.Starred) for item in node.elts):
            yield Finding("star in a display", node.lineno, ast.unparse(node))
    elif isinstance(node, ast.Dict) and None in node.keys:
        yield Finding("star in a display", node.lineno, ast.unparse(node))


def statements(node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Match | ast.TryStar) or type(node).__name__ == "TypeAlias":
        yield Finding("statement", getattr(node, "lineno", 0), type(node).__name__)
    elif isinstance(node, ast.Raise) and node.cause is not None:
        yield Finding("raise from", node.lineno, ast.unparse(node))
    elif isinstance(node, ast.ClassDef) and node.keywords:
        yield Finding("class keyword", node.lineno, node.name)
    elif isinstance(node, ast.Delete):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
                yield Finding("deleted slice", node.lineno, ast.unparse(node))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and node.args.posonlyargs:
        yield Finding("positional-only", node.lineno, ast.unparse(node.args))


def expressions(node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Slice) and node.step is not None:
        yield Finding("stepped slice", node.lineno, ast.unparse(node))
    elif isinstance(node, ast.comprehension) and node.is_async:
        yield Finding("asynchronous comprehension", node.target.lineno, ast.unparse(node))
    elif isinstance(node, ast.AsyncFunctionDef):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Yield):
                yield Finding("asynchronous generator", inner.lineno, node.name)
    elif isinstance(node, ast.Call) and node.keywords:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in KEYWORD_FREE:
            yield Finding("keyword", node.lineno, called)
    elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
        yield Finding("attribute", node.lineno, node.attr)
    elif isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
        yield Finding("name", node.lineno, node.id)


def evaluated_annotations(node: ast.AST) -> Iterator[Finding]:
    """Yield annotations that CPython evaluates and MicroPython could not have imported."""
    found: list[ast.expr | None] = []
    if isinstance(node, ast.AnnAssign | ast.arg):
        found = [node.annotation]
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        found = [node.returns]
    for annotation in found:
        if annotation is None or isinstance(annotation, ast.Constant):
            continue
        names = {inner.id for inner in ast.walk(annotation) if isinstance(inner, ast.Name)}
        if names - BUILTIN_TYPES or not names:
            yield Finding("annotation", annotation.lineno, ast.unparse(annotation))


def conditional(tree: ast.Module, skipped: set[ast.AST]) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.Try):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom) and inner not in skipped:
                    yield Finding("conditional import", inner.lineno, ast.unparse(inner))


def folded(node: ast.AST, constants: set[str]) -> Iterator[Finding]:
    if isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if alias.name in constants:
                yield Finding("folded constant", node.lineno, alias.name)
    elif isinstance(node, ast.Attribute) and node.attr in constants:
        yield Finding("folded constant", node.lineno, node.attr)


def board_time(node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Attribute) and node.attr in TICKS and getattr(node.value, "id", "") == "time":
        yield Finding("time of its own", node.lineno, ast.unparse(node))
    elif isinstance(node, ast.ImportFrom) and node.module == "time":
        for alias in node.names:
            if alias.name in TICKS:
                yield Finding("time of its own", node.lineno, alias.name)


def findings(
    source: str, constants: set[str], *, may_choose_imports: bool = False, may_read_ticks: bool = False
) -> list[Finding]:
    """Return everything in a source that MicroPython lacks or that this project forbids on a tool."""
    tree = ast.parse(source)
    skipped = in_type_checking(tree)
    found: list[Finding] = []
    for node in ast.walk(tree):
        if node in skipped:
            continue
        for rule in (displays, statements, expressions, evaluated_annotations):
            found.extend(rule(node))
        if isinstance(node, ast.Import | ast.ImportFrom) and not may_choose_imports:
            found.extend(imported(node))
        found.extend(folded(node, constants))
        if not may_read_ticks:
            found.extend(board_time(node))
    if not may_choose_imports:
        found.extend(conditional(tree, skipped))
    return found


def is_compat(path: Path) -> bool:
    return path.name == "_compat.py"


def of_a_board(path: Path) -> bool:
    return "boards" in path.parts


@pytest.fixture(scope="module")
def constants() -> set[str]:
    return constants_of({str(path): ast.parse(path.read_text(encoding="utf-8")) for path in ON_THE_TOOL + SIMULATED})


@pytest.mark.parametrize("path", ON_THE_TOOL, ids=lambda path: str(path.relative_to(ROOT)))
def test_sources_of_the_tool_use_nothing_that_micropython_lacks(path: Path, constants: set[str]) -> None:
    found = findings(
        path.read_text(encoding="utf-8"),
        constants,
        may_choose_imports=is_compat(path),
        may_read_ticks=of_a_board(path),
    )
    assert found == []


@pytest.mark.parametrize(
    "path", [path for path in SIMULATED if path.name not in STAND_INS], ids=lambda path: str(path.relative_to(ROOT))
)
def test_sources_of_the_simulated_board_use_nothing_that_micropython_lacks(path: Path, constants: set[str]) -> None:
    # It is a board, and it chooses its stand-ins.
    found = findings(path.read_text(encoding="utf-8"), constants, may_choose_imports=True, may_read_ticks=True)
    assert found == []


def test_the_walk_reaches_the_sources() -> None:
    names = {path.name for path in ON_THE_TOOL}
    assert {"frames.py", "messages.py", "strokes.py", "_compat.py", "main.py", "app.py"} <= names


class Example(NamedTuple):
    """A snippet, the rule that must find it, and whether a real MicroPython fails on it."""

    rule: str
    source: str
    fails: bool = True


EXAMPLES = [
    *[Example("module", f"import {name}") for name in ("dataclasses", "enum", "typing", "contextlib", "functools")],
    *[Example("module", f"import {name}") for name in ("itertools", "pathlib", "logging", "datetime", "threading")],
    Example("module", "from __future__ import annotations"),
    Example("module", "from collections import defaultdict"),
    Example("module", "from collections.abc import Iterable"),
    Example("statement", "match 1:\n    case 1:\n        pass"),
    Example("statement", "try:\n    pass\nexcept* ValueError:\n    pass"),
    Example("positional-only", "def f(a, /):\n    pass"),
    Example("positional-only", "f = lambda a, /: a"),
    Example("class keyword", "class A(object, metaclass=type):\n    pass"),
    Example("deleted slice", "b = bytearray(4)\ndel b[:2]"),
    Example("raise from", "raise ValueError from KeyError()", fails=False),
    Example("star in a display", "[*[1], 2]"),
    Example("star in a display", "def f(a):\n    return 1, *a"),
    Example("star in a display", "{**{}}"),
    Example("stepped slice", "b'abc'[::2]"),
    Example("stepped slice", "'abc'[::-1]"),
    Example("asynchronous comprehension", "async def f(y):\n    return [x async for x in y]"),
    Example(
        "asynchronous generator",
        "import asyncio\nasync def g():\n    yield 1\n"
        "async def f():\n    async for x in g():\n        pass\nasyncio.run(f())",
    ),
    Example("keyword", "int.from_bytes(b'a', byteorder='little')"),
    Example("keyword", "zip([1], [2], strict=True)"),
    Example("keyword", "from collections import namedtuple\nnamedtuple('A', 'a', defaults=(1,))"),
    Example("attribute", "import struct\nstruct.Struct('B')"),
    Example("attribute", "from struct import iter_unpack"),
    Example("attribute", "import struct\nstruct.iter_unpack"),
    Example("attribute", "memoryview(b'a').cast('B')"),
    Example("attribute", "memoryview(b'a').tobytes()"),
    Example("attribute", "import array\narray.array('H').tobytes()"),
    Example("attribute", "from collections import namedtuple\nnamedtuple('A', 'a')(1)._replace(a=2)"),
    Example("attribute", "from collections import namedtuple\nnamedtuple('A', 'a')._fields"),
    Example("attribute", "(5).bit_length()"),
    Example("attribute", "'5'.zfill(3)"),
    Example("attribute", "'ab'.removeprefix('a')"),
    Example("attribute", "import asyncio\nasyncio.Queue"),
    Example("attribute", "import asyncio\nasyncio.TaskGroup"),
    Example("attribute", "import asyncio\nasyncio.timeout"),
    Example("attribute", "import time\ntime.monotonic"),
    Example("attribute", "import re\nre.fullmatch"),
    Example("attribute", "import hashlib\nhashlib.sha256(b'').hexdigest()"),
    Example("name", "TimeoutError"),
    Example("name", "try:\n    1 / 0\nexcept ConnectionError:\n    pass"),
    Example("conditional import", "try:\n    import machine\nexcept ImportError:\n    machine = None", fails=False),
    Example("conditional import", "import sys\nif sys.platform:\n    import struct", fails=False),
    Example("folded constant", "from somewhere import _FOLDED", fails=False),
    Example("folded constant", "import somewhere\nsomewhere._FOLDED", fails=False),
    Example("annotation", "def f(a: Any) -> None:\n    pass", fails=False),
    Example("annotation", "def f(a) -> Optional[int]:\n    pass", fails=False),
    Example("annotation", "x: Any = 1", fails=False),
    Example("time of its own", "import time\ntime.ticks_us()", fails=False),
    Example("time of its own", "from time import ticks_us", fails=False),
]


def label(example: Example) -> str:
    return f"{example.rule}: {example.source.splitlines()[0]}"


@pytest.mark.parametrize("example", EXAMPLES, ids=label)
def test_every_rule_fires(example: Example) -> None:
    assert example.rule in {finding.rule for finding in findings(example.source, {"_FOLDED"})}


@pytest.mark.parametrize(
    "source",
    [
        "from iastm_protocol._compat import TYPE_CHECKING\nif TYPE_CHECKING:\n    from typing import Any\nx: 'Any' = 1",
        "def f(a: int, *b: 'Any', **c) -> 'list[Any]':\n    return [a]",
        "a, *b = [1, 2]\nprint(*b, **{})",
        "from micropython import const\n_OWN = const(1)\nprint(_OWN)",
        "b = bytearray(4)\nb[1:3] = b'ab'\ndel b",
        "class A(Exception):\n    @property\n    def x(self):\n        return f'{self!r}'",
    ],
)
def test_what_micropython_has_is_let_through(source: str) -> None:
    assert findings(source, set()) == []


RUNNER = """
import sys, json
outcomes = []
for source in json.loads(sys.stdin.read()):
    try:
        exec(source, {"__name__": "example"})
        outcomes.append(None)
    except Exception as error:
        outcomes.append(repr(error))
print(json.dumps(outcomes))
"""


def test_a_real_micropython_fails_on_what_the_rules_say_it_lacks(micropython: str) -> None:
    lacking = [example for example in EXAMPLES if example.fails]
    done = subprocess.run(
        [micropython, "-c", RUNNER],
        input=json.dumps([example.source for example in lacking]),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert len(outcomes) == len(lacking)
    assert [label(example) for example, outcome in zip(lacking, outcomes, strict=True) if outcome is None] == []


def test_a_constant_with_an_underscore_is_found_where_it_is_defined() -> None:
    source = "from micropython import const\n_A = const(1)\nB = const(2)\n_C = 3"
    assert constants_of({"a": ast.parse(source)}) == {"_A"}


@pytest.mark.parametrize("path", ON_THE_TOOL + SIMULATED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_real_micropython_compiles_every_source(micropython: str, path: Path) -> None:
    done = subprocess.run(
        [micropython, "-X", "compile-only", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_source_that_does_not_compile_is_noticed(micropython: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def f(a, /):\n    pass\n", encoding="utf-8")
    done = subprocess.run(
        [micropython, "-X", "compile-only", str(broken)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
