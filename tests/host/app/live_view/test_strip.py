from __future__ import annotations

import pytest
from tests.host.app.live_view.snapshots import LIVE, resting, silent_for, with_link

from iastm_host.analysis.exposure import Exposure
from iastm_host.app.live_view import live_view, summary_panel


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
        (11.1, 60.0, False, "Over, incomplete"),
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


def test_a_restart_is_a_gap_in_every_view_and_never_called_none() -> None:
    snapshot = resting(6.8, gap_count=1, restart_count=1, finished=True)
    view = live_view(snapshot, LIVE)
    assert view.strip.stroke_notes == ("1 gap (restart)",)
    assert view.missing_text == "1 gap (restart)"
    assert dict(summary_panel(snapshot, LIVE).rows)["Gaps"] == "1 gap (restart)"
    more = resting(6.8, missing_samples=128, gap_count=4, restart_count=2)
    assert live_view(more, LIVE).missing_text == "0.4 s missing, 128 samples, 4 gaps (2 restarts)"
    unseen = resting(6.8, gap_count=1)
    assert live_view(unseen, LIVE).strip.stroke_notes == ("1 gap",)


def test_nothing_is_vouched_for_while_samples_are_on_their_way() -> None:
    exposure = Exposure(9.0, 0, 0.0, 60.0, True)
    view = live_view(resting(6.8, exposure=exposure, awaited_samples=2607), LIVE)
    assert view.strip.headline == "Incomplete"
    assert view.strip.stroke_notes == ("2,607 samples on their way",)
    assert view.missing_text == "2,607 samples on their way"
    filled = live_view(resting(6.8, exposure=exposure), LIVE)
    assert (filled.strip.headline, filled.strip.stroke_notes) == ("Within limits", ("No sample missing",))
    one = live_view(resting(6.8, exposure=exposure, awaited_samples=1, missing_samples=128, gap_count=1), LIVE)
    assert one.strip.stroke_notes[:2] == ("1 sample on its way", "0.4 s missing")


def test_without_a_stream_no_view_says_that_nothing_is_missing() -> None:
    snapshot = resting(6.8)
    assert live_view(with_link(snapshot, "lost"), LIVE).strip.stroke_notes == ("Not counted: link lost",)
    assert live_view(silent_for(snapshot, 1.0), LIVE).strip.stroke_notes == ("Not counted: no data",)
    assert live_view(with_link(snapshot, "greeting"), LIVE).strip.stroke_notes == ("Not counted: no data",)


def test_after_clipping_peaks_and_dose_are_said_to_be_at_least_so_much() -> None:
    strip = live_view(resting(6.8, exposure=Exposure(199.2, 1, 31.4, 60.0, True, clipped=True)), LIVE).strip
    assert [bar.value for bar in strip.bars] == ["≥ 199 N", "1", "≥ 31.4 N·s"]
    assert strip.headline == "Over limit"
    below = resting(6.8, exposure=Exposure(7.0, 1, 31.4, 60.0, True, clipped=True))
    assert live_view(below, LIVE).strip.headline == "Incomplete"
