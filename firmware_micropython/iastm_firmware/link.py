"""One host on one carrier: hello, ping, commands, and all that is sent while streaming."""

from iastm_firmware import commands
from iastm_firmware.backfill import EventBackfill, SampleBackfill
from iastm_firmware.keys import Proofs
from iastm_firmware.ring import Cursor
from iastm_firmware.status import health_payload, status_payload
from iastm_firmware.window import Window
from iastm_protocol import kinds, messages
from iastm_protocol._compat import micropython
from iastm_protocol.errors import RemoteProtocolError

# Answers that wait to be sent; while there are as many, pings and commands are passed over, for their host to repeat.
# One command adds five at most, and beside them there is one answer to a hello.
_MAX_WAITING = 16
# Bounds on one turn of the link, because sampling waits meanwhile.
_MAX_READS_PER_STEP = 4
_MAX_FRAMES_PER_STEP = 4
# Of a carrier's window: fetched samples leave it to the newest, which come about between two acknowledgements.
_FRAMES_FOR_LIVE = 16
# And these the newest leave to a hole: nothing but what was fetched can be acknowledged while there is one.
_FRAMES_FOR_FETCHED = 4
_ANSWERS_KEPT = 4


class Link:
    """Serves a host. Silent until its hello; after a hello of another major version it answers and does no more.

    `streaming` and `greeted` tell how far its host has come, `faults` what is wrong with this link (bits of status);
    over a cable (`by_cable`) a host needs no key. `request_id` is that of the command in hand.
    """

    def __init__(self, tool, carrier):
        self.tool = tool
        self.batch_us = carrier.batch_us
        self.streaming = False
        self.greeted = False
        self.faults = 0
        self._session = 0
        self.by_cable = carrier.inlet.by_cable
        self._proofs = Proofs()
        self._inlet = carrier.inlet
        self._outlet = carrier.outlet
        self._writer = carrier.writer
        self._window = Window(carrier.window_frames, tool.clock)
        self._sequence = 0
        self._cursor = Cursor()
        self._fetched_samples = SampleBackfill(tool.ring)
        self._fetched_events = EventBackfill(tool.events)
        self._waiting = []
        self._answered = []
        self._report_number = 0
        self._event_number = 0
        self._calibration_revision = 0
        self._zero_revision = 0
        self._limits_revision = 0
        self._channels_revision = 0
        self._motion_number = 0
        self._status_due = False
        self._health_due = False
        # Whether the host said anything; whoever looks sets it back.
        self.heard = False
        self._unknown_kinds = 0
        self.request_id = 0
        self._unreadable = 0

    @property
    def reading(self):
        """Whether a host takes the stream."""
        return self.streaming and not self.faults & kinds.FAULT_LINK_STALLED

    @property
    def may_change(self):
        """Whether the frame in hand came in on a way on which the tool's state may be changed."""
        return self._inlet.may_change

    @property
    def challenge(self):
        """What the commands of this session are signed for."""
        return self._proofs.challenge

    @property
    def proven(self):
        """Whether the host may have control: it has the cable, or signed a command with the key of now."""
        return self.by_cable or self._proofs.given_with(self.tool.keys.ours)

    @micropython.native
    def step(self):
        """Read and send as far as the stream allows; return True where more could be sent at once."""
        self._receive()
        for _ in range(_MAX_FRAMES_PER_STEP):
            ready = self._outlet.ready()
            self._note_fault(kinds.FAULT_LINK_STALLED, self._outlet.suspended)
            if not ready:
                return False
            if not self._send_one():
                # Only one of these in a turn: whatever is sampled meanwhile goes before the next one.
                return self._send_fetched()
        return True

    def second(self):
        """A second has passed: a status is due."""
        self._status_due = True

    def start_stream(self):
        """Stream from the newest sample on; a stream that runs already runs on."""
        if not self.streaming:
            self.streaming = True
            self.tool.ring.to_newest(self._cursor)
            self._report_number = self.tool.reports.last_number
            if self.tool.motion is not None:
                # The angles of before may be old: the sensor may fail by now.
                self._motion_number = self.tool.motion.number
            self._status_due = False
            self._health_due = False
            self.tool.links_changed()

    def stop_stream(self):
        """End the stream."""
        if self.streaming:
            self.streaming = False
            self.tool.links_changed()

    def restart(self):
        """Begin anew, for another host: silent until its hello."""
        self.greeted = False
        self._waiting = []
        self._inlet.restart()
        self._outlet.restart()
        self._forget_host()
        self._note_fault(kinds.FAULT_LINK_STALLED, False)
        self.stop_stream()

    def end(self):
        """The tool falls asleep: who is there then has to greet it anew."""
        self.restart()

    def _forget_host(self):
        self._window.restart()
        self._fetched_samples.cancel()
        self._fetched_events.cancel()
        self.tool.calibrations.drop(self)
        self.tool.life.self_test.drop(self)

    def settings_changed(self):
        """What a host is told of changed just now: it hears it before the samples for which it holds."""
        if self.streaming and len(self._waiting) < _MAX_WAITING:
            self._queue_changes()

    def describe(self):
        """Send calibration, zero, limits and channels."""
        self.forget_calibration()
        self.forget_zero()
        self.forget_limits()
        self.forget_channels()

    def give_key(self, key):
        """Send the tool's key."""
        tool = self.tool
        if not self.by_cable:
            tool.press.given(self.challenge)
        tool.events.raise_event(kinds.EVENT_KEY, tool.sampler.next_index, 0)
        self.give(kinds.KEY, messages.Key(key))

    def give(self, kind, message):
        """Send a message with the answers."""
        self._waiting.append((kind, message.to_payload()))

    def forget_calibration(self):
        """Send the calibration (again)."""
        self._calibration_revision = -1

    def forget_zero(self):
        """Send the zero (again)."""
        self._zero_revision = -1

    def forget_limits(self):
        """Send the limits (again)."""
        self._limits_revision = -1

    def forget_channels(self):
        """Send the channels (again)."""
        self._channels_revision = -1

    def _note_fault(self, bit, holds):
        if bool(self.faults & bit) != holds:
            self.faults ^= bit
            self.tool.links_changed()

    @micropython.native
    def _receive(self):
        for _ in range(_MAX_READS_PER_STEP):
            if not self._inlet.read():
                return
            self.heard = True
            self._outlet.resume()
            self._note_fault(kinds.FAULT_LINK_STALLED, False)
            frame = self._inlet.next_frame()
            while frame is not None:
                self._handle(frame.kind, frame.payload)
                frame = self._inlet.next_frame()

    def _handle(self, kind, payload):
        try:
            if kind == kinds.HELLO:
                self._hello(messages.Hello.from_payload(payload))
            elif not self.greeted or self._too_many_wait_for(kind):
                return
            elif kind == kinds.PING:
                self._ping(messages.Ping.from_payload(payload))
            elif kind == kinds.COMMAND:
                self._command(messages.Command.from_payload(payload), self.by_cable)
            elif kind == kinds.SIGNED_COMMAND:
                self._signed_command(messages.SignedCommand.from_payload(payload))
            elif kind == kinds.FETCH:
                fetch = messages.Fetch.from_payload(payload)
                self._fetched_samples.begin(fetch.first_index, fetch.samples, self.tool.sampler.next_index)
                self._window.hole()
            elif kind == kinds.FETCH_EVENTS:
                self._fetched_events.begin(messages.FetchEvents.from_payload(payload).first_event)
            elif kind == kinds.ACK:
                self._window.acknowledge(messages.Ack.from_payload(payload).next_index)
            else:
                self._unknown_kinds += 1
        except RemoteProtocolError:
            # Nothing to answer to: not even the request id can be read.
            self._unreadable += 1

    def _too_many_wait_for(self, kind):
        return len(self._waiting) >= _MAX_WAITING and kind in (kinds.PING, kinds.COMMAND, kinds.SIGNED_COMMAND)

    def _hello(self, hello):
        ours = hello.major == kinds.MAJOR
        self._answered = []
        if not (ours and self.greeted and hello.session == self._session):
            # Another host, or another run of it: what was meant for the one before is not for it.
            self.stop_stream()
            self._waiting = []
            self._forget_host()
            self._calibration_revision = self.tool.settings.calibration_revision
            self._zero_revision = self.tool.settings.zero_revision
            self._limits_revision = self.tool.settings.limits_revision
            self._channels_revision = self.tool.channels_revision
            if not self.by_cable:
                self._proofs.begin(self.tool.board)
        # One that waits already is this session's own: however often a host asks, no more than one takes memory.
        if not any(waiting[0] == kinds.HELLO_ANSWER for waiting in self._waiting):
            self.give(kinds.HELLO_ANSWER, self.tool.hello_answer(self.challenge))
        self._session = hello.session
        self.greeted = ours

    def _ping(self, ping):
        clock = self.tool.clock
        self.give(kinds.PONG, messages.Pong(ping.ping_id, clock.time_us(clock.now())))

    def _command(self, command, proven):
        asked = (command.request_id, command.command, command.body, proven)
        self.request_id = command.request_id
        for answered in self._answered:
            if answered[0] == asked:
                _, error, text = answered
                if error == kinds.OK:
                    commands.repeat(self, command.command)
                break
        else:
            error, text = commands.execute(self, command.command, command.body, proven)
            if commands.lasts(command.command, error):
                self._remember(asked, error, text)
        self._queue_changes()
        self._respond(command, error, text)

    def _signed_command(self, signed):
        command = messages.Command.from_payload(signed.command)
        if self.by_cable:
            self._command(command, True)
            return
        was_proven = self.proven
        try:
            taken = self._proofs.take(self.tool.keys.find(), signed)
        except OSError:
            self._respond(command, kinds.FAILED, "the tool can't read its key: make a new one at the cable")
            return
        if not taken:
            self._respond(
                command, kinds.NEEDS_KEY, "the tool has another key: press its button, and pair this host anew"
            )
            return
        if not was_proven:
            self.tool.links_changed()
        self._command(command, True)

    def _respond(self, command, error, text):
        response = messages.Response(command.request_id, command.command, error, text)
        self.give(kinds.RESPONSE, response)

    def _remember(self, asked, error, text):
        self._answered.append((asked, error, text))
        if len(self._answered) > _ANSWERS_KEPT:
            self._answered.pop(0)

    @micropython.native
    def _queue_changes(self):
        settings = self.tool.settings
        if self._calibration_revision != settings.calibration_revision:
            self._calibration_revision = settings.calibration_revision
            self._waiting.append((kinds.CALIBRATION, settings.calibration.to_payload()))
        if self._zero_revision != settings.zero_revision:
            self._zero_revision = settings.zero_revision
            # With it, how many samples go before it: a zero set later must not hold this one back, nor hurry it.
            zero = (kinds.ZERO, settings.zero.to_payload(), self.tool.samples_before_zero)
            if zero not in self._waiting:
                self._waiting.append(zero)
        if self._limits_revision != settings.limits_revision:
            self._limits_revision = settings.limits_revision
            self._waiting.append((kinds.LIMITS, settings.limits.to_payload()))
        if self._channels_revision != self.tool.channels_revision and self.tool.signals.there:
            self._channels_revision = self.tool.channels_revision
            self._waiting.append((kinds.CHANNELS, self.tool.channels().to_payload()))

    @micropython.native
    def _send_one(self):
        if self.streaming and not self._waiting:
            # Changes that came while too much waited.
            self._queue_changes()
        if self._waiting and not self._zero_must_wait():
            waiting = self._waiting.pop(0)
            self._send(waiting[0], waiting[1])
            return True
        if not self.streaming:
            return False
        tool = self.tool
        if self._report_number != tool.reports.last_number:
            self._report_number, kind, payload = tool.reports.after(self._report_number)
            self._send(kind, payload)
            return True
        spare = _FRAMES_FOR_FETCHED if self._fetched_samples.under_way else 0
        n = 0 if self._window.full(spare) else tool.ring.take(self._cursor, self._writer.payload)
        if n:
            self._window.sent(self._writer.payload, n)
            self._finish(kinds.FORCE_SAMPLES, n)
            return True
        if self._event_number != tool.events.last_number:
            self._event_number, kind, payload = tool.events.after(self._event_number)
            self._send(kind, payload)
            return True
        return self._send_condition()

    @micropython.native
    def _send_condition(self):
        # What the next one replaces: of each the newest is sent, and only where nothing else waits.
        tool = self.tool
        if self._health_due:
            # Right after its status.
            self._health_due = False
            self._send(kinds.HEALTH, health_payload(tool, tool.life.idle.left_s))
            return True
        motion = tool.motion
        if motion is not None and self._motion_number != motion.number:
            self._motion_number = motion.number
            self._send(kinds.MOTION, motion.payload())
            return True
        if self._status_due:
            self._status_due = False
            self._health_due = True
            damaged = self._inlet.damaged + self._unreadable
            self._send(kinds.STATUS, status_payload(tool, damaged, self._unknown_kinds, self._cursor.overrun_samples))
            return True
        return False

    @micropython.native
    def _send_fetched(self):
        event = self._fetched_events.next()
        if event is not None:
            self._send(*event)
            return True
        spare = _FRAMES_FOR_LIVE if self._window.vouched else 0
        n = 0 if self._window.full(spare) else self._fetched_samples.write(self._writer.payload)
        if n:
            if self._fetched_samples.kind == kinds.FORCE_SAMPLES:
                self._window.sent(self._writer.payload, n)
            self._finish(self._fetched_samples.kind, n)
            return True
        return False

    def _zero_must_wait(self):
        # The samples before a zero go first, so that what is sent stands in the order in which it holds.
        first = self._waiting[0]
        return self.streaming and first[0] == kinds.ZERO and self._cursor.samples < first[2]

    def _send(self, kind, payload):
        n = len(payload)
        self._writer.payload[:n] = payload
        self._finish(kind, n)

    def _finish(self, kind, n):
        self._outlet.send(self._writer.finish(kind, self._sequence, n))
        self._sequence = (self._sequence + 1) & 0xFFFF
