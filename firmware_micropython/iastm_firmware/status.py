"""The tool's state once a second: faults found from what the converter did in that second."""

import gc

from iastm_protocol import kinds, messages

# Below this a stroke's peak is missed by percents (domain rule): alerts on strokes would be late or absent.
_MIN_RATE_HZ = 80
_TOLERANCE_PERCENT = 95
_COUNTER_MAX = 0xFFFF


class Health:
    """Finds faults; each one that begins or ends is an event. Call `second` once a second."""

    def __init__(self, sampler, events, clock):
        self._sampler = sampler
        self._events = events
        self._taken = 0
        self._missed = 0
        self._saturated = 0
        self._changes = 0
        self._slow_seconds = 0
        self._link_faults = 0
        self._clock = clock
        self._boot_us = clock.time_us(clock.now())
        self.faults = 0

    def uptime_s(self):
        """Return whole seconds since boot."""
        return (self._clock.time_us(self._clock.now()) - self._boot_us) // 1000000

    def second(self):
        """Look back on the second that passed."""
        sampler = self._sampler
        taken = sampler.taken - self._taken
        found = self._link_faults
        if not taken:
            found |= kinds.FAULT_ADC_SILENT
        if sampler.saturated != self._saturated:
            found |= kinds.FAULT_ADC_SATURATED
        elif taken and sampler.changes == self._changes:
            found |= kinds.FAULT_ADC_FROZEN
        if sampler.missed != self._missed:
            found |= kinds.FAULT_SAMPLES_MISSED
        # One short second can be the first or the last one; two are a slow converter.
        slow = 0 < taken < _MIN_RATE_HZ * _TOLERANCE_PERCENT // 100
        self._slow_seconds = self._slow_seconds + 1 if slow else 0
        if self._slow_seconds >= 2:
            found |= kinds.FAULT_TOO_SLOW
        self._taken = sampler.taken
        self._missed = sampler.missed
        self._saturated = sampler.saturated
        self._changes = sampler.changes
        self._note(found)

    def note_links(self, faults):
        """Take what is wrong with the links now: bits that none but the links have."""
        ended = self._link_faults & ~faults
        self._link_faults = faults
        self._note((self.faults & ~ended) | faults)

    def _note(self, found):
        changed = found ^ self.faults
        self.faults = found
        bit = 1
        while bit <= changed:
            if changed & bit:
                kind = kinds.EVENT_FAULT if found & bit else kinds.EVENT_FAULT_CLEARED
                self._events.raise_event(kind, self._sampler.next_index, bit)
            bit <<= 1


def status_payload(tool, damaged_frames, unknown_kinds, overrun_samples):
    """Return the payload of a status with these counters of the link that asks."""
    board = tool.board
    return messages.Status(
        tool.sampler.next_index,
        board.battery_percent(),
        board.temperature_cdeg(),
        tool.health.faults,
        tool.sampler.missed,
        overrun_samples,
        min(damaged_frames, _COUNTER_MAX),
        min(unknown_kinds, _COUNTER_MAX),
        gc.mem_free(),
        tool.health.uptime_s(),
    ).to_payload()
