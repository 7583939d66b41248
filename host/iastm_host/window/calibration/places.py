"""Where the wizard's panels stand, in logical pixels, from the window's size alone."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect

from iastm_host.window.geometry import COMPACT, WIDE, Sizes

COLUMN_BELOW = 1100
"""Narrower windows show one panel under the other and scroll."""


@dataclass(frozen=True, slots=True)
class Type:
    """Sizes of type and parts in pixels; `base` holds those that the live view has too."""

    base: Sizes
    title: int
    lead: int
    number: int
    unit: int
    pad: int
    row: int
    step: int
    button: int
    trace: int
    bar: int
    title_lines: float = 1.8
    hint_lines: float = 2.4
    stacked: bool = False
    """Whether a question takes the reading's place too."""


BIG = Type(WIDE, title=60, lead=26, number=120, unit=42, pad=36, row=46, step=60, button=64, trace=96, bar=16)
SMALL = Type(COMPACT, title=40, lead=18, number=80, unit=30, pad=24, row=32, step=44, button=52, trace=60, bar=12)
NARROW = Type(
    COMPACT,
    title=28,
    lead=16,
    number=56,
    unit=24,
    pad=14,
    row=30,
    step=30,
    button=48,
    trace=36,
    bar=12,
    title_lines=1.35,
    hint_lines=2.2,
    stacked=True,
)


@dataclass(frozen=True, slots=True)
class Places:
    """Rectangles of the panels. `kind` is wide, compact or column.

    `body` is the window's part that scrolls where its content is higher: `task` and `evidence` stand in it, relative to
    its content, and `page` covers both for the pages that need all of it. In a column the steps are one line.
    """

    kind: str
    type: Type
    top: QRect
    steps: QRect
    body: QRect
    actions: QRect
    content_height: int
    task: QRect
    evidence: QRect

    @property
    def page(self) -> QRect:
        """Where a page stands that has no evidence beside it."""
        return self.task.united(self.evidence)


# The least height of a panel before its content would be cut.
_TASK_LEAST = {"wide": 760, "compact": 532, "column": 430}
_EVIDENCE_LEAST = 560


def places_for(width: int, height: int) -> Places:
    """Return where the panels stand in a window of that size."""
    if width < COLUMN_BELOW:
        return _column(width, height)
    wide = width >= 1600
    type_ = BIG if wide else SMALL
    margin, gap = type_.base.margin, 14 if wide else 12
    top_y, top_height = (8, 92) if wide else (6, 66)
    actions = QRect(margin, height - 14 - type_.button, width - 2 * margin, type_.button)
    body_y = top_y + top_height + (12 if wide else 8)
    body_height = max(120, actions.y() - (16 if wide else 14) - body_y)
    steps_width, evidence_width = (300, 560) if wide else (208, round(width * 0.294))
    body_x = margin + steps_width + gap
    body_width = width - margin - body_x
    content = max(body_height, _TASK_LEAST["wide" if wide else "compact"])
    # A bar that scrolls takes its width from the panels and not from their words.
    room = body_width - (0 if content == body_height else 16)
    task_width = room - evidence_width - gap
    return Places(
        "wide" if wide else "compact",
        type_,
        QRect(margin, top_y, width - 2 * margin, top_height),
        QRect(margin, body_y, steps_width, body_height),
        QRect(body_x, body_y, body_width, body_height),
        actions,
        content,
        QRect(0, 0, task_width, content),
        QRect(task_width + gap, 0, evidence_width, content),
    )


def _column(width: int, height: int) -> Places:
    """One panel under the other; the buttons stay in reach."""
    margin = NARROW.base.margin
    inner = width - 2 * margin
    actions = QRect(margin, height - 8 - NARROW.button, inner, NARROW.button)
    body = QRect(margin, 98, inner, max(120, actions.y() - 10 - 98))
    # What is left in a high window goes to the task; where both don't fit, the page scrolls.
    task_height = max(body.height() - 12 - _EVIDENCE_LEAST, _TASK_LEAST["column"])
    room = inner if task_height + 12 + _EVIDENCE_LEAST <= body.height() else inner - 16
    evidence = QRect(0, task_height + 12, room, _EVIDENCE_LEAST)
    return Places(
        "column",
        NARROW,
        QRect(margin, 4, inner, 52),
        QRect(margin, 60, inner, 32),
        body,
        actions,
        evidence.bottom() + 1,
        QRect(0, 0, room, task_height),
        evidence,
    )
