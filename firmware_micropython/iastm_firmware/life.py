"""What a tool does beside measuring: keeps settings, watches its battery, tests itself, sleeps, tells of its past."""

import sys

from iastm_firmware.kept import Kept
from iastm_firmware.power import Battery, Idle
from iastm_firmware.self_test import SelfTest
from iastm_firmware.status import measured
from iastm_firmware.zero_check import ZeroCheck
from iastm_protocol import kinds
from iastm_protocol._compat import const
from iastm_protocol.conversion import to_newtons
from iastm_protocol.messages import TROUBLE_MAX_BYTES

_LOG_BYTES_MAX = const(0xFFFF)
_COUNTER_MAX = const(0xFFFF)
_MN_MAX = const(1000000000)
_ELLIPSIS = "..."


class Life:
    """Everything of a `tool` that outlives a session. Made before the tool's parts; `begin` once they are there.

    Whoever runs the sampling sets `sampled` in each of its turns: without one in a second the watchdog goes hungry.
    """

    def __init__(self, board, clock):
        self._board = board
        self._clock = clock
        self._tool = None
        self._zero_check = None
        self.sampled = False
        # What confirms a release that is on trial, None where none is, or any more. Main.py starts them from there.
        self._confirmation = _confirmation() if sys.path[0].startswith("/releases/") else None
        self.kept = Kept(board.settings_storage, board.reset_reason)
        self.battery = Battery()
        self._note_battery()
        self.idle = Idle(clock, board.idle_s)
        self.self_test = None
        # What was wrong with what is kept, for the user: the board's own trouble may change, this does not.
        self._troubles = [words for words in (self.kept.trouble, _trouble_of(board.journal)) if words]

    @property
    def zero_counts(self):
        """The zero to begin with: the kept one, else the board's."""
        kept = self.kept.zero_counts
        return self._board.zero_counts if kept is None else kept

    @property
    def zero_confirmed(self):
        """Whether that zero was confirmed in this run: a kept one never was."""
        return self.kept.zero_counts is None and self._board.zero_confirmed

    def begin(self, tool):
        """Take up the `tool`, whose parts are all there but its links."""
        self._tool = tool
        self.self_test = SelfTest(tool)
        self._zero_check = ZeroCheck(tool)
        if self.kept.channels is not None:
            tool.signals.choose(self.kept.channels)
        if self.kept.overloaded:
            tool.watch.remember_overload()
        tool.health.on_overload = self._keep_overload
        self._tell_journal()

    def add_trouble(self, words):
        """Tell in the hello of something that could not be as it was meant to."""
        self._troubles.append(words)

    def trouble(self, room_bytes):
        """Return in words what the tool could not start, or found lost, cut to this room and to what a hello holds."""
        troubles = [self._board.trouble] + self._troubles
        if self.kept.fault not in troubles:
            troubles.append(self.kept.fault)
        words = "; ".join([words for words in troubles if words])
        data = words.encode()
        room_bytes = min(room_bytes, TROUBLE_MAX_BYTES)
        if len(data) <= room_bytes:
            return words
        end = room_bytes - len(_ELLIPSIS)
        if end <= 0:
            return ""
        # Not within a character.
        while data[end] & 0xC0 == 0x80:
            end -= 1
        return str(data[:end], "utf-8") + _ELLIPSIS

    def faults(self):
        """Return the bits of the status that come from here."""
        tool = self._tool
        faults = self.kept.faults & kinds.FAULT_STORE
        if self._confirmation is not None and self._confirmation.fails:
            faults |= kinds.FAULT_STORE
        if self._board.trouble:
            faults |= kinds.FAULT_BOARD
        if self.battery.low:
            faults |= kinds.FAULT_BATTERY_LOW
        if tool.motion is not None and tool.motion.fails:
            faults |= kinds.FAULT_MOTION
        return faults

    def step(self):
        """Go on with what takes its time, for a few milliseconds at most; to be called every 10 ms."""
        tool = self._tool
        if tool.motion is not None:
            tool.motion.step(tool.sampler.next_index, tool.watch.in_contact)
        if self.self_test.runs:
            self.self_test.step()
        elif not self._zero_check.done:
            self._zero_check.step()

    def second(self):
        """A second has passed."""
        tool = self._tool
        streams = tool.streams
        in_contact = tool.watch.in_contact
        may_write = not in_contact and not self.self_test.runs
        if self._confirmation is not None and self._confirmation.second(self.sampled, may_write):
            self._confirmation = None
        if self.sampled:
            self.sampled = False
            self._board.feed()
        self._note_battery()
        self.kept.note_streaming(streams)
        self.kept.write_if_due(may_write)
        is_used = streams or self.self_test.runs or measured(self._board.button, False)
        for link in tool.links:
            # A host that is there says something each second.
            is_used = is_used or link.heard
            link.heard = False
        if tool.motion is not None and tool.motion.still_s == 0:
            is_used = True
        self.idle.second(is_used, in_contact, self.battery.critical)

    def sleep_if_due(self):
        """Sleep, where the tool was not used for long, until the board wakes; it may start anew instead.

        Nothing is lost: what is to be kept is written. Links end.
        """
        if not self.idle.is_due:
            return
        tool = self._tool
        self.kept.write_now()
        tool.signals.rest()
        for link in tool.links:
            link.end()
        self._board.sleep()
        self.idle.used()

    def leave(self):
        """The firmware ends, and the board stays on: no stream runs any more, and what is to be kept is written."""
        self.kept.note_streaming(False)
        self.kept.write_now()

    def about(self):
        """Return what hello tells of the tool's past: why it started, counters, overload, bytes of log."""
        kept = self.kept
        journal = self._board.journal
        return (
            self._board.reset_reason,
            min(kept.power_losses, _COUNTER_MAX),
            min(kept.restarts, _COUNTER_MAX),
            kept.overload_mn,
            0 if journal is None else min(journal.size, _LOG_BYTES_MAX),
        )

    def _note_battery(self):
        self.battery.note(measured(self._board.battery_percent, kinds.UNKNOWN_U8))

    def _keep_overload(self, peak_counts):
        tool = self._tool
        calibration = tool.settings.calibration
        force_n = abs(to_newtons(peak_counts * tool.watch.thresholds.polarity, 0, calibration.coefficients))
        self.kept.keep_overload(min(int(force_n * 1000), _MN_MAX))

    def _tell_journal(self):
        journal = self._board.journal
        if journal is None:
            return
        journal.start = self.kept.starts
        journal.uptime_s = self._tool.health.uptime_s
        # A watchdog leaves no traceback, and neither does a battery that is pulled.
        if self._board.reset_reason == kinds.RESET_WATCHDOG:
            journal.add("restarted by the watchdog")
        if self.kept.power_lost:
            journal.add("power went while it streamed")


def _confirmation():
    # Here, because its code takes memory.
    from iastm_firmware import releases

    return releases.confirmation()


def _trouble_of(journal):
    return "" if journal is None else journal.trouble
