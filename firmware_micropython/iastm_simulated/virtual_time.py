"""Virtual time for MicroPython's asyncio: instead of waiting, jump to the next task that is due.

Ticks start an hour ahead: a task pushed without a time is stamped by C with the real ticks, and must come out as
due, not as due in the future.
"""

import asyncio.core as core

_START_MS = 3600000


def run_away(now_us, due_us):
    """Let time pass at once: nobody needs to be waited for."""


class VirtualTime:
    """Replaces the ticks of asyncio and its idle wait from construction on, for the life of the process.

    `pass_time(now_us, due_us)` is called each time before it jumps from one to the other, and may take its time.
    """

    def __init__(self, pass_time=run_away):
        self._pass_time = pass_time
        self._now_us = 0
        self._start_ms = core.ticks() + _START_MS
        core.ticks = self._ticks_ms
        core._io_queue.wait_io_event = self._wait

    def elapsed_us(self):
        """Return virtual microseconds since construction."""
        return self._now_us

    def _ticks_ms(self):
        return self._start_ms + self._now_us // 1000

    def _wait(self, duration_ms):
        if duration_ms < 0:
            raise RuntimeError("virtual time can't go on: no task is due")
        if duration_ms:
            due_us = (self._now_us // 1000 + duration_ms) * 1000
            self._pass_time(self._now_us, due_us)
            self._now_us = due_us
