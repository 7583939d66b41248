from __future__ import annotations

import logging
import os
import signal
from dataclasses import replace

import pytest
from PySide6.QtCore import QTimer
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


def test_no_sound_is_wanted_or_to_be_had_without_a_word(app: QApplication, capfd: pytest.CaptureFixture[str]) -> None:
    assert isinstance(make_speaker(False), SilentSpeaker)
    speaker = make_speaker(True)
    assert speaker.available == isinstance(speaker, QtSpeaker)
    assert capfd.readouterr().err == ""
