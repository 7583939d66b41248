"""Where everything stands, in logical pixels, from the window's size alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QRect


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of type and parts for one class of window. Two tiers of text: far (from two metres) and near."""

    margin: int
    gap: int
    number: int
    unit: int
    word: int
    unlit_word: int
    shape: int
    rate: int
    far: int
    headline: int
    near: int
    small: int
    peak: int
    bar: int
    row: int
    icon: int
    slot_gap: int
    now_bar: int
    fan: int
    axis: int
    chart_head: int
    chart_foot: int


WIDE = Sizes(
    margin=24,
    gap=14,
    number=160,
    unit=48,
    word=56,
    unlit_word=44,
    shape=42,
    rate=96,
    far=48,
    headline=48,
    near=22,
    small=20,
    peak=13,
    bar=26,
    row=48,
    icon=44,
    slot_gap=14,
    now_bar=22,
    fan=64,
    axis=116,
    chart_head=44,
    chart_foot=34,
)
COMPACT = Sizes(
    margin=16,
    gap=10,
    number=124,
    unit=38,
    word=46,
    unlit_word=34,
    shape=28,
    rate=68,
    far=34,
    headline=32,
    near=17,
    small=15,
    peak=10,
    bar=20,
    row=36,
    icon=32,
    slot_gap=10,
    now_bar=16,
    fan=36,
    axis=96,
    chart_head=34,
    chart_foot=28,
)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Rectangles of the panels; an empty one is not shown. `kind` is wide, compact, far or narrow; the last two are
    brief: words and numbers only, the lit slot larger than the others.
    """

    kind: str
    sizes: Sizes
    top: QRect
    chart: QRect
    ladder: QRect
    strip: QRect
    actions: QRect

    @property
    def brief(self) -> bool:
        """Whether there is room for the answer only."""
        return self.kind in ("far", "narrow")


NARROW = replace(COMPACT, far=24, icon=24, near=15, small=13, number=104, word=38)


def geometry_for(width: int, height: int) -> Geometry:
    """Return the geometry of a window of that size."""
    if width >= 1600:
        return _full("wide", WIDE, width, height)
    if width >= 1100:
        return _full("compact", COMPACT, width, height)
    return _far(width, height) if width >= 800 else _narrow(width, height)


def _full(kind: str, sizes: Sizes, width: int, height: int) -> Geometry:
    wide = kind == "wide"
    top_height, main_y, strip_height, action_height = (92, 112, 220, 64) if wide else (72, 88, 184, 48)
    bottom = 14 if wide else 10
    inner = width - 2 * sizes.margin
    ladder_width = round(width * 0.375) if wide else round(width * 0.4375)
    action_y = height - bottom - action_height
    strip_y = action_y - (14 if wide else 12) - strip_height
    main_height = max(200, strip_y - (16 if wide else 12) - main_y)
    ladder_x = width - sizes.margin - ladder_width
    return Geometry(
        kind,
        sizes,
        QRect(sizes.margin, 8 if wide else 6, inner, top_height),
        QRect(sizes.margin, main_y, ladder_x - sizes.fan - sizes.margin, main_height),
        QRect(ladder_x - sizes.fan, main_y, ladder_width + sizes.fan, main_height),
        QRect(sizes.margin, strip_y, inner, strip_height),
        QRect(sizes.margin, action_y, inner, action_height),
    )


def _far(width: int, height: int) -> Geometry:
    """A small or magnified screen, read from two metres: ladder over the full width, a low chart, three far words."""
    inner = width - 2 * COMPACT.margin
    action_y = height - 8 - 44
    chart_height = 120 if height >= 600 else 84
    chart_y = action_y - 8 - chart_height
    strip_y = chart_y - 8 - 76
    ladder_y = 66
    return Geometry(
        "far",
        COMPACT,
        QRect(COMPACT.margin, 4, inner, 56),
        QRect(COMPACT.margin, chart_y, inner, chart_height),
        QRect(COMPACT.margin, ladder_y, inner, max(120, strip_y - 8 - ladder_y)),
        QRect(COMPACT.margin, strip_y, inner, 76),
        QRect(COMPACT.margin, action_y, inner, 44),
    )


def _narrow(width: int, height: int) -> Geometry:
    """The smallest: the ladder and one line of status."""
    inner = width - 2 * COMPACT.margin
    action_y = height - 6 - 44
    return Geometry(
        "narrow",
        NARROW,
        QRect(COMPACT.margin, 4, inner, 52),
        QRect(),
        QRect(COMPACT.margin, 60, inner, max(120, action_y - 6 - 60)),
        QRect(),
        QRect(COMPACT.margin, action_y, inner, 44),
    )
