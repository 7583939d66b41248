"""Runs the wizard's window until it is closed or interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from iastm_host.events import Problem
from iastm_host.window.calibration.window import CalibrationWindow, Wizard
from iastm_host.window.run import SIGNAL_WAIT_MS


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
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("iastm")
    window = CalibrationWindow(wizard, theme, title, save_certificate, look)

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        # Python may be inside a paintEvent here: Qt would go on painting a window that is gone.
        QTimer.singleShot(0, window, window.close)

    def failed(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(error, Exception):
            window.fail(error)
        else:
            sys.__excepthook__(kind, error, traceback)

    # Python sees a signal when it runs next, and Qt's loop alone never lets it.
    awake = QTimer(window)
    awake.timeout.connect(_let_python_run)
    awake.start(SIGNAL_WAIT_MS)
    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    hook, sys.excepthook = sys.excepthook, failed
    try:
        screen = app.primaryScreen().availableGeometry()
        window.resize(min(1920, screen.width()), min(1080, screen.height()))
        window.closed.connect(app.quit)
        window.show()
        app.exec()
    finally:
        sys.excepthook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
    return window.exit_code


def _let_python_run() -> None:
    """Do nothing: the interpreter looks for signals whenever it runs."""
