"""Runs the window of the Tools page until it is closed or interrupted."""

from __future__ import annotations

import signal
from types import FrameType

from PySide6.QtCore import QTimer

from iastm_host.window.run import show_until_closed, the_app
from iastm_host.window.tools.window import Tools, ToolsWindow


def run_tools(tools: Tools, *, theme: str = "auto", title: str = "Tools") -> int:
    """Show the page until its window closes, and return the exit code: 0, or 2 where the window itself failed.

    `theme` is auto, dark, light or contrast. SIGINT and SIGTERM end it cleanly; a firmware that is being written is
    waited for.
    """
    early: list[int] = []

    def keep(number: int, _frame: FrameType | None) -> None:
        early.append(number)

    # Qt swallows what a signal raises within its calls, and a window is made of them.
    before = {number: signal.signal(number, keep) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        app = the_app()
        window = ToolsWindow(tools, theme, title)
        QTimer.singleShot(0, window, lambda: window.close() if early else window.fit_to_screen())
        return show_until_closed(app, window, window)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
