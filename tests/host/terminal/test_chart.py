from __future__ import annotations

import numpy as np
import pytest
from tests.host.window.fake_session import ONE_HAND

from iastm_host.app.live_view import axis_top_n
from iastm_host.app.snapshot import Trace
from iastm_host.terminal.chart import chart

TOP_N = axis_top_n(ONE_HAND)


def trace(force_n: object, period_us: float = 100_000.0) -> Trace:
    values = np.asarray(force_n, dtype=float)
    return Trace(1, 0, period_us, values, np.zeros(len(values), dtype=np.bool_), 0, 0, ())


def cells(shown: Trace, columns: int, rows: int) -> list[str]:
    """Return the lines without their labels."""
    lines = [line.plain for line in chart(shown, ONE_HAND, columns, rows)]
    assert len(lines) == rows
    assert len({len(line) for line in lines}) == 1
    return [line[-columns:] for line in lines]


@pytest.mark.parametrize("force_n", [0.0, 0.1, 4.0, TOP_N / 2, TOP_N, 2 * TOP_N, -3.0])
def test_a_column_is_as_high_as_its_force(force_n: float) -> None:
    rows = 10
    column = [line[-1] for line in cells(trace([force_n] * 100), 20, rows)]
    eighths = sum(" ▁▂▃▄▅▆▇█".index(cell) for cell in column)
    assert eighths == pytest.approx(np.clip(force_n / TOP_N, 0, 1) * rows * 8, abs=1)
    assert column == sorted(column, key=" ▁▂▃▄▅▆▇█".index), "no hole below the top"


def test_the_newest_sample_stands_at_the_right_and_a_short_trace_begins_in_the_middle() -> None:
    bottom = cells(trace([4.0] * 49 + [TOP_N]), 20, 6)
    assert bottom[-1][:9] == "·" * 9
    assert bottom[-1][10:] == "█" * 10
    assert bottom[0][-1] == "█"
    assert bottom[0][:-1].strip() == ""


def test_the_highest_force_of_a_column_is_shown() -> None:
    force_n = np.zeros(1000)
    force_n[-7] = TOP_N
    top = cells(trace(force_n, 10_000.0), 20, 6)[0]
    assert top[-1] == "█"


def test_what_is_missing_is_a_dot_at_the_foot_and_never_a_zero() -> None:
    force_n = np.full(100, 4.0)
    force_n[40:60] = np.nan
    lines = cells(trace(force_n), 20, 6)
    assert lines[-1] == "█" * 8 + "····" + "█" * 8
    assert all("·" not in line for line in lines[:-1])


def test_before_the_first_sample_the_chart_is_empty_whatever_the_period() -> None:
    assert cells(trace([], 1.0), 30, 4)[-1] == "·" * 30


def test_the_limits_are_named_at_their_heights() -> None:
    lines = [line.plain for line in chart(trace([0.0]), ONE_HAND, 20, 14)]
    for word, force_n in (("Alarm", 14), ("Warn", 11), ("Target", 8.5)):
        ((row, line),) = [(n, text) for n, text in enumerate(lines) if word in text]
        assert f"{force_n:g}" in line
        assert TOP_N * (13 - row) / 14 <= force_n < TOP_N * (14 - row) / 14
    assert lines[-1].split()[0] == "0"
