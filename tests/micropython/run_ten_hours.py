"""The whole firmware in virtual time, as fast as it goes; prints one line of JSON at the end.

    micropython -X heapsize=… run_ten_hours.py SECONDS HOST RING_DEPTH

HOST is 1 for a host that greets, streams, acknowledges, pings, fetches and sets limits and zero, 0 for nobody. The
converter makes strokes over both limits, each count known by its index; the ticks begin 40 s before their wrap.

`free_bytes` is the free heap after a collection, once in each tenth of the time; `host` tells what a host got of the
samples: how many were not the ones expected, how many frames were damaged.
"""

# ruff: noqa: ARG002, SIM105
# A host that is nobody takes no notice; MicroPython has no contextlib.

import asyncio
import gc
import json
import sys

gc.threshold(4096)  # type: ignore[attr-defined]

from iastm_firmware import app  # noqa: E402
from iastm_protocol import kinds, messages  # noqa: E402
from iastm_protocol.frames import Decoder, encode  # noqa: E402
from iastm_simulated.board import SimulatedBoard, Ticks, read_settings  # noqa: E402
from iastm_simulated.virtual_time import VirtualTime  # noqa: E402

_TICKS_MASK = 0x3FFFFFFF
_BEFORE_WRAP_US = 40000000
_RATE_MHZ = 320000
_PERIOD_US = 3125
_ZERO = 84213
_COUNTS_PER_N = 42000
# A stroke of 14 N at its peak in 0.75 s, then as long nothing; 480 samples in all.
_STROKE = 240
_PEAK_N = 14
# Zeros follow each other fast at first: what is kept of events is full soon.
_ZEROS_S = 40


def counts_of(index):
    """Return the counts of conversion `index`: strokes as triangles, and noise of eight counts."""
    phase = index % (2 * _STROKE)
    noise = index * 7 % 8
    if phase >= _STROKE:
        return _ZERO + noise
    half = phase if phase < _STROKE // 2 else _STROKE - phase
    return _ZERO + half * (_PEAK_N * _COUNTS_PER_N // (_STROKE // 2)) + noise


class Converter:
    """Makes a conversion each 3,125 µs of the virtual time."""

    def __init__(self, ticks_us):
        self._ticks_us = ticks_us
        self._due = ticks_us()
        self._index = 0
        self.counts = 0
        self.ticks = 0
        self.missed = 0

    def next_conversion(self):
        """Hand out the conversion that is due."""
        if (self._ticks_us() - self._due) & _TICKS_MASK >= 0x20000000:
            return False
        self.counts = counts_of(self._index)
        self.ticks = self._due
        self._index += 1
        self._due = (self._due + _PERIOD_US) & _TICKS_MASK
        return True


class Nobody:
    """A stream that is never read and says nothing."""

    def read(self):
        """Say nothing."""
        return b""

    def write(self, data):
        """Take nothing."""
        return 0

    def close(self):
        """Do nothing."""

    def second(self, second):
        """Do nothing."""

    def heard(self):
        """Return nothing: nobody was there."""
        return {}


class Host(Nobody):
    """The least that a tool takes for a host, in the same process."""

    def __init__(self):
        self._decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
        self._said = b""
        self._sequence = 0
        self._next_index = -1
        self._next_us = 0
        self.samples = 0
        self.wrong = 0
        self.fetched = 0
        self.strokes = 0
        self.alerts = 0
        self.refused = 0
        self.status = None
        limits = messages.Limits("long", 9000, 12000, 800, 520).to_payload()
        self._say(kinds.HELLO, messages.Hello(kinds.MAJOR, kinds.MINOR, "", 1))
        self._say(kinds.COMMAND, messages.Command(1, kinds.SET_LIMITS, limits))
        self._say(kinds.COMMAND, messages.Command(2, kinds.START_STREAM, b""))

    def _say(self, kind, message):
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._said += encode(kind, self._sequence, message.to_payload())

    def read(self):
        """Say at most 64 bytes."""
        said = self._said
        if not said:
            return b""
        self._said = said[64:]
        return said[:64]

    def write(self, data):
        """Take all."""
        self._decoder.feed(data)
        frame = self._decoder.next_frame()
        while frame is not None:
            self._hear(frame)
            frame = self._decoder.next_frame()
        return len(data)

    def _hear(self, frame):
        if frame.kind == kinds.FORCE_SAMPLES:
            self._take(messages.ForceSamples.from_payload(frame.payload))
        elif frame.kind == kinds.STATUS:
            self.status = messages.Status.from_payload(frame.payload)
        elif frame.kind == kinds.RESPONSE:
            self.refused += messages.Response.from_payload(frame.payload).error != kinds.OK
        elif frame.kind == kinds.STROKE:
            self.strokes += 1
        elif frame.kind == kinds.ALERT:
            self.alerts += 1

    def _take(self, batch):
        n = batch.sample_count
        if batch.flags & kinds.BACKFILLED:
            self.fetched += n
            return
        if self._next_index >= 0:
            self.wrong += batch.first_index != self._next_index or abs(batch.first_us - self._next_us) > 1
        packed = batch.packed
        for at in (0, n - 1):
            counts = packed[3 * at] | packed[3 * at + 1] << 8 | packed[3 * at + 2] << 16
            self.wrong += counts != counts_of(batch.first_index + at)
        self.samples += n
        self._next_index = batch.first_index + n
        self._next_us = batch.first_us + n * _PERIOD_US

    def second(self, second):
        """Acknowledge, ping, fetch and set the zero, as their time comes."""
        self._say(kinds.PING, messages.Ping(second & 0xFFFF))
        if self._next_index < 0:
            return
        self._say(kinds.ACK, messages.Ack(self._next_index, 1))
        if second % 10 == 0:
            self._say(kinds.FETCH, messages.Fetch(max(0, self._next_index - 1500), 1000))
        if second < _ZEROS_S or second % 60 == 30:
            # In a pause: a zero ends the stroke under way.
            body = messages.set_zero_body(_ZERO + second % 3)
            self._say(kinds.COMMAND, messages.Command(3 + (second & 0xFFF), kinds.SET_ZERO, body))

    def heard(self):
        """Return what came, in short."""
        status = self.status
        return {
            "samples": self.samples,
            "wrong": self.wrong,
            "fetched": self.fetched,
            "strokes": self.strokes,
            "alerts": self.alerts,
            "refused": self.refused,
            "damaged": self._decoder.damaged,
            "missed": status.missed_conversions if status else -1,
            "overrun": status.overrun_samples if status else -1,
            "uptime_s": status.uptime_s if status else -1,
            "faults": status.faults if status else -1,
        }


async def _live(app_of, host, seconds, found):
    # Beside the firmware: the host's seconds, and a look at the heap in each tenth.
    every = max(1, seconds // 10)
    for second in range(1, seconds + 1):
        await asyncio.sleep_ms(1000)  # type: ignore[attr-defined]
        host.second(second)
        if second % every == 0:
            gc.collect()
            found["free_bytes"].append(gc.mem_free())  # type: ignore[attr-defined]
    tool = app_of.tool
    found["taken"] = tool.sampler.taken
    found["missed"] = tool.sampler.missed
    found["saturated"] = tool.sampler.saturated
    found["glitches"] = tool.sampler.glitches
    found["ring_depth"] = tool.ring_depth
    found["wraps"] = tool.clock.time_us(tool.clock.now()) >> 30
    raise SystemExit(0)


def main(seconds, with_host, ring_depth):
    """Run for `seconds` and print."""
    elapsed_us = VirtualTime().elapsed_us
    settings = read_settings(None)
    settings["rate_mhz"] = _RATE_MHZ
    settings["ring_depth"] = ring_depth
    settings["zero_counts"] = _ZERO
    settings["imu"] = {}
    ticks_us = Ticks((1 << 30) - _BEFORE_WRAP_US, elapsed_us)
    host = Host() if with_host else Nobody()
    board = SimulatedBoard(settings, ticks_us, Converter(ticks_us), host)
    gc.collect()
    found: dict[str, object] = {"free_bytes": []}
    gc.threshold(-1)  # type: ignore[attr-defined]
    running = app.App(board)
    found["heap_bytes"] = gc.mem_alloc() + gc.mem_free()  # type: ignore[attr-defined]
    try:
        asyncio.run(_together(running, _live(running, host, seconds, found)))
    except SystemExit:
        pass
    found["host"] = host.heard()
    print(json.dumps(found))


async def _together(running, beside):
    await asyncio.gather(running.run(), beside)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "1", int(sys.argv[3]))
