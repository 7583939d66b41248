"""An emulated RP2040 that runs real MicroPython with the firmware frozen in."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rp2040py.boards import BOARDS, resolve_firmware
from rp2040py.device import MicroPythonDevice
from rp2040py.external import ExternalDevice

_ROOT = Path(__file__).resolve().parents[2]
_IMAGES = _ROOT / ".cache" / "rp2040"
_BUILD = _ROOT / "scripts" / "build_rp2_image.sh"
_BUILD_TIMEOUT_S = 900
# Of real time: the emulator is about twenty times slower than the chip.
_TIMEOUT_S = 240.0

RunOnBoard = Callable[..., str]


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config) -> Path:
    """The image of the sources as they are: built under --soak, else taken where it is there."""
    sources = subprocess.run(
        [str(_BUILD.with_name("frozen_sources.sh"))], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    return _image(pytestconfig, "firmware", sources)


@pytest.fixture(scope="session")
def plain_image(pytestconfig: pytest.Config) -> Path:
    """The image without anything of ours: built under --soak, else taken where it is there."""
    return _image(pytestconfig, "plain", "nothing of ours\n", "--plain")


def _image(pytestconfig: pytest.Config, name: str, sources: str, *options: str) -> Path:
    if pytestconfig.getoption("--soak"):
        build = [str(_BUILD), *options]
        done = subprocess.run(build, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False)
        if done.returncode and "something is missing" in done.stderr:
            pytest.skip(done.stderr)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())
    image = _IMAGES / f"{name}.uf2"
    stamp = image.with_suffix(".sources")
    if not image.exists() or not stamp.exists() or stamp.read_text() != sources:
        pytest.skip("no such image for the emulated RP2040: scripts/build_rp2_image.sh builds it")
    return image


@pytest.fixture
def at_full_size(pytestconfig: pytest.Config) -> None:
    """Skip where only small sizes are asked for: a second of a board takes twenty."""
    if not pytestconfig.getoption("--soak"):
        pytest.skip("half a minute of emulation: only under --soak")


@pytest.fixture(scope="session")
def run_on_board(image: Path) -> RunOnBoard:
    """Return `run(program, *parts)`: what the program printed on an RP2040 with these parts wired to its pins.

    What it raises there fails the test.
    """

    def run(program: str, *parts: ExternalDevice) -> str:
        return asyncio.run(_run(image, program, parts))

    return run


async def _run(image: Path, program: str, parts: tuple[ExternalDevice, ...]) -> str:
    board = BOARDS["pico"]
    extras = (*board.extras, *((lambda part=part: part) for part in parts))
    spec = resolve_firmware(dataclasses.replace(board, extras=extras), "micropython", str(image))
    async with MicroPythonDevice(board=spec) as device:
        said, complained = await device.aexec(program, timeout=_TIMEOUT_S)
    assert not complained, complained.decode()
    return said.decode()
