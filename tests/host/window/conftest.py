"""The window's tests draw offscreen; whatever Qt complains of fails the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication


@pytest.fixture(scope="session")
def app() -> QApplication:
    running = QApplication.instance()
    return running if isinstance(running, QApplication) else QApplication(["iastm"])


@pytest.fixture(autouse=True)
def qt_messages(app: QApplication) -> Iterator[list[str]]:
    said: list[str] = []

    def keep(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        # The offscreen platform can't pass size hints on, and says so of every window.
        if kind != QtMsgType.QtDebugMsg and "propagateSizeHints" not in text:
            said.append(text)

    before = qInstallMessageHandler(keep)
    yield said
    app.processEvents()
    qInstallMessageHandler(before)
    assert said == []
