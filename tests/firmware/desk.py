"""A tool on a bench with a cable and a radio that the test holds in its hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iastm_firmware.ble import BleLink
from iastm_protocol import kinds, messages
from iastm_protocol.fragments import FragmentDecoder, fragments
from iastm_protocol.frames import BareFrameWriter
from iastm_protocol.signing import tag

CONNECT, DISCONNECT, WRITE, MTU, ENCRYPTION = 1, 2, 3, 21, 28


class Radio:
    """MicroPython's `bluetooth` and its BLE in one; `errors` are raised by the next calls of that name."""

    class UUID:
        def __init__(self, value: int | str) -> None:
            self.value = value

    def __init__(self, pairs: bool = True) -> None:
        self.values: dict[int, bytes] = {}
        self.handles: dict[int | str, int] = {}
        self.buffers: dict[int, tuple[int, bool]] = {}
        self.notified: list[tuple[int, bytes]] = []
        self.advertised: list[dict[str, Any]] = []
        self.dropped: list[int] = []
        self.errors: dict[str, list[int]] = {}
        self._pairs = pairs
        self._irq: Callable[[int, tuple[int, ...]], None] | None = None

    def BLE(self) -> Radio:  # noqa: N802
        return self

    def active(self, on: bool) -> bool:
        return on

    def irq(self, handler: Callable[[int, tuple[int, ...]], None]) -> None:
        self._irq = handler

    def config(self, **values: Any) -> None:
        if not self._pairs and not values.keys() <= {"gap_name", "mtu"}:
            raise ValueError("unknown config param")

    def gatts_register_services(self, services: Any) -> Any:
        found = []
        for _, characteristics in services:
            handles = []
            for uuid, *_ in characteristics:
                self.handles[uuid.value] = len(self.handles) + 1
                handles.append(len(self.handles))
            found.append(tuple(handles))
        return tuple(found)

    def gatts_set_buffer(self, handle: int, size: int, append: bool) -> None:
        self.buffers[handle] = (size, append)

    def gatts_write(self, handle: int, value: bytes, _send_update: bool = False) -> None:
        self._fail("gatts_write")
        self.values[handle] = value

    def gatts_read(self, handle: int) -> bytes:
        return self.values.pop(handle)

    def gatts_notify(self, connection: int, _handle: int, value: memoryview) -> None:
        self._fail("gatts_notify")
        self.notified.append((connection, bytes(value)))

    def gap_advertise(self, _interval_us: int, **more: Any) -> None:
        self._fail("gap_advertise")
        self.advertised.append(more)

    def gap_disconnect(self, connection: int) -> bool:
        self._fail("gap_disconnect")
        self.dropped.append(connection)
        return True

    def _fail(self, name: str) -> None:
        if self.errors.get(name):
            raise OSError(self.errors[name].pop(0), name)

    def happens(self, event: int, *data: int) -> None:
        assert self._irq is not None
        self._irq(event, data)

    def write(self, connection: int, name: str, value: bytes) -> None:
        handle = self.handles[name]
        self.values[handle] = value
        self.happens(WRITE, connection, handle)


QUERY = "1a570003-6d1e-4c3b-9f0a-7c5e2b8d4f10"
COMMAND = "1a570004-6d1e-4c3b-9f0a-7c5e2b8d4f10"


class Desk:
    """A tool on a bench with a cable and a radio."""

    def __init__(self, bench: Callable[..., Any], radio: Radio, **settings: Any) -> None:
        self.radio = radio
        self.bench = bench(list(range(20_000)), links=[lambda tool: BleLink(tool, radio)], **settings)
        self.tool = self.bench.tool
        self.connection = 64
        self._counter = 0

    def run(self, duration_ms: int) -> None:
        for _ in range(duration_ms // 4):
            self.tool.links[1].step()
            self.bench.run(4)

    def connect(self, connection: int = 64, mtu: int = 247) -> None:
        self.connection = connection
        self.radio.happens(CONNECT, connection, 0)
        self.radio.happens(MTU, connection, mtu)
        self.run(8)

    def send(self, kind: int, message: Any, by: str = QUERY) -> None:
        """Send a frame from the host that connected last."""
        frame = BareFrameWriter(kinds.MAX_LINK_PAYLOAD).frame(kind, 0, message.to_payload())
        for part in fragments(frame, 244):
            self.radio.write(self.connection, by, part)
        self.run(40)

    def encrypt(self) -> None:
        """Tell the tool that the link is encrypted now."""
        self.radio.happens(ENCRYPTION, self.connection, 1, 0, 0, 16)
        self.run(8)

    def disconnect(self) -> None:
        self.radio.happens(DISCONNECT, self.connection, 0)
        self.run(8)

    def hello(self, session: int = 1) -> Any:
        """Greet the tool; return its answer."""
        self._counter = 0
        self.send(kinds.HELLO, messages.Hello(kinds.MAJOR, kinds.MINOR, "test", session))
        return self.of(messages.HelloAnswer)[-1]

    def host(self, connection: int = 64, session: int = 1) -> Any:
        """A host connects, pairs and greets; return the tool's answer."""
        self.connect(connection)
        self.encrypt()
        return self.hello(session)

    def ask(self, command: int, body: bytes = b"", by: str = QUERY, request_id: int | None = None) -> Any:
        """Give a command; return its response."""
        known = len(self.of(messages.Response))
        request_id = known if request_id is None else request_id
        self.send(kinds.COMMAND, messages.Command(request_id, command, body), by)
        (answer,) = self.of(messages.Response)[known:]
        assert (answer.request_id, answer.command) == (request_id, command)
        return answer

    def signed(self, key: bytes, command: int, body: bytes = b"", request_id: int | None = None) -> Any:
        """Return a command as its host signs it, with the next counter."""
        self._counter += 1
        request_id = len(self.of(messages.Response)) if request_id is None else request_id
        payload = messages.Command(request_id, command, body).to_payload()
        challenge = self.of(messages.HelloAnswer)[-1].challenge
        return messages.SignedCommand(self._counter, tag(key, challenge, self._counter, payload), payload)

    def give(self, signed: Any, by: str = COMMAND) -> Any:
        """Give a signed command; return its response."""
        known = len(self.of(messages.Response))
        self.send(kinds.SIGNED_COMMAND, signed, by)
        (answer,) = self.of(messages.Response)[known:]
        return answer

    def pass_s(self, seconds: float) -> None:
        """Let time pass in a jump."""
        self.bench.elapsed_us += int(seconds * 1e6)
        self.run(8)

    def press(self) -> None:
        """Press the button, let it go, and wait until it can be no double press."""
        self.bench.board.pressed = True
        self.run(60)
        self.bench.board.pressed = False
        self.run(400)

    def of(self, kind: type) -> list[Any]:
        decoder = FragmentDecoder(kinds.MAX_LINK_PAYLOAD)
        found = []
        for _, message in self.radio.notified:
            decoder.feed(message)
            while (frame := decoder.next_frame()) is not None:
                decoded = messages.MESSAGES[frame.kind].from_payload(frame.payload)
                if isinstance(decoded, kind):
                    found.append(decoded)
        assert decoder.damaged == 0
        return found

    def samples(self) -> list[tuple[int, int]]:
        return [
            (batch.first_index + i, counts)
            for batch in self.of(messages.ForceSamples)
            for i, counts in enumerate(batch.counts())
        ]
