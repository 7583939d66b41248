"""The window of the Tools page: parts in their places, keys, and one timer that shows a snapshot per frame."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QFocusEvent, QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QFrame, QScrollArea, QStyle, QWidget

from iastm_host.app.live_view import problem_panel
from iastm_host.app.tools_page.page import OVERVIEW, TITLES, ToolsSnapshot
from iastm_host.events import Problem
from iastm_host.window.calibration.buttons import LargeButton
from iastm_host.window.held_keys import HeldKeys
from iastm_host.window.overlay import Overlay
from iastm_host.window.scrolling import scroll_sheet
from iastm_host.window.theme import Theme, next_theme, theme_named
from iastm_host.window.tools.actions import ToolActions
from iastm_host.window.tools.panel import PagePanel
from iastm_host.window.tools.places import places_for
from iastm_host.window.tools.question import QuestionPanel
from iastm_host.window.tools.tabs import TabRow
from iastm_host.window.tools.top import ToolsTop

FRAME_MS = 50
COPIED = "Copied."
_COPIED_MS = 2000
_SCROLL_STEP = 40
_ROOM_FOR_KEY = 900
_FRAME = 6
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_KEYS = {
    "Enter": _ENTER,
    "S": (Qt.Key.Key_S,),
    "U": (Qt.Key.Key_U,),
    "Del": (Qt.Key.Key_Delete,),
    "Esc": (Qt.Key.Key_Escape,),
}
_LEAVE_KEY = "Ctrl+Q"
_UP_DOWN = (Qt.Key.Key_Up, Qt.Key.Key_Down)
_DIGITS = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5)

log = logging.getLogger(__name__)


class Tools(Protocol):
    """What the window needs of the page's model; every call returns at once."""

    def snapshot(self) -> ToolsSnapshot:
        """Return what is to be shown."""

    def text(self) -> str:
        """Return the page as text."""

    def turn_to(self, page: str) -> None:
        """Show a page."""

    def choose(self, row: str) -> None:
        """Choose what stands in a row."""

    def move(self, step: int) -> None:
        """Choose another row."""

    def do(self, action: str) -> None:
        """Do what is offered by this name."""

    def answer(self, option: str) -> None:
        """Answer the question that is asked."""

    def leave(self) -> bool:
        """Ask to leave; return whether it can be done now."""


class ToolsWindow(QWidget):
    """The Tools page. It asks its model for a snapshot per frame and draws it.

    Signals:
        closed(): the window was closed, and the page left.
    """

    closed = Signal()

    def __init__(self, tools: Tools, theme: str = "auto", title: str = "Tools") -> None:
        super().__init__()
        self.setWindowTitle(title)
        self.setMinimumSize(640, 480)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._tools = tools
        self._follow_system = theme == "auto"
        self._theme = theme_named(theme)
        self._snapshot: ToolsSnapshot | None = None
        self.exit_code = 0
        # Created in the order of Tab.
        self._tabs = TabRow(self)
        self._body = QScrollArea(self)
        self._panel = PagePanel()
        self._actions = ToolActions(self)
        self._top = ToolsTop(self)
        # It stands in the top line, so it lies over it.
        self._leave_button = LargeButton("Leave", self, key=_LEAVE_KEY)
        self._leave_button.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._question = QuestionPanel(self)
        self._overlay = Overlay(self)
        self._held_keys = HeldKeys()
        # A button would take Up and Down for itself, and hand the focus on.
        for button in (*self._tabs.buttons, self._leave_button):
            button.installEventFilter(self)
        self._clock = QElapsedTimer()
        self._clock.start()
        self._copied = QElapsedTimer()
        self._set_up_body()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.show_frame)
        self._tabs.turned.connect(self._turn)
        self._panel.chosen.connect(self._choose)
        self._actions.chosen.connect(self._do)
        self._question.answered.connect(self._answer)
        self._leave_button.clicked.connect(self._leave)
        self._overlay.left.connect(self._leave)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_theme_changed)
        self._arrange()
        self.setFocus()
        self._timer.start(FRAME_MS)

    def _set_up_body(self) -> None:
        self._body.setFrameShape(QFrame.Shape.NoFrame)
        self._body.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._body.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body.setWidget(self._panel)
        for widget in (self._body.viewport(), self._panel):
            widget.setAutoFillBackground(False)
        self._body.verticalScrollBar().setSingleStep(_SCROLL_STEP)

    @property
    def theme(self) -> Theme:
        """The theme in use."""
        return self._theme

    def show_frame(self) -> ToolsSnapshot:
        """Ask for a snapshot and show it; the timer does this, a test may."""
        snapshot = self._tools.snapshot()
        before, self._snapshot = self._snapshot, snapshot
        self._tabs.show_page(snapshot.page)
        self._top.show_identity(snapshot.identity)
        if self._panel.show_blocks(TITLES[snapshot.page], snapshot.blocks):
            self._arrange_page()
            if before is None or before.page != snapshot.page:
                self._body.verticalScrollBar().setValue(0)
        copied = self._copied.isValid() and self._copied.elapsed() < _COPIED_MS
        self._actions.offer(snapshot.actions, COPIED if copied else snapshot.footer)
        self._question.show_question(snapshot.question)
        if snapshot.finished:
            self.close()
        return snapshot

    def fit_to_screen(self) -> None:
        """Be no larger than the screen, the frame that a desktop gives a window included; call it once shown."""
        if self.isFullScreen() or self.isMaximized():
            return
        free, frame, inner = self.screen().availableGeometry(), self.frameGeometry(), self.geometry()
        # A desktop may give it its frame only later.
        beside = max(frame.width() - inner.width(), 2 * _FRAME)
        above = max(frame.height() - inner.height(), self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight))
        most = free.size() - QSize(beside, above + _FRAME)
        if inner.width() > most.width() or inner.height() > most.height():
            self.resize(inner.size().boundedTo(most))
            self.move(free.topLeft())

    def fail(self, error: Exception) -> None:
        """Show what went wrong in the window itself, and log it with its traceback."""
        log.error("the window failed", exc_info=error)
        self._timer.stop()
        problem = (
            error
            if isinstance(error, Problem)
            else Problem(
                f"The window stopped: {type(error).__name__}: {error}", "Close it, and report this with the log."
            )
        )
        self.exit_code = 2
        self._overlay.show_panel(problem_panel(problem.what, problem.fix))

    # Commands

    def _turn(self, page: str) -> None:
        on_tabs = self.focusWidget() in self._tabs.buttons
        self._tools.turn_to(page)
        self.show_frame()
        if on_tabs:
            self._tabs.buttons[list(TITLES).index(page)].setFocus(Qt.FocusReason.TabFocusReason)

    def _turn_by(self, step: int) -> None:
        pages = list(TITLES)
        page = OVERVIEW if self._snapshot is None else self._snapshot.page
        self._turn(pages[(pages.index(page) + step) % len(pages)])

    def _choose(self, row: str) -> None:
        self._tools.choose(row)
        self.show_frame()

    def _do(self, action: str) -> None:
        if action == "copy":
            QGuiApplication.clipboard().setText(self._tools.text())
            self._copied.start()
        else:
            self._tools.do(action)
        self.show_frame()
        # A button that a held key pressed hands its repeats over with the focus.
        for key in (Qt.Key.Key_Space, *_ENTER):
            self._held_keys.release(key, self._clock.elapsed())

    def _answer(self, option: str) -> None:
        self._tools.answer(option)
        self.show_frame()

    def _leave(self) -> None:
        self.close()

    def _move(self, step: int) -> None:
        """Choose another row where there are any, else scroll."""
        if self._snapshot is not None and self._snapshot.page == OVERVIEW:
            self._tools.move(step)
            self.show_frame()
            rect = self._panel.chosen_rect
            if rect is not None:
                self._body.ensureVisible(0, round(rect.top()), 0, 8)
                self._body.ensureVisible(0, round(rect.bottom()), 0, 8)
        else:
            slider = QAbstractSlider.SliderAction
            self._scroll(slider.SliderSingleStepAdd if step > 0 else slider.SliderSingleStepSub)

    def _scroll(self, action: QAbstractSlider.SliderAction) -> None:
        self._body.verticalScrollBar().triggerAction(action)

    def _next_theme(self) -> None:
        self._follow_system = False
        self._theme = next_theme(self._theme)
        self._arrange()

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _system_theme_changed(self) -> None:
        if self._follow_system:
            self._theme = theme_named("auto")
            self._arrange()

    # Qt's events

    def focusNextPrevChild(self, forward: bool) -> bool:
        """While a question is asked the focus stays among its answers."""
        if self._question.question is not None:
            self._question.step(forward)
            return True
        return super().focusNextPrevChild(forward)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take Up and Down from the button that has the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _UP_DOWN:
            self.keyPressEvent(event)
            return True
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the key stands for; keys that repeat count once, but for those that move."""
        key = event.key()
        moves = self._moves.get(key)
        fresh = self._held_keys.press(key, self._clock.elapsed())
        if moves is None and (event.isAutoRepeat() or not fresh):
            return
        if self._overlay.panel is not None:
            if key in (*_ENTER, Qt.Key.Key_Escape):
                self.close()
        elif self._question.question is not None:
            self._key_in_question(key)
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._key_with_control(event)
        elif key in _ENTER and isinstance(self.focusWidget(), QAbstractButton):
            self._press_focused()
        elif key in _DIGITS:
            self._turn(list(TITLES)[_DIGITS.index(Qt.Key(key))])
        elif moves is not None:
            moves()
        elif not self._key_of_action(key):
            super().keyPressEvent(event)

    @property
    def _moves(self) -> dict[int, Callable[[], None]]:
        slider = QAbstractSlider.SliderAction
        return {
            Qt.Key.Key_Down: lambda: self._move(1),
            Qt.Key.Key_Up: lambda: self._move(-1),
            Qt.Key.Key_PageDown: lambda: self._scroll(slider.SliderPageStepAdd),
            Qt.Key.Key_PageUp: lambda: self._scroll(slider.SliderPageStepSub),
            Qt.Key.Key_Left: lambda: self._turn_by(-1),
            Qt.Key.Key_Right: lambda: self._turn_by(1),
        }

    def _key_in_question(self, key: int) -> None:
        if key == Qt.Key.Key_Escape:
            self._question.cancel()
        elif key in _ENTER:
            self._press_focused()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._question.step(key == Qt.Key.Key_Right)

    def _key_with_control(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_C:
            self._do("copy")
        elif event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            self._turn_by(1 if event.key() == Qt.Key.Key_PageDown else -1)
        elif event.key() == Qt.Key.Key_Q:
            self._leave()
        else:
            super().keyPressEvent(event)

    def _press_focused(self) -> None:
        focused = self.focusWidget()
        if isinstance(focused, QAbstractButton):
            focused.click()

    def _key_of_action(self, key: int) -> bool:
        """Do the action that has this key, or what the window itself does by it; return whether there was one."""
        for action in () if self._snapshot is None else self._snapshot.actions:
            if key in _KEYS.get(action.key, ()):
                self._do(action.name)
                return True
        own: dict[int, Callable[[], None]] = {
            Qt.Key.Key_T: self._next_theme,
            Qt.Key.Key_F11: self._toggle_full_screen,
            Qt.Key.Key_Escape: self.setFocus,
        }
        if key in own:
            own[key]()
        return key in own

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Take a release; it counts once no press of the same key has followed."""
        if not event.isAutoRepeat():
            self._held_keys.release(event.key(), self._clock.elapsed())
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A key that is held while the focus leaves is not seen to be let go."""
        self._held_keys.release_all(self._clock.elapsed())
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """A key that is held while another window comes forward is not seen to be let go."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._held_keys.release_all(self._clock.elapsed())
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the parts anew."""
        super().resizeEvent(event)
        self._arrange()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave with the window, unless firmware is being written: then it asks, and waits."""
        if self._overlay.panel is None and not self._tools.leave():
            event.ignore()
            self.show_frame()
            return
        self._timer.stop()
        super().closeEvent(event)
        self.closed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground between the parts, and the line below the tabs."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._theme.color("bg"))

    # Places

    def _arrange(self) -> None:
        places = places_for(self.width(), self.height())
        theme, type_ = self._theme, places.type
        self._top.setGeometry(places.top)
        # Where there is little room, the tool's name is worth more than a picture of the key.
        self._leave_button.key = "" if places.top.width() < _ROOM_FOR_KEY else _LEAVE_KEY
        self._leave_button.set_style(theme, type_)
        width = self._leave_button.sizeHint().width()
        height = min(type_.button, places.top.height())
        middle = places.top.center().y() - height // 2
        self._leave_button.setGeometry(places.top.right() + 1 - width, middle, width, height)
        self._top.room = width + 2 * type_.base.gap
        self._tabs.setGeometry(places.tabs)
        self._body.setGeometry(places.body)
        self._body.setStyleSheet(scroll_sheet(theme))
        self._actions.setGeometry(places.actions)
        for part in (self._top, self._tabs, self._panel, self._actions, self._question):
            part.set_style(theme, type_)
        self._question.setGeometry(self.rect())
        self._overlay.setGeometry(self.rect())
        self._overlay.set_style(theme, type_.base)
        self._arrange_page()
        self.update()

    def _arrange_page(self) -> None:
        """Give the page the height that it needs; what is beyond the body scrolls."""
        body = places_for(self.width(), self.height()).body
        height = self._panel.arrange(body.width())
        if height > body.height():
            # The bar that scrolls needs its room.
            height = self._panel.arrange(body.width() - 16)
            self._panel.setGeometry(0, self._panel.y(), body.width() - 16, height)
        else:
            self._panel.setGeometry(0, 0, body.width(), body.height())
