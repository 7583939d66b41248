from __future__ import annotations

from iastm_firmware.stroke_rate import StrokeRate

_RATE_HZ = 320


def _rates(peaks_s: list[float]) -> list[int]:
    rate = StrokeRate(_RATE_HZ * 1000)
    found = []
    for peak_s in peaks_s:
        peak = round(peak_s * _RATE_HZ)
        found.append(rate.add(peak - 64, peak, peak + 64))
    return found


def test_one_stroke_has_no_rate() -> None:
    assert _rates([1.0]) == [0]


def test_even_strokes_have_the_rate_of_their_interval() -> None:
    assert _rates([1, 3, 5, 7]) == [0, 30_000, 30_000, 30_000]


def test_one_odd_interval_does_not_move_the_median() -> None:
    assert _rates([1, 3, 5, 7.5, 9.5])[-1] == 30_000


def test_of_an_even_number_of_intervals_the_middle_two_count() -> None:
    assert _rates([1, 2, 4])[-1] == 40_000


def test_only_the_last_five_strokes_count() -> None:
    assert _rates([1, 2, 3, 4, 5, 7, 9, 11, 13])[-1] == 30_000


def test_a_pause_of_three_seconds_begins_a_new_burst() -> None:
    # Strokes end and begin 0.2 s from their peaks: from peak to peak 3.4 s are a pause of 3 s.
    assert _rates([1, 2, 5.4]) == [0, 60_000, 0]
    assert _rates([1, 2, 5.3])[-1] != 0


def test_nothing_is_known_after_a_restart() -> None:
    rate = StrokeRate(_RATE_HZ * 1000)
    rate.add(0, 10, 20)
    rate.restart()
    assert rate.add(300, 310, 320) == 0
