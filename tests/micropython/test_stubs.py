"""The check against MicroPython's type stubs finds what mypy, which knows CPython's modules only, can't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_DRIVER = '''
"""A driver with a fault in each method."""


class Faulty:
    """Reads nothing."""

    def __init__(self, i2c, data, time):
        self._i2c = i2c
        self._data = data
        self._time = time

    def pin(self):
        self._data.trigger(1)

    def bus(self):
        self._i2c.readfrom_mem(0x2A, 0x00)

    def clock(self):
        return self._time.monotonic()

    def interrupt(self):
        self._data.irq(self.pin, on=self._data.IRQ_FALLING)
'''


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the check says of the sources with a faulty driver among them."""
    if not all((_ROOT / ".cache/typings" / name / "installed.txt").exists() for name in ("checker", "esp32", "rp2")):
        pytest.skip("the stubs are not here: `make check` fetches them")
    driver = tmp_path_factory.mktemp("driver") / "faulty.py"
    driver.write_text(_DRIVER)
    done = subprocess.run(
        [sys.executable, str(_ROOT / "scripts" / "check_stubs.py"), str(driver)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    return done.stdout


@pytest.mark.parametrize(
    ("line", "words"),
    [(14, '"trigger"'), (17, "1 more positional argument"), (20, '"monotonic"'), (23, 'No parameter named "on"')],
)
@pytest.mark.parametrize("port", ["esp32", "rp2"])
def test_a_call_that_a_board_does_not_have_is_found_at_its_line(said: str, line: int, words: str, port: str) -> None:
    lines = [found for found in said.splitlines() if found.startswith(f"iastm_firmware/drivers/faulty.py:{line}: ")]
    assert any(f"[{port}]" in found and words in found for found in lines), said


def test_nothing_else_is_found(said: str) -> None:
    assert all("faulty.py" in line for line in said.splitlines()[:-1]), said
