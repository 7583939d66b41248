from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.workbench.doctor.computer import Computer


@pytest.fixture
def computer(tmp_path: Path) -> Callable[..., Computer]:
    """Return a computer that lacks nothing which its parts don't need, with what a test says otherwise."""

    def make(**said: Any) -> Computer:
        return Computer(tmp_path, **said)

    return make
