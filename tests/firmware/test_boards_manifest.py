"""A release image holds all that a tool runs on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_FIRMWARE = _ROOT / "firmware_micropython"


def _frozen_by(manifest: str) -> set[str]:
    """Return the paths of the files that a manifest freezes, as they are imported on the board."""
    found: set[str] = set()

    def package(name: str, base_path: str = ".") -> None:
        base = (_FIRMWARE / base_path).resolve()
        found.update(str(path.relative_to(base)) for path in (base / name).rglob("*.py"))

    def module(name: str, base_path: str = ".") -> None:
        assert (_FIRMWARE / base_path / name).is_file()
        found.add(name)

    def include(name: str) -> None:
        run(name)

    def run(name: str) -> None:
        path = _FIRMWARE / name
        given: dict[str, Any] = {"package": package, "module": module, "include": include}
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), given)

    run(manifest)
    return found


def test_a_release_image_has_all_of_the_firmware_and_the_protocol_and_starts_by_itself() -> None:
    frozen = _frozen_by("manifest_release.py")
    for package in (_FIRMWARE / "iastm_firmware", _ROOT / "protocol" / "iastm_protocol"):
        assert {str(path.relative_to(package.parent)) for path in package.rglob("*.py")} <= frozen
    assert {"main.py", "iastm_firmware/drivers/nau7802.py", "iastm_firmware/boards/esp32_s3.py"} <= frozen


def test_nothing_that_only_plays_a_board_is_in_it() -> None:
    assert {path.split("/")[0] for path in _frozen_by("manifest_release.py")} == {
        "main.py",
        "iastm_firmware",
        "iastm_protocol",
    }
