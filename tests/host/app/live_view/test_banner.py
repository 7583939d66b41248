from __future__ import annotations

from dataclasses import replace

import pytest
from tests.host.app.live_view.snapshots import LIVE, RESTING_S, resting, with_link, with_verdict
from tests.host.window.fake_session import medium_alert

from iastm_host.app.live_view import live_view
from iastm_host.app.live_view.texts import PLAIN_FAULTS
from iastm_host.app.snapshot import LinkView, RecordingView, ZeroView
from iastm_host.events import Problem
from iastm_host.tool.words import FAULTS
from iastm_protocol import kinds


def test_a_paused_view_says_so_and_the_alert_goes_on() -> None:
    snapshot = resting(6.8)
    view = LIVE.pause(snapshot)
    later = replace(snapshot, medium_alert=medium_alert(RESTING_S))
    shown = live_view(later, view)
    assert shown.ladder.word == "Paused"
    assert shown.banner is not None
    assert shown.banner.text == "Ease off: 3 of the last 5 over 14 N"
    assert shown.medium


def test_too_much_force_in_a_pause_shows_in_the_banner() -> None:
    view = LIVE.pause(resting(6.8))
    hard = with_verdict(resting(6.8), running_n=15.2, warn_crossed=True, alarm_crossed=True)
    banner = live_view(hard, view).banner
    assert banner is not None
    assert banner.text == "Too hard: 15.2 N"


def test_banners_come_in_order_of_what_must_be_acted_on() -> None:
    snapshot = replace(resting(6.8), tool_warns=True)
    trouble = RecordingView("/r/a.iastm", 10, 1.0, "disk full")
    shown = []
    for change in (
        {"battery_percent": 9},
        {"faults": ("converter silent",)},
        {"recording": trouble},
        {"zero": ZeroView(True, "Hold still to zero", 0, False, 0.6)},
        {"link": LinkView("serial", "lost", "unplugged", snapshot.taken_us)},
        {"medium_alert": medium_alert(RESTING_S)},
        {"problem": Problem("The session stopped.", "Start again.")},
    ):
        snapshot = replace(snapshot, **change)
        banner = live_view(snapshot, LIVE).banner
        assert banner is not None
        shown.append(banner.text)
    assert shown == [
        "Battery 9 %",
        "No force from the sensor",
        "Disk full",
        "Hold still to zero",
        "Link lost. Carry on: the tool warns by itself.",
        "Ease off: 3 of the last 5 over 14 N",
        "The session stopped.",
    ]


def test_a_lost_tool_that_may_not_warn_by_itself_is_not_said_to() -> None:
    shown = live_view(with_link(resting(6.8), "lost"), LIVE)
    assert shown.banner is not None
    assert shown.banner.text == "Link lost. Nothing warns now: wait for it."
    assert "by itself" not in shown.ladder.sub


def test_for_how_long_a_lost_tool_warns_by_itself_nobody_here_can_know() -> None:
    lost = replace(with_link(resting(6.8), "lost", "There is no port."), tool_warns=True)
    heard_us = lost.trace.last_arrived_us
    early = live_view(replace(lost, taken_us=heard_us + 4_999_999), LIVE)
    late = live_view(replace(lost, taken_us=heard_us + 5_000_000), LIVE)
    assert early.banner is not None
    assert late.banner is not None
    assert (early.banner.text, early.banner.sub) == (
        "Link lost. Carry on: the tool warns by itself.",
        "There is no port.",
    )
    assert early.ladder.sub == "Carry on: the tool warns by itself"
    assert (late.banner.text, late.banner.sub) == (
        "Link lost. It warned by itself when the link went.",
        "A slow white or blue light: it does not now. Trying again: There is no port.",
    )
    assert "It warned by itself when the link went" in late.ladder.sub


def test_an_attempt_that_fails_does_not_vouch_for_the_tool_anew() -> None:
    lost = replace(with_link(resting(6.8), "lost", "There is no port."), tool_warns=True)
    later_us = lost.trace.last_arrived_us + 60_000_000
    again = replace(lost, taken_us=later_us, link=replace(lost.link, since_us=later_us))
    banner = live_view(again, LIVE).banner
    assert banner is not None
    assert "Carry on" not in banner.text


def test_a_lost_tool_that_does_not_warn_is_still_tried_for() -> None:
    lost = with_link(resting(6.8), "lost", "There is no port.")
    banner = live_view(replace(lost, taken_us=lost.taken_us + 9_000_000), LIVE).banner
    assert banner is not None
    assert (banner.text, banner.sub) == (
        "Link lost. Nothing warns now: wait for it.",
        "Trying again: There is no port.",
    )


def test_a_zero_s_word_goes_when_its_time_is_over() -> None:
    snapshot = resting(6.8)
    zero = ZeroView(False, "Zero set", snapshot.taken_us + 1, True, 0.0)
    banner = live_view(replace(snapshot, zero=zero), LIVE).banner
    assert banner is not None
    assert (banner.text, banner.sub) == ("Zero set", "U restores the old zero")
    assert live_view(replace(snapshot, zero=zero, taken_us=snapshot.taken_us + 1), LIVE).banner is None


def test_only_a_medium_alert_flashes() -> None:
    alert = live_view(resting(6.8, medium_alert=medium_alert(1.0)), LIVE).banner
    lost = live_view(with_link(resting(6.8), "lost"), LIVE).banner
    assert alert is not None
    assert lost is not None
    assert (alert.flashing, lost.flashing) == (True, False)


@pytest.mark.parametrize("fault", [FAULTS[kinds.FAULT_ADC_SATURATED], FAULTS[kinds.FAULT_ADC_FAILS]])
def test_faults_are_said_in_the_words_of_who_treats(fault: str) -> None:
    banner = live_view(resting(6.8, faults=(fault, "something new")), LIVE).banner
    assert banner is not None
    assert "sensor" in banner.text.lower()
    assert "tip" in banner.sub or "check the tool" in banner.sub
    assert banner.sub.endswith("Something new")


def test_every_fault_of_the_converter_has_its_plain_words() -> None:
    assert set(PLAIN_FAULTS) <= set(FAULTS.values())
    assert not [
        fault for fault in set(FAULTS.values()) - set(PLAIN_FAULTS) if "converter" in fault or "conversion" in fault
    ]


def test_without_a_loudspeaker_no_sound_is_offered() -> None:
    snapshot = resting(6.8, medium_alert=medium_alert(RESTING_S))
    mute, loud = (live_view(snapshot, view).banner for view in (LIVE.without_sound(), LIVE))
    assert mute is not None
    assert loud is not None
    assert "sound" not in mute.sub
    assert "S pauses the sound" in loud.sub


def test_an_alert_does_not_hide_the_answer_to_a_request_for_a_zero() -> None:
    snapshot = resting(6.8, medium_alert=medium_alert(RESTING_S))
    zero = ZeroView(False, "Zero set", snapshot.taken_us + 1, True, 0.0)
    banner = live_view(replace(snapshot, zero=zero), LIVE).banner
    assert banner is not None
    assert (banner.text, banner.sub) == ("Ease off: 3 of the last 5 over 14 N", "Zero set")


def test_undo_a_second_time_is_called_by_what_it_does() -> None:
    snapshot = resting(6.8)
    undone = replace(snapshot, zero=ZeroView(False, "Old zero", snapshot.taken_us + 1, True, 0.0, undone=True))
    view = live_view(undone, LIVE)
    assert view.banner is not None
    assert view.banner.sub == "U brings the new zero back"
    assert "Redo zero" in [action.label for action in view.actions]
    assert "Undo zero" in [action.label for action in live_view(snapshot, LIVE).actions]
