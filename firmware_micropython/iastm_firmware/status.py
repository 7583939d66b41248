"""The tool's state once a second: faults found from what the converter did in that second, and what is wrong else.

Wrong wiring is looked for in each sample, and told at once.
"""

import gc

from iastm_firmware.clock import ticks_between
from iastm_protocol import kinds, messages, tool_messages

# Below 80/s a stroke's peak is missed by percents: alerts on strokes would be late or absent. A converter of 80/s may
# run 5 % slower by its own clock.
_MIN_RATE_MHZ = 76000
_RATE_TOLERANCE_PERCENT = 20
# One short second can be the first or the last one, and one stalled second is made up for by the next.
_SECONDS_TO_BE_SURE = 2
# A converter that fails now and then is one fault, not many that begin and end.
_QUIET_SECONDS = 3
_COUNTER_MAX = 0xFFFF
_MV_MAX = 0xFFFF
_DOSE_MAX_MNS = 0xFFFFFFFF
# What the light shows as technical: with these no force is measured, or a wrong one.
_NO_FORCE = (
    kinds.FAULT_ADC_SILENT
    | kinds.FAULT_ADC_SATURATED
    | kinds.FAULT_ADC_FROZEN
    | kinds.FAULT_ADC_FAILS
    | kinds.FAULT_TOO_SLOW
    | kinds.FAULT_BRIDGE_OPEN
    | kinds.FAULT_BRIDGE_SHORTED
    | kinds.FAULT_POLARITY
)
_CONVERTER = (
    kinds.FAULT_ADC_SILENT,
    kinds.FAULT_ADC_SATURATED,
    kinds.FAULT_ADC_FROZEN,
    kinds.FAULT_ADC_FAILS,
    kinds.FAULT_SAMPLES_MISSED,
    kinds.FAULT_TOO_SLOW,
    kinds.FAULT_RATE,
)
_WIRING = kinds.FAULT_BRIDGE_OPEN | kinds.FAULT_BRIDGE_SHORTED | kinds.FAULT_POLARITY


class _Run:
    # Whether something was so in enough seconds in a row.
    def __init__(self):
        self._seconds = 0

    def holds(self, is_so):
        self._seconds = self._seconds + 1 if is_so else 0
        return self._seconds >= _SECONDS_TO_BE_SURE


class Health:
    """Finds faults; each one that begins or ends is an event. Call `second` once a second.

    `part_faults` are bits of other parts of the tool (motion, stores, the board), looked at each second. `on_overload`,
    where it is not None, is called with the peak of an overload (counts from zero, times polarity), after its event.
    """

    def __init__(self, sampler, watch, events, clock, rate_mhz):
        self._sampler = sampler
        self._watch = watch
        self._rate_mhz = rate_mhz
        self._events = events
        self._taken = 0
        self._missed = 0
        self._saturated = 0
        self._changes = 0
        self._adc_failures = 0
        self._ticks = clock.now()
        self._slow = _Run()
        self._below = _Run()
        self._above = _Run()
        # For how many seconds each fault of the converter was not seen.
        self._quiet_s = [_QUIET_SECONDS] * len(_CONVERTER)
        self._link_faults = 0
        self.part_faults = 0
        self.on_overload = None
        watch.wiring.on_change = self._note_wiring
        watch.on_overload = self._note_overload
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
        sampler.second()
        self._watch.wiring.pace(sampler.last_second.rate_mhz)
        found = self._converter_faults(taken) | self._link_faults | self.part_faults | self._watch.wiring.found
        if self._watch.alert_fails:
            found |= kinds.FAULT_ALERT_OUTPUT
        if self._watch.overloaded:
            found |= kinds.FAULT_OVERLOADED
        self._note(found)

    def _converter_faults(self, taken):
        sampler = self._sampler
        found = 0
        if not taken:
            found |= kinds.FAULT_ADC_SILENT
        if sampler.saturated != self._saturated:
            found |= kinds.FAULT_ADC_SATURATED
        elif taken and sampler.changes == self._changes:
            found |= kinds.FAULT_ADC_FROZEN
        if sampler.missed != self._missed:
            found |= kinds.FAULT_SAMPLES_MISSED
        if sampler.adc_failures != self._adc_failures:
            found |= kinds.FAULT_ADC_FAILS
        found |= self._rate_faults(taken, sampler.missed - self._missed)
        self._adc_failures = sampler.adc_failures
        self._taken = sampler.taken
        self._missed = sampler.missed
        self._saturated = sampler.saturated
        self._changes = sampler.changes
        return self._lasting(found)

    def _lasting(self, found):
        # What is found, and what ends only when it was not for long enough.
        for i, fault in enumerate(_CONVERTER):
            if found & fault:
                self._quiet_s[i] = 0
            elif self._quiet_s[i] < _QUIET_SECONDS:
                self._quiet_s[i] += 1
                if self._quiet_s[i] < _QUIET_SECONDS:
                    found |= fault
        return found

    def note_links(self, faults):
        """Take what is wrong with the links now: bits that none but the links have."""
        ended = self._link_faults & ~faults
        self._link_faults = faults
        self._note((self.faults & ~ended) | faults)

    def _note_wiring(self):
        self._note(self.faults & ~_WIRING | self._watch.wiring.found)

    def _note_overload(self, peak_counts):
        self._events.raise_event(kinds.EVENT_OVERLOAD, self._sampler.next_index, peak_counts)
        self._note(self.faults | kinds.FAULT_OVERLOADED)
        if self.on_overload is not None:
            self.on_overload(peak_counts)

    def _rate_faults(self, taken, missed):
        ticks = self._clock.now()
        passed_us = max(1, ticks_between(self._ticks, ticks))
        self._ticks = ticks
        read_mhz = taken * 1000000000 // passed_us
        made_mhz = (taken + missed) * 1000000000 // passed_us
        tolerance_mhz = self._rate_mhz * _RATE_TOLERANCE_PERCENT // 100
        found = 0
        # A converter that gives nothing is silent, not slow.
        if self._slow.holds(0 < read_mhz < _MIN_RATE_MHZ):
            found |= kinds.FAULT_TOO_SLOW
        below = self._below.holds(0 < made_mhz < self._rate_mhz - tolerance_mhz)
        above = self._above.holds(made_mhz > self._rate_mhz + tolerance_mhz)
        if below or above:
            found |= kinds.FAULT_RATE
        return found

    def _note(self, found):
        changed = found ^ self.faults
        if not changed:
            return
        self.faults = found
        self._watch.signals.technical(found & _NO_FORCE != 0)
        bit = 1
        while bit <= changed:
            if changed & bit:
                kind = kinds.EVENT_FAULT if found & bit else kinds.EVENT_FAULT_CLEARED
                self._events.raise_event(kind, self._sampler.next_index, bit)
            bit <<= 1


def measured(read, unknown):
    """Return what `read` of a board measures beside the force, `unknown` where it raises: no harm to the force."""
    try:
        return read()
    except Exception:
        return unknown


def status_payload(tool, damaged_frames, unknown_kinds, overrun_samples):
    """Return the payload of a status with these counters of the link that asks."""
    board = tool.board
    return messages.Status(
        tool.sampler.next_index,
        tool.life.battery.percent,
        measured(board.temperature_cdeg, kinds.UNKNOWN_I16),
        tool.health.faults,
        tool.sampler.missed,
        overrun_samples,
        min(damaged_frames, _COUNTER_MAX),
        min(unknown_kinds, _COUNTER_MAX),
        gc.mem_free(),
        tool.health.uptime_s(),
        tool.events.last_number,
    ).to_payload()


def health_payload(tool, idle_s):
    """Return the payload of what goes with a status; `idle_s` is the time until the tool sleeps, or NEVER_SLEEPS."""
    second = tool.sampler.last_second
    dose = tool.watch.dose
    return tool_messages.HealthReport(
        min(measured(tool.board.battery_mv, 0), _MV_MAX),
        second.rate_mhz,
        second.jitter_us,
        tool.sampler.glitches,
        tool.sampler.voided,
        min(dose.total_mns, _DOSE_MAX_MNS),
        dose.limit_mns,
        idle_s,
    ).to_payload()
