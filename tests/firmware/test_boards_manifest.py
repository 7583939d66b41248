"""A release image holds all that a tool runs on, and tells what it was made from."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from iastm_host.transports.runtime import source_hash

_ROOT = Path(__file__).resolve().parents[2]
_FIRMWARE = _ROOT / "firmware_micropython"


def _frozen_by(manifest: str) -> dict[str, str]:
    """Return the sources that a manifest freezes, by their paths as they are imported on the board."""
    found: dict[str, str] = {}

    def add(path: Path, name: str) -> None:
        assert name not in found, "it is frozen twice"
        found[name] = path.read_text(encoding="utf-8")

    def package(name: str, files: list[str] | None = None, base_path: str = ".") -> None:
        base = (_FIRMWARE / base_path).resolve()
        paths = (base / name).rglob("*.py") if files is None else [base / name / file for file in files]
        for path in paths:
            add(path, path.relative_to(base).as_posix())

    def module(name: str, base_path: str = ".") -> None:
        add(_FIRMWARE / base_path / name, name)

    def include(name: str) -> None:
        path = _FIRMWARE / name
        given: dict[str, Any] = {"package": package, "module": module, "include": include}
        with contextlib.chdir(_FIRMWARE):
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), given)

    include(manifest)
    return found


def test_a_release_image_has_all_of_the_firmware_and_the_protocol_and_starts_by_itself() -> None:
    frozen = _frozen_by("manifest_release.py")
    for package in (_FIRMWARE / "iastm_firmware", _ROOT / "protocol" / "iastm_protocol"):
        assert {str(path.relative_to(package.parent)) for path in package.rglob("*.py")} <= set(frozen)
    assert {"main.py", "iastm_firmware/drivers/nau7802.py", "iastm_firmware/boards/esp32_s3.py"} <= set(frozen)


def test_nothing_that_only_plays_a_board_is_in_it() -> None:
    assert {path.split("/")[0] for path in _frozen_by("manifest_release.py")} == {
        "main.py",
        "iastm_firmware",
        "iastm_protocol",
    }


def test_an_image_tells_the_hash_of_its_sources_as_the_host_reckons_it() -> None:
    told: dict[str, Any] = {}
    exec(_frozen_by("manifest_release.py")["iastm_firmware/built.py"], told)
    assert told["SOURCE_HASH"] == source_hash()
