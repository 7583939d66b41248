"""What a tool keeps, logs and tests of itself, on a real MicroPython as on CPython: run_life.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from iastm_protocol import kinds

_ROOT = Path(__file__).resolve().parents[2]


def _life(interpreter: list[str], folder: Path) -> dict[str, Any]:
    folder.mkdir()
    path = [str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol")]
    done = subprocess.run(
        [*interpreter, str(_ROOT / "tests" / "micropython" / "run_life.py"), str(folder)],
        env={**os.environ, "MICROPYPATH": ":".join([*path, ".frozen"]), "PYTHONPATH": ":".join(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def lives(micropython: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("life")
    return [_life([micropython, "-X", "heapsize=256k"], folder / "m"), _life([sys.executable], folder / "c")]


@pytest.mark.parametrize("what", ["kept", "log", "power", "measured"])
def test_both_interpreters_find_the_same(lives: list[dict[str, Any]], what: str) -> None:
    on_micropython, on_cpython = lives
    assert on_micropython[what] == on_cpython[what]


def test_settings_last_and_stores_that_fail_are_told(lives: list[dict[str, Any]]) -> None:
    assert lives[0]["kept"] == [
        [-8388608, 5, 4000000000, True, True],
        [1, 0, 2, "", kinds.FAULT_OVERLOADED],
        [-8388608, 5, 4000000000, True, False],
        [1, 1, 3, "", kinds.FAULT_OVERLOADED],
        [kinds.FAULT_STORE, *["settings can't be kept: the file system is full"] * 2],
        [kinds.FAULT_STORE, *["settings can't be read: the flash can't be read or written (error 5)"] * 2],
        [kinds.FAULT_STORE, *["settings can't be kept: out of memory"] * 2],
        "the last setting may be lost: slot a has a wrong checksum: slot b is in force",
    ]


def test_the_log_is_text_and_takes_what_fails(lives: list[dict[str, Any]]) -> None:
    text, refused, trouble = lives[0]["log"]
    assert text.endswith('    File "tool.py", line 7, in step\n  ValueError: ??\n')
    assert text.startswith("# start ")
    assert refused == [False, False, False]
    assert trouble == "the log can't be read: the flash can't be read or written (error 5)"


def test_a_self_test_and_a_comparison_of_the_zero_are_measured_in_integers(lives: list[dict[str, Any]]) -> None:
    ((given, number, event),) = [lives[0]["measured"]]
    ((kind, rows, _),) = given
    assert (kind, number) == (kinds.SELF_TEST_RESULT, 1)
    by_test = {row[0]: row[1:] for row in rows}
    assert by_test[kinds.TEST_RATE][:2] == [kinds.TEST_PASSED, 320_000]
    assert by_test[kinds.TEST_ZERO][:2] == [kinds.TEST_PASSED, 4700]
    assert by_test[kinds.TEST_ADC_NOISE][0] == kinds.TEST_PASSED
    assert 1270 <= by_test[kinds.TEST_ADC_NOISE][1] <= 1280
    assert by_test[kinds.TEST_FLASH][:2] == [kinds.TEST_FAILED, 0]
    assert event[0] == kinds.EVENT_ZERO_COMPARED
    assert event[2] == 4700
