from __future__ import annotations

from iastm_host.app.live_view import clock_text, force_text, size_text


def test_numbers_are_written_the_same_way_everywhere() -> None:
    assert [force_text(force_n) for force_n in (0.04, 9.96, 99.94, 99.96, 123.4)] == [
        "0.0",
        "10.0",
        "99.9",
        "100",
        "123",
    ]
    assert [clock_text(seconds) for seconds in (0, 61.9, 3661)] == ["0:00", "1:01", "1:01:01"]
    assert [size_text(count) for count in (0, 999_499, 1_000_000)] == ["0 kB", "999 kB", "1.00 MB"]
