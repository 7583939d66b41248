"""What tools of minor 2 say of themselves, and what can be asked of them."""

from __future__ import annotations

from typing import Any

import pytest

from iastm_host.events import (
    Answer,
    Channels,
    Command,
    GetLog,
    Health,
    Motion,
    Problem,
    ResetDose,
    SelfTest,
    SelfTestResult,
    SelfTestRow,
    SetChannels,
    SetDoseLimit,
    Silence,
    StrokeMotion,
    ToolDescription,
    ToolEvent,
)
from iastm_host.tool.client import REPEAT_AFTER_US
from iastm_protocol import kinds, messages, tool_bodies, tool_messages

ALL = kinds.FEATURE_MOTION | kinds.FEATURE_SIGNALS | kinds.FEATURE_SELF_TEST | kinds.FEATURE_LOG | kinds.FEATURE_DOSE


def answers_to(hand: Any, command: Command, steps: int = 3) -> list[Answer]:
    request_id = hand.client.request(command)
    for _ in range(steps):
        hand.step()
    return [event for event in hand.of(Answer) if event.request_id == request_id]


def asked(hand: Any, command: int) -> list[bytes]:
    requests = [messages.Command.from_payload(payload) for kind, payload in hand.tool.heard if kind == kinds.COMMAND]
    return [request.body for request in requests if request.command == command]


def test_what_the_tool_can_do_and_why_it_started_arrives_in_words(by_hand: Any, fake_tool: Any) -> None:
    tool = fake_tool(features=ALL, trouble="no motion sensor", reset_reason=kinds.RESET_WATCHDOG, log=b"#1\n")
    tool.power_losses, tool.restarts, tool.overload_mn = 2, 3, 71_250
    (told,) = by_hand(tool).of(ToolDescription)
    assert (told.trouble, told.reset_reason) == (
        "no motion sensor",
        "its firmware hung, and its watchdog started it anew",
    )
    assert (told.power_losses, told.restarts, told.overload_n, told.log_bytes) == (2, 3, 71.25, 3)
    assert told.senses_motion
    assert told.chooses_channels
    assert told.tests_itself
    assert told.keeps_log
    assert told.sums_dose


@pytest.mark.parametrize(
    "command", [GetLog(0, 1), SelfTest(), SetChannels(("light",)), Silence(1), SetDoseLimit(1.0), ResetDose()]
)
def test_what_the_tool_has_no_part_for_is_refused_in_words_and_never_sent(by_hand: Any, command: Command) -> None:
    hand = by_hand()
    before = len(hand.tool.heard)
    with pytest.raises(Problem, match="The tool F-1 "):
        hand.client.request(command)
    hand.step()
    assert all(kind != kinds.COMMAND for kind, _ in hand.tool.heard[before:])


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (Silence(121), "121 s"),
        (SetChannels(("horn",)), "horn"),
        (SetDoseLimit(-1.0), "-1.0 N·s"),
        (SetDoseLimit(float("nan")), "nan N·s"),
    ],
)
def test_a_value_that_can_not_be_said_is_a_problem(by_hand: Any, fake_tool: Any, command: Command, says: str) -> None:
    hand = by_hand(fake_tool(features=ALL))
    with pytest.raises(Problem, match=says):
        hand.client.request(command)


def test_commands_carry_what_was_asked_for(by_hand: Any, fake_tool: Any) -> None:
    hand = by_hand(fake_tool(features=ALL))
    for command in (SetChannels(("vibration", "light")), Silence(90), SetDoseLimit(2.5), ResetDose(), SelfTest()):
        (answer,) = answers_to(hand, command)
        assert answer.accepted
    assert [tool_bodies.read_set_channels_body(body) for body in asked(hand, kinds.SET_CHANNELS)] == [5]
    assert [tool_bodies.read_silence_body(body) for body in asked(hand, kinds.SILENCE)] == [90]
    assert [tool_bodies.read_set_dose_limit_body(body) for body in asked(hand, kinds.SET_DOSE_LIMIT)] == [2500]
    assert asked(hand, kinds.RESET_DOSE) == [b""]


def test_channels_are_set_only_once_the_tool_says_that_they_are(by_hand: Any, fake_tool: Any) -> None:
    hand = by_hand(fake_tool(features=ALL))
    hand.tool.mute = {(kinds.COMMAND, kinds.SET_CHANNELS)}
    request_id = hand.client.request(SetChannels(("buzzer",)))
    # It said OK, and what it holds then was lost on the way.
    hand.step(hand.tool.wire(kinds.RESPONSE, messages.Response(request_id, kinds.SET_CHANNELS, kinds.OK, "")))
    assert all(event.request_id != request_id for event in hand.of(Answer))
    hand.tool.mute = set()
    for _ in range(REPEAT_AFTER_US // 10_000 + 2):
        hand.step()
    (answer,) = (event for event in hand.of(Answer) if event.request_id == request_id)
    assert answer.accepted
    assert hand.of(Channels)[-1] == Channels(("light", "buzzer", "vibration"), ("buzzer",), 0)


def test_a_log_is_fetched_piece_by_piece(by_hand: Any, fake_tool: Any) -> None:
    log = bytes(range(32, 127)) * 2
    hand = by_hand(fake_tool(features=ALL, log=log))
    read = b""
    while len(read) < len(log):
        (answer,) = answers_to(hand, GetLog(len(read), 480))
        assert answer.total == len(log)
        assert answer.data
        read += answer.data
    assert read == log


def test_a_self_test_is_told_with_names_and_units(by_hand: Any, fake_tool: Any) -> None:
    hand = by_hand(fake_tool(features=ALL))
    least, greatest = -(1 << 31), (1 << 31) - 1
    hand.tool.self_test = (
        tool_messages.SelfTestRow(kinds.TEST_ADC_NOISE, kinds.TEST_PASSED, 123, least, 400),
        tool_messages.SelfTestRow(kinds.TEST_EXCITATION, kinds.TEST_NOT_FITTED, least, 2900, 3100),
        tool_messages.SelfTestRow(33, kinds.TEST_FAILED, 7, 1, greatest),
    )
    request_id = hand.client.request(SelfTest())
    for _ in range(3):
        hand.step()
    assert hand.of(SelfTestResult) == [
        SelfTestResult(
            request_id,
            (
                SelfTestRow("noise at rest", "passed", "counts", 12.3, None, 40.0),
                SelfTestRow("excitation of the bridge", "not fitted", "V", None, 2.9, 3.1),
                SelfTestRow("test 33", "failed", "", 7.0, 1.0, None),
            ),
        )
    ]


def test_gestures_and_values_of_events_are_told(by_hand: Any) -> None:
    hand = by_hand()
    for kind, value in (
        (kinds.EVENT_BUTTON, kinds.GESTURE_DOUBLE),
        (kinds.EVENT_BUTTON, kinds.GESTURE_NOT_TOLD),
        (kinds.EVENT_OVERLOAD, 41_900 * 60),
        (kinds.EVENT_ZERO_COMPARED, -41_900 // 2),
    ):
        hand.step(hand.tool.happen(kind, value))
    told = hand.of(ToolEvent)
    assert [(event.kind, event.gesture) for event in told] == [
        ("button", "double press"),
        ("button", ""),
        ("overload", ""),
        ("zero compared", ""),
    ]
    assert [event.force_n for event in told] == [None, None, pytest.approx(60.0), pytest.approx(-0.5)]


def test_an_overload_of_a_cell_wired_the_other_way_round_is_a_press_all_the_same(by_hand: Any, fake_tool: Any) -> None:
    hand = by_hand(fake_tool(coefficients=(0.0, -1 / 41_900)))
    hand.step(hand.tool.happen(kinds.EVENT_OVERLOAD, 41_900 * 60))
    (told,) = hand.of(ToolEvent)
    assert told.force_n == pytest.approx(60.0)


def test_motion_and_health_arrive_in_units_of_people(by_hand: Any) -> None:
    hand = by_hand()
    state = kinds.MOTION_WIPING | kinds.MOTION_MOVING
    hand.step(hand.tool.wire(kinds.MOTION, tool_messages.MotionReport(9, 77, 4550, -9000, state)))
    hand.step(hand.tool.wire(kinds.HEALTH, tool_messages.HealthReport(3700, 319_500, 12, 3, 4, 1500, 9000, 60)))
    unknown = tool_messages.HealthReport(0, 0, 0, 0, 0, 0, 0, kinds.NEVER_SLEEPS)
    hand.step(hand.tool.wire(kinds.HEALTH, unknown))
    assert hand.of(Motion) == [Motion(9, 77, 45.5, -90.0, lying=False, wiping=True, moving=True)]
    assert hand.of(Health) == [
        Health(3.7, 319.5, 12, 3, 4, 1.5, 9.0, 60),
        Health(None, None, 0, 0, 0, 0.0, 0.0, None),
    ]


def test_what_is_told_of_a_stroke_has_the_samples_of_that_stroke(by_hand: Any) -> None:
    hand = by_hand()
    hand.step(hand.tool.stroke(100, 400, direction=-1, pass_length_mm=0))
    hand.step(hand.tool.stroke(500, 700, excluded=kinds.EXCLUDED_WIPING))
    assert hand.of(StrokeMotion) == [
        StrokeMotion(0xB007, 100, 400, -1, None, "force and motion", ""),
        StrokeMotion(0xB007, 500, 700, 1, 120, "force and motion", "wiping"),
    ]


def test_what_is_told_of_a_stroke_that_was_lost_is_passed_over(by_hand: Any) -> None:
    hand = by_hand()
    hand.step(hand.tool.stroke(100, 400, with_motion=False))
    hand.tool.strokes += 1
    lone = tool_messages.StrokeMotion(2, 1, 1, 10, kinds.EXCLUDED_LYING)
    hand.step(hand.tool.wire(kinds.STROKE_MOTION, lone))
    assert hand.of(StrokeMotion) == []
