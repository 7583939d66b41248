"""One run with one tool, in a thread of its own: transport, recorder, pipeline, commands. All that a view knows.

An exception in the thread becomes a Problem in the snapshot, never a silent end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from bisect import bisect_right
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from iastm_host.analysis.profiles import Contact, Profile, Tip
from iastm_host.app.live_state import POWER_WENT, Decision, LiveState
from iastm_host.app.met import known_as_told
from iastm_host.app.pipeline import Pipeline, limits_for
from iastm_host.app.snapshot import LiveSnapshot, RecordingView, ReplayView
from iastm_host.app.tool_log import keep_log
from iastm_host.events import (
    Answer,
    Arrived,
    Chunk,
    Command,
    Event,
    LinkChanged,
    Paused,
    Problem,
    ResetDose,
    SetZero,
    Silence,
    Tare,
    ToolDescription,
    ToolEvent,
)
from iastm_host.records.calibrations import KnownCalibration
from iastm_host.records.entries import DIALECT, GOES_ON, MARKER, PAUSED, REGION, Step
from iastm_host.records.known_tools import KnownTool, KnownTools
from iastm_host.records.recorder import Recorder, recording_path, start_note
from iastm_host.records.tool_logs import ToolLogs
from iastm_host.tool import states
from iastm_host.tool.dialect import Dialect
from iastm_host.tool.dialects import Host, new_dialect, numbering_of
from iastm_host.tool.retry import Retry
from iastm_host.tool.signer import Signer
from iastm_host.tool.unnumbered import Numbering
from iastm_host.tool.words import BUTTON, DOUBLE_PRESS, LONG_PRESS
from iastm_host.transports.base import ENDED, IASTM, LOST, NOT_FOUND, EndOfStream, Transport, TransportError

log = logging.getLogger(__name__)

_STOP_TIMEOUT_S = 20.0
SILENCE_S = 60
"""So long the tool's buzzer and motor are silenced at once."""
FETCH_AT_END_US = 10_000_000
# A tool that streams and answers nothing would fill a folder with files that nobody can play.
_RECORDINGS_TRIED = 2
_OVER = (states.REFUSED, states.LOST, states.ENDED)
_NO_LINK = Answer(0, False, "There is no link to a tool.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is: its link's kind, profile, tip, contact levels, and how long it lasts (None: until stopped).

    `session` is a random number for this run. `recordings` is the folder for recordings, `record` whether one starts
    with the run. A link that is lost is tried again for `patience_s` (None: for ever). `live` is false for a replay,
    whose latencies mean nothing. `replay_span_us` holds a replay's first and last host time, `replay_markers_us` those
    of its markers in order, `replay_steps` are its pauses and regions. `keys` are those of known tools by serial
    number. `numbering` is what a replay's samples go on from, where their gauge does not number them. `sets_limits`:
    the tool is told those of the profile. `calibrations` are those known here, by serial number. `tool_logs` is where
    the logs of tools are kept, `known_tools` where is kept which were met, None nowhere; `address` is the port, or the
    name on the air, by which this one is reached ("" unknown).
    """

    carrier: str
    profile: Profile
    tip: Tip | None
    contact: Contact
    software: str
    session: int = 0
    duration_s: float | None = None
    patience_s: float | None = 60.0
    record: bool = False
    recordings: Path | None = None
    live: bool = True
    replay_span_us: tuple[int, int] | None = None
    replay_markers_us: tuple[int, ...] = ()
    replay_steps: tuple[Step, ...] = ()
    replay_speed: float = 1.0
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    numbering: Numbering | None = None
    sets_limits: bool = True
    calibrations: Mapping[str, KnownCalibration] = field(default_factory=dict)
    tool_logs: ToolLogs | None = None
    known_tools: KnownTools | None = None
    address: str = ""

    def settings(self) -> dict[str, object]:
        """Return what a recording needs to be played back as it was seen."""
        return {
            "profile": asdict(self.profile),
            "tip": None if self.tip is None else asdict(self.tip),
            "contact": asdict(self.contact),
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to. `first_index` and `end_index` bound the samples received."""

    runtime: str
    samples_received: int
    samples_expected: int
    first_index: int | None
    end_index: int
    gap_count: int
    stroke_count: int
    alerts: tuple[Decision, ...]
    recording: Path | None
    trouble: str
    problem: Problem | None


class Acquisition:
    """Runs a transport; every method may be called from any thread."""

    def __init__(
        self,
        transport: Transport,
        plan: Plan,
        clock: Callable[[], int],
        wall_clock: Callable[[], datetime],
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
        listeners: Sequence[Callable[[Event], None]] = (),
    ) -> None:
        self._transport = transport
        # Told each event in this run's thread, in order: they return at once.
        self._listeners = listeners
        self._plan = plan
        self._clock = clock
        self._wall_clock = wall_clock
        # None is asyncio's own; another may have a time of its own.
        self._loop_factory = loop_factory
        self._lock = threading.Lock()
        self._state = LiveState(
            plan.carrier,
            plan.profile,
            plan.tip,
            plan.contact,
            live=plan.live,
            calibrations=plan.calibrations,
            today=wall_clock().date() if plan.live else None,
        )
        self._replay_steps = list(plan.replay_steps)
        self._dialect = transport.dialect
        self._signer = Signer(plan.keys)
        self._pipeline = self._new_pipeline()
        # The client of a recording that starts in mid-run, until it has greeted the tool as a replay will.
        self._fresh: Dialect | None = None
        self._recorder: Recorder | None = None
        self._recording_since_us = 0
        # A recording was asked for while the tool was not live: it begins when it is.
        self._recording_wanted = False
        self._recordings_given_up = 0
        self._futures: dict[int, Future[Answer]] = {}
        self._promised: list[Future[Answer]] = []
        # The boot of the tool whose log was asked for last.
        self._log_of: int | None = None
        self._log_task: asyncio.Task[None] | None = None
        # The boot of the tool that was kept last among those that are known, and whether its status was known then.
        self._kept: tuple[int, bool] | None = None
        self._keep_task: asyncio.Task[None] | None = None
        self._told: dict[type, Event] = {}
        self._met_last: KnownTool | None = None
        self._not_kept: Problem | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading: asyncio.Task[Chunk] | None = None
        self._stop_asked = asyncio.Event()
        # Set once a link broke, amid its first greeting too: where nobody answers, the cable may not be back yet.
        self._broke = False
        # Set once the run ends: so long what is missing may be fetched.
        self._fetch_until_us: int | None = None
        self._thread = threading.Thread(target=self._run, name="acquisition", daemon=True)
        self._stopping = threading.Event()
        self._done = threading.Event()

    # For views

    def start(self) -> None:
        """Start the run; raises Problem where its recording can't be created."""
        if self._plan.record:
            self._recorder = self._new_recorder()
        self._thread.start()

    def stop(self) -> None:
        """Ask the run to end; returns at once."""
        self._stopping.set()
        self._post(self._give_up_reading)

    def join(self, timeout_s: float = _STOP_TIMEOUT_S) -> bool:
        """Wait for the end of the run; return whether it came."""
        return self._done.wait(timeout_s)

    def now_us(self) -> int:
        """Return host microseconds as snapshots have them."""
        return self._clock()

    def snapshot(self) -> LiveSnapshot:
        """Return the live state."""
        now_us = self._clock()
        with self._lock:
            recording = self._state.recording
            if self._recorder is not None and recording is not None and recording.path and not self._state.finished:
                # It goes on while the link is away.
                elapsed_s = (now_us - self._recording_since_us) / 1e6
                self._state.recording = replace(recording, elapsed_s=elapsed_s)
            if self._plan.replay_span_us is not None and not self._state.finished:
                self._state.replay = self._replay_view(now_us, self._plan.replay_span_us)
            return self._state.snapshot(now_us)

    def request(self, command: Command) -> Future[Answer]:
        """Send a command to the tool; the future holds its Answer, at the latest when the run is over."""
        future: Future[Answer] = Future()
        with self._lock:
            over = self._state.finished
            if not over:
                self._promised = [*(other for other in self._promised if not other.done()), future]
        if over or not self._post(lambda: self._request(command, future)):
            _answer(future, _NO_LINK)
        return future

    def zero(self) -> None:
        """Ask for a new zero."""
        self._post(self._zero)

    def undo_zero(self) -> None:
        """Ask for the zero before the present one."""
        self._post(self._undo_zero)

    def add_marker(self) -> None:
        """Mark the newest sample in the recording."""
        self._post(self._mark)

    def set_paused(self, paused: bool) -> None:
        """Let strokes and dose count no more, or go on."""
        self._post(lambda: self._pause(paused))

    def next_region(self) -> None:
        """Go to the next region."""
        self._post(self._next_region)

    def silence_tool(self, silent: bool) -> None:
        """Let the tool's buzzer and motor be still for what it alerts of now, for a minute at most, or no longer."""
        self._post(lambda: self._silence(silent))

    def start_recording(self) -> None:
        """Start a recording where none runs; what the session counted so far stays counted."""
        self._post(self._start_recording)

    def summary(self) -> Summary:
        """Return what the run came to."""
        with self._lock:
            state = self._state
            return Summary(
                runtime=state.tool.runtime if state.tool is not None else "",
                samples_received=state.samples_received,
                samples_expected=state.samples_expected,
                first_index=state.first_index,
                end_index=state.end_index,
                gap_count=state.gap_count,
                stroke_count=state.stroke_count,
                alerts=state.alerts,
                recording=self._recorder.path if self._recorder is not None else None,
                trouble=self._recorder.trouble if self._recorder is not None else "",
                problem=state.problem,
            )

    # In the thread

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._loop_factory) as runner:
                runner.run(self._main())
        except Exception as error:
            log.exception("acquisition failed")
            self._fail(Problem(f"The program failed inside: {error!r}.", "Start it again, and report this."))
        finally:
            if self._recorder is not None:
                self._recorder.close()
                self._update_recording()
            with self._lock:
                self._state.finished = True
                promised, self._promised = self._promised, []
            for future in promised:
                _answer(future, _NO_LINK)
            self._done.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._stopping.is_set():
            self._stop_asked.set()
        try:
            if not await self._connect():
                self._apply(self._pipeline.client.finished())
                return
            try:
                await self._read()
            except TransportError as error:
                if not self._was_live() and error.reason != LOST:
                    raise
                await self._reconnect_after(error)
        except EndOfStream:
            self._apply(self._pipeline.give_up())
            self._apply(self._pipeline.client.finished())
        except Problem as error:
            self._apply(self._pipeline.give_up())
            self._apply(self._pipeline.client.broken(error.what))
            self._fail(error)
        finally:
            if self._log_task is not None:
                self._log_task.cancel()
            await self._transport.close()
            await self._keep_tool_at_end()

    async def _connect(self) -> bool:
        """Open the link for the first time; return False where a stop came before."""
        self._apply(self._pipeline.client.seeking())
        if not await self._unless_stopped(self._transport.find()):
            return False
        self._apply(self._pipeline.client.opening())
        if not await self._unless_stopped(self._transport.open()):
            return False
        self._speak()
        self._apply(self._pipeline.client.opened(self._transport.mtu))
        return True

    async def _reconnect_after(self, error: TransportError) -> None:
        """Connect again and again until the run is over; raises what can't be mended so."""
        self._broke = True
        retry = Retry(self._plan.patience_s)
        while not self._over():
            wait_s = retry.wait_s(self._clock()) if self._plan.live else 0.0
            if wait_s is None or error.reason == ENDED:
                raise error
            self._lose_link(error)
            await self._transport.close()
            try:
                if await self._wait(wait_s, error) and await self._unless_stopped(self._transport.open()):
                    self._apply(self._pipeline.client.opening())
                    self._apply(self._pipeline.client.opened(self._transport.mtu))
                    await self._read(retry)
                    return
            except TransportError as again:
                error = again
        self._apply(self._pipeline.give_up())
        self._apply(self._pipeline.client.finished())

    def _speak(self) -> None:
        """Go on in the language of the gauge that was found."""
        if self._transport.dialect != self._dialect:
            self._dialect = self._transport.dialect
            self._pipeline.client = self._new_client(self._plan.numbering)
            self._pipeline.client.opening()
            self._note_dialect()

    def _lose_link(self, error: TransportError) -> None:
        known = self._pipeline.client.state == states.LOST
        self._apply(self._pipeline.client.broken(error.what))
        if self._fresh is not None:
            self._give_up_recording()
        elif self._recorder is not None and not known:
            self._recorder.link_broken(self._clock(), error.what)

    def _was_live(self) -> bool:
        return self._state.tool is not None

    async def _wait(self, wait_s: float, error: TransportError) -> bool:
        """Wait, but no longer than until a tool that was gone is there again; return False where a stop came before."""
        gone = error.reason in (LOST, NOT_FOUND)
        there = self._transport.rediscovered() if gone else asyncio.Event().wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                return await self._unless_stopped(there)
        return True

    async def _unless_stopped(self, coroutine: Coroutine[object, object, object]) -> bool:
        """Wait for `coroutine`; return False where a stop came before it was done, and cancel it."""
        task = asyncio.ensure_future(coroutine)
        stop = asyncio.ensure_future(self._end_of_waiting())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if task.cancelled():
            return False
        task.result()
        return True

    async def _end_of_waiting(self) -> None:
        if self._fetch_until_us is None:
            await self._stop_asked.wait()
        else:
            await asyncio.sleep(max(0.0, (self._fetch_until_us - self._clock()) / 1e6))

    def _over(self) -> bool:
        """Whether a stop was asked for, and there is nothing more to fetch or no more time for it."""
        fetches = self._fetch_until_us is not None and self._clock() < self._fetch_until_us
        return self._stopping.is_set() and not (fetches and self._pipeline.missing_samples)

    async def _read(self, retry: Retry | None = None) -> None:
        while not self._stopping.is_set() and not self._reached_duration():
            if not await self._turn():
                return
            if retry is not None and self._pipeline.client.state == states.STREAMING:
                retry.restart()
        await self._fetch_the_rest()
        self._pipeline.client.stop_stream()
        await self._send(self._pipeline.client)
        self._apply(self._pipeline.give_up())
        self._apply(self._pipeline.client.finished())

    async def _fetch_the_rest(self) -> None:
        """Go on for a bounded time, over cuts too, while the tool still has samples that were lost on the way."""
        if self._fetch_until_us is None:
            self._fetch_until_us = self._clock() + FETCH_AT_END_US
        stopped = False
        while self._plan.live and self._pipeline.missing_samples and self._clock() < self._fetch_until_us:
            if not stopped and self._pipeline.client.state == states.STREAMING:
                # On a link that loses much, new holes would come as fast as old ones go.
                stopped = True
                self._pipeline.client.stop_stream()
                await self._send(self._pipeline.client)
            if not await self._turn(to_the_end=True):
                return

    async def _turn(self, *, to_the_end: bool = False) -> bool:
        """Take one chunk; return False where there is nothing more to take."""
        chunk = await self._transport.read() if to_the_end else await self._next_chunk()
        if chunk is None:
            return True
        if self._recorder is not None:
            self._recorder.received(chunk)
            self._update_recording()
        while self._replay_steps and self._replay_steps[0].host_us < chunk.host_us:
            self._replay_step(self._replay_steps.pop(0))
        self._apply(self._pipeline.receive(chunk))
        if self._transport.pairing_refused != self._state.pairing_refused:
            with self._lock:
                self._state.pairing_refused = self._transport.pairing_refused
        if self._fresh is not None:
            self._fresh.receive(chunk)
            await self._send(self._fresh)
            if self._fresh.state == states.STREAMING:
                self._swap()
            elif self._fresh.state in _OVER:
                self._give_up_recording()
        elif self._recording_wanted:
            self._begin_recording()
        if self._plan.replay_span_us is not None:
            self._update_replay(chunk.host_us, self._plan.replay_span_us)
        self._keep_tool()
        self._keep_log()
        await self._send(self._pipeline.client)
        return self._still_there()

    def _keep_tool(self) -> None:
        """Once a boot of the tool, and once its status is known, keep it among those that are known here."""
        tool = self._state.tool
        if self._plan.known_tools is None or tool is None or not tool.serial_number or self._stopping.is_set():
            return
        here = (tool.boot_id, self._state.status is not None)
        keeping = self._keep_task is not None and not self._keep_task.done()
        if here != self._kept and not keeping and self._pipeline.client.state == states.STREAMING:
            self._kept = here
            self._keep_task = asyncio.create_task(self._keep(self._plan.known_tools, self._met(tool)))

    async def _keep_tool_at_end(self) -> None:
        """A long run tells how its tool was at its end, and not at its beginning."""
        if self._keep_task is not None:
            await self._keep_task
        known, tool = self._plan.known_tools, self._state.tool
        if self._kept is not None and known is not None and tool is not None:
            await self._keep(known, self._met(tool))

    def _met(self, tool: ToolDescription) -> KnownTool:
        return known_as_told(tool, self._told, self._plan.carrier, self._plan.address, self._wall_clock())

    def _hear(self, events: Sequence[Event]) -> None:
        """Take the newest of each kind of event; of a tool that started anew nothing is known yet."""
        for event in events:
            if isinstance(event, ToolDescription):
                before = self._told.get(ToolDescription)
                if isinstance(before, ToolDescription) and before.boot_id != event.boot_id:
                    self._told.clear()
            self._told[type(event)] = event

    @property
    def not_kept(self) -> tuple[KnownTool, Problem] | None:
        """The tool as it was met, and why it could not be kept among the known ones; None where it was kept."""
        with self._lock:
            met, problem = self._met_last, self._not_kept
        return None if met is None or problem is None else (met, problem)

    async def _keep(self, known: KnownTools, tool: KnownTool) -> None:
        with self._lock:
            self._met_last, self._not_kept = tool, None
        try:
            await asyncio.to_thread(known.keep, tool)
        except Problem as problem:
            with self._lock:
                self._not_kept = problem
                self._state.note(f"the tool is not kept among the known ones: {problem}", self._clock(), far=False)

    def _keep_log(self) -> None:
        """Once a boot of the tool, when it streams and nothing is missing, begin to bring its log here."""
        tool, logs = self._state.tool, self._plan.tool_logs
        if logs is None or tool is None or tool.boot_id == self._log_of or self._stopping.is_set():
            return
        if tool.tares:
            # A gauge of another maker keeps none.
            return
        if self._pipeline.client.state == states.STREAMING and not self._pipeline.missing_samples:
            self._log_of = tool.boot_id
            self._log_task = asyncio.create_task(self._bring_log(tool, logs))

    async def _bring_log(self, tool: ToolDescription, logs: ToolLogs) -> None:
        try:
            found = await keep_log(self._asked, tool, logs, self._wall_clock().isoformat(timespec="seconds"))
        except Problem as problem:
            with self._lock:
                self._state.note(f"the tool's log is not kept here: {problem}", self._clock(), far=False)
            return
        with self._lock:
            if found is None:
                self._state.note("the tool did not give its log", self._clock(), far=False)
                return
            if found.power_went:
                self._state.note(POWER_WENT, self._clock())
            if found.entries:
                entries = f"{found.entries} new entr{'y' if found.entries == 1 else 'ies'}"
                self._state.note(f"the tool's log has {entries}, kept here: iastm tool log", self._clock(), far=False)

    async def _asked(self, command: Command) -> Answer:
        future: Future[Answer] = Future()
        self._request(command, future)
        return await asyncio.wrap_future(future)

    def _still_there(self) -> bool:
        client = self._pipeline.client
        if client.state not in _OVER:
            return True
        if (self._was_live() or self._broke) and not client.hopeless:
            if self._plan.live:
                problem = _unreachable(client)
                raise TransportError(LOST, problem.what, problem.fix)
            # A replay goes on until where the live run connected again.
            return True
        self._apply(self._pipeline.give_up())
        self._fail(_unreachable(client))
        return False

    async def _next_chunk(self) -> Chunk | None:
        """Return what comes next, None where a stop comes before: a replay may wait for minutes."""
        self._reading = asyncio.create_task(self._transport.read())
        try:
            return await self._reading
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            return None
        finally:
            self._reading = None

    def _give_up_reading(self) -> None:
        self._stop_asked.set()
        if self._reading is not None:
            self._reading.cancel()

    async def _send(self, client: Dialect) -> None:
        for data in client.to_send():
            await self._transport.write(data)
        for data in client.to_send_privileged():
            await self._transport.write(data, privileged=True)

    def _apply(self, events: Sequence[Event]) -> None:
        if not events:
            return
        decided_us = self._clock()
        for event in events:
            if isinstance(event, LinkChanged):
                log.info("link %s: %s", event.state, event.reason)
        command: Command | None = None
        answers = [event for event in events if isinstance(event, Answer)]
        with self._lock:
            self._state.apply(self._pipeline, events, decided_us)
            for event in events:
                if isinstance(event, Arrived) and not event.block.backfilled:
                    command = self._state.zeroing.feed(event.block) or command
        # Whoever listens or waits may look at the snapshot at once, so this happens outside the lock.
        self._hear(events)
        for listener in self._listeners:
            for event in events:
                listener(event)
        self._take_gestures(events)
        for answer in answers:
            if answer.request_id in self._futures:
                _answer(self._futures.pop(answer.request_id), answer)
        if command is not None:
            self._send_zero(command, "Zero set. U restores the old one.")

    def _reached_duration(self) -> bool:
        state = self._state
        if self._plan.duration_s is None or state.tool is None:
            return False
        return state.samples_expected >= self._plan.duration_s * state.tool.rate_hz

    def _new_client(self, numbering: Numbering | None) -> Dialect:
        plan = self._plan
        limits = limits_for(plan.profile, plan.contact) if plan.sets_limits else None
        return new_dialect(self._dialect, Host(plan.software, limits, plan.session, self._signer, numbering))

    def _new_pipeline(self) -> Pipeline:
        plan = self._plan
        return Pipeline(self._new_client(plan.numbering), plan.profile, plan.tip, plan.contact)

    def _new_recorder(self) -> Recorder:
        folder = self._plan.recordings
        if folder is None:
            raise Problem("There is no folder for recordings.", "Name one with --record DIR.")
        now = self._wall_clock()
        recorder = Recorder(recording_path(folder, now))
        now_us = self._clock()
        plan = self._plan
        note = start_note(now, self._transport.mtu, plan.carrier, plan.software, plan.settings())
        recorder.note(now_us, note)
        # A run that is killed at once leaves a recording that opens all the same.
        recorder.flush()
        self._recording_since_us = now_us
        return recorder

    def _note_dialect(self) -> None:
        """Note what the gauge speaks where it isn't our tongue, and how its samples were numbered before."""
        if self._recorder is None or self._dialect == IASTM:
            return
        note: dict[str, object] = {"note": DIALECT, "dialect": self._dialect}
        numbering = numbering_of(self._pipeline.client)
        if numbering is not None:
            note["numbering"] = asdict(numbering)
        self._recorder.note(self._clock(), note)

    def _update_recording(self) -> None:
        recorder = self._recorder
        assert recorder is not None
        elapsed_s = (self._clock() - self._recording_since_us) / 1e6
        view = RecordingView(str(recorder.path), recorder.bytes_written, elapsed_s, recorder.trouble)
        with self._lock:
            self._state.recording = view

    def _update_replay(self, host_us: int, span_us: tuple[int, int]) -> None:
        with self._lock:
            self._state.replay = self._replay_view(host_us, span_us)
            self._state.marker_count = bisect_right(self._plan.replay_markers_us, host_us)

    def _replay_step(self, step: Step) -> None:
        if step.kind == REGION:
            with self._lock:
                self._state.region = step.number
        else:
            self._apply(self._pipeline.pause(Paused(step.boot_id, step.index, step.kind == PAUSED)))

    def _replay_view(self, host_us: int, span_us: tuple[int, int]) -> ReplayView:
        first_us, last_us = span_us
        position_us = min(max(host_us, first_us), last_us) - first_us
        return ReplayView(position_us / 1e6, (last_us - first_us) / 1e6, self._plan.replay_speed)

    def _fail(self, problem: Problem) -> None:
        with self._lock:
            if self._state.problem is None:
                self._state.problem = problem

    # Commands, in the loop

    def _post(self, action: Callable[[], None]) -> bool:
        """Run `action` in the loop; return whether there is one."""
        loop = self._loop
        if loop is None or self._done.is_set():
            return False
        try:
            loop.call_soon_threadsafe(self._perform, action)
        except RuntimeError:
            # The loop closed in between: the run is over, and there is nobody left to ask.
            return False
        return True

    def _perform(self, action: Callable[[], None]) -> None:
        # What an event loop's callback raises would go to a log that nobody reads.
        try:
            action()
        except Problem as problem:
            self._fail(problem)
        except Exception as error:
            log.exception("a command failed")
            self._fail(Problem(f"The program failed inside: {error!r}.", "Start it again, and report this."))

    def _request(self, command: Command, future: Future[Answer]) -> None:
        try:
            self._futures[self._pipeline.client.request(command)] = future
        except Problem as problem:
            _answer(future, Answer(0, False, str(problem)))

    def _zero(self) -> None:
        with self._lock:
            rate_hz = self._state.tool.rate_hz if self._state.tool is not None else 1.0
            self._state.zeroing.press(self._clock(), rate_hz)

    def _undo_zero(self) -> None:
        with self._lock:
            command = self._state.zeroing.undo(self._clock())
        if command is not None:
            self._send_zero(command, "Old zero restored. U goes back.")

    def _send_zero(self, command: Command, word: str) -> None:
        request_id = self._pipeline.client.request(command)
        with self._lock:
            self._state.zeroing.sent(request_id, word)
        if self._recorder is not None and isinstance(command, SetZero):
            self._recorder.note(self._clock(), {"note": "zero", "counts": command.counts})
        if self._recorder is not None and isinstance(command, Tare):
            self._recorder.note(self._clock(), {"note": "tare"})

    def _take_gestures(self, events: Sequence[Event]) -> None:
        """Do what was asked for with the tool's button; in a replay the recording says what came of it."""
        for event in events:
            if self._plan.live and isinstance(event, ToolEvent) and event.kind == BUTTON:
                self._take_gesture(event)

    def _take_gesture(self, event: ToolEvent) -> None:
        first_index = self._state.first_index
        # What was done with the button before the run was no wish for it.
        if first_index is None or event.index < first_index:
            return
        if event.gesture == LONG_PRESS:
            self._pause(not self._state.paused)
        elif event.gesture == DOUBLE_PRESS:
            self._next_region()
        else:
            # An older tool tells no gesture: pressed it was.
            self._mark(event.index)

    def _place(self) -> dict[str, int] | None:
        """Return the newest sample as a note has it, None before there is one and in a replay."""
        state = self._state
        # A replay shows what was done as it was recorded.
        if state.tool is None or state.first_index is None or self._plan.replay_span_us is not None:
            return None
        return {"boot_id": state.tool.boot_id, "index": state.end_index - 1}

    def _mark(self, index: int | None = None) -> None:
        with self._lock:
            place = self._place()
            if place is None:
                return
            self._state.marker_count += 1
            self._state.markers_not_recorded += self._recorder is None
            number = self._state.marker_count
        if index is not None:
            place["index"] = index
        if self._recorder is not None:
            self._recorder.note(self._clock(), {"note": MARKER, "number": number, **place})

    def _pause(self, paused: bool) -> None:
        place = self._place()
        if place is None or paused == self._state.paused:
            return
        self._apply(self._pipeline.pause(Paused(place["boot_id"], place["index"], paused)))
        if self._recorder is not None:
            self._recorder.note(self._clock(), {"note": PAUSED if paused else GOES_ON, **place})

    def _next_region(self) -> None:
        place = self._place()
        if place is None:
            return
        with self._lock:
            self._state.region += 1
            number, tool = self._state.region, self._state.tool
        if self._recorder is not None:
            self._recorder.note(self._clock(), {"note": REGION, "number": number, **place})
        if tool is not None and tool.sums_dose:
            future: Future[Answer] = Future()
            future.add_done_callback(self._dose_was_reset)
            self._request(ResetDose(), future)

    def _dose_was_reset(self, future: Future[Answer]) -> None:
        answer = future.result()
        if not answer.accepted:
            with self._lock:
                self._state.note(f"the tool goes on with the dose of the region before: {answer.reason}", self._clock())

    def _silence(self, silent: bool) -> None:
        tool = self._state.tool
        if self._plan.replay_span_us is not None or tool is None or not tool.chooses_channels:
            return
        future: Future[Answer] = Future()
        future.add_done_callback(lambda answered: self._silence_answered(answered.result(), silent))
        self._request(Silence(SILENCE_S if silent else 0), future)

    def _silence_answered(self, answer: Answer, silent: bool) -> None:
        if not answer.accepted:
            what = "not silenced" if silent else "still silenced"
            with self._lock:
                self._state.note(f"the tool is {what}: {answer.reason}", self._clock(), again=True)

    def _start_recording(self) -> None:
        self._recordings_given_up = 0
        self._begin_recording()

    def _begin_recording(self) -> None:
        if self._recorder is not None:
            return
        # While the tool is being greeted, a second client would take the answers meant for the first one.
        self._recording_wanted = self._pipeline.client.state != states.STREAMING
        if self._recording_wanted:
            return
        try:
            self._recorder = self._new_recorder()
        except Problem as problem:
            with self._lock:
                self._state.recording = RecordingView("", 0, 0.0, f"{problem.what} {problem.fix}")
            return
        # A recording must hold hello, calibration, zero and limits: a fresh client asks for them, as a replay will,
        # while the old one goes on deciding alerts.
        self._note_dialect()
        place = self._place()
        if self._state.paused and place is not None:
            self._recorder.note(self._clock(), {"note": PAUSED, **place})
        self._fresh = self._new_client(numbering_of(self._pipeline.client))
        self._fresh.opening()
        self._fresh.opened(self._transport.mtu)

    def _swap(self) -> None:
        """Let the fresh client go on; what was counted so far stays counted, in view of the whole session."""
        assert self._fresh is not None
        self._fresh.take_over(self._pipeline.client)
        self._pipeline.client, self._fresh = self._fresh, None

    def _give_up_recording(self) -> None:
        """Close a recording that its tool did not answer, so that it could never be played back; try one more."""
        assert self._recorder is not None
        self._recorder.close()
        self._recorder = None
        self._fresh = None
        self._recordings_given_up += 1
        self._recording_wanted = self._recordings_given_up < _RECORDINGS_TRIED
        then = "Recording begins when it does." if self._recording_wanted else "Press R to try again."
        with self._lock:
            self._state.recording = RecordingView("", 0, 0.0, f"The tool did not answer. {then}")


def _answer(future: Future[Answer], answer: Answer) -> None:
    """Give an answer to whoever still waits for it."""
    if not future.done() and future.set_running_or_notify_cancel():
        future.set_result(answer)


def _unreachable(client: Dialect) -> Problem:
    if client.state == states.REFUSED and "protocol" in client.reason:
        return Problem(client.reason, "Then connect again.")
    if client.state == states.REFUSED:
        return Problem(
            f"This is not a tool, or it does not answer: {client.reason}",
            "Check that its firmware runs and that you chose the right port; switch it off and on, then retry.",
        )
    return Problem(f"The tool is gone: {client.reason}", "Check cable and power of the tool, then start again.")
