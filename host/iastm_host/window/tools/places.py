"""Where the parts of the Tools page stand, in logical pixels, from the window's size alone."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect

from iastm_host.window.calibration.places import BIG, NARROW, SMALL, Type

COMPACT_BELOW, NARROW_BELOW = 1600, 1100


@dataclass(frozen=True, slots=True)
class Places:
    """Title and tool, the tabs, the page that scrolls, and the buttons."""

    type: Type
    top: QRect
    tabs: QRect
    body: QRect
    actions: QRect


def places_for(width: int, height: int) -> Places:
    """Return where everything stands in a window of that size."""
    if width >= COMPACT_BELOW:
        type_, top_y, top_height, tabs_height, foot = BIG, 8, 80, 58, 14
    elif width >= NARROW_BELOW:
        type_, top_y, top_height, tabs_height, foot = SMALL, 6, 58, 46, 14
    else:
        type_, top_y, top_height, tabs_height, foot = NARROW, 4, 50, 42, 8
    margin, gap = type_.base.margin, type_.base.gap
    inner = width - 2 * margin
    tabs_y = top_y + top_height
    body_y = tabs_y + tabs_height + gap
    actions_y = height - foot - type_.button
    return Places(
        type_,
        QRect(margin, top_y, inner, top_height),
        QRect(margin, tabs_y, inner, tabs_height),
        QRect(margin, body_y, inner, max(120, actions_y - gap - body_y)),
        QRect(margin, actions_y, inner, type_.button),
    )
