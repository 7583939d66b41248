from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from tests.host.window.fake_session import ONE_HAND

from iastm_host.app.live_view import axis_top_n
from iastm_host.app.snapshot import Trace
from iastm_host.window.curve import SILHOUETTE_FADE, Curve
from iastm_host.window.painting import blended
from iastm_host.window.theme import DARK, LIGHT, Theme
from iastm_host.window.trace import SPAN_S, Polyline, decimated

WIDTH, HEIGHT = 1000, 400
TOP_N = axis_top_n(ONE_HAND)


def evenly(force_n: np.ndarray, length_s: float = SPAN_S) -> Polyline:
    return Polyline(np.linspace(0.0, length_s, len(force_n)), force_n)


def painted(line: Polyline, theme: Theme = DARK, ratio: float = 1.0) -> QImage:
    """Return the plot of `line`, which begins at its left edge."""
    curve = Curve()
    curve.theme, curve.profile, curve.top_n = theme, ONE_HAND, TOP_N
    curve.line = line
    curve.first_age_s = SPAN_S
    image = QImage(round(WIDTH * ratio), round(HEIGHT * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor("magenta"))
    painter = QPainter(image)
    curve.paint(painter, QRect(0, 0, WIDTH, HEIGHT), ratio)
    painter.end()
    return image


def color_at(image: QImage, share: float, force_n: float) -> QColor:
    """Return the colour at a share of the width and at a force."""
    return image.pixelColor(int(share * (image.width() - 1)), round((1 - force_n / TOP_N) * image.height()))


def far(one: QColor, other: QColor) -> int:
    """Return by how many of 255 levels two colours differ at most."""
    return max(abs(one.red() - other.red()), abs(one.green() - other.green()), abs(one.blue() - other.blue()))


def ground(force_n: float, theme: Theme) -> QColor:
    if force_n > ONE_HAND.alarm_n:
        return blended(theme.color("surface"), theme.color("alarm"), theme.alarm_tint)
    if force_n > ONE_HAND.warn_n:
        return blended(theme.color("surface"), theme.color("warn"), theme.warn_tint)
    return theme.color("band" if ONE_HAND.target_low_n <= force_n <= ONE_HAND.target_high_n else "surface")


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("force_n", [2.0, 6.0, 9.5, 12.0, 16.0])
def test_a_silhouette_lets_its_band_through_and_fades_with_age(app: QApplication, theme: Theme, force_n: float) -> None:
    image = painted(evenly(np.full(3200, 17.5)), theme)
    for share in (0.02, 0.3, 0.55, 0.8, 0.98):
        opacity = float(np.interp(share, [at for at, _ in SILHOUETTE_FADE], [light for _, light in SILHOUETTE_FADE]))
        expected = blended(ground(force_n, theme), theme.color("text"), opacity)
        assert far(color_at(image, share, force_n), expected) <= 2
    above = painted(evenly(np.full(3200, 1.0)), theme)
    assert far(color_at(above, 0.5, force_n), ground(force_n, theme)) <= 1


@pytest.mark.parametrize("missing", [1, 40, 900])
@pytest.mark.parametrize("rate_hz", [100, 200, 320, 1000])
def test_a_gap_shows_the_ground_and_nothing_else(app: QApplication, rate_hz: int, missing: int) -> None:
    force_n = np.full(round(SPAN_S * rate_hz), 7.0)
    first = len(force_n) // 2
    force_n[first : first + missing] = np.nan
    trace = Trace(1, 0, 1e6 / rate_hz, force_n, np.zeros(len(force_n), dtype=bool), 0, 0, ())
    image = painted(decimated(trace, WIDTH))
    gap = (first + missing / 2 - 0.5) / len(force_n)
    near = [gap + pixels / WIDTH for pixels in ((-1, 0, 1, 2) if missing == 1 else (0,))]
    plain = [
        all(far(color_at(image, share, each_n), ground(each_n, DARK)) <= 1 for each_n in (0.5, 2.5, 6.0))
        for share in near
    ]
    assert any(plain)
    assert far(color_at(image, gap - (missing / 2 + 12) / WIDTH, 2.5), ground(2.5, DARK)) > 20


def test_nothing_is_drawn_after_the_newest_sample(app: QApplication) -> None:
    image = painted(evenly(np.full(3000, 7.0), SPAN_S - 1))
    assert far(color_at(image, 0.89, 3.0), ground(3.0, DARK)) > 20
    for force_n in (0.5, 3.0, 6.0, 9.5, 12.5, 16.0):
        assert far(color_at(image, 0.905, force_n), ground(force_n, DARK)) <= 1


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 1.75, 2.0])
@pytest.mark.parametrize("force_n", [np.empty(0), np.full(3200, 0.0)], ids=["no sample", "no force"])
def test_bands_meet_without_a_seam_on_every_screen(app: QApplication, force_n: np.ndarray, ratio: float) -> None:
    image = painted(evenly(force_n), ratio=ratio)
    grounds = [ground(each_n, DARK) for each_n in (2.0, 6.0, 9.5, 12.0, 16.0)]
    edges = [DARK.color(token) for token in ("edge", "warn_edge", "alarm", "text")]
    for y in range(image.height() - 3):
        color = image.pixelColor(image.width() // 3, y)
        assert min(far(color, each) for each in (*grounds, *edges)) <= 1, y


def test_force_over_the_axis_stays_within_the_plot(app: QApplication) -> None:
    image = painted(evenly(np.full(3200, 3 * TOP_N)))
    opacity = SILHOUETTE_FADE[-1][1]
    expected = blended(ground(16.0, DARK), DARK.color("text"), opacity)
    assert far(image.pixelColor(WIDTH - 2, 1), expected) <= 4
