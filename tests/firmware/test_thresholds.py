from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware import thresholds
from iastm_protocol.conversion import polarity, to_newtons
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN
from iastm_protocol.messages import Calibration, Limits

_LINEAR = Calibration("c", bytes(32), 50.0, (0.0, 1 / 1000), 0, 0)


@given(
    st.floats(100, 40_000),
    st.sampled_from([1, -1]),
    st.floats(0, 1e-9),
    st.integers(1000, 20_000),
    st.integers(0, 5000),
    st.integers(-20, 20),
)
def test_above_in_counts_is_above_in_newtons(
    counts_per_n: float, sign: int, bend: float, warn_mn: int, more_mn: int, offset: int
) -> None:
    # Bent so that the force grows with the distance from zero, whichever way the cell is wired.
    coefficients = (0.0, sign / counts_per_n, bend / counts_per_n)
    calibration = Calibration("c", bytes(32), 50.0, coefficients, 0, 0)
    made = thresholds.make(calibration, 0, Limits("", warn_mn, warn_mn + more_mn, 800, 520))
    assert made.polarity == polarity(coefficients)

    def force_n(net: int) -> float:
        return float(to_newtons(made.polarity * net, 0, coefficients))

    for enter, limit_mn in ((made.on, 800), (made.warn, warn_mn), (made.alarm, warn_mn + more_mn)):
        net = enter + offset
        assert (net > enter) == (force_n(net) > limit_mn / 1000)
    assert (made.off + offset < made.off) == (force_n(made.off + offset) < 520 / 1000)
    assert force_n(made.warn_leave) <= 0.91 * warn_mn / 1000 + 1.01 / counts_per_n


def test_a_limit_of_0_is_off() -> None:
    made = thresholds.make(_LINEAR, 0, Limits("", 0, 0, 800, 520))
    assert (made.warn, made.alarm) == (None, None)


@pytest.mark.parametrize(
    ("limits", "zero_counts", "words"),
    [
        (Limits("", 9000, 8000, 800, 520), 0, "alarm lies below"),
        (Limits("", 8000, 9000, 500, 520), 0, "contact must end"),
        (Limits("", 8000, 9000, 800, 0), 0, "contact must end"),
        (Limits("", 8000, 51_000, 800, 520), 0, "beyond the cell's 50.0 N"),
        (Limits("", 8000, 9000, 800, 520), 0x7FFFFF - 8500, "can't reach the alarm at 9.0 N"),
        (Limits("", 0, 0, 800, 520), 0x7FFFFF, "end of the converter's range"),
        (Limits("", 0, 0, 800, 800), 0, "contact must end"),
    ],
)
def test_limits_that_can_not_be_are_refused_in_words(limits: Limits, zero_counts: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        thresholds.make(_LINEAR, zero_counts, limits)


@pytest.mark.parametrize(
    ("sign", "furthest"), [(1, COUNTS_MAX - 1 - 9000), (-1, COUNTS_MIN + 1 + 9000)], ids=["rising", "falling"]
)
def test_a_limit_is_reached_inside_the_rail_of_its_polarity(sign: int, furthest: int) -> None:
    calibration = Calibration("c", bytes(32), 9.0, (0.0, sign / 1000), 0, 0)
    # At the capacity it may lie, too.
    at_capacity = Limits("", 0, 9000, 800, 520)
    made = thresholds.make(calibration, furthest, at_capacity)
    assert (made.polarity, made.alarm) == (sign, 9000)
    with pytest.raises(ValueError, match="can't reach the alarm"):
        thresholds.make(calibration, furthest + sign, at_capacity)
    # Contact has to be reached likewise.
    without_alarm = Limits("", 0, 0, 9000, 520)
    thresholds.make(calibration, furthest, without_alarm)
    with pytest.raises(ValueError, match="can't reach the contact"):
        thresholds.make(calibration, furthest + sign, without_alarm)


def test_below_no_counts_from_zero_nothing_is_told_apart() -> None:
    calibration = Calibration("c", bytes(32), 50.0, (0.25, 1 / 1000), 0, 0)
    made = thresholds.make(calibration, 0, Limits("", 100, 9000, 800, 200))
    # No counts from zero exceed the warning already, and contact ends below them.
    assert (made.warn, made.warn_leave, made.off) == (-1, -1, 0)
    with pytest.raises(ValueError, match="within one count"):
        thresholds.make(calibration, 0, Limits("", 0, 0, 200, 100))
