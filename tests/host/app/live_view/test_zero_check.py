from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.host.app.live_view.snapshots import LIVE, resting, with_hole, with_link, with_verdict
from tests.host.window.fake_session import HOLD, ONE_HAND

from iastm_calibration.zero_tracking import ZeroDrift
from iastm_host.analysis.profiles import Profile
from iastm_host.app.live_view import live_view
from iastm_host.app.snapshot import LiveSnapshot


def with_force(level_n: float, noise_n: float, contact_s: float | None, rest_s: float = 9.0) -> LiveSnapshot:
    """Return a level of force with noise, in contact for `contact_s`, or out of it since `rest_s`."""
    snapshot = resting(6.8, tool_warns=True)
    rng = np.random.default_rng(7)
    force_n = level_n + rng.normal(0.0, noise_n, len(snapshot.trace.force_n))
    now_us = snapshot.trace.last_tool_us
    return with_verdict(
        replace(snapshot, trace=replace(snapshot.trace, force_n=force_n)),
        running_n=None if contact_s is None else level_n,
        contact_start_us=now_us - round((contact_s or 12.0) * 1e6),
        contact_end_us=now_us - round((contact_s or rest_s) * 1e6),
    )


def banner_text(snapshot: LiveSnapshot) -> str:
    banner = live_view(snapshot, LIVE).banner
    return "" if banner is None else banner.text


@pytest.mark.parametrize(
    ("level_n", "rest_s", "text"),
    [
        (-0.8, 3.1, "Zero is off: lift the tool, press Z"),
        (-0.8, 2.9, ""),
        (-0.4, 9.0, ""),
        (0.3, 9.0, ""),
    ],
)
def test_a_rest_clearly_below_zero_says_that_the_zero_is_off(level_n: float, rest_s: float, text: str) -> None:
    assert banner_text(with_force(level_n, 0.02, None, rest_s)) == text


@pytest.mark.parametrize(
    ("noise_n", "contact_s", "profile", "text"),
    [
        (0.02, 20.1, ONE_HAND, "Check zero: lift the tool, press Z"),
        (0.02, 19.9, ONE_HAND, ""),
        (0.5, 60.0, ONE_HAND, ""),
        (0.02, 60.0, HOLD, ""),
    ],
)
def test_contact_without_variation_says_to_check_the_zero_but_in_a_hold(
    noise_n: float, contact_s: float, profile: Profile, text: str
) -> None:
    assert banner_text(replace(with_force(6.0, noise_n, contact_s), profile=profile)) == text


def test_what_is_missing_or_replayed_or_lost_is_no_rest() -> None:
    off = with_force(-0.8, 0.02, None)
    assert banner_text(with_hole(off, len(off.trace.force_n) - 900, len(off.trace.force_n), lost=True)) == ""
    assert banner_text(with_link(off, "streaming", carrier="replay")) == ""
    assert "Zero" not in banner_text(with_link(off, "lost"))


@pytest.mark.parametrize(
    ("drift_n", "exceeds", "text"),
    [
        (0.34, True, "Zero moved by +0.3 N: lift the tool, press Z"),
        (-0.42, True, "Zero moved by −0.4 N: lift the tool, press Z"),
        (0.34, False, ""),
    ],
)
def test_a_drift_past_doubt_says_how_far_zero_moved_and_how_fast(drift_n: float, exceeds: bool, text: str) -> None:
    drift = ZeroDrift(drift_n, 0.02, 0.031, 0.01, exceeds)
    banner = live_view(replace(with_force(drift_n, 0.02, None), zero_drift=drift), LIVE).banner
    assert ("" if banner is None else banner.text) == text
    assert banner is None or banner.sub == "By what its rests say, +0.03 N per minute"
