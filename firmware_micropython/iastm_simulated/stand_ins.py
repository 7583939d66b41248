"""What MicroPython has and CPython lacks: installed before the firmware is imported, so that it stays unchanged.

Nothing here needs more than CPython has on Windows, and it is the same code everywhere; on Windows itself it was not
tried. Sleeps are coarser there (about 16 ms): samples arrive in larger groups, none is lost.
"""

import asyncio
import contextlib
import gc
import select
import signal
import socket
import sys
import threading
import time
import traceback

_TICKS_MASK = 0x3FFFFFFF
_PUMP_BYTES = 4096


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


def pollable(pipe):
    """Return a stream of what `pipe` gives that can be polled where only sockets can.

    A thread carries it over, a few KiB ahead at most: the end of the pipe is to be noticed soon.
    """
    far, near = socket.socketpair()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PUMP_BYTES)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PUMP_BYTES)
    threading.Thread(target=_pump, args=(pipe, far), name="rows", daemon=True).start()
    with near:
        return near.makefile("rb", buffering=0)


def _pump(pipe, far):
    with contextlib.suppress(OSError), far:
        while data := pipe.read(_PUMP_BYTES):
            far.sendall(data)


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


def _interrupt(number, frame):
    signal.raise_signal(signal.SIGINT)


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
    # Interrupts may come ignored, as in a script's background; and an end that is asked for is to be a clean one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    sys.stdin = _RawStandard(0, "rb")
    sys.stdout = _RawStandard(1, "wb")
