"""Times the firmware's work on a board, piece by piece and as a whole: run under its MicroPython, prints JSON.

Microseconds, each the mean of many turns, without what asking for it costs. The tool is the firmware's own Tool; only
the converter (whose conversions are always ready), the host and the outputs are stand-ins.
"""

# ruff: noqa: SIM105
# MicroPython has no contextlib.

import asyncio
import gc
import json
import time

from iastm_firmware import app
from iastm_firmware.boards.base import BoardBase
from iastm_firmware.tool import Tool
from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode

_RATE_MHZ = 320000
_PERIOD_US = 3125
_COUNTS_PER_N = 40000
_TICKS_MASK = 0x3FFFFFFF
_WARN_N, _ALARM_N = 8, 9
# Six batches, as 20 ms make them.
_SAMPLES = 42
_ROUNDS = 2
_SETTLING_MS = 300
_LOAD_MS = 1200


class _Board(BoardBase):
    # Converter, clock, stream and outputs in one.
    name = "timed"
    serial_number = "0"
    rate_mhz = _RATE_MHZ
    ring_depth = 3200
    zero_confirmed = True
    there = 7

    def __init__(self):
        self.calibration = messages.Calibration("timed", bytes(32), 100.0, (0.0, 1 / _COUNTS_PER_N), 0, 0)
        self.adc = self
        self.stream = self
        self.outputs = self
        self.now = 0
        self.left = 0
        self.counts = 0
        self.level = 0
        self.ticks = 0
        self.missed = 0
        self.said = b""
        self.writes = 0

    def ticks_us(self):
        return self.now

    def next_conversion(self):
        if not self.left:
            return False
        self.left -= 1
        self.now = self.ticks = (self.ticks + _PERIOD_US) & _TICKS_MASK
        self.counts = self.level + (self.left & 7)
        return True

    def set(self, kind, light, buzzer_hz, motor):
        pass

    def read(self):
        said = self.said
        self.said = b""
        return said

    def write(self, data):
        self.writes += 1
        return len(data)

    def close(self):
        pass


class _LiveBoard(_Board):
    # The same in the processor's own time: a conversion each 3,125 µs.
    def __init__(self):
        super().__init__()
        self.began = self.ticks = time.ticks_us()

    def ticks_us(self):
        return time.ticks_us()

    def next_conversion(self):
        if time.ticks_diff(time.ticks_us(), self.ticks) < _PERIOD_US:
            return False
        self.ticks = (self.ticks + _PERIOD_US) & _TICKS_MASK
        self.counts = self.level + (self.ticks & 7)
        return True


def per_turn_us(work, turns, idle=None):
    """Return the mean microseconds of a call of `work`, over `turns`, without those of `idle`."""
    gc.collect()
    gc.disable()
    began = time.ticks_us()
    for _ in range(turns):
        work()
    took_us = time.ticks_diff(time.ticks_us(), began)
    if idle is not None:
        began = time.ticks_us()
        for _ in range(turns):
            idle()
        took_us -= time.ticks_diff(time.ticks_us(), began)
    gc.enable()
    return took_us / turns


def nothing():
    """Cost what a call costs."""


def _started():
    # A tool with a host that streams, and its board.
    board = _Board()
    tool = Tool(board)
    link = tool.links[0]
    board.said = _greeting()
    _send_all(board, link)
    return board, tool


def _greeting():
    # What a host says that streams.
    limits = messages.Limits("", _WARN_N * 1000, _ALARM_N * 1000, 800, 520).to_payload()
    said = b""
    for kind, message in (
        (kinds.HELLO, messages.Hello(kinds.MAJOR, kinds.MINOR, "", 1)),
        (kinds.COMMAND, messages.Command(1, kinds.SET_LIMITS, limits)),
        (kinds.COMMAND, messages.Command(2, kinds.START_STREAM, b"")),
    ):
        said += encode(kind, 0, message.to_payload())
    return said


def _send_all(board, link):
    while board.said or link.step():
        link.step()


def _samples(board, tool, empty_us):
    # Microseconds per sample, by what the force is.
    sampler = tool.sampler

    def ask():
        board.left = _SAMPLES
        while board.next_conversion():
            pass

    def step():
        board.left = _SAMPLES
        sampler.step()

    found = {}
    for name, newtons in (("sample_at_rest", 0), ("sample_in_contact", 3), ("sample_over_limit", 12)):
        # By less than what would be a jump, and may be a glitch.
        board.level = newtons * _COUNTS_PER_N
        step()
        _send_all(board, tool.links[0])
        total_us = 0
        for _ in range(_ROUNDS):
            total_us += per_turn_us(step, 1, ask) - empty_us
            _send_all(board, tool.links[0])
        found[name] = total_us / _ROUNDS / _SAMPLES
    return found


def _frames(board, tool, empty_us):
    # Microseconds per frame of samples, from the ring to the stream, and how many samples it has.
    link = tool.links[0]
    frames = board.writes
    took_us = 0
    for _ in range(_ROUNDS):
        board.left = _SAMPLES
        tool.sampler.step()
        gc.collect()
        gc.disable()
        began = time.ticks_us()
        while link.step():
            pass
        took_us += time.ticks_diff(time.ticks_us(), began)
        gc.enable()
    frames = board.writes - frames
    return {"frame": (took_us - _ROUNDS * empty_us) / frames, "samples_per_frame": _ROUNDS * _SAMPLES / frames}


def _parts(board, tool):
    # What a sample and a frame are made of.
    sampler = tool.sampler
    writer = tool.links[0]._writer
    writer.payload[:36] = bytes(range(36))

    def append():
        board.ticks = (board.ticks + _PERIOD_US) & _TICKS_MASK
        tool.ring.append(sampler.next_index, board.ticks, 120000, 0)
        sampler.next_index += 1

    return {
        "watch_feed": per_turn_us(lambda: tool.watch.feed(sampler.next_index, board.ticks, board.counts), 20, nothing),
        "ring_append": per_turn_us(append, 20, nothing),
        "finish": per_turn_us(lambda: writer.finish(kinds.FORCE_SAMPLES, 1, 36), 5, nothing),
    }


async def _spin(duration_ms):
    # How often a task that always can has its turn in a second.
    turns = 0
    began = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), began) < duration_ms:
        turns += 1
        await asyncio.sleep_ms(0)
    return turns * 1000 / time.ticks_diff(time.ticks_ms(), began)


async def _spin_beside(running, found):
    await asyncio.sleep_ms(_SETTLING_MS)
    taken, writes = running.tool.sampler.taken, running.tool.board.writes
    found["turns_beside"] = await _spin(_LOAD_MS)
    found["taken"] = running.tool.sampler.taken - taken
    found["writes"] = running.tool.board.writes - writes
    raise SystemExit


async def _both(running, found):
    await asyncio.gather(running.run(), _spin_beside(running, found))


def _load():
    # The share of the processor that the whole firmware takes while it streams, its loop and collections too.
    found: dict[str, float] = {}
    alone = asyncio.run(_spin(200))
    running = app.App(_LiveBoard())
    running.tool.board.said = _greeting()
    try:
        asyncio.run(_both(running, found))
    except SystemExit:
        pass
    found["load_percent"] = 100 - 100 * found.pop("turns_beside") / alone
    return found


def main():
    """Measure and print."""
    board, tool = _started()
    gc.collect()
    found = {
        "free_bytes": gc.mem_free(),
        "empty_step": per_turn_us(tool.sampler.step, 40, nothing),
        "signals_step": per_turn_us(tool.signals.step, 40, nothing),
        "button": per_turn_us(tool.watch_button, 40, nothing),
        "life_step": per_turn_us(tool.life.step, 10, nothing),
        "empty_link": per_turn_us(tool.links[0].step, 40, nothing),
    }
    found.update(_samples(board, tool, found["empty_step"]))
    found.update(_frames(board, tool, found["empty_link"]))
    found.update(_parts(board, tool))
    found["second"] = per_turn_us(tool.second, 3, nothing)
    began = time.ticks_us()
    gc.collect()
    found["collection"] = time.ticks_diff(time.ticks_us(), began)
    found.update(_load())
    print(json.dumps(found))


main()
