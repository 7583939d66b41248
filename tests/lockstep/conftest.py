"""What runs the tools here: a real MicroPython."""

from __future__ import annotations

import os

import pytest

from iastm_host.transports.runtime import Runtime, find_runtime


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    found = find_runtime(os.environ)
    if found.name != "micropython":
        pytest.skip("virtual time needs MicroPython's asyncio; set $MICROPYTHON")
    return found
