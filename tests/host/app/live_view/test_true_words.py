"""Words by which a person acts: each is true of the tool, and none contradicts another on the same screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.host.app.live_view.snapshots import LIVE, resting, with_link, with_verdict
from tests.host.window.fake_session import TOOL, medium_alert

from iastm_host.app.live_state import NOT_STARTED, SOMETHING_AMISS, ZERO_NOT_CONFIRMED
from iastm_host.app.live_view import LiveView, live_view
from iastm_host.app.snapshot import LiveSnapshot, Note, RecordingView
from iastm_host.tool.words import FAULTS
from iastm_protocol import kinds

OVERLOADED = FAULTS[kinds.FAULT_OVERLOADED]
LOW = FAULTS[kinds.FAULT_BATTERY_LOW]
SILENT, FAILS = FAULTS[kinds.FAULT_ADC_SILENT], FAULTS[kinds.FAULT_ADC_FAILS]
PART = f"{NOT_STARTED}: NAU7802: does not answer"
MOTION_PART = f"{NOT_STARTED}: no LSM6DS answers"


def banner_words(shown: LiveView) -> tuple[str, str]:
    assert shown.banner is not None
    return shown.banner.text, shown.banner.sub


def fresh(**changes: Any) -> LiveSnapshot:
    """Before the first stroke: the ladder would say Ready."""
    snapshot = resting(6.8, strokes=(), **changes)
    return with_verdict(snapshot, last_n=None, running_n=None)


def test_a_tool_that_is_long_gone_is_told_by_lights_that_mean_no_warning() -> None:
    lost = replace(with_link(resting(6.8), "lost", "No port."), tool_warns=True, tool_alerts_by=("light",))
    shown = live_view(replace(lost, taken_us=lost.taken_us + 9_000_000), LIVE)
    assert banner_words(shown) == (
        "Link lost. It warned by itself when the link went.",
        "A slow white or blue light: it does not now. Trying again: No port.",
    )
    assert shown.ladder.sub == "It warned by itself when the link went. A slow white or blue light: it does not now"


def test_no_light_is_spoken_of_where_the_tool_shows_none() -> None:
    lost = replace(with_link(resting(6.8), "lost", "No port."), tool_warns=True, tool_alerts_by=("vibration",))
    shown = live_view(replace(lost, taken_us=lost.taken_us + 9_000_000), LIVE)
    assert banner_words(shown)[1] == "Whether it does now is unknown. Trying again: No port."
    assert "light" not in shown.ladder.sub


def test_zero_that_is_not_confirmed_says_what_it_costs_and_largest_of_all_what_to_do() -> None:
    shown = live_view(fresh(faults=(ZERO_NOT_CONFIRMED,)), LIVE)
    assert banner_words(shown) == (
        "Zero not confirmed. Lift the tool, press Z",
        "Until zero is set the tool does not warn",
    )
    assert (shown.ladder.word, shown.ladder.sub) == ("Set zero", "Lift the tool, press Z")


@pytest.mark.parametrize("running_n", [None, 2.0])
def test_whenever_the_banner_has_the_tool_lifted_the_largest_words_do(running_n: float | None) -> None:
    for faults in ((ZERO_NOT_CONFIRMED,), (OVERLOADED,), (LOW, ZERO_NOT_CONFIRMED), (PART, OVERLOADED)):
        shown = live_view(with_verdict(fresh(faults=faults), running_n=running_n), LIVE)
        assert "Ready" not in shown.ladder.word
        assert "Lay" not in shown.ladder.sub
        assert "Lift the tool" in shown.ladder.sub
        assert shown.shows_force
    assert live_view(fresh(faults=(LOW,)), LIVE).ladder.word == "Ready"


def test_a_force_that_was_too_hard_is_shown_whatever_zero_is() -> None:
    hard = with_verdict(fresh(faults=(ZERO_NOT_CONFIRMED,)), running_n=16.0, warn_crossed=True, alarm_crossed=True)
    assert live_view(hard, LIVE).ladder.word == "Too hard"


def test_a_zero_that_the_rests_say_is_off_is_set_before_the_next_stroke() -> None:
    snapshot = fresh()
    snapshot = with_verdict(snapshot, contact_end_us=0)
    off = replace(snapshot, trace=replace(snapshot.trace, force_n=snapshot.trace.force_n * 0 - 1.0))
    shown = live_view(off, LIVE)
    assert banner_words(shown)[0] == "Zero is off: lift the tool, press Z"
    assert shown.ladder.word == "Set zero"


def test_a_tool_of_which_no_sample_ever_came_as_its_sensor_did_not_start_is_not_waited_for() -> None:
    snapshot = fresh(faults=(LOW, SILENT, PART))
    silent = replace(snapshot, trace=replace(snapshot.trace, last_arrived_us=0, force_n=snapshot.trace.force_n[:0]))
    shown = live_view(silent, LIVE)
    assert (shown.ladder.word, shown.ladder.sub) == ("No true force", "The sensor gives none. End here.")


@pytest.mark.parametrize("faults", [(SILENT,), (FAILS,), (LOW, SILENT, PART), (FAILS, ZERO_NOT_CONFIRMED)])
def test_nobody_is_told_to_go_on_where_the_banner_says_to_end(faults: tuple[str, ...]) -> None:
    shown = live_view(fresh(faults=faults), LIVE)
    assert shown.ladder.sub == "The sensor gives none. End here."
    assert shown.technical
    assert live_view(fresh(faults=(LOW, MOTION_PART)), LIVE).ladder.word == "Ready"


def test_a_sensor_that_gives_no_force_is_said_beside_another_part_that_did_not_start() -> None:
    text, sub = banner_words(live_view(fresh(faults=(SILENT, MOTION_PART)), LIVE))
    assert text == "No force from the sensor"
    assert "No LSM6DS answers" in sub


@pytest.mark.parametrize("same", [SILENT, FAILS])
def test_a_part_that_did_not_start_is_graver_than_a_battery_and_its_cure_stands_before_its_cause(same: str) -> None:
    text, sub = banner_words(live_view(fresh(faults=(LOW, same, PART)), LIVE))
    assert text == "A part of the tool did not start"
    assert sub.startswith("End here, check its plugs. NAU7802: does not answer · ")
    assert "battery is low" in sub
    # The same in other words.
    assert "sensor" not in sub


def test_a_motion_sensor_that_did_not_start_ends_no_treatment() -> None:
    text, sub = banner_words(live_view(fresh(faults=(FAULTS[kinds.FAULT_MOTION], LOW, MOTION_PART)), LIVE))
    assert text == "A part of the tool did not start"
    assert sub.startswith("Force goes on. Later switch it off and on. No LSM6DS answers · ")
    assert "sensor fails" not in sub


def test_what_could_not_be_kept_is_said_once_and_in_large_words() -> None:
    kept = FAULTS[kinds.FAULT_STORE]
    text, sub = banner_words(live_view(fresh(faults=(kept, f"{SOMETHING_AMISS}: settings are lost")), LIVE))
    assert (text, sub) == ("Something of the tool is amiss", "Settings are lost: choose them again")


def test_a_broken_wire_goes_before_a_part_that_did_not_start() -> None:
    text, _sub = banner_words(live_view(fresh(faults=(MOTION_PART, FAULTS[kinds.FAULT_BRIDGE_OPEN])), LIVE))
    assert text == "A wire of the sensor is off"


def test_a_pause_says_how_the_tool_s_own_button_ends_it() -> None:
    real = replace(fresh(paused=True), tool=replace(TOOL, simulated=False, chooses_channels=True))
    assert "Hold its button again, or Space: goes on." in live_view(real, LIVE.pause(real)).ladder.sub
    # A pause of this screen alone, and a gauge without such a button.
    here = replace(real, paused=False)
    assert "button" not in live_view(here, LIVE.pause(here)).ladder.sub
    bare = replace(real, tool=replace(TOOL, warns=False))
    assert "button" not in live_view(bare, LIVE.pause(bare)).ladder.sub


def test_a_dose_that_was_reached_tells_how_to_go_on_by_hand_and_by_key() -> None:
    alert = replace(medium_alert(1.0), kind="dose")
    here = resting(6.8, medium_alert=alert)
    real = replace(here, tool=replace(TOOL, simulated=False, chooses_channels=True))
    assert "N or a double press: next region" in banner_words(live_view(real, LIVE))[1]
    assert "N: next region" in banner_words(live_view(here, LIVE))[1]


def test_a_marker_that_is_in_no_recording_says_so() -> None:
    def notes(count: int, lost: int) -> str:
        shown = live_view(replace(resting(6.8), marker_count=count, markers_not_recorded=lost), LIVE)
        (words,) = [note for note in shown.strip.stroke_notes if "marker" in note]
        return words

    assert notes(1, 0) == "1 marker"
    assert notes(1, 1) == "1 marker, not recorded"
    assert notes(3, 3) == "3 markers, not recorded"
    assert notes(3, 2) == "3 markers, 2 not recorded"


def test_the_newest_note_stands_first_as_what_does_not_fit_is_cut_off_at_the_end() -> None:
    notes = tuple(Note(f"thing {number}", 10 * number, far=number < 3) for number in (1, 2, 3, 4))
    shown = live_view(replace(resting(6.8), notes=notes, marker_count=1, region=2), LIVE).strip.stroke_notes
    assert shown[:2] == ("Region 2", "Thing 4")
    assert [note for note in shown if "Thing" in note] == ["Thing 4", "Thing 2", "Thing 1", "Thing 3"]
    assert shown.index("1 marker") < shown.index("Thing 2")


def test_a_marker_without_a_recording_is_news_on_top_of_the_strip() -> None:
    unrecorded = replace(resting(6.8), marker_count=1, markers_not_recorded=1, recording=RecordingView("", 0, 0.0, ""))
    assert live_view(unrecorded, LIVE).strip.stroke_notes[0] == "1 marker, not recorded"
