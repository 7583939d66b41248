"""The tool's hot path takes no memory: a collection in the middle of a stroke would delay a reading."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_detectors_allocate_nothing_per_sample(micropython: str) -> None:
    done = subprocess.run(
        [micropython, str(HERE / "measure_allocation.py")],
        env={**os.environ, "MICROPYPATH": f"{HERE.parents[1] / 'protocol'}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == {"at rest": 0, "in contact": 0, "over the limit": 0}
