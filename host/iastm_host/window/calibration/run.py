"""Runs the wizard's window until it is closed or interrupted."""

from __future__ import annotations

from collections.abc import Callable

from iastm_host.events import Problem
from iastm_host.window.calibration.window import CalibrationWindow, Wizard
from iastm_host.window.run import show_until_closed, the_app


def run_calibration(
    wizard: Wizard,
    *,
    theme: str = "auto",
    title: str = "Calibration",
    save_certificate: Callable[[str], str] | None = None,
    look: Callable[[], Problem | None] | None = None,
) -> int:
    """Show `wizard` until its window closes, and return the exit code: 0, or 2 after a problem that ended it.

    `theme` is auto, dark, light or contrast. `save_certificate` takes a document's file and returns the certificate's,
    or raises Problem. `look` tells what ended the run of the tool for good. SIGINT and SIGTERM end it cleanly; what was
    taken stays as a draft. What an exception in a slot says is shown in the window and logged.
    """
    app = the_app()
    window = CalibrationWindow(wizard, theme, title, save_certificate, look)
    return show_until_closed(app, window, window)
