"""Tests that need a real adapter and a real tool: only with --hardware, and switched on."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _only_when_asked_for(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--hardware"):
        pytest.skip("needs a Bluetooth adapter and a tool that is switched on: pytest --hardware")
