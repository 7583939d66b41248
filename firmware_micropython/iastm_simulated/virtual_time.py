"""Virtual time for MicroPython's asyncio: instead of waiting, jump to the next task that is due.

Ticks start an hour ahead: a task pushed without a time is stamped by C with the real ticks, and must come out as
due, not as due in the future.
"""

import asyncio.core as core

_START_MS = 3600000


class VirtualTime:
    """Replaces the ticks of asyncio and its idle wait from construction on, for the life of the process."""

    def __init__(self):
        self._now_ms = core.ticks() + _START_MS
        self._start_ms = self._now_ms
        core.ticks = self._ticks_ms
        core._io_queue.wait_io_event = self._wait

    def elapsed_us(self):
        """Return virtual microseconds since construction."""
        return (self._now_ms - self._start_ms) * 1000

    def _ticks_ms(self):
        return self._now_ms

    def _wait(self, duration_ms):
        if duration_ms < 0:
            raise RuntimeError("virtual time can't go on: no task is due")
        self._now_ms += duration_ms
