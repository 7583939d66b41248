from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.host.app.live_view.snapshots import (
    LIVE,
    clipped,
    resting,
    silent_for,
    with_hole,
    with_link,
    with_verdict,
)
from tests.host.window.fake_session import HOLD

from iastm_host.app.live_view import live_view
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.events import Problem


@pytest.mark.parametrize(
    ("peak_n", "state", "slot", "shape", "word"),
    [
        (3.9, "light", "bottom", "triangle_down", "Too light"),
        (6.8, "fine", "middle", "circle", "Fine"),
        (9.4, "firm", "top", "triangle_up_hollow", "Firm"),
        (12.2, "hard", "top", "triangle_up", "Hard"),
        (16.2, "too_hard", "top", "diamond", "Too hard"),
    ],
)
def test_the_last_stroke_s_peak_lights_its_slot_with_shape_and_word(
    peak_n: float, state: str, slot: str, shape: str, word: str
) -> None:
    ladder = live_view(resting(peak_n), LIVE).ladder
    assert (ladder.state, ladder.slot, ladder.shape, ladder.word) == (state, slot, shape, word)
    assert ladder.number == f"{peak_n:.1f}"
    assert not ladder.technical


def test_the_number_holds_while_the_next_stroke_is_under_way() -> None:
    snapshot = with_verdict(resting(6.8), running_n=4.0, contact_start_us=resting(6.8).trace.last_tool_us - 200_000)
    assert live_view(snapshot, LIVE).ladder.number == "6.8"


def test_crossing_warn_lights_the_top_slot_before_the_stroke_ends() -> None:
    start_us = resting(6.8).trace.last_tool_us - 200_000
    hard = with_verdict(resting(6.8), running_n=12.1, warn_crossed=True, contact_start_us=start_us)
    over = with_verdict(hard, running_n=14.6, alarm_crossed=True)
    assert (live_view(hard, LIVE).ladder.word, live_view(hard, LIVE).ladder.number) == ("Hard", "12.1")
    assert (live_view(over, LIVE).ladder.word, live_view(over, LIVE).ladder.number) == ("Too hard", "14.6")


def test_without_contact_for_three_seconds_the_number_goes() -> None:
    snapshot = resting(6.8)
    end_us = snapshot.trace.last_tool_us
    just_before = with_verdict(snapshot, contact_end_us=end_us - 2_999_000)
    at_three = with_verdict(snapshot, contact_end_us=end_us - 3_000_000)
    assert live_view(just_before, LIVE).ladder.state == "fine"
    assert (live_view(at_three, LIVE).ladder.state, live_view(at_three, LIVE).ladder.number) == ("ready", "")


def test_a_stroke_after_a_rest_does_not_bring_the_old_number_back() -> None:
    snapshot = resting(6.8)
    now_us = snapshot.trace.last_tool_us
    begun = with_verdict(snapshot, running_n=3.0, contact_start_us=now_us - 300_000, contact_end_us=now_us - 5_000_000)
    assert live_view(begun, LIVE).ladder.state == "ready"


def test_before_the_first_stroke_there_is_no_number() -> None:
    ladder = live_view(with_verdict(resting(6.8), last_n=None, contact_end_us=0), LIVE).ladder
    assert (ladder.word, ladder.number) == ("Ready", "")


@pytest.mark.parametrize("state", ["closed", "connecting", "greeting", "synchronising", "refused", "lost", "ended"])
def test_a_link_that_does_not_stream_shows_no_number(state: str) -> None:
    view = live_view(with_link(resting(6.8), state, "because"), LIVE)
    assert view.ladder.number == ""
    assert view.ladder.slot == ""
    assert not view.shows_force
    assert view.pressure_text == "–"


def test_silence_over_half_a_second_removes_the_number_and_counts() -> None:
    assert live_view(silent_for(resting(6.8), 0.5), LIVE).ladder.number == "6.8"
    ladder = live_view(silent_for(resting(6.8), 0.61), LIVE).ladder
    assert (ladder.state, ladder.word, ladder.number, ladder.technical) == ("stale", "No data 0.6 s", "", True)


def test_a_lost_link_counts_its_seconds_and_gives_its_reason() -> None:
    lost = with_link(resting(6.8), "lost", "The port went away")
    view = live_view(replace(lost, taken_us=lost.taken_us + 2_100_000), LIVE)
    assert view.ladder.word == "Link lost 2.1 s"
    assert view.banner is not None
    assert view.banner.sub == "The port went away"
    assert view.chips[0].inverse
    assert view.technical


@pytest.mark.parametrize(
    ("state", "carrier", "asked_s", "word"),
    [
        ("closed", "serial", 900.0, "Looking for the tool"),
        ("searching", "serial", 2.9, "Looking for the tool"),
        ("searching", "serial", 3.0, "Switch on the tool"),
        ("connecting", "serial", 2.9, "Looking for the tool"),
        ("connecting", "serial", 3.0, "Switch on the tool"),
        ("greeting", "serial", 0.5, "Connecting"),
        ("greeting", "serial", 1.5, "Switch on the tool"),
        ("synchronising", "serial", 1.5, "Connecting"),
        ("greeting", "simulated", 1.5, "Connecting"),
        ("connecting", "simulated", 3.5, "Connecting"),
    ],
)
def test_a_tool_that_does_not_answer_is_to_be_switched_on(state: str, carrier: str, asked_s: float, word: str) -> None:
    waiting = with_link(resting(6.8), state, carrier=carrier)
    assert live_view(replace(waiting, taken_us=waiting.taken_us + round(asked_s * 1e6)), LIVE).ladder.word == word


def test_a_run_that_a_problem_ended_is_not_called_finished() -> None:
    problem = Problem("The port went away.", "Plug it in.")
    ladder = live_view(resting(6.8, problem=problem, finished=True), LIVE).ladder
    assert (ladder.word, ladder.sub, ladder.technical) == ("Stopped early", "The port went away.", True)
    assert live_view(resting(6.8, finished=True), LIVE).ladder.word == "Finished"


def test_a_clipped_sample_a_moment_ago_covers_the_number() -> None:
    snapshot = resting(6.8)
    last = len(snapshot.trace.force_n)
    view = live_view(clipped(snapshot, last - 10, last - 5), LIVE)
    assert (view.ladder.state, view.ladder.word, view.ladder.number) == ("saturated", "Out of range", "")


def test_a_stroke_with_clipped_samples_never_shows_its_peak() -> None:
    snapshot = resting(50.0)
    stroke = snapshot.strokes[-1]
    peak = stroke.peak_index - snapshot.trace.first_index
    view = live_view(clipped(snapshot, peak - 2, peak + 3), LIVE)
    age_us = (len(snapshot.trace.force_n) - peak) * snapshot.trace.period_us
    assert age_us > 600_000
    assert view.ladder.number == ""
    assert live_view(snapshot, LIVE).ladder.number == "50.0"


def test_the_stroke_after_a_clipped_one_counts_again() -> None:
    snapshot = resting(6.8)
    before = snapshot.strokes[-2].peak_index - snapshot.trace.first_index
    assert live_view(clipped(snapshot, before, before + 3), LIVE).ladder.number == "6.8"


def test_while_samples_are_fetched_the_next_whole_stroke_counts() -> None:
    snapshot = resting(6.8)
    inside = snapshot.strokes[-1].peak_index - snapshot.trace.first_index
    ladder = live_view(with_hole(snapshot, inside - 900, inside, lost=False), LIVE).ladder
    assert (ladder.word, ladder.sub, ladder.number) == ("Next stroke counts", "Fetching 900 samples", "")
    earlier = snapshot.strokes[-2].peak_index - snapshot.trace.first_index
    assert live_view(with_hole(snapshot, earlier - 100, earlier, lost=False), LIVE).ladder.number == "6.8"


def test_what_cannot_be_fetched_does_not_hold_the_verdict_back() -> None:
    snapshot = resting(6.8)
    inside = snapshot.strokes[-1].peak_index - snapshot.trace.first_index
    assert live_view(with_hole(snapshot, inside - 900, inside, lost=True), LIVE).ladder.number == "6.8"


def holding(steady_n: float, held_s: float = 34.0, **changes: Any) -> LiveSnapshot:
    snapshot = resting(6.8, profile=HOLD)
    start_us = snapshot.trace.last_tool_us - round(held_s * 1e6)
    return with_verdict(snapshot, running_n=steady_n, steady_n=steady_n, contact_start_us=start_us, **changes)


def test_a_held_force_shows_its_median_seconds_and_progress() -> None:
    view = live_view(holding(7.1), LIVE)
    assert (view.ladder.word, view.ladder.number, view.ladder.held_text) == ("Hold", "7.1", "34 s")
    assert view.ladder.progress == pytest.approx(34 / 60)
    assert (view.strip.rate_title, view.strip.rate_number, view.strip.rate_unit) == ("Hold", "34", "s")


def test_a_held_force_leaves_a_state_downwards_ten_percent_below_its_edge() -> None:
    was_firm = replace(LIVE, ladder_state="firm")
    assert live_view(holding(8.9), was_firm).ladder.state == "firm"
    assert live_view(holding(8.0), was_firm).ladder.state == "hold"
    assert live_view(holding(8.9), LIVE).ladder.state == "hold"
    assert live_view(holding(5.9), replace(LIVE, ladder_state="hold")).ladder.state == "hold"
    assert live_view(holding(9.1), replace(LIVE, ladder_state="hold")).ladder.state == "firm"


def test_without_contact_nothing_is_held() -> None:
    view = live_view(with_verdict(holding(7.1), running_n=None), LIVE)
    assert (view.ladder.state, view.strip.rate_number) == ("ready", "–")


def pressing(steady_n: float, held_s: float, highest_n: float | None = None) -> LiveSnapshot:
    """Return a contact that goes on after a fine stroke; `highest_n` was reached a second ago."""
    snapshot = resting(6.8)
    force_n = np.full(len(snapshot.trace.force_n), steady_n)
    if highest_n is not None:
        force_n[-340:-310] = highest_n
    return with_verdict(
        replace(snapshot, trace=replace(snapshot.trace, force_n=force_n)),
        running_n=max(steady_n, highest_n or 0.0),
        steady_n=steady_n,
        warn_crossed=(highest_n or steady_n) > 11,
        contact_start_us=snapshot.trace.last_tool_us - round(held_s * 1e6),
        contact_end_us=snapshot.trace.last_tool_us - round(held_s * 1e6) - 900_000,
    )


def test_a_contact_too_long_for_a_stroke_shows_what_is_pressed_now_and_no_more_the_last_stroke() -> None:
    assert live_view(pressing(8.0, 5.9), LIVE).ladder.number == "6.8"
    view = live_view(pressing(8.0, 12.0), LIVE)
    assert (view.ladder.word, view.ladder.number, view.ladder.held_text) == ("Held", "8.0", "0:12")
    assert view.shows_force
    assert "In contact 0:12" in view.strip.stroke_notes
    assert (live_view(pressing(30.0, 10.0), LIVE).ladder.word) == "Too hard"


def test_too_much_force_in_a_long_contact_shows_for_a_moment_and_goes() -> None:
    assert (live_view(pressing(4.0, 12.0, highest_n=16.0), LIVE).ladder.number) == "16.0"
    assert live_view(with_verdict(pressing(4.0, 12.0), running_n=16.0, warn_crossed=True), LIVE).ladder.number == "4.0"
