from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.host.app.tools_page.desk import Desk


@pytest.fixture
def desk(tmp_path: Path, runs: Any, fake_tool: Any) -> Iterator[Desk]:
    made = Desk(tmp_path, runs, fake_tool)
    yield made
    made.end()
