from __future__ import annotations

from dataclasses import replace

import pytest
from tests.host.app.live_view.snapshots import LIVE, clipped, resting, with_hole

from iastm_host.analysis.exposure import Exposure
from iastm_host.app.live_view import live_view
from iastm_host.app.snapshot import LiveSnapshot


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
