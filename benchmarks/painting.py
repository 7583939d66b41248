"""Milliseconds per update and paint of the live window's plot, in a window of 1920×1080."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
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
from iastm_host.window.trace import SPAN_S, Polyline, decimated

WINDOW = QSize(1920, 1080)
FRAME_US = 25_000
FRAMES = 240
WARM_UP = 20
PROMISED_FASTER = 3.0
PROMISED_OVER_POLYLINE = 2.0
_FIRST_FRAME_US = 14_000_000


def run() -> list[Result]:
    """Update and paint the charts by turns with the same moving ten seconds; compare medians."""
    application = QApplication.instance() or QApplication([])
    snapshots = moving_snapshots(FRAMES)
    chart, size = _chart(snapshots)
    look = {"antialias": True, "fillLevel": 0.0, "brush": pg.mkBrush(DARK.color("text", 0.3))}
    charts = {
        "ours": chart,
        "naive": _naive(snapshots, size, look),
        "bare": _naive(snapshots, size, {}),
        "polyline": _polyline(snapshots, size),
    }
    times_ms: dict[str, list[float]] = {name: [] for name in charts}
    # What was prepared is no part of a live window; the collector shall not walk it in someone's frame.
    gc.collect()
    gc.freeze()
    for frame in range(len(snapshots)):
        for name, paint in charts.items():
            begun = time.perf_counter()
            paint(frame)
            times_ms[name].append(1000 * (time.perf_counter() - begun))
        application.processEvents()
    gc.unfreeze()
    medians_ms = {name: statistics.median(times[WARM_UP:]) for name, times in times_ms.items()}
    ours_ms = medians_ms["ours"]
    note = (
        f"The plot of {size.width()}×{size.height()} pixels in a window of {WINDOW.width()}×{WINDOW.height()}, painted"
        f" in memory; median of {len(snapshots) - WARM_UP} frames by turns,"
        f" {np.percentile(times_ms['ours'][WARM_UP:], 95):.1f} ms in 95 % of ours. Ours holds bands, silhouettes, curve"
        " and peaks with their values; the polyline only ground and curve. The baseline with lists shows the same"
        f" curve and silhouette and its axes; a bare line of one pixel takes {medians_ms['bare']:.1f} ms."
    )
    faster = medians_ms["naive"] / ours_ms
    return [
        Result(
            "Plot: update and paint",
            ours_ms,
            "ms/frame",
            f"PlotDataItem.setData, lists of {SPAN_S:g} s",
            medians_ms["naive"],
            faster,
            f"≥ {PROMISED_FASTER:g} × faster",
            faster >= PROMISED_FASTER,
            note,
        ),
        Result(
            "Plot: update and paint",
            ours_ms,
            "ms/frame",
            "plain QPainter polyline, decimated",
            medians_ms["polyline"],
            medians_ms["polyline"] / ours_ms,
            f"≤ {PROMISED_OVER_POLYLINE:g} × the baseline",
            ours_ms <= PROMISED_OVER_POLYLINE * medians_ms["polyline"],
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


def _chart(snapshots: Sequence[LiveSnapshot]) -> tuple[Callable[[int], None], QSize]:
    """Return the window's chart and the size of its plot, which is what a frame repaints: words stay."""
    places = geometry_for(WINDOW.width(), WINDOW.height())
    chart = ChartPanel()
    chart.resize(places.chart.size())
    chart.set_style(DARK, places.sizes, brief=False)
    views = [live_view(snapshot, ViewState()) for snapshot in snapshots]
    plot: QWidget | None = chart.findChild(QWidget)
    assert plot is not None
    paint = _into_memory(plot)

    def frame(number: int) -> None:
        chart.show_view(views[number])
        chart.show_frame(snapshots[number], views[number])
        paint()

    return frame, plot.size()


def _naive(snapshots: Sequence[LiveSnapshot], size: QSize, look: dict[str, object]) -> Callable[[int], None]:
    """Return what a first attempt with pyqtgraph is: each frame all samples of ten seconds in lists, over time."""
    plot = pg.PlotWidget()
    plot.resize(size)
    plot.setYRange(0.0, axis_top_n(snapshots[0].profile))
    curve = plot.plot(**look)
    n = round(SPAN_S * RATE_HZ)
    frames = []
    for snapshot in snapshots:
        newest_s = snapshot.trace.last_tool_us / 1e6
        frames.append(([newest_s + (i - n) / RATE_HZ for i in range(n)], snapshot.trace.force_n[-n:].tolist()))
    paint = _into_memory(plot)

    def frame(number: int) -> None:
        curve.setData(*frames[number])
        paint()

    return frame


class _Line(QWidget):
    """The least a widget can do: points as one anti-aliased line over a plain ground."""

    def __init__(self, size: QSize, top_n: float) -> None:
        super().__init__()
        self.resize(size)
        self.line = Polyline(np.empty(0), np.empty(0))
        self._top_n = top_n
        self._pen = QPen(DARK.color("text"), 1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the line so that its last point stands at the right edge."""
        x = self.width() + (self.line.seconds - self.line.seconds[-1]) * (self.width() / SPAN_S)
        polygon = pg.functions.arrayToQPolygonF(x, self.height() * (1 - self.line.force_n / self._top_n))
        painter = QPainter(self)
        painter.fillRect(event.rect(), DARK.color("surface"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(self._pen)
        painter.drawPolyline(polygon)


def _polyline(snapshots: Sequence[LiveSnapshot], size: QSize) -> Callable[[int], None]:
    """Return a plain line of the points that our chart draws."""
    widget = _Line(size, axis_top_n(snapshots[0].profile))
    paint = _into_memory(widget)

    def frame(number: int) -> None:
        widget.line = decimated(snapshots[number].trace, size.width())
        paint()

    return frame


def _into_memory(widget: QWidget) -> Callable[[], None]:
    image = _image(widget.size())
    return lambda: QWidget.render(widget, image)


def _image(size: QSize) -> QImage:
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(0)
    return image
