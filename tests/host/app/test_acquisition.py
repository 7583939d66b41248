from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import pytest

from iastm_host.analysis.profiles import Contact, without_limits
from iastm_host.app.acquisition import Acquisition, Plan
from iastm_host.app.calibration_watch import DIFFERS, NOT_CALIBRATED
from iastm_host.app.offline import recorded_events
from iastm_host.events import Alert, Answer, Arrived, Chunk, Event, ForceBlock, Problem, SetZero, Stroke
from iastm_host.records.calibrations import KnownCalibration
from iastm_host.records.entries import Recording
from iastm_host.transports.base import TransportError
from iastm_host.transports.replay import ReplayClock, ReplayTransport
from iastm_protocol import kinds, messages

RATE_HZ = 320
WALL = datetime(2026, 3, 29, tzinfo=UTC)


def strokes_of(path: Any) -> list[Stroke]:
    return [event for event in recorded_events(Recording(path)) if isinstance(event, Stroke)]


def since(recording: Any, strokes: Any) -> list[Stroke]:
    """Return those of `strokes` that began after the recording did."""
    first = blocks_of(recording)[0].first_index
    return [stroke for stroke in strokes if stroke.first_index > first]


def blocks_of(path: Any) -> list[ForceBlock]:
    return [event for event in recorded_events(Recording(path)) if isinstance(event, ForceBlock)]


# A run


def test_a_run_counts_samples_strokes_and_alerts(runs: Any) -> None:
    run, link = runs.whole(length_s=20.5)
    summary = run.summary()
    assert summary.problem is None
    assert summary.runtime == "cpython 3"
    assert summary.samples_received == summary.samples_expected == link.tool.next_index - summary.first_index
    assert summary.end_index == link.tool.next_index
    assert summary.gap_count == 0
    # Strokes start each 2 s from 0.4 s on and last 1.2 s: the tenth ends after 19.6 s.
    assert summary.stroke_count == 10
    # Each fourth one reaches 15.5 N, from the third on.
    assert [decision.alert.kind for decision in summary.alerts] == ["alarm", "alarm"]


def test_a_listener_hears_every_sample_once_in_the_run_s_thread_and_may_look_at_the_snapshot(runs: Any) -> None:
    heard: list[Event] = []
    threads: set[str] = set()
    looked: list[int] = []

    def listen(event: Event) -> None:
        heard.append(event)
        threads.add(threading.current_thread().name)
        looked.append(run.snapshot().samples_received)

    run, _ = runs.make(length_s=2.0, listeners=(listen,))
    run.start()
    assert run.join(60)
    blocks = [event.block for event in heard if isinstance(event, Arrived)]
    counted = [index for block in blocks for index in range(block.first_index, block.next_index)]
    assert counted == list(range(counted[0], counted[0] + run.summary().samples_received))
    assert threads == {"acquisition"}
    assert looked == sorted(looked)
    assert [event for event in heard if isinstance(event, Stroke)]


def test_a_run_without_limits_turns_those_of_the_tool_off_and_alerts_to_nothing(runs: Any) -> None:
    run, link = runs.whole(length_s=20.5, plan={"profile": without_limits("calibration", "Calibration")})
    assert (link.tool.limits.profile, link.tool.limits.warn_mn, link.tool.limits.alarm_mn) == ("calibration", 0, 0)
    assert run.summary().stroke_count == 10
    assert run.summary().alerts == ()


@pytest.mark.parametrize(
    ("sha256", "fault"), [(bytes(32), NOT_CALIBRATED), (b"\xcd" * 32, DIFFERS), (b"\xab" * 32, None)]
)
def test_what_there_is_against_a_calibration_is_a_fault_while_the_stream_lives(
    runs: Any, fake_tool: Any, sha256: bytes, fault: str | None
) -> None:
    seen: list[tuple[str, ...]] = []
    run: Acquisition
    tool = fake_tool()
    tool.calibration = messages.Calibration("T", sha256, 50.0, (0.0, 1e-5), 0, 0)
    known = {"F-1": KnownCalibration("ab" * 32, "T", "2030-01-01")}
    run, _ = runs.make(
        tool=tool, length_s=2.0, plan={"calibrations": known}, at={20: lambda: seen.append(run.snapshot().faults)}
    )
    run.start()
    assert run.join(60)
    said = [said.partition(":")[0] for said in seen[0] if "calibrat" in said]
    assert said == ([] if fault is None else [fault])


def test_a_run_that_sets_no_limits_leaves_the_tool_s_own(runs: Any) -> None:
    run, link = runs.make(length_s=1.0, plan={"sets_limits": False})
    before = link.tool.limits
    run.start()
    assert run.join(60)
    assert run.summary().samples_received
    assert link.tool.limits == before


def test_duration_counts_from_the_first_sample(runs: Any) -> None:
    run, link = runs.whole(plan={"duration_s": 3.0})
    summary = run.summary()
    assert 3.0 * RATE_HZ <= summary.samples_received <= 3.0 * RATE_HZ + 10
    assert summary.first_index > 0
    assert not link.tool.streaming, "the tool is asked to stop"


def test_missed_samples_count_towards_the_duration(runs: Any) -> None:
    run, _ = runs.whole(plan={"duration_s": 3.0}, skip_at={80: 5, 90: 3})
    summary = run.summary()
    assert (summary.samples_expected - summary.samples_received, summary.gap_count) == (8, 2)
    assert summary.samples_expected <= 3.0 * RATE_HZ + 10


def test_duration_is_not_begun_anew_by_a_recording(runs: Any) -> None:
    run, link = runs.make(plan={"duration_s": 3.0})
    link.at[100] = run.start_recording
    run.start()
    assert run.join(60)
    assert link.tool.next_index <= 3.6 * RATE_HZ


def test_latency_is_decision_less_sampling_on_one_clock(runs: Any) -> None:
    run, link = runs.whole(length_s=8.0)
    (decision,) = run.summary().alerts
    # The fake tool's clock starts with the link, and each read ends 20 ms after the one before.
    sampled_host_us = decision.alert.tool_us + link._began_us
    assert decision.offset is not None
    assert decision.latency_us == pytest.approx(
        decision.decided_us - sampled_host_us, abs=decision.offset.uncertainty_us
    )
    assert 0 <= decision.decided_us - sampled_host_us <= 20_000


def test_a_replay_has_no_latency(runs: Any) -> None:
    run, _ = runs.whole(plan={"live": False}, length_s=8.0)
    assert [decision.latency_us for decision in run.summary().alerts] == [None]


def test_the_snapshot_of_a_replay_says_where_it_stands(runs: Any) -> None:
    run, _ = runs.whole(plan={"live": False, "replay_span_us": (1_000_000_000, 1_010_000_000)}, length_s=5.0)
    replay = run.snapshot().replay
    assert replay.length_s == 10.0
    assert replay.position_s == pytest.approx(5.0, abs=0.03)


def test_limits_of_the_profile_reach_the_tool(runs: Any) -> None:
    _, link = runs.whole(length_s=2.0)
    assert link.tool.limits == ("iastm-one-hand", 11_000, 14_000, 800, 520)


# How a run ends


def test_stop_ends_a_run_and_closes_the_link(runs: Any) -> None:
    run, link = runs.make()
    link.at[50] = run.stop
    run.start()
    assert run.join(60)
    assert run.snapshot().finished
    assert run.snapshot().link.state == "ended"
    assert link.closed == 1
    assert run.summary().problem is None


def test_a_replay_is_stopped_inside_a_pause_and_its_clock_goes_on_meanwhile(runs: Any, profile: Any) -> None:
    recorded, _ = runs.whole(length_s=3.0, plan={"record": True})
    path = recorded.summary().recording
    *chunks, last = [chunk for chunk in Recording(path).chunks() if isinstance(chunk, Chunk)]
    chunks.append(Chunk(last.host_us + 3_600_000_000, last.data))
    now_us = 0
    in_pause = threading.Event()

    async def sleep(delay_s: float, /) -> None:
        nonlocal now_us
        if delay_s > 60:
            now_us += 20_000_000
            in_pause.set()
            await asyncio.Event().wait()
        now_us += round(delay_s * 1e6)
        await asyncio.sleep(0)

    clock = ReplayClock(lambda: now_us, 1.0)
    plan = Plan(
        "replay",
        profile,
        None,
        Contact(),
        "test 1",
        live=False,
        replay_span_us=(chunks[0].host_us, chunks[-1].host_us),
    )
    run = Acquisition(ReplayTransport(chunks, clock, sleep=sleep), plan, clock.now_us, lambda: WALL)
    run.start()
    assert in_pause.wait(60)
    before = run.snapshot()
    assert before.replay is not None
    run.stop()
    assert run.join(60), "it waits for the whole pause"
    assert before.taken_us == chunks[-2].host_us + 20_000_000
    assert before.replay.position_s == pytest.approx((before.taken_us - chunks[0].host_us) / 1e6)
    assert run.summary().samples_received == before.samples_received > 0
    assert run.summary().problem is None
    assert run.snapshot().link.state == "ended"


def test_a_replay_shows_each_marker_from_its_time_on_and_takes_none(runs: Any) -> None:
    marks_us = (1_001_000_000, 1_003_000_000, 1_900_000_000)
    plan = {"live": False, "replay_span_us": (1_000_000_000, 1_010_000_000), "replay_markers_us": marks_us}
    run, link = runs.make(length_s=5.0, plan=plan)
    seen: list[int] = []
    for read in (48, 60, 140, 160):
        link.at[read] = lambda: seen.append(run.snapshot().marker_count)
    link.at[100] = run.add_marker
    run.start()
    assert run.join(60)
    assert seen == [0, 1, 1, 2]
    assert run.snapshot().marker_count == 2


def test_stop_before_the_link_is_open_ends_at_once(runs: Any) -> None:
    run, link = runs.make()
    run.stop()
    run.start()
    assert run.join(60)
    assert link.reads == 0
    assert run.summary().problem is None


@pytest.mark.parametrize("kind", [TransportError, Problem])
def test_a_link_that_cannot_be_opened_is_told_in_its_own_words(runs: Any, kind: Any) -> None:
    words = ("There is no port X.", "Plug it in.")
    error = TransportError("not found", *words) if kind is TransportError else Problem(*words)
    run, link = runs.whole(open_error=error)
    problem = run.summary().problem
    assert (problem.what, problem.fix) == words
    assert run.snapshot().link.state == "lost"
    assert run.snapshot().link.reason == words[0]
    assert link.closed == 1


def test_a_link_that_is_lost_is_a_problem_and_keeps_what_was_counted(runs: Any) -> None:
    lost = TransportError("lost", "The link is gone.", "Check the cable.")
    run, _ = runs.whole(read_error=lost, read_error_at=200, plan={"record": True})
    assert run.summary().problem is lost
    assert run.snapshot().link.state == "lost"
    assert run.summary().stroke_count == len(strokes_of(run.summary().recording)) > 0


class TestAnExceptionInside:
    @pytest.fixture
    def expected_log(self) -> list[str]:
        return ["acquisition failed"]

    def test_becomes_a_problem_and_never_a_silent_end(self, runs: Any) -> None:
        run, link = runs.whole(read_error=RuntimeError("boom"), read_error_at=150, plan={"record": True})
        problem = run.summary().problem
        assert "boom" in problem.what
        assert problem.fix
        assert run.snapshot().finished
        assert link.closed == 1
        assert sum(len(block.force_n) for block in blocks_of(run.summary().recording)) > 0


class TestACommandThatFails:
    @pytest.fixture
    def expected_log(self) -> list[str]:
        return ["a command failed"]

    def test_becomes_a_problem_and_the_run_goes_on(self, runs: Any) -> None:
        run, link = runs.make(length_s=4.0, plan={"recordings": "no path at all"})
        link.at[100] = run.start_recording
        run.start()
        assert run.join(60)
        assert "AttributeError" in run.snapshot().problem.what or "TypeError" in run.snapshot().problem.what
        assert run.summary().problem.fix
        assert run.summary().end_index == link.tool.next_index, "it streams on"


@pytest.mark.parametrize("folder", ["x" * 300, "a\0b"], ids=["too long", "no name at all"])
def test_a_folder_that_can_have_no_recording_is_said_and_the_run_goes_on(runs: Any, folder: str) -> None:
    run, link = runs.make(length_s=4.0, plan={"recordings": runs.folder / folder})
    link.at[100] = run.start_recording
    run.start()
    assert run.join(60)
    assert "can't be created" in run.snapshot().recording.trouble
    assert run.snapshot().recording.path == ""
    assert run.summary().problem is None
    assert run.summary().end_index == link.tool.next_index


def test_something_that_is_no_tool_is_refused_with_advice(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool()
    tool.mute = {kinds.HELLO}
    run, link = runs.whole(tool=tool)
    problem = run.summary().problem
    assert "Nothing came within 5 s" in problem.what
    assert "right port" in problem.fix
    assert run.snapshot().link.state == "refused"
    assert link.clock.now_us - 1_000_000_000 < 5_200_000


def test_another_version_is_refused_in_clear_words(runs: Any, fake_tool: Any) -> None:
    run, _ = runs.whole(tool=fake_tool(major=3))
    assert "protocol 3." in run.summary().problem.what


def test_a_tool_that_is_gone_for_good_is_a_problem(runs: Any) -> None:
    run, link = runs.make()

    def die() -> None:
        link.tool.streaming = False
        link.tool.mute = {kinds.HELLO, kinds.PING, kinds.COMMAND}

    link.at[100] = die
    run.start()
    assert run.join(60)
    assert "gone" in run.summary().problem.what
    assert run.snapshot().link.state == "lost"


def test_a_restarted_tool_is_streamed_from_again_and_the_restart_is_a_gap(runs: Any, fake_tool: Any) -> None:
    run, link = runs.make(length_s=12.0)

    def restart() -> None:
        link.tool = fake_tool(boot_id=0xB008)

    link.at[150] = restart
    run.start()
    assert run.join(60)
    summary = run.summary()
    assert summary.problem is None
    # The restart, and what this tool sampled from then to its new stream: it can't send it again.
    assert summary.gap_count == 2
    assert run.snapshot().trace.boot_id == 0xB008


# Recordings


def test_a_recording_from_the_start_plays_back_to_what_was_counted(runs: Any) -> None:
    run, _ = runs.whole(length_s=15.0, plan={"record": True}, skip_at={300: 2})
    summary = run.summary()
    assert summary.recording.name == "2026-03-29_01-59-30.iastm"
    assert Recording(summary.recording).start.wall_time == "2026-03-29T01:59:30+01:00"
    strokes = strokes_of(summary.recording)
    assert sum(not stroke.truncated for stroke in strokes) == summary.stroke_count > 3
    assert strokes == list(run.snapshot().strokes)
    assert sum(len(block.force_n) for block in blocks_of(summary.recording)) == summary.samples_received
    alerts = [event for event in recorded_events(Recording(summary.recording)) if isinstance(event, Alert)]
    assert [a for a in alerts if a.kind == "alarm"] == [decision.alert for decision in summary.alerts]


def test_a_recording_can_be_opened_from_its_first_moment(runs: Any) -> None:
    run, link = runs.make(length_s=1.0, plan={"record": True})
    starts: list[str] = []
    link.at[1] = lambda: starts.extend(
        Recording(path).start.software for path in (runs.folder / "recordings").iterdir()
    )
    run.start()
    assert run.join(60)
    assert starts == ["test 1"]


def test_two_runs_in_the_same_second_never_share_a_recording(runs: Any) -> None:
    paths = {runs.whole(length_s=1.0, plan={"record": True})[0].summary().recording for _ in range(3)}
    assert len(paths) == 3


def test_a_folder_that_takes_no_recording_stops_the_run_before_it_starts(runs: Any) -> None:
    (runs.folder / "recordings").write_text("a file")
    run, _ = runs.make(plan={"record": True})
    with pytest.raises(Problem) as raised:
        run.start()
    assert raised.value.fix


@pytest.mark.parametrize("read", [60, 131, 222, 303])
def test_a_recording_begun_in_mid_run_plays_back_to_what_is_counted_since(runs: Any, read: int) -> None:
    run, link = runs.make(length_s=15.0)
    link.at[read] = run.start_recording
    run.start()
    assert run.join(60)
    summary = run.summary()
    recorded = blocks_of(summary.recording)
    first = recorded[0].first_index
    assert recorded[-1].next_index == summary.end_index
    assert sum(len(block.force_n) for block in recorded) == summary.end_index - first
    # The stroke under way when it began is cut in the recording; all after it are the same.
    since = [stroke for stroke in run.snapshot().strokes if stroke.first_index > first]
    strokes = strokes_of(summary.recording)
    assert [stroke for stroke in strokes if stroke.first_index > first] == since
    assert since
    assert summary.gap_count == 0


def test_starting_a_recording_wipes_nothing_that_was_counted(runs: Any) -> None:
    whole, _ = runs.make(length_s=15.0)
    run, link = runs.make(length_s=15.0)
    link.at[300] = run.start_recording
    for each in (whole, run):
        each.start()
        assert each.join(60)
    assert run.summary().recording is not None
    assert run.summary().stroke_count == whole.summary().stroke_count
    assert run.summary().samples_received == whole.summary().samples_received
    assert run.snapshot().exposure == whole.snapshot().exposure


@pytest.mark.parametrize("read", [1, 2, 5, 9, 14])
def test_a_recording_asked_for_before_the_tool_is_live_begins_when_it_is(runs: Any, read: int) -> None:
    run, link = runs.make(length_s=8.0)
    seen: list[tuple[str, bool]] = []

    def look() -> None:
        seen.append((run.snapshot().link.state, (runs.folder / "recordings").exists()))

    link.at |= dict.fromkeys(range(1, 30), look)
    link.at[read] = run.start_recording
    run.start()
    assert run.join(60)
    summary = run.summary()
    recorded = blocks_of(summary.recording)
    first = recorded[0].first_index
    assert sum(len(block.force_n) for block in recorded) == summary.end_index - first
    since = [stroke for stroke in run.snapshot().strokes if stroke.first_index > first]
    assert [stroke for stroke in strokes_of(summary.recording) if stroke.first_index > first] == since
    assert not [state for state, begun in seen if begun and state != "streaming"]
    (decision,) = summary.alerts
    assert abs(decision.offset.offset_us - link._began_us) <= decision.offset.uncertainty_us


def test_a_second_wish_to_record_changes_nothing(runs: Any) -> None:
    run, link = runs.make(length_s=4.0)
    link.at[50] = link.at[51] = link.at[100] = run.start_recording
    run.start()
    assert run.join(60)
    assert [path.name for path in (runs.folder / "recordings").iterdir()] == [run.summary().recording.name]


def test_without_a_folder_a_recording_is_refused_in_words_and_the_run_goes_on(runs: Any) -> None:
    run, link = runs.make(length_s=4.0, plan={"recordings": None})
    link.at[50] = run.start_recording
    run.start()
    assert run.join(60)
    assert "no folder" in run.snapshot().recording.trouble
    assert run.summary().recording is None
    assert run.summary().problem is None


def test_a_recording_whose_tool_does_not_answer_begins_again_in_another_file(runs: Any) -> None:
    run, link = runs.make(length_s=20.0)

    def deaf() -> None:
        link.tool.mute = {kinds.HELLO, (kinds.COMMAND, kinds.DESCRIBE)}
        run.start_recording()

    def hears() -> None:
        link.tool.mute = set()

    seen: list[Any] = []
    link.at |= dict.fromkeys(range(340, 370), lambda: seen.append(run.snapshot().recording))
    link.at[100], link.at[400] = deaf, hears
    run.start()
    assert run.join(60)
    summary = run.summary()
    assert summary.problem is None
    assert any("did not answer" in view.trouble for view in seen)
    assert len(list((runs.folder / "recordings").iterdir())) == 2
    strokes = since(summary.recording, strokes_of(summary.recording))
    assert strokes == since(summary.recording, run.snapshot().strokes)
    assert strokes


def test_a_tool_that_streams_and_never_answers_costs_two_files_and_a_new_wish_tries_again(runs: Any) -> None:
    run, link = runs.make(length_s=60.0)

    def deaf() -> None:
        link.tool.mute = {kinds.HELLO, (kinds.COMMAND, kinds.DESCRIBE)}
        run.start_recording()

    def hears() -> None:
        link.tool.mute = set()
        run.start_recording()

    seen: list[Any] = []
    link.at[100] = deaf
    link.at[2400] = lambda: seen.append((run.snapshot().recording, len(list((runs.folder / "recordings").iterdir()))))
    link.at[2401] = hears
    run.start()
    assert run.join(60)
    ((view, files),) = seen
    assert files == 2
    assert view.path == ""
    assert "Press R" in view.trouble
    assert run.summary().problem is None
    path = run.summary().recording
    assert since(path, strokes_of(path)) == since(path, run.snapshot().strokes)


def test_a_marker_names_the_newest_sample(runs: Any) -> None:
    run, link = runs.make(length_s=4.0, plan={"record": True})
    seen: list[int] = []

    def mark() -> None:
        seen.append(link.tool.next_index - 1)
        run.add_marker()

    link.at[120] = link.at[150] = mark
    run.start()
    assert run.join(60)
    notes = Recording(run.summary().recording).notes("marker")
    assert [note["index"] for note in notes] == seen
    assert [note["number"] for note in notes] == [1, 2]
    assert notes[0]["boot_id"] == link.tool.boot_id
    assert run.snapshot().marker_count == 2


def test_the_recording_grows_visibly(runs: Any) -> None:
    run, link = runs.make(length_s=6.0, plan={"record": True})
    seen: list[Any] = []
    link.at[10] = link.at[250] = lambda: seen.append(run.snapshot().recording)
    run.start()
    assert run.join(60)
    assert seen[1].elapsed_s > seen[0].elapsed_s
    assert run.snapshot().recording.bytes_written == run.summary().recording.stat().st_size > 0


# Commands


def test_a_command_is_answered_through_its_future(runs: Any) -> None:
    run, link = runs.make(length_s=4.0)
    futures: list[Future[Answer]] = []
    link.at[100] = lambda: futures.append(run.request(SetZero(-5)))
    run.start()
    assert run.join(60)
    assert futures[0].result(0).accepted
    assert link.tool.zero.counts == -5


def test_an_answer_may_be_looked_into_from_its_callback(runs: Any) -> None:
    run, link = runs.make(length_s=4.0)
    seen: list[int] = []

    def ask() -> None:
        run.request(SetZero(1)).add_done_callback(lambda _: seen.append(run.snapshot().stroke_count))

    link.at[100] = ask
    run.start()
    assert run.join(60), "a snapshot from the callback must not wait for itself"
    assert len(seen) == 1


def test_a_command_that_nobody_waits_for_any_more_does_no_harm(runs: Any) -> None:
    run, link = runs.make(length_s=4.0)
    link.at[100] = lambda: run.request(SetZero(1)).cancel()
    run.start()
    assert run.join(60)
    assert run.summary().problem is None


def test_every_command_gets_an_answer_however_the_run_ends(runs: Any) -> None:
    run, link = runs.make(length_s=3.0)
    early = run.request(SetZero(1))
    futures: list[Future[Answer]] = []

    def ask() -> None:
        link.tool.mute = {(kinds.COMMAND, kinds.SET_ZERO)}
        futures.append(run.request(SetZero(2)))

    link.at[140] = ask
    run.start()
    assert run.join(60)
    late = run.request(SetZero(3))
    answers = [future.result(5) for future in (early, *futures, late)]
    assert [answer.accepted for answer in answers] == [False] * 3
    assert all(answer.reason for answer in answers)


def test_a_value_that_does_not_fit_is_refused_through_the_future(runs: Any) -> None:
    run, link = runs.make(length_s=4.0)
    futures: list[Future[Answer]] = []
    link.at[100] = lambda: futures.append(run.request(SetZero(1 << 40)))
    run.start()
    assert run.join(60)
    answer = futures[0].result(0)
    assert not answer.accepted
    assert "Choose another value" in answer.reason


def test_zero_is_set_once_the_tool_is_still_and_can_be_undone(runs: Any, fake_tool: Any) -> None:
    run, link = runs.make(tool=fake_tool(zero_counts=80_000), peaks_n=(0.0,), length_s=9.0)
    before = link.tool.zero.counts
    seen: dict[str, Any] = {}
    link.at[100] = run.zero
    link.at[200] = lambda: seen.update(zero=link.tool.zero.counts, view=run.snapshot().zero)
    link.at[210] = run.undo_zero
    link.at[230] = lambda: seen.update(undone=link.tool.zero.counts, after=run.snapshot().zero)
    run.start()
    assert run.join(60)
    assert abs(seen["zero"] - 84_213) <= 5
    assert (seen["view"].word, seen["view"].can_undo) == ("Zero set. U restores the old one.", True)
    assert seen["undone"] == before
    assert seen["after"].word == "Old zero restored. U goes back."


def test_an_answer_to_a_command_is_not_lost_where_a_recording_begins_meanwhile(runs: Any) -> None:
    run, link = runs.make(peaks_n=(0.0,), length_s=7.5)
    futures: list[Future[Answer]] = []

    def slow() -> None:
        link.tool.mute = {(kinds.COMMAND, kinds.SET_ZERO)}
        futures.append(run.request(SetZero(link.tool.zero.counts + 3)))
        run.start_recording()

    def answer() -> None:
        link.tool.mute = set()

    link.at[100], link.at[135] = slow, answer
    answered: list[bool] = []
    link.at[239] = lambda: answered.append(futures[0].done())
    link.at[240] = run.zero
    run.start()
    assert run.join(60)
    assert answered == [True]
    assert futures[0].result(0).accepted
    assert run.snapshot().zero.word == "Zero set. U restores the old one."
    assert not run.snapshot().zero.busy


def test_snapshots_may_be_taken_while_a_run_writes(runs: Any) -> None:
    run, _ = runs.make(length_s=20.0)
    wrong: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            shown = run.snapshot()
            if len(shown.trace.force_n) != len(shown.trace.saturated):
                wrong.append("trace")
            if shown.samples_received > shown.samples_expected:
                wrong.append("samples")

    watcher = threading.Thread(target=look)
    watcher.start()
    run.start()
    assert run.join(60)
    over.set()
    watcher.join()
    assert wrong == []


def test_a_tool_event_or_status_without_samples_is_shown_and_counts_nothing(runs: Any) -> None:
    run, link = runs.make(length_s=3.0)
    status = messages.Status(9, 41, 2000, kinds.FAULT_ADC_SILENT, 0, 0, 0, 0, 1, 60, 0)

    def silent() -> None:
        link._answers += link.tool.wire(kinds.STATUS, status)

    link.at[100] = silent
    run.start()
    assert run.join(60)
    assert run.snapshot().battery_percent == 41
    assert run.snapshot().faults == ("converter silent",)


def test_markers_that_no_recording_holds_are_counted(runs: Any) -> None:
    run, link = runs.make(length_s=6.0)
    link.at = {100: run.add_marker, 150: run.start_recording, 300: run.add_marker}
    run.start()
    assert run.join(60)
    assert (run.snapshot().marker_count, run.snapshot().markers_not_recorded) == (2, 1)
