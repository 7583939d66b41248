"""A tool made of the protocol alone, and the ways to talk to it: one client by hand, or a whole run without waiting."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iastm_host.analysis.profiles import Contact, Profile, profile_for
from iastm_host.app.acquisition import Acquisition, Plan
from iastm_host.events import Chunk, Event
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.transports.base import EndOfStream, Transport, TransportError
from iastm_protocol import frames, kinds, messages, signing, tool_bodies, tool_messages
from iastm_protocol.errors import RemoteProtocolError

RATE_HZ = 320
COUNTS_PER_N = 41_900
ZERO_COUNTS = 84_213


class FakeTool:
    """Answers as SPEC.md says. `now_us` is its clock; `refuse` maps a command to (error, text).

    `mute` holds frame kinds and (COMMAND, command) pairs that get no answer; `heard` is what the host said. With a
    `key` it changes only for commands that are signed with it, and gives it out. `happened` are its events. With
    FEATURE_LOG among `features` it keeps `log`; `self_test` are the rows that its self-test finds.
    """

    def __init__(
        self,
        *,
        boot_id: int = 0xB007,
        rate_hz: float = RATE_HZ,
        major: int = kinds.MAJOR,
        zero_counts: int = ZERO_COUNTS,
        coefficients: tuple[float, ...] = (0.0, 1 / COUNTS_PER_N),
        keeps: int = 0,
        key: bytes = b"",
        features: int = 0,
        trouble: str = "",
        reset_reason: int = kinds.RESET_UNKNOWN,
        log: bytes = b"",
    ) -> None:
        self.features = features
        self.trouble = trouble
        self.reset_reason = reset_reason
        self.log = log
        self.power_losses = self.restarts = self.overload_mn = 0
        self.channels = tool_messages.ChannelsReport(7, 5, 0)
        self.self_test: tuple[tool_messages.SelfTestRow, ...] = ()
        self.strokes = 0
        self.boot_id = boot_id
        self.rate_hz = rate_hz
        self.major = major
        self.runtime = "cpython 3"
        self.zero = messages.Zero(zero_counts, 0, zero_counts, True)
        self.calibration = messages.Calibration("fake-50n", bytes(32), 50.0, coefficients, 0, 0)
        self.limits = messages.Limits("none", 0, 0, 800, 520)
        self.now_us = 7_000_000
        self.keeps = keeps
        self.kept: dict[int, int] = {}
        self.next_index = 0
        self.first_us = 0
        self.greeted = False
        self.streaming = False
        self.mute: set[object] = set()
        self.refuse: dict[int, tuple[int, str]] = {}
        self.heard: list[tuple[int, bytes]] = []
        self.happened: list[messages.ToolEvent] = []
        self.key = key
        self.challenge = bytes(range(16)) if key else signing.NO_CHALLENGE
        self._counter = 0
        self._decoder = frames.Decoder(kinds.MAX_LINK_PAYLOAD)
        self._sequence = 0
        self._session = 0
        self._last: tuple[int, int, bytes] | None = None

    def wire(self, kind: int, message: Any) -> bytes:
        """Return a message as wire bytes."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        payload: bytes = message if isinstance(message, bytes) else message.to_payload()
        wire: bytes = frames.encode(kind, self._sequence, payload)
        return wire

    def take(self, data: bytes) -> bytes:
        """Take what the host sent; return the answers."""
        self._decoder.feed(data)
        answers = b""
        while (frame := self._decoder.next_frame()) is not None:
            self.heard.append((frame.kind, frame.payload))
            if frame.kind not in self.mute and (self.greeted or frame.kind == kinds.HELLO):
                answers += self._answer(frame.kind, frame.payload)
        return answers

    def hello_answer(self) -> messages.HelloAnswer:
        """Return what the tool says of itself."""
        return messages.HelloAnswer(
            self.major,
            kinds.MINOR,
            "9.9.9",
            bytes(range(8)),
            "fake",
            self.runtime,
            "F-1",
            self.boot_id,
            round(self.rate_hz * 1000),
            (messages.Channel("force", "N"),),
            2048,
            "fake-50n",
            bytes(32),
            kinds.FEATURE_SIMULATED | (kinds.FEATURE_BACKFILL if self.keeps else 0) | self.features,
            self.challenge,
            self.trouble,
            self.reset_reason,
            self.power_losses,
            self.restarts,
            self.overload_mn,
            len(self.log),
        )

    def describe(self) -> bytes:
        """Return calibration, zero and limits, and channels where it has some."""
        return (
            self.wire(kinds.CALIBRATION, self.calibration)
            + self.wire(kinds.ZERO, self.zero)
            + self.wire(kinds.LIMITS, self.limits)
            + (self.wire(kinds.CHANNELS, self.channels) if self.features & kinds.FEATURE_SIGNALS else b"")
        )

    def stroke(self, first_index: int, last_index: int, *, with_motion: bool = True, **motion: int) -> bytes:
        """Return a stroke of the tool's own, and what its motion sensor says of it."""
        self.strokes += 1
        told = {"direction": 1, "pass_length_mm": 120, "excluded": kinds.EXCLUDED_NOT} | motion
        report = messages.StrokeReport(self.strokes, first_index, last_index, first_index, 1, 1, 0, 0)
        wire = self.wire(kinds.STROKE, report)
        if with_motion:
            wire += self.wire(kinds.STROKE_MOTION, tool_messages.StrokeMotion(self.strokes, 1, **told))
        return wire

    def samples(self, counts: Any, *, flags: int = 0, span_us: int | None = None, skip: int = 0) -> bytes:
        """Return the next conversions as a batch, after `skip` that are missed."""
        self.next_index += skip
        first_us = self.time_of(self.next_index)
        if span_us is None:
            span_us = self.time_of(self.next_index + len(counts) - 1) - first_us
        packed = messages.pack_counts([int(value) for value in counts])
        if self.keeps:
            self.kept.update(enumerate((int(value) for value in counts), self.next_index))
            oldest = self.next_index + len(counts) - self.keeps
            self.kept = {index: value for index, value in self.kept.items() if index >= oldest}
        batch = messages.ForceSamples(self.next_index, first_us, span_us, flags, packed)
        self.next_index += len(counts)
        return self.wire(kinds.FORCE_SAMPLES, batch)

    def _fetched(self, fetch: messages.Fetch) -> bytes:
        """Return what was asked for once more, in batches of up to 16, and what is gone."""
        answer = b""
        wanted = range(fetch.first_index, min(fetch.first_index + fetch.samples, self.next_index))
        for here, indices in itertools.groupby(wanted, key=self.kept.__contains__):
            run = list(indices)
            if not here:
                answer += self.wire(kinds.GONE, messages.Gone(run[0], len(run)))
                continue
            for at in range(0, len(run), 16):
                part = run[at : at + 16]
                first_us = self.time_of(part[0])
                packed = messages.pack_counts([self.kept[index] for index in part])
                span_us = self.time_of(part[-1]) - first_us
                batch = messages.ForceSamples(part[0], first_us, span_us, kinds.BACKFILLED, packed)
                answer += self.wire(kinds.FORCE_SAMPLES, batch)
        return answer

    def time_of(self, index: int) -> int:
        """Return the tool time of a conversion."""
        return self.first_us + round(index * 1e6 / self.rate_hz)

    def set_zero(self, counts: int) -> bytes:
        """Change the zero from the next conversion on."""
        self.zero = messages.Zero(counts, self.next_index, self.zero.counts, True)
        return self.wire(kinds.ZERO, self.zero)

    def happen(self, kind: int, value: int = 0) -> bytes:
        """Let an event of `kind` happen; return how it is told."""
        self.happened.append(messages.ToolEvent(len(self.happened) + 1, kind, self.next_index, self.now_us, value))
        return self.wire(kinds.TOOL_EVENT, self.happened[-1])

    def status(self) -> bytes:
        """Return the tool's state."""
        return self.wire(kinds.STATUS, messages.Status(self.next_index, 80, 0, 0, 0, 0, 0, 0, 1, 1, len(self.happened)))

    def _answer(self, kind: int, payload: bytes) -> bytes:
        if kind == kinds.HELLO:
            session = messages.Hello.from_payload(payload).session
            if not self.greeted or session != self._session:
                self.greeted = True
                self._session = session
                self.streaming = False
                self._last = None
            return self.wire(kinds.HELLO_ANSWER, self.hello_answer())
        if kind == kinds.PING:
            return self.wire(kinds.PONG, messages.Pong(messages.Ping.from_payload(payload).ping_id, self.now_us))
        if kind == kinds.FETCH:
            return self._fetched(messages.Fetch.from_payload(payload))
        if kind == kinds.FETCH_EVENTS:
            first = messages.FetchEvents.from_payload(payload).first_event
            return b"".join(self.wire(kinds.TOOL_EVENT, each) for each in self.happened if each.event_id >= first)
        if kind == kinds.SIGNED_COMMAND:
            return self._signed(messages.SignedCommand.from_payload(payload))
        if kind != kinds.COMMAND:
            return b""
        command = messages.Command.from_payload(payload)
        if self.key and command.command in (kinds.SET_ZERO, kinds.SET_LIMITS):
            needs = messages.Response(command.request_id, command.command, kinds.NEEDS_KEY, "this needs the tool's key")
            return self.wire(kinds.RESPONSE, needs)
        return self._command(command)

    def _signed(self, signed: messages.SignedCommand) -> bytes:
        right = signing.tag(self.key, self.challenge, signed.counter, signed.command)
        command = messages.Command.from_payload(signed.command)
        if signed.tag != right or signed.counter <= self._counter:
            wrong = messages.Response(command.request_id, command.command, kinds.NEEDS_KEY, "this was not signed right")
            return self.wire(kinds.RESPONSE, wrong)
        self._counter = signed.counter
        return self._command(command)

    def _command(self, command: messages.Command) -> bytes:
        if (kinds.COMMAND, command.command) in self.mute:
            return b""
        if self._last is not None and self._last[:2] == (command.request_id, command.command):
            return self._last[2]
        error, text = self.refuse.get(command.command, (kinds.OK, ""))
        answers = b""
        if error == kinds.OK:
            try:
                answers = self._obey(command)
            except RemoteProtocolError as bad:
                error, text = kinds.BAD_ARGUMENT, str(bad)
        answers += self.wire(kinds.RESPONSE, messages.Response(command.request_id, command.command, error, text))
        if command.command == kinds.SELF_TEST and error == kinds.OK:
            found = tool_messages.SelfTestResult(command.request_id, self.self_test)
            answers += self.wire(kinds.SELF_TEST_RESULT, found)
        self._last = (command.request_id, command.command, answers)
        return answers

    def _obey(self, command: messages.Command) -> bytes:
        if command.command == kinds.SET_ZERO:
            return self.set_zero(messages.read_zero_body(command.body))
        if command.command == kinds.SET_LIMITS:
            self.limits = messages.Limits.from_payload(command.body)
            return self.wire(kinds.LIMITS, self.limits)
        if command.command == kinds.GET_KEY:
            return self.wire(kinds.KEY, messages.Key(self.key))
        if command.command == kinds.GET_LOG:
            offset, n = tool_bodies.read_get_log_body(command.body)
            part = self.log[offset : offset + min(n, 64)]
            return self.wire(kinds.LOG_PART, tool_messages.LogPart(offset, len(self.log), part))
        if command.command == kinds.SET_CHANNELS:
            chosen = tool_bodies.read_set_channels_body(command.body)
            self.channels = tool_messages.ChannelsReport(self.channels.there, chosen, 0)
            return self.wire(kinds.CHANNELS, self.channels)
        if command.command in (kinds.START_STREAM, kinds.STOP_STREAM):
            self.streaming = command.command == kinds.START_STREAM
        return self.describe() if command.command == kinds.DESCRIBE else b""


class ByHand:
    """A client and a tool with a link between them whose time passes step by step.

    `up_us` and `down_us` are the link's delays, `skew_us` host minus tool time. `chunks` and `events` are all so far.
    """

    def __init__(self, tool: FakeTool, client: ToolClient, up_us: int = 0, down_us: int = 0, skew_us: int = 0) -> None:
        self.tool = tool
        self.client = client
        self.up_us, self.down_us, self.skew_us = up_us, down_us, skew_us
        self.host_us = 1_000_000_000
        self.chunks: list[Chunk] = []
        self.events: list[Event] = [*client.opening(), *client.opened()]
        self.on_the_way: list[tuple[int, bytes]] = []

    def step(self, data: bytes = b"", after_us: int = 10_000) -> list[Event]:
        """Let time pass, deliver what is due and `data`, pass on what the client sends; return the new events."""
        self.host_us += after_us
        due = b"".join(piece for at_us, piece in self.on_the_way if at_us <= self.host_us)
        self.on_the_way = [item for item in self.on_the_way if item[0] > self.host_us]
        chunk = Chunk(self.host_us, due + data)
        self.chunks.append(chunk)
        events = self.client.receive(chunk)
        self.events += events
        for sent in self.client.to_send():
            self.tool.now_us = self.host_us + self.up_us - self.skew_us
            answer = self.tool.take(sent)
            if answer:
                self.on_the_way.append((self.host_us + self.up_us + self.down_us, answer))
        return events

    def until(self, state: str, steps: int = 2000, after_us: int = 10_000) -> ByHand:
        """Step in silence until the client is in `state`."""
        for _ in range(steps):
            if self.client.state == state:
                return self
            self.step(after_us=after_us)
        raise AssertionError(f"still {self.client.state}, not {state}: {self.client.reason}")

    def of(self, kind: type) -> list[Any]:
        """Return all events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class FakeClock:
    """Host microseconds that pass only when told to."""

    now_us: int = 1_000_000_000

    def __call__(self) -> int:
        return self.now_us


def pattern_counts(index: np.ndarray, peaks_n: tuple[float, ...], coefficient: float = COUNTS_PER_N) -> np.ndarray:
    """Return raw counts of strokes of 1.2 s each 2 s, the first after 0.4 s, their peaks taken in turn."""
    seconds = index / RATE_HZ - 0.4
    number = np.floor(seconds / 2.0).astype(int)
    phase = (seconds - number * 2.0) / 1.2
    shape = np.where((phase < 1.0) & (seconds >= 0), np.sin(np.pi * np.clip(phase, 0.0, 1.0)), 0.0)
    wobble = (index * 7919) % 61 - 30
    counts: np.ndarray = (
        np.rint(np.asarray(peaks_n)[number % len(peaks_n)] * shape * coefficient).astype(int) + ZERO_COUNTS + wobble
    )
    return counts


@dataclass
class ToolTransport(Transport):
    """A link to a fake tool that streams strokes: each read lets 20 ms pass on the clock, none on the wall.

    `at` maps the number of a read to what happens before it; `length_s` ends the stream as a replay ends.
    """

    tool: FakeTool
    clock: FakeClock
    peaks_n: tuple[float, ...] = (6.0, 7.5, 15.5, 6.5)
    length_s: float | None = None
    at: dict[int, Callable[[], object]] = field(default_factory=dict)
    skip_at: dict[int, int] = field(default_factory=dict)
    open_error: Exception | None = None
    read_error: Exception | None = None
    read_error_at: int | None = None
    mtu: int | None = None
    step_us: int = 20_000
    reads: int = 0
    closed: int = 0
    opened: int = 0
    chunks: list[Chunk] = field(default_factory=list)
    _answers: bytes = b""
    _is_open: bool = False
    _began_us: int = 0

    async def open(self) -> None:
        if self.open_error is not None:
            raise self.open_error
        self.opened += 1
        if self.opened == 1:
            self._began_us = self.clock.now_us
        self._is_open = True

    async def read(self) -> Chunk:
        self.reads += 1
        assert self.reads < 100_000, "this run does not end"
        if self.reads in self.at:
            self.at[self.reads]()
        # What was posted from here gets its turn.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self.read_error is not None and self.reads >= (self.read_error_at or 1):
            raise self.read_error
        self.clock.now_us += self.step_us
        elapsed_us = self.clock.now_us - self._began_us
        if self.length_s is not None and elapsed_us > self.length_s * 1e6:
            raise EndOfStream
        self.tool.now_us = elapsed_us
        made = int(elapsed_us * self.tool.rate_hz / 1e6) - self.tool.next_index
        data, self._answers = self._answers, b""
        skip = self.skip_at.get(self.reads, 0)
        if made > skip:
            # The tool goes on measuring whether it streams or not.
            streams = self.tool.streaming
            index = np.arange(self.tool.next_index + skip, self.tool.next_index + made)
            wire = self.tool.samples(pattern_counts(index, self.peaks_n), skip=skip)
            data += wire if streams else b""
        else:
            self.tool.next_index += max(made, 0)
        chunk = Chunk(self.clock.now_us, data)
        self.chunks.append(chunk)
        return chunk

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        del privileged
        if not self._is_open:
            raise TransportError("lost", "The link is closed.", "Open it.")
        self._answers += self.tool.take(data)

    async def close(self) -> None:
        self.closed += 1
        self._is_open = False
        self._answers = b""


PROFILE = profile_for("iastm-one-hand", None)
WALL = datetime(2026, 3, 29, 1, 59, 30, tzinfo=timezone(timedelta(hours=1)))


class Runs:
    """Makes runs with a fake tool; all of them are over when a test ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[Acquisition] = []

    def make(
        self, *, plan: dict[str, Any] | None = None, listeners: Sequence[Callable[[Event], None]] = (), **link: Any
    ) -> tuple[Acquisition, ToolTransport]:
        """Return a run that is not started, and its link."""
        transport = ToolTransport(link.pop("tool", None) or FakeTool(), FakeClock(), **link)
        stated: dict[str, Any] = {
            "carrier": "serial",
            "profile": PROFILE,
            "tip": None,
            "contact": Contact(),
            "software": "test 1",
            "patience_s": 0.0,
            "recordings": self.folder / "recordings",
        }
        made = Plan(**stated | (plan or {}))
        run = Acquisition(transport, made, transport.clock, lambda: WALL, listeners=listeners)
        self._running.append(run)
        return run, transport

    def whole(self, **wishes: Any) -> tuple[Acquisition, ToolTransport]:
        """Make a run and wait for its end."""
        run, transport = self.make(**wishes)
        run.start()
        assert run.join(60), "the run does not end"
        return run, transport

    def end(self) -> None:
        """End what runs."""
        for run in self._running:
            run.stop()
            if run._thread.ident is not None:
                run.join(60)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="session")
def fake_tool() -> type[FakeTool]:
    return FakeTool


@pytest.fixture(scope="session")
def by_hand() -> Callable[..., ByHand]:
    """Return `by_hand(tool=…, limits=…, live=True, up_us=…)`: a client at a fake tool, streaming where `live`."""

    def make(tool: FakeTool | None = None, *, limits: Any = None, live: bool = True, **link: int) -> ByHand:
        hand = ByHand(tool or FakeTool(), ToolClient("test 1", limits), **link)
        return hand.until(states.STREAMING) if live else hand

    return make


@pytest.fixture(scope="session")
def strokes_as_counts() -> Callable[..., np.ndarray]:
    return pattern_counts


@pytest.fixture(scope="session")
def profile() -> Profile:
    return PROFILE
