"""Check the sources of the tool against MicroPython's own type stubs, for each port that boards run.

    .venv/bin/python scripts/check_stubs.py [--verbose] [FILE ...]

mypy reads them as CPython's; this one knows what `machine.Pin` takes and what `time` has on a board. The stubs and the
checker come from PyPI into .cache/typings, the first time some 80 MB, and are in nobody's way there.

The sources carry no annotations, and get a board's parts passed in. So what is checked are copies, in which a parameter
called `i2c` is a `machine.I2C`, and so on by the tables below. FILEs are checked as drivers beside them. Exits with 1
where anything is found.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "typings"
# Held to one minor release: a newer one brings new findings. The stubs are of the release whose runtime the tests use.
CHECKER = ("basedpyright>=1.40,<1.41",)
STUBS = {
    "esp32": ("micropython-esp32-stubs>=1.29,<1.30", "micropython-stdlib-stubs>=1.29,<1.30"),
    "rp2": ("micropython-rp2-stubs>=1.29,<1.30", "micropython-stdlib-stubs>=1.29,<1.30"),
}
ROOMS = (ROOT / "protocol" / "iastm_protocol", ROOT / "firmware_micropython" / "iastm_firmware")
SELECTOR = ROOT / "firmware_micropython" / "main.py"
# Of one port only.
_OF_PORT = {
    "iastm_firmware/boards/esp32.py": "esp32",
    "iastm_firmware/boards/rp2.py": "rp2",
    "iastm_firmware/drivers/hx711_pio.py": "rp2",
}

# What parameters of these names are on a board: anywhere, and in drivers, whose pins have the names of the data sheets.
_MODULES = {"machine": None, "bluetooth": None, "esp32": "esp32", "rp2": "rp2", "neopixel": None}
_PARTS = {"i2c": "machine.I2C", "spi": "machine.SPI", "adc": "machine.ADC"}
_DRIVER_PARTS = {
    "i2c": "machine.I2C",
    "spi": "machine.SPI",
    **dict.fromkeys(("data", "clock", "ready", "select", "power_down"), "machine.Pin"),
}
_DRIVER_MODULES = ("time", "ticker")
_PARTS_ARE_CHECKED_IN = ("iastm_firmware/boards/", "iastm_firmware/drivers/")

_SETTINGS = {
    "pythonVersion": "3.11",
    "typeCheckingMode": "basic",
    "useLibraryCodeForTypes": False,
    # Without annotations an attribute that is None until later can't be told from one that may be None.
    "reportOptionalMemberAccess": "none",
    "reportOptionalSubscript": "none",
    "reportOptionalIterable": "none",
    "reportOptionalOperand": "none",
    "reportOptionalCall": "none",
    # Stubs have no sources beside them.
    "reportMissingModuleSource": "none",
}


@dataclass(frozen=True, slots=True)
class Exemption:
    """A finding that is none: `rule` and `words` of it in `file`, and why."""

    file: str
    rule: str
    words: str
    why: str


_STUBS_LACK = "the port has it, see its C sources; these stubs don't"
_ASSEMBLY = "names of instructions, which the decorator gives the function"
EXEMPTIONS = (
    Exemption("iastm_firmware/ble.py", "reportCallIssue", '"adv_data"', _STUBS_LACK),
    Exemption("iastm_firmware/boards/esp32.py", "reportCallIssue", '"hold"', _STUBS_LACK),
    Exemption("iastm_firmware/boards/real.py", "reportAttributeAccessIssue", '"getvalue"', _STUBS_LACK),
    Exemption("iastm_firmware/boards/real.py", "reportArgumentType", '"StringIO"', _STUBS_LACK),
    Exemption("iastm_firmware/boards/battery.py", "reportAttributeAccessIssue", '"read_uv"', "asked for with hasattr"),
    Exemption("iastm_firmware/drivers/hx711_pio.py", "reportUndefinedVariable", "is not defined", _ASSEMBLY),
    Exemption("iastm_firmware/drivers/hx711_pio.py", "reportCallIssue", 'No overloads for "__init__"', _ASSEMBLY),
    Exemption("iastm_firmware/settings.py", "reportCallIssue", "6 positional", "all of a tuple but its last field"),
    Exemption(
        "iastm_protocol/_compat.py",
        "reportAssignmentType",
        "is not assignable to declared type",
        "CPython's stand-in for const names its parameter",
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One complaint of the checker, at its place in the source."""

    port: str
    file: str
    line: int
    rule: str
    words: str


def main() -> int:
    """Check and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--verbose", action="store_true", help="what was exempted too")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="drivers to check beside the sources")
    asked = parser.parse_args()
    sources = [*_sources(), *((f"iastm_firmware/drivers/{path.name}", path) for path in asked.files)]
    checker = _installed("checker", CHECKER)
    findings = [
        found for port, stubs in STUBS.items() for found in check(port, sources, _installed(port, stubs), checker)
    ]
    used = {exemption for exemption in EXEMPTIONS for found in findings if _exempted(found, exemption)}
    for exemption in sorted(set(EXEMPTIONS) - used, key=lambda unused: unused.file):
        print(f"{exemption.file}: nothing is found any more that is exempted for: {exemption.why}")
    left = [found for found in findings if not any(_exempted(found, exemption) for exemption in used)]
    for found in findings if asked.verbose else left:
        print(f"{found.file}:{found.line}: [{found.port}] {found.words} ({found.rule})")
    print(f"Stubs: {len(left)} findings in {len(sources)} files, for {' and '.join(STUBS)}.")
    return 1 if left or len(used) < len(EXEMPTIONS) else 0


def check(port: str, sources: list[tuple[str, Path]], stubs: Path, checker: Path) -> list[Finding]:
    """Return what the checker finds in the sources of one port."""
    # Its own: two checks may run at once.
    with tempfile.TemporaryDirectory(prefix=f"iastm-stubs-{port}-") as folder:
        return _check_in(Path(folder).resolve(), port, sources, stubs, checker)


def _check_in(folder: Path, port: str, sources: list[tuple[str, Path]], stubs: Path, checker: Path) -> list[Finding]:
    inserted: dict[str, list[int]] = {}
    for name, path in sources:
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        text, inserted[name] = _with_parts(path.read_text(encoding="utf-8"), name, port)
        copy.write_text(text, encoding="utf-8")
    (folder / "_hardware.py").write_text(_hardware(port), encoding="utf-8")
    settings = {**_SETTINGS, "include": ["iastm_protocol", "iastm_firmware", SELECTOR.name], "typeshedPath": str(stubs)}
    settings["stubPath"] = str(stubs)
    # Imported here and there, and none of this port's business.
    settings["ignore"] = [name for name, of in _OF_PORT.items() if of != port]
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", "-p", str(folder)],
        env={**os.environ, "PYTHONPATH": str(checker)},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        diagnostics = json.loads(done.stdout)["generalDiagnostics"]
    except (json.JSONDecodeError, KeyError):
        raise SystemExit(f"The checker failed:\n{done.stdout}{done.stderr}") from None
    return [_finding(port, folder, inserted, diagnostic) for diagnostic in diagnostics]


def _finding(port: str, folder: Path, inserted: dict[str, list[int]], diagnostic: dict[str, object]) -> Finding:
    file = Path(str(diagnostic["file"])).relative_to(folder).as_posix()
    place = diagnostic["range"]
    assert isinstance(place, dict)
    line = int(place["start"]["line"]) + 1
    words = str(diagnostic["message"]).splitlines()[0]
    before = bisect_right(inserted.get(file, []), line)
    return Finding(port, file, line - before, str(diagnostic.get("rule", "error")), words)


def _exempted(found: Finding, exemption: Exemption) -> bool:
    return (found.file, found.rule) == (exemption.file, exemption.rule) and exemption.words in found.words


def _sources() -> Iterator[tuple[str, Path]]:
    for room in ROOMS:
        for path in sorted(room.rglob("*.py")):
            yield path.relative_to(room.parent).as_posix(), path
    yield SELECTOR.name, SELECTOR


def _parts(name: str, port: str) -> set[str]:
    """Return the names of parameters that are a board's parts in this file."""
    modules = {module for module, only in _MODULES.items() if only in (None, port)}
    if not name.startswith(_PARTS_ARE_CHECKED_IN):
        return modules - {"machine"}
    if "/drivers/" in name:
        return {*modules, *_DRIVER_PARTS, *_DRIVER_MODULES}
    return {*modules, *_PARTS}


def _hardware(port: str) -> str:
    modules = [module for module, only in _MODULES.items() if only in (None, port)]
    lines = [f"import {module} as {module}" for module in (*modules, "time")]
    lines.append("import time as ticker")
    lines += [f"{name}: {of}" for name, of in sorted({**_PARTS, **_DRIVER_PARTS}.items())]
    return "\n".join(lines) + "\n"


def _with_parts(source: str, name: str, port: str) -> tuple[str, list[int]]:
    """Return the source with a line in each function that gets parts of a board, and which lines those are."""
    parts = _parts(name, port)
    lines = source.splitlines(keepends=True)
    new: dict[int, str] = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs) if argument.annotation is None]
        first = node.body[0]
        if first.lineno == node.lineno or not parts & set(names):
            continue
        given = "; ".join(f"{part} = _hardware.{part}" for part in names if part in parts)
        new[first.lineno] = f"{' ' * first.col_offset}import _hardware; {given}\n"
    made: list[str] = []
    inserted = []
    for number, line in enumerate(lines, 1):
        if number in new:
            made.append(new[number])
            inserted.append(len(made))
        made.append(line)
    return "".join(made), inserted


def _installed(name: str, requirements: tuple[str, ...]) -> Path:
    """Return the folder with these packages, fetched where they are not there yet; raises SystemExit where it fails."""
    folder = CACHE / name
    stamp = folder / "installed.txt"
    wanted = "\n".join(requirements)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"Fetching {', '.join(requirements)}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        # Without what they depend on stubs replace the standard library's; a checker needs what it depends on.
        alone = [] if name == "checker" else ["--no-deps"]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *alone]
        done = subprocess.run([*command, "--target", str(folder), *requirements], check=False)
        if done.returncode:
            raise SystemExit("The type stubs of MicroPython could not be fetched; what pip says stands above.")
        stamp.write_text(wanted, encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main())
