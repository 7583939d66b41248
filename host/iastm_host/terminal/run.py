"""Running the text view until the session ends."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from iastm_host.app.live_view import ViewState, is_silent, live_view, sound_label
from iastm_host.app.session import Session
from iastm_host.terminal.keys import Keys, terminal_keys
from iastm_host.terminal.lines import LineReport
from iastm_host.terminal.screen import screen

_SCREENS_PER_S = 10
_LINES_PER_S = 20


def run_lines(session: Session, write: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> None:
    """Write plain lines until the session is over."""
    report = LineReport(write)
    while True:
        snapshot = session.snapshot()
        report.update(snapshot)
        if snapshot.finished:
            return
        sleep(1 / _LINES_PER_S)


def run_screen(session: Session, console: Console, sleep: Callable[[float], None] = time.sleep) -> None:
    """Show the live screen until the session is over; q ends it."""
    state = ViewState(sound_available=False)
    paused = False
    with terminal_keys() as keys, Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            state = _obey(keys, session, state)
            snapshot = session.snapshot()
            if snapshot.paused != paused:
                paused = snapshot.paused
                state = state.pause(snapshot) if paused else state.go_on(snapshot)
            shown = live_view(snapshot, state)
            state = state.after(snapshot, shown.ladder.state, shown.angle_deg)
            live.update(screen(state.frozen or snapshot, shown, console.width, console.height), refresh=True)
            if snapshot.finished:
                return
            sleep(1 / _SCREENS_PER_S)


def _obey(keys: Keys, session: Session, state: ViewState) -> ViewState:
    for key in keys.pressed():
        match key:
            case "q":
                session.stop()
            case "m":
                session.add_marker()
            case "n":
                session.next_region()
            case "z":
                session.zero()
            case "u":
                session.undo_zero()
            case "s":
                now = session.snapshot()
                if sound_label(now, state):
                    session.silence_tool(not is_silent(now, state))
            case "r":
                session.start_recording()
            case " ":
                now = session.snapshot()
                state = state.go_on(now) if state.paused else state.pause(now)
                session.set_paused(state.paused)
            case _:
                pass
    return state
