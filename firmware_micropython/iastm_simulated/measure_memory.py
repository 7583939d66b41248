"""Measures what the firmware allocates: run as a module under any MicroPython, prints one line of JSON.

- `hot_path_bytes_per_sample`: converter → watch → ring, in contact, over no limit;
- `sending_bytes_per_sample`: the same with the link that sends what was sampled;
- `session_bytes_per_sample`: the same with strokes at 0.5 Hz over warn and alarm, their reports, and status;
- `backfill_bytes_per_sample`: sending, with more than four times as many samples fetched once more;
- `backfill_kept_bytes`: how much more of the heap is in use after a minute of that, garbage collected.

The argument is the ring's depth in samples, as far as memory goes; what it became is `ring_depth`.
"""

import gc
import json
import sys

if sys.implementation.name != "cpython":
    # As in __main__.py: what the compiler leaves must not scatter what stays.
    gc.threshold(4096)

from iastm_firmware.boards.base import BoardBase
from iastm_firmware.tool import Tool
from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode
from iastm_simulated.board import runtime_name

_RATE_MHZ = 320000
_PERIOD_US = 3125
_STEP_US = 1000
_TICKS_MASK = 0x3FFFFFFF
_COUNTS_PER_N = 40000
_HOLD_COUNTS = 3 * _COUNTS_PER_N
_HALF_STROKE_SAMPLES = 160
_FETCHED_PER_S = 1400
_WARN_N = 8
_ALARM_N = 9


class _Clock:
    def __init__(self):
        self.now = 0

    def ticks_us(self):
        return self.now


class _Adc:
    # A hold with a little noise, or triangles of 10 N once in two seconds.
    def __init__(self, clock):
        self._clock = clock
        self._due = 0
        self._phase = 0
        self.strokes = False
        self.counts = 0
        self.ticks = 0
        self.missed = 0

    def next_conversion(self):
        if self._clock.now < self._due:
            return False
        self.ticks = self._due
        self._due = (self._due + _PERIOD_US) & _TICKS_MASK
        phase = self._phase
        self._phase = phase + 1 if phase < 4 * _HALF_STROKE_SAMPLES - 1 else 0
        if not self.strokes:
            self.counts = _HOLD_COUNTS + (phase & 7)
        elif phase < 2 * _HALF_STROKE_SAMPLES:
            half = phase if phase < _HALF_STROKE_SAMPLES else 2 * _HALF_STROKE_SAMPLES - phase
            self.counts = half * (10 * _COUNTS_PER_N // _HALF_STROKE_SAMPLES)
        else:
            self.counts = phase & 7
        return True


class _Stream:
    # Takes all that is written; says what the test gave it to say.
    def __init__(self):
        self.said = b""
        self.sent = 0

    def read(self):
        said = self.said
        self.said = b""
        return said

    def write(self, data):
        self.sent += len(data)
        return len(data)


class _Outputs:
    there = 7

    def set(self, kind, light, buzzer_hz, motor):
        pass


class _Board(BoardBase):
    name = "measured"
    outputs = _Outputs()
    simulated = True
    serial_number = "0"
    source_hash = bytes(8)
    rate_mhz = _RATE_MHZ
    zero_counts = 0
    calibration_storage = None
    zero_confirmed = True

    def __init__(self, ring_depth):
        clock = _Clock()
        self.clock = clock
        self.runtime = runtime_name()
        self.ring_depth = ring_depth
        self.ticks_us = clock.ticks_us
        self.adc = _Adc(clock)
        self.stream = _Stream()
        self.calibration = messages.Calibration("measured", bytes(32), 100.0, (0.0, 1 / _COUNTS_PER_N), 0, 0)

    def links(self, tool):
        return []

    def random_u32(self):
        return 1

    def battery_percent(self):
        return kinds.UNKNOWN_U8

    def temperature_cdeg(self):
        return kinds.UNKNOWN_I16

    def button(self):
        # Down for a millisecond now and then: a bounce.
        return self.clock.now & 0xFFFF < 1000

    def load_key(self):
        return None

    def store_key(self, key):
        pass

    def failed(self, error):
        raise error


def _start(tool):
    limits = messages.Limits("", _WARN_N * 1000, _ALARM_N * 1000, 800, 520).to_payload()
    for kind, message in (
        (kinds.HELLO, messages.Hello(kinds.MAJOR, kinds.MINOR, "", 1)),
        (kinds.COMMAND, messages.Command(1, kinds.SET_LIMITS, limits)),
        (kinds.COMMAND, messages.Command(2, kinds.START_STREAM, b"")),
    ):
        tool.board.stream.said += encode(kind, 0, message.to_payload())
    _run(tool, 1000, True)


def _run(tool, duration_ms, sending):
    # The turns of app.py, without its loop.
    clock = tool.board.clock
    sampler = tool.sampler
    link = tool.links[0]
    for turn in range(duration_ms):
        if turn & 1 == 0:
            sampler.step()
            tool.signals.step()
            tool.watch_button()
        if sending and turn & 3 == 0:
            link.step()
        clock.now = (clock.now + _STEP_US) & _TICKS_MASK


def _per_sample(tool, seconds, sending, fetched=0):
    allocated = 0
    taken = tool.sampler.taken
    for _ in range(seconds):
        if fetched:
            fetch = messages.Fetch(tool.sampler.next_index - fetched, fetched)
            tool.board.stream.said += encode(kinds.FETCH, 0, fetch.to_payload())
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        _run(tool, 1000, sending)
        if tool.board.adc.strokes:
            tool.second()
        allocated += gc.mem_alloc() - before
        gc.enable()
    return allocated / (tool.sampler.taken - taken + seconds * fetched)


def measure(ring_depth):
    """Return the measurements of a tool with this ring depth as a dict."""
    gc.threshold(-1)
    gc.collect()
    heap_bytes = gc.mem_alloc() + gc.mem_free()
    tool = Tool(_Board(ring_depth))
    _start(tool)
    hot_path = _per_sample(tool, 3, False)
    # What was not sent meanwhile goes out before the next measurement.
    _run(tool, 1000, True)
    sending = _per_sample(tool, 3, True)
    sent = tool.board.stream.sent
    backfill = _per_sample(tool, 3, True, _FETCHED_PER_S)
    backfill_sent = tool.board.stream.sent - sent
    gc.collect()
    used = gc.mem_alloc()
    _per_sample(tool, 60, True, _FETCHED_PER_S)
    gc.collect()
    kept = gc.mem_alloc() - used
    tool.board.adc.strokes = True
    _run(tool, 1000, True)
    session = _per_sample(tool, 10, True)
    gc.collect()
    return {
        "runtime": tool.board.runtime,
        "word_bits": 64 if sys.maxsize > 0x7FFFFFFF else 32,
        "heap_bytes": heap_bytes,
        "heap_used_bytes": gc.mem_alloc(),
        "ring_depth": tool.ring_depth,
        "samples": tool.sampler.taken,
        "sent_bytes": tool.board.stream.sent,
        "hot_path_bytes_per_sample": hot_path,
        "sending_bytes_per_sample": sending,
        "session_bytes_per_sample": session,
        "backfill_bytes_per_sample": backfill,
        "backfill_sent_bytes": backfill_sent,
        "backfill_kept_bytes": kept,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 2048)) + "\n")
