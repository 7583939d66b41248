from __future__ import annotations

from dataclasses import replace

from tests.host.workbench.test_link_verdict import FINE

from iastm_host.app.link_words import figure_rows
from iastm_host.events import ToolDescription

TOOL = ToolDescription("1", "ab", "fake", "cpython 3", "F-1", 7, 320.0, 2048, "c", "00", True, "1.2")


def test_beside_a_link_that_ended_nothing_is_said_to_be_lost_without_its_end() -> None:
    whole = dict(figure_rows(FINE, TOOL))
    assert whole["lost for good"] == "0 (0.0 ‰)"
    ended = dict(figure_rows(replace(FINE, ended_early="There is no port.", gone=True), TOOL))
    assert ended["lost for good"] == "0; nothing came after the link ended (0.0 ‰)"
