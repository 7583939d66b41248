"""The whole firmware run in virtual time by run_ten_hours.py, and what must have come of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

RATE_HZ = 320
_HERE = Path(__file__).resolve().parent
# Ten hours take a quarter of an hour.
_TIMEOUT_S = 3600


def run_firmware(program: str, path: list[Path | str], heap: str, seconds: int, *, host: bool, depth: int) -> Any:
    """Return what run_ten_hours.py prints."""
    done = subprocess.run(
        [program, "-X", f"heapsize={heap}", str(_HERE / "run_ten_hours.py"), str(seconds), str(int(host)), str(depth)],
        env={**os.environ, "MICROPYPATH": ":".join(map(str, path))},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def assert_that_all_came(found: Any, seconds: int, *, host: bool) -> None:
    """Assert that each conversion was taken, and that a host got each as it was made."""
    assert found["taken"] >= seconds * RATE_HZ - 2
    assert (found["missed"], found["saturated"], found["glitches"]) == (0, 0, 0)
    if not host:
        return
    heard = found["host"]
    # A second's status and the last batches may be on their way.
    assert heard["samples"] >= (seconds - 1) * RATE_HZ
    assert heard["uptime_s"] >= seconds - 2
    nothing = ("wrong", "damaged", "missed", "overrun", "refused", "faults")
    assert {name: heard[name] for name in nothing} == dict.fromkeys(nothing, 0)
    # A stroke in a second and a half, over both limits; and what was fetched came too.
    assert heard["strokes"] >= seconds // 2
    assert heard["alerts"] >= seconds
    assert heard["fetched"] >= seconds // 10 * 800
