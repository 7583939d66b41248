from __future__ import annotations

from typing import Any

import pytest

from iastm_host.cli.live import as_object


@pytest.mark.parametrize(
    ("said", "name", "version"),
    [
        ("micropython 1.28.0", "micropython", "1.28.0"),
        ("C gcc", "C", "gcc"),
        ("rust 1.90 release", "rust", "1.90 release"),
        ("bare", "bare", None),
        ("", None, None),
    ],
)
def test_a_tool_of_any_runtime_is_named_as_it_names_itself(
    runs: Any, fake_tool: Any, said: str, name: str | None, version: str | None
) -> None:
    tool = fake_tool()
    tool.runtime = said
    run, _ = runs.whole(tool=tool, length_s=2.0)
    assert run.summary().problem is None
    assert as_object(run.summary(), None)["runtime"] == {"name": name, "version": version}
