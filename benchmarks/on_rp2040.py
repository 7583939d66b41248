"""What a sample and a frame cost on an emulated RP2040, in its own time, against the budget at 320 samples/s."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.results import Result
from iastm_host.events import Problem

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "scripts/build_rp2_image.sh"
PROGRAM = ROOT / "benchmarks/run_on_rp2040.py"
RATE_HZ = 320
BUDGET_US = 1e6 / RATE_HZ
# A conversion's work, with its share of the frame, takes at most so much of the time until the next one.
PROMISED_SHARE = 0.5
# All of the firmware, its loop and its collections, beside the converter's driver.
PROMISED_LOAD_PERCENT = 90.0
_TIMEOUT_S = 600.0
_NOTE = (
    "Emulated Cortex-M0+ at 125 MHz, in its own time, without the delays of flash and radio that a real one has; the "
    "converter's own reading comes on top. An ESP32 or RP2350 is faster."
)


def measure(image: Path) -> dict[str, float]:
    """Return microseconds by name, as run_on_rp2040.py measures them on this image."""
    return asyncio.run(_measure(image))


async def _measure(image: Path) -> dict[str, float]:
    from rp2040py.boards import BOARDS, resolve_firmware
    from rp2040py.device import MicroPythonDevice

    spec = resolve_firmware(BOARDS["pico"], "micropython", str(image))
    async with MicroPythonDevice(board=spec) as device:
        said, complained = await device.aexec(PROGRAM.read_text(encoding="utf-8"), timeout=_TIMEOUT_S)
    if complained:
        raise Problem(complained.decode(), "The benchmark and the firmware in the image do not fit together.")
    found: dict[str, float] = json.loads(said)
    return found


def run() -> list[Result]:
    """Build the image, measure on it, and return the results."""
    built = subprocess.run([str(BUILD)], capture_output=True, text=True, check=False)
    if built.returncode:
        return [Result("A sample on an RP2040", None, "µs", "", None, None, "", None, built.stderr.strip())]
    found = measure(Path(built.stdout.strip()))
    sample_us = max(found["sample_at_rest"], found["sample_in_contact"], found["sample_over_limit"])
    frame_us = found["frame"] / found["samples_per_frame"]
    return [
        Result(
            "A sample on an RP2040, decided and kept",
            sample_us,
            "µs",
            "until the next one at 320/s",
            BUDGET_US,
            BUDGET_US / sample_us,
            "",
            True,
            _NOTE,
        ),
        Result(
            "with its share of a frame",
            sample_us + frame_us,
            "µs",
            "until the next one at 320/s",
            BUDGET_US,
            BUDGET_US / (sample_us + frame_us),
            f"≤ {PROMISED_SHARE * BUDGET_US:,.0f} µs",
            sample_us + frame_us <= PROMISED_SHARE * BUDGET_US,
            _NOTE,
        ),
        Result(
            "the whole firmware while it streams",
            found["load_percent"],
            "% of the processor",
            "",
            None,
            None,
            f"≤ {PROMISED_LOAD_PERCENT:g} %",
            found["load_percent"] <= PROMISED_LOAD_PERCENT,
            _NOTE,
        ),
    ]


if __name__ == "__main__":
    for name, value in measure(Path(sys.argv[1])).items():
        print(f"{name:20} {value:10,.1f}")
