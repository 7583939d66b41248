from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from tests.host.window.tools.fake_tools import OVERVIEW_SHOWN, FakeTools

from iastm_host.window.tools.run import run_tools


def test_a_run_ends_when_the_page_is_left(app: QApplication) -> None:
    tools = FakeTools()

    def leave() -> None:
        tools.shown = replace(OVERVIEW_SHOWN, finished=True)

    QTimer.singleShot(100, leave)
    assert run_tools(tools) == 0
    assert tools.calls == [("leave",)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_cleanly(app: QApplication, number: signal.Signals) -> None:
    tools = FakeTools()
    before = signal.getsignal(number)
    QTimer.singleShot(100, lambda: os.kill(os.getpid(), number))
    assert run_tools(tools) == 0
    assert tools.calls == [("leave",)]
    assert signal.getsignal(number) is before


def test_an_interrupt_waits_for_what_must_not_be_broken_off(app: QApplication) -> None:
    tools = FakeTools()
    tools.may_leave = False

    def done() -> None:
        tools.may_leave = True
        tools.shown = replace(OVERVIEW_SHOWN, finished=True)

    QTimer.singleShot(100, lambda: os.kill(os.getpid(), signal.SIGINT))
    QTimer.singleShot(600, done)
    assert run_tools(tools) == 0
    assert tools.calls == [("leave",), ("leave",)]
