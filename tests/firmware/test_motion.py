"""What the motion sensor tells of a tool: angles, lying, wiping, and what is left unknown."""

from __future__ import annotations

import ast
import math
import struct
from array import array
from pathlib import Path as FilePath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.firmware.motion_bench import Bench, Path, Sensor, eased, half_sine

import iastm_firmware.attitude
import iastm_firmware.passes
from iastm_firmware.clock import Clock
from iastm_firmware.motion import Motion
from iastm_protocol import kinds
from iastm_protocol.strokes import StrokeSpan
from iastm_protocol.tool_messages import MotionReport

QUIET = Sensor(noise_g=0, noise_dps=0)


def held(seconds: float, *, pitch: float = 0.6, roll: float = 0.0, tremor: float | np.ndarray = 1.0) -> Path:
    """A tool that is held still, or lies where `tremor` is 0, without contact."""
    n = round(seconds * 1000)
    time_s = np.arange(n) / 1000
    # It sets in and ends softly, so that paths can be joined without a jolt that no hand makes.
    tremor *= np.clip(np.minimum(np.arange(n), n - 1 - np.arange(n)) / 80, 0, 1) ** 2
    tip_m = np.zeros((n, 3))
    for axis, hz in enumerate((8.1, 9.3, 10.7)):
        tip_m[:, axis] = tremor * 4e-5 * np.sin(2 * np.pi * hz * time_s)
    wave = tremor * math.radians(0.04) * np.sin(2 * np.pi * 8.7 * time_s)
    return Path(tip_m, time_s * 0, pitch + wave, roll + 0.7 * wave, np.zeros(n, dtype=bool))


def joined(*paths: Path) -> Path:
    """One after the other; each begins where the one before ended."""
    tips: list[np.ndarray] = []
    at = np.zeros(3)
    for path in paths:
        tips.append(path.tip_m - path.tip_m[0] + at)
        at = tips[-1][-1]
    rest = [np.concatenate([getattr(path, name) for path in paths]) for name in ("yaw", "pitch", "roll", "contact")]
    return Path(np.concatenate(tips), *rest)


def touched(path: Path, begin_s: float, end_s: float) -> Path:
    path.contact[round(begin_s * 1000) : round(end_s * 1000)] = True
    return path


def moved(seconds: float, way_m: np.ndarray, *, pitch: float = 0.6) -> Path:
    """A pass along x by `way_m` (n,), in contact all along."""
    n = round(seconds * 1000)
    path = held(seconds, pitch=pitch)
    tip_m = path.tip_m.copy()
    tip_m[:, 0] += way_m
    return Path(tip_m, path.yaw, path.pitch, path.roll, np.ones(n, dtype=bool))


def strokes(duration_s: float, way_m: np.ndarray, *, pitch: float = 0.6, tremor_after_s: float = 0.5) -> Path:
    """A tool that lies, is held, and makes two passes of `way_m` (n,) with a way back in the air between them."""
    n = round(0.6 * 1000)
    back = moved(0.6, way_m[-1] * (1 - eased(n)), pitch=pitch)
    back.contact[:] = False
    parts = [held(2.0, tremor=0, pitch=pitch), held(0.3, pitch=pitch)]
    for _ in range(2):
        parts += [moved(duration_s, way_m, pitch=pitch), back]
    return joined(*parts, held(tremor_after_s, pitch=pitch))


def angles(bench: Bench) -> MotionReport:
    report: MotionReport = MotionReport.from_payload(bench.motion.payload())
    return report


@pytest.mark.parametrize("tilt_deg", [-80, -45, 0, 10, 30, 60, 85])
@pytest.mark.parametrize("roll_deg", [-170, -90, 0, 20, 135])
def test_the_angles_are_those_the_tool_is_held_at(tilt_deg: int, roll_deg: int) -> None:
    path = held(1.0, pitch=math.radians(tilt_deg), roll=math.radians(roll_deg))
    report = angles(Bench(path, QUIET).run())
    assert abs(report.tilt_cdeg / 100 - tilt_deg) < 0.6
    assert abs((report.roll_cdeg / 100 - roll_deg + 180) % 360 - 180) < (8 if abs(tilt_deg) > 75 else 1.0)


def test_the_payload_is_that_of_the_message_and_comes_twenty_times_a_second() -> None:
    bench = Bench(held(3.0), QUIET)
    seen: list[tuple[int, bytes]] = []

    def each(time_s: float) -> None:
        if bench.motion.number and (not seen or seen[-1][0] != bench.motion.number):
            payload = bench.motion.payload()
            seen.append((bench.motion.number, payload))
            report = MotionReport.from_payload(payload)
            assert report.to_payload() == payload
            # The ticks wrapped half a second after the start, and tool time goes on.
            assert report.tool_us == bench.start_us + bench.us
            assert abs(report.index - time_s * 320) < 2

    bench.run(each)
    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    assert 19 * 2.9 <= len(seen) <= 20 * 3.0 + 1
    assert bench.motion.payload() is bench.motion.payload()


def test_angles_stay_within_four_degrees_while_the_hand_goes_back_and_forth() -> None:
    time_s = np.arange(12_000) / 1000
    way_m = 0.04 * np.sin(2 * np.pi * 0.7 * time_s)
    path = joined(held(2.0, tremor=0), moved(12.0, way_m, pitch=0.6))
    bench = Bench(path, Sensor(offset_dps=(2.0, -3.0, 1.0)))
    worst = 0.0

    def each(at_s: float) -> None:
        nonlocal worst
        if at_s > 0.5 and bench.motion.number:
            worst = max(worst, abs(angles(bench).tilt_cdeg / 100 - math.degrees(0.6)))

    bench.run(each)
    assert worst < 4


@pytest.mark.parametrize(
    "axes", [(1, 2, 3), (2, -1, 3), (-1, -2, 3), (3, 1, 2), (1, -3, 2), (-3, 2, 1), (-2, -3, 1), (2, 3, 1)]
)
def test_a_sensor_may_be_mounted_any_way_round(axes: tuple[int, int, int]) -> None:
    bench = Bench(held(1.0, pitch=0.5, roll=0.3), QUIET)
    inner = bench.imu

    class Turned:
        rate_hz = inner.rate_hz
        values = array("h", [0] * 6)

        def starting(self):
            return iter(())

        def read(self) -> bool:
            new = inner.read()
            for i, axis in enumerate(axes):
                sign = 1 if axis > 0 else -1
                self.values[abs(axis) - 1] = sign * inner.values[i]
                self.values[3 + abs(axis) - 1] = sign * inner.values[3 + i]
            return new

    bench.motion = Motion(Turned(), bench.clock, axes)
    report = angles(bench.run())
    assert abs(report.tilt_cdeg - math.degrees(0.5) * 100) < 60
    assert abs(report.roll_cdeg - math.degrees(0.3) * 100) < 60


@pytest.mark.parametrize("axes", [(2, 1, 3), (-1, 2, 3), (1, 1, 3), (1, 2, 4), (-1, -2, -3)])
def test_axes_that_are_none_or_a_left_hand_are_refused(axes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="axes"):
        Motion(Bench(held(0.1), QUIET).imu, Clock(lambda: 0), axes)


@pytest.mark.parametrize("offset_dps", [(0.0, 0.0, 0.0), (9.0, -8.0, 7.5)])
def test_a_tool_that_lies_is_told_within_a_second_whatever_its_sensor_shows_at_rest(
    offset_dps: tuple[float, float, float],
) -> None:
    # The noisiest of the sensors, at rest for a minute: never anything else.
    sensor = Sensor(noise_g=0.0013, noise_dps=0.07, offset_dps=offset_dps)
    bench = Bench(held(60.0, tremor=0), sensor, seed=3)
    told: list[bool] = []
    bench.run(lambda at_s: told.append(bool(bench.motion.state & kinds.MOTION_LYING)) if at_s > 1.0 else None)
    assert all(told)
    assert 58 <= bench.motion.still_s <= 60
    assert bench.motion.gravity_mg() == pytest.approx(1000, abs=3)


def test_a_hand_that_holds_still_trembles_and_does_not_lie() -> None:
    bench = Bench(touched(held(30.0), 2.0, 29.0), Sensor(), seed=4)
    states: set[int] = set()
    bench.run(lambda at_s: states.add(bench.motion.state) if at_s > 1.0 else None)
    assert states == {0}
    assert bench.motion.still_s == 0
    # A sustained press counts.
    assert [j.excluded for j in bench.judged] == [kinds.EXCLUDED_NOT]


@pytest.mark.parametrize("begin_s", [2.0, 0.3])
def test_force_on_a_tool_that_lies_is_no_stroke(begin_s: float) -> None:
    bench = Bench(touched(held(6.0, tremor=0), begin_s, begin_s + 3.0), Sensor(), seed=5).run()
    assert [(j.direction, j.length_mm, j.excluded) for j in bench.judged] == [(0, 0, kinds.EXCLUDED_LYING)]


def test_strokes_right_after_lying_count_and_the_second_has_a_length() -> None:
    first, second = Bench(strokes(0.8, 0.12 * half_sine(800)), Sensor(), seed=6).run().judged
    assert (first.direction, first.length_mm, first.excluded) == (1, 0, kinds.EXCLUDED_NOT)
    assert (second.direction, second.excluded) == (1, kinds.EXCLUDED_NOT)
    assert second.length_mm == pytest.approx(120, abs=6)


def test_strokes_against_the_axis_have_the_other_direction() -> None:
    judged = Bench(strokes(0.8, -0.12 * half_sine(800)), Sensor(), seed=6).run().judged
    assert [j.direction for j in judged] == [-1, -1]
    assert judged[1].length_mm == pytest.approx(120, abs=6)


def wiped(seconds: float, hz: float, swing_deg: float) -> Path:
    path = held(seconds)
    time_s = np.arange(len(path.roll)) / 1000
    roll = path.roll + math.radians(swing_deg) * np.sin(2 * np.pi * hz * time_s)
    return Path(path.tip_m, path.yaw, path.pitch, roll, path.contact)


def test_a_tool_that_is_turned_in_a_cloth_is_wiped_and_that_is_no_stroke() -> None:
    bench = Bench(touched(wiped(5.0, 1.5, 60), 1.0, 4.5), Sensor(), seed=7)
    states: list[int] = []
    bench.run(lambda at_s: states.append(bench.motion.state) if at_s > 2.0 else None)
    assert np.mean([bool(state & kinds.MOTION_WIPING) for state in states]) > 0.9
    assert np.mean([bool(state & kinds.MOTION_MOVING) for state in states]) > 0.95
    assert [j.excluded for j in bench.judged] == [kinds.EXCLUDED_WIPING]


@pytest.mark.parametrize("duration_s", [0.25, 0.5])
def test_a_brisk_stroke_that_tilts_by_twenty_degrees_is_not_wiping(duration_s: float) -> None:
    n = round(duration_s * 1000)
    stroke = moved(duration_s, 0.1 * half_sine(n))
    tilted = Path(stroke.tip_m, stroke.yaw, stroke.pitch + math.radians(20) * half_sine(n), stroke.roll, stroke.contact)
    after = held(0.5, pitch=0.6 + math.radians(20))
    bench = Bench(joined(held(2.0, tremor=0), tilted, after), Sensor(), seed=8).run()
    assert [j.excluded for j in bench.judged] == [kinds.EXCLUDED_NOT]
    assert bench.judged[0].direction == 1


def test_a_contact_that_goes_back_and_forth_has_neither_direction_nor_length() -> None:
    way = np.concatenate([half_sine(600), 1 - half_sine(600)])
    judged = Bench(strokes(1.2, 0.12 * way), Sensor(), seed=9).run().judged
    assert [(j.direction, j.length_mm, j.excluded) for j in judged] == [(0, 0, kinds.EXCLUDED_NOT)] * 2


def test_a_press_has_neither_direction_nor_length() -> None:
    judged = Bench(strokes(1.0, np.zeros(1000)), Sensor(), seed=10).run().judged
    assert [(j.direction, j.length_mm, j.excluded) for j in judged] == [(0, 0, kinds.EXCLUDED_NOT)] * 2


def test_a_contact_of_more_than_three_seconds_has_neither_direction_nor_length() -> None:
    judged = Bench(strokes(3.4, 0.2 * half_sine(3400)), Sensor(), seed=11).run().judged
    assert [(j.direction, j.length_mm) for j in judged] == [(0, 0)] * 2


def test_a_tool_held_upright_has_a_length_and_no_direction() -> None:
    _, second = Bench(strokes(0.6, 0.1 * half_sine(600), pitch=1.5), Sensor(), seed=12).run().judged
    assert second.direction == 0
    assert second.length_mm == pytest.approx(100, abs=6)


def test_a_contact_long_after_the_one_before_is_the_first_of_its_burst() -> None:
    path = strokes(0.6, 0.1 * half_sine(600), tremor_after_s=5.0)
    again = moved(0.6, 0.1 * half_sine(600))
    judged = Bench(joined(path, again, held(0.5)), Sensor(), seed=12).run().judged
    assert [j.direction for j in judged] == [1, 1, 1]
    assert [bool(j.length_mm) for j in judged] == [False, True, False]


def test_a_loop_that_was_held_up_in_a_pass_leaves_it_unknown() -> None:
    bench = Bench(strokes(0.8, 0.12 * half_sine(800)), Sensor(), seed=6)
    real_step = bench.motion.step
    # The second contact lasts from 3.7 s to 4.5 s.
    bench.motion.step = lambda index, contact: (  # type: ignore[method-assign]
        None if 4.0 < bench.us / 1e6 < 4.1 else real_step(index, contact)
    )
    first, second = bench.run().judged
    assert first.direction == 1
    assert (second.direction, second.length_mm, second.excluded) == (0, 0, kinds.EXCLUDED_NOT)


def test_a_pass_at_the_sensors_rails_is_unknown() -> None:
    bench = Bench(strokes(0.8, 0.12 * half_sine(800)), Sensor(), seed=6)
    # Two, because one may lie between two reads.
    bench.imu._rows[round(4.1 * 104) : round(4.1 * 104) + 2, 1] = 4000
    first, second = bench.run().judged
    assert first.direction == 1
    assert (second.direction, second.length_mm) == (0, 0)


@pytest.mark.parametrize(("first", "last"), [(0, 100), (10_000, 10_200)])
def test_a_stroke_that_was_not_seen_as_contact_is_unknown(first: int, last: int) -> None:
    bench = Bench(joined(held(2.0, tremor=0), moved(0.8, 0.12 * half_sine(800))), Sensor(), seed=6).run()
    assert bench.motion.judge(StrokeSpan(first, last, last, 1, 1, False)) == (0, 0, kinds.EXCLUDED_NOT)


def test_a_stroke_with_an_end_unseen_is_unknown_and_judged_once() -> None:
    bench = Bench(joined(held(2.0, tremor=0), moved(0.8, 0.12 * half_sine(800))), Sensor(), seed=6).run()
    span = StrokeSpan(round(2.0 * 320) - 1, round(2.8 * 320), 700, 1, 1, True)
    assert bench.motion._seen > 50
    assert bench.motion.judge(span) == (0, 0, kinds.EXCLUDED_NOT)
    assert bench.motion.judge(span._replace(truncated=False)) == (0, 0, kinds.EXCLUDED_NOT)


def test_a_sensor_that_fails_is_told_within_a_second_started_anew_out_of_contact_and_comes_back() -> None:
    bench = Bench(touched(held(12.0), 4.0, 7.0), Sensor(), seed=13)
    imu, motion = bench.imu, bench.motion
    log: list[tuple[float, bool, int, int, int]] = []

    def each(at_s: float) -> None:
        imu.fails = 2.0 < at_s < 8.5
        log.append((at_s, motion.fails, imu.starts, imu.reads, motion.number))

    bench.run(each)
    assert next(at_s for at_s, fails, *_ in log if fails) == pytest.approx(2.5, abs=0.05)
    # It is asked ten times a second at most while it fails, and after that not at all.
    first, last = ([row for row in log if low < row[0] < high] for low, high in ((2.05, 2.5), (2.6, 8.4)))
    assert first[-1][3] - first[0][3] <= 5
    assert last[-1][3] == last[0][3]
    assert last[-1][4] == last[0][4]
    # Started once a second, but in contact.
    in_contact = [row[2] for row in log if 4.05 < row[0] < 6.95]
    assert in_contact[0] == in_contact[-1] == 1
    assert [row[2] for row in log if row[0] < 8.4][-1] == 3
    assert not log[-1][1]
    assert [at_s for at_s, fails, *_ in log if fails][-1] < 10.0
    assert abs(angles(bench).tilt_cdeg / 100 - math.degrees(0.6)) < 1
    # What was touched while nothing was seen is a stroke as force alone has it.
    assert [(j.direction, j.length_mm, j.excluded) for j in bench.judged] == [(0, 0, 0)]


def test_a_sensor_that_says_nothing_new_fails_too() -> None:
    bench = Bench(held(3.0), Sensor(), seed=14)
    bench.imu._rows = bench.imu._rows[:104]
    fails: list[float] = []
    bench.run(lambda at_s: fails.append(at_s) if bench.motion.fails else None)
    assert fails[0] == pytest.approx(1.5, abs=0.06)
    assert bench.motion.gravity_mg() == 0


@pytest.mark.parametrize("start_s", [0.3, 0.6, 5])
def test_a_start_that_takes_its_time_is_no_fault_of_the_sensor(start_s: float) -> None:
    # A radio starts, or a store is written, between the sensor's start and its first conversion that is read.
    bench = Bench(held(1.0), Sensor(), seed=19)
    bench.start_us = (bench.start_us + round(start_s * 1e6)) & 0x3FFFFFFF
    read = bench.imu.read
    # It settles.
    bench.imu.read = lambda: bench.us > 100_000 and read()  # type: ignore[method-assign]
    fails: list[bool] = []
    bench.run(lambda _: fails.append(bench.motion.fails))
    assert not any(fails)
    assert bench.imu.starts == 0
    assert bench.motion.number >= 15


def test_a_single_error_of_the_bus_is_no_fault() -> None:
    bench = Bench(held(3.0), Sensor(), seed=15)

    def each(at_s: float) -> None:
        bench.imu.fails = 1.0 < at_s < 1.015
        assert not bench.motion.fails

    bench.run(each)
    assert bench.motion.number >= 55


def test_a_failing_sensor_does_not_keep_the_tool_awake() -> None:
    bench = Bench(held(10.0), Sensor(), seed=16)
    bench.imu.fails = True
    bench.run()
    assert bench.motion.fails
    assert 9 <= bench.motion.still_s <= 10


def test_every_product_stays_a_small_integer_of_a_board() -> None:
    # On a board integers from 2^30 on live on the heap: each sum and product of the hot path is looked at, with a
    # sensor that shows its rails, and anything between.
    modules = []
    for module in (iastm_firmware.attitude, iastm_firmware.passes):
        tree = ast.parse(FilePath(str(module.__file__)).read_text())

        class Checked(ast.NodeTransformer):
            def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
                self.generic_visit(node)
                return ast.Call(ast.Name("_small", ast.Load()), [node], [])

        tree = ast.fix_missing_locations(Checked().visit(tree))
        names: dict[str, object] = {"_small": small, "__name__": "checked"}
        exec(compile(tree, str(module.__file__), "exec"), names)
        modules.append(names)
    rng = np.random.default_rng(30)
    for extreme in (False, True) * 20:
        attitude, meter = modules[0]["Attitude"](), modules[1]["PassMeter"](300)  # type: ignore[operator]
        meter.begin(*rng.integers(-4000, 4001, 3).tolist())
        for _ in range(400):
            a = rng.choice((-4000, 4000), 3) if extreme else rng.integers(-4000, 4001, 3)
            turn = rng.choice((-99_999, 99_999), 3) if extreme else rng.integers(-60_000, 60_001, 3)
            span = int(rng.integers(1, 601 if extreme else 130))
            attitude.step(*a.tolist(), *(turn // 16).tolist(), bool(rng.integers(2)))
            if meter.whole:
                meter.step(*a.tolist(), *turn.tolist(), span)
    with pytest.raises(AssertionError):
        small(1 << 30)


def small(value: object) -> object:
    assert not isinstance(value, int) or -(1 << 30) <= value < 1 << 30
    return value


@given(st.lists(st.integers(-4000, 4000), min_size=3, max_size=3))
def test_any_attitude_gives_angles_that_fit_the_message(a: list[int]) -> None:
    values = array("h", [*a, 0, 0, 0])

    class Still:
        rate_hz = 100

        def read(self) -> bool:
            return True

        def starting(self):
            return iter(())

    still = Still()
    still.values = values  # type: ignore[attr-defined]
    now = {"us": 0}
    motion = Motion(still, Clock(lambda: now["us"]))
    for i in range(12):
        now["us"] += 10_000
        motion.step(i, False)
    payload = motion.payload()
    report = MotionReport.from_payload(payload)
    assert report.to_payload() == payload
    assert struct.calcsize("<I") + 6 + 2 + 2 + 1 == len(payload)


def turned_by(seconds: float, *, pitch: float = 0.0, roll: float = 0.0, yaw: float = 0.0, at: float = 0.6) -> Path:
    """A held tool that turns by these angles, in radians."""
    path = held(seconds, pitch=at)
    share = eased(len(path.pitch))
    return Path(path.tip_m, path.yaw + share * yaw, path.pitch + share * pitch, path.roll + share * roll, path.contact)


@pytest.mark.parametrize(("pitch", "roll"), [(0.8, 0.0), (-1.0, 0.0), (0.0, 1.2), (0.0, -1.2), (0.5, 0.9)])
def test_angles_follow_a_quick_turn_at_once(pitch: float, roll: float) -> None:
    path = joined(held(2.0, tremor=0), held(0.3), turned_by(0.3, pitch=pitch, roll=roll))
    report = angles(Bench(path, Sensor(), seed=20).run())
    # Published at most 60 ms before the end of the turn, where it is slow.
    assert report.tilt_cdeg / 100 == pytest.approx(math.degrees(0.6 + pitch), abs=3)
    assert report.roll_cdeg / 100 == pytest.approx(math.degrees(roll), abs=3)


def test_a_hand_that_only_turns_the_tool_slightly_does_not_let_it_lie() -> None:
    path = held(6.0, tremor=0)
    time_s = np.arange(len(path.pitch)) / 1000
    # 3 °/s, by which gravity changes by 4 mg.
    wave = math.radians(0.24) * np.sin(2 * np.pi * 2 * time_s)
    bench = Bench(Path(path.tip_m, path.yaw, path.pitch + wave, path.roll, path.contact), QUIET)
    states: set[int] = set()
    bench.run(lambda at_s: states.add(bench.motion.state) if at_s > 1.0 else None)
    assert states == {0}


def test_lying_counts_for_the_half_second_before_it_was_told() -> None:
    path = touched(held(1.5, tremor=0), 0.05, 0.75)
    assert [j.excluded for j in Bench(path, Sensor(), seed=5).run().judged] == [kinds.EXCLUDED_LYING]


def test_rest_that_drifts_while_the_tool_lies_is_followed_and_lying_goes_on() -> None:
    way = 0.12 * half_sine(1100)
    lies = held(40.0, tremor=0)
    bench = Bench(joined(lies, strokes(1.1, way)), Sensor(), seed=21)
    # By 6 °/s within the first 40 s.
    drift = np.minimum(np.arange(len(bench.imu._rows)) / (40 * 104), 1) * 60
    bench.imu._rows[:, 3:] += np.rint(drift).astype(int)[:, None] * np.array([1, -1, 1])
    told: list[bool] = []
    bench.run(lambda at_s: told.append(bool(bench.motion.state & kinds.MOTION_LYING)) if 1 < at_s < 42 else None)
    assert all(told)
    assert [j.direction for j in bench.judged] == [1, 1]
    assert bench.judged[1].length_mm == pytest.approx(120, abs=8)


def test_a_contact_that_goes_half_of_its_way_back_is_unknown() -> None:
    way = np.concatenate([half_sine(600), 1 - 0.5 * half_sine(400)])
    judged = Bench(strokes(1.0, 0.14 * way), Sensor(), seed=22).run().judged
    assert [(j.direction, j.length_mm) for j in judged] == [(0, 0)] * 2


def tilting_strokes() -> Path:
    """As `strokes`, the tool tilting by 20° along each pass and back."""
    path = strokes(0.8, 0.12 * half_sine(800))
    n = len(path.pitch)
    share = np.zeros(n)
    for begin in (2300, 2300 + 1400):
        share[begin : begin + 800] = half_sine(800)
        share[begin + 800 : begin + 1400] = 1 - eased(600)
    return Path(path.tip_m, path.yaw, path.pitch + math.radians(20) * share, path.roll, path.contact)


def test_the_length_is_that_of_the_tip_where_it_is_known_how_far_it_is() -> None:
    def second(tip_mm: int | None) -> int:
        return Bench(tilting_strokes(), Sensor(), tip_m=0.1, tip_mm=tip_mm, seed=23).run().judged[1].length_mm

    assert second(100) == pytest.approx(120, abs=6)
    # The sensor's own way, said to be the tip's.
    assert abs(second(0) - 120) > 12
    # Not known where the tip is: nothing is said of a pass in which the tool turned so much.
    assert Bench(tilting_strokes(), Sensor(), tip_m=0.1, tip_mm=None, seed=23).run().judged[1].length_mm in (
        0,
        second(0),
    )


def test_without_knowing_where_the_tip_is_a_short_pass_that_tilts_has_no_length() -> None:
    path = tilting_strokes()
    short = Path(path.tip_m * 0.4, path.yaw, path.pitch, path.roll, path.contact)
    assert Bench(short, Sensor(), tip_m=0.1, tip_mm=None, seed=24).run().judged[1].length_mm == 0
    assert Bench(short, Sensor(), tip_m=0.1, tip_mm=100, seed=24).run().judged[1].length_mm == pytest.approx(48, abs=6)


def between(*middle: Path) -> list[tuple[int, int]]:
    """What is told of two passes of 120 mm and 80 mm along x with this between them, after one like the first."""
    back = moved(0.6, 0.12 * (1 - eased(600)))
    back.contact[:] = False
    one, other = moved(0.8, 0.12 * half_sine(800)), moved(0.8, 0.08 * half_sine(800))
    path = joined(held(2.0, tremor=0), held(0.3), one, back, one, back, *middle, other, held(0.5))
    return [(j.direction, j.length_mm) for j in Bench(path, Sensor(), seed=31).run().judged]


def test_a_pass_after_a_way_back_alone_has_its_direction_and_its_length() -> None:
    (_, (_, before_mm), (direction, length_mm)) = between()
    assert before_mm == pytest.approx(120, abs=6)
    # The hand comes back to the same place and goes less far: half of the 40 mm, about, is missing.
    assert direction == 1
    assert length_mm == 0 or abs(length_mm - 80) < 25


def turned_and_back(seconds: float, roll: float) -> Path:
    path = held(seconds)
    there_and_back = np.sin(np.pi * eased(len(path.roll))) ** 2
    return Path(path.tip_m, path.yaw, path.pitch, path.roll + roll * there_and_back, path.contact)


@pytest.mark.parametrize(
    "middle",
    [
        [wiped(0.7, 2.0, 50), held(0.3)],
        [wiped(1.6, 1.5, 60), held(0.4)],
        [turned_and_back(0.9, 1.3)],
        [held(2.6)],
        [held(0.2), held(0.8, tremor=0), held(0.3)],
        [touched(held(0.6), 0.1, 0.2)],
        [touched(held(1.0), 0.2, 0.8)],
    ],
    ids=["wiped", "wiped for long", "turned", "paused", "laid down", "tapped", "pressed"],
)
def test_a_pass_after_something_else_has_its_direction_and_no_length(middle: list[Path]) -> None:
    told = between(*middle)
    assert told[1][0] == 1
    assert told[1][1] == pytest.approx(120, abs=6)
    assert told[-1] == (1, 0)
    # A tap or a press has nothing.
    assert all(press == (0, 0) for press in told[2:-1])


def test_a_pass_after_a_jolt_has_its_direction_and_no_length() -> None:
    bench = Bench(strokes(0.8, 0.12 * half_sine(800)), Sensor(), seed=6)
    # Half of what the sensor shows at most, for 20 ms of the way back.
    bench.imu._rows[round(3.4 * 104) : round(3.4 * 104) + 2, 2] += 2000
    assert [(j.direction, j.length_mm) for j in bench.run().judged] == [(1, 0), (1, 0)]


def test_a_pass_with_a_jolt_in_it_is_unknown() -> None:
    bench = Bench(strokes(0.8, 0.12 * half_sine(800)), Sensor(), seed=6)
    bench.imu._rows[round(4.1 * 104) : round(4.1 * 104) + 2, 2] += 2000
    assert [(j.direction, j.length_mm) for j in bench.run().judged] == [(1, 0), (0, 0)]


def test_a_pass_in_which_the_tool_turns_by_more_than_sixty_degrees_is_unknown() -> None:
    path = strokes(0.8, 0.12 * half_sine(800))
    roll = path.roll.copy()
    # Between 3.7 s and 4.5 s.
    roll[3700:4500] += 1.3 * eased(800)
    roll[4500:] += 1.3
    first, second = Bench(Path(path.tip_m, path.yaw, path.pitch, roll, path.contact), Sensor(), seed=6).run().judged
    assert first.direction == 1
    assert (second.direction, second.length_mm) == (0, 0)


def test_a_sensor_that_is_not_read_for_a_tenth_of_a_second_in_a_pass_leaves_it_unknown() -> None:
    bench = Bench(strokes(0.8, 0.12 * half_sine(800)), Sensor(), seed=6)

    def each(at_s: float) -> None:
        bench.imu.fails = 4.0 < at_s < 4.05

    first, second = bench.run(each).judged
    assert not bench.motion.fails
    assert first.direction == 1
    assert (second.direction, second.length_mm, second.excluded) == (0, 0, kinds.EXCLUDED_NOT)


def test_a_pass_back_in_contact_after_a_moment_in_the_air_has_its_direction_and_no_length() -> None:
    forth, back = moved(0.8, 0.12 * half_sine(800)), moved(0.8, -0.12 * half_sine(800))
    path = joined(held(2.0, tremor=0), held(0.3), forth, held(0.15), back, held(0.15), forth, held(0.5))
    judged = Bench(path, Sensor(), seed=32).run().judged
    assert [(j.direction, j.length_mm) for j in judged] == [(1, 0), (-1, 0), (1, 0)]


def test_a_hand_that_goes_on_at_another_place_has_no_length_there() -> None:
    back = moved(0.6, 0.12 * (1 - eased(600)))
    back.contact[:] = False
    stroke = moved(0.8, 0.12 * half_sine(800))
    away = moved(0.6, 0.2 * eased(600))
    away.contact[:] = False
    path = joined(held(2.0, tremor=0), held(0.3), stroke, back, stroke, back, stroke, away, stroke, back, stroke)
    judged = Bench(joined(path, held(0.5)), Sensor(), seed=33).run().judged
    assert [j.direction for j in judged] == [1] * 5
    assert [bool(j.length_mm) for j in judged] == [False, True, True, False, True]
    assert [j.length_mm for j in judged if j.length_mm] == pytest.approx([120] * 3, abs=6)


def test_the_contact_after_a_hand_that_darts_and_stops_is_not_judged_by_the_dart() -> None:
    # The dart ends a moment before contact: nothing of it is the contact's.
    stroke = moved(1.4, 0.06 * half_sine(1400))
    back = moved(0.9, 0.06 * (1 - eased(900)))
    back.contact[:] = False
    for air_ms in range(300, 520, 20):
        dart = held(air_ms / 1000)
        dart.tip_m[:, 0] += 0.15 * eased(air_ms)
        path = joined(held(2.0, tremor=0), held(0.3), stroke, back, dart, stroke, held(0.5))
        first, second = Bench(path, Sensor(), seed=34).run().judged
        assert first.direction == 1
        assert second.direction == 1, air_ms
