"""Everything that a board carries compiles for each board's chip, native code too, by MicroPython's own compiler."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = _ROOT / "scripts" / "firmware_sizes.py"
_ARCHITECTURES = {"xtensawin", "rv32imc", "armv6m", "armv7emsp"}
# Ours: a fifth of the smallest flash, the 2 MiB of a Pico W, beside MicroPython's 0.8 MB and the files' 0.8 MiB.
_MOST_BYTES = 400_000


def _compile(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(_PROGRAM), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def sizes() -> dict[str, dict[str, int]]:
    done = _compile("--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


def test_every_source_of_the_tool_compiles_for_the_chip_of_each_board(sizes: dict[str, dict[str, int]]) -> None:
    rooms = (_ROOT / "protocol" / "iastm_protocol", _ROOT / "firmware_micropython" / "iastm_firmware")
    carried = {path.relative_to(room.parent).as_posix() for room in rooms for path in room.rglob("*.py")}
    assert set(sizes) == {*carried, "main.py"}
    assert all(set(by_architecture) == _ARCHITECTURES for by_architecture in sizes.values())


def test_the_firmware_is_a_fraction_of_a_boards_flash(sizes: dict[str, dict[str, int]]) -> None:
    for architecture in _ARCHITECTURES:
        assert 50_000 < sum(by_architecture[architecture] for by_architecture in sizes.values()) < _MOST_BYTES


def test_what_one_architecture_can_not_compile_is_told_with_its_name(tmp_path: Path) -> None:
    # Assembly of ARM: a native function that two of the four chips can't have.
    source = tmp_path / "for_arm.py"
    source.write_text("import micropython\n@micropython.asm_thumb\ndef twice(r0):\n    add(r0, r0, r0)\n")
    done = _compile(source)
    assert done.returncode == 1
    told = {line.split(" for ")[1].split(" ")[0] for line in done.stderr.splitlines() if "does not compile" in line}
    assert told == {"xtensawin", "rv32imc"}


def test_a_viper_function_that_mixes_its_types_is_refused_for_all(tmp_path: Path) -> None:
    source = tmp_path / "mixed.py"
    source.write_text("import micropython\n@micropython.viper\ndef mixed(n: int) -> int:\n    return n + 'a'\n")
    done = _compile(source)
    assert done.returncode == 1
    assert done.stderr.count("does not compile") == len(_ARCHITECTURES)


def test_native_code_has_a_size_of_its_own_on_each_architecture(tmp_path: Path) -> None:
    source = tmp_path / "native.py"
    source.write_text("import micropython\n@micropython.native\ndef twice(n):\n    return n + n\n")
    done = _compile("--json", source)
    assert done.returncode == 0, done.stderr
    assert len(set(json.loads(done.stdout)["native.py"].values())) > 1


def _machine_code(source: str) -> list[tuple[str, list[int]]]:
    """Return each native or viper function with the integers that stand in it, folded constants among them."""
    tree = ast.parse(source)
    folded: dict[str, int] = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and "const(" in ast.unparse(node.value)
        ):
            folded[node.targets[0].id] = eval(ast.unparse(node.value), {"const": int}, folded)
    found = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        if not {ast.unparse(decorator) for decorator in function.decorator_list} & _COMPILED:
            continue
        within = list(ast.walk(function))
        numbers = [inner.value for inner in within if isinstance(inner, ast.Constant)]
        numbers += [folded[inner.id] for inner in within if isinstance(inner, ast.Name) and inner.id in folded]
        found.append((function.name, [number for number in numbers if type(number) is int]))
    return found


_WIDEST = 0x7FFF
_COMPILED = {"micropython.native", "micropython.viper"}


def test_machine_code_holds_no_constant_that_a_frozen_function_on_an_rp2040_may_read_from_the_wrong_place() -> None:
    # MicroPython loads those that don't fit 16 bits (as an object, twice the number and one) from beside the code, at a
    # multiple of four bytes; its mpy-tool places frozen functions for ARMv6-M at multiples of two. Half of them then
    # read another number.
    rooms = (_ROOT / "protocol" / "iastm_protocol", _ROOT / "firmware_micropython" / "iastm_firmware")
    functions = [
        (path.name, *function)
        for room in rooms
        for path in room.rglob("*.py")
        for function in _machine_code(path.read_text(encoding="utf-8"))
    ]
    assert any(name == "frames.py" for name, *_ in functions)
    assert all(0 <= number <= _WIDEST for _, _, numbers in functions for number in numbers), functions


def test_a_wide_constant_in_machine_code_is_seen() -> None:
    source = "_W = const(0x10000)\n@micropython.viper\ndef f(n: int) -> int:\n    return n + _W + 70000\n"
    assert _machine_code(source) == [("f", [70000, 0x10000])]
