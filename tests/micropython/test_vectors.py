"""The vectors hold on CPython and on a real MicroPython, by one runner."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parents[1] / "protocol" / "vectors"

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# What one round makes at the least; a section that shrinks has lost checks.
LEAST_CHECKS = {
    "messages": 5000,
    "unreadable": 54,
    "older": 12,
    "stored": 600,
    "frames": 190,
    "damaged": 480,
    "fragments": 550,
    "corruption": 8000,
    "garbage": 1000,
    "strokes": 36,
    "limits": 33,
    "vibrating": 40,
    "glitches": 34,
    "not a number": 12,
    "conversion": 100,
    "signing": 1000,
    "ranges": 300,
    "refusals": 30,
}


def outcome(run: Run, vectors: Path, seed: int, rounds: int) -> dict[str, Any]:
    done = run(HERE / "run_vectors.py", str(vectors), str(seed), str(rounds))
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_vectors_hold_whole_byte_by_byte_coalesced_cut_and_corrupted(
    run: Run, request: pytest.FixtureRequest, size: Callable[[int, int], int]
) -> None:
    result = outcome(run, VECTORS, seed=1, rounds=size(50, 2000))
    assert result["failures"] == []
    assert result["implementation"] == request.node.callspec.params["run"]
    short = {name: result["checks"].get(name) for name, n in LEAST_CHECKS.items() if result["checks"].get(name, 0) < n}
    assert short == {}


def test_the_runner_notices_vectors_that_are_wrong(run: Run, tmp_path: Path) -> None:
    for file in VECTORS.glob("*.json"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    for name, right, wrong in (
        ("messages.json", '"first_index": 6400', '"first_index": 6401'),
        ("damaged.json", '"damaged_bytes": 1000', '"damaged_bytes": 999'),
        ("strokes.json", '"total": 79', '"total": 78'),
        ("limits.json", '"over": true', '"over": false'),
        ("limits.json", '"samples": 25', '"samples": 26'),
        ("glitches.json", '"jump": 1000000', '"jump": 99000000'),
        ("conversion.json", '"polarity": -1', '"polarity": 1'),
        ("frames.json", '"stuffed_hex": "01"', '"stuffed_hex": "0101"'),
        ("fragments.json", '"damaged_bytes": 982', '"damaged_bytes": 981'),
        ("signing.json", '"counter": 16909060', '"counter": 16909061'),
        ("stored.json", '"document_hex": "7b7d"', '"document_hex": "7b7c"'),
    ):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert right in text
        (tmp_path / name).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    result = outcome(run, tmp_path, seed=1, rounds=1)
    sections = {failure.split(":")[0] for failure in result["failures"]}
    expected = {
        "messages",
        "frames",
        "damaged",
        "strokes",
        "limits",
        "conversion",
        "fragments",
        "signing",
        "stored",
        "vibrating",
        "glitches",
    }
    assert sections == expected
