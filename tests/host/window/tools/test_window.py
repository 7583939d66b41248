from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget
from tests.host.window.tools.fake_tools import (
    CHECK,
    COPY,
    MANY,
    OVERVIEW_SHOWN,
    PAGES,
    STOP,
    FakeTools,
    shown,
    tool_row,
)

from iastm_host.app.tools_page.page import (
    CALIBRATION,
    FIRMWARE,
    LINK,
    OVERVIEW,
    TITLES,
    Cell,
    Progress,
    Row,
    Table,
    Words,
)
from iastm_host.window.calibration.buttons import FOCUS_WIDTH, LargeButton
from iastm_host.window.calibration.text import SMALLEST, Text
from iastm_host.window.held_keys import RELEASE_MS
from iastm_host.window.overlay import Overlay
from iastm_host.window.tools.panel import PagePanel
from iastm_host.window.tools.question import QuestionPanel
from iastm_host.window.tools.tabs import TabButton, TabRow
from iastm_host.window.tools.window import COPIED, ToolsWindow

# 1280×800 and 1920×1080, both at 200 % too, and what lies between.
SIZES = [(1920, 1080), (1280, 800), (1366, 700), (960, 540), (640, 480), (800, 1280)]
WAIT_S = 5.0
THEMES = ["dark", "light", "contrast"]


def make(tools: FakeTools, size: tuple[int, int] = (1280, 800), theme: str = "light") -> ToolsWindow:
    window = ToolsWindow(tools, theme)
    window.resize(*size)
    window.show()
    window.show_frame()
    return window


def focused(window: QWidget) -> QWidget:
    inner: QWidget | None = window.focusWidget()
    return window if inner is None else inner


def press(window: ToolsWindow, *keys: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press keys where the focus is."""
    for key in keys:
        QTest.keyClick(focused(window), key, modifier)
        QTest.qWait(RELEASE_MS + 20)
    window.show_frame()


def button(window: ToolsWindow, label: str) -> LargeButton:
    return next(each for each in window.findChildren(LargeButton) if each.isVisible() and each.text() == label)


def part(window: ToolsWindow, kind: type[Any]) -> Any:
    found = window.findChild(kind)
    assert found is not None
    return found


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


def pixels(image: QImage) -> bytes:
    return bytes(image.constBits())


def worded(window: ToolsWindow) -> Iterator[tuple[QWidget, tuple[Text, ...]]]:
    """Return every widget that is shown and paints words of its own, with them."""
    for widget in window.findChildren(QWidget):
        if widget.isVisible() and hasattr(widget, "texts"):
            yield widget, widget.texts()


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


# Pictures and words


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("theme", THEMES)
def test_every_page_paints_without_a_word_from_qt(
    app: QApplication, qt_messages: list[str], theme: str, size: tuple[int, int]
) -> None:
    tools = FakeTools()
    window = make(tools, size, theme)
    seen = set()
    for snapshot in PAGES.values():
        tools.shown = snapshot
        window.show_frame()
        seen.add(pixels(picture(window)))
    assert len(seen) == len(PAGES)
    assert qt_messages == []
    window.close()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("page", PAGES)
def test_no_word_is_cut_too_small_or_written_over_another(app: QApplication, page: str, size: tuple[int, int]) -> None:
    window = make(FakeTools(PAGES[page]), size)
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


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("page", [page for page in PAGES if page != "asking"])
def test_no_part_lies_over_another_and_buttons_stay_in_the_window(
    app: QApplication, page: str, size: tuple[int, int]
) -> None:
    window = make(FakeTools(PAGES[page]), size)
    parents: dict[QWidget | None, list[QWidget]] = {}
    for widget, _ in worded(window):
        parents.setdefault(widget.parentWidget(), []).append(widget)
    for parent, widgets in parents.items():
        for one, other in combinations(widgets, 2):
            # Its room at the right is that of a button.
            if {type(one).__name__, type(other).__name__} != {"ToolsTop", "LargeButton"}:
                assert not one.geometry().intersects(other.geometry()), f"{parent}: {one} over {other}"
    for each in window.findChildren(LargeButton):
        if each.isVisible():
            assert window.rect().contains(each.rect().translated(each.mapTo(window, QPoint(0, 0))))
    window.close()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_whatever_is_wanted_most_keeps_its_button(app: QApplication, size: tuple[int, int]) -> None:
    for page in ("overview", "searching", "firmware"):
        window = make(FakeTools(PAGES[page]), size)
        labels = {each.text() for each in window.findChildren(LargeButton) if each.isVisible()}
        assert {action.label for action in PAGES[page].actions if action.primary or action.name == "stop"} <= labels
        assert "Leave" in labels
        window.close()


def test_numbers_of_a_column_end_at_the_same_place(app: QApplication) -> None:
    window = make(FakeTools(PAGES["calibration"]))
    read = [text for text in part(window, PagePanel).texts() if text.words in ("14.911", "Read, N")]
    assert len(read) == 13
    assert len({text.rect.right() for text in read}) == 1
    assert all(text.align & Qt.AlignmentFlag.AlignRight for text in read)
    window.close()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_everything_of_a_long_page_can_be_scrolled_to_by_keys(app: QApplication, size: tuple[int, int]) -> None:
    window = make(FakeTools(PAGES["calibration"]), size)
    bar = part(window, QScrollArea).verticalScrollBar()
    for _ in range(40):
        press_quickly(window, Qt.Key.Key_PageDown)
    assert bar.value() == bar.maximum()
    press_quickly(window, Qt.Key.Key_Up)
    assert bar.value() < bar.maximum() or bar.maximum() == 0
    window.close()


def press_quickly(window: ToolsWindow, key: Qt.Key) -> None:
    """Press a key that may repeat."""
    QTest.keyClick(focused(window), key)


def test_the_row_that_is_chosen_is_brought_into_view(app: QApplication) -> None:
    tools = FakeTools(PAGES["many"])
    window = make(tools)
    rows = list(MANY.rows)
    last = tuple(replace(row, chosen=place == len(rows) - 1) for place, row in enumerate(rows))
    tools.shown = replace(tools.shown, blocks=(replace(MANY, rows=last),))
    press(window, Qt.Key.Key_Down)
    assert tools.calls == [("move", 1)]
    area, panel = part(window, QScrollArea), part(window, PagePanel)
    top = panel.chosen_rect.top() - area.verticalScrollBar().value()
    assert 0 <= top <= area.height() - panel.chosen_rect.height()
    window.close()


def test_a_table_too_wide_for_the_window_becomes_cards_with_every_word(app: QApplication) -> None:
    window = make(FakeTools(), (640, 480))
    said = [text.words for text in part(window, PagePanel).texts()]
    for head in ("Last seen", "Battery", "Trouble"):
        assert said.count(head) == 2
    assert "Another build · 0.10.12" in said
    window.close()


# Keys and mouse


@pytest.mark.parametrize(
    ("key", "action"),
    [
        (Qt.Key.Key_Return, "check"),
        (Qt.Key.Key_Enter, "check"),
        (Qt.Key.Key_S, "search"),
        (Qt.Key.Key_Delete, "forget"),
    ],
)
def test_every_action_has_its_key(app: QApplication, key: Qt.Key, action: str) -> None:
    tools = FakeTools()
    window = make(tools)
    press(window, key)
    assert tools.calls == [("do", action)]
    window.close()


def test_escape_stops_what_goes_on(app: QApplication) -> None:
    tools = FakeTools(PAGES["searching"])
    window = make(tools)
    press(window, Qt.Key.Key_Escape)
    assert tools.calls == [("do", "stop")]
    window.close()


def test_a_key_of_another_page_does_nothing(app: QApplication) -> None:
    tools = FakeTools(PAGES["calibration"])
    window = make(tools)
    press(window, Qt.Key.Key_S, Qt.Key.Key_U, Qt.Key.Key_Delete)
    assert tools.calls == []
    window.close()


def test_a_held_key_counts_once(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    for _ in range(5):
        QTest.keyPress(window, Qt.Key.Key_Return)
        QTest.keyRelease(window, Qt.Key.Key_Return)
    assert tools.calls == [("do", "check")]
    window.close()


def test_pages_turn_by_digits_arrows_and_the_mouse(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    press(window, Qt.Key.Key_5, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_2)
    QTest.mouseClick(part(window, TabRow).buttons[2], Qt.MouseButton.LeftButton)
    pages = [call[1] for call in tools.calls]
    assert pages == [FIRMWARE, OVERVIEW, FIRMWARE, CALIBRATION, LINK]
    window.show_frame()
    assert [tab.isChecked() for tab in part(window, TabRow).buttons] == [False, False, True, False, False]
    # The one that is shown stays marked although it is pressed again.
    QTest.mouseClick(part(window, TabRow).buttons[2], Qt.MouseButton.LeftButton)
    window.show_frame()
    assert part(window, TabRow).buttons[2].isChecked()
    window.close()


def test_a_row_is_chosen_with_the_mouse(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    panel = part(window, PagePanel)
    rect = next(rect for row, rect, _ in panel._laid.rows if row == "known:T-07")
    QTest.mouseClick(panel, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    assert tools.calls == [("choose", "known:T-07")]
    window.close()


def test_control_c_takes_the_page_along_and_says_so(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    QGuiApplication.clipboard().clear()
    press(window, Qt.Key.Key_C, modifier=Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "the page as text"
    assert any(text.words == COPIED for _, texts in worded(window) for text in texts)
    QGuiApplication.clipboard().clear()
    QTest.mouseClick(button(window, "Copy"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "the page as text"
    assert tools.calls == []
    window.close()


def test_tab_reaches_every_button_and_the_table_and_enter_presses_it(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    reached = []
    for _ in range(20):
        QTest.keyClick(focused(window), Qt.Key.Key_Tab)
        reached.append(focused(window))
    kinds = [type(each) for each in reached]
    assert kinds.count(TabButton) >= 5
    assert PagePanel in kinds
    assert {"Check tool", "Search", "Forget", "Copy", "Leave"} <= {
        each.text() for each in reached if isinstance(each, LargeButton)
    }
    button(window, "Search").setFocus()
    press(window, Qt.Key.Key_Return)
    assert tools.calls == [("do", "search")]
    window.close()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("place", ["tab", "button", "row"])
def test_the_focus_is_a_ring_of_three_pixels(app: QApplication, theme: str, place: str) -> None:
    window = make(FakeTools(), theme=theme)
    panel = part(window, PagePanel)
    target: QWidget = {"tab": part(window, TabRow).buttons[1], "button": button(window, "Search"), "row": panel}[place]
    window.activateWindow()
    wait_for(window.isActiveWindow)
    row = panel.chosen_rect
    assert row is not None
    left, middle = (round(row.left()) - 4, round(row.center().y())) if place == "row" else (0, target.height() // 2)
    wanted = window.theme.color("focus").name()

    def ring() -> int:
        image = picture(target)
        return sum(image.pixelColor(x, middle).name() == wanted for x in range(left, left + 8))

    window.setFocus()
    assert ring() == 0
    target.setFocus()
    assert ring() == FOCUS_WIDTH
    window.close()


def test_a_button_that_can_not_be_pressed_any_more_hands_its_enter_to_nobody(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    button(window, "Check tool").setFocus()
    tools.shown = PAGES["searching"]
    window.show_frame()
    assert window.focusWidget() in (None, window)
    press(window, Qt.Key.Key_Return)
    # The model does nothing that is not offered; no other button was pressed.
    assert tools.calls == [("do", "check")]
    window.close()


def test_the_theme_changes_with_a_key(app: QApplication) -> None:
    window = make(FakeTools(), theme="dark")
    names = []
    for _ in range(3):
        press(window, Qt.Key.Key_T)
        names.append(window.theme.name)
    assert names == ["light", "contrast", "dark"]
    window.close()


# Questions


def test_a_question_has_its_focus_on_what_changes_nothing(app: QApplication) -> None:
    tools = FakeTools(PAGES["asking"])
    window = make(tools)
    assert focused(window).objectName() == "cancel"
    press(window, Qt.Key.Key_Return)
    assert tools.calls == [("answer", "cancel")]
    window.close()


def test_while_a_question_is_asked_no_key_and_no_tab_leaves_it(app: QApplication) -> None:
    tools = FakeTools(PAGES["asking"])
    window = make(tools)
    question = part(window, QuestionPanel)
    for _ in range(5):
        QTest.keyClick(focused(window), Qt.Key.Key_Tab)
        assert focused(window) in question.buttons
    for _ in range(5):
        QTest.keyClick(focused(window), Qt.Key.Key_Backtab)
        assert focused(window) in question.buttons
    press(window, Qt.Key.Key_U, Qt.Key.Key_5, Qt.Key.Key_S)
    assert tools.calls == []
    # What lies behind it is covered.
    assert question.geometry() == window.rect()
    press(window, Qt.Key.Key_Escape)
    assert tools.calls == [("answer", "cancel")]
    assert not question.isVisible()
    window.close()


def test_the_other_answer_is_given_by_arrow_and_enter(app: QApplication) -> None:
    tools = FakeTools(PAGES["asking"])
    window = make(tools)
    press(window, Qt.Key.Key_Right, Qt.Key.Key_Return)
    assert tools.calls == [("answer", "update")]
    window.close()


# The end


def test_a_window_that_may_not_go_yet_stays(app: QApplication) -> None:
    tools = FakeTools()
    tools.may_leave = False
    window = make(tools)
    closed: list[bool] = []
    window.closed.connect(lambda: closed.append(True))
    window.close()
    assert window.isVisible()
    assert closed == []
    tools.may_leave = True
    tools.shown = replace(tools.shown, finished=True)
    window.show_frame()
    assert closed == [True]
    assert not window.isVisible()


def test_what_breaks_in_the_window_is_said_in_it_and_logged(
    app: QApplication, expected_log: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    expected_log.append("the window failed")
    tools = FakeTools()
    window = make(tools)
    with caplog.at_level(logging.ERROR):
        window.fail(ValueError("broken"))
    overlay = part(window, Overlay)
    assert overlay.panel is not None
    assert window.exit_code == 2
    press_quickly(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_what_did_not_change_is_not_laid_out_again(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    panel = part(window, PagePanel)
    laid = panel._laid
    window.show_frame()
    assert panel._laid is laid
    tools.shown = replace(OVERVIEW_SHOWN, blocks=(Words("Another page"),))
    window.show_frame()
    assert panel._laid is not laid
    window.close()


def test_a_screen_reader_is_told_page_tool_and_content(app: QApplication) -> None:
    window = make(FakeTools(PAGES["bad link"]))
    panel = part(window, PagePanel)
    assert panel.accessibleName() == TITLES[LINK]
    assert "Bring the tool nearer" in panel.accessibleDescription()
    names = [each.accessibleName() for each in window.findChildren(QWidget) if each.isVisible()]
    assert "Tools: T-03 · USB" in names
    assert "Check tool (Enter)" in names
    window.close()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_any_words_at_any_width_stay_whole(app: QApplication, size: tuple[int, int]) -> None:
    long = ("Ü" * 70, "-" * 300, "a b " * 90, "", "№ 7")
    table = Table(
        ("A", "B", "C"), tuple(Row((Cell(one, two), Cell(two), Cell(one))) for one, two in combinations(long, 2))
    )
    window = make(FakeTools(shown(OVERVIEW, table, *(Words(words) for words in long))), size)
    for text in part(window, PagePanel).texts():
        assert text.fits, text
    window.close()


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not done() and time.monotonic() < deadline:
        QTest.qWait(10)
    assert done()


def test_frames_come_by_themselves(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    tools.shown = shown(LINK, Progress("Measuring", 0.5), actions=(CHECK, STOP, COPY))
    wait_for(lambda: part(window, PagePanel).accessibleName() == TITLES[LINK])
    window.close()


@pytest.mark.parametrize("size", SIZES)
def test_the_leave_button_lies_under_the_pointer_and_not_under_something_else(
    app: QApplication, size: tuple[int, int]
) -> None:
    tools = FakeTools()
    window = make(tools, size)
    leave = button(window, "Leave")
    assert window.childAt(leave.geometry().center()) is leave
    assert leave.testAttribute(Qt.WidgetAttribute.WA_Hover)
    QTest.mouseClick(leave, Qt.MouseButton.LeftButton)
    assert ("leave",) in tools.calls
    assert not window.isVisible()


def test_ctrl_q_leaves_and_the_button_says_so(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    assert button(window, "Leave").key == "Ctrl+Q"
    press(window, Qt.Key.Key_Q, modifier=Qt.KeyboardModifier.ControlModifier)
    assert ("leave",) in tools.calls
    assert not window.isVisible()


@pytest.mark.parametrize("size", SIZES)
def test_what_needs_something_has_a_mark_of_its_own_and_heavier_words(app: QApplication, size: tuple[int, int]) -> None:
    panel = part(make(FakeTools(PAGES["needs something"]), size), PagePanel)
    marks = [drawn for drawn in panel._laid.drawn if drawn.kind == "icon"]
    assert len(marks) == 8
    assert {drawn.ink for drawn in marks} == {"surface", "text"}
    assert not any(mark.rect.intersects(text.rect) for mark in marks for text in panel.texts())
    assert next(text for text in panel.texts() if text.words.startswith("100 %")).weight == 700


def test_a_window_as_large_as_the_screen_leaves_room_for_its_title_bar(app: QApplication) -> None:
    window = make(FakeTools())
    free = window.screen().availableGeometry()
    window.resize(free.size())
    window.fit_to_screen()
    assert window.height() <= free.height() - 20
    assert window.width() < free.width()
    small = make(FakeTools(), (640, 480))
    small.fit_to_screen()
    assert (small.width(), small.height()) == (640, 480)


def test_up_and_down_choose_a_tool_wherever_the_focus_is(app: QApplication) -> None:
    tools = FakeTools()
    window = make(tools)
    for place in (part(window, TabRow).buttons[0], button(window, "Check tool"), button(window, "Leave")):
        tools.calls.clear()
        place.setFocus()
        press(window, Qt.Key.Key_Down, Qt.Key.Key_Up)
        assert tools.calls == [("move", 1), ("move", -1)]
        assert focused(window) is place


def test_each_tab_tells_its_key(app: QApplication) -> None:
    window = make(FakeTools())
    assert [each.toolTip() for each in part(window, TabRow).buttons] == [f"Key {number}" for number in range(1, 6)]


def test_a_serial_number_is_not_broken_where_others_have_room(app: QApplication) -> None:
    number = "E6614C775B8F2A31"
    row = Row((Cell(number, "pico_2_w"), *tool_row("T-03").cells[1:]), "known:one")
    panel = part(make(FakeTools(shown(OVERVIEW, replace(MANY, rows=(row,)))), (1280, 800)), PagePanel)
    name = next(text for text in panel.texts() if text.words == number)
    assert name.rect.height() < 2 * name.size
