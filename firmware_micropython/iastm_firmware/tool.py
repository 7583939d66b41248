"""The tool put together, without a loop: every part has a `step` that never waits."""

from iastm_firmware import thresholds
from iastm_firmware.button import Button
from iastm_firmware.carrier import of_stream
from iastm_firmware.clock import Clock
from iastm_firmware.events import Events
from iastm_firmware.keys import Keys, Press
from iastm_firmware.life import Life
from iastm_firmware.link import Link
from iastm_firmware.reports import Reports
from iastm_firmware.ring import DEFAULT_BATCH_US, Ring, allocate_pages, depth_of, pages_for
from iastm_firmware.sampler import Sampler
from iastm_firmware.settings import Settings
from iastm_firmware.signals import Signals
from iastm_firmware.status import Health
from iastm_firmware.version import VERSION
from iastm_firmware.watch import Watch
from iastm_protocol import kinds, messages, tool_messages
from iastm_protocol.signing import NO_CHALLENGE

# Of alerts and strokes 16, and where there is motion, what it tells of each stroke.
_REPORTS_KEPT = 32
_OF_A_BOARD = (
    ("name", "runtime", "serial_number", "simulated", "source_hash", "rate_mhz", "ring_depth")
    + ("adc", "stream", "links", "calibration", "zero_counts", "zero_confirmed")
    + ("ticks_us", "random_u32", "battery_percent", "battery_mv", "excitation_mv", "temperature_cdeg")
    + (
        "outputs",
        "button",
        "imu",
        "imu_axes",
        "imu_tip_mm",
        "load_key",
        "store_key",
        "calibration_storage",
        "settings_storage",
        "journal",
    )
    + ("trouble", "reset_reason", "idle_s", "feed", "sleep", "test_storage", "failed")
)


def _check_attributes(board):
    # One that is missed in the middle of a session would end the firmware there.
    missing = [name for name in _OF_A_BOARD if not hasattr(board, name)]
    if missing:
        raise AttributeError("the board lacks %s: see iastm_firmware/app.py" % ", ".join(missing))


def _no_calibrations():
    from iastm_firmware.no_calibrations import NoCalibrations

    return NoCalibrations()


def _calibrations(board):
    # Loaded where it is needed only: its code takes memory.
    from iastm_firmware.calibrations import Calibrations

    return Calibrations(board.calibration_storage, board.serial_number)


def _motion(board, clock):
    if board.imu is None:
        return None
    from iastm_firmware.motion import Motion

    return Motion(board.imu, clock, board.imu_axes, board.imu_tip_mm)


class Tool:
    """Everything between the converter and the links, on a `board` (see app.py for what a board is)."""

    def __init__(self, board):
        _check_attributes(board)
        self.board = board
        self.boot_id = board.random_u32()
        self.clock = Clock(board.ticks_us)
        # Before the ring, which takes all memory that is left but its reserve.
        self.calibrations = _no_calibrations() if board.calibration_storage is None else _calibrations(board)
        self.life = Life(board, self.clock)
        self.motion = _motion(board, self.clock)
        pages = allocate_pages(pages_for(board.ring_depth, board.rate_mhz))
        self.ring = Ring(pages, self.clock)
        self.ring_depth = depth_of(len(pages), board.rate_mhz)
        self.settings = self._first_settings()
        self.reports = Reports(_REPORTS_KEPT)
        self.events = Events(self.clock)
        self.signals = Signals(board.outputs, self.clock)
        self.watch = Watch(self.settings, self.clock, self.reports, self.signals, board.rate_mhz)
        self.sampler = Sampler(board.adc, self.clock, self.ring, self.watch, self.settings)
        self.health = Health(self.sampler, self.watch, self.events, self.clock, board.rate_mhz)
        self.keys = Keys(board)
        self.press = Press(self.clock)
        self._button = Button(board.button, self.clock)
        self._gesture_index = 0
        self.channels_revision = 0
        self._silenced = False
        if self.motion is not None:
            self.watch.on_stroke = self._tell_stroke_motion
        self.life.begin(self)
        # The ring has its memory by now: a radio stack takes what it can get.
        self.links = [Link(self, of_stream(board.stream, self.clock))] + board.links(self)
        self._controller = None
        # How many samples were stored before the zero in force was set.
        self.samples_before_zero = 0
        self.events.raise_event(kinds.EVENT_BOOT, 0, 0)
        self.check_sizes(self.settings.calibration)
        self.links_changed()

    def second(self):
        """A second has passed."""
        self.calibrations.second(not self.watch.in_contact)
        self.watch.second()
        self.life.second()
        self.health.part_faults = self.life.faults()
        self.health.second()
        if self._silenced and not self.signals.silenced_s:
            self._channels_changed()
        for link in self.links:
            link.second()

    def watch_button(self):
        """Look at the button: to be called every few milliseconds."""
        button = self._button
        gesture = button.step()
        if button.begins:
            self._gesture_index = self.sampler.next_index
        if button.pressed_now and not self.streams:
            self.press.begin()
        if button.pressed_now:
            self.life.idle.used()
        if gesture:
            self.events.raise_event(kinds.EVENT_BUTTON, self._gesture_index, gesture)

    @property
    def streams(self):
        """Whether a host takes the stream."""
        return any(link.reading for link in self.links)

    def may_control(self, link):
        """Return whether the host of `link` may change the tool's state: no other holds control."""
        return self._controller is None or self._controller is link

    def links_changed(self):
        """A stream began or ended, a link stalled or goes on, a host proved that it has the key, or there is a new key.

        Settles control, the length of a batch, faults, and what the last press of the button is still good for.
        """
        reading = [link for link in self.links if link.reading]
        if reading:
            self.press.end()
        # Who may change nothing keeps nobody from it.
        candidates = [link for link in reading if link.proven]
        if self._controller not in candidates:
            self._controller = candidates[0] if candidates else None
        self.ring.batch_us = min([link.batch_us for link in reading]) if reading else DEFAULT_BATCH_US
        faults = kinds.FAULT_CALIBRATION_STORE if self.calibrations.faulty else 0
        for link in self.links:
            faults |= link.faults
        self.health.note_links(faults)

    def set_zero(self, counts):
        """Put a zero in force before the next conversion, as the user confirmed it; one that is so already stays.

        Returns whether anything changed. Raises ValueError where the limits then can't be reached.
        """
        made = self.watch.thresholds_for(counts, self.settings.limits)
        # Whoever sets a zero has looked at it, as an overload asks for.
        self.watch.forgive_overload()
        self.life.kept.keep_zero(counts)
        if counts == self.settings.zero.counts and self.settings.zero.confirmed:
            return False
        self.ring.close()
        self.samples_before_zero = self.ring.samples
        self.settings.change_zero(counts, self.sampler.next_index)
        self.watch.apply(made)
        self.events.raise_event(kinds.EVENT_ZERO, self.sampler.next_index, counts)
        self.settings_changed()
        return True

    def set_limits(self, limits):
        """Put limits in force before the next conversion; a stroke or an alarm under way ends only where they differ.

        Returns whether anything changed. Raises ValueError where they can't be.
        """
        made = self.watch.thresholds_for(self.settings.zero.counts, limits)
        if limits == self.settings.limits:
            return False
        self.settings.change_limits(limits)
        if made != self.watch.thresholds:
            self.ring.close()
            self.watch.apply(made)
        self.events.raise_event(kinds.EVENT_LIMITS, self.sampler.next_index, 0)
        self.settings_changed()
        return True

    def set_channels(self, chosen):
        """Alert by these channels from now on, over restarts too.

        Returns whether anything changed. Raises ValueError for bits that are none.
        """
        self.life.kept.keep_channels(chosen)
        if chosen == self.signals.chosen:
            return False
        self.signals.choose(chosen)
        self.events.raise_event(kinds.EVENT_CHANNELS, self.sampler.next_index, chosen)
        self._channels_changed()
        return True

    def silence(self, seconds):
        """Silence the alerts that are on, for so long; 0 ends it. Returns whether anything changed."""
        was_silenced = self._silenced
        self.signals.silence(seconds)
        if not was_silenced and not self.signals.silenced_s:
            return False
        self._channels_changed()
        return True

    def channels(self):
        """Return the ChannelsReport of now."""
        signals = self.signals
        return tool_messages.ChannelsReport(signals.there, signals.chosen, signals.silenced_s)

    def set_dose_limit(self, limit_mns):
        """Tell when the dose reaches so many mN·s, 0 never; the limit in force stays as it is, told or not."""
        dose = self.watch.dose
        if limit_mns != dose.limit_mns:
            dose.limit(limit_mns)
            self.dose_changed()

    def reset_dose(self):
        """Begin the dose at nothing."""
        self.watch.dose.reset()
        self.dose_changed()

    def dose_changed(self):
        """The dose or its limit changed: what is shown of it ends where it is below."""
        if not self.watch.dose.reached:
            self.signals.end_dose()

    def settings_changed(self):
        """Calibration, zero, limits or channels changed just now."""
        for link in self.links:
            link.settings_changed()

    def _channels_changed(self):
        self._silenced = self.signals.silenced_s > 0
        self.channels_revision += 1
        self.settings_changed()

    def _tell_stroke_motion(self, span, number):
        direction, pass_length_mm, excluded = self.motion.judge(span)
        told = tool_messages.StrokeMotion(number, kinds.SOURCE_FORCE_AND_MOTION, direction, pass_length_mm, excluded)
        self.reports.add(kinds.STROKE_MOTION, told.to_payload())

    def _first_settings(self):
        # A zero that was kept may not fit another calibration: then the board's own is in force, and that is told.
        board = self.board
        life = self.life
        self.settings = Settings(board.calibration, life.zero_counts, life.zero_confirmed)
        self.calibrations.use_kept(self)
        try:
            thresholds.make(self.settings.calibration, self.settings.zero.counts, self.settings.limits)
        except ValueError as error:
            if life.zero_counts == board.zero_counts:
                raise
            life.add_trouble("the kept zero is not used: %s" % error)
            self.settings = Settings(board.calibration, board.zero_counts, False)
            self.calibrations.use_kept(self)
        return self.settings

    def check_sizes(self, calibration):
        """Raise ValueError where what the tool says of itself, and of a calibration in force, does not fit a frame."""
        # It is said again and again: it must not fail in the middle of a session.
        answer = self._hello_answer(NO_CHALLENGE, calibration, "")
        said = (("the board's texts", answer), ("the calibration", calibration))
        for what, message in said:
            n = len(message.to_payload())
            if n > kinds.MAX_LINK_PAYLOAD:
                raise ValueError("%s take %d bytes, and a frame %d" % (what, n, kinds.MAX_LINK_PAYLOAD))

    def hello_answer(self, challenge=NO_CHALLENGE):
        """Return what the tool says of itself; `challenge` is what commands on this link are signed for."""
        calibration = self.settings.calibration
        # What is wrong may become more while the tool runs: it gets what the other texts leave.
        room = kinds.MAX_LINK_PAYLOAD - len(self._hello_answer(challenge, calibration, "").to_payload())
        return self._hello_answer(challenge, calibration, self.life.trouble(room))

    def _hello_answer(self, challenge, calibration, trouble):
        board = self.board
        features = kinds.FEATURE_LIMITS | kinds.FEATURE_ZERO | kinds.FEATURE_STROKES
        features |= kinds.FEATURE_BACKFILL | kinds.FEATURE_KEYS
        if self.calibrations.commands:
            features |= kinds.FEATURE_CALIBRATION
        if board.simulated:
            features |= kinds.FEATURE_SIMULATED
        features |= kinds.FEATURE_DOSE | kinds.FEATURE_SELF_TEST
        if board.outputs.there:
            features |= kinds.FEATURE_SIGNALS
        if self.motion is not None:
            features |= kinds.FEATURE_MOTION
        if board.journal is not None:
            features |= kinds.FEATURE_LOG
        return messages.HelloAnswer(
            kinds.MAJOR,
            kinds.MINOR,
            VERSION,
            board.source_hash,
            board.name,
            board.runtime,
            board.serial_number,
            self.boot_id,
            board.rate_mhz,
            (messages.Channel("force", "N"),),
            self.ring_depth,
            calibration.calibration_id,
            calibration.sha256,
            features,
            challenge,
            trouble,
            *self.life.about(),
        )
