from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QElapsedTimer, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QScrollArea, QWidget
from tests.host.window.calibration.fake_wizard import LOAD, NOT_BEGUN, PAGES, RESULT, FakeWizard, focused, settling_n

from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL, QUICK
from iastm_host.app.calibrating.snapshot import Setup, WizardSnapshot
from iastm_host.events import Problem
from iastm_host.window.calibration.buttons import FOCUS_WIDTH, LargeButton
from iastm_host.window.calibration.evidence import EvidencePanel
from iastm_host.window.calibration.form import PrepareForm
from iastm_host.window.calibration.places import places_for
from iastm_host.window.calibration.question import QuestionStrip
from iastm_host.window.calibration.result import Fold
from iastm_host.window.calibration.task import ReadingPanel, scene_of, thinned, trace_middle_n
from iastm_host.window.calibration.text import SMALLEST, Text
from iastm_host.window.calibration.window import PAGE_SEEN_MS, CalibrationWindow
from iastm_host.window.held_keys import RELEASE_MS
from iastm_host.window.overlay import Overlay

SIZES = [(1920, 1080), (1280, 800), (1366, 700), (800, 600), (800, 1280)]
THEMES = ["dark", "light", "contrast"]
WAIT_S = 5.0
READY = PAGES["ready"]
TITLE = "Calibration · SIM-0001"


def make(wizard: FakeWizard, size: tuple[int, int] = (1280, 800), **options: Any) -> CalibrationWindow:
    window = CalibrationWindow(wizard, options.pop("theme", "light"), TITLE, **options)
    window.resize(*size)
    window.show()
    window.show_frame()
    return window


def press(window: CalibrationWindow, *keys: Qt.Key) -> None:
    """Press keys where the focus is."""
    for key in keys:
        QTest.keyClick(focused(window), key)
        QTest.qWait(RELEASE_MS + 20)
    window.show_frame()


def button(window: CalibrationWindow, label: str) -> LargeButton:
    """Return the visible button of that label."""
    return next(each for each in window.findChildren(LargeButton) if each.isVisible() and each.text() == label)


def click(widget: QAbstractButton) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def press_key(window: CalibrationWindow, key: Qt.Key) -> None:
    QTest.keyClick(window, key)


def said(window: CalibrationWindow, words: str) -> bool:
    """Whether these words are shown."""
    return any(words in text.words for _, texts in worded(window) for text in texts)


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not done() and time.monotonic() < deadline:
        QTest.qWait(10)
    assert done()


def type_in(field: QLineEdit, words: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, words)


def form_of(window: CalibrationWindow) -> PrepareForm:
    form = window.findChild(PrepareForm)
    assert form is not None
    return form


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


def pixels(image: QImage) -> bytes:
    return bytes(image.constBits())


def worded(window: CalibrationWindow) -> Iterator[tuple[QWidget, tuple[Text, ...]]]:
    """Return every widget that is shown and paints words of its own, with them."""
    for widget in window.findChildren(QWidget):
        if widget.isVisible() and hasattr(widget, "texts"):
            yield widget, widget.texts()


# Pictures and words


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("theme", THEMES)
def test_every_page_paints_without_a_word_from_qt(
    app: QApplication, qt_messages: list[str], theme: str, size: tuple[int, int]
) -> None:
    wizard = FakeWizard()
    window = make(wizard, size, theme=theme)
    seen = set()
    for snapshot in PAGES.values():
        wizard.shown = snapshot
        window.show_frame()
        seen.add(pixels(picture(window)))
    assert len(seen) == len(PAGES)
    assert qt_messages == []
    window.close()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("page", PAGES)
def test_no_word_is_cut_too_small_or_written_over_another(app: QApplication, page: str, size: tuple[int, int]) -> None:
    window = make(FakeWizard(PAGES[page]), size, save_certificate=str)
    for fold in window.findChildren(Fold):
        fold.setChecked(True)
    count = 0
    for widget, texts in worded(window):
        for text in texts:
            where = f"{type(widget).__name__} {text}"
            assert text.fits, where
            assert text.size >= SMALLEST, where
            assert QRectF(widget.rect()).adjusted(-1, -1, 1, 1).contains(text.rect), where
            count += 1
        for one, other in combinations([each for each in texts if each.words], 2):
            assert not taken(one).intersects(taken(other)), f"{type(widget).__name__}: {one} over {other}"
    assert count > 10
    window.close()


def taken(text: Text) -> QRectF:
    """Return where the words really stand within their rectangle."""
    needed, rect = text.needed, text.rect
    width = min(needed.width(), rect.width())
    left = rect.left()
    if text.align & Qt.AlignmentFlag.AlignRight:
        left = rect.right() - width
    elif text.align & Qt.AlignmentFlag.AlignHCenter:
        left = rect.center().x() - width / 2
    # The figures of a font stand well within its line.
    height = needed.height() * 0.8
    top = rect.top() if text.align & Qt.AlignmentFlag.AlignTop else rect.center().y() - height / 2
    return QRectF(left, top, width, height)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_panel_lies_over_another_and_buttons_stay_in_the_window(
    app: QApplication, page: str, size: tuple[int, int]
) -> None:
    window = make(FakeWizard(PAGES[page]), size, save_certificate=str)
    buttons = [each for each in window.findChildren(LargeButton) if each.isVisible() and each.key != "1"]
    assert buttons
    for each in window.findChildren(LargeButton):
        if each.isVisible() and not isinstance(each.parent(), QuestionStrip):
            assert window.rect().contains(each.rect().translated(each.mapTo(window, each.rect().topLeft())))
    parents: dict[QWidget | None, list[QWidget]] = {}
    for widget, _ in worded(window):
        parents.setdefault(widget.parentWidget(), []).append(widget)
    for parent, widgets in parents.items():
        for one, other in combinations(widgets, 2):
            # Its room at the right is that of a button.
            if {type(one).__name__, type(other).__name__} != {"TopLine", "LargeButton"}:
                assert not one.geometry().intersects(other.geometry()), f"{parent}: {one} over {other}"
    window.close()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_banner_leaves_the_button_beside_it_free(app: QApplication, size: tuple[int, int]) -> None:
    window = make(FakeWizard(PAGES["link lost"]), size)
    leave = button(window, "Leave").geometry()
    for widget, texts in worded(window):
        if type(widget).__name__ == "TopLine":
            for text in texts:
                assert text.rect.translated(widget.geometry().topLeft()).right() < leave.left()
    window.close()


def test_in_a_narrow_window_reading_and_steadiness_are_seen_without_scrolling(app: QApplication) -> None:
    window = make(FakeWizard(), (800, 600))
    reading = window.findChild(ReadingPanel)
    assert reading is not None
    body = places_for(800, 600).body
    for text in reading.texts():
        if text.words:
            assert reading.mapTo(window, text.rect.topLeft().toPoint()).y() + text.needed.height() <= body.bottom() + 1
    window.close()


def test_nothing_moves_while_the_number_changes(app: QApplication) -> None:
    wizard = FakeWizard()
    window = make(wizard)
    reading = window.findChild(ReadingPanel)
    assert reading is not None
    places = []
    for force_n in (0.001, -0.001, 6.871, 14.718, 9.999, -1.2):
        wizard.shown = replace(LOAD, reading_n=force_n)
        window.show_frame()
        places.append([(text.rect, text.size) for text in reading.texts()])
    assert all(one == other for one, other in pairwise(places))
    window.close()


def test_the_middle_of_the_page_stays_where_it_is_from_page_to_page(app: QApplication) -> None:
    wizard = FakeWizard()
    window = make(wizard)
    reading = window.findChild(ReadingPanel)
    assert reading is not None
    places = set()
    for page in ("prepare", "warm up", "zero", "load", "question", "long question", "seat", "turn", "link lost"):
        wizard.shown = PAGES[page]
        window.show_frame()
        places.add((reading.x(), reading.y(), reading.width()))
    assert len(places) == 1
    window.close()


def test_a_number_wider_than_any_expected_is_whole(app: QApplication) -> None:
    window = make(FakeWizard(replace(LOAD, reading_n=-188.888)))
    reading = window.findChild(ReadingPanel)
    assert reading is not None
    number = next(text for text in reading.texts() if text.words == "−188.888")
    assert number.fits
    window.close()


def test_a_drawing_shows_the_angle_and_what_is_to_be_done(app: QApplication) -> None:
    pages = ("load", "load at 60", "gauge", "zero", "seat", "turn", "warm up")
    scenes = {page: scene_of(PAGES[page]) for page in pages}
    assert {page: scene.action for page, scene in scenes.items()} == {
        "load": "hang",
        "load at 60": "hang",
        "gauge": "press",
        "zero": "free",
        "seat": "seat",
        "turn": "turn",
        "warm up": "warm",
    }
    assert (scenes["load at 60"].label, scenes["load at 60"].angle_deg) == ("1,500 g", 60.0)


def test_points_beyond_the_graph_stand_at_its_edge_with_their_number(app: QApplication) -> None:
    window = make(FakeWizard(PAGES["question"]))
    evidence = window.findChild(EvidencePanel)
    assert evidence is not None
    words = [text.words for text in evidence.texts()]
    assert "+41" in words
    assert words.count("−1,041") == 2
    window.close()


def test_the_trace_keeps_its_middle_until_the_force_has_left_it() -> None:
    near = settling_n(6.9)
    assert trace_middle_n(near, 6.869, None) == 6.869
    assert trace_middle_n(near, None, 6.95) == 6.95
    assert trace_middle_n(near, 1.0, 3.0) == pytest.approx(6.9)
    assert trace_middle_n(np.full(4, np.nan), None, 3.0) == 3.0
    assert trace_middle_n(np.empty(0), 0.0, None) == 0.0


def test_a_long_trace_is_thinned_to_its_pixels_and_keeps_its_ends_and_gaps() -> None:
    x = np.arange(4000.0)
    y = np.sin(x / 90)
    y[1234] = 5.0
    y[2000:2100] = np.nan
    thin_x, thin_y = thinned(x, y, 400)
    assert len(thin_x) == len(thin_y) == 800
    assert np.nanmax(thin_y) == 5.0
    assert thin_x[-1] == x[-1]
    assert np.isnan(thin_y[(thin_x >= 2000) & (thin_x < 2100)]).all()
    assert np.isfinite(thin_y[(thin_x < 1990) | (thin_x > 2110)]).all()
    assert len(thinned(x[:500], y[:500], 400)[1]) == 500


# Keys and buttons


def test_enter_takes_the_point_once(app: QApplication) -> None:
    wizard = FakeWizard(READY)
    window = make(wizard)
    press(window, Qt.Key.Key_Return)
    assert wizard.calls == [("take",)]
    press(window, Qt.Key.Key_Enter)
    assert wizard.calls == [("take",), ("take",)]
    window.close()


def test_enter_held_down_takes_one_point(app: QApplication) -> None:
    wizard = FakeWizard(READY)
    window = make(wizard)
    clock = QElapsedTimer()
    clock.start()
    QTest.keyPress(window, Qt.Key.Key_Return)
    while clock.elapsed() < 500:
        QTest.qWait(30)
        QTest.keyRelease(window, Qt.Key.Key_Return)
        QTest.keyPress(window, Qt.Key.Key_Return)
    assert wizard.calls == [("take",)]
    window.close()


@pytest.mark.parametrize("page", ["load", "question", "link lost"])
def test_enter_takes_nothing_while_nothing_can_be_taken(app: QApplication, page: str) -> None:
    wizard = FakeWizard(PAGES[page])
    window = make(wizard)
    press(window, Qt.Key.Key_Return)
    assert wizard.calls == []
    window.close()


@pytest.mark.parametrize(("key", "call"), [(Qt.Key.Key_Backspace, "back"), (Qt.Key.Key_R, "repeat_last")])
def test_back_and_repeat_have_keys(app: QApplication, key: Qt.Key, call: str) -> None:
    wizard = FakeWizard()
    window = make(wizard)
    press(window, key)
    assert wizard.calls == [(call,)]
    wizard.shown = replace(LOAD, can_back=False, can_repeat=False)
    window.show_frame()
    press(window, key)
    assert wizard.calls == [(call,)]
    window.close()


@pytest.mark.parametrize(
    ("label", "call"), [("Take point", "take"), ("Back", "back"), ("Repeat last point", "repeat_last")]
)
def test_a_button_calls_the_wizard_once(app: QApplication, label: str, call: str) -> None:
    wizard = FakeWizard(READY)
    window = make(wizard)
    click(button(window, label))
    assert wizard.calls == [(call,)]
    assert window.focusWidget() in (None, window)
    window.close()


def test_a_button_that_has_the_focus_answers_to_enter_and_space(app: QApplication) -> None:
    wizard = FakeWizard(READY)
    window = make(wizard)
    back = button(window, "Back")
    back.setFocus()
    press(window, Qt.Key.Key_Return)
    back.setFocus()
    press(window, Qt.Key.Key_Space)
    assert wizard.calls == [("back",), ("back",)]
    window.close()


def test_a_button_that_is_dimmed_hands_its_focus_to_no_other(app: QApplication) -> None:
    wizard = FakeWizard(READY)
    window = make(wizard)
    take = button(window, "Take point")
    take.setFocus()
    wizard.shown = LOAD
    window.show_frame()
    assert not take.isEnabled()
    press(window, Qt.Key.Key_Return)
    assert wizard.calls == []
    window.close()


# Questions


@pytest.mark.parametrize(("key", "answer"), [(Qt.Key.Key_1, "repeat"), (Qt.Key.Key_2, "keep")])
def test_a_question_is_answered_with_a_digit(app: QApplication, key: Qt.Key, answer: str) -> None:
    wizard = FakeWizard(PAGES["question"])
    window = make(wizard)
    press(window, Qt.Key.Key_3, key)
    assert wizard.calls == [("answer", answer, "")]
    window.close()


def test_a_question_s_buttons_answer_it_with_the_note(app: QApplication) -> None:
    wizard = FakeWizard(PAGES["question"])
    window = make(wizard)
    strip = window.findChild(QuestionStrip)
    assert strip is not None
    strip.note.setFocus()
    QTest.keyClicks(strip.note, "cord touched at 12")
    click(button(window, "Keep with a note"))
    assert wizard.calls == [("answer", "keep", "cord touched at 12")]
    window.close()


def test_enter_in_the_note_answers_nothing(app: QApplication) -> None:
    wizard = FakeWizard(replace(PAGES["question"], can_take=True))
    window = make(wizard)
    strip = window.findChild(QuestionStrip)
    assert strip is not None
    strip.note.setFocus()
    QTest.keyClicks(strip.note, "121")
    press(window, Qt.Key.Key_Return, Qt.Key.Key_Return)
    assert wizard.calls == []
    assert strip.note.text() == "121"
    press(window, Qt.Key.Key_2)
    assert wizard.calls == [("answer", "keep", "121")]
    window.close()


def test_a_question_is_reached_by_tab_and_answered_by_enter(app: QApplication) -> None:
    wizard = FakeWizard(PAGES["question"])
    window = make(wizard)
    wanted = button(window, "Keep with a note")
    for _ in range(10):
        press(window, Qt.Key.Key_Tab)
        if window.focusWidget() is wanted:
            break
    press(window, Qt.Key.Key_Return)
    assert wizard.calls == [("answer", "keep", "")]
    window.close()


def test_the_next_question_begins_with_an_empty_note_and_the_focus_is_never_lost(app: QApplication) -> None:
    wizard = FakeWizard(PAGES["question"])
    window = make(wizard)
    strip = window.findChild(QuestionStrip)
    assert strip is not None
    strip.note.setFocus()
    QTest.keyClicks(strip.note, "of before")
    wizard.shown = READY
    window.show_frame()
    assert not strip.isVisible()
    press(window, Qt.Key.Key_Return)
    assert wizard.calls == [("take",)]
    wizard.shown = PAGES["long question"]
    window.show_frame()
    assert strip.note.text() == ""
    assert len([each for each in strip.findChildren(LargeButton) if each.isVisible()]) == 3
    window.close()


# The form


def test_the_form_starts_the_wizard_with_what_it_says(app: QApplication) -> None:
    wizard = FakeWizard(NOT_BEGUN)
    window = make(wizard)
    edits = form_of(window).edits
    for field, words in {
        "made_by": "A. Tester",
        "loads_kg": "100, 200, 0.5 kg",
        "tolerance": "M2",
        "latitude_deg": "-33.9",
        "height_m": "120",
        "tip_name": "Tip B",
        "tip_area": "1,2",
        "tip_area_uncertainty": "0.1",
        "expires_months": "6",
    }.items():
        type_in(edits[field], words)
    press(window, Qt.Key.Key_Return)
    ((call, setup),) = wizard.calls
    assert call == "start"
    assert isinstance(setup, Setup)
    assert setup.made_by == "A. Tester"
    assert setup.loads_kg == (0.1, 0.2, 0.5)
    assert setup.tolerance == pytest.approx(0.00016)
    assert (setup.latitude_deg, setup.height_m, setup.expires_months) == (-33.9, 120.0, 6)
    assert (setup.tip.name, setup.tip.area_cm2, setup.tip.area_uncertainty_cm2) == ("Tip B", 1.2, 0.1)
    assert (setup.method, setup.against_gauge) == (QUICK, False)
    window.close()


def test_what_is_wrong_stands_at_its_field_which_gets_the_focus(app: QApplication) -> None:
    wizard = FakeWizard(NOT_BEGUN)
    window = make(wizard)
    form = form_of(window)
    type_in(form.edits["made_by"], "A. Tester")
    type_in(form.edits["loads_kg"], "100, two, 500")
    click(button(window, "Start"))
    assert wizard.calls == []
    assert window.focusWidget() is form.edits["loads_kg"]
    cell = next(each for each in form.cells if "loads_kg" in each.edits)
    assert any("two" in text.words for text in cell.texts())
    assert "two" in form.edits["loads_kg"].accessibleDescription()
    type_in(form.edits["loads_kg"], "100, 200, 500")
    assert not any("two" in text.words for text in cell.texts())
    click(button(window, "Start"))
    assert len(wizard.calls) == 1
    window.close()


def test_a_form_without_a_name_says_so_and_keeps_what_was_written(app: QApplication) -> None:
    wizard = FakeWizard(NOT_BEGUN)
    window = make(wizard)
    form = form_of(window)
    type_in(form.edits["tip_edge"], "bevelled")
    click(button(window, "Start"))
    window.show_frame()
    assert wizard.calls == []
    assert form.edits["tip_edge"].text() == "bevelled"
    assert window.focusWidget() is form.edits["made_by"]
    window.close()


def test_loads_that_nobody_changed_follow_the_method(app: QApplication) -> None:
    window = make(FakeWizard(NOT_BEGUN))
    form = form_of(window)
    assert not form.choices[3].isEnabled()
    click(form.choices[3])
    assert not form.read()[0].against_gauge
    click(form.choices[1])
    assert form.method == FULL
    assert form.read()[0].loads_kg == DEFAULT_LOADS_KG[FULL]
    type_in(form.edits["loads_kg"], "100, 200, 400")
    click(form.choices[0])
    assert form.read()[0].loads_kg == (0.1, 0.2, 0.4)
    window.close()


def test_the_form_begins_with_what_is_proposed_and_keeps_what_is_written(app: QApplication) -> None:
    proposed = Setup(made_by="B. Tester", loads_kg=(0.1, 0.3, 0.6), against_gauge=True)
    wizard = FakeWizard(replace(NOT_BEGUN, setup=proposed))
    window = make(wizard)
    form = form_of(window)
    assert form.read()[0] == proposed
    click(form.choices[2])
    type_in(form.edits["made_by"], "C. Tester")
    window.show_frame()
    press(window, Qt.Key.Key_Return)
    assert wizard.calls == [("start", replace(proposed, made_by="C. Tester", against_gauge=False))]
    window.close()


def test_each_way_says_how_long_it_takes(app: QApplication) -> None:
    window = make(FakeWizard(NOT_BEGUN))
    quick, full = (choice.text() for choice in form_of(window).choices[:2])
    assert "Quick, about" in quick
    assert int(quick.split()[2]) <= 10
    assert 30 <= int(full.split()[2]) <= 60
    window.close()


def test_what_the_wizard_refuses_is_a_banner_until_the_next_try(app: QApplication) -> None:
    wizard = FakeWizard(NOT_BEGUN)
    wizard.refused = Problem("15 N is beyond the 10 N that the cell is made for.", "Change that, then begin.")
    window = make(wizard)
    type_in(form_of(window).edits["made_by"], "A. Tester")
    before = picture(window)
    click(button(window, "Start"))
    window.show_frame()
    assert any("beyond the 10 N" in text.words for _, texts in worded(window) for text in texts)
    assert pixels(picture(window)) != pixels(before)
    wizard.refused = None
    click(button(window, "Start"))
    window.show_frame()
    assert [call for call, *_ in wizard.calls] == ["start"]
    assert not any("beyond the 10 N" in text.words for _, texts in worded(window) for text in texts)
    window.close()


def test_keys_of_the_wizard_are_letters_in_a_field(app: QApplication) -> None:
    wizard = FakeWizard(NOT_BEGUN)
    window = make(wizard)
    field = form_of(window).edits["made_by"]
    QTest.keyClicks(field, "Tor R. 123")
    press(window, Qt.Key.Key_Backspace)
    assert field.text() == "Tor R. 12"
    assert window.theme.name == "light"
    window.close()


# The end


def test_the_result_is_kept_with_enter_or_its_button(app: QApplication) -> None:
    wizard = FakeWizard(RESULT)
    window = make(wizard)
    QTest.qWait(PAGE_SEEN_MS)
    press(window, Qt.Key.Key_Return)
    click(button(window, "Save and write"))
    assert wizard.calls == [("keep",), ("keep",)]
    window.close()


def test_the_certificate_is_offered_where_it_can_be_made_and_once_there_is_a_document(app: QApplication) -> None:
    saved: list[str] = []

    def save(file: str) -> str:
        saved.append(file)
        return "certificate.pdf"

    wizard = FakeWizard(RESULT)
    window = make(wizard, save_certificate=save)
    assert not button(window, "Save certificate").isEnabled()
    wizard.shown = PAGES["saved"]
    window.show_frame()
    click(button(window, "Save certificate"))
    wait_until(lambda: said(window, "Certificate: certificate.pdf"))
    result = PAGES["saved"].result
    assert result is not None
    assert saved == [result.file]
    window.close()
    plain = make(FakeWizard(PAGES["saved"]))
    assert not any(each.isVisible() and each.text() == "Save certificate" for each in plain.findChildren(LargeButton))
    plain.close()


def test_once_all_is_done_enter_closes(app: QApplication) -> None:
    wizard = FakeWizard(PAGES["saved"])
    window = make(wizard)
    QTest.qWait(PAGE_SEEN_MS)
    press(window, Qt.Key.Key_Return)
    assert not window.isVisible()
    assert wizard.calls == [("leave",)]


def test_an_enter_that_was_meant_for_the_page_before_neither_writes_nor_closes(app: QApplication) -> None:
    wizard = FakeWizard(PAGES["check"])
    window = make(wizard)
    wizard.shown = RESULT
    window.show_frame()
    press(window, Qt.Key.Key_Return)
    assert wizard.calls == []
    QTest.qWait(PAGE_SEEN_MS)
    wizard.shown = PAGES["saved"]
    window.show_frame()
    press(window, Qt.Key.Key_Return)
    assert wizard.calls == []
    assert window.isVisible()
    window.close()


def test_a_certificate_that_fails_says_why_and_can_be_tried_again(app: QApplication) -> None:
    tries: list[str] = []

    def save(file: str) -> str:
        tries.append(file)
        raise Problem("The folder is full.", "Choose another place, then retry.")

    window = make(FakeWizard(PAGES["saved"]), save_certificate=save)
    click(button(window, "Save certificate"))
    wait_until(lambda: said(window, "The folder is full."))
    wait_until(lambda: button(window, "Save certificate").isEnabled())
    click(button(window, "Save certificate"))
    wait_until(lambda: len(tries) == 2)
    window.close()


class TestACertificateThatBreaks:
    """It is logged, and said."""

    @pytest.fixture
    def expected_log(self) -> list[str]:
        return ["no certificate"]

    def test_it_is_said(self) -> None:
        def save(_file: str) -> str:
            raise ValueError("no such font")

        window = make(FakeWizard(PAGES["saved"]), save_certificate=save)
        click(button(window, "Save certificate"))
        wait_until(lambda: said(window, "no such font"))
        assert button(window, "Close").isEnabled()
        window.close()


def test_what_ended_the_run_of_the_tool_is_the_last_page(app: QApplication) -> None:
    ended: list[Problem] = []
    wizard = FakeWizard(READY)
    window = make(wizard, look=lambda: ended[0] if ended else None)
    ended.append(Problem("The port is gone.", "Plug the tool in, then go on with --resume."))
    window.show_frame()
    overlay = window.findChild(Overlay)
    assert overlay is not None
    assert overlay.isVisible()
    press_key(window, Qt.Key.Key_Return)
    assert wizard.calls == [("leave",)]
    assert window.exit_code == 2


def test_a_result_can_still_be_kept_when_the_run_of_the_tool_has_ended(app: QApplication) -> None:
    wizard = FakeWizard(RESULT)
    window = make(wizard, look=lambda: Problem("The port is gone.", "Plug it in."))
    overlay = window.findChild(Overlay)
    assert overlay is not None
    assert not overlay.isVisible()
    click(button(window, "Save and write"))
    assert wizard.calls == [("keep",)]
    assert window.exit_code == 0
    window.close()


@pytest.mark.parametrize("page", ["good", "saved", "poor"])
def test_classes_and_clauses_are_folded_away_until_they_are_asked_for(app: QApplication, page: str) -> None:
    window = make(FakeWizard(PAGES[page]))

    def seen() -> list[str]:
        return [text.words for _, texts in worded(window) for text in texts if "E74" in text.words]

    assert seen() == []
    fold = window.findChild(Fold)
    assert fold is not None
    fold.setFocus()
    press(window, Qt.Key.Key_Space)
    assert len(seen()) == 2
    window.close()


def test_what_is_higher_than_the_window_scrolls_by_keys(app: QApplication) -> None:
    window = make(FakeWizard(PAGES["poor"]))
    bar = window.findChild(QScrollArea).verticalScrollBar()  # type: ignore[union-attr]
    assert bar.maximum() > 0
    press(window, Qt.Key.Key_PageDown)
    low = bar.value()
    assert low > 0
    press(window, Qt.Key.Key_Up)
    assert 0 <= bar.value() < low
    fold = window.findChild(Fold)
    assert fold is not None
    fold.setChecked(True)
    assert bar.value() == bar.maximum()
    window.close()


@pytest.mark.parametrize("way", ["button", "window", "finished"])
def test_leaving_leaves_the_wizard_once(app: QApplication, way: str) -> None:
    wizard = FakeWizard()
    window = make(wizard)
    if way == "button":
        click(button(window, "Leave"))
    elif way == "window":
        window.close()
    else:
        wizard.shown = replace(LOAD, finished=True)
        window.show_frame()
    window.close()
    assert not window.isVisible()
    assert wizard.calls == [("leave",)]
    assert window.exit_code == 0


class TestAFailureOfTheWindow:
    """It is logged, and shown in the window."""

    @pytest.fixture
    def expected_log(self) -> list[str]:
        return ["the window failed"]

    def test_it_does_not_vanish(self, caplog: pytest.LogCaptureFixture) -> None:
        wizard = FakeWizard(READY)
        window = make(wizard)
        with caplog.at_level(logging.ERROR):
            window.fail(ValueError("no such panel"))
        assert "no such panel" in caplog.text
        overlay = window.findChild(Overlay)
        assert overlay is not None
        assert overlay.isVisible()
        press_key(window, Qt.Key.Key_Return)
        assert wizard.calls == [("leave",)]
        assert window.exit_code == 2


# For everybody


@pytest.mark.parametrize("page", ["form", "question", "saved"])
def test_everything_that_takes_the_focus_has_a_name_and_is_reached_by_tab(app: QApplication, page: str) -> None:
    window = make(FakeWizard(PAGES[page]), save_certificate=str)
    wanted = {
        widget
        for widget in window.findChildren(QWidget)
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    wanted -= {form.choices[place] for form in window.findChildren(PrepareForm) for place in (1, 3) if form.isVisible()}
    assert all(widget.accessibleName() for widget in wanted)
    reached = set()
    for _ in range(len(wanted) + 8):
        QTest.keyClick(focused(window), Qt.Key.Key_Tab)
        reached.add(window.focusWidget())
    assert wanted <= reached
    window.close()


def test_tab_goes_through_the_form_as_it_is_read(app: QApplication) -> None:
    window = make(FakeWizard(NOT_BEGUN))
    form = form_of(window)
    names: dict[QWidget, str] = {edit: name for name, edit in form.edits.items()}
    order = []
    form.edits["made_by"].setFocus()
    for _ in range(24):
        at = focused(window)
        order.append(names.get(at, at.accessibleName()))
        QTest.keyClick(at, Qt.Key.Key_Tab)
    fields = [name for name in order if name in form.edits]
    assert fields[: len(form.edits)] == list(form.edits)
    assert order.index("Weights") < order.index("latitude_deg")
    assert order.index("Start (Enter)") > order.index("converter")
    window.close()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("page", ["form", "load"])
def test_the_focus_is_a_ring_of_three_pixels(app: QApplication, theme: str, page: str) -> None:
    window = make(FakeWizard(PAGES[page]), theme=theme)
    target: QWidget = form_of(window).edits["loads_kg"] if page == "form" else button(window, "Back")
    window.activateWindow()
    wait_until(window.isActiveWindow)
    middle = target.height() // 2
    wanted = window.theme.color("focus").name()

    def ring() -> int:
        image = picture(target)
        return sum(image.pixelColor(x, middle).name() == wanted for x in range(8))

    window.setFocus()
    assert ring() == 0
    target.setFocus()
    assert ring() == FOCUS_WIDTH
    window.close()


def test_the_theme_can_be_changed_while_it_runs(app: QApplication) -> None:
    window = make(FakeWizard(), theme="dark")
    press(window, Qt.Key.Key_T)
    assert window.theme.name == "light"
    assert picture(window).pixelColor(2, 2).name() == window.theme.color("bg").name()
    window.close()


def test_what_is_said_to_a_reader_of_the_screen_is_what_is_shown(app: QApplication) -> None:
    window = make(FakeWizard(PAGES["good"]))
    said = " ".join(widget.accessibleName() for widget in window.findChildren(QWidget) if widget.isVisible())
    assert "Good: ± 0.040 N up to 15 N" in said
    window.close()
    window = make(FakeWizard(PAGES["link lost"]))
    said = " ".join(widget.accessibleName() for widget in window.findChildren(QWidget) if widget.isVisible())
    assert "Link lost" in said
    assert "Hang 700 g on the tip" in said
    window.close()


def test_the_words_of_a_page_are_as_large_as_their_place_allows(app: QApplication) -> None:
    window = make(FakeWizard(), (1920, 1080))
    title = next(text for _, texts in worded(window) for text in texts if text.words == LOAD.instruction)
    assert title.size == 60
    assert QFontMetricsF(window.font()).height() < title.needed.height()
    window.close()


def test_a_snapshot_that_does_not_change_paints_nothing_but_the_reading(app: QApplication) -> None:
    class Counting(EvidencePanel):
        """Counts how often it was told to paint."""

        updates = 0

        def update(self, *_: Any) -> None:
            self.updates += 1

    panel = Counting()
    shown: WizardSnapshot = LOAD
    panel.show_view(shown)
    first = panel.updates
    panel.show_view(replace(LOAD, reading_n=1.0))
    assert panel.updates == first
    panel.show_view(replace(LOAD, rows=LOAD.rows[:3]))
    assert panel.updates == first + 1
