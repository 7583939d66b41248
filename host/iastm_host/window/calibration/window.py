"""The wizard's window: panels in their places, keys, and one timer that shows a snapshot per frame."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QElapsedTimer, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QFocusEvent, QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractSlider, QFrame, QLineEdit, QScrollArea, QWidget

from iastm_host.app.calibrating.plan import CHECK
from iastm_host.app.calibrating.snapshot import Setup, WizardSnapshot
from iastm_host.app.live_view import problem_panel
from iastm_host.events import Problem
from iastm_host.window.calibration.actions import ActionRow
from iastm_host.window.calibration.buttons import LargeButton
from iastm_host.window.calibration.certificate import CertificateTask
from iastm_host.window.calibration.evidence import EvidencePanel
from iastm_host.window.calibration.form import PrepareForm
from iastm_host.window.calibration.places import places_for
from iastm_host.window.calibration.result import ResultPanel
from iastm_host.window.calibration.steps import StepsPanel
from iastm_host.window.calibration.task import TaskPanel
from iastm_host.window.calibration.top import TopLine
from iastm_host.window.held_keys import HeldKeys
from iastm_host.window.overlay import Overlay
from iastm_host.window.scrolling import scroll_sheet
from iastm_host.window.theme import Theme, next_theme, theme_named

FRAME_MS = 50
PAGE_SEEN_MS = 500
"""What is kept, written or closed for good answers to Enter once its page has been on screen for this long."""
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_DIGITS = {Qt.Key.Key_1: 1, Qt.Key.Key_2: 2, Qt.Key.Key_3: 3}
_SCROLL_STEP = 40
_TAKE_LABEL = "Take point"

log = logging.getLogger(__name__)


class Wizard(Protocol):
    """What the window needs of a wizard; every call returns at once."""

    def snapshot(self) -> WizardSnapshot:
        """Return its state."""

    def start(self, setup: Setup) -> object:
        """Begin with a setup that has no problems of its own. Raises Problem."""

    def take(self) -> None:
        """Take the point, or go on."""

    def back(self) -> None:
        """Go one page back; nothing is lost."""

    def repeat_last(self) -> None:
        """Take the last point again; nothing is lost."""

    def answer(self, option_id: str, note: str = "") -> None:
        """Answer the question that is asked."""

    def keep(self) -> None:
        """Save the document and write it to the tool."""

    def leave(self) -> None:
        """Stop; what was taken stays as a draft."""


class CalibrationWindow(QWidget):
    """One calibration. It asks the wizard for a snapshot per frame and draws it.

    `save_certificate` is offered on the last page where it is given: it takes the document's file and returns the
    certificate's, or raises Problem; it is called in a thread of its own. `look` tells what ended the run of the tool
    for good, None while it goes on.

    Signals:
        closed(): the window was closed, and the wizard left.
    """

    closed = Signal()

    def __init__(
        self,
        wizard: Wizard,
        theme: str = "auto",
        title: str = "Calibration",
        save_certificate: Callable[[str], str] | None = None,
        look: Callable[[], Problem | None] | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle(title)
        self.setMinimumSize(640, 480)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._wizard = wizard
        self._look = look
        self._certificate = CertificateTask(save_certificate)
        self._follow_system = theme == "auto"
        self._theme = theme_named(theme)
        self._snapshot: WizardSnapshot | None = None
        self._page = ""
        self._checking = False
        self._left = False
        self.exit_code = 0
        self._own_problem: Problem | None = None
        # Created in the order of Tab.
        self._body = QScrollArea(self)
        self._content = QWidget()
        self._form = PrepareForm(self._content)
        self._task = TaskPanel(self._content)
        self._result = ResultPanel(self._content)
        self._evidence = EvidencePanel(self._content)
        self._actions = ActionRow(self)
        self._steps, self._top = StepsPanel(self), TopLine(title, self)
        self._leave_button = LargeButton("Leave", self)
        self._overlay = Overlay(self)
        self._set_up_body()
        self._held_keys = HeldKeys()
        self._clock = QElapsedTimer()
        self._clock.start()
        self._commands: dict[str, Callable[[], None]] = {
            "start": self._start,
            "take": self._take,
            "keep": wizard.keep,
            "certificate": self._make_certificate,
            "close": self._close,
            "done": self._close,
            "back": wizard.back,
            "repeat": wizard.repeat_last,
        }
        self._keys: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Backspace: self._back,
            Qt.Key.Key_R: self._repeat,
            Qt.Key.Key_T: self._next_theme,
            Qt.Key.Key_F11: self._toggle_full_screen,
            Qt.Key.Key_Escape: self.setFocus,
            Qt.Key.Key_PageDown: self._scroll(QAbstractSlider.SliderAction.SliderPageStepAdd),
            Qt.Key.Key_PageUp: self._scroll(QAbstractSlider.SliderAction.SliderPageStepSub),
            Qt.Key.Key_Down: self._scroll(QAbstractSlider.SliderAction.SliderSingleStepAdd),
            Qt.Key.Key_Up: self._scroll(QAbstractSlider.SliderAction.SliderSingleStepSub),
        }
        self._seen = QElapsedTimer()
        self._last_seen: tuple[str, bool] = ("", False)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.show_frame)
        self._actions.chosen.connect(self._run)
        self._leave_button.clicked.connect(self._close)
        self._task.question.answered.connect(self._answer)
        self._result.resized.connect(self._grow)
        self._body.verticalScrollBar().setSingleStep(_SCROLL_STEP)
        self._overlay.left.connect(self._close)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_theme_changed)
        self._arrange()
        self._timer.start(FRAME_MS)

    def _set_up_body(self) -> None:
        self._body.setFrameShape(QFrame.Shape.NoFrame)
        self._body.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._body.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body.setWidget(self._content)
        for panel in (self._form, self._task, self._result):
            panel.hide()
        for widget in (self._body.viewport(), self._content):
            widget.setAutoFillBackground(False)

    @property
    def theme(self) -> Theme:
        """The theme in use."""
        return self._theme

    @property
    def page(self) -> str:
        """The page shown: form, task or result."""
        return self._page

    def show_frame(self) -> WizardSnapshot:
        """Ask for a snapshot and show it; the timer does this, a test may."""
        snapshot = self._wizard.snapshot()
        self._snapshot = snapshot
        page, checking = page_of(snapshot), snapshot.picture.kind == CHECK
        if page != self._page or checking != self._checking:
            self._checking = checking
            self._turn_to(page, snapshot)
        if (page, snapshot.done) != self._last_seen:
            self._last_seen = (page, snapshot.done)
            self._seen.start()
        self._top.show_view(snapshot, self._own_problem or self._certificate.problem)
        self._steps.show_view(snapshot)
        self._offer(snapshot)
        if page == "task":
            if self._task.show_view(snapshot):
                self._arrange_content()
        elif page == "result":
            self._result.show_view(snapshot)
        if page != "form":
            self._evidence.show_view(snapshot)
        self._see_ending(snapshot)
        return snapshot

    def _see_ending(self, snapshot: WizardSnapshot) -> None:
        """Close once the wizard was left; say what ended the run of the tool, unless a result is there to be kept."""
        problem = None if self._look is None else self._look()
        if snapshot.finished:
            self.close()
        elif problem is not None and snapshot.result is None:
            self.exit_code = 2
            self._overlay.show_panel(problem_panel(problem.what, problem.fix))

    def _turn_to(self, page: str, snapshot: WizardSnapshot) -> None:
        self._page = page
        if page == "form":
            self._form.fill_once(snapshot.setup)
        for name, panel in (("form", self._form), ("task", self._task), ("result", self._result)):
            panel.setVisible(name == page)
        self._evidence.setVisible(page != "form")
        self._body.verticalScrollBar().setValue(0)
        if page == "result":
            self._result.show_view(snapshot)
        self._arrange()
        if page == "form":
            self._form.edits["made_by"].setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.setFocus()

    def _offer(self, snapshot: WizardSnapshot) -> None:
        if self._page == "form":
            self._actions.offer({"start": True}, {}, snapshot.footer or "Enter starts. Nothing is measured yet.")
        elif self._page == "result":
            kept = snapshot.result is not None and bool(snapshot.result.file)
            offered = {"done": True} if snapshot.done else {"keep": snapshot.can_take, "close": True}
            if self._certificate.offered:
                offered["certificate"] = kept and not self._certificate.busy
            if snapshot.can_back:
                offered["back"] = True
            share = "" if snapshot.progress is None else f" {snapshot.progress:.0%}"
            words = "" if snapshot.done else snapshot.footer + share
            self._actions.offer(offered, {"keep": snapshot.take_label}, self._certificate.words or words)
        else:
            offered = {"back": snapshot.can_back, "repeat": snapshot.can_repeat, "take": snapshot.can_take}
            self._actions.offer(offered, {"take": snapshot.take_label or _TAKE_LABEL}, snapshot.footer)

    def fail(self, error: Exception) -> None:
        """Show what went wrong in the window itself, and log it with its traceback."""
        log.error("the window failed", exc_info=error)
        self._timer.stop()
        problem = (
            error
            if isinstance(error, Problem)
            else Problem(
                f"The window stopped: {type(error).__name__}: {error}",
                "Taken points are kept. Close it, start again, and report this with the log.",
            )
        )
        self.exit_code = 2
        self._overlay.show_panel(problem_panel(problem.what, problem.fix))

    # Commands

    def _do(self, action: Callable[[], object]) -> None:
        """Do something; what hinders it is shown until something else is done."""
        self._own_problem = None
        try:
            action()
        except Problem as problem:
            self._own_problem = problem

    def _run(self, command: str) -> None:
        self._do(self._commands[command])
        if self._page != "form":
            self.setFocus()
        # A button that a held key pressed hands its repeats over with the focus.
        for key in (Qt.Key.Key_Space, *_ENTER):
            self._held_keys.release(key, self._clock.elapsed())

    def _start(self) -> None:
        setup = self._form.accept()
        if setup is not None:
            self._wizard.start(setup)

    def _take(self) -> None:
        if self._snapshot is not None and self._snapshot.can_take:
            self._wizard.take()

    def _enter(self) -> None:
        """Do the next thing, where it can be done; a question waits for its own answer."""
        snapshot = self._snapshot
        if self._page == "form":
            self._start()
        elif self._page == "result" and self._seen.elapsed() < PAGE_SEEN_MS:
            # A key that was meant for the page before.
            return
        elif snapshot is not None and snapshot.question is None and snapshot.can_take:
            self._wizard.keep() if self._page == "result" else self._wizard.take()
        elif snapshot is not None and snapshot.done:
            self.close()

    def _back(self) -> None:
        if self._snapshot is not None and self._snapshot.can_back:
            self._wizard.back()

    def _repeat(self) -> None:
        if self._snapshot is not None and self._snapshot.can_repeat:
            self._wizard.repeat_last()

    def _answer(self, option_id: str, note: str) -> None:
        self._do(lambda: self._wizard.answer(option_id, note))
        self.setFocus()

    def _make_certificate(self) -> None:
        if self._snapshot is not None and self._snapshot.result is not None:
            self._certificate.start(self._snapshot.result.file)

    def _close(self) -> None:
        self.close()

    def _scroll(self, action: QAbstractSlider.SliderAction) -> Callable[[], None]:
        """Return what moves the page where it is higher than its place."""

        def scroll() -> None:
            self._body.verticalScrollBar().triggerAction(action)

        return scroll

    def _grow(self) -> None:
        """Give the result its place anew, and show the end of what was unfolded."""
        self._arrange_content()
        if self._result.fold.isChecked():
            self._body.ensureVisible(0, self._content.height())

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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the key stands for; keys that repeat count once."""
        fresh = self._held_keys.press(event.key(), self._clock.elapsed())
        if event.isAutoRepeat() or not fresh:
            return
        key = event.key()
        if self._overlay.panel is not None:
            if key in (*_ENTER, Qt.Key.Key_Escape):
                self.close()
        elif key in _ENTER:
            focused = self.focusWidget()
            if isinstance(focused, LargeButton):
                focused.click()
            else:
                self._do(self._enter)
        elif key in _DIGITS:
            self._task.question.answer(_DIGITS[Qt.Key(key)])
        elif key in self._keys and not (isinstance(self.focusWidget(), QLineEdit) and key != Qt.Key.Key_Escape):
            self._do(self._keys[key])
        else:
            super().keyPressEvent(event)

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
        """Place the panels anew."""
        super().resizeEvent(event)
        self._arrange()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave the wizard with the window; its draft stays."""
        self._timer.stop()
        if not self._left:
            self._left = True
            self._wizard.leave()
        super().closeEvent(event)
        self.closed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground between the panels."""
        QPainter(self).fillRect(event.rect(), self._theme.color("bg"))

    # Places

    def _arrange(self) -> None:
        places = places_for(self.width(), self.height())
        theme, type_ = self._theme, places.type
        self._top.setGeometry(places.top)
        self._leave_button.set_style(theme, type_)
        width = self._leave_button.sizeHint().width()
        height = min(type_.button, places.top.height())
        middle = places.top.center().y() - height // 2
        self._leave_button.setGeometry(places.top.right() + 1 - width, middle, width, height)
        self._top.room = width + type_.base.gap
        self._steps.setGeometry(places.steps)
        self._steps.set_brief(places.kind == "column")
        self._body.setGeometry(places.body)
        self._body.setStyleSheet(scroll_sheet(theme))
        self._actions.setGeometry(places.actions)
        for panel in (self._top, self._steps, self._form, self._task, self._result, self._evidence, self._actions):
            panel.set_style(theme, type_)
        self._arrange_content()
        self._overlay.setGeometry(self.rect())
        self._overlay.set_style(theme, type_.base)
        self.update()

    def _arrange_content(self) -> None:
        """Place the page; what it needs beyond the body scrolls."""
        places = places_for(self.width(), self.height())
        height, task, evidence = places.content_height, places.task, places.evidence
        if self._page == "form":
            height = max(places.body.height(), self._form.arrange(places.body.width()))
            width = places.body.width() - (16 if height > places.body.height() else 0)
            height = max(places.body.height(), self._form.arrange(width))
            self._form.setGeometry(0, 0, width, height)
        else:
            if self._checking and places.kind != "column":
                # What is looked at is the graph.
                middle = places.page.width() // 2
                task.setRight(middle - 7)
                evidence.setLeft(middle + 6)
            last = self._page == "result"
            needed = self._result.arrange(task.width()) if last else self._task.needed_height(task.width())
            grown = max(0, needed - task.height())
            if grown and height <= places.body.height():
                # The bar that scrolls needs its room.
                evidence.setRight(evidence.right() - 16)
            height += grown
            task.setHeight(task.height() + grown)
            if places.kind == "column":
                evidence.translate(0, grown)
            else:
                evidence.setHeight(task.height())
            (self._result if last else self._task).setGeometry(task)
            self._task.arrange()
        self._evidence.setGeometry(evidence)
        self._content.setGeometry(0, 0, places.body.width(), height)


def page_of(snapshot: WizardSnapshot) -> str:
    """Return the page that shows a snapshot: the form before anything began, the result once there is one, else the
    task.
    """
    if snapshot.result is not None:
        return "result"
    begun = any(step.state != "todo" for step in snapshot.steps)
    return "task" if begun else "form"
