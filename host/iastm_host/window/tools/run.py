"""Runs the window of the Tools page until it is closed or interrupted."""

from __future__ import annotations

from iastm_host.window.run import show_until_closed, the_app
from iastm_host.window.tools.window import Tools, ToolsWindow


def run_tools(tools: Tools, *, theme: str = "auto", title: str = "Tools") -> int:
    """Show the page until its window closes, and return the exit code: 0, or 2 where the window itself failed.

    `theme` is auto, dark, light or contrast. SIGINT and SIGTERM end it cleanly; a firmware that is being written is
    waited for.
    """
    app = the_app()
    window = ToolsWindow(tools, theme, title)
    return show_until_closed(app, window, window)
