"""What happened to the tool, and what it is told to keep quiet of, as a view says it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.host.app.live_view.snapshots import LIVE, resting, with_link, with_verdict

from iastm_host.app.live_view import live_view, summary_panel
from iastm_host.app.live_view.banner import NOTE_STAYS_US
from iastm_host.app.live_view.texts import FALSE_FORCE
from iastm_host.app.snapshot import LiveSnapshot, Note
from iastm_host.tool.words import FAULTS

RESTARTED = "the tool restarted after a failure: its firmware hung"


def noted(age_us: int) -> LiveSnapshot:
    snapshot = resting(6.8)
    return replace(snapshot, notes=(Note(RESTARTED, snapshot.taken_us - age_us),))


def test_what_happened_to_the_tool_is_said_large_then_small_and_at_the_end() -> None:
    fresh, old = noted(0), noted(NOTE_STAYS_US)
    banner = live_view(fresh, LIVE).banner
    assert banner is not None
    assert (banner.kind, banner.text, banner.sub) == (
        "notice",
        "The tool restarted after a failure",
        "Its firmware hung",
    )
    assert live_view(old, LIVE).banner is None
    said = "The tool restarted after a failure: its firmware hung"
    assert said in live_view(old, LIVE).strip.stroke_notes
    assert ("Tool", f"{said}.") in summary_panel(old, LIVE).rows


def test_a_fault_that_holds_goes_before_what_happened() -> None:
    banner = live_view(replace(noted(0), faults=("converter silent",)), LIVE).banner
    assert banner is not None
    assert banner.kind == "technical"


def test_silenced_alerts_of_the_tool_are_in_sight_and_count_down() -> None:
    chip = live_view(replace(resting(6.8), tool_silenced_s=75), LIVE).chips[-1]
    assert (chip.word, chip.near, chip.inverse) == ("1:15", "Tool", True)
    assert live_view(resting(6.8), LIVE).chips[-1].near != "Tool"


def test_a_tool_that_is_told_to_alert_by_nothing_is_in_sight() -> None:
    chips = live_view(replace(resting(6.8), tool_alerts_by=()), LIVE).chips
    assert chips[-1].near == "Tool alerts by nothing"
    assert chips[-1].inverse
    alerting = live_view(replace(resting(6.8), tool_alerts_by=("light",)), LIVE).chips
    assert len(alerting) == len(chips) - 1


def test_of_a_tool_that_is_gone_nobody_knows_what_is_silenced() -> None:
    gone = with_link(replace(resting(6.8), tool_silenced_s=75), "lost")
    assert all(chip.near != "Tool" for chip in live_view(gone, LIVE).chips)


@pytest.mark.parametrize("fault", sorted(FALSE_FORCE))
def test_what_a_broken_sensor_counts_is_never_shown_as_a_force(fault: str) -> None:
    assert fault in FAULTS.values()
    for snapshot in (resting(6.8), resting(15.8), with_verdict(resting(6.8), running_n=6.8)):
        view = live_view(replace(snapshot, faults=(fault,)), LIVE)
        assert (view.ladder.word, view.ladder.number, view.ladder.slot) == ("No true force", "", "")
        assert view.ladder.technical
        assert view.technical
        assert not view.shows_force
        assert view.strip.headline in ("Incomplete", "Over limit", "Over, incomplete")


def test_the_region_is_in_sight_where_a_banner_lies_over_the_title() -> None:
    view = live_view(replace(noted(0), region=3), LIVE)
    assert view.title.endswith("Region 3")
    assert view.strip.stroke_notes[0] == "Region 3"
    assert not any("Region" in note for note in live_view(noted(0), LIVE).strip.stroke_notes)
