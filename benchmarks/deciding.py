"""Last byte to alert decision while a full window repaints, against deciding in a 16 ms GUI timer, at the same time.

Two tools press far over alarm five times a second. A process of its own writes their samples to two pseudo-terminals
and notes when the last byte of each batch was out. One is read by Acquisition in its thread, as in every live run; the
other by a timer of the GUI thread, which is what a first attempt does.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from benchmarks.fake_tool import RATE_HZ
from benchmarks.pty_feeder import PULSE_SAMPLES, Written, feeding
from benchmarks.results import Result
from benchmarks.thirty_tools import new_pipeline, one_hand
from iastm_host.app.live_view import LiveView
from iastm_host.app.session import Session
from iastm_host.cli import wiring
from iastm_host.events import Alert, Chunk
from iastm_host.settings import Settings
from iastm_host.window.live import LiveWindow

CROSSINGS = 320
MIN_CROSSINGS = 300
PROMISED_P99_MS = 10.0
GUI_TIMER_MS = 16
# 60 frames a second, where the window itself asks for 40.
_FRAME_MS = 16
_CROSSING_S = PULSE_SAMPLES / RATE_HZ
_JOIN_S = 10.0
_READ_BYTES = 65_536


class _CountedWindow(LiveWindow):
    """The live window, with its frames counted."""

    def __init__(self, session: Session, theme: str, title: str) -> None:
        super().__init__(session, theme, title)
        self.frames = 0

    def show_frame(self) -> LiveView:
        """Show the next frame."""
        self.frames += 1
        return super().show_frame()


class _GuiDecider:
    """Reads a port, decodes and decides in a timer of the GUI thread."""

    def __init__(self, port: str) -> None:
        self.decided: list[tuple[Alert, int]] = []
        self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._pipeline = new_pipeline(one_hand())

    def tick(self) -> None:
        """Take what has come."""
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            data = b""
        events = self._pipeline.receive(Chunk(wiring.clock_us(), data))
        now_us = wiring.clock_us()
        self.decided += [(event, now_us) for event in events if isinstance(event, Alert)]
        for said in self._pipeline.client.to_send():
            os.write(self._fd, said)

    def close(self) -> None:
        """Close the port."""
        os.close(self._fd)


def run() -> list[Result]:
    """Let a window repaint for about a minute, and compare both ways on the same crossings."""
    application = QApplication.instance() or QApplication([])
    switch_interval_s = sys.getswitchinterval()
    busy_s, begun_s = time.process_time(), time.monotonic()
    with feeding(2, "pulses") as feeder:
        acquisition = wiring.serial_run(feeder.ports[0], Settings(), wiring.Choice())
        window = _CountedWindow(acquisition, "dark", "Benchmark")
        for timer in window.findChildren(QTimer):
            timer.setInterval(_FRAME_MS)
        window.resize(1920, 1080)
        window.show()
        decider = _GuiDecider(feeder.ports[1])
        gui_timer = QTimer()
        gui_timer.timeout.connect(decider.tick)
        gui_timer.start(GUI_TIMER_MS)
        acquisition.start()
        QTimer.singleShot(round(1000 * (CROSSINGS + 10) * _CROSSING_S), application.quit)
        application.exec()
        gui_timer.stop()
        decider.close()
        window.close()
        acquisition.stop()
        acquisition.join(_JOIN_S)
        feeder.finish()
    sys.setswitchinterval(switch_interval_s)
    elapsed_s = time.monotonic() - begun_s
    busy = (time.process_time() - busy_s) / elapsed_s
    problem = acquisition.summary().problem
    if problem is not None:
        raise problem
    decisions = [(decision.alert, decision.decided_us) for decision in acquisition.summary().alerts]
    ours_ms = latencies_ms(decisions, feeder.written[0])
    gui_ms = latencies_ms(decider.decided, feeder.written[1])
    if min(len(ours_ms), len(gui_ms)) < MIN_CROSSINGS:
        raise AssertionError(f"only {len(ours_ms)} and {len(gui_ms)} crossings were decided")
    writer_ms = [batch.late_us / 1000 for tool in feeder.written for batch in tool]
    ours_p99_ms, gui_p99_ms = (float(np.percentile(values, 99)) for values in (ours_ms, gui_ms))
    return [
        Result(
            "Last byte to alert decision, p99",
            ours_p99_ms,
            "ms",
            f"decided in a {GUI_TIMER_MS} ms GUI timer",
            gui_p99_ms,
            gui_p99_ms / ours_p99_ms,
            f"≤ {PROMISED_P99_MS:g} ms",
            ours_p99_ms <= PROMISED_P99_MS,
            f"{len(ours_ms)} crossings, window of 1920×1080 repainting {window.frames / elapsed_s:.0f} times a second,"
            f" {100 * busy:.0f} % of a core busy. p50/p95/p99/max: {_percentiles(ours_ms)} ms against"
            f" {_percentiles(gui_ms)} ms, both ways at the same time, from just after the last byte went into the"
            " pseudo-terminal. What this machine itself adds then: the writer, a process that only sleeps and writes,"
            f" was woken {_percentiles(writer_ms)} ms late.",
        )
    ]


def latencies_ms(decisions: Sequence[tuple[Alert, int]], written: Sequence[Written]) -> list[float]:
    """Return, for each alarm, the time from the last byte of the batch that held its sample to its decision."""
    last_indices = np.array([batch.last_index for batch in written])
    found = []
    for alert, decided_us in decisions:
        if alert.kind == "alarm":
            batch = written[int(np.searchsorted(last_indices, alert.index))]
            found.append((decided_us - batch.written_us) / 1000)
    return found


def _percentiles(values: Sequence[float]) -> str:
    return "/".join(f"{value:.1f}" for value in np.percentile(values, (50, 95, 99, 100)))
