"""A process that plays tools on pseudo-terminals in real time. Started by `feeding`; ends when its stdin closes.

First line on stdout: the ports, as JSON. Last line: for each tool, [last index, host time, lateness] of every batch, in
µs: the time read just after its last byte was written, and how late this process was woken for it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.fake_tool import BATCH_US, Counts, FakeTool, treatment
from iastm_host.scenarios import Cell

_READ_BYTES = 4096
# The stroke that `pulses` repeats, in samples: rest, then a force far over alarm.
PULSE_SAMPLES = 64
_PRESSED_SAMPLES = 52
_PULSE_N = 20.0


class Written(NamedTuple):
    """A batch that was written: its last index, when, and how late the system woke the writer for it (both in µs)."""

    last_index: int
    written_us: int
    late_us: int


@dataclass
class Feeder:
    """A running feeder process: its ports, and after `finish` when each batch was written."""

    ports: list[str]
    process: subprocess.Popen[str]
    written: list[list[Written]] = field(default_factory=list)

    def finish(self) -> None:
        """End the process and take what it wrote when."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            said, _ = self.process.communicate(timeout=30)
            self.written = [[Written(*batch) for batch in tool] for tool in json.loads(said)]


@contextlib.contextmanager
def feeding(tools: int, force: str) -> Iterator[Feeder]:
    """Run a feeder of so many tools; `force` is treatment or pulses."""
    command = [sys.executable, "-m", "benchmarks.pty_feeder", str(tools), force]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            feeder = Feeder(json.loads(process.stdout.readline()), process)
            yield feeder
            feeder.finish()
        finally:
            process.kill()


def pulses(_seed: int) -> Callable[[int], Counts]:
    """Return a source of short strokes, all over alarm, five in a second."""
    force_n = np.where(np.arange(PULSE_SAMPLES) < PULSE_SAMPLES - _PRESSED_SAMPLES, 0.0, _PULSE_N)
    cycle = Cell().counts(force_n)
    played = 0

    def source(n: int) -> Counts:
        nonlocal played
        index = np.arange(played, played + n) % PULSE_SAMPLES
        played += n
        return cycle[index]

    return source


_FORCES: dict[str, Callable[[int], Callable[[int], Counts]]] = {"treatment": treatment, "pulses": pulses}


class _Port:
    """One tool at the master side of a pseudo-terminal, which holds the slave side open too."""

    def __init__(self, tool: FakeTool) -> None:
        self.written: list[Written] = []
        self._tool = tool
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.name = os.ttyname(self._slave)

    def hear(self) -> None:
        """Answer what the host sent."""
        self._write(self._tool.answer(os.read(self.master, _READ_BYTES)))

    def play(self, due_us: int) -> None:
        """Write the next batch, if the stream is on. What nobody reads is dropped, as a board would."""
        if self._tool.streaming:
            late_us = _now_us() - due_us
            self._write(self._tool.batch())
            self.written.append(Written(self._tool.next_index - 1, _now_us(), late_us))

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self.master, data)


def main() -> None:
    """Play until stdin closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", type=int)
    parser.add_argument("force", choices=sorted(_FORCES))
    asked = parser.parse_args()
    ports = [_Port(FakeTool(number, _FORCES[asked.force](number))) for number in range(asked.tools)]
    sys.stdout.write(json.dumps([port.name for port in ports]) + "\n")
    sys.stdout.flush()
    poll = select.poll()
    by_fd = {port.master: port for port in ports}
    for fd in [sys.stdin.fileno(), *by_fd]:
        poll.register(fd, select.POLLIN)
    # The tools' batches are spread over the 20 ms, as those of real tools are.
    step_us = BATCH_US / len(ports)
    turn, begun_us = 0, _now_us()
    due_us = begun_us
    while True:
        for fd, _ in poll.poll(max(0.0, (due_us - _now_us()) / 1000)):
            if fd == sys.stdin.fileno():
                sys.stdout.write(json.dumps([port.written for port in ports]))
                return
            by_fd[fd].hear()
        while _now_us() >= due_us:
            ports[turn % len(ports)].play(due_us)
            turn += 1
            due_us = begun_us + round(turn * step_us)


def _now_us() -> int:
    return time.monotonic_ns() // 1000


if __name__ == "__main__":
    main()
