from __future__ import annotations

import logging
import os
import signal
import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
from tests.host.window.calibration.fake_wizard import LOAD, FakeWizard

from iastm_host.app.calibrating.snapshot import WizardSnapshot
from iastm_host.window.calibration.run import run_calibration


def test_a_run_ends_when_the_wizard_is_left(app: QApplication) -> None:
    wizard = FakeWizard()

    def leave() -> None:
        wizard.shown = replace(LOAD, finished=True)

    QTimer.singleShot(100, leave)
    assert run_calibration(wizard, title="IASTM") == 0
    assert wizard.calls == [("leave",)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_cleanly_and_leaves_the_draft(app: QApplication, number: signal.Signals) -> None:
    wizard = FakeWizard()
    before = signal.getsignal(number)
    QTimer.singleShot(100, lambda: os.kill(os.getpid(), number))
    assert run_calibration(wizard, title="IASTM") == 0
    assert wizard.calls == [("leave",)]
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


@pytest.mark.parametrize("after", [1, 7])
def test_an_interrupt_amid_painting_ends_it_without_a_word_from_qt(
    app: QApplication, qt_messages: list[str], after: int
) -> None:
    wizard = FakeWizard()
    amid = InterruptWhilePainting(after)
    app.installEventFilter(amid)
    try:
        assert run_calibration(wizard, title="IASTM") == 0
        app.processEvents()
    finally:
        app.removeEventFilter(amid)
    assert wizard.calls == [("leave",)]
    assert qt_messages == []


class BrokenWizard(FakeWizard):
    """Fails when asked for a snapshot, after the first few."""

    left = 3

    def snapshot(self) -> WizardSnapshot:
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
            code = run_calibration(BrokenWizard(), title="IASTM")
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
            code = run_calibration(BrokenWizard(), title="IASTM")
        interrupt.join()
        assert code == 2
        assert too_late.isActive()
        too_late.stop()
