"""The tables of section 12 are true: the firmware is driven through every row, and the host's are its own."""

from __future__ import annotations

import errno
import gc
from collections.abc import Callable
from typing import Any

import pytest
from tests.firmware.conftest import Bench
from tests.firmware.desk import COMMAND, CONNECT, DISCONNECT, ENCRYPTION, MTU, QUERY, Radio
from tests.protocol.spec import named, section, tables

from iastm_firmware import app, ble, button, carrier, keys, link, outlet, window
from iastm_firmware import watch as tool_watch
from iastm_firmware.ble import BleLink
from iastm_host.app import acquisition
from iastm_host.tool import backfill, client, clock, retry, states
from iastm_host.transports.ble import Patience
from iastm_protocol import kinds, messages
from iastm_protocol.fragments import FragmentDecoder, fragments
from iastm_protocol.frames import BareFrameWriter, Decoder, encode
from iastm_protocol.signing import tag

# The tool


_KEY = bytes(range(32))
_CONNECTION = 64
_LIMITS = messages.Limits("one hand", 5000, 8000, 800, 520)
_OTHER_LIMITS = messages.Limits("two hands", 6000, 9000, 800, 520)
# Forces in counts, a thousand to the newton.
_REST, _CONTACT, _OVER = 0, 2000, 6000
# Conversions that are missing from the start on, and ones that are there.
_GONE, _KEPT = messages.Fetch(100, 5), messages.Fetch(0, 5)
_KIND_NAMES = {value: name for name, value in named("### 2.4 Kinds", name_at=1, value_at=0).items()}
_KIND_OF = {type_: kind for kind, type_ in messages.MESSAGES.items()}
_ERRORS = {value: name for name, value in named("### 5.2 RESPONSE", name_at=1, value_at=0).items()}
# While the tool was suspended these came about, and are sent whatever the host says.
_WAITED = ("FORCE_SAMPLES", "TOOL_EVENT")


class Rig:
    """A tool with half a second of samples, five of them missing, and its host on one carrier."""

    def __init__(self, by: str) -> None:
        self.radio = Radio()
        links = [lambda tool: BleLink(tool, self.radio)] if by == "BLE" else []
        self.bench = Bench([_REST] * 160, {100: 5}, links=links, key=_KEY)
        self.tool = self.bench.tool
        self.link: Any = self.tool.links[-1]
        self._by_ble = by == "BLE"
        self._heard_before = 0
        self._counter = 0
        self._request_id = 0
        self.run(700)
        self.tool.set_limits(_LIMITS)

    @property
    def state(self) -> str:
        if self._by_ble and self.link._connection is None:
            return "off"
        if not self.link.greeted:
            return "silent"
        if not self.link.streaming:
            return "greeted"
        return "streaming" if self.link.reading else "suspended"

    def run(self, duration_ms: int) -> None:
        for _ in range(duration_ms // 4):
            if self._by_ble:
                self.link.step()
            self.bench.run(4)

    def heard(self) -> list[Any]:
        """All that came out so far, as messages."""
        decoder: Any
        if self._by_ble:
            decoder = FragmentDecoder(kinds.MAX_LINK_PAYLOAD)
            for _, message in self.radio.notified:
                decoder.feed(message)
        else:
            decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
            decoder.feed(self.bench.stream.written)
        found = []
        while (frame := decoder.next_frame()) is not None:
            found.append(messages.MESSAGES[frame.kind].from_payload(frame.payload))
        assert decoder.damaged == 0
        return found

    def mark(self) -> None:
        """Count what comes out from here on."""
        self._heard_before = len(self.heard())

    def sent(self) -> list[str]:
        """What came out since the mark, as the table names it."""
        return [_told(message) for message in self.heard()[self._heard_before :]]

    def sample(self, counts: int, times: int) -> None:
        self.bench.board.adc._left += [counts] * times  # type: ignore[attr-defined]
        self.run(60)

    def say_bytes(self, data: bytes, by: str = QUERY) -> None:
        if self._by_ble:
            self.radio.write(_CONNECTION, by, data)
        else:
            self.bench.stream.said += data

    def say(self, kind: int, payload: bytes, by: str = QUERY) -> None:
        if self._by_ble:
            frame = bytes(BareFrameWriter(kinds.MAX_LINK_PAYLOAD).frame(kind, 0, payload))
            for message in fragments(frame, 244):
                self.say_bytes(message, by)
        else:
            self.say_bytes(encode(kind, 0, payload))

    def hello(self, session: int, major: int = kinds.MAJOR) -> None:
        self.say(kinds.HELLO, messages.Hello(major, kinds.MINOR, "test", session).to_payload())

    def command(self, command: int, body: bytes = b"", by: str = QUERY) -> None:
        self._request_id += 1
        self.say(kinds.COMMAND, messages.Command(self._request_id, command, body).to_payload(), by)

    def signed_command(self, command: int, body: bytes) -> None:
        """Give a command as it is accepted on either carrier."""
        self._request_id += 1
        self._counter += 1
        payload = messages.Command(self._request_id, command, body).to_payload()
        proof = tag(_KEY, self.link.challenge, self._counter, payload)
        self.say(kinds.SIGNED_COMMAND, messages.SignedCommand(self._counter, proof, payload).to_payload(), COMMAND)

    def press(self) -> None:
        for pressed in (True, False):
            self.bench.board.pressed = pressed
            self.run(60)

    def take_nothing(self) -> None:
        self.bench.stream.room = 0
        self.radio.errors["gatts_notify"] = [errno.ENOMEM] * 10_000

    def take_all(self) -> None:
        self.bench.stream.room = None
        self.radio.errors.clear()

    def connect(self, connection: int = _CONNECTION) -> None:
        self.radio.happens(CONNECT, connection, 0)
        self.radio.happens(MTU, connection, 247)
        self.radio.happens(ENCRYPTION, connection, 1, 0, 0, 16)

    def reach(self, state: str) -> None:
        """Bring the link into a state, with nothing left to send but while it is suspended."""
        if state != "off" and self._by_ble:
            self.connect()
        if state in ("greeted", "streaming", "suspended"):
            self.hello(1)
        if state in ("streaming", "suspended"):
            self.command(kinds.START_STREAM)
        self.run(200)
        if state == "suspended":
            _stall(self)
        assert self.state == state
        self.mark()


def _told(message: Any) -> str:
    name = _KIND_NAMES[_KIND_OF[type(message)]]
    return f"{name} {_ERRORS[message.error]}" if isinstance(message, messages.Response) else name


def _stall(rig: Rig) -> None:
    rig.take_nothing()
    if rig.state != "streaming":
        rig.say(kinds.PING, messages.Ping(1).to_payload())
    rig.sample(_REST, 20)
    rig.run(900)


def _stroke_ends(rig: Rig) -> None:
    rig.sample(_CONTACT, 60)
    rig.run(100)
    rig.mark()
    rig.sample(_REST, 1)


def _key_after_press(rig: Rig) -> None:
    rig.press()
    rig.mark()
    rig.command(kinds.GET_KEY, by=COMMAND)


def _connects(rig: Rig) -> None:
    rig.connect(_CONNECTION if rig.state == "off" else _CONNECTION + 1)


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
    "a batch closes": lambda rig: rig.sample(_REST, 4),
    "an alert is decided": lambda rig: rig.sample(_OVER, 2),
    "a stroke ends": _stroke_ends,
    "the button is pressed": Rig.press,
    "a second passes": lambda rig: rig.link.second(),
    "the zero is set by another link": lambda rig: rig.tool.set_zero(77),
}
_STALL: dict[str, Event] = {"no bytes taken for 0.6 s": _stall}
_BLE: dict[str, Event] = {
    "connect": _connects,
    "disconnect": lambda rig: rig.radio.happens(DISCONNECT, _CONNECTION, 0),
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
