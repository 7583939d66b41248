"""The real wizard in the real window: hands by formula hang the loads, the keyboard does the rest."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from tests.host.app.calibrating.bench_of_events import Bench
from tests.host.window.calibration.fake_wizard import focused

from iastm_host.app.calibrating.snapshot import WizardSnapshot
from iastm_host.app.calibrating.written import parse_loads
from iastm_host.window.calibration.form import PrepareForm
from iastm_host.window.calibration.window import PAGE_SEEN_MS, CalibrationWindow
from iastm_host.window.held_keys import RELEASE_MS

MOST_PAGES = 40
GRAVITY_M_S2 = 9.807
"""Near that of the middle of the place that nobody states."""


def enter(window: CalibrationWindow) -> WizardSnapshot:
    window.show_frame()
    QTest.keyClick(focused(window), Qt.Key.Key_Return)
    QTest.qWait(RELEASE_MS + 20)
    return window.show_frame()


def hang_what_is_asked(bench: Bench, snapshot: WizardSnapshot) -> None:
    """Do with the hands what the page says, and wait."""
    label = snapshot.picture.label
    bench.hang(parse_loads(label.replace(",", ""))[0] * GRAVITY_M_S2 if label else 0.0)
    bench.wait(25.0 if snapshot.picture.kind == "warm_up" else 2.6)


def test_a_quick_calibration_goes_from_the_form_to_the_tool_by_keyboard(app: QApplication, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    window = CalibrationWindow(bench.wizard, "light", "Calibration")
    window.resize(1280, 800)
    window.show()
    window.show_frame()
    form = window.findChild(PrepareForm)
    assert form is not None
    QTest.keyClicks(form.edits["made_by"], "A. Tester")
    snapshot = enter(window)
    kinds = [snapshot.picture.kind]
    for _ in range(MOST_PAGES):
        if snapshot.done:
            break
        assert snapshot.question is None, snapshot.question
        hang_what_is_asked(bench, snapshot)
        if window.page == "result":
            QTest.qWait(PAGE_SEEN_MS)
        snapshot = enter(window)
        kinds.append(snapshot.picture.kind)
    assert snapshot.done
    (document,) = bench.written
    assert kinds[:2] == ["prepare", "warm_up"]
    assert kinds.count("load") >= 9
    assert [point.mass_kg for point in document.points if point.mass_kg] == [
        0.1,
        0.2,
        0.5,
        1.0,
        1.5,
        1.0,
        0.5,
        0.2,
        0.1,
    ]
    assert document.made_by == "A. Tester"
    assert window.page == "result"
    window.close()
    assert bench.wizard.snapshot().finished


def test_a_swapped_weight_is_asked_about_and_repeated_by_a_digit(app: QApplication, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    window = CalibrationWindow(bench.wizard, "light", "Calibration")
    window.show()
    window.show_frame()
    form = window.findChild(PrepareForm)
    assert form is not None
    QTest.keyClicks(form.edits["made_by"], "A. Tester")
    snapshot = enter(window)
    while snapshot.picture.label != "500 g":
        hang_what_is_asked(bench, snapshot)
        snapshot = enter(window)
    bench.hang(0.2 * 9.81)
    bench.wait(2.6)
    snapshot = enter(window)
    if snapshot.question is None:
        # The load of the page before is still there: the wizard waits for another.
        bench.hang(1.0 * 9.81)
        bench.wait(2.6)
        snapshot = enter(window)
    assert snapshot.question is not None
    repeat = [option for option, _ in snapshot.question.options].index("repeat")
    QTest.keyClick(window, (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3)[repeat])
    snapshot = window.show_frame()
    assert snapshot.question is None
    assert snapshot.picture.label == "500 g"
    hang_what_is_asked(bench, snapshot)
    assert enter(window).picture.label == "1,000 g"
    window.close()
