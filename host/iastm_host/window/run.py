"""Runs a window until it is closed, ended or interrupted; above all the live one, for one session."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Protocol

from PySide6.QtCore import QTimer, SignalInstance
from PySide6.QtWidgets import QApplication, QWidget

from iastm_host.app.session import Session
from iastm_host.window.live import LiveWindow
from iastm_host.window.speaker import make_speaker

SIGNAL_WAIT_MS = 100
"""A signal is seen within this time, also where no frames are shown any more."""


class Closing(Protocol):
    """A window that a loop can be run for.

    Signals:
        closed(): the window was closed.
    """

    closed: SignalInstance
    exit_code: int

    def fail(self, error: Exception) -> None:
        """Show what an exception in a slot says, and log it."""


def the_app() -> QApplication:
    """Return the application, made where there is none yet."""
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("iastm")
    return app


def show_until_closed(app: QApplication, window: QWidget, closing: Closing) -> int:
    """Show a window, which is `closing` too, until it closes; return its exit code.

    SIGINT and SIGTERM close it cleanly. What an exception in a slot says is shown in the window and logged.
    """

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        # Python may be inside a paintEvent here: Qt would go on painting a window that is gone.
        QTimer.singleShot(0, window, window.close)

    def failed(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(error, Exception):
            closing.fail(error)
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
        closing.closed.connect(app.quit)
        window.show()
        app.exec()
    finally:
        sys.excepthook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
    return closing.exit_code


def run_window(
    session: Session,
    *,
    theme: str = "auto",
    title: str,
    speaker: bool = True,
    overshoot: bool = False,
    close_when_finished: bool,
) -> int:
    """Show `session` until its window closes, and return the exit code: 0, or 2 after a problem before the stream.

    `theme` is auto, dark, light or contrast; `overshoot` ticks for every stroke over a limit. SIGINT and SIGTERM end
    the run cleanly.
    """
    app = the_app()
    window = LiveWindow(session, theme, title, make_speaker(speaker), close_when_finished, overshoot)
    return show_until_closed(app, window, window)


def _let_python_run() -> None:
    """Do nothing: the interpreter looks for signals whenever it runs."""
