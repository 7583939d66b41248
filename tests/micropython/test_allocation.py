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


def test_the_watch_its_signals_and_the_ring_allocate_nothing_per_sample_whatever_is_shown(micropython: str) -> None:
    root = HERE.parents[1]
    done = subprocess.run(
        [micropython, str(HERE / "measure_hot_path.py")],
        env={**os.environ, "MICROPYPATH": f"{root / 'firmware_micropython'}:{root / 'protocol'}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    found = json.loads(done.stdout)
    assert len(found) == 6
    assert set(found.values()) == {0}, found
