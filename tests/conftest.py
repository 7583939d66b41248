"""What every test stands on: no display, a size for long promises, no unexpected warning, no process left behind."""

from __future__ import annotations

import logging
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

# Set before anything imports Qt. A display that the caller chose stays.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Whatever the tests start inherits this, so that what outlives them can be told from other people's processes.
os.environ["IASTM_TEST_RUN"] = uuid.uuid4().hex
_RUN_MARK = f"IASTM_TEST_RUN={os.environ['IASTM_TEST_RUN']}".encode()

hypothesis.settings.register_profile("small", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("soak", max_examples=2000, deadline=None, database=None, print_blob=True)

_LEFTOVER_GRACE_S = 5.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run long promises at their full size")
    parser.addoption("--hardware", action="store_true", help="also ask real tools and adapters (tests/hardware)")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile("soak" if config.getoption("--soak") else "small")


@pytest.fixture(scope="session")
def size(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """Return `size(small, full)`: how long a long promise is tried, full under --soak."""
    soak = bool(pytestconfig.getoption("--soak"))
    return lambda small, full: full if soak else small


@pytest.fixture
def expected_log() -> list[str]:
    """Patterns of warnings that this test provokes; each must appear, and no other may."""
    return []


@pytest.fixture(autouse=True)
def _no_unexpected_warning(caplog: pytest.LogCaptureFixture, expected_log: list[str]) -> Iterator[None]:
    yield
    logged = [
        f"{record.name}: {record.getMessage()}"
        for record in [*caplog.get_records("setup"), *caplog.get_records("call")]
        if record.name.startswith("iastm") and record.levelno >= logging.WARNING
    ]
    unexpected = [line for line in logged if not any(re.search(pattern, line) for pattern in expected_log)]
    missing = [pattern for pattern in expected_log if not any(re.search(pattern, line) for line in logged)]
    assert not unexpected, f"logged without being expected: {unexpected}"
    assert not missing, f"expected in the log, never logged: {missing}"


def _left_behind() -> list[str]:
    """Return the command lines of processes that carry this run's mark, without this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if _RUN_MARK in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip())
        except OSError:
            continue  # it ended while we looked, or belongs to somebody else
    return found


@pytest.fixture(scope="session", autouse=True)
def _no_process_left_behind() -> Iterator[None]:
    yield
    deadline = time.monotonic() + _LEFTOVER_GRACE_S
    while (left := _left_behind()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, f"processes that outlived their tests: {left}"
