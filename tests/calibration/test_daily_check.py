"""Daily check: two points, limits at their edges, words for what failed, trends."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.daily_check import (
    RUN_LENGTH,
    DailyCheck,
    findings,
    judge,
    sentence,
    trends,
    zero_limit_n,
)
from iastm_calibration.errors import NotANumberError, RangeError

START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def check(zero_n=0.0, load_n=10.0, read_n=10.0, day=0.0, calibration_id="SIM-0001 2026-03-01", serial="SIM-0001"):
    return judge(
        zero_n,
        load_n,
        read_n,
        checked_at=(START + timedelta(days=day)).isoformat(),
        serial_number=serial,
        calibration_id=calibration_id,
        by="A. Example",
    )


def row(errors, **keywords):
    return [check(read_n=10 * (1 + error), day=day, **keywords) for day, error in enumerate(errors)]


@pytest.mark.parametrize(("read_n", "passed"), [(10.3, True), (9.7, True), (10.301, False), (9.699, False)])
def test_the_span_passes_up_to_three_per_cent_of_the_load(read_n, passed):
    assert check(read_n=read_n).passed is passed


@pytest.mark.parametrize(
    ("load_n", "zero_n", "passed"),
    [
        (1.0, 0.05, True),
        (1.0, -0.05, True),
        (1.0, 0.051, False),
        (10.0, 0.3, True),
        (10.0, 0.301, False),
        (10.0, -0.301, False),
    ],
)
def test_zero_passes_up_to_three_per_cent_of_the_load_or_fifty_millinewtons(load_n, zero_n, passed):
    assert check(zero_n=zero_n, load_n=load_n, read_n=load_n + zero_n).passed is passed


def test_a_moved_zero_does_not_count_twice():
    moved = check(zero_n=0.25, read_n=10.25)
    assert moved.span_error == pytest.approx(0, abs=1e-12)
    assert moved.passed


def test_what_was_measured_and_said_is_kept():
    made = judge(
        0.01,
        9.81,
        9.9,
        checked_at="2026-03-02T08:30:00+01:00",
        serial_number="T-03",
        calibration_id="T-03 2026-03-01",
        by="A. Example",
        note="after a drop",
        temperature_c=21.5,
    )
    assert made == DailyCheck(
        "2026-03-02T08:30:00+01:00",
        "T-03",
        "T-03 2026-03-01",
        0.01,
        9.81,
        9.9,
        (9.9 - 0.01 - 9.81) / 9.81,
        True,
        "A. Example",
        "after a drop",
        21.5,
    )


@given(
    zero_n=st.floats(-2, 2),
    load_n=st.floats(0.5, 60),
    error=st.floats(-0.3, 0.3),
)
def test_a_check_passes_exactly_where_nothing_is_found(zero_n, load_n, error):
    made = check(zero_n=zero_n, load_n=load_n, read_n=zero_n + load_n * (1 + error))
    assert made.passed == (findings(made) == ())
    assert made.passed == (abs(made.span_error) <= 0.03 + 1e-9 and abs(zero_n) <= zero_limit_n(load_n) + 1e-9)


def test_a_failed_span_says_by_how_much_and_what_to_do():
    (found,) = findings(check(read_n=10.5))
    assert found.what == "10.00 N read +5.0 %; ± 3 % is allowed."
    assert "calibrate" in found.fix


def test_another_load_than_stated_is_asked_about_before_a_new_calibration():
    (found,) = findings(check(read_n=5.0))
    assert "load that was stated" in found.fix
    assert "calibrate" not in found.fix


def test_zero_is_named_before_the_span():
    zero, span = findings(check(zero_n=0.4, read_n=11.4))
    assert zero.what == "Zero is +0.40 N; ± 0.30 N is allowed."
    assert "set zero" in zero.fix
    assert "+10.0 %" in span.what


def test_a_check_is_one_sentence():
    assert sentence(check(zero_n=0.02, read_n=10.12)) == "Passed: 10.00 N read 10.10 N (+1.0 %), zero +0.02 N"
    assert sentence(check(zero_n=-0.001, read_n=8.999)) == "Not passed: 10.00 N read 9.00 N (−10.0 %), zero 0.00 N"


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("place", ["zero_n", "load_n", "read_n"])
def test_no_number_is_no_check(place, wrong):
    with pytest.raises(NotANumberError, match="Check once more"):
        check(**{place: wrong})


@pytest.mark.parametrize("load_n", [0.0, -10.0, 0.49])
def test_a_load_too_small_to_check_with_is_refused(load_n):
    with pytest.raises(RangeError, match="51 g"):
        check(load_n=load_n, read_n=load_n)


def test_seven_in_a_row_on_one_side_are_named_and_six_are_not():
    assert trends(row([-0.01] + [0.012] * (RUN_LENGTH - 1))) == ()
    (run,) = trends(row([-0.01] + [0.012] * RUN_LENGTH))
    assert run.what == "The last 7 checks all read more than the load, +1.2 % on average."
    assert "once in 64" in run.rule


def test_a_small_error_of_the_weights_is_no_trend():
    assert trends(row([0.005] * 30)) == ()


def test_checks_without_any_error_are_no_trend():
    assert trends(row([0.0] * 30)) == ()


def test_a_drift_of_the_span_is_named_with_its_size():
    (drift,) = trends(row([0.02 * day / 9 - 0.01 for day in range(10)]))
    assert drift.what == "The span drifts: +2.0 % over the last 10 checks, in 9 days."
    assert "99 %" in drift.rule


def test_scatter_is_seldom_called_a_drift():
    chance = random.Random(4)
    named = sum(
        any("drifts" in trend.what for trend in trends(row([chance.gauss(0, 0.01) for _ in range(10)])))
        for _ in range(400)
    )
    assert named <= 12


def test_a_drift_within_scatter_and_a_third_of_the_limit_stays_unnamed():
    assert trends(row([0.008 * day / 9 - 0.004 for day in range(10)])) == ()


def test_trends_begin_anew_with_a_calibration():
    before = row([0.02] * 8)
    after = [check(day=20 + day, calibration_id="SIM-0001 2026-03-20") for day in range(3)]
    assert trends(before) != ()
    assert trends(before + after) == ()


def test_trends_are_those_of_one_tool():
    other = row([0.02] * 8, serial="SIM-0002")
    own = [check(day=20)]
    assert trends(other + own) == ()


def test_checks_may_come_in_any_order():
    checks = row([-0.02, *[0.012] * 7])
    mixed = list(checks)
    random.Random(1).shuffle(mixed)
    assert trends(mixed) == trends(checks) != ()


def test_ten_checks_at_one_moment_make_no_drift():
    assert trends([check(read_n=10 + 0.02 * number) for number in range(-5, 5)]) == ()


def test_no_checks_no_trends():
    assert trends([]) == ()
