from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from tests.host.window.fake_session import HOLD, medium_alert, snapshot_at

from iastm_host.app.live_view import ViewState, live_view
from iastm_host.app.snapshot import LinkView, LiveSnapshot, RecordingView
from iastm_host.events import Problem
from iastm_host.terminal.screen import screen

AT_S = 24.8


def linked(state: str, reason: str) -> LinkView:
    return LinkView("serial", state, reason, 0)


def missing(shown: LiveSnapshot) -> LiveSnapshot:
    force_n = shown.trace.force_n.copy()
    force_n[-300:-100] = np.nan
    return replace(shown, trace=replace(shown.trace, force_n=force_n), missing_samples=200, samples_expected=9000)


def clipped(shown: LiveSnapshot) -> LiveSnapshot:
    saturated = shown.trace.saturated.copy()
    saturated[-3:] = True
    return replace(shown, trace=replace(shown.trace, saturated=saturated))


FINE = snapshot_at(AT_S)
EMPTY = replace(FINE, tool=None, strokes=(), stroke_count=0, recording=None, battery_percent=None, stroke_rate_hz=None)
EMPTY = replace(EMPTY, trace=replace(FINE.trace, period_us=1.0, force_n=np.zeros(0), saturated=np.zeros(0, dtype=bool)))
STATES: dict[str, tuple[LiveSnapshot, str]] = {
    "fine": (snapshot_at(AT_S, (6.9,)), "Fine"),
    "light": (snapshot_at(AT_S, (3.0,)), "Too light"),
    "firm": (snapshot_at(AT_S, (9.5,)), "Firm"),
    "hard": (snapshot_at(AT_S, (12.0,)), "Hard"),
    "too hard": (snapshot_at(AT_S, (16.0,)), "Too hard"),
    "no tool": (replace(EMPTY, link=linked("connecting", "Opening the link")), "Switch on the tool"),
    "greeting": (replace(EMPTY, link=linked("greeting", "Asking the tool who it is")), "Connecting"),
    "refused": (replace(EMPTY, link=linked("refused", "Nothing came within 5 s.")), "Tool refused"),
    "lost": (replace(FINE, link=linked("lost", "The link is gone")), "Link lost"),
    "silent": (replace(FINE, link=linked("silent", "The tool fell silent")), "No data"),
    "stale": (replace(FINE, taken_us=FINE.taken_us + 3_000_000), "No data"),
    "finished": (replace(FINE, finished=True), "Finished"),
    "saturated": (clipped(FINE), "Out of range"),
    "missing": (missing(FINE), "missing"),
    "medium alert": (replace(FINE, medium_alert=medium_alert(AT_S)), "3 of"),
    "problem": (replace(FINE, finished=True, problem=Problem("The cable broke.", "Mend it.")), "Stopped early"),
    "trouble": (replace(FINE, recording=RecordingView("/a.iastm", 5, 3.0, "No space left.")), "No space left"),
    "hold": (replace(snapshot_at(AT_S, (7.5,)), profile=HOLD), ""),
}


def text_of(shown: LiveSnapshot, columns: int, lines: int = 40, state: ViewState | None = None) -> str:
    out = StringIO()
    console = Console(file=out, width=columns, height=lines, force_terminal=False, legacy_windows=False)
    view = live_view(shown, state or ViewState(sound_available=False))
    console.print(screen(shown, view, columns, lines))
    return out.getvalue()


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("name", STATES)
def test_every_state_fits_the_width_and_says_its_word(name: str, columns: int) -> None:
    shown, word = STATES[name]
    text = text_of(shown, columns)
    assert max(map(len, text.splitlines())) <= columns
    if columns >= 80:
        assert word in " ".join(text.split())
    assert "nan" not in text.lower()


@pytest.mark.parametrize("name", ["refused", "lost", "silent", "stale", "saturated", "no tool"])
def test_where_the_signal_is_in_doubt_no_force_is_shown_as_live(name: str) -> None:
    text = text_of(STATES[name][0], 120)
    assert "● Fine" not in text
    assert not any(shape in text for shape in ("▲ Hard", "◆ Too hard", "△ Firm", "▼ Too light"))


def test_paused_stands_still_and_says_how_to_go_on() -> None:
    text = text_of(FINE, 120, state=ViewState(sound_available=False).pause(FINE))
    assert "Paused" in text
    assert "Space goes on" in text


@pytest.mark.parametrize("lines", [24, 40, 60])
def test_a_taller_terminal_gets_a_taller_chart_and_never_a_lower_one_than_the_least(lines: int) -> None:
    axes = text_of(FINE, 120, lines).count("┤")
    assert axes >= (14 if lines >= 30 else 5)
    assert axes >= text_of(FINE, 120, 24).count("┤")


@pytest.mark.parametrize("name", STATES)
def test_a_terminal_of_80_by_24_shows_verdict_exposure_and_keys(name: str) -> None:
    shown, word = STATES[name]
    lines = text_of(shown, 80, 24).splitlines()
    assert len(lines) <= 24
    assert word in " ".join(" ".join(lines).split())
    assert "[Q] End" in lines[-1]


def test_the_keys_that_work_are_named() -> None:
    text = " ".join(text_of(FINE, 200).split())
    for key in ("[Z]", "[Q] End"):
        assert key in text
