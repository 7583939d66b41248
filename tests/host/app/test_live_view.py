from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host.window.fake_session import HOLD, ONE_HAND, TIP, medium_alert, snapshot_at

from iastm_host.analysis.exposure import Exposure
from iastm_host.app.live_view import (
    FORCE_STATES,
    LIMIT_CAPTION,
    ViewState,
    about_panel,
    axis_top_n,
    classify,
    clock_text,
    force_text,
    live_view,
    size_text,
    summary_panel,
)
from iastm_host.app.snapshot import LinkView, LiveSnapshot, RecordingView, ReplayView, ZeroView
from iastm_host.events import Alert, Problem

LIVE = ViewState()
RESTING_S = 21 * 2.1 + 1.9
"""A moment at which the newest stroke is over and the next has not begun."""


def resting(peak_n: float, **changes: Any) -> LiveSnapshot:
    return snapshot_at(RESTING_S, peaks_n=(peak_n,), **changes)


def with_verdict(snapshot: LiveSnapshot, **changes: Any) -> LiveSnapshot:
    return replace(snapshot, verdict=replace(snapshot.verdict, **changes))


def with_link(snapshot: LiveSnapshot, state: str, reason: str = "", carrier: str = "serial") -> LiveSnapshot:
    return replace(snapshot, link=LinkView(carrier, state, reason, snapshot.taken_us))


def silent_for(snapshot: LiveSnapshot, seconds: float) -> LiveSnapshot:
    return replace(snapshot, taken_us=snapshot.trace.last_arrived_us + round(seconds * 1e6))


def clipped(snapshot: LiveSnapshot, first: int, end: int) -> LiveSnapshot:
    saturated = snapshot.trace.saturated.copy()
    saturated[first:end] = True
    return replace(snapshot, trace=replace(snapshot.trace, saturated=saturated))


def with_hole(snapshot: LiveSnapshot, first: int, end: int, lost: bool) -> LiveSnapshot:
    force_n = snapshot.trace.force_n.copy()
    force_n[first:end] = np.nan
    offset = snapshot.trace.first_index
    gaps = ((offset + first, offset + end, "lost"),) if lost else ()
    return replace(snapshot, trace=replace(snapshot.trace, force_n=force_n, gaps=gaps))


# The verdict


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


@given(st.floats(0, 60), st.floats(0, 60))
def test_a_higher_force_is_never_a_lower_state(one_n: float, other_n: float) -> None:
    low_n, high_n = sorted((one_n, other_n))
    assert FORCE_STATES.index(classify(low_n, ONE_HAND)) <= FORCE_STATES.index(classify(high_n, ONE_HAND))


def test_each_edge_belongs_to_the_gentler_state() -> None:
    edges_n = (ONE_HAND.target_low_n, ONE_HAND.target_high_n, ONE_HAND.warn_n, ONE_HAND.alarm_n)
    assert [classify(edge_n, ONE_HAND) for edge_n in edges_n] == ["fine", "fine", "firm", "hard"]


def test_a_limit_that_is_off_is_never_crossed() -> None:
    profile = replace(ONE_HAND, warn_n=0.0, alarm_n=0.0)
    assert classify(1e3, profile) == "firm"


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


# Signals in doubt


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
    assert (ladder.state, ladder.word, ladder.number, ladder.technical) == ("stale", "No new data 0.6 s", "", True)


def test_a_lost_link_counts_its_seconds_and_gives_its_reason() -> None:
    lost = with_link(resting(6.8), "lost", "The port went away")
    view = live_view(replace(lost, taken_us=lost.taken_us + 2_100_000), LIVE)
    assert view.ladder.word == "Link lost 2.1 s"
    assert view.banner is not None
    assert view.banner.sub == "The port went away"
    assert view.chips[0].inverse
    assert view.technical


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


@st.composite
def snapshots(draw: st.DrawFn) -> tuple[LiveSnapshot, bool]:
    """Return a snapshot and whether its signal may look live."""
    snapshot = snapshot_at(
        draw(st.floats(12, 60)), peaks_n=tuple(draw(st.lists(st.floats(1, 60), min_size=1, max_size=5)))
    )
    snapshot = replace(snapshot, profile=draw(st.sampled_from([ONE_HAND, HOLD])))
    state = draw(st.sampled_from(["streaming", "streaming", "streaming", "silent", "lost", "refused", "ended"]))
    silence_s = draw(st.sampled_from([0.0, 0.2, 0.51, 3.0]))
    clip = draw(st.booleans())
    if clip:
        last = len(snapshot.trace.force_n)
        first = draw(st.integers(last - 150, last - 1))
        snapshot = clipped(snapshot, first, draw(st.integers(first + 1, last)))
    if draw(st.booleans()):
        snapshot = with_verdict(
            snapshot,
            running_n=draw(st.floats(0, 60)),
            warn_crossed=draw(st.booleans()),
            alarm_crossed=draw(st.booleans()),
        )
    snapshot = silent_for(replace(snapshot, link=replace(snapshot.link, state=state)), silence_s)
    return snapshot, state == "streaming" and silence_s <= 0.5 and not clip


@given(snapshots(), st.booleans(), st.sampled_from(["", *FORCE_STATES, "hold", "paused"]))
def test_a_signal_in_doubt_never_shows_a_number(drawn: tuple[LiveSnapshot, bool], pause: bool, before: str) -> None:
    snapshot, live = drawn
    view = replace(LIVE, ladder_state=before)
    shown = live_view(snapshot, view.pause(snapshot) if pause else view)
    if not live:
        assert shown.ladder.number == ""
        assert shown.ladder.slot == ""
        assert not shown.shows_force
    assert (shown.ladder.number == "") == (shown.ladder.slot == "")


# Sustained techniques


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


# Pause, inspection, sound


def test_a_paused_view_says_so_and_the_alert_goes_on() -> None:
    snapshot = resting(6.8)
    view = LIVE.pause(snapshot)
    later = replace(snapshot, medium_alert=medium_alert(RESTING_S))
    shown = live_view(later, view)
    assert shown.ladder.word == "Paused"
    assert shown.banner is not None
    assert shown.banner.text == "Ease off: 3 of the last 5 over 14 N"
    assert shown.medium


def test_too_much_force_in_a_pause_shows_in_the_banner() -> None:
    view = LIVE.pause(resting(6.8))
    hard = with_verdict(resting(6.8), running_n=15.2, warn_crossed=True, alarm_crossed=True)
    banner = live_view(hard, view).banner
    assert banner is not None
    assert banner.text == "Too hard: 15.2 N"


def test_a_pause_stops_the_region_s_timer_and_exposure_goes_on() -> None:
    def after(contact_s: float) -> LiveSnapshot:
        return resting(6.8, exposure=Exposure(9.0, 2, 1.0, contact_s, True))

    view = LIVE.pause(after(60.0))
    assert live_view(after(90.0), view).strip.contact.value == "1:00"
    assert live_view(after(90.0), view).strip.contact_note == "stopped"
    going = view.go_on(after(90.0))
    assert live_view(after(95.0), going).strip.contact.value == "1:05"
    assert live_view(after(95.0), view).strip.bars[1].value == "2"


def test_a_recording_that_begins_counts_contact_anew_whatever_was_paused_before() -> None:
    def after(contact_s: float) -> LiveSnapshot:
        return resting(6.8, exposure=Exposure(9.0, 2, 1.0, contact_s, True))

    view = LIVE.pause(after(60.0)).go_on(after(90.0)).after(after(90.0), "fine")
    assert live_view(after(95.0), view).strip.contact.value == "1:05"
    begun = view.after(after(0.0), "ready")
    assert live_view(after(5.0), begun).strip.contact.value == "0:05"


def test_inspection_starts_at_the_newest_peak_and_stays_within_the_trace() -> None:
    snapshot = resting(6.8)
    view = LIVE.inspect(snapshot)
    shown = live_view(snapshot, view)
    assert view.paused
    assert shown.cursor is not None
    assert shown.cursor.force_n == pytest.approx(6.8, abs=0.2)
    earliest = live_view(snapshot, view.move_cursor(-(10**6))).cursor
    newest = live_view(snapshot, view.move_cursor(10**6)).cursor
    assert earliest is not None
    assert newest is not None
    assert earliest.age_s == pytest.approx((len(snapshot.trace.force_n) - 1) * snapshot.trace.period_us / 1e6)
    assert newest.age_s == 0.0
    assert live_view(snapshot, view.inspect(snapshot)).cursor is None


def test_the_cursor_says_that_a_sample_is_missing_or_clipped() -> None:
    snapshot = clipped(with_hole(resting(6.8), 100, 110, lost=True), 200, 210)
    view = LIVE.inspect(snapshot)
    size = len(snapshot.trace.force_n)
    missing = live_view(snapshot, replace(view, cursor=size - 1 - 105)).cursor
    over = live_view(snapshot, replace(view, cursor=size - 1 - 205)).cursor
    assert missing is not None
    assert missing.force_n is None
    assert missing.text.startswith("missing")
    assert over is not None
    assert over.text.startswith("at least")


def test_a_paused_sound_is_seen_counting_down_and_ends_by_itself() -> None:
    snapshot = resting(6.8)
    view = LIVE.pause_sound(snapshot.taken_us)
    later = replace(snapshot, taken_us=snapshot.taken_us + 12_000_000)
    chip = live_view(later, view).chips[-1]
    assert (chip.word, chip.inverse) == ("1:48", True)
    over = replace(snapshot, taken_us=snapshot.taken_us + 120_000_000)
    assert not live_view(over, view).chips[-1].inverse
    assert not view.pause_sound(later.taken_us).sound_paused(later.taken_us)


def test_a_machine_without_sound_says_so() -> None:
    view = live_view(resting(6.8), LIVE.without_sound())
    assert view.chips[-1].near == "No sound"
    assert "sound" not in [action.command for action in view.actions]


# Banners


def test_banners_come_in_order_of_what_must_be_acted_on() -> None:
    snapshot = resting(6.8)
    trouble = RecordingView("/r/a.iastm", 10, 1.0, "disk full")
    shown = []
    for change in (
        {"battery_percent": 9},
        {"faults": ("converter silent",)},
        {"recording": trouble},
        {"zero": ZeroView(True, "Hold still to zero", 0, False, 0.6)},
        {"link": LinkView("serial", "lost", "unplugged", snapshot.taken_us)},
        {"medium_alert": medium_alert(RESTING_S)},
        {"problem": Problem("The session stopped.", "Start again.")},
    ):
        snapshot = replace(snapshot, **change)
        banner = live_view(snapshot, LIVE).banner
        assert banner is not None
        shown.append(banner.text)
    assert shown == [
        "Battery 9 %",
        "Converter silent",
        "Disk full",
        "Hold still to zero",
        "Link lost. Carry on: the tool warns by itself.",
        "Ease off: 3 of the last 5 over 14 N",
        "The session stopped.",
    ]


def test_a_zero_s_word_goes_when_its_time_is_over() -> None:
    snapshot = resting(6.8)
    zero = ZeroView(False, "Zero set", snapshot.taken_us + 1, True, 0.0)
    banner = live_view(replace(snapshot, zero=zero), LIVE).banner
    assert banner is not None
    assert (banner.text, banner.sub) == ("Zero set", "U restores the old zero")
    assert live_view(replace(snapshot, zero=zero, taken_us=snapshot.taken_us + 1), LIVE).banner is None


def test_only_a_medium_alert_flashes() -> None:
    alert = live_view(resting(6.8, medium_alert=medium_alert(1.0)), LIVE).banner
    lost = live_view(with_link(resting(6.8), "lost"), LIVE).banner
    assert alert is not None
    assert lost is not None
    assert (alert.flashing, lost.flashing) == (True, False)


# Chips and strip


def test_a_simulated_tool_is_called_so() -> None:
    assert "Simulated tool" in live_view(resting(6.8), LIVE).subtitle


def test_a_replay_is_called_so_and_shows_its_place() -> None:
    replay = with_link(resting(6.8, replay=ReplayView(83.0, 296.0, 4.0)), "streaming", carrier="replay")
    view = live_view(replay, LIVE)
    assert view.chips[0].word == "Replay"
    assert view.chips[0].near == "1:23 of 4:56, 4×"
    assert "Replay" in view.subtitle
    assert {"zero", "marker", "record"}.isdisjoint(action.command for action in view.actions)


def test_recording_shows_time_and_growing_size_and_its_absence_is_said() -> None:
    running = resting(6.8, recording=RecordingView("/r/a.iastm", 3_260_000, 761.0, ""))
    assert (live_view(running, LIVE).chips[1].word, live_view(running, LIVE).chips[1].near) == ("12:41", "3.26 MB")
    none = live_view(resting(6.8, recording=None), LIVE)
    assert none.chips[1].near == "Not recording"
    assert "record" in [action.command for action in none.actions]


def test_a_recording_that_could_not_start_is_not_shown_as_running() -> None:
    view = live_view(resting(6.8, recording=RecordingView("", 0, 0.0, "Disk full.")), LIVE)
    assert (view.chips[1].near, view.chips[1].inverse) == ("Not recording", True)
    assert "record" in [action.command for action in view.actions]


def test_rate_stands_per_minute_and_in_hertz_and_not_on_a_stale_signal() -> None:
    snapshot = resting(6.8, stroke_rate_hz=0.47)
    strip = live_view(snapshot, LIVE).strip
    assert (strip.rate_number, strip.rate_hz_text) == ("28", "0.47 Hz")
    assert live_view(silent_for(snapshot, 1.0), LIVE).strip.rate_number == "–"


@pytest.mark.parametrize(
    ("peak95_n", "contact_s", "complete", "headline"),
    [
        (None, 0.0, True, "No strokes yet"),
        (9.0, 60.0, True, "Within limits"),
        (9.9, 60.0, True, "Near limit"),
        (9.0, 270.0, True, "Near limit"),
        (11.1, 60.0, True, "Over limit"),
        (9.0, 301.0, True, "Over limit"),
        (9.0, 60.0, False, "Incomplete"),
        (11.1, 60.0, False, "Over limit"),
    ],
)
def test_the_headline_is_the_worst_limit(
    peak95_n: float | None, contact_s: float, complete: bool, headline: str
) -> None:
    snapshot = resting(6.8, exposure=Exposure(peak95_n, 0, 0.0, contact_s, complete))
    assert live_view(snapshot, LIVE).strip.headline == headline


def test_a_bar_without_a_limit_shows_its_value_only() -> None:
    bars = live_view(resting(6.8, exposure=Exposure(9.0, 7, 3.14, 60.0, True)), LIVE).strip.bars
    assert [(bar.value, bar.share) for bar in bars[1:]] == [("7", None), ("3.1 N·s", None)]


def test_missing_samples_are_said_in_seconds() -> None:
    view = live_view(resting(6.8, missing_samples=128, gap_count=1), LIVE)
    assert view.missing_text == "0.4 s missing, 128 samples, 1 gap"
    assert "0.4 s missing" in view.strip.stroke_notes


def test_pressure_needs_the_tip_s_area_and_carries_its_uncertainty() -> None:
    assert live_view(resting(6.0, tip=None), LIVE).pressure_text == ""
    tip = replace(TIP, area_cm2=1.2, area_uncertainty_cm2=0.12)
    assert live_view(resting(6.0, tip=tip), LIVE).pressure_text == "50 ± 5 kPa"


# Honest words


def test_the_limit_s_caption_stands_by_the_chart() -> None:
    assert live_view(resting(6.8), LIVE).caption == LIMIT_CAPTION == "Caution limit for skin marks (petechiae)"


def test_grades_and_the_missing_threshold_are_one_key_away() -> None:
    assert "about" in [action.command for action in live_view(resting(6.8), LIVE).actions]
    text = " ".join(word for row in about_panel(ONE_HAND, TIP).rows for word in row)
    assert "No published source gives a human scraping force or pressure at which petechiae appear" in text
    assert "not a medical device" in text
    assert "simulant" in text
    assert "derived by a rule of ours" in text
    assert ONE_HAND.source in text


def test_no_view_claims_safety_or_blames() -> None:
    said: list[str] = []
    for snapshot in (resting(4.0), resting(16.0), with_link(resting(6.8), "lost"), silent_for(resting(6.8), 2.0)):
        view = live_view(replace(snapshot, medium_alert=medium_alert(1.0)), LIVE)
        said += [view.ladder.word, view.ladder.sub, view.banner.text if view.banner else "", view.strip.headline]
    said += [word for row in about_panel(ONE_HAND, None).rows for word in row]
    text = " ".join(said).lower()
    assert not [word for word in ("safe", "risk", "error", "invalid", "please", "!") if word in text]


def test_the_summary_counts_what_a_run_came_to() -> None:
    alerts = (Alert(1, "alarm", "cue", 5, 5, False), Alert(1, "alarm", "cue", 9, 9, False), medium_alert(1.0))
    snapshot = resting(6.8, alerts=alerts, missing_samples=32, gap_count=1, finished=True)
    rows = dict(summary_panel(snapshot).rows)
    assert rows["Alerts"] == "2 alarm, 1 repeated"
    assert rows["Gaps"] == "0.1 s missing, 32 samples, 1 gap"
    assert rows["Recording"].startswith("/home/me/Recordings/")
    assert dict(summary_panel(replace(snapshot, recording=None)).rows)["Recording"] == "Not recorded"
    stopped = summary_panel(replace(snapshot, problem=Problem("The port went away.", "Plug it in.")))
    assert (stopped.title, stopped.rows[0]) == ("Stopped early", ("Problem", "The port went away. Plug it in."))


def test_the_axis_belongs_to_the_profile() -> None:
    assert axis_top_n(ONE_HAND) == pytest.approx(1.29 * 14)
    assert axis_top_n(replace(ONE_HAND, alarm_n=0.0, warn_n=0.0)) == pytest.approx(1.29 * 8.5)


def test_numbers_are_written_the_same_way_everywhere() -> None:
    assert [force_text(force_n) for force_n in (0.04, 9.96, 99.94, 99.96, 123.4)] == [
        "0.0",
        "10.0",
        "99.9",
        "100",
        "123",
    ]
    assert [clock_text(seconds) for seconds in (0, 61.9, 3661)] == ["0:00", "1:01", "1:01:01"]
    assert [size_text(count) for count in (0, 999_499, 1_000_000)] == ["0 kB", "999 kB", "1.00 MB"]
