"""Floods a tool on each of its links, takes none of its answers meanwhile, and then serves an honest host.

    micropython -X heapsize=… run_flood.py FRAMES

Prints one JSON object: for each flood the bytes that it left on the heap and the most answers and writes that waited.
Raises AssertionError where an honest host is not served afterwards, or the limits that were set are not in force.
"""

import gc
import json
import sys

gc.threshold(4096)  # type: ignore[attr-defined]

from iastm_firmware.ble import BleLink  # noqa: E402
from iastm_firmware.boards.base import BoardBase  # noqa: E402
from iastm_firmware.tool import Tool  # noqa: E402
from iastm_protocol import kinds, messages  # noqa: E402
from iastm_protocol.fragments import FragmentDecoder, fragments  # noqa: E402
from iastm_protocol.frames import BareFrameWriter, Decoder, encode  # noqa: E402

_CONNECT, _DISCONNECT, _WRITE, _MTU, _ENCRYPTION = 1, 2, 3, 21, 28
_ENOMEM = 12
_TICKS_MASK = 0x3FFFFFFF
_WRITE_BYTES = 19
_LIMITS = messages.Limits("therapist", 5000, 8000, 800, 520)


class Outputs:
    there = 1

    def set(self, kind, light, buzzer_hz, motor):
        pass


class Board(BoardBase):
    """Converter, stream and radio in one; `deaf`: nothing is taken of what the tool says."""

    name = "flooded"
    outputs = Outputs()
    runtime = "micropython"
    serial_number = "0"
    simulated = True
    source_hash = bytes(8)
    rate_mhz = 320000
    ring_depth = 320
    zero_counts = 0
    calibration_storage = None
    zero_confirmed = True
    calibration = messages.Calibration("flooded", bytes(32), 100.0, (0.0, 0.001), 0, 0)

    def __init__(self):
        self.adc = self
        self.stream = self
        self.now = 0
        self.counts = 1000
        self.ticks = 0
        self.missed = 0
        self.deaf = False
        self.said = b""
        self.written = []
        self.notified = []
        self._due = 0
        self._value = b""
        self._handles = 0
        self._chance = 1

    def ticks_us(self):
        return self.now

    def next_conversion(self):
        if self.now < self._due:
            return False
        self.ticks = self._due
        self._due += 3125
        self.counts ^= 1
        return True

    def read(self):
        said = self.said[:64]
        self.said = self.said[64:]
        return said

    def write(self, data):
        if self.deaf:
            return 0
        self.written.append(bytes(data))
        return len(data)

    def links(self, tool):
        return [BleLink(tool, self)]

    def random_u32(self):
        self._chance = (self._chance * 1103515245 + 12345) & 0x7FFFFFFF
        return self._chance

    def battery_percent(self):
        return 50

    def temperature_cdeg(self):
        return 2000

    def button(self):
        return False

    def load_key(self):
        return bytes(32)

    def store_key(self, key):
        pass

    def failed(self, error):
        raise error

    # The radio, as MicroPython's module and its BLE.

    def BLE(self):  # noqa: N802
        return self

    def UUID(self, value):  # noqa: N802
        return value

    def active(self, on):
        return on

    def config(self, **values):
        pass

    def irq(self, handler):
        self.happens = handler

    def gatts_register_services(self, services):
        handles = []
        for _, characteristics in services:
            handles.append(tuple(range(self._handles, self._handles + len(characteristics))))
            self._handles += len(characteristics)
        return tuple(handles)

    def gatts_set_buffer(self, handle, size, append):
        pass

    def gatts_write(self, handle, value, send_update=False):
        pass

    def gatts_read(self, _handle):
        return self._value

    def gatts_notify(self, _connection, _handle, value):
        if self.deaf:
            raise OSError(_ENOMEM, "no room")
        self.notified.append(bytes(value))

    def gap_advertise(self, interval_us, **more):
        pass

    def gap_disconnect(self, _connection):
        return True

    def put(self, handle, value):
        self._value = value
        self.happens(_WRITE, (1, handle))


class Way:
    """One of the tool's links, and a host at its other end."""

    def __init__(self, tool, ble):
        self.tool = tool
        self.board = tool.board
        self.ble = ble
        self.link = tool.links[1 if ble else 0]
        # The most answers, writes and events that waited, and the most bytes of writes.
        self.most = 0
        self.held = 0
        self._writer = BareFrameWriter(kinds.MAX_LINK_PAYLOAD)
        # As registered: stream, query, command.
        self._query = 1
        self._command = 2

    def say(self, kind, payload, by_command=False):
        """Send a frame as a host does, and let the tool work for a moment."""
        if self.ble:
            for part in fragments(self._writer.frame(kind, 0, payload), 1 + _WRITE_BYTES):
                self.put(part, by_command)
        else:
            self.raw(encode(kind, 0, payload))

    def put(self, part, by_command=False):
        """Write one message to the tool."""
        self.board.put(self._command if by_command else self._query, part)
        self.turn()

    def raw(self, data):
        """Send bytes by cable."""
        self.board.said += data
        while self.board.said:
            self.turn()

    def turn(self):
        """A turn of the loop."""
        tool = self.tool
        for _ in range(2):
            tool.sampler.step()
            self.board.now = (self.board.now + 2000) & _TICKS_MASK
        for link in tool.links:
            link.step()
        self.most = max(self.most, len(self.link._waiting))
        if self.ble:
            self.most = max(self.most, len(self.link._arrived), len(self.link._inlet._waiting))

    def hear(self):
        """Return what the tool said since the last time."""
        decoder = FragmentDecoder(kinds.MAX_LINK_PAYLOAD) if self.ble else Decoder(kinds.MAX_LINK_PAYLOAD)
        found = []
        kept = self.board.notified if self.ble else self.board.written
        while kept:
            decoder.feed(kept.pop(0))
            frame = decoder.next_frame()
            while frame is not None:
                found.append(messages.MESSAGES[frame.kind].from_payload(frame.payload))
                frame = decoder.next_frame()
        return found

    def begin(self, session):
        """A host comes, and greets."""
        if self.ble:
            self.board.happens(_DISCONNECT, (1, 0))
            self.board.happens(_CONNECT, (1, 0))
        self.turn()
        self.hello(session)

    def hello(self, session, major=kinds.MAJOR):
        self.say(kinds.HELLO, messages.Hello(major, kinds.MINOR, "", session).to_payload())

    def command(self, request_id, number, body=b"", by_command=False):
        self.say(kinds.COMMAND, messages.Command(request_id & 0xFFFF, number, body).to_payload(), by_command)


def _hello(way, n):
    way.hello(7)


def _hello_of_others(way, n):
    way.hello(n)


def _hello_of_another_major(way, n):
    way.hello(n, kinds.MAJOR + 1)


def _ping(way, n):
    way.say(kinds.PING, messages.Ping(n & 0xFFFF).to_payload())


def _commands(way, n):
    for number in (kinds.START_STREAM, kinds.DESCRIBE, kinds.STOP_STREAM, 99):
        way.command(n, number)


def _changes(way, n):
    way.command(n, kinds.START_STREAM)
    way.command(n, kinds.SET_ZERO, messages.set_zero_body(n & 1023), True)
    limits = messages.Limits(str(n) * 40, 0, 0, 800, 520)
    way.command(n, kinds.SET_LIMITS, limits.to_payload(), True)


def _changes_by_others(way, n):
    way.command(n, kinds.START_STREAM)
    way.tool.set_zero(n & 1023)
    way.tool.set_limits(messages.Limits(str(n) * 40, 0, 0, 800, 520))


def _keys(way, n):
    way.command(n, kinds.GET_KEY, b"", True)
    way.command(n, kinds.RENEW_KEY, b"", True)


def _signed(way, n):
    command = messages.Command(n & 0xFFFF, kinds.SET_ZERO, messages.set_zero_body(1)).to_payload()
    way.say(kinds.SIGNED_COMMAND, messages.SignedCommand(n + 1, bytes(16), command).to_payload(), True)


def _fetches(way, n):
    way.say(kinds.FETCH, messages.Fetch(n, 4000).to_payload())
    way.say(kinds.FETCH_EVENTS, messages.FetchEvents(n).to_payload())
    way.say(kinds.ACK, messages.Ack(n, 1).to_payload())


def _damage(way, n):
    way.say(0x7F, b"?" * 100)
    way.say(kinds.PING, b"")
    way.say(kinds.HELLO, b"IAS")
    if way.ble:
        # Pieces without an end, without a beginning, and headers that are none.
        for header in (1, 0, 0, 0x80, 1):
            way.put(bytes([header]) + b"?" * 19)
    else:
        way.raw(b"\x05" * 300)
        way.raw(b"\x00" * 64 if n & 7 == 0 else b"\x05")


def _a_held_turn(way, n):
    # All that a host can do while the tool has no time for it.
    if not way.ble:
        way.raw(b"\x00\x02\x01" * 400)
        return
    for i in range(64):
        way.board.put(1, b"\x01" + b"?" * 511)
        way.board.put(2, b"")
        way.board.happens(_MTU, (1, 23 + i))
        way.board.happens(_ENCRYPTION, (1, i & 1, 0, 0, 16))
    way.most = max(way.most, len(way.link._arrived))
    gc.collect()
    way.held = max(way.held, sum([len(arrived[3]) for arrived in way.link._arrived]))
    way.turn()


FLOODS = (
    ("hello", _hello),
    ("hello of others", _hello_of_others),
    ("hello of another major", _hello_of_another_major),
    ("ping", _ping),
    ("commands", _commands),
    ("changes", _changes),
    ("changes by others", _changes_by_others),
    ("keys", _keys),
    ("signed", _signed),
    ("fetches", _fetches),
    ("damage", _damage),
    ("a held turn", _a_held_turn),
)


def _serves(tool, name):
    # A host at the cable sets limits and streams, and so may one over the radio, but for the limits.
    board = tool.board
    for way in (Way(tool, False), Way(tool, True)):
        board.deaf = False
        for _ in range(300):
            # What was kept for the other one.
            way.turn()
            board.written.clear()
            board.notified.clear()
        way.begin(1000)
        if not way.ble:
            way.command(1, kinds.SET_LIMITS, _LIMITS.to_payload())
        way.command(2, kinds.START_STREAM)
        for _ in range(200):
            way.turn()
        heard = way.hear()
        board.written.clear()
        board.notified.clear()
        answers = [each for each in heard if isinstance(each, messages.HelloAnswer)]
        assert len(answers) == 1, (name, way.ble, len(answers))
        errors = [each.error for each in heard if isinstance(each, messages.Response)]
        assert errors == ([0] if way.ble else [0, 0]), (name, way.ble, errors)
        limits = [each for each in heard if isinstance(each, messages.Limits)]
        assert limits[-1] == _LIMITS, (name, way.ble, limits)
        samples = sum([each.sample_count for each in heard if isinstance(each, messages.ForceSamples)])
        assert samples > 100, (name, way.ble, samples)
        way.command(3, kinds.STOP_STREAM)
        way.turn()
        board.written.clear()
        board.notified.clear()


def main(frames):
    """Play every flood on every link; print what it left."""
    tool = Tool(Board())
    _serves(tool, "before")
    # As many events as are kept, that they count for no flood.
    for _ in range(40):
        tool.events.raise_event(kinds.EVENT_BUTTON, 0, 0)
    found = {}
    for name, flood in FLOODS:
        for ble in (False, True):
            way = Way(tool, ble)
            way.begin(7)
            tool.board.deaf = True
            gc.collect()
            before = gc.mem_alloc()  # type: ignore[attr-defined]
            for n in range(frames):
                flood(way, n)
            gc.collect()
            link = "ble" if ble else "cable"
            kept = gc.mem_alloc() - before  # type: ignore[attr-defined]
            found[name + ", " + link] = [kept, way.most, way.held]
            assert "changes" in name or tool.settings.limits == _LIMITS, name
            _serves(tool, name)
    sys.stdout.write(json.dumps(found) + "\n")


main(int(sys.argv[1]))
