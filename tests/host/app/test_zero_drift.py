from __future__ import annotations

import numpy as np
import pytest

from iastm_calibration.zero_tracking import ZeroDrift
from iastm_host.app.zero_drift import LIMIT_N, REST_S, RESTS_ASKED, ZeroDriftWatch
from iastm_host.events import ForceBlock, ZeroReport

RATE_HZ = 320.0
N = 8


class Hand:
    """A watch and the samples it sees."""

    def __init__(self, seed: int = 1) -> None:
        self.watch = ZeroDriftWatch()
        self.rng = np.random.default_rng(seed)
        self.index = 0
        self.boot_id = 7

    def said(self) -> ZeroDrift | None:
        return self.watch.drift

    def rest(self, offset_n: float, seconds: float = REST_S + 0.1, *, per_min_n: float = 0.0) -> None:
        end = self.index + round(seconds * RATE_HZ)
        while self.index < end:
            at_s = self.index / RATE_HZ
            self.block(offset_n + per_min_n * at_s / 60 + self.rng.normal(0, 0.0014, N))

    def stroke(self) -> None:
        for _ in range(40):
            self.block(np.full(N, 6.0), in_contact=True)

    def block(self, force_n: np.ndarray, *, in_contact: bool = False) -> None:
        time_us = round(self.index * 1e6 / RATE_HZ)
        made = ForceBlock(self.boot_id, self.index, time_us, 1e6 / RATE_HZ, force_n, None, 0, time_us, False)
        self.watch.feed(made, in_contact=in_contact)
        self.index += N


def test_nothing_is_said_before_there_were_some_rests() -> None:
    hand = Hand()
    for _ in range(RESTS_ASKED - 1):
        hand.rest(0.5)
        hand.stroke()
    assert hand.said() is None
    hand.rest(0.5)
    drift = hand.said()
    assert drift is not None
    assert drift.exceeds


def test_a_drift_is_found_with_its_rate_between_strokes() -> None:
    hand = Hand()
    for _ in range(20):
        hand.rest(0.0, 6.2, per_min_n=0.1)
        hand.stroke()
    drift = hand.said()
    assert drift is not None
    now_n = 0.1 * hand.index / RATE_HZ / 60
    assert drift.drift_n == pytest.approx(now_n, abs=2 * drift.standard_n)
    assert drift.rate_n_per_min == pytest.approx(0.1, abs=0.02)
    assert not drift.exceeds


def test_zero_that_stays_is_not_called_off() -> None:
    hand = Hand()
    hand.rest(0.05, 120)
    drift = hand.said()
    assert drift is not None
    assert abs(drift.drift_n - 0.05) < 0.01
    assert not drift.exceeds


def test_a_hand_that_holds_the_tool_now_so_and_now_so_is_no_drift() -> None:
    hand = Hand()
    for offset_n in (0.0, 0.45, -0.2, 0.4, 0.1, 0.48):
        hand.rest(offset_n)
        hand.stroke()
    drift = hand.said()
    assert drift is not None
    assert not drift.exceeds, "it scatters more than it is off"


def test_a_swaying_tool_a_hole_and_a_touch_are_no_rest() -> None:
    hand = Hand()
    for _ in range(30):
        hand.block(np.linspace(-0.3, 0.3, N))
    hand.rest(LIMIT_N * 2, REST_S / 2)
    hand.index += N
    hand.rest(LIMIT_N * 2, REST_S / 2)
    hand.stroke()
    for _ in range(RESTS_ASKED - 1):
        hand.rest(LIMIT_N * 2)
        hand.stroke()
    assert hand.said() is None


def test_another_zero_or_a_restart_ends_what_was_known() -> None:
    hand = Hand()
    hand.watch.reported(ZeroReport(100, 0, 100, True))
    hand.rest(0.5, 20)
    hand.watch.reported(ZeroReport(100, 0, 100, True))
    assert hand.said() is not None
    hand.watch.reported(ZeroReport(120, 0, 100, True))
    assert hand.said() is None
    hand.rest(0.0, 20)
    assert hand.said() is not None
    hand.boot_id, hand.index = 8, 0
    hand.rest(0.0, 1)
    assert hand.said() is None
