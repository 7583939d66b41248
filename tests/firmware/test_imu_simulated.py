"""The simulated tool's motion sensor: what it shows is what Motion makes of a hand that moves as is stated."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iastm_firmware.clock import Clock
from iastm_firmware.motion import Motion
from iastm_protocol import kinds
from iastm_protocol.strokes import StrokeSpan
from iastm_protocol.tool_messages import MotionReport
from iastm_simulated.imu import SimulatedImu

_RATE_HZ = 320
# As host/iastm_host/scenarios.py has a stroke and its lift.
_CONTACT_S = 1.1
_PERIOD_S = 1.9


class Rows:
    """Rows that are played: the force of now."""

    def __init__(self) -> None:
        self.n = 0.0

    def force_un(self) -> int:
        return int(self.n * 1_000_000)


class Stage:
    """Plays bursts and steps Motion; `judged` are (time_s of its end, direction, length_mm, excluded)."""

    def __init__(self, **settings: object) -> None:
        self.us = 0
        self.rows = Rows()
        self.imu = SimulatedImu(self.rows, lambda: self.us, **settings)
        self.motion = Motion(self.imu, Clock(lambda: self.us & 0x3FFFFFFF), tip_mm=0)
        self.judged: list[tuple[float, int, int, int]] = []
        self.states: list[tuple[float, int]] = []

    def run(self, seconds: float, each: Callable[[], None] = lambda: None) -> Stage:
        first = None
        while self.us < seconds * 1e6:
            self.us += 10_300
            at_s = self.us / 1e6
            # From the third second on.
            in_contact = at_s > 3.0 and (at_s - 3.0) % _PERIOD_S < _CONTACT_S
            self.rows.n = 5.0 if in_contact else 0.0
            index = int(at_s * _RATE_HZ)
            if in_contact and first is None:
                first = index - 1
            elif not in_contact and first is not None:
                span = StrokeSpan(first, index, index, 1, 1, False)
                self.judged.append((at_s, *self.motion.judge(span)))
                first = None
            self.motion.step(index, in_contact)
            self.states.append((at_s, self.motion.state))
            each()
        return self


@pytest.mark.parametrize("pass_mm", [120, 60, -120])
def test_passes_have_the_stated_length_and_direction(pass_mm: int) -> None:
    stage = Stage(pass_mm=pass_mm, lying=[[0, 2]]).run(15)
    assert len(stage.judged) == 6
    assert [excluded for *_, excluded in stage.judged] == [kinds.EXCLUDED_NOT] * 6
    assert [direction for _, direction, _, _ in stage.judged] == [1 if pass_mm > 0 else -1] * 6
    assert [length_mm for _, _, length_mm, _ in stage.judged[1:]] == pytest.approx([abs(pass_mm)] * 5, abs=5)


def test_the_hand_holds_the_tool_at_45_degrees_and_does_not_lie() -> None:
    stage = Stage().run(2.9)
    report = MotionReport.from_payload(stage.motion.payload())
    assert report.tilt_cdeg == pytest.approx(4500, abs=60)
    assert report.roll_cdeg == pytest.approx(0, abs=60)
    assert not any(state & kinds.MOTION_LYING for _, state in stage.states)


def test_force_while_it_lies_is_no_stroke_and_after_it_is() -> None:
    stage = Stage(lying=[[0, 5.2]]).run(12)
    assert [excluded for *_, excluded in stage.judged] == [kinds.EXCLUDED_LYING] + [kinds.EXCLUDED_NOT] * 4
    assert all(state == kinds.MOTION_LYING for at_s, state in stage.states if 1 < at_s < 5.2)


def test_force_while_it_is_wiped_is_no_stroke() -> None:
    stage = Stage(wiping=[[2.5, 4.0]]).run(12)
    assert [excluded for *_, excluded in stage.judged[:2]] == [kinds.EXCLUDED_WIPING] * 2
    assert stage.judged[-1][3] == kinds.EXCLUDED_NOT


def test_a_sensor_that_does_not_answer_is_a_fault_that_ends() -> None:
    stage = Stage(failing=[[1.0, 0.6]])
    failed: list[float] = []
    stage.run(2.9, lambda: failed.append(stage.us / 1e6) if stage.motion.fails else None)
    assert failed[0] == pytest.approx(1.5, abs=0.03)
    assert failed[-1] < 2.6


def test_a_start_fails_while_it_does_not_answer() -> None:
    with pytest.raises(OSError, match="does not answer"):
        SimulatedImu(Rows(), lambda: 0, failing=[[0, 1]]).start()
    SimulatedImu(Rows(), lambda: 2_000_000, failing=[[0, 1]]).start()


@pytest.mark.parametrize("pass_mm", [120, -120])
def test_whenever_wiping_ends_no_direction_and_no_length_is_wrong(pass_mm: int) -> None:
    for step in range(20):
        ends_s = 8.0 + step * _PERIOD_S / 20
        stage = Stage(pass_mm=pass_mm, lying=[[0, 2]], wiping=[[5.0, ends_s - 5.0]]).run(16)
        told = [(direction, length_mm) for _, direction, length_mm, _ in stage.judged]
        assert all(direction in (0, 1 if pass_mm > 0 else -1) for direction, _ in told), (ends_s, told)
        assert all(abs(length_mm - abs(pass_mm)) <= 6 for _, length_mm in told if length_mm), (ends_s, told)
        # The third after it at last is as ever.
        assert told[-1][0], (ends_s, told)
        assert told[-1][1], (ends_s, told)
