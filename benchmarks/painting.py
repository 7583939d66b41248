"""Milliseconds per plot update and paint of the live window's chart, in a window of 1920×1080."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.fake_tool import BATCH_US, RATE_HZ, FakeTool, treatment
from benchmarks.results import Result
from benchmarks.thirty_tools import new_pipeline, one_hand
from iastm_host.analysis.profiles import Contact
from iastm_host.app.live_state import LiveState
from iastm_host.app.live_view import ViewState, axis_top_n, live_view
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.events import Chunk
from iastm_host.window.chart import ChartPanel
from iastm_host.window.geometry import geometry_for
from iastm_host.window.theme import DARK
from iastm_host.window.trace import SPAN_S, decimated

WINDOW = QSize(1920, 1080)
FRAME_US = 25_000
FRAMES = 240
WARM_UP = 20
PROMISED_FASTER = 3.0
PROMISED_OVER_POLYLINE = 3.0
_FIRST_FRAME_US = 14_000_000


def run() -> list[Result]:
    """Update and paint three charts by turns with the same moving ten seconds; compare medians."""
    application = QApplication.instance() or QApplication([])
    snapshots = moving_snapshots(FRAMES)
    size = geometry_for(WINDOW.width(), WINDOW.height()).chart.size()
    painters = [_chart(snapshots, size), _plain_curve(snapshots, size), _polyline(snapshots, size)]
    times_ms: list[list[float]] = [[] for _ in painters]
    for frame in range(len(snapshots)):
        for times, paint in zip(times_ms, painters, strict=True):
            begun = time.perf_counter()
            paint(frame)
            times.append(1000 * (time.perf_counter() - begun))
        application.processEvents()
    ours_ms, naive_ms, polyline_ms = (statistics.median(times[WARM_UP:]) for times in times_ms)
    p95_ms = float(np.percentile(times_ms[0][WARM_UP:], 95))
    note = (
        f"Chart of {size.width()}×{size.height()} pixels, its size in a window of {WINDOW.width()}×{WINDOW.height()},"
        f" painted in memory; median of {len(snapshots) - WARM_UP} frames by turns, {p95_ms:.1f} ms in 95 % of ours."
        " Ours paints bands, silhouette, peaks, axis and words too; the baselines only ground and curve"
        " (pyqtgraph also its axes)."
    )
    return [
        Result(
            "Chart: update and paint",
            ours_ms,
            "ms/frame",
            f"PlotDataItem.setData with lists of {SPAN_S:g} s",
            naive_ms,
            naive_ms / ours_ms,
            f"≥ {PROMISED_FASTER:g} × faster",
            naive_ms >= PROMISED_FASTER * ours_ms,
            note,
        ),
        Result(
            "Chart: update and paint",
            ours_ms,
            "ms/frame",
            "plain QPainter polyline, decimated",
            polyline_ms,
            polyline_ms / ours_ms,
            f"≤ {PROMISED_OVER_POLYLINE:g} × the baseline",
            ours_ms <= PROMISED_OVER_POLYLINE * polyline_ms,
            note,
        ),
    ]


def moving_snapshots(count: int) -> list[LiveSnapshot]:
    """Return what a treatment looks like, one snapshot per frame of 25 ms, the ten seconds full from the first on."""
    profile = one_hand()
    pipeline, tool = new_pipeline(profile), FakeTool(0, treatment(seed=1))
    state = LiveState("simulated", profile, None, Contact(), live=True)
    snapshots: list[LiveSnapshot] = []
    now_us, answer = 0, b""
    while len(snapshots) < count:
        now_us += BATCH_US
        data = answer + (tool.batch() if tool.streaming else b"")
        state.apply(pipeline, pipeline.receive(Chunk(now_us, data)), now_us)
        answer = tool.answer(b"".join(pipeline.client.to_send()))
        if now_us >= _FIRST_FRAME_US + len(snapshots) * FRAME_US:
            snapshots.append(state.snapshot(now_us))
    return snapshots


def _chart(snapshots: Sequence[LiveSnapshot], size: QSize) -> Callable[[int], None]:
    chart = ChartPanel()
    chart.resize(size)
    chart.set_style(DARK, geometry_for(WINDOW.width(), WINDOW.height()).sizes, brief=False)
    views = [live_view(snapshot, ViewState()) for snapshot in snapshots]
    paint = _into_memory(chart)

    def frame(number: int) -> None:
        chart.show_view(views[number])
        chart.show_frame(snapshots[number], views[number])
        paint()

    return frame


@dataclass(frozen=True, slots=True)
class _Lists:
    seconds: list[float]
    force_n: list[float]


def _plain_curve(snapshots: Sequence[LiveSnapshot], size: QSize) -> Callable[[int], None]:
    """Return what a first attempt with pyqtgraph looks like: every sample of ten seconds in a list, each frame."""
    plot = pg.PlotWidget()
    plot.resize(size)
    plot.setYRange(0.0, axis_top_n(snapshots[0].profile))
    curve = plot.plot()
    n = round(SPAN_S * RATE_HZ)
    frames = [
        _Lists([(i - n) / RATE_HZ for i in range(n)], snapshot.trace.force_n[-n:].tolist()) for snapshot in snapshots
    ]
    paint = _into_memory(plot)

    def frame(number: int) -> None:
        curve.setData(frames[number].seconds, frames[number].force_n)
        paint()

    return frame


def _polyline(snapshots: Sequence[LiveSnapshot], size: QSize) -> Callable[[int], None]:
    """Return the least a painter can do: the decimated points as one anti-aliased line over a plain ground."""
    image = _image(size)
    top_n = axis_top_n(snapshots[0].profile)
    pen = QPen(DARK.color("text"), 1)

    def frame(number: int) -> None:
        line = decimated(snapshots[number].trace, size.width())
        x = size.width() + (line.seconds - line.seconds[-1]) * (size.width() / SPAN_S)
        polygon = pg.functions.arrayToQPolygonF(x, size.height() * (1 - line.force_n / top_n))
        painter = QPainter(image)
        painter.fillRect(image.rect(), DARK.color("surface"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(pen)
        painter.drawPolyline(polygon)
        painter.end()

    return frame


def _into_memory(widget: QWidget) -> Callable[[], None]:
    image = _image(widget.size())
    return lambda: QWidget.render(widget, image)


def _image(size: QSize) -> QImage:
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(0)
    return image
