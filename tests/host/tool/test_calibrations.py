from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import CalibrationReport
from iastm_host.tool.calibrations import Calibrations

_REPORT = CalibrationReport("c", "00", 50.0, (0.0, 1.0))


@given(st.sets(st.integers(0, 400), min_size=1, max_size=6), st.integers(0, 420), st.data())
def test_each_sample_has_the_calibration_of_its_own_time_however_often_they_are_told(
    changes: set[int], index: int, data: st.DataObject
) -> None:
    reports = [replace(_REPORT, calibration_id=str(start), from_index=start) for start in sorted(changes)]
    calibrations = Calibrations()
    told = 0
    while told < len(reports):
        # After a reconnect the tool tells its newest one once more.
        told = data.draw(st.integers(max(1, told), told + 1))
        calibrations.add(reports[told - 1])
    held = [report for report in reports if report.from_index <= index]
    assert calibrations.of(index) == (held[-1] if held else reports[0])


def test_nothing_is_known_before_one_is_told() -> None:
    assert Calibrations().of(7) is None


def test_one_that_is_told_anew_from_the_same_index_takes_the_place_of_the_other() -> None:
    calibrations = Calibrations()
    calibrations.add(_REPORT)
    other = replace(_REPORT, calibration_id="other")
    calibrations.add(other)
    assert calibrations.of(0) == other
