from __future__ import annotations

from iastm_host.app.live_state import NOT_STARTED
from iastm_host.app.live_view import clock_text, force_text, size_text
from iastm_host.app.live_view.texts import PLAIN_FAULTS, worst_first
from iastm_host.tool.words import FAULTS
from iastm_protocol import kinds


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


def test_every_fault_of_a_tool_has_plain_words_with_what_to_do() -> None:
    assert set(FAULTS.values()) - {NOT_STARTED} == set(PLAIN_FAULTS)
    assert "10/80 Hz" in PLAIN_FAULTS[FAULTS[kinds.FAULT_TOO_SLOW]]
    assert "daily check" in PLAIN_FAULTS[FAULTS[kinds.FAULT_OVERLOADED]]
    passing = {kinds.FAULT_SAMPLES_MISSED, kinds.FAULT_LINK_STALLED, kinds.FAULT_LINK_NARROW}
    for bit in set(FAULTS) - passing - {kinds.FAULT_BOARD}:
        assert ": " in PLAIN_FAULTS[FAULTS[bit]], bit


def test_what_ends_a_treatment_is_said_before_all_else() -> None:
    bits = (kinds.FAULT_BATTERY_LOW, kinds.FAULT_SAMPLES_MISSED, kinds.FAULT_BRIDGE_OPEN)
    words = worst_first([FAULTS[bit] for bit in bits])
    assert words[0].startswith("A wire of the sensor is off")
    assert words[1].startswith("The tool's battery is low")
