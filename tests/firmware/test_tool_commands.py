"""Channels, silence, dose, self-test, log and motion on the real tool, over a cable and over BLE (SPEC.md, minor 2)."""

from __future__ import annotations

import errno
import gc
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.firmware.conftest import Bench, command, hello
from tests.firmware.desk import COMMAND, DISCONNECT, ENCRYPTION, QUERY
from tests.firmware.media import Storage
from tests.protocol.reader import NAMES, read_stream
from tests.protocol.rig import CONNECTION, CONTACT, OVER, REST, Rig

from iastm_firmware.journal import Journal
from iastm_firmware.self_test import NOT_MEASURED
from iastm_protocol import kinds, messages, tool_bodies
from iastm_protocol.frames import encode
from iastm_protocol.tool_messages import (
    ChannelsReport,
    HealthReport,
    LogPart,
    MotionReport,
    SelfTestResult,
    StrokeMotion,
)
from iastm_simulated.imu import SimulatedImu
from iastm_simulated.memory_store import MemoryStore

_ALL = kinds.CHANNEL_LIGHT | kinds.CHANNEL_BUZZER | kinds.CHANNEL_VIBRATION
_ID = 500
both = pytest.mark.parametrize("by", ["stream", "BLE"])


@pytest.fixture(autouse=True)
def heap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What STATUS and the self-test ask of MicroPython."""
    monkeypatch.setattr(gc, "mem_free", lambda: 40_000, raising=False)


class _Session(Rig):
    """A tool whose converter never stops, with all that goes on beside it, and its host."""

    def __init__(self, by: str, **settings: Any) -> None:
        super().__init__(by, **{"there": _ALL, **settings})
        self._seconds = 0

    def live(self, duration_ms: int, counts: int = REST) -> None:
        """Let time pass, with a force of so many counts and the converter's own noise on it."""
        bench = self.bench
        adc: Any = bench.board.adc  # type: ignore[attr-defined]
        due = (bench.elapsed_us + duration_ms * 1000) * bench.rate_mhz // 1_000_000_000
        left = due - adc._made - (len(adc._left) - adc._position)
        adc._left += [counts + (i & 1) for i in range(left)]
        for turn in range(duration_ms // 4):
            self.run(4)
            if turn % 3 == 0:
                self.tool.life.step()
            if bench.elapsed_us // 1_000_000 > self._seconds:
                self._seconds = bench.elapsed_us // 1_000_000
                self.tool.second()

    @property
    def tests_itself(self) -> bool:
        self_test: Any = self.tool.life.self_test
        return bool(self_test.runs)

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.heard() if isinstance(message, kind)]

    def give(self, asked: _Asked, request_id: int | None = None) -> list[str]:
        """Give a command as this host may; return what came for it, but the stream."""
        self.mark()
        self.signed_command(asked.command, asked.body, request_id=request_id)
        self.live(60)
        return [name for name in self.sent() if name not in ("FORCE_SAMPLES", "TOOL_EVENT", "STATUS", "HEALTH")]

    def events(self, kind: int) -> list[int]:
        """The values of the tool's events of a kind."""
        events = self.tool.events
        found = []
        number = 0
        while number < events.last_number:
            number, _, payload = events.after(number)
            event = messages.ToolEvent.from_payload(payload)
            found += [event.value] if event.kind == kind else []
        return found


class _Asked(NamedTuple):
    command: int
    body: bytes
    reports: tuple[str, ...] = ()


_CHOOSE = _Asked(kinds.SET_CHANNELS, tool_bodies.set_channels_body(kinds.CHANNEL_BUZZER), ("CHANNELS",))
_SILENCE = _Asked(kinds.SILENCE, tool_bodies.silence_body(60), ("CHANNELS",))
_DOSE_LIMIT = _Asked(kinds.SET_DOSE_LIMIT, tool_bodies.set_dose_limit_body(900))
_RESET_DOSE = _Asked(kinds.RESET_DOSE, b"")
_SELF_TEST = _Asked(kinds.SELF_TEST, b"")
_LOG = _Asked(kinds.GET_LOG, tool_bodies.get_log_body(0, 100), ("LOG_PART",))
_ORDERS = {
    "SET_CHANNELS": _CHOOSE,
    "SILENCE": _SILENCE,
    "SET_DOSE_LIMIT": _DOSE_LIMIT,
    "RESET_DOSE": _RESET_DOSE,
    "SELF_TEST": _SELF_TEST,
}
_COMMANDS = {**_ORDERS, "GET_LOG": _LOG}


def _state(rig: _Session) -> tuple[Any, ...]:
    # What the orders change.
    tool = rig.tool
    return tool.signals.chosen, tool.signals.silenced_s, tool.watch.dose.limit_mns, rig.tests_itself


# who may


@both
@pytest.mark.parametrize("name", _COMMANDS)
@pytest.mark.parametrize("state", ["greeted", "streaming"])
def test_a_command_tells_its_report_once_and_then_its_answer(by: str, name: str, state: str) -> None:
    rig = _Session(by)
    rig.reach(state)
    assert rig.give(_COMMANDS[name]) == [*_COMMANDS[name].reports, "RESPONSE OK"]


@pytest.mark.parametrize("name", _ORDERS)
def test_over_ble_an_order_needs_the_key_and_the_encrypted_way_in(name: str) -> None:
    asked = _ORDERS[name]
    rig = _Session("BLE")
    rig.reach("streaming")
    before = _state(rig)
    for by in (QUERY, COMMAND):
        rig.command(asked.command, asked.body, by)
        rig.run(60)
    rig.signed_command(asked.command, asked.body, by=QUERY)
    rig.run(60)
    rig.signed_command(asked.command, asked.body, key=bytes(32))
    rig.run(60)
    rig.radio.happens(ENCRYPTION, CONNECTION, 0, 0, 0, 0)
    rig.signed_command(asked.command, asked.body)
    rig.run(60)
    answers = [sent for sent in rig.sent() if sent.startswith("RESPONSE")]
    assert answers == [
        *("RESPONSE NEEDS_KEY", "RESPONSE NEEDS_KEY", "RESPONSE NOT_ALLOWED"),
        *("RESPONSE NEEDS_KEY", "RESPONSE NOT_ALLOWED"),
    ]
    assert _state(rig) == before


def test_over_ble_anybody_may_read_the_log() -> None:
    rig = _Session("BLE")
    rig.reach("greeted")
    rig.command(_LOG.command, _LOG.body, QUERY)
    rig.run(60)
    assert rig.sent() == ["LOG_PART", "RESPONSE OK"]


@pytest.mark.parametrize("name", _ORDERS)
def test_an_order_of_a_host_without_control_is_refused_and_done_once_it_may(name: str) -> None:
    asked = _ORDERS[name]
    rig = _Session("BLE")
    rig.reach("streaming")
    rig.bench.say(hello() + command(1, kinds.START_STREAM))
    before = _state(rig)
    assert rig.give(asked, _ID) == ["RESPONSE NOT_ALLOWED"]
    assert "another host" in rig.of(messages.Response)[-1].text
    assert _state(rig) == before
    assert rig.give(_LOG) == ["LOG_PART", "RESPONSE OK"]
    rig.bench.say(command(2, kinds.STOP_STREAM))
    assert rig.give(asked, _ID)[-1] == "RESPONSE OK"


@both
def test_in_contact_nothing_is_done_that_may_hold_the_converter_up(by: str) -> None:
    rig = _Session(by)
    rig.reach("streaming")
    answers = {}
    for name, asked in _COMMANDS.items():
        rig.live(20, CONTACT)
        rig.mark()
        rig.signed_command(asked.command, asked.body, request_id=_ID)
        rig.live(60, CONTACT)
        (answers[name],) = [sent for sent in rig.sent() if sent.startswith("RESPONSE")]
    refused = {name for name, answer in answers.items() if answer == "RESPONSE NOT_ALLOWED"}
    assert refused == {"SET_CHANNELS", "SELF_TEST"}
    assert {answers[name] for name in answers.keys() - refused} == {"RESPONSE OK"}
    assert not rig.tests_itself
    rig.live(400)
    # The very request that was refused is decided anew.
    assert rig.give(_SELF_TEST, _ID) == ["RESPONSE OK"]


# what can't be


@both
@pytest.mark.parametrize(
    ("number", "body"),
    [
        (kinds.SET_CHANNELS, b""),
        (kinds.SET_CHANNELS, b"\x08"),
        (kinds.SET_CHANNELS, b"\xff"),
        (kinds.SILENCE, b"\x05"),
        (kinds.SILENCE, (121).to_bytes(2, "little")),
        (kinds.SILENCE, b"\xff\xff"),
        (kinds.SET_DOSE_LIMIT, b"\x01\x02\x03"),
        (kinds.GET_LOG, b"\x00\x00\x00\x00\x01"),
    ],
)
def test_a_body_that_is_short_or_out_of_range_changes_nothing(by: str, number: int, body: bytes) -> None:
    rig = _Session(by)
    rig.reach("streaming")
    before = _state(rig)
    for _ in range(2):
        assert rig.give(_Asked(number, body), _ID) == ["RESPONSE BAD_ARGUMENT"]
    assert _state(rig) == before
    assert rig.events(kinds.EVENT_CHANNELS) == []


@pytest.mark.parametrize("body", [b"\x00", bytes([_ALL]), b"\x00more"])
def test_every_set_of_channels_can_be_chosen(body: bytes) -> None:
    rig = _Session("stream")
    rig.reach("greeted")
    assert rig.give(_Asked(kinds.SET_CHANNELS, body)) == ["CHANNELS", "RESPONSE OK"]
    assert rig.of(ChannelsReport)[-1] == ChannelsReport(_ALL, body[0], 0)


def test_what_the_tool_does_not_have_may_be_chosen() -> None:
    rig = _Session("stream", there=kinds.CHANNEL_LIGHT)
    rig.reach("greeted")
    assert rig.give(_Asked(kinds.SET_CHANNELS, bytes([_ALL]))) == ["CHANNELS", "RESPONSE OK"]
    assert rig.of(ChannelsReport)[-1] == ChannelsReport(kinds.CHANNEL_LIGHT, _ALL, 0)


@pytest.mark.parametrize("limit_mns", [0, 1, 0xFFFF_FFFF])
def test_every_dose_limit_can_be_set_and_is_told(limit_mns: int) -> None:
    rig = _Session("stream")
    rig.reach("streaming")
    rig.give(_Asked(kinds.SET_DOSE_LIMIT, tool_bodies.set_dose_limit_body(limit_mns)))
    rig.live(1000)
    assert rig.of(HealthReport)[-1].dose_limit_mns == limit_mns


# what a tool may lack

_LACKS: dict[str, tuple[dict[str, Any], int, tuple[_Asked, ...]]] = {
    "light, buzzer and motor": ({"there": 0}, kinds.FEATURE_SIGNALS, (_CHOOSE, _SILENCE)),
    "log": ({"journal": None}, kinds.FEATURE_LOG, (_LOG,)),
}


@both
@pytest.mark.parametrize("lacking", _LACKS)
def test_a_tool_that_lacks_a_part_says_so_and_does_not_know_its_commands(by: str, lacking: str) -> None:
    settings, feature, unknown = _LACKS[lacking]
    rig = _Session(by, **settings)
    rig.reach("streaming")
    whole = _Session(by)
    whole.reach("greeted")
    (answer,) = rig.of(messages.HelloAnswer)
    assert not answer.features & feature
    assert whole.of(messages.HelloAnswer)[0].features == answer.features | feature
    assert feature != kinds.FEATURE_LOG or answer.log_bytes == 0
    # Whatever else would refuse them: not signed, a body that is none, contact, another host in control.
    rig.live(40, CONTACT)
    if by == "BLE":
        rig.bench.say(hello() + command(1, kinds.START_STREAM))
    for asked in unknown:
        rig.mark()
        rig.command(asked.command, b"")
        rig.live(40, CONTACT)
        assert "RESPONSE UNKNOWN_COMMAND" in rig.sent()
    rig.command(kinds.DESCRIBE)
    rig.live(60)
    assert bool(rig.of(ChannelsReport)) == (feature != kinds.FEATURE_SIGNALS)


def test_a_tool_without_a_motion_sensor_sends_nothing_of_motion() -> None:
    rig = _Session("stream")
    rig.reach("streaming")
    rig.live(500, CONTACT)
    rig.live(1500)
    assert not rig.of(messages.HelloAnswer)[0].features & kinds.FEATURE_MOTION
    assert len(rig.of(messages.StrokeReport)) == 1
    assert rig.of(MotionReport) == rig.of(StrokeMotion) == []


# channels


@both
def test_channels_that_change_are_an_event_and_are_told_to_all_who_stream_and_no_other(by: str) -> None:
    rig = _Session("BLE")
    cable = rig.bench
    rig.reach("streaming" if by == "BLE" else "greeted")
    cable.say(hello() + (command(1, kinds.START_STREAM) if by == "stream" else b""))
    rig.mark()
    before = len(cable.heard().of(ChannelsReport))
    rig.tool.set_channels(0)
    rig.live(60)
    assert rig.sent().count("CHANNELS") == (by == "BLE")
    assert len(cable.heard().of(ChannelsReport)) - before == (by == "stream")
    rig.tool.set_channels(0)
    rig.live(60)
    assert rig.events(kinds.EVENT_CHANNELS) == [0]
    told = rig.of(ChannelsReport) if by == "BLE" else cable.heard().of(ChannelsReport)
    assert told[-1] == ChannelsReport(_ALL, 0, 0)


@both
def test_asked_for_what_is_chosen_already_the_tool_tells_it_and_changes_nothing(by: str) -> None:
    rig = _Session(by)
    rig.reach("streaming")
    chosen = rig.tool.signals.chosen
    asked = _Asked(kinds.SET_CHANNELS, tool_bodies.set_channels_body(chosen))
    assert rig.give(asked) == ["CHANNELS", "RESPONSE OK"]
    assert rig.of(ChannelsReport)[-1].chosen == chosen
    assert rig.events(kinds.EVENT_CHANNELS) == []


def test_channels_are_kept_over_restarts() -> None:
    storage = Storage()
    rig = _Session("stream", settings_storage=storage)
    rig.reach("greeted")
    rig.give(_CHOOSE)
    rig.live(2000)
    again = _Session("stream", settings_storage=storage)
    again.reach("greeted")
    again.command(kinds.DESCRIBE)
    again.live(60)
    assert again.of(ChannelsReport) == [ChannelsReport(_ALL, kinds.CHANNEL_BUZZER, 0)]
    assert again.events(kinds.EVENT_CHANNELS) == []


# silence


def _silence(seconds: int) -> _Asked:
    return _Asked(kinds.SILENCE, tool_bodies.silence_body(seconds))


@both
def test_a_silence_that_runs_out_is_told(by: str) -> None:
    rig = _Session(by)
    rig.reach("streaming")
    rig.live(400, OVER)
    rig.mark()
    rig.signed_command(*_silence(3)[:2])
    rig.live(60, OVER)
    (begun,) = rig.of(ChannelsReport)[-1:]
    assert begun.silenced_s == 3
    rig.live(2000, OVER)
    assert rig.sent().count("CHANNELS") == 1
    rig.live(2000, OVER)
    assert rig.sent().count("CHANNELS") == 2
    assert rig.of(ChannelsReport)[-1].silenced_s == 0
    rig.live(2000, OVER)
    assert rig.sent().count("CHANNELS") == 2


@both
def test_a_silence_that_ends_with_what_it_silenced_is_told(by: str) -> None:
    rig = _Session(by)
    rig.reach("streaming")
    rig.live(400, OVER)
    rig.mark()
    rig.signed_command(*_silence(120)[:2])
    rig.live(60, OVER)
    assert rig.of(ChannelsReport)[-1].silenced_s == 120
    rig.live(1100)
    assert rig.sent().count("CHANNELS") == 2
    assert rig.of(ChannelsReport)[-1].silenced_s == 0


@both
def test_a_silence_is_ended_by_hand(by: str) -> None:
    rig = _Session(by)
    rig.reach("streaming")
    rig.live(400, OVER)
    for seconds in (60, 0):
        rig.signed_command(*_silence(seconds)[:2])
        rig.live(60, OVER)
        assert rig.of(ChannelsReport)[-1].silenced_s == seconds
    rig.mark()
    rig.live(1500, OVER)
    assert "CHANNELS" not in rig.sent()


def test_who_streams_is_told_of_a_silence_that_another_host_asked_for() -> None:
    rig = _Session("BLE")
    rig.reach("streaming")
    cable = rig.bench
    cable.say(hello(session=9) + command(1, kinds.START_STREAM))
    rig.live(400, OVER)
    rig.mark()
    before = len(cable.heard().of(ChannelsReport))
    cable.say(command(2, kinds.SILENCE, tool_bodies.silence_body(60)))
    rig.live(60, OVER)
    told = cable.heard().of(ChannelsReport)[before:]
    assert [each.silenced_s for each in told] == [60]
    assert rig.sent().count("CHANNELS") == 1
    assert rig.of(ChannelsReport)[-1].silenced_s == 60


def test_a_silence_of_nothing_is_told_to_who_asked_alone() -> None:
    rig = _Session("BLE")
    rig.reach("streaming")
    cable = rig.bench
    cable.say(hello(session=9) + command(1, kinds.START_STREAM))
    rig.mark()
    before = len(cable.heard().of(ChannelsReport))
    cable.say(command(2, kinds.SILENCE, tool_bodies.silence_body(60)))
    rig.live(60)
    assert [each.silenced_s for each in cable.heard().of(ChannelsReport)[before:]] == [0]
    assert "CHANNELS" not in rig.sent()


# asked once more


def _repeated(by: str, asked: _Asked, meanwhile: Callable[[_Session], Any]) -> _Session:
    """A tool that was asked for the same twice, under one request id."""
    rig = _Session(by)
    rig.reach("streaming")
    answer = [*asked.reports, "RESPONSE OK"]
    assert rig.give(asked, _ID) == answer
    meanwhile(rig)
    rig.live(300)
    assert rig.give(asked, _ID) == answer
    return rig


@both
def test_channels_asked_for_once_more_are_told_and_not_chosen_again(by: str) -> None:
    rig = _repeated(by, _CHOOSE, lambda rig: rig.tool.set_channels(0))
    assert rig.tool.signals.chosen == 0
    assert rig.of(ChannelsReport)[-1].chosen == 0
    assert rig.events(kinds.EVENT_CHANNELS) == [kinds.CHANNEL_BUZZER, 0]


@both
def test_a_dose_limit_and_a_reset_asked_for_once_more_are_not_done_again(by: str) -> None:
    rig = _repeated(by, _DOSE_LIMIT, lambda rig: rig.tool.set_dose_limit(5))
    assert rig.tool.watch.dose.limit_mns == 5
    rig = _repeated(by, _RESET_DOSE, lambda rig: rig.live(500, OVER))
    assert rig.tool.watch.dose.total_mns > 400


@both
def test_a_silence_asked_for_once_more_does_not_begin_again(by: str) -> None:
    rig = _Session(by)
    rig.reach("streaming")
    rig.live(400, OVER)
    for seconds, request_id in ((60, _ID), (0, _ID + 1), (60, _ID)):
        rig.mark()
        rig.signed_command(*_silence(seconds)[:2], request_id=request_id)
        rig.live(60, OVER)
        assert [sent for sent in rig.sent() if sent in ("CHANNELS", "RESPONSE OK")] == ["CHANNELS", "RESPONSE OK"]
    assert rig.tool.signals.silenced_s == 0


@both
def test_a_log_asked_for_once_more_is_read_once_more(by: str) -> None:
    rig = _repeated(by, _LOG, lambda rig: rig.bench.board.journal.add("again"))
    first, second = rig.of(LogPart)
    assert second.total > first.total == first.offset + len(first.data)


# dose


@both
def test_a_dose_that_is_reached_alerts_once_and_again_after_a_reset(by: str) -> None:
    rig = _Session(by)
    rig.reach("streaming")
    rig.give(_DOSE_LIMIT)
    # A newton above warn.
    rig.live(800, OVER)
    assert [alert.kind for alert in rig.of(messages.AlertReport)] == [kinds.WARN]
    rig.live(1400, OVER)
    rig.live(400)
    rig.live(800, OVER)
    warned, told, again = rig.of(messages.AlertReport)
    assert (warned.kind, told.kind, again.kind) == (kinds.WARN, kinds.DOSE, kinds.WARN)
    assert 250 <= told.index - warned.index <= 320
    # With an alert a batch ends.
    assert told.index in [batch.first_index + batch.sample_count - 1 for batch in rig.of(messages.ForceSamples)]
    health = rig.of(HealthReport)[-1]
    assert health.dose_limit_mns == 900 <= health.dose_mns
    rig.give(_RESET_DOSE)
    rig.live(1000)
    assert rig.of(HealthReport)[-1].dose_mns < 100
    rig.live(1200, OVER)
    assert [alert.kind for alert in rig.of(messages.AlertReport)].count(kinds.DOSE) == 2


def test_a_dose_limit_below_what_there_is_alerts_at_once_and_the_same_limit_again_does_not() -> None:
    rig = _Session("stream")
    rig.reach("streaming")
    rig.live(1500, OVER)
    rig.live(300)
    for _ in range(2):
        rig.give(_DOSE_LIMIT)
        rig.live(60)
        assert [alert.kind for alert in rig.of(messages.AlertReport)] == [kinds.WARN, kinds.DOSE]


@pytest.mark.parametrize("ends", [_RESET_DOSE, _Asked(kinds.SET_DOSE_LIMIT, tool_bodies.set_dose_limit_body(50_000))])
def test_what_is_shown_of_a_dose_ends_where_the_dose_is_below_its_limit(ends: _Asked) -> None:
    rig = _Session("stream")
    rig.reach("streaming")
    rig.give(_DOSE_LIMIT)
    rig.live(1500, OVER)
    rig.live(1500)
    assert rig.bench.board.alerts[-1][1] == kinds.DOSE
    rig.give(ends)
    assert rig.bench.board.alerts[-1][1] == 0


# self-test


@both
def test_a_self_test_is_answered_at_once_and_tells_its_result_within_five_seconds(by: str) -> None:
    rig = _Session(by)
    rig.reach("greeted")
    assert rig.give(_SELF_TEST, _ID) == ["RESPONSE OK"]
    assert rig.give(_SELF_TEST, _ID) == ["RESPONSE OK"]
    assert rig.give(_SELF_TEST) == ["RESPONSE BUSY"]
    rig.live(5000)
    (result,) = rig.of(SelfTestResult)
    assert result.request_id == _ID
    rows = {row.test: row for row in result.tests}
    assert sorted(rows) == list(range(kinds.TEST_ADC_NOISE, kinds.TEST_RATE + 1))
    for test in (kinds.TEST_GRAVITY, kinds.TEST_EXCITATION):
        assert (rows[test].verdict, rows[test].value) == (kinds.TEST_NOT_FITTED, NOT_MEASURED)
    assert (rows[kinds.TEST_RATE].verdict, rows[kinds.TEST_ZERO].verdict) == (kinds.TEST_PASSED, kinds.TEST_PASSED)
    assert rig.give(_SELF_TEST) == ["RESPONSE OK"]
    rig.live(5000)
    assert len(rig.of(SelfTestResult)) == 2


def test_a_result_goes_to_who_asked_alone_and_meanwhile_others_are_told_that_it_is_busy() -> None:
    rig = _Session("BLE")
    rig.reach("greeted")
    cable = rig.bench
    cable.say(hello() + command(1, kinds.SELF_TEST))
    assert rig.give(_SELF_TEST) == ["RESPONSE BUSY"]
    rig.live(5000)
    assert len(cable.heard().of(SelfTestResult)) == 1
    assert rig.of(SelfTestResult) == []


@pytest.mark.parametrize("ends", ["another session", "disconnect"])
def test_a_host_that_is_gone_gets_no_result_and_leaves_the_tool_free(ends: str) -> None:
    rig = _Session("BLE")
    rig.reach("greeted")
    assert rig.give(_SELF_TEST) == ["RESPONSE OK"]
    if ends == "disconnect":
        rig.radio.happens(DISCONNECT, CONNECTION, 0)
        rig.live(40)
        rig.connect()
    rig.hello(2)
    rig._counter = 0
    rig.live(40)
    assert not rig.tests_itself
    assert rig.give(_SELF_TEST, _ID) == ["RESPONSE OK"]
    rig.live(5000)
    assert [result.request_id for result in rig.of(SelfTestResult)] == [_ID]


def test_a_converter_that_gives_nothing_is_what_the_result_says() -> None:
    rig = _Session("stream")
    rig.reach("greeted")
    rig.signed_command(kinds.SELF_TEST, b"")
    for _ in range(800):
        rig.run(4)
        rig.tool.life.step()
    (result,) = rig.of(SelfTestResult)
    rows = {row.test: (row.verdict, row.value) for row in result.tests}
    for test in (kinds.TEST_ADC_NOISE, kinds.TEST_ZERO, kinds.TEST_RATE):
        assert rows[test] == (kinds.TEST_FAILED, NOT_MEASURED)


# log


def _full_log() -> Journal:
    journal = Journal(MemoryStore())
    for number in range(12):
        assert journal.add("failed", f"ValueError: {number} " + "x" * 300)
    return journal


@both
@pytest.mark.parametrize("n", [1, 100, 472, 473, 0xFFFF])
def test_the_log_comes_whole_in_parts_that_fit(by: str, n: int) -> None:
    journal = _full_log()
    rig = _Session(by, journal=journal)
    rig.reach("greeted")
    assert rig.of(messages.HelloAnswer)[0].log_bytes == journal.size > 1500
    got = journal.piece(0, journal.size - 3 * 472) if n == 1 else b""
    while True:
        rig.give(_Asked(kinds.GET_LOG, tool_bodies.get_log_body(len(got), n if n > 1 else 472)))
        part = rig.of(LogPart)[-1]
        assert (part.offset, part.total) == (len(got), journal.size)
        assert len(part.data) == min(n if n > 1 else 472, 472, journal.size - len(got))
        if not part.data:
            break
        got += part.data
    assert got == journal.piece(0, journal.size)
    lines = got.decode("ascii").splitlines()
    assert got.endswith(b"\n")
    assert all(line.startswith(("# start ", "  ")) for line in lines)
    assert "ValueError: 11 " in lines[-1]


@pytest.mark.parametrize(("offset", "n"), [(0, 0), (10_000, 5), (0xFFFF_FFFF, 0xFFFF)])
def test_beyond_its_end_the_log_has_nothing_and_its_length_is_told(offset: int, n: int) -> None:
    rig = _Session("stream")
    rig.reach("greeted")
    assert rig.give(_Asked(kinds.GET_LOG, tool_bodies.get_log_body(offset, n))) == ["LOG_PART", "RESPONSE OK"]
    assert rig.of(LogPart)[-1] == LogPart(offset, rig.bench.board.journal.size, b"")


def test_a_log_that_can_not_be_read_is_a_failure_in_words_of_the_log() -> None:
    storage = Storage()
    journal = Journal(storage)
    assert journal.add("failed")
    rig = _Session("stream", journal=journal)
    rig.reach("greeted")
    storage.open_errors = [[errno.EIO], [errno.EIO]]
    assert rig.give(_LOG, _ID) == ["RESPONSE FAILED"]
    assert "log" in rig.of(messages.Response)[-1].text
    storage.open_errors = [[], []]
    assert rig.give(_LOG, _ID) == ["LOG_PART", "RESPONSE OK"]


# order


class _Hand:
    """What SimulatedImu asks of the rows that are played."""

    def __init__(self) -> None:
        self.touches = False

    def force_un(self) -> int:
        return 2_000_000 if self.touches else 0


def _moving(by: str, **times: Any) -> tuple[_Session, _Hand]:
    hand = _Hand()
    made: list[_Session] = []
    imu = SimulatedImu(hand, lambda: made[0].bench.elapsed_us if made else 0, **times)
    rig = _Session(by, imu=imu)
    made.append(rig)
    rig.reach("streaming")
    rig.live(600)
    rig.mark()
    return rig, hand


@both
def test_angles_come_twenty_times_a_second_while_a_stream_runs(by: str) -> None:
    rig, _ = _moving(by)
    assert rig.of(messages.HelloAnswer)[0].features & kinds.FEATURE_MOTION
    before = len(rig.of(MotionReport))
    rig.live(2000)
    found = rig.of(MotionReport)[before:]
    assert 39 <= len(found) <= 41
    assert all(4000 <= each.tilt_cdeg <= 5000 for each in found)
    assert sorted(each.tool_us for each in found) == [each.tool_us for each in found]
    rig.command(kinds.STOP_STREAM)
    rig.live(100)
    rig.mark()
    rig.live(500)
    assert rig.sent() == []


def test_a_stream_does_not_begin_with_angles_of_before_the_sensor_failed() -> None:
    rig, _ = _moving("stream", failing=[[3, 100]])
    rig.command(kinds.STOP_STREAM)
    rig.live(4000)
    assert rig.tool.health.faults & kinds.FAULT_MOTION
    rig.mark()
    rig.command(kinds.START_STREAM)
    rig.live(2000)
    assert "STATUS" in rig.sent()
    assert "MOTION" not in rig.sent()


@both
@pytest.mark.parametrize("lies", [False, True])
def test_each_stroke_is_followed_by_what_motion_tells_of_it(by: str, lies: bool) -> None:
    rig, hand = _moving(by, lying=[[0, 100]] if lies else [])
    for _ in range(2):
        hand.touches = True
        rig.live(1000, CONTACT)
        hand.touches = False
        rig.live(1000)
    sent = rig.sent()
    assert sent.count("STROKE") == sent.count("STROKE_MOTION") == 2
    assert [sent[i + 1] for i, name in enumerate(sent) if name == "STROKE"] == ["STROKE_MOTION"] * 2
    strokes, told = rig.of(messages.StrokeReport), rig.of(StrokeMotion)
    assert [each.number for each in told] == [each.number for each in strokes]
    assert {each.source for each in told} == {kinds.SOURCE_FORCE_AND_MOTION}
    assert {each.excluded for each in told} == {kinds.EXCLUDED_LYING if lies else kinds.EXCLUDED_NOT}


@both
def test_once_a_second_there_is_a_status_and_right_after_it_health(by: str) -> None:
    rig, _ = _moving(by)
    rig.live(4000)
    conditions = [name for name in rig.sent() if name in ("STATUS", "HEALTH", "MOTION")]
    at = [i for i, name in enumerate(conditions) if name == "STATUS"]
    assert len(at) == 4 == conditions.count("HEALTH")
    assert [conditions[i + 1] for i in at] == ["HEALTH"] * 4
    health = rig.of(HealthReport)[-1]
    assert (health.battery_mv, health.idle_s) == (3850, kinds.NEVER_SLEEPS)
    assert abs(health.rate_mhz - 320_000) < 1000


@both
def test_health_that_a_link_refused_goes_next_once_it_takes_bytes_again(by: str) -> None:
    rig, _ = _moving(by)
    rig.live(1500)
    for _ in range(60):
        rig.take_nothing()
        rig.live(8)
        rig.take_all()
        rig.live(92)
    conditions = [name for name in rig.sent() if name in ("STATUS", "HEALTH", "MOTION")]
    at = [i for i, name in enumerate(conditions) if name == "STATUS"]
    assert len(at) > 5
    assert {conditions[i + 1] for i in at[:-1]} == {"HEALTH"}


@both
def test_channels_come_after_the_limits_and_before_the_answer(by: str) -> None:
    rig = _Session(by)
    rig.reach("greeted")
    rig.command(kinds.DESCRIBE)
    rig.live(60)
    assert rig.sent() == ["CALIBRATION", "ZERO", "LIMITS", "CHANNELS", "RESPONSE OK"]


# hosts of older minors

_KNOWN_TO_MINOR = {0: range(0x1C), 1: range(0x1D)}


@pytest.mark.parametrize("minor", [0, 1])
def test_a_host_of_an_older_minor_gets_along_by_skipping_what_it_does_not_know(minor: int) -> None:
    rig, hand = _moving("stream")
    bench: Bench = rig.bench
    bench.stream.written = b""
    bench.say(encode(kinds.HELLO, 0, messages.Hello(kinds.MAJOR, minor, "older", 77).to_payload()))
    bench.say(command(1, kinds.SET_ZERO, messages.set_zero_body(3)))
    bench.say(command(2, kinds.START_STREAM))
    hand.touches = True
    rig.live(1000, CONTACT)
    hand.touches = False
    rig.live(2200)
    bench.say(command(3, kinds.STOP_STREAM))
    frames, damaged = read_stream(bench.stream.written)
    assert damaged == 0
    known = [frame for frame in frames if frame.kind in _KNOWN_TO_MINOR[minor]]
    assert {NAMES[frame.kind] for frame in frames} - {NAMES[frame.kind] for frame in known} == {
        *("MOTION", "STROKE_MOTION", "HEALTH", "CHANNELS")
    }
    names = [NAMES[frame.kind] for frame in known]
    assert names[:7] == ["HELLO_ANSWER", "ZERO", "RESPONSE", "CALIBRATION", "ZERO", "LIMITS", "RESPONSE"]
    # As minor 0 reads them: of each payload the fields that it knows, from its start.
    assert known[0].payload[:6] == b"IAST" + bytes([kinds.MAJOR, kinds.MINOR])
    assert [frame.payload[3] for frame in known if NAMES[frame.kind] == "RESPONSE"] == [kinds.OK] * 3
    next_index = None
    for frame in known:
        if NAMES[frame.kind] == "FORCE_SAMPLES":
            first_index = int.from_bytes(frame.payload[:4], "little")
            assert next_index in (None, first_index)
            next_index = first_index + (len(frame.payload) - 15) // 3
    assert names.count("STROKE") == 1
    assert names.count("STATUS") in (2, 3, 4)
    assert names[-1] == "RESPONSE"
    # Nor did the tool find anything of it odd.
    assert (rig.link._unknown_kinds, rig.link._unreadable) == (0, 0)


# anything in any order

_STEP = st.tuples(
    st.booleans(),
    st.sampled_from([asked.command for asked in _COMMANDS.values()] + [kinds.DESCRIBE, kinds.START_STREAM]),
    st.sampled_from([asked.body for asked in _COMMANDS.values()]) | st.binary(max_size=8),
    st.sampled_from([REST, CONTACT, OVER]),
)


@settings(max_examples=30)
@given(steps=st.lists(_STEP, max_size=12))
def test_whatever_two_hosts_ask_for_each_gets_one_answer_to_each(steps: list[tuple[bool, int, bytes, int]]) -> None:
    rig = _Session("BLE")
    rig.reach("greeted")
    cable = rig.bench
    cable.say(hello())
    asked: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for request_id, (by_cable, number, body, counts) in enumerate(steps):
        if by_cable:
            cable.say(command(request_id, number, body))
        else:
            rig.signed_command(number, body, request_id=request_id)
        asked[by_cable].append((request_id, number))
        rig.live(60, counts)
    rig.live(3000)
    for by_cable, heard in ((True, cable.heard().messages), (False, rig.heard())):
        answers = [each for each in heard if isinstance(each, messages.Response)]
        assert [(each.request_id, each.command) for each in answers] == asked[by_cable]
        known = {kinds.OK, kinds.BAD_ARGUMENT, kinds.NOT_ALLOWED, kinds.BUSY}
        assert {each.error for each in answers} <= known
        began = [each.request_id for each in answers if (each.command, each.error) == (kinds.SELF_TEST, kinds.OK)]
        assert [each.request_id for each in heard if isinstance(each, SelfTestResult)] == began
