from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
from tests.host.window.fake_session import FakeSession, snapshot_at

from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.events import Problem
from iastm_host.window.run import run_window
from iastm_host.window.speaker import QtSpeaker, SilentSpeaker, make_speaker


def test_a_run_ends_with_its_session(app: QApplication) -> None:
    session = FakeSession()
    QTimer.singleShot(100, session.stop)
    assert run_window(session, title="IASTM", speaker=False, close_when_finished=True) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_cleanly(app: QApplication, number: signal.Signals) -> None:
    session = FakeSession()
    before = signal.getsignal(number)
    QTimer.singleShot(100, lambda: os.kill(os.getpid(), number))
    assert run_window(session, title="IASTM", speaker=False, close_when_finished=False) == 0
    assert session.calls == ["stop"]
    assert signal.getsignal(number) is before


class InterruptWhilePainting(QObject):
    """Sends this process a signal from within the first paintings, as a hand on Ctrl-C does by chance."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Paint:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)
        return False


@pytest.mark.parametrize("after", [1, 12, 40])
def test_an_interrupt_amid_painting_ends_it_without_a_word_from_qt(
    app: QApplication, qt_messages: list[str], after: int
) -> None:
    session = FakeSession()
    amid = InterruptWhilePainting(after)
    app.installEventFilter(amid)
    try:
        assert run_window(session, title="IASTM", speaker=False, close_when_finished=False) == 0
        app.processEvents()
    finally:
        app.removeEventFilter(amid)
    assert session.calls == ["stop"]
    assert qt_messages == []


def test_a_problem_at_the_start_ends_with_two(app: QApplication) -> None:
    problem = Problem("Port busy.", "Close the other program.")
    unused = snapshot_at(12.0)
    session = FakeSession(replace(unused, problem=problem, trace=replace(unused.trace, last_arrived_us=0)))
    QTimer.singleShot(200, lambda: [each.close() for each in app.topLevelWidgets()])
    assert run_window(session, title="IASTM", speaker=False, close_when_finished=False) == 2


class BrokenSession(FakeSession):
    """Fails when asked for a snapshot, after the first few."""

    left = 3

    def snapshot(self) -> LiveSnapshot:
        self.left -= 1
        if self.left < 0:
            raise ValueError("the snapshot broke")
        return super().snapshot()


class TestAnExceptionInASlot:
    """It is logged, shown, and ends in exit code 2."""

    @pytest.fixture
    def expected_log(self) -> list[str]:
        return ["the window failed"]

    def test_it_does_not_vanish(self, app: QApplication, caplog: pytest.LogCaptureFixture) -> None:
        QTimer.singleShot(500, lambda: [each.close() for each in app.topLevelWidgets()])
        with caplog.at_level(logging.ERROR):
            code = run_window(BrokenSession(), title="IASTM", speaker=False, close_when_finished=False)
        assert code == 2
        assert "the snapshot broke" in caplog.text

    def test_an_interrupt_still_ends_it(self, app: QApplication, caplog: pytest.LogCaptureFixture) -> None:
        # Of a thread, so that nothing but the window itself lets Python see the signal.
        interrupt = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        too_late = QTimer()
        too_late.setSingleShot(True)
        too_late.timeout.connect(app.quit)
        too_late.start(5000)
        with caplog.at_level(logging.ERROR):
            code = run_window(BrokenSession(), title="IASTM", speaker=False, close_when_finished=False)
        interrupt.join()
        assert code == 2
        assert too_late.isActive()
        too_late.stop()


def test_no_sound_is_wanted_or_to_be_had_without_a_word(app: QApplication, capfd: pytest.CaptureFixture[str]) -> None:
    assert isinstance(make_speaker(False), SilentSpeaker)
    speaker = make_speaker(True)
    assert speaker.available == isinstance(speaker, QtSpeaker)
    assert capfd.readouterr().err == ""


def test_all_of_qt_that_a_window_needs_is_loaded_before_another_thread_can_run() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, iastm_host.window.run; print(*(n for n in sys.modules if 'PySide6' in n))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "PySide6.QtMultimedia" in loaded
