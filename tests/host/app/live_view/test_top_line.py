from __future__ import annotations

from tests.host.app.live_view.snapshots import LIVE, resting, with_link

from iastm_host.app.live_view import live_view
from iastm_host.app.snapshot import RecordingView, ReplayView


def test_a_simulated_tool_is_called_so() -> None:
    assert "Simulated tool" in live_view(resting(6.8), LIVE).subtitle


def test_a_replay_is_called_so_and_shows_its_place() -> None:
    replay = with_link(resting(6.8, replay=ReplayView(83.0, 296.0, 4.0)), "streaming", carrier="replay")
    view = live_view(replay, LIVE)
    assert view.chips[0].word == "Replay"
    assert view.chips[0].near == "1:23 of 4:56, 4×"
    assert "Replay" in view.subtitle
    assert {"zero", "marker", "record"}.isdisjoint(action.command for action in view.actions)


def test_recording_shows_time_and_growing_size_and_its_absence_is_said() -> None:
    running = resting(6.8, recording=RecordingView("/r/a.iastm", 3_260_000, 761.0, ""))
    assert (live_view(running, LIVE).chips[1].word, live_view(running, LIVE).chips[1].near) == ("12:41", "3.26 MB")
    none = live_view(resting(6.8, recording=None), LIVE)
    assert none.chips[1].near == "Not recording"
    assert "record" in [action.command for action in none.actions]


def test_a_recording_that_could_not_start_is_not_shown_as_running() -> None:
    view = live_view(resting(6.8, recording=RecordingView("", 0, 0.0, "Disk full.")), LIVE)
    assert (view.chips[1].near, view.chips[1].inverse) == ("Not recording", True)
    assert "record" in [action.command for action in view.actions]


def test_a_replay_speaks_of_what_was_and_claims_nothing_that_runs_now() -> None:
    fast = with_link(resting(6.8, recording=None, replay=ReplayView(13.0, 14.0, 0.0)), "streaming", carrier="replay")
    assert live_view(fast, LIVE).chips[0].near == "0:13 of 0:14, as fast as it goes"
    assert live_view(fast, LIVE).chips[1].near == "Recorded before"
    paused = live_view(fast, LIVE.pause(fast)).ladder
    assert "Recording" not in paused.sub
    assert "alarms" not in paused.sub.lower()
    lost = live_view(with_link(fast, "lost", carrier="replay"), LIVE)
    assert (lost.chips[0].word, lost.ladder.word) == ("Was lost", "Link was lost")
    assert lost.banner is not None
    assert "Nothing warns now" not in lost.banner.text + lost.ladder.sub
    assert live_view(with_link(fast, "connecting", carrier="replay"), LIVE).chips[0].word == "Opening"


def test_a_pause_claims_a_recording_only_where_one_runs() -> None:
    running, none = resting(6.8), resting(6.8, recording=None)
    assert live_view(running, LIVE.pause(running)).ladder.sub == "Space goes on. Recording and alarms still run."
    assert live_view(none, LIVE.pause(none)).ladder.sub == "Space goes on. Alarms still run."
