from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iastm_host.tool.words import FAULTS
from iastm_host.workbench import link_verdict
from iastm_host.workbench.link_figures import Drift, LinkFigures, Spread
from iastm_host.workbench.link_verdict import BAD, GOOD, TELLING_S, TOO_SHORT, USABLE, findings_on

FINE = LinkFigures(
    measured_s=10.0,
    stated_rate_hz=320.0,
    rate_hz=320.1,
    expected=3200,
    lost_first=0,
    lost_for_good=0,
    damaged_frames=0,
    unreadable_frames=0,
    round_trips=98,
    round_trip_ms=Spread(4.0, 6.0, 9.0),
    pings_unanswered=0,
    jitter_ms=2.0,
    drift=Drift(20.0, 30.0),
    longest_gap_ms=30.0,
    reconnects=0,
    restarts=0,
    missed_conversions=0,
    faults=(),
    battery_percent=80,
    backfills=True,
    ended_early="",
)


def test_a_good_link_is_told_in_one_line_that_asks_for_nothing() -> None:
    (finding,) = findings_on(FINE, radio=False)
    assert finding.level == GOOD
    assert finding.what == "Every sample came, and came the first time."
    assert finding.fix == ""


def test_a_good_link_tells_what_came_at_the_second_try() -> None:
    (finding,) = findings_on(replace(FINE, lost_first=8), radio=False)
    assert finding.level == GOOD
    assert "8 of 3200 samples (2.5 ‰) had to be sent twice" in finding.what


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"lost_first": 320}, USABLE, "320 of 3200 samples (100.0 ‰) had to be sent twice"),
        ({"lost_first": 1600}, BAD, "1600 of 3200 samples (500.0 ‰) had to be sent twice"),
        ({"lost_first": 330, "lost_for_good": 10}, BAD, "320 of 3200 samples (100.0 ‰) had to be sent twice"),
        ({"lost_first": 8, "lost_for_good": 8}, BAD, "8 of 3200 samples (2.5 ‰) did not come, on asking again either"),
        ({"lost_first": 8, "lost_for_good": 8, "backfills": False}, BAD, "this tool can't send samples again"),
        ({"lost_first": 8, "lost_for_good": 8, "missed_conversions": 8}, USABLE, "no fault of the link"),
        ({"round_trip_ms": Spread(90.0, 180.0, 200.0)}, USABLE, "180 ms: alerts on the screen come late. The tool's"),
        ({"round_trip_ms": Spread(90.0, 700.0, 900.0)}, BAD, "700 ms"),
        ({"longest_gap_ms": 620.0}, USABLE, "Nothing new came for 620 ms"),
        ({"longest_gap_ms": 2500.0}, BAD, "Nothing new came for 2500 ms"),
        ({"reconnects": 1}, USABLE, "broke once and came back"),
        ({"reconnects": 3}, BAD, "broke 3 times and came back"),
        ({"restarts": 1, "reconnects": 1}, BAD, "started anew once"),
        ({"ended_early": "The cable is out."}, BAD, "The cable is out."),
        ({"expected": 0, "rate_hz": None, "faults": ("converter silent",)}, BAD, "No sample came in 10.0 s"),
        ({"pings_unanswered": 20}, USABLE, "20 of 118 questions"),
        ({"jitter_ms": 140.0}, USABLE, "140 ms early or late"),
        ({"faults": ("link too narrow for the full rate",)}, BAD, "too short for the full rate"),
        ({"faults": ("link stalled",)}, USABLE, "took no bytes"),
        ({"faults": ("converter at its rail",)}, USABLE, "reports: converter at its rail"),
        ({"faults": ("conversions missed",)}, USABLE, "reports: conversions missed"),
        ({"unreadable_frames": 2}, BAD, "2 frames came whole"),
        ({"rate_hz": 288.0, "faults": ("rate is not the stated one",)}, USABLE, "288.0 times a second and states 320"),
        ({"battery_percent": 7}, USABLE, "battery is at 7 %"),
    ],
)
def test_each_trouble_is_told_with_its_reason_and_what_to_do(changes: dict[str, Any], level: str, words: str) -> None:
    for radio in (False, True):
        findings = findings_on(replace(FINE, **changes), radio=radio)
        assert findings[0].level == level
        assert len([finding for finding in findings if words in finding.what]) == 1
        for finding in findings:
            assert finding.fix.endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"reconnects": 1, "longest_gap_ms": 900.0},
        {"restarts": 1, "reconnects": 1, "longest_gap_ms": 3000.0},
        {"lost_first": 900, "lost_for_good": 900},
        {"lost_first": 8, "lost_for_good": 8, "missed_conversions": 8, "faults": ("conversions missed",)},
        {"rate_hz": 200.0, "faults": ("rate is not the stated one",)},
        {"ended_early": "The cable is out.", "longest_gap_ms": 9000.0},
    ],
)
def test_what_has_one_cause_is_told_once(changes: dict[str, Any]) -> None:
    assert len(findings_on(replace(FINE, **changes), radio=True)) == 1


def test_the_worst_comes_first() -> None:
    worse = replace(FINE, battery_percent=3, lost_first=9, lost_for_good=9, jitter_ms=200.0)
    assert [finding.level for finding in findings_on(worse, radio=True)] == [BAD, USABLE, USABLE]


def test_what_to_do_fits_the_carrier() -> None:
    lossy = replace(FINE, lost_first=1600)
    assert "nearer" in findings_on(lossy, radio=True)[0].fix
    assert "another cable" in findings_on(lossy, radio=False)[0].fix


def test_the_faults_that_are_told_in_other_words_are_the_tool_s() -> None:
    words = (
        link_verdict.LINK_NARROW,
        link_verdict.LINK_STALLED,
        link_verdict.CONVERSIONS_MISSED,
        link_verdict.RATE_NOT_STATED,
    )
    assert set(words) <= set(FAULTS.values())


def test_a_tool_that_was_unplugged_is_said_to_be_and_one_on_the_air_is_not() -> None:
    pulled = replace(FINE, measured_s=4.2, ended_early="There is no port /dev/ttyACM0.", gone=True)
    finding = findings_on(pulled, radio=False)[0]
    assert finding.level == BAD
    assert finding.what == "The tool was unplugged after 4.2 s, or its cable came loose."
    assert "unplugged" not in findings_on(pulled, radio=True)[0].what


def test_a_test_that_was_stopped_at_once_calls_no_link_good() -> None:
    (finding,) = findings_on(replace(FINE, measured_s=2.1, stopped=True), radio=False)
    assert finding.level == TOO_SHORT
    assert finding.what == "Stopped after 2 s, and nothing was lost until then."
    assert findings_on(replace(FINE, measured_s=TELLING_S, stopped=True), radio=False)[0].level == GOOD
    # A time that was asked for is a person's own choice, and what went wrong did so in any time.
    assert findings_on(replace(FINE, measured_s=2.1), radio=False)[0].level == GOOD
    lossy = replace(FINE, measured_s=2.1, stopped=True, lost_first=1600)
    assert findings_on(lossy, radio=False)[0].level == BAD
