from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.host.app.live_view.snapshots import LIVE, clipped, resting, silent_for, with_link, with_verdict
from tests.host.window.fake_session import HOLD, ONE_HAND, TIP, medium_alert, snapshot_at

from iastm_host.app.live_view import FORCE_STATES, LIMIT_CAPTION, about_panel, live_view
from iastm_host.app.snapshot import LiveSnapshot


def test_pressure_needs_the_tip_s_area_and_carries_its_uncertainty() -> None:
    assert live_view(resting(6.0, tip=None), LIVE).pressure_text == ""
    tip = replace(TIP, area_cm2=1.2, area_uncertainty_cm2=0.12)
    assert live_view(resting(6.0, tip=tip), LIVE).pressure_text == "50 ± 5 kPa"


def test_an_uncertainty_that_was_not_given_is_not_said_to_be_zero() -> None:
    tip = replace(TIP, area_cm2=1.2, area_uncertainty_cm2=0.0)
    assert live_view(resting(6.0, tip=tip), LIVE).pressure_text == "50 kPa, ± not stated"
    said = dict(about_panel(ONE_HAND, tip).rows)["Pressure"]
    assert "1.2 cm², ± not stated" in said
    assert "± 0" not in said


def test_the_limit_s_caption_stands_by_the_chart() -> None:
    assert live_view(resting(6.8), LIVE).caption == LIMIT_CAPTION == "Caution limit for skin marks (petechiae)"


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


def test_no_view_claims_safety_or_blames() -> None:
    said: list[str] = []
    for snapshot in (resting(4.0), resting(16.0), with_link(resting(6.8), "lost"), silent_for(resting(6.8), 2.0)):
        view = live_view(replace(snapshot, medium_alert=medium_alert(1.0)), LIVE)
        said += [view.ladder.word, view.ladder.sub, view.banner.text if view.banner else "", view.strip.headline]
    said += [word for row in about_panel(ONE_HAND, None).rows for word in row]
    text = " ".join(said).lower()
    assert not [word for word in ("safe", "risk", "error", "invalid", "please", "!") if word in text]
