"""What MicroPython has and CPython lacks: installed before the firmware is imported, so that it stays unchanged."""

import asyncio
import gc
import select
import sys
import time
import traceback

_TICKS_MASK = 0x3FFFFFFF


class _RawStandard:
    # MicroPython's `.buffer` is unbuffered: what is polled and what is read must be the same bytes.
    def __init__(self, descriptor, mode):
        self.buffer = open(descriptor, mode, buffering=0, closefd=False)  # noqa: SIM115 (open as long as the process)

    def flush(self):
        # CPython asks for it when it ends; nothing is buffered.
        pass


class _Poll:
    # By select.select, which Windows has for sockets; files there are always ready.
    def __init__(self):
        self._registered = []

    def register(self, stream, events):
        self._registered.append(stream)

    def ipoll(self, timeout_ms):
        timeout_s = None if timeout_ms < 0 else timeout_ms / 1000
        try:
            ready = select.select(self._registered, [], [], timeout_s)[0]
        except OSError:
            ready = list(self._registered)
        return [(stream, select.POLLIN) for stream in ready]


def _sleep_ms(duration_ms):
    return asyncio.sleep(duration_ms / 1000)


def _ticks_us():
    return time.perf_counter_ns() // 1000 & _TICKS_MASK


def _ticks_ms():
    return time.perf_counter_ns() // 1000000 & _TICKS_MASK


def _ticks_add(ticks, delta):
    return (ticks + delta) & _TICKS_MASK


def _ticks_diff(later, earlier):
    half = (_TICKS_MASK + 1) // 2
    return ((later - earlier + half) & _TICKS_MASK) - half


def _threshold(size_bytes):
    # There is no limited heap to keep in one piece.
    pass


def install():
    """Add to CPython's modules what the firmware takes for granted."""
    asyncio.sleep_ms = _sleep_ms
    time.ticks_us = _ticks_us
    time.ticks_ms = _ticks_ms
    time.ticks_add = _ticks_add
    time.ticks_diff = _ticks_diff
    # There is no limited heap: nothing is free, nothing counts.
    gc.mem_free = lambda: 0
    gc.threshold = _threshold
    # What is loaded so far never goes: collections need not walk through it.
    gc.freeze()
    select.poll = _Poll
    select.POLLIN = 1
    sys.print_exception = lambda error, file: traceback.print_exception(error, file=file)
    sys.stdin = _RawStandard(0, "rb")
    sys.stdout = _RawStandard(1, "wb")
