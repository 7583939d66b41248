from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QElapsedTimer, QRectF, Qt
from PySide6.QtGui import QFontDatabase, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from tests.host.window.fake_session import HOLD, FakeSession, medium_alert, snapshot_at

from iastm_host.app.live_view import LADDER_ROWS
from iastm_host.app.snapshot import LinkView, LiveSnapshot, RecordingView, ReplayView, ZeroView
from iastm_host.app.sounds import Tone
from iastm_host.events import Problem
from iastm_host.window.fonts import font, width_of
from iastm_host.window.geometry import COMPACT, WIDE, Geometry, geometry_for
from iastm_host.window.held_keys import RELEASE_MS
from iastm_host.window.icons import ICONS, icon_paths
from iastm_host.window.live import PAGE_SEEN_MS, LiveWindow
from iastm_host.window.overlay import Overlay

WAIT_MS = 5000
FINE = snapshot_at(24.8)
EMPTY = replace(
    FINE,
    link=LinkView("serial", "connecting", "Opening the link", 0),
    tool=None,
    trace=replace(FINE.trace, force_n=np.zeros(0), saturated=np.zeros(0, dtype=bool), last_arrived_us=0),
    strokes=(),
    stroke_count=0,
    recording=None,
)


class FakeSpeaker:
    """Remembers what it was told to play."""

    available = True

    def __init__(self) -> None:
        self.played: list[str] = []

    def play(self, tone: Tone) -> None:
        self.played.append(tone.name)


def wide_gap(snapshot: LiveSnapshot) -> LiveSnapshot:
    force_n = snapshot.trace.force_n.copy()
    force_n[1500:2100] = np.nan
    first = snapshot.trace.first_index
    gaps = ((first + 1500, first + 2100, "lost"),)
    return replace(
        snapshot, trace=replace(snapshot.trace, force_n=force_n, gaps=gaps), missing_samples=600, gap_count=1
    )


def saturated(snapshot: LiveSnapshot) -> LiveSnapshot:
    flags = snapshot.trace.saturated.copy()
    flags[-60:-5] = True
    return replace(snapshot, trace=replace(snapshot.trace, saturated=flags))


def held(snapshot: LiveSnapshot) -> LiveSnapshot:
    start_us = snapshot.trace.last_tool_us - 34_000_000
    verdict = replace(snapshot.verdict, running_n=7.4, steady_n=7.1, contact_start_us=start_us)
    return replace(snapshot, profile=HOLD, verdict=verdict)


STATES: dict[str, LiveSnapshot] = {
    "light": snapshot_at(25.0, peaks_n=(3.9,)),
    "fine": snapshot_at(25.0, peaks_n=(6.8,)),
    "firm": snapshot_at(25.0, peaks_n=(9.4,)),
    "hard": snapshot_at(25.0, peaks_n=(12.2,)),
    "too_hard": snapshot_at(25.0, peaks_n=(16.2,), medium_alert=medium_alert(25.0)),
    "above the axis": snapshot_at(25.0, peaks_n=(48.8,)),
    "hold": held(FINE),
    "ready": replace(FINE, verdict=replace(FINE.verdict, running_n=None, last_n=None, contact_end_us=0)),
    "no tool": EMPTY,
    "closed": replace(EMPTY, link=LinkView("serial", "closed", "", 0)),
    "refused": replace(EMPTY, link=LinkView("serial", "refused", "Protocol 2, this app speaks 1", 0)),
    "stale": replace(FINE, taken_us=FINE.taken_us + 700_000),
    "lost": replace(FINE, link=LinkView("serial", "lost", "The port went away", FINE.taken_us - 2_100_000)),
    "saturated": saturated(FINE),
    "missing": wide_gap(FINE),
    "trouble": replace(FINE, recording=RecordingView("/r/a.iastm", 1, 1.0, "disk full"), battery_percent=None),
    "zero": replace(FINE, zero=ZeroView(True, "Hold still to zero", FINE.taken_us + 1, False, 0.4)),
    "replay": replace(FINE, replay=ReplayView(83.0, 296.0, 4.0), link=LinkView("replay", "streaming", "", 0)),
    "no limits": replace(FINE, profile=replace(FINE.profile, warn_n=0.0, alarm_n=0.0, region_time_s=None), tip=None),
    "problem": replace(FINE, problem=Problem("The session stopped.", "Start again.")),
    "finished": replace(FINE, finished=True),
}
SIZES = [(1920, 1080), (1280, 800), (960, 540), (640, 400)]


def make(session: FakeSession, **options: Any) -> LiveWindow:
    window = LiveWindow(session, options.pop("theme", "dark"), **options)
    window.resize(1280, 800)
    window.show()
    window.show_frame()
    return window


def press(window: LiveWindow, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(window, key)
        QTest.qWait(RELEASE_MS + 20)
    window.show_frame()


def repeat(window: LiveWindow, key: Qt.Key, seconds: float) -> None:
    """Hold a key as a system does that does not say that it repeats: releases and presses in pairs."""
    clock = QElapsedTimer()
    clock.start()
    QTest.keyPress(window, key)
    while clock.elapsed() < seconds * 1000:
        QTest.qWait(30)
        QTest.keyRelease(window, key)
        QTest.keyPress(window, key)


def picture(window: LiveWindow) -> QImage:
    return window.grab().toImage()


def pixels(image: QImage) -> bytes:
    """Return the image's bytes; the image must outlive the view that Qt gives of them."""
    return bytes(image.constBits())


def same(one: QImage, other: QImage) -> bool:
    """Whether two pictures look the same; edges may be smoothed a little differently from paint to paint."""
    levels = [np.frombuffer(pixels(image), dtype=np.uint8).astype(int) for image in (one, other)]
    return len(levels[0]) == len(levels[1]) and int(np.abs(levels[0] - levels[1]).max()) < 32


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_MS / 1000
    while not done() and time.monotonic() < deadline:
        QTest.qWait(10)
    assert done()


# Pictures


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
def test_every_state_paints_without_a_word_from_qt(
    app: QApplication, qt_messages: list[str], theme: str, size: tuple[int, int]
) -> None:
    session = FakeSession()
    window = make(session, theme=theme)
    window.resize(*size)
    seen, words = set(), set()
    for snapshot in STATES.values():
        session.shown = snapshot
        live = window.show_frame()
        seen.add(pixels(picture(window)))
        words.add((live.ladder, live.banner))
    assert len(seen) >= len(words)
    assert qt_messages == []
    window.close()


def colors_in(image: QImage, x: int, y: int, width: int, height: int) -> set[str]:
    return {image.pixelColor(x + dx, y + dy).name() for dx in range(0, width, 3) for dy in range(0, height, 3)}


@pytest.mark.parametrize(("state", "color"), [("light", "light"), ("hard", "warn"), ("too_hard", "alarm")])
def test_the_lit_slot_stands_in_its_place_and_colour(app: QApplication, state: str, color: str) -> None:
    window = make(FakeSession(STATES[state]))
    places = geometry_for(1280, 800)
    image = picture(window)
    third = places.ladder.height() // 3
    x, width = places.ladder.x() + places.sizes.fan, places.ladder.width() - places.sizes.fan
    wanted = window.theme.color(color).name()
    lit = [
        wanted in colors_in(image, x + 10, places.ladder.y() + place * third + 12, width - 20, third - 24)
        for place in range(3)
    ]
    assert lit == [slot == LADDER_ROWS[state][0] for slot in ("top", "middle", "bottom")]
    window.close()


@pytest.mark.parametrize("state", ["lost", "stale", "saturated", "no tool"])
def test_a_signal_in_doubt_has_no_colour_of_force_on_the_ladder(app: QApplication, state: str) -> None:
    window = make(FakeSession(STATES[state]))
    ladder = geometry_for(1280, 800).ladder
    found = colors_in(
        picture(window), ladder.x() + COMPACT.fan, ladder.y(), ladder.width() - COMPACT.fan, ladder.height()
    )
    assert found.isdisjoint({window.theme.color(token).name() for token in ("light", "warn", "alarm", "fine_slab")})
    window.close()


def test_the_medium_alert_s_tile_flashes_and_its_text_stays(app: QApplication) -> None:
    window = make(FakeSession(STATES["too_hard"]))
    tiles, texts = set(), set()

    def look() -> bool:
        image = picture(window)
        tiles.add(pixels(image.copy(18, 12, 50, 60)))
        texts.add(pixels(image.copy(90, 6, 500, 70)))
        return len(tiles) == 2

    wait_until(look)
    assert len(texts) == 1
    window.close()


def test_the_curve_moves_between_arrivals(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    before = picture(window)
    session.shown = replace(FINE, taken_us=FINE.taken_us + 100_000)
    window.show_frame()
    assert not same(picture(window), before)
    window.close()


# Keys


def test_keys_reach_the_session(app: QApplication) -> None:
    session = FakeSession(replace(FINE, recording=None))
    window = make(session)
    press(window, Qt.Key.Key_M, Qt.Key.Key_Z, Qt.Key.Key_U, Qt.Key.Key_R)
    assert session.calls == ["add_marker", "zero", "undo_zero", "start_recording"]
    window.close()


def test_a_replay_asks_nothing_of_a_tool(app: QApplication) -> None:
    session = FakeSession(STATES["replay"])
    window = make(session)
    press(window, Qt.Key.Key_M, Qt.Key.Key_Z, Qt.Key.Key_U, Qt.Key.Key_R)
    assert session.calls == []
    window.close()


def test_a_second_recording_is_not_started(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    press(window, Qt.Key.Key_R)
    assert session.calls == []
    window.close()


def test_buttons_do_what_their_keys_do(app: QApplication) -> None:
    session = FakeSession(replace(FINE, recording=None))
    window = make(session, speaker=FakeSpeaker())
    window.resize(1920, 1080)
    window.show_frame()
    for label in ("Marker", "Region", "Zero", "Undo zero", "Record", "Pause", "Pause sound"):
        buttons = [
            each for each in window.findChildren(QAbstractButton) if each.accessibleName().startswith(f"{label} (")
        ]
        QTest.mouseClick(next(each for each in buttons if each.isVisible()), Qt.MouseButton.LeftButton)
    assert session.calls == ["add_marker", "next_region", "zero", "undo_zero", "start_recording", "pause", "silence"]
    assert window.view.paused
    assert window.view.sound_paused(session.now_us())
    window.close()


def test_space_pauses_the_view_and_goes_on(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session, speaker=FakeSpeaker())
    press(window, Qt.Key.Key_Space)
    still = picture(window)
    session.shown = replace(snapshot_at(24.9), paused=True)
    assert window.show_frame().ladder.word == "Paused"
    chart = geometry_for(1280, 800).chart
    assert same(picture(window).copy(chart), still.copy(chart))
    press(window, Qt.Key.Key_Space)
    assert window.show_frame().ladder.number != ""
    assert not same(picture(window).copy(chart), still.copy(chart))
    window.close()


def test_the_tools_button_pauses_what_is_shown_and_goes_on(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    window.show_frame()
    session.shown = replace(FINE, paused=True)
    assert window.show_frame().ladder.word == "Paused"
    assert "Strokes don't count" in window.show_frame().ladder.sub
    # One that was inspecting meanwhile stands still no longer than the session does.
    press(window, Qt.Key.Key_I)
    session.shown = replace(FINE, paused=False)
    assert window.show_frame().ladder.word != "Paused"
    assert session.calls == []
    window.close()


def test_inspecting_pauses_no_session(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    press(window, Qt.Key.Key_I)
    assert window.view.paused
    assert session.calls == []
    window.close()


def test_a_replay_pauses_the_view_alone(app: QApplication) -> None:
    session = FakeSession(replace(FINE, replay=ReplayView(1.0, 2.0, 1.0)))
    window = make(session)
    window.show_frame()
    press(window, Qt.Key.Key_Space, Qt.Key.Key_N)
    assert window.view.paused
    assert session.calls == []
    window.close()


def test_inspection_moves_a_cursor_with_the_arrows(app: QApplication) -> None:
    window = make(FakeSession(FINE))
    press(window, Qt.Key.Key_I)
    first = window.show_frame().cursor
    press(window, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right)
    second = window.show_frame().cursor
    assert first is not None
    assert second is not None
    assert second.age_s - first.age_s == pytest.approx(0.003125)
    QTest.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    third = window.show_frame().cursor
    assert third is not None
    assert third.age_s - second.age_s == pytest.approx(0.1)
    press(window, Qt.Key.Key_I)
    assert window.show_frame().cursor is None
    window.close()


def test_sound_can_be_paused_and_is_due_again(app: QApplication) -> None:
    speaker, session = FakeSpeaker(), FakeSession(FINE)
    window = make(session, speaker=speaker)
    press(window, Qt.Key.Key_S)
    session.shown = STATES["too_hard"]
    window.show_frame()
    assert speaker.played == []
    press(window, Qt.Key.Key_S)
    assert speaker.played == ["medium"]
    # The tool's own buzzer and motor go with it.
    assert session.calls[:2] == ["silence", "let_sound"]
    window.close()


def test_without_a_loudspeaker_the_window_says_so(app: QApplication) -> None:
    window = make(FakeSession(FINE))
    assert window.show_frame().chips[-1].near == "No sound"
    window.close()


def test_the_theme_can_be_changed_while_it_runs(app: QApplication) -> None:
    window = make(FakeSession(FINE))
    press(window, Qt.Key.Key_T)
    assert window.theme.name == "light"
    assert picture(window).pixelColor(2, 2).name() == window.theme.color("bg").name()
    window.close()


@pytest.mark.parametrize("key", [Qt.Key.Key_F1, Qt.Key.Key_Question])
def test_where_the_limits_come_from_is_one_key_away(app: QApplication, key: Qt.Key) -> None:
    session = FakeSession(FINE)
    window = make(session)
    before = picture(window)
    press(window, key)
    assert not same(picture(window), before)
    page = window.findChild(Overlay)
    assert page is not None
    assert page.isVisible()
    press(window, Qt.Key.Key_Escape)
    assert not page.isVisible()
    assert session.calls == []
    assert session.calls == []
    window.close()


@pytest.mark.parametrize(("wanted", "played"), [(True, ["overshoot"]), (False, [])])
def test_a_stroke_over_a_limit_ticks_where_that_is_wanted(app: QApplication, wanted: bool, played: list[str]) -> None:
    session, speaker = FakeSession(FINE), FakeSpeaker()
    window = make(session, speaker=speaker, overshoot=wanted)
    cue = replace(medium_alert(24.0), kind="alarm", priority="cue")
    session.shown = replace(FINE, alerts=(cue,))
    window.show_frame()
    window.show_frame()
    assert speaker.played == played
    window.close()


# Ending


def test_esc_must_be_held_to_end(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    QTest.qWait(100)
    assert session.calls == []
    QTest.keyPress(window, Qt.Key.Key_Escape)
    wait_until(lambda: session.calls == ["stop"])
    QTest.keyRelease(window, Qt.Key.Key_Escape)
    assert window.isVisible()
    QTest.qWait(PAGE_SEEN_MS)
    press(window, Qt.Key.Key_Return)
    assert not window.isVisible()


def test_esc_held_where_repeats_are_not_flagged_ends_once_and_the_last_page_stays(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    repeat(window, Qt.Key.Key_Escape, 2.2)
    assert session.calls == ["stop"]
    assert window.isVisible()
    QTest.keyRelease(window, Qt.Key.Key_Escape)
    QTest.qWait(RELEASE_MS + 20)
    press(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_esc_let_go_just_before_its_time_ends_nothing(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    repeat(window, Qt.Key.Key_Escape, 0.9)
    QTest.keyRelease(window, Qt.Key.Key_Escape)
    QTest.qWait(500)
    assert session.calls == []
    window.close()


@pytest.mark.parametrize(
    ("key", "call"), [(Qt.Key.Key_M, "add_marker"), (Qt.Key.Key_Z, "zero"), (Qt.Key.Key_R, "start_recording")]
)
def test_a_held_key_counts_once_where_repeats_are_not_flagged(app: QApplication, key: Qt.Key, call: str) -> None:
    session = FakeSession(replace(FINE, recording=None))
    window = make(session)
    repeat(window, key, 0.4)
    assert session.calls == [call]
    window.close()


def test_a_button_pressed_by_a_held_key_counts_once(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    marker = next(each for each in window.findChildren(QAbstractButton) if each.accessibleName().startswith("Marker"))
    marker.setFocus()
    QTest.keyPress(marker, Qt.Key.Key_Space)
    QTest.keyRelease(marker, Qt.Key.Key_Space)
    repeat(window, Qt.Key.Key_Space, 0.3)
    assert session.calls == ["add_marker"]
    assert not window.view.paused
    window.close()


def test_a_key_that_was_meant_for_the_view_does_not_take_the_last_page_away_unseen(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    session.shown = replace(FINE, finished=True)
    window.show_frame()
    press(window, Qt.Key.Key_Escape)
    assert window.isVisible()
    QTest.qWait(PAGE_SEEN_MS)
    press(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_letting_esc_go_early_ends_nothing(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    QTest.keyPress(window, Qt.Key.Key_Escape)
    QTest.qWait(300)
    QTest.keyRelease(window, Qt.Key.Key_Escape)
    QTest.qWait(1000)
    assert session.calls == []
    window.close()


def test_esc_held_while_another_window_comes_forward_ends_nothing(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    window.activateWindow()
    QTest.keyPress(window, Qt.Key.Key_Escape)
    other = QWidget()
    other.show()
    other.activateWindow()
    wait_until(other.isActiveWindow)
    QTest.qWait(1200)
    assert session.calls == []
    other.close()
    window.close()


def test_the_button_that_ends_must_be_held_too(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    end = next(each for each in window.findChildren(QAbstractButton) if each.accessibleName().startswith("End ("))
    QTest.mouseClick(end, Qt.MouseButton.LeftButton)
    assert session.calls == []
    QTest.mousePress(end, Qt.MouseButton.LeftButton)
    wait_until(lambda: session.calls == ["stop"])
    window.close()


def test_closing_the_window_stops_the_session(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    window.close()
    assert session.calls == ["stop"]
    assert window.exit_code == 0


def test_a_finished_run_closes_its_window_where_that_is_wanted(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session, close_when_finished=True)
    session.shown = replace(FINE, finished=True)
    wait_until(lambda: not window.isVisible())


# Problems


def test_a_problem_before_the_stream_is_a_page_and_exit_code_two(app: QApplication) -> None:
    session = FakeSession(EMPTY)
    window = make(session)
    before = picture(window)
    session.shown = replace(EMPTY, problem=Problem("Port busy.", "Close the other program."), finished=True)
    window.show_frame()
    assert window.exit_code == 2
    assert not same(picture(window), before)
    QTest.qWait(PAGE_SEEN_MS)
    press(window, Qt.Key.Key_Return)
    assert not window.isVisible()


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800)], ids=str)
def test_what_to_do_about_a_problem_reads_from_two_metres(app: QApplication, size: tuple[int, int]) -> None:
    what = "This is not a tool, or it does not answer: " + "15872 bytes came within 5 s, but no hello of a tool. " * 3
    fix = "Check that its firmware runs and that you chose the right port; press its button, then retry."
    session = FakeSession(replace(EMPTY, problem=Problem(what, fix), finished=True))
    window = make(session)
    window.resize(*size)
    window.show_frame()
    overlay = window.findChild(Overlay)
    assert overlay is not None
    assert overlay.text_size() == geometry_for(*size).sizes.far
    window.close()


def test_a_problem_during_the_stream_is_a_banner(app: QApplication) -> None:
    session = FakeSession(FINE)
    window = make(session)
    session.shown = STATES["problem"]
    banner = window.show_frame().banner
    assert banner is not None
    assert (banner.text, banner.sub) == ("The session stopped.", "Start again.")
    assert window.exit_code == 0
    window.close()


class TestAFailureOfTheWindow:
    """It is logged, and shown in the window."""

    @pytest.fixture
    def expected_log(self) -> list[str]:
        return ["the window failed"]

    def test_it_does_not_vanish(self, caplog: pytest.LogCaptureFixture) -> None:
        window = make(FakeSession(FINE))
        before = picture(window)
        with caplog.at_level(logging.ERROR):
            window.fail(ValueError("no such panel"))
        assert "no such panel" in caplog.text
        assert not same(picture(window), before)
        assert window.exit_code == 2
        window.close()


# Type and places


def test_figures_are_of_one_width(app: QApplication) -> None:
    assert len({width_of(figure, 160, 700) for figure in "0123456789"}) == 1


def test_the_font_is_one_that_is_installed(app: QApplication) -> None:
    assert font(22).family() in QFontDatabase.families()


def test_every_icon_is_drawn_within_its_grid(app: QApplication) -> None:
    for name in ICONS:
        line, solid = icon_paths(name)
        box = line.boundingRect().united(solid.boundingRect())
        assert not box.isEmpty(), name
        assert QRectF(0, 0, 24, 24).contains(box), name


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ((1920, 1080), "wide"),
        ((1600, 900), "wide"),
        ((1280, 800), "compact"),
        ((960, 540), "far"),
        ((640, 400), "narrow"),
    ],
)
def test_panels_never_overlap_and_stay_within_the_window(size: tuple[int, int], kind: str) -> None:
    places: Geometry = geometry_for(*size)
    assert places.kind == kind
    shown = [
        each for each in (places.top, places.chart, places.ladder, places.strip, places.actions) if not each.isEmpty()
    ]
    for place, one in enumerate(shown):
        assert one.left() >= 0
        assert one.right() < size[0]
        assert one.top() >= 0
        assert one.bottom() < size[1]
        for other in shown[place + 1 :]:
            assert not one.intersects(other)


def test_the_two_reference_sizes_have_their_ladder_and_slots() -> None:
    wide, compact = geometry_for(1920, 1080), geometry_for(1280, 800)
    assert wide.ladder.width() - WIDE.fan == 720
    assert (wide.ladder.height() - 2 * WIDE.slot_gap) // 3 == 204
    assert compact.ladder.width() - COMPACT.fan == 560
    assert (compact.ladder.height() - 2 * COMPACT.slot_gap) // 3 == 142
