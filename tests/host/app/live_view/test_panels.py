from __future__ import annotations

from dataclasses import replace

from tests.host.app.live_view.snapshots import LIVE, resting
from tests.host.window.fake_session import ONE_HAND, TIP, medium_alert

from iastm_host.app.live_view import about_panel, live_view, problem_panel, summary_panel
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
    rows = dict(summary_panel(snapshot).rows)
    assert rows["Alerts"] == "2 alarm, 1 repeated"
    assert rows["Gaps"] == "0.1 s missing, 32 samples, 1 gap"
    assert rows["Recording"].startswith("/home/me/Recordings/")
    assert dict(summary_panel(replace(snapshot, recording=None)).rows)["Recording"] == "Not recorded"
    stopped = summary_panel(replace(snapshot, problem=Problem("The port went away.", "Plug it in.")))
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
