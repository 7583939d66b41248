"""The look of a place that scrolls."""

from __future__ import annotations

from iastm_host.window.theme import Theme


def scroll_sheet(theme: Theme) -> str:
    """Return the style of a scroll area and of its bar."""
    return (
        f"QScrollArea {{ background: {theme.bg}; border: none; }}"
        f"QScrollBar:vertical {{ background: {theme.bg}; width: 12px; margin: 0; }}"
        f"QScrollBar::handle:vertical {{ background: {theme.edge}; border-radius: 4px; min-height: 40px; "
        "margin: 0 2px; }"
        "QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical { height: 0; }"
        "QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical { background: none; }"
    )
