"""The tables of section 12 are true: the firmware is driven through every row, and the host's are its own."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable

import pytest
from tests.firmware.desk import COMMAND, DISCONNECT
from tests.protocol.rig import CONNECTION, CONTACT, OVER, REST, Rig
from tests.protocol.spec import section, tables

from iastm_firmware import app, ble, button, calibrations, carrier, keys, link, motion, outlet, sampler, window
from iastm_firmware import watch as tool_watch
from iastm_host.app import acquisition
from iastm_host.tool import backfill, client, clock, retry, states
from iastm_host.transports.ble import Patience
from iastm_protocol import calibration_bodies, gestures, kinds, limits, messages, tool_bodies

# The tool

_OTHER_LIMITS = messages.Limits("two hands", 6000, 9000, 800, 520)
# Conversions that are missing from the start on, and ones that are there.
_GONE, _KEPT = messages.Fetch(100, 5), messages.Fetch(0, 5)
# While the tool was suspended these came about, and are sent whatever the host says.
_WAITED = ("FORCE_SAMPLES", "TOOL_EVENT")


def _stroke_ends(rig: Rig) -> None:
    rig.sample(CONTACT, 60)
    rig.run(100)
    rig.mark()
    rig.sample(REST, 1)


def _key_after_press(rig: Rig) -> None:
    rig.press()
    rig.mark()
    rig.command(kinds.GET_KEY, by=COMMAND)


def _calibration_part(rig: Rig) -> None:
    rig.signed_command(kinds.BEGIN_CALIBRATION, calibration_bodies.begin_calibration_body(9))
    rig.run(60)
    rig.mark()
    rig.signed_command(kinds.CALIBRATION_PART, calibration_bodies.calibration_part_body(0, b"123456789"))


def _keep_calibration(rig: Rig) -> None:
    stored = rig.stored_calibration()
    rig.signed_command(kinds.BEGIN_CALIBRATION, calibration_bodies.begin_calibration_body(len(stored)))
    rig.signed_command(kinds.CALIBRATION_PART, calibration_bodies.calibration_part_body(0, stored))
    rig.run(60)
    rig.mark()
    rig.signed_command(
        kinds.KEEP_CALIBRATION, calibration_bodies.keep_calibration_body(hashlib.sha256(stored).digest())
    )


def _connects(rig: Rig) -> None:
    rig.connect(CONNECTION if rig.state == "off" else CONNECTION + 1)


def _five_seconds(rig: Rig) -> None:
    rig.bench.elapsed_us += 5_000_000
    rig.run(8)
    for connection in rig.radio.dropped:
        rig.radio.happens(DISCONNECT, connection, 0)


@pytest.fixture(autouse=True)
def heap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What STATUS asks of MicroPython."""
    monkeypatch.setattr(gc, "mem_free", lambda: 0, raising=False)


Event = Callable[[Rig], object]
_HOST: dict[str, Event] = {
    "HELLO of the same session": lambda rig: rig.hello(1),
    "HELLO of another session": lambda rig: rig.hello(2),
    "HELLO of another major": lambda rig: rig.hello(1, major=2),
    "PING": lambda rig: rig.say(kinds.PING, messages.Ping(7).to_payload()),
    "START_STREAM": lambda rig: rig.command(kinds.START_STREAM),
    "STOP_STREAM": lambda rig: rig.command(kinds.STOP_STREAM),
    "DESCRIBE": lambda rig: rig.command(kinds.DESCRIBE),
    "SET_ZERO": lambda rig: rig.signed_command(kinds.SET_ZERO, messages.set_zero_body(5)),
    "SET_ZERO unsigned": lambda rig: rig.command(kinds.SET_ZERO, messages.set_zero_body(5), COMMAND),
    "SET_LIMITS": lambda rig: rig.signed_command(kinds.SET_LIMITS, _OTHER_LIMITS.to_payload()),
    "BEGIN_CALIBRATION": lambda rig: rig.signed_command(
        kinds.BEGIN_CALIBRATION, calibration_bodies.begin_calibration_body(9)
    ),
    "CALIBRATION_PART": _calibration_part,
    "KEEP_CALIBRATION": _keep_calibration,
    "GET_CALIBRATION": lambda rig: rig.command(kinds.GET_CALIBRATION, calibration_bodies.get_calibration_body(0, 9)),
    "GET_LOG": lambda rig: rig.command(kinds.GET_LOG, tool_bodies.get_log_body(0, 9)),
    "SELF_TEST": lambda rig: rig.signed_command(kinds.SELF_TEST, b""),
    "SET_CHANNELS": lambda rig: rig.signed_command(
        kinds.SET_CHANNELS, tool_bodies.set_channels_body(kinds.CHANNEL_LIGHT)
    ),
    "SILENCE": lambda rig: rig.signed_command(kinds.SILENCE, tool_bodies.silence_body(60)),
    "SET_DOSE_LIMIT": lambda rig: rig.signed_command(kinds.SET_DOSE_LIMIT, tool_bodies.set_dose_limit_body(1000)),
    "RESET_DOSE": lambda rig: rig.signed_command(kinds.RESET_DOSE, b""),
    "GET_KEY": lambda rig: rig.command(kinds.GET_KEY, by=COMMAND),
    "GET_KEY after a press": _key_after_press,
    "RENEW_KEY": lambda rig: rig.command(kinds.RENEW_KEY, by=COMMAND),
    "unknown command": lambda rig: rig.command(0x7F),
    "FETCH": lambda rig: rig.say(kinds.FETCH, _KEPT.to_payload()),
    "FETCH of what is gone": lambda rig: rig.say(kinds.FETCH, _GONE.to_payload()),
    "FETCH_EVENTS": lambda rig: rig.say(
        kinds.FETCH_EVENTS, messages.FetchEvents(rig.tool.events.last_number).to_payload()
    ),
    "ACK": lambda rig: rig.say(kinds.ACK, messages.Ack(160, 2).to_payload()),
    "unknown kind": lambda rig: rig.say(0x0F, b"new"),
    "damage": lambda rig: rig.say_bytes(b"\x03abcdefgh\x00"),
    "unreadable payload": lambda rig: rig.say(kinds.PING, b"\x01"),
}
_TOOL: dict[str, Event] = {
    "a batch closes": lambda rig: rig.sample(REST, 4),
    "an alert is decided": lambda rig: rig.sample(OVER, 2),
    "a stroke ends": _stroke_ends,
    "the button is pressed": Rig.press,
    "a second passes": lambda rig: rig.link.second(),
    "the zero is set by another link": lambda rig: rig.tool.set_zero(77),
    "a calibration is kept by another link": lambda rig: rig.keep_by_another(),
    "channels are chosen by another link": lambda rig: rig.tool.set_channels(kinds.CHANNEL_BUZZER),
}
_STALL: dict[str, Event] = {"no bytes taken for 0.6 s": Rig.stall}
_BLE: dict[str, Event] = {
    "connect": _connects,
    "disconnect": lambda rig: rig.radio.happens(DISCONNECT, CONNECTION, 0),
    "5 s since connect": _five_seconds,
}
_GOES_ON = ("bytes from the host", "bytes are taken again")


def _rows() -> list[tuple[str, str, str, str, str]]:
    """Return (link, state, event, sends, then), one for each link, state and event of the table."""
    rows = []
    for links, in_states, events, sends, then in tables(section("### 12.1"))[1]:
        for by in ("stream", "BLE") if links == "both" else (links,):
            for state in in_states.split(", "):
                rows += [(by, state, event, sends, then) for event in events.split(", ")]
    return rows


def _driven() -> list[tuple[str, str, str, str, str]]:
    return [row for row in _rows() if row[2] not in _GOES_ON]


def _like_streaming() -> list[tuple[str, str, str, str, str]]:
    return [row for row in _rows() if row[1] == "streaming" and row[2] in _HOST and "press" not in row[2]]


def test_the_table_says_of_every_event_in_every_state_what_the_tool_does() -> None:
    listed = [row[:3] for row in _rows()]
    assert len(listed) == len(set(listed))
    greeting = {"silent", "greeted", "streaming"}
    expected = {(by, state, event) for by in ("stream", "BLE") for state in greeting for event in [*_HOST, *_STALL]}
    expected |= {(by, state, e) for by in ("stream", "BLE") for state in {*greeting, "suspended"} for e in _TOOL}
    expected |= {(by, "suspended", event) for by in ("stream", "BLE") for event in _GOES_ON}
    expected |= {("BLE", state, event) for state in {*greeting, "suspended"} for event in _BLE}
    expected.add(("BLE", "off", "connect"))
    assert set(listed) == expected
    in_words = {row[0] for row in tables(section("### 12.1"))[0]}
    assert in_words == {state for _, state, _ in expected}


@pytest.mark.parametrize(("by", "state", "event", "sends", "then"), _driven())
def test_the_tool_does_what_its_row_says(by: str, state: str, event: str, sends: str, then: str) -> None:
    rig = Rig(by)
    rig.reach(state)
    (_HOST | _TOOL | _STALL | _BLE)[event](rig)
    rig.run(100)
    expected, _, drops = sends.partition("; ")
    sent = rig.sent()
    if event == "a stroke ends":
        # With the sample that ends it a batch closes too, which is an event of its own.
        sent = [name for name in sent if name != "FORCE_SAMPLES"]
    if sent[-2:] == ["TOOL_EVENT", "TOOL_EVENT"]:
        # Those of boot and of the limits.
        del sent[-1]
    assert sent == ([] if expected == "nothing" else expected.split(", "))
    assert rig.state == (state if then == "same" else then)
    assert bool(rig.radio.dropped) == ("it drops" in drops)


@pytest.mark.parametrize("by", ["stream", "BLE"])
def test_a_suspended_link_goes_on_with_the_first_bytes_of_its_host(by: str) -> None:
    rig = Rig(by)
    rig.reach("suspended")
    rig.say_bytes(b"\x03")
    rig.run(8)
    assert (rig.state, rig.sent()) == ("streaming", [])
    rig.take_all()
    rig.run(100)
    assert set(rig.sent()) == set(_WAITED)


@pytest.mark.parametrize("by", ["stream", "BLE"])
def test_a_suspended_link_goes_on_by_itself_once_bytes_are_taken(by: str) -> None:
    rig = Rig(by)
    rig.reach("suspended")
    rig.take_all()
    rig.run(1100)
    assert rig.state == "streaming"
    assert set(rig.sent()) == set(_WAITED)


@pytest.mark.parametrize(("by", "state", "event", "sends", "then"), _like_streaming())
def test_a_suspended_link_does_with_a_frame_what_a_streaming_one_does(
    by: str, state: str, event: str, sends: str, then: str
) -> None:
    rig = Rig(by)
    rig.reach("suspended")
    rig.take_all()
    _HOST[event](rig)
    rig.run(200)
    expected = [] if sends == "nothing" else sends.split(", ")
    assert [name for name in rig.sent() if name not in _WAITED] == [name for name in expected if name not in _WAITED]
    assert rig.state == (state if then == "same" else then)


# The host


def test_the_hosts_table_is_the_one_that_it_runs_by() -> None:
    in_words, transitions, happenings = tables(section("### 12.2"))
    listed = {(state, event): then for state, event, then in transitions}
    assert len(listed) == len(transitions)
    assert listed == states.TRANSITIONS
    assert [row[0] for row in in_words] == [
        *(states.CLOSED, states.SEARCHING, states.CONNECTING, states.GREETING, states.SYNCHRONISING),
        *(states.STREAMING, states.SILENT, states.REFUSED, states.LOST, states.ENDED),
    ]
    assert {event for row in happenings for event in row[0].split(", ")} == set(states.REASONS)


# Times and bounds

_MS, _S = 1000, 1_000_000
_TIMES_US = {
    ("tool", "answer to HELLO, at most"): client.HELLO_EVERY_US,
    ("tool", "batch on a byte stream"): carrier._STREAM_BATCH_US,
    ("tool", "batch on BLE alone"): ble._BATCH_US,
    ("tool", "greeting on BLE"): ble._HELLO_WITHIN_US,
    ("tool", "stall"): outlet._STALL_US,
    ("tool", "held write"): outlet._SLOW_WRITE_US,
    ("tool", "another try"): outlet._TRY_EVERY_US,
    ("tool", "STATUS"): app._SECOND_MS * _MS,
    ("tool", "acknowledging"): window._PATIENCE_US,
    ("tool", "press of the button"): keys._PRESS_COUNTS_US,
    ("tool", "debouncing of the button"): button._DEBOUNCE_US,
    ("tool", "another press"): gestures.DOUBLE_WITHIN_MS * _MS,
    ("tool", "long press"): gestures.LONG_MS * _MS,
    ("tool", "MOTION"): motion._PUBLISH_EVERY * 100,
    ("tool", "vibrating"): limits.VIBRATES_MS * _MS,
    ("tool", "a count that jumps, at most"): sampler._HOLD_MOST_US,
    ("tool", "a calibration that comes"): calibrations._PATIENCE_S * _S,
    ("tool", "shortest stroke"): tool_watch._MIN_STROKE_MS * _MS,
    ("host", "HELLO again"): client.HELLO_EVERY_US,
    ("host", "greeting"): client.GIVE_UP_AFTER_US,
    ("host", "request again"): client.REPEAT_AFTER_US,
    ("host", "silence"): client.SILENT_AFTER_US,
    ("host", "PING"): client.PING_EVERY_US,
    ("host", "ACK"): client.ACKNOWLEDGE_EVERY_US,
    ("host", "ACK while fetching"): client.ACKNOWLEDGE_FETCHED_EVERY_US,
    ("host", "FETCH again"): backfill.ASK_AGAIN_AFTER_US,
    ("host", "FETCH_EVENTS again"): client.FETCH_EVENTS_EVERY_US,
    ("host", "fetching at the end"): acquisition.FETCH_AT_END_US,
    ("host", "first wait"): round(retry.FIRST_WAIT_S * _S),
    ("host", "longest wait"): round(retry.LONGEST_WAIT_S * _S),
}


def test_the_table_of_times_is_that_of_both_programs() -> None:
    listed = {}
    for side, name, value, *_ in tables(section("### 12.4"))[0]:
        number, unit = value.split(" ")
        listed[side, name] = int(number) * {"ms": _MS, "s": _S}[unit]
    assert listed == _TIMES_US


def test_the_bounds_in_words_are_those_of_both_programs() -> None:
    host, run = section("### 12.2"), section("### 12.3")
    assert (retry.FACTOR, client.TRIES, backfill.TRIES) == (2.0, 3, 6)
    assert f"for {Patience().find_s:g} s" in host
    assert f"BLE: {Patience().connect_s:g} s" in host
    assert f"of the last {clock.KEPT}" in host
    assert clock.AT_HELLO == 8
    assert "eight PINGs" in host
    assert f"lie {backfill.JOINED_ACROSS_SAMPLES} samples or less apart" in run
    assert f"{backfill.MOST_SAMPLES} samples at most" in run
    assert f"{ble._WINDOW_FRAMES} at most are under way" in run
    shares = f"leaves {link._FRAMES_FOR_FETCHED} of the {ble._WINDOW_FRAMES} to what was fetched"
    assert f"{shares}, {link._FRAMES_FOR_LIVE} to the newest" in run
    assert f"{link._MAX_WAITING} answers wait" in section("### 5.3")
