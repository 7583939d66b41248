"""A tool of ours: greeted, read, kept in step and commanded. Bytes and times in, events and bytes to send out.

Time comes from chunks alone, and an answer to a request nobody made is ignored; so a recording that is played back
drives a fresh client through the very steps of the live one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from iastm_host.events import (
    Answer,
    CalibrationReport,
    Chunk,
    Command,
    Event,
    Gap,
    KeyReport,
    LinkChanged,
    Problem,
    SetLimits,
    ToolDescription,
    ToolEvent,
    Unreadable,
    ZeroReport,
)
from iastm_host.tool import said, states
from iastm_host.tool.calibrations import Calibrations
from iastm_host.tool.carrier import Decoder, new_decoder, wrapped
from iastm_host.tool.clock import AT_HELLO, ClockEstimate
from iastm_host.tool.commands import CHANGES, code_and_body, limits_body, require
from iastm_host.tool.dialect import Dialect
from iastm_host.tool.signer import Signer
from iastm_host.tool.timeline import NOT_KEPT
from iastm_host.tool.words import ERRORS, NEEDS
from iastm_host.tool.zeros import Zeros
from iastm_protocol import calibration_bodies, kinds, messages, tool_bodies, tool_messages
from iastm_protocol.errors import LocalProtocolError, RemoteProtocolError

HELLO_EVERY_US = 500_000
GIVE_UP_AFTER_US = 5_000_000
REPEAT_AFTER_US = 1_000_000
TRIES = 3
SILENT_AFTER_US = 2_000_000
PING_EVERY_US = 1_000_000
ACKNOWLEDGE_EVERY_US = 200_000
ACKNOWLEDGE_FETCHED_EVERY_US = 50_000
# Handshakes count their requests from 1, so that a replay asks under the same ids; a person's commands start here.
_FIRST_COMMAND_ID = 0x8000
FETCH_EVENTS_EVERY_US = 500_000
_CTRL_C = 0x03
# One hello in a dozen has that byte. Sessions are tried far from each other (2^32 over the golden ratio): that of a
# neighbour has it too where it stands in an upper byte.
_MOST_SESSIONS = 256
_NEXT_SESSION = 0x9E3779B1
_HELLOS = GIVE_UP_AFTER_US // HELLO_EVERY_US
_BODY_AT = 3
# What is fetched piece by piece, and how the body of its command is read: (offset, bytes).
_PIECES: dict[int, Callable[[bytes], tuple[int, int]]] = {
    kinds.GET_CALIBRATION: calibration_bodies.read_get_calibration_body,
    kinds.GET_LOG: tool_bodies.read_get_log_body,
}


@dataclass(frozen=True, slots=True)
class _Request:
    """A frame that waits for its answer; `tries` is 0 where it was not sent yet."""

    kind: int
    request_id: int
    command: int
    payload: bytes
    sent_us: int
    tries: int


class ToolClient:
    """One connection to one tool; made anew for each connection and for the start of a recording.

    `session` is a random number of this run, the same for all its clients: a hello of the same session leaves the
    tool's stream running. `signer` is the same for all of them too. Without `stream` the tool is not asked to stream.
    Counters: `malformed` (frames whose content broke the rules), `unknown_kinds`; `decoder` counts damage. `hopeless`:
    the tool speaks another major version, which no second try mends.
    """

    def __init__(
        self,
        host_name: str,
        limits: SetLimits | None = None,
        session: int = 0,
        signer: Signer | None = None,
        *,
        stream: bool = True,
    ) -> None:
        self.decoder: Decoder = new_decoder(None)
        self.state = states.CLOSED
        self.reason = ""
        self.clock = ClockEstimate()
        self.tool: ToolDescription | None = None
        self.zero: ZeroReport | None = None
        self.calibration: CalibrationReport | None = None
        self.malformed = 0
        self.unknown_kinds = 0
        self.hopeless = False
        self._host_name = host_name
        self._limits = limits
        self._session = session
        self._signer = signer or Signer({})
        self._stream = stream
        self._mtu: int | None = None
        self._outgoing: list[bytes] = []
        self._privileged: list[bytes] = []
        self._sequence = 0
        self._now_us = 0
        self._heard_us = 0
        self._asked_us: int | None = None
        self._hello_us = 0
        self._hellos = 0
        self._received_bytes = 0
        self._unreadable = ""
        self._sampled = False
        self._streaming_us = 0
        self._steps: list[Callable[[int], _Request]] = []
        self._step: Callable[[int], _Request] | None = None
        self._busy: Callable[[int], _Request] | None = None
        self._request_id = 0
        self._ping_id = 0
        self._waiting: _Request | None = None
        self._command_id = _FIRST_COMMAND_ID
        self._commands: dict[int, _Request] = {}
        self._ping: _Request | None = None
        self._ping_due_us = 0
        self.pings_unanswered = 0
        self._next_index = 0
        self._next_event = 1
        self._events_asked_us = 0
        self._events_tries = 0
        self._limits_held: messages.Limits | None = None
        self._acknowledged_us = 0
        self._zeros = Zeros()
        self._calibrations = Calibrations()
        # The piece that came last of what is fetched piece by piece, by the command that asks for it.
        self._pieces: dict[int, messages.StoredPart | tool_messages.LogPart] = {}
        self._channels_held: tool_messages.ChannelsReport | None = None
        # The tool's own stroke that came last: what its motion sensor tells of it comes next.
        self._tool_stroke: messages.StrokeReport | None = None
        # What the tool told of itself since it was greeted: what it told before may hold no more.
        self._described: set[int] = set()
        self._handlers: dict[int, Callable[[bytes], list[Event]]] = {
            kinds.HELLO_ANSWER: self._on_hello,
            kinds.FORCE_SAMPLES: self._on_samples,
            kinds.STATUS: self._on_status,
            kinds.TOOL_EVENT: self._on_tool_event,
            kinds.CALIBRATION: self._on_calibration,
            kinds.ZERO: self._on_zero,
            kinds.LIMITS: self._on_limits,
            kinds.PONG: self._on_pong,
            kinds.RESPONSE: self._on_response,
            kinds.GONE: self._on_gone,
            kinds.KEY: self._on_key,
            kinds.STORED_PART: self._on_stored_part,
            kinds.LOG_PART: self._on_log_part,
            kinds.MOTION: _on_motion,
            kinds.HEALTH: _on_health,
            kinds.CHANNELS: self._on_channels,
            kinds.SELF_TEST_RESULT: _on_self_test,
            # The tool's own strokes and alerts are advice to its light and motor; the host derives its own, but for
            # the dose, whose limit the tool alone was told.
            kinds.STROKE: self._on_stroke,
            kinds.STROKE_MOTION: self._on_stroke_motion,
            kinds.ALERT: self._on_alert,
        }

    def seeking(self) -> list[Event]:
        """Tell that the tool is looked for, before its first link."""
        return self._move(states.SEEKING)

    def opening(self) -> list[Event]:
        """Tell that the link is being opened, for the first time or again."""
        if self._asked_us is not None:
            # A new connection: the tool shall not go on with what it had queued for the old one.
            self._session = (self._session + 1) & 0xFFFFFFFF
        self._asked_us = None
        self._outgoing = []
        self._privileged = []
        self._waiting = None
        self._ping = None
        return self._move(states.OPENING)

    def opened(self, mtu: int | None = None) -> list[Event]:
        """Tell that the link is open; the next chunk starts the greeting. `mtu` is the transport's."""
        self._mtu = mtu
        self.decoder = new_decoder(mtu)
        return self._move(states.OPENED)

    def broken(self, reason: str) -> list[Event]:
        """Tell that the link is gone, and why."""
        return self._move(states.BROKEN, reason)

    def finished(self) -> list[Event]:
        """Tell that the link was closed on purpose or its replay ended."""
        return self._move(states.FINISHED)

    def receive(self, chunk: Chunk) -> list[Event]:
        """Take one chunk; return what it says, in order."""
        self._now_us = chunk.host_us
        events: list[Event] = []
        if self._asked_us is None and self.state == states.GREETING:
            self._ask_who()
        if chunk.data:
            self._heard_us = chunk.host_us
            self._received_bytes += len(chunk.data)
            self.decoder.feed(chunk.data)
            while (frame := self.decoder.next_frame()) is not None:
                handler = self._handlers.get(frame.kind)
                if handler is None:
                    self.unknown_kinds += 1
                    continue
                try:
                    events += handler(frame.payload)
                except RemoteProtocolError as error:
                    self.malformed += 1
                    self._unreadable = str(error)
                    events.append(Unreadable(self.malformed, self._unreadable))
        events += self._time_passed()
        return events

    def request(self, command: Command) -> int:
        """Send `command`, now or as soon as the link is live; return the id under which its Answer will come.

        It is accepted once the tool says that it holds what it was told. Raises Problem where a value does not fit the
        protocol, and where the tool can't do it.
        """
        if self.tool is not None:
            require(command, self.tool)
        try:
            code, body = code_and_body(command)
        except LocalProtocolError as error:
            raise Problem(f"The tool can't be told this: {error}.", "Choose another value.") from error
        return self._ask_to_be_told(code, body)

    def _ask_to_be_told(self, code: int, body: bytes) -> int:
        """Ask for `code` until its answer came, and what is said with it; return the id."""
        if code in (kinds.KEEP_CALIBRATION, kinds.DESCRIBE):
            self._described.discard(kinds.CALIBRATION)
        self._pieces.pop(code, None)
        if code == kinds.SET_CHANNELS:
            self._channels_held = None
        request_id = self._new_command_id()
        payload = messages.Command(request_id, code, body).to_payload()
        request = _Request(kinds.COMMAND, request_id, code, payload, 0, 0)
        self._commands[request_id] = self._resend(request) if self.state == states.STREAMING else request
        return request_id

    def _new_command_id(self) -> int:
        request_id = self._command_id
        self._command_id = max(_FIRST_COMMAND_ID, (request_id + 1) & 0xFFFF)
        return request_id

    def take_over(self, other: Dialect) -> None:
        """Wait for the answers that `other`, an earlier client of the same tool, still waits for."""
        if isinstance(other, ToolClient):
            self._commands.update(other._commands)
            self._command_id = other._command_id

    def fetch(self, first_index: int, samples: int) -> None:
        """Ask for samples once more; they come as blocks that are backfilled, or as a Gap."""
        self._send(kinds.FETCH, messages.Fetch(first_index, samples).to_payload())

    def acknowledge(self, next_index: int, *, fetching: bool = False) -> None:
        """Tell the tool, from time to time, that all before `next_index` is here or lost for good.

        While samples are fetched it is told more often: the tool sends only so far beyond what it was told.
        """
        every_us = ACKNOWLEDGE_FETCHED_EVERY_US if fetching else ACKNOWLEDGE_EVERY_US
        if self.state == states.STREAMING and self._now_us - self._acknowledged_us >= every_us:
            self._acknowledged_us = self._now_us
            self._send(kinds.ACK, messages.Ack(next_index, self._next_event).to_payload())

    def ping(self) -> None:
        """Time a round trip now, rather than when the second is over, unless one is under way."""
        if self.state == states.STREAMING and self._ping is None:
            self._send_ping()

    def stop_stream(self) -> None:
        """Ask the tool to stop streaming; nobody waits for the answer."""
        self._send_request(kinds.COMMAND, self._new_command_id(), kinds.STOP_STREAM, b"")

    def to_send(self) -> list[bytes]:
        """Return the bytes to send, message by message."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def to_send_privileged(self) -> list[bytes]:
        """Return what must go by the link's encrypted way; nothing on a byte stream, where all goes one way."""
        privileged, self._privileged = self._privileged, []
        return privileged

    # Time

    def _time_passed(self) -> list[Event]:
        now = self._now_us
        if self.state in (states.GREETING, states.SILENT):
            if now - self._hello_us < HELLO_EVERY_US:
                return []
            # Counted, not timed: while this machine was held up, nobody was asked, and no silence was the tool's.
            if self._hellos >= _HELLOS:
                return self._move(states.NO_ANSWER, self._what_was_seen())
            self._send_hello()
            return []
        if self.state == states.SYNCHRONISING:
            return self._repeat_step()
        if self.state != states.STREAMING:
            return []
        if self.malformed and not self._sampled and now - self._streaming_us >= GIVE_UP_AFTER_US:
            return self._move(states.NO_SAMPLES, f"The tool streams, but nothing that can be read: {self._unreadable}.")
        if now - self._heard_us >= SILENT_AFTER_US:
            events = self._move(states.FELL_SILENT)
            self._ask_who()
            return events
        if now >= self._ping_due_us:
            self._send_ping()
        return self._repeat_commands()

    def _repeat_step(self) -> list[Event]:
        waiting = self._waiting
        if waiting is None or self._now_us - waiting.sent_us < REPEAT_AFTER_US:
            return []
        if waiting.tries >= TRIES and waiting.command == kinds.SET_LIMITS:
            # One that waits to be paired with, or answers nobody but its owner, can be watched all the same.
            return [self._unconfirmed(waiting.request_id), *self._next_step()]
        if waiting.tries >= TRIES:
            did = "was busy" if self._busy is not None else "did not answer"
            return self._move(states.NO_ANSWER, f"The tool said hello, then {did} for {TRIES} s.")
        if self._busy is None:
            self._waiting = self._resend(waiting)
        else:
            # The tool remembers its answer to an id: what was busy is asked under a new one.
            self._request_id += 1
            asked = self._busy(self._request_id)
            self._waiting = replace(asked, tries=waiting.tries + 1)
            self._busy = None
        return []

    def _repeat_commands(self) -> list[Event]:
        events: list[Event] = []
        for request_id, request in list(self._commands.items()):
            if request.tries and self._now_us - request.sent_us < REPEAT_AFTER_US:
                continue
            if request.tries >= TRIES:
                del self._commands[request_id]
                events.append(self._unconfirmed(request_id))
            else:
                self._commands[request_id] = self._resend(request)
        return events

    def _unconfirmed(self, request_id: int) -> Answer:
        return Answer(request_id, False, f"The tool did not confirm it for {TRIES} s.", needs="time")

    def _what_was_seen(self) -> str:
        limit_s = GIVE_UP_AFTER_US / 1e6
        if not self._received_bytes:
            return f"Nothing came within {limit_s:g} s."
        seen = _readable(self.decoder.seen)
        said = f', among them "{seen}"' if seen else ""
        return f"{self._received_bytes} bytes came within {limit_s:g} s, but no hello of a tool{said}."

    # Sending

    def _send(self, kind: int, payload: bytes, *, privileged: bool = False) -> None:
        way = self._privileged if privileged and self._mtu is not None else self._outgoing
        way += wrapped(self._mtu, kind, self._sequence, payload)
        self._sequence = (self._sequence + 1) & 0xFFFF

    def _ask_who(self) -> None:
        self._asked_us = self._now_us
        self._hellos = 0
        self._received_bytes = 0
        self._send_hello()

    def _send_hello(self) -> None:
        self._hello_us = self._now_us
        self._hellos += 1
        # A board that is still starting takes 0x03 for Ctrl-C, and stops: of no sequence but 0 is a hello without it.
        self._sequence = 0
        for _ in range(_MOST_SESSIONS):
            hello = messages.Hello(kinds.MAJOR, kinds.MINOR, self._host_name, self._session).to_payload()
            if self._mtu is not None or not any(_CTRL_C in data for data in wrapped(None, kinds.HELLO, 0, hello)):
                break
            self._session = (self._session + _NEXT_SESSION) & 0xFFFFFFFF
        self._send(kinds.HELLO, hello)

    def _send_request(self, kind: int, request_id: int, command: int, body: bytes) -> _Request:
        if kind == kinds.PING:
            payload = messages.Ping(request_id).to_payload()
        else:
            payload = messages.Command(request_id, command, body).to_payload()
        return self._resend(_Request(kind, request_id, command, payload, 0, 0))

    def _resend(self, request: _Request) -> _Request:
        signed = self._signed(request)
        if signed is not None:
            self._send(kinds.SIGNED_COMMAND, signed, privileged=True)
        else:
            # Without its key the tool is asked the open way, and refuses in words: to pair would be for nothing.
            self._send(request.kind, request.payload, privileged=request.command == kinds.GET_KEY)
        return replace(request, sent_us=self._now_us, tries=request.tries + 1)

    def _signed(self, request: _Request) -> bytes | None:
        tool = self.tool
        if request.command not in CHANGES or tool is None or not tool.challenge:
            return None
        return self._signer.sign(tool.serial_number, tool.challenge, request.payload)

    def _fetch_events(self) -> bool:
        """Ask for the tool events that are missing; return whether it was asked often enough."""
        if self._events_tries >= TRIES:
            return True
        if self.state == states.STREAMING and self._now_us - self._events_asked_us >= FETCH_EVENTS_EVERY_US:
            self._events_tries += 1
            self._events_asked_us = self._now_us
            self._send(kinds.FETCH_EVENTS, messages.FetchEvents(self._next_event).to_payload())
        return False

    def _pass_over_events(self, next_event: int, index: int) -> list[Event]:
        """Go on at `next_event`, and tell of the events before it that the tool keeps no more."""
        lost = next_event - self._next_event
        self._next_event = next_event
        self._events_tries = 0
        return [ToolEvent(next_event - 1, f"{lost} events lost", index)] if lost else []

    # The handshake: one step after the other, each answered before the next

    def _start_steps(self) -> None:
        self._request_id = 0
        self._described.clear()
        self._steps = [self._command_step(kinds.DESCRIBE, b"")]
        if self._limits is not None:
            self._steps.append(self._command_step(kinds.SET_LIMITS, limits_body(self._limits)))
        self._steps += [self._ping_request] * AT_HELLO
        if self._stream:
            self._steps.append(self._command_step(kinds.START_STREAM, b""))
        self._next_step()

    def _command_step(self, command: int, body: bytes) -> Callable[[int], _Request]:
        return lambda request_id: self._send_request(kinds.COMMAND, request_id, command, body)

    def _ping_request(self, _request_id: int) -> _Request:
        self._ping_id = (self._ping_id + 1) & 0xFFFF
        return self._send_request(kinds.PING, self._ping_id, 0, b"")

    def _send_ping(self) -> None:
        self.pings_unanswered += self._ping is not None
        self._ping_due_us = self._now_us + PING_EVERY_US
        self._ping = self._ping_request(0)

    def _next_step(self) -> list[Event]:
        if self._steps:
            self._request_id += 1
            self._step = self._steps.pop(0)
            self._busy = None
            self._waiting = self._step(self._request_id)
            return []
        self._waiting = None
        self._ping_due_us = self._now_us + PING_EVERY_US
        self._streaming_us = self._now_us
        return self._move(states.SYNCHRONISED)

    # What the tool says

    def _on_hello(self, payload: bytes) -> list[Event]:
        if self._asked_us is None or (self.state, states.GREETED) not in states.TRANSITIONS:
            return []
        major, minor = messages.check_prefix(payload)
        if major != kinds.MAJOR:
            self.hopeless = True
            return self._move(
                states.OTHER_VERSION,
                f"The tool speaks protocol {major}.{minor}, this program {kinds.MAJOR}.{kinds.MINOR}. "
                + ("Update this program." if major > kinds.MAJOR else "Update the tool's firmware."),
            )
        hello = messages.HelloAnswer.from_payload(payload)
        if self.state == states.SYNCHRONISING and self.tool is not None and self.tool.boot_id == hello.boot_id:
            # The answer to a hello that was repeated because the first one was slow, or to DESCRIBE.
            return []
        tool = said.description(hello)
        if self.tool is None or self.tool.boot_id != tool.boot_id:
            self.calibration = None
            self.zero = None
            self._tool_stroke = None
            self._zeros = Zeros()
            self._calibrations = Calibrations()
            self._next_index = 0
            self._next_event = 1
            self._events_tries = 0
            self.clock = ClockEstimate()
        self.tool = tool
        events: list[Event] = [tool, *self._move(states.GREETED)]
        self._start_steps()
        return events

    def _on_samples(self, payload: bytes) -> list[Event]:
        if self.tool is None or self.zero is None:
            return []
        batch = messages.ForceSamples.from_payload(payload)
        calibration = self._calibrations.of(batch.first_index)
        if calibration is None:
            return []
        block = said.block(batch, self.tool, calibration, self._zeros, self._now_us)
        if not block.backfilled:
            if block.next_index <= self._next_index:
                return []
            self._next_index = block.next_index
        self._sampled = True
        return [block]

    def _on_gone(self, payload: bytes) -> list[Event]:
        gone = messages.Gone.from_payload(payload)
        if self.tool is None:
            return []
        period_us = 1e6 / self.tool.rate_hz
        return [Gap(self.tool.boot_id, gone.first_index, gone.samples, 0, period_us, NOT_KEPT)]

    def _on_status(self, payload: bytes) -> list[Event]:
        status = messages.Status.from_payload(payload)
        events: list[Event] = []
        if status.last_event >= self._next_event and self._fetch_events():
            events += self._pass_over_events(status.last_event + 1, status.next_index)
        return [*events, said.status(status)]

    def _on_tool_event(self, payload: bytes) -> list[Event]:
        event = messages.ToolEvent.from_payload(payload)
        if event.event_id < self._next_event:
            return []
        if event.event_id > self._next_event and not self._fetch_events():
            return []
        lost = self._pass_over_events(event.event_id, event.index)
        self._next_event = event.event_id + 1
        if event.kind == kinds.EVENT_CALIBRATION and self.calibration and self.calibration.from_index < event.index:
            # That it changed arrived, and what it is now did not.
            self._ask_to_be_told(kinds.DESCRIBE, b"")
        return [*lost, said.tool_event(event, self.calibration)]

    def _on_calibration(self, payload: bytes) -> list[Event]:
        self.calibration = said.calibration(messages.Calibration.from_payload(payload))
        self._calibrations.add(self.calibration)
        self._described.add(kinds.CALIBRATION)
        return [self.calibration]

    def _on_zero(self, payload: bytes) -> list[Event]:
        zero = messages.Zero.from_payload(payload)
        self._zeros.add(zero.from_index, zero.counts, zero.previous_counts)
        self.zero = said.zero(zero)
        self._described.add(kinds.ZERO)
        return [self.zero]

    def _on_limits(self, payload: bytes) -> list[Event]:
        self._limits_held = messages.Limits.from_payload(payload)
        return [said.limits(self._limits_held)]

    def _on_pong(self, payload: bytes) -> list[Event]:
        pong = messages.Pong.from_payload(payload)
        waiting = self._waiting
        if waiting is not None and waiting.kind == kinds.PING and waiting.request_id == pong.ping_id:
            # A repeated ping has two sending times, and no telling which one was answered.
            if waiting.tries == 1:
                self.clock.add(waiting.sent_us, pong.tool_us, self._now_us)
            events = self._next_step()
        elif self._ping is not None and self._ping.request_id == pong.ping_id:
            self.clock.add(self._ping.sent_us, pong.tool_us, self._now_us)
            self._ping = None
            events = []
        else:
            return []
        offset = self.clock.offset
        return [offset, *events] if offset is not None else events

    def _on_response(self, payload: bytes) -> list[Event]:
        response = messages.Response.from_payload(payload)
        waiting = self._waiting
        if waiting is not None and waiting.kind == kinds.COMMAND and waiting.request_id == response.request_id:
            return self._step_answered(response, waiting)
        request = self._commands.get(response.request_id)
        if request is None or (response.error == kinds.OK and not self._holds(request)):
            # What it holds now was lost on the way, or is not what it was told: asked again, it says it once more.
            return []
        del self._commands[response.request_id]
        answer = _answer(response)
        piece = self._pieces.pop(request.command, None)
        if piece is not None and answer.accepted:
            answer = replace(answer, data=piece.data, total=piece.total)
        return [answer]

    def _holds(self, request: _Request) -> bool:
        """Whether the tool says that what `request` asks for is so."""
        body = request.payload[_BODY_AT:]
        if request.command == kinds.SET_ZERO:
            held: bool = self.zero is not None and self.zero.counts == messages.read_zero_body(body)
            return held
        if request.command == kinds.SET_LIMITS:
            return bool(self._limits_held == messages.Limits.from_payload(body))
        if request.command in (kinds.DESCRIBE, kinds.START_STREAM):
            return self._described >= {kinds.CALIBRATION, kinds.ZERO}
        if request.command == kinds.KEEP_CALIBRATION:
            return kinds.CALIBRATION in self._described
        if request.command == kinds.SET_CHANNELS:
            chosen = tool_bodies.read_set_channels_body(body)
            return self._channels_held is not None and bool(self._channels_held.chosen == chosen)
        if request.command in _PIECES:
            offset, _ = _PIECES[request.command](body)
            piece = self._pieces.get(request.command)
            return piece is not None and bool(piece.offset == offset)
        return True

    def _on_stored_part(self, payload: bytes) -> list[Event]:
        self._pieces[kinds.GET_CALIBRATION] = messages.StoredPart.from_payload(payload)
        return []

    def _on_log_part(self, payload: bytes) -> list[Event]:
        self._pieces[kinds.GET_LOG] = tool_messages.LogPart.from_payload(payload)
        return []

    def _on_channels(self, payload: bytes) -> list[Event]:
        self._channels_held = tool_messages.ChannelsReport.from_payload(payload)
        return [said.channels(self._channels_held)]

    def _on_stroke(self, payload: bytes) -> list[Event]:
        self._tool_stroke = messages.StrokeReport.from_payload(payload)
        return []

    def _on_alert(self, payload: bytes) -> list[Event]:
        alert = messages.AlertReport.from_payload(payload)
        if self.tool is None or alert.kind != kinds.DOSE:
            return []
        return [said.dose_alert(alert, self.tool)]

    def _on_stroke_motion(self, payload: bytes) -> list[Event]:
        motion = tool_messages.StrokeMotion.from_payload(payload)
        stroke = self._tool_stroke
        if self.tool is None or stroke is None or stroke.number != motion.number:
            # Its stroke was lost on the way: of which samples it tells is not known.
            return []
        return [said.stroke_motion(motion, stroke, self.tool)]

    def _on_key(self, payload: bytes) -> list[Event]:
        return [KeyReport(messages.Key.from_payload(payload).key)]

    def _step_answered(self, response: messages.Response, waiting: _Request) -> list[Event]:
        if response.error == kinds.OK:
            return self._next_step() if self._holds(waiting) else []
        if response.error == kinds.BUSY:
            self._busy = self._step
            return []
        answer = _answer(response)
        if response.command in (kinds.DESCRIBE, kinds.START_STREAM):
            return self._move(states.NO_ANSWER, f"The tool refuses to stream: {answer.reason}.")
        return [answer, *self._next_step()]

    def _move(self, happening: str, reason: str = "") -> list[Event]:
        state = states.after(self.state, happening)
        reason = reason or states.REASONS[happening]
        if (state, reason) == (self.state, self.reason):
            return []
        if state in (states.REFUSED, states.LOST, states.ENDED):
            self._waiting = None
        self.state = state
        self.reason = reason
        return [LinkChanged(state, reason)]


def _answer(response: messages.Response) -> Answer:
    reason = response.text or ERRORS.get(response.error, f"error {response.error}")
    return Answer(response.request_id, response.error == kinds.OK, reason, NEEDS.get(response.error, ""))


def _on_motion(payload: bytes) -> list[Event]:
    return [said.motion(tool_messages.MotionReport.from_payload(payload))]


def _on_health(payload: bytes) -> list[Event]:
    return [said.health(tool_messages.HealthReport.from_payload(payload))]


def _on_self_test(payload: bytes) -> list[Event]:
    return [said.self_test(tool_messages.SelfTestResult.from_payload(payload))]


def _readable(data: bytes) -> str:
    """Return foreign bytes as one line that is fit for any terminal."""
    text = data.decode("ascii", "backslashreplace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
