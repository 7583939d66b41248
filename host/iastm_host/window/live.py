"""The live window: panels in their places, keys, and one timer that shows a snapshot per frame."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QFocusEvent, QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from iastm_host.app.live_view import (
    LiveView,
    Panel,
    ViewState,
    about_panel,
    is_silent,
    live_view,
    problem_panel,
    records,
    replays,
    summary_panel,
)
from iastm_host.app.session import Session
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.app.sounds import SoundSchedule
from iastm_host.events import Problem
from iastm_host.window.actions import ActionBar
from iastm_host.window.chart import ChartPanel
from iastm_host.window.geometry import geometry_for
from iastm_host.window.held_keys import HeldKeys
from iastm_host.window.ladder import LadderPanel, NowBar
from iastm_host.window.overlay import Overlay
from iastm_host.window.speaker import SilentSpeaker, Speaker
from iastm_host.window.strip import StripPanel
from iastm_host.window.theme import Theme, next_theme, theme_named
from iastm_host.window.topbar import TopBar

FRAME_MS = 25
HOLD_TO_END_MS = 1000
PAGE_SEEN_MS = 500
"""The last page can be left once it has been on screen for this long."""
END_BUTTON = -1
"""The button that ends, among keys that are held."""
FLASH_HZ = 0.6
CURSOR_STEP, CURSOR_STRIDE = 1, 32
"""Samples that the cursor moves per arrow key, and with Shift."""

log = logging.getLogger(__name__)


class LiveWindow(QWidget):
    """One session, live. It asks the session for a snapshot per frame and draws what the view model says of it.

    Signals:
        closed(): the window was closed, and the session told to stop.
    """

    closed = Signal()

    def __init__(
        self,
        session: Session,
        theme: str = "auto",
        title: str = "IASTM live view",
        speaker: Speaker | None = None,
        close_when_finished: bool = False,
        overshoot: bool = False,
    ) -> None:
        super().__init__()
        self.setWindowTitle(title)
        self.setMinimumSize(480, 360)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._session = session
        self._speaker: Speaker = speaker if speaker is not None else SilentSpeaker()
        self._sounds = SoundSchedule(overshoot)
        self._close_when_finished = close_when_finished
        self._follow_system = theme == "auto"
        self._theme = theme_named(theme)
        self._view = ViewState(sound_available=self._speaker.available)
        self._snapshot: LiveSnapshot | None = None
        self._streamed = False
        self._session_paused = False
        self._about = self._ending = False
        self._own_problem: Problem | None = None
        self.exit_code = 0
        self._top, self._chart, self._now = TopBar(self), ChartPanel(self), NowBar(self)
        self._ladder, self._strip, self._actions = LadderPanel(self), StripPanel(self), ActionBar(self)
        self._overlay = Overlay(self)
        self._held_keys = HeldKeys()
        self._clock = QElapsedTimer()
        self._clock.start()
        self._holding = QElapsedTimer()
        self._page_shown = QElapsedTimer()
        self._flash = QElapsedTimer()
        self._flash.start()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._commands: dict[str, Callable[[], None]] = {
            "pause": self._toggle_pause,
            "marker": self._ask(session.add_marker),
            "region": self._ask(session.next_region),
            "zero": self._ask(session.zero),
            "undo_zero": self._ask(session.undo_zero),
            "record": self._ask(self._start_recording),
            "sound": self._toggle_sound,
            "inspect": self._toggle_inspect,
            "about": self._toggle_about,
        }
        self._keys: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Space: self._toggle_pause,
            Qt.Key.Key_M: self._ask(session.add_marker),
            Qt.Key.Key_N: self._ask(session.next_region),
            Qt.Key.Key_Z: self._ask(session.zero),
            Qt.Key.Key_U: self._ask(session.undo_zero),
            Qt.Key.Key_R: self._ask(self._start_recording),
            Qt.Key.Key_S: self._toggle_sound,
            Qt.Key.Key_I: self._toggle_inspect,
            Qt.Key.Key_Question: self._toggle_about,
            Qt.Key.Key_F1: self._toggle_about,
            Qt.Key.Key_T: self._next_theme,
            Qt.Key.Key_F11: self._toggle_full_screen,
        }
        self._timer.timeout.connect(self._tick)
        self._actions.chosen.connect(self._run_command)
        self._actions.end_held.connect(self._hold_end_button)
        self._overlay.left.connect(self._leave_overlay)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_theme_changed)
        self._arrange()
        self._timer.start(FRAME_MS)

    @property
    def view(self) -> ViewState:
        """The state of the view."""
        return self._view

    @property
    def theme(self) -> Theme:
        """The theme in use."""
        return self._theme

    def show_frame(self) -> LiveView:
        """Ask for a snapshot and show it; the timer does this, a test may."""
        snapshot = self._session.snapshot()
        self._snapshot = snapshot
        self._streamed = self._streamed or snapshot.trace.last_arrived_us > 0
        if snapshot.paused != self._session_paused:
            # The tool's button, or a recorded pause: the view follows, whatever it stood at.
            self._session_paused = snapshot.paused
            self._view = self._view.pause(snapshot) if snapshot.paused else self._view.go_on(snapshot)
        live = live_view(snapshot, self._view)
        self._view = self._view.after(snapshot, live.ladder.state, live.angle_deg)
        frozen = self._view.frozen
        self._chart.show_view(live)
        self._chart.show_frame(snapshot if frozen is None else frozen, live)
        self._now.show_force(snapshot.verdict.force_n if live.shows_force else None, snapshot.profile)
        self._ladder.show_view(live.ladder, snapshot.profile)
        self._strip.show_view(live.strip)
        self._actions.show_actions(live.actions)
        self._top.show_view(live, self._flash.elapsed() * FLASH_HZ / 1000 % 1.0 < 0.5)
        self._play_due(live, snapshot)
        self._show_ending(snapshot)
        return live

    def fail(self, error: Exception) -> None:
        """Show what went wrong in the window itself, and log it with its traceback."""
        log.error("the window failed", exc_info=error)
        self._timer.stop()
        self._own_problem = (
            error
            if isinstance(error, Problem)
            else Problem(
                f"The window stopped: {type(error).__name__}: {error}",
                "A recording goes on until this window closes. Close it, start again, and report this with the log.",
            )
        )
        self.exit_code = 2
        self._show_last_page(problem_panel(self._own_problem.what, self._own_problem.fix))

    def _tick(self) -> None:
        self._settle_keys()
        self._advance_hold()
        self.show_frame()

    def _play_due(self, live: LiveView, snapshot: LiveSnapshot) -> None:
        if not self._speaker.available:
            self._view = self._view.without_sound()
            return
        paused = self._view.sound_paused(snapshot.taken_us)
        for tone in self._sounds.due(live, snapshot.alerts, snapshot.taken_us, paused)[:1]:
            self._speaker.play(tone)

    def _show_ending(self, snapshot: LiveSnapshot) -> None:
        if snapshot.problem is not None and not self._streamed:
            self.exit_code = 2
            self._show_last_page(problem_panel(snapshot.problem.what, snapshot.problem.fix))
        elif snapshot.finished and self._close_when_finished:
            self.close()
        elif snapshot.finished or self._ending:
            self._show_last_page(summary_panel(snapshot, self._view))
        elif self._about:
            self._overlay.show_panel(about_panel(snapshot.profile, snapshot.tip))
        else:
            self._overlay.show_panel(None)

    def _show_last_page(self, panel: Panel) -> None:
        """Show what the window ends with."""
        self._about = False
        if not self._page_shown.isValid():
            self._page_shown.start()
        self._overlay.show_panel(panel)

    # Commands

    def _ask(self, request: Callable[[], None]) -> Callable[[], None]:
        """Return a request to the tool or its recording that nothing comes of in a replay."""

        def ask() -> None:
            if self._snapshot is not None and not replays(self._snapshot):
                request()

        return ask

    def _run_command(self, command: str) -> None:
        self._commands[command]()
        self.setFocus()
        # A button that a held key pressed hands its repeats over with the focus.
        for key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._held_keys.release(key, self._clock.elapsed())

    def _toggle_pause(self) -> None:
        if self._snapshot is not None:
            change = self._view.go_on if self._view.paused else self._view.pause
            self._view = change(self._snapshot)
            self._ask(lambda: self._session.set_paused(self._view.paused))()

    def _toggle_inspect(self) -> None:
        if self._snapshot is not None:
            self._view = self._view.inspect(self._snapshot)

    def _toggle_sound(self) -> None:
        """Pause this computer's sound and silence the tool's, or end both."""
        if self._snapshot is None:
            return
        silent = not is_silent(self._snapshot, self._view)
        if self._view.sound_available:
            self._view = self._view.pause_sound(self._session.now_us())
        self._ask(lambda: self._session.silence_tool(silent))()

    def _toggle_about(self) -> None:
        self._about = not self._about

    def _start_recording(self) -> None:
        if self._snapshot is not None and not records(self._snapshot):
            self._session.start_recording()

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

    # Ending

    def _leave_overlay(self) -> None:
        """Close what lies over the view: the page on limits goes, the last page takes the window with it."""
        if self._about:
            self._about = False
        elif self._page_shown.isValid() and self._page_shown.elapsed() >= PAGE_SEEN_MS:
            self.close()

    def _hold_end_button(self, held: bool) -> None:
        if not held:
            self._held_keys.release(END_BUTTON, self._clock.elapsed())
        elif self._held_keys.press(END_BUTTON, self._clock.elapsed()):
            self._start_hold()

    def _start_hold(self) -> None:
        if not self._holding.isValid():
            self._holding.start()

    def _stop_hold(self) -> None:
        self._holding.invalidate()
        self._actions.set_ring(0.0)

    def _settle_keys(self) -> None:
        if self._held_keys.settle(self._clock.elapsed()) & {Qt.Key.Key_Escape, END_BUTTON}:
            self._stop_hold()

    def _advance_hold(self) -> None:
        """Fill the ring; while a release may yet turn out to be one the ring waits."""
        if not self._holding.isValid() or not any(map(self._held_keys.certain, (Qt.Key.Key_Escape, END_BUTTON))):
            return
        share = min(1.0, self._holding.elapsed() / HOLD_TO_END_MS)
        self._actions.set_ring(share)
        if share >= 1.0:
            self._stop_hold()
            self._ending = True
            self._session.stop()

    # Qt's events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the key stands for; keys that repeat count once, arrows always."""
        fresh = self._held_keys.press(event.key(), self._clock.elapsed())
        if (event.isAutoRepeat() or not fresh) and event.key() not in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape) and self._overlay.panel is not None:
            self._leave_overlay()
        elif event.key() == Qt.Key.Key_Escape:
            self._start_hold()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            stride = CURSOR_STRIDE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else CURSOR_STEP
            self._view = self._view.move_cursor(stride if event.key() == Qt.Key.Key_Right else -stride)
        elif event.key() in self._keys:
            self._keys[event.key()]()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Take a release; it counts once no press of the same key has followed."""
        if not event.isAutoRepeat():
            self._held_keys.release(event.key(), self._clock.elapsed())
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A key that is held while the focus leaves is not seen to be let go."""
        self._let_go()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """A key that is held while another window comes forward is not seen to be let go."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._let_go()
        super().changeEvent(event)

    def _let_go(self) -> None:
        self._held_keys.release_all(self._clock.elapsed())
        self._stop_hold()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the panels anew."""
        super().resizeEvent(event)
        self._arrange()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop the session with the window."""
        self._timer.stop()
        self._session.stop()
        super().closeEvent(event)
        self.closed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground between the panels."""
        QPainter(self).fillRect(event.rect(), self._theme.color("bg"))

    def _arrange(self) -> None:
        places = geometry_for(self.width(), self.height())
        sizes, brief = places.sizes, places.brief
        self._top.setGeometry(places.top)
        self._top.set_style(self._theme, sizes, places.brief)
        self._chart.setVisible(not places.chart.isEmpty())
        self._chart.setGeometry(places.chart)
        self._chart.set_style(self._theme, sizes, brief)
        self._strip.setVisible(not places.strip.isEmpty())
        self._strip.setGeometry(places.strip)
        self._strip.set_style(self._theme, sizes, brief)
        self._ladder.setGeometry(places.ladder)
        plot = self._chart.plot.geometry()
        top = self._ladder.mapFrom(self, self._chart.mapTo(self, plot.topLeft())).y()
        self._ladder.set_style(self._theme, sizes, 0 if brief else sizes.fan, top, top + plot.height())
        self._ladder.set_brief(brief)
        self._now.setVisible(not brief)
        corner = self._chart.mapTo(self, plot.topRight()) + QPoint(6, 0)
        self._now.setGeometry(corner.x(), corner.y(), sizes.now_bar, plot.height())
        self._now.set_style(self._theme)
        self._actions.setGeometry(places.actions)
        self._actions.set_style(self._theme, sizes)
        self._overlay.setGeometry(self.rect())
        self._overlay.set_style(self._theme, sizes)
        self.update()
