"""Fields of a form in the theme's colours, with a ring of 3 px where the focus is."""

from __future__ import annotations

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLineEdit

from iastm_host.window.calibration.places import Type
from iastm_host.window.fonts import font
from iastm_host.window.theme import Theme

_SHEET = """
QLineEdit {{ background: {ground}; color: {ink}; border: 1.5px solid {edge}; border-radius: 8px; padding: 2px 11px;
    selection-background-color: {ink}; selection-color: {ground}; }}
QLineEdit:focus {{ border: 3px solid {focus}; padding: 0px 9px; }}
QLineEdit[wrong="true"] {{ border: 3px solid {ink}; padding: 0px 9px; }}
QLineEdit[wrong="true"]:focus {{ border: 3px solid {focus}; }}
"""


def style_field(field: QLineEdit, theme: Theme, type_: Type) -> None:
    """Give a field the theme's colours and the size of near text."""
    field.setFont(font(type_.base.near))
    field.setStyleSheet(_SHEET.format(ground=theme.surface, ink=theme.text, edge=theme.edge, focus=theme.focus))
    palette = field.palette()
    palette.setColor(QPalette.ColorRole.PlaceholderText, theme.color("text3"))
    field.setPalette(palette)


def mark_wrong(field: QLineEdit, wrong: bool) -> None:
    """Give a field the strong frame of one whose words can't stay."""
    if bool(field.property("wrong")) != wrong:
        field.setProperty("wrong", wrong)
        field.style().unpolish(field)
        field.style().polish(field)
