"""The firmware and its host on one carrier, for what SPEC.md says of the tool."""

from __future__ import annotations

import errno
import hashlib
from typing import Any

from tests.firmware.conftest import Bench
from tests.firmware.desk import COMMAND, CONNECT, ENCRYPTION, MTU, QUERY, Radio
from tests.protocol.spec import named

from iastm_firmware.ble import BleLink
from iastm_firmware.journal import Journal
from iastm_protocol import kinds, messages
from iastm_protocol.fragments import FragmentDecoder, fragments
from iastm_protocol.frames import BareFrameWriter, Decoder, encode
from iastm_protocol.gestures import DOUBLE_WITHIN_MS
from iastm_protocol.signing import tag
from iastm_protocol.stored_calibration import pack_head
from iastm_simulated.memory_store import MemoryStore

KEY = bytes(range(32))
CONNECTION = 64
_LIMITS = messages.Limits("one hand", 5000, 8000, 800, 520)
# Forces in counts, a thousand to the newton.
REST, CONTACT, OVER = 0, 2000, 6000
_KIND_NAMES = {value: name for name, value in named("### 2.4 Kinds", name_at=1, value_at=0).items()}
_KIND_OF = {type_: kind for kind, type_ in messages.MESSAGES.items()}
_ERRORS = {value: name for name, value in named("### 5.2 RESPONSE", name_at=1, value_at=0).items()}


class Rig:
    """A tool with half a second of samples, five of them missing, and its host on one carrier."""

    def __init__(self, by: str, **settings: Any) -> None:
        self.radio = Radio()
        links = [lambda tool: BleLink(tool, self.radio)] if by == "BLE" else []
        journal = Journal(MemoryStore())
        assert journal.add("failed", "ValueError: of a test")
        self.bench = Bench([REST] * 160, {100: 5}, **{"links": links, "key": KEY, "journal": journal, **settings})
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
        return [told(message) for message in self.heard()[self._heard_before :]]

    def sample(self, counts: int, times: int) -> None:
        self.bench.board.adc._left += [counts] * times  # type: ignore[attr-defined]
        self.run(60)

    def say_bytes(self, data: bytes, by: str = QUERY) -> None:
        if self._by_ble:
            self.radio.write(CONNECTION, by, data)
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

    def signed_command(
        self, command: int, body: bytes, by: str = COMMAND, key: bytes = KEY, request_id: int | None = None
    ) -> None:
        """Give a command as it is accepted on either carrier."""
        self._request_id += 1
        self._counter += 1
        number = self._request_id if request_id is None else request_id
        payload = messages.Command(number, command, body).to_payload()
        proof = tag(key, self.link.challenge, self._counter, payload)
        self.say(kinds.SIGNED_COMMAND, messages.SignedCommand(self._counter, proof, payload).to_payload(), by)

    def stored_calibration(self, serial_number: str = "7") -> bytes:
        """A calibration that this tool keeps where it is its own: the same slope, another name."""
        document = b'{"schema":1}'
        calibration = self.tool.settings.calibration._replace(
            calibration_id="kept", sha256=hashlib.sha256(document).digest()
        )
        return bytes(pack_head(serial_number, calibration)) + document

    def keep_by_another(self) -> None:
        """Keep a calibration as another link would."""
        stored = self.stored_calibration()
        other = object()
        self.tool.calibrations.begin(other, len(stored))
        self.tool.calibrations.add(other, 0, stored)
        assert self.tool.calibrations.put_in_force(self.tool, other, hashlib.sha256(stored).digest())

    def press(self) -> None:
        """Press the button once, and wait until no other press can make it a double one."""
        for pressed, duration_ms in ((True, 60), (False, 60 + DOUBLE_WITHIN_MS)):
            self.bench.board.pressed = pressed
            self.run(duration_ms)

    def take_nothing(self) -> None:
        self.bench.stream.room = 0
        self.radio.errors["gatts_notify"] = [errno.ENOMEM] * 10_000

    def take_all(self) -> None:
        self.bench.stream.room = None
        self.radio.errors.clear()

    def stall(self) -> None:
        """Take nothing for long enough, while there is something to send."""
        self.take_nothing()
        if self.state != "streaming":
            self.say(kinds.PING, messages.Ping(1).to_payload())
        self.sample(REST, 20)
        self.run(900)

    def connect(self, connection: int = CONNECTION) -> None:
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
            self.stall()
        assert self.state == state
        self.mark()


def told(message: Any) -> str:
    name = _KIND_NAMES[_KIND_OF[type(message)]]
    return f"{name} {_ERRORS[message.error]}" if isinstance(message, messages.Response) else name
