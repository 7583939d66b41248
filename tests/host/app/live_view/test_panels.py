from __future__ import annotations

from dataclasses import replace

from tests.host.app.live_view.snapshots import LIVE, resting
from tests.host.window.fake_session import ONE_HAND, TIP, medium_alert

from iastm_host.analysis.exposure import Exposure
from iastm_host.app.live_view import about_panel, live_view, problem_panel, summary_panel
from iastm_host.app.snapshot import LiveSnapshot, RecordingView
from iastm_host.events import Alert, Problem


def test_grades_and_the_missing_threshold_are_one_key_away() -> None:
    assert "about" in [action.command for action in live_view(resting(6.8), LIVE).actions]
    text = " ".join(word for row in about_panel(ONE_HAND, TIP).rows for word in row)
    assert "No published source gives a human scraping force or pressure at which petechiae appear" in text
    assert "not a medical device" in text
    assert "simulant" in text
    assert "derived by a rule of ours" in text
    assert ONE_HAND.source in text


def test_the_summary_counts_what_a_run_came_to() -> None:
    alerts = (Alert(1, "alarm", "cue", 5, 5, False), Alert(1, "alarm", "cue", 9, 9, False), medium_alert(1.0))
    snapshot = resting(6.8, alerts=alerts, missing_samples=32, gap_count=1, finished=True)
    rows = dict(summary_panel(snapshot, LIVE).rows)
    assert rows["Alerts"] == "2 alarm, 1 repeated"
    assert rows["Gaps"] == "0.1 s missing, 32 samples, 1 gap"
    assert rows["Recording"].startswith("/home/me/Recordings/")
    assert dict(summary_panel(replace(snapshot, recording=None), LIVE).rows)["Recording"] == "Not recorded"
    stopped = summary_panel(replace(snapshot, problem=Problem("The port went away.", "Plug it in.")), LIVE)
    assert (stopped.title, stopped.rows[0]) == ("Stopped early", ("Problem", "The port went away. Plug it in."))


def test_a_problem_says_in_large_letters_what_happened_and_what_to_do() -> None:
    short = problem_panel("There is no port /dev/nope.", "Plug the tool in.")
    assert (short.title, short.rows, short.far) == (
        "There is no port /dev/nope.",
        (("What to do", "Plug the tool in."),),
        True,
    )
    assert short.detail == ""
    long = problem_panel(
        "This does not answer as a tool does: 15872 bytes came within 5 s, no hello.", "Check the port."
    )
    assert (long.title, long.detail) == (
        "This does not answer as a tool does.",
        "15872 bytes came within 5 s, no hello.",
    )


def test_a_recording_that_is_not_whole_is_said_first() -> None:
    trouble = RecordingView("/r/a.iastm", 10, 1.0, "Disk full.")
    page = summary_panel(resting(6.8, recording=trouble, finished=True), LIVE)
    assert page.title == "Finished, not all is recorded"
    assert page.rows[0] == ("Recording", "Not whole. Disk full.")
    assert dict(page.rows)["File"].startswith("/r/a.iastm")
    none = summary_panel(resting(6.8, recording=replace(trouble, path=""), finished=True), LIVE)
    assert (none.title, none.rows[0][1]) == ("Finished, nothing is recorded", "Not recorded. Disk full.")


def test_the_last_page_gives_the_hardest_stroke_and_says_at_least_where_one_was_clipped() -> None:
    exposure = Exposure(9.0, 1, 3.0, 60.0, True, clipped=False, hardest_n=13.4)
    assert dict(summary_panel(resting(6.8, exposure=exposure), LIVE).rows)["Hardest"] == "13.4 N"
    rows = dict(summary_panel(resting(6.8, exposure=replace(exposure, clipped=True)), LIVE).rows)
    assert (rows["Hardest"], rows["Peaks, 95 %"], rows["Dose"]) == ("≥ 13.4 N", "≥ 9.0 N", "≥ 3.0 N·s")


def test_contact_time_is_the_same_on_the_strip_and_on_the_last_page_after_a_pause() -> None:
    def after(contact_s: float) -> LiveSnapshot:
        return resting(6.8, exposure=Exposure(9.0, 2, 1.0, contact_s, True))

    view = LIVE.pause(after(60.0)).go_on(after(90.0))
    assert live_view(after(95.0), view).strip.contact.value == "1:05"
    assert dict(summary_panel(after(95.0), view).rows)["Contact time"] == "1:05, and 0:30 while paused"
    assert dict(summary_panel(after(95.0), LIVE).rows)["Contact time"] == "1:35"


def test_what_the_numbers_mean_and_the_keys_without_a_button_are_one_key_away() -> None:
    rows = dict(about_panel(ONE_HAND, TIP).rows)
    assert "19 of 20" in rows["Peaks, 95 %"]
    assert "6 N·s" in rows["Dose"]
    assert "F11" in rows["Keys"]
