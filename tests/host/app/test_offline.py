from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iastm_host.analysis.profiles import Contact, Tip
from iastm_host.app.offline import recorded_contact, recorded_events, recorded_profile, recorded_tip
from iastm_host.events import Alert, ForceBlock, Problem, Stroke
from iastm_host.records.entries import Entry, Recording, encode_entry, encode_note
from iastm_host.transports.replay import ReplayClock, ReplayTransport
from iastm_protocol import kinds


def test_a_recording_knows_profile_tip_and_contact_it_was_made_with(runs: Any, profile: Any) -> None:
    tip = Tip("Tip B", 1.25, 0.2)
    contact = Contact(1.0, 0.6, 0.2)
    run, _ = runs.whole(length_s=1.0, plan={"record": True, "tip": tip, "contact": contact})
    recording = Recording(run.summary().recording)
    assert recorded_profile(recording) == profile
    assert recorded_tip(recording) == tip
    assert recorded_contact(recording) == contact


def test_without_a_tip_none_is_recorded(runs: Any) -> None:
    run, _ = runs.whole(length_s=1.0, plan={"record": True})
    assert recorded_tip(Recording(run.summary().recording)) is None


def test_offline_and_replay_find_what_was_found_live(runs: Any) -> None:
    live, _ = runs.whole(length_s=15.0, plan={"record": True}, skip_at={250: 3, 421: 1})
    recording = Recording(live.summary().recording)
    events = list(recorded_events(recording))

    from iastm_host.app.acquisition import Acquisition, Plan

    clock = ReplayClock(lambda: 0, 0)
    plan = Plan("replay", recorded_profile(recording), None, recorded_contact(recording), "test 1", live=False)
    replay = Acquisition(ReplayTransport(recording.chunks(), clock), plan, clock.now_us, lambda: None)  # type: ignore[arg-type,return-value]
    replay.start()
    assert replay.join(60)

    assert replay.snapshot().strokes == live.snapshot().strokes
    assert [e for e in events if isinstance(e, Stroke)] == list(live.snapshot().strokes)
    assert [d.alert for d in replay.summary().alerts] == [d.alert for d in live.summary().alerts]
    assert {e for e in events if isinstance(e, Alert)} >= {d.alert for d in live.summary().alerts}
    for name in ("samples_received", "samples_expected", "first_index", "end_index", "gap_count", "stroke_count"):
        assert getattr(replay.summary(), name) == getattr(live.summary(), name)
    assert replay.snapshot().exposure == live.snapshot().exposure
    assert sum(len(e.force_n) for e in events if isinstance(e, ForceBlock)) == live.summary().samples_received


def test_other_contact_levels_change_the_strokes_and_nothing_else(runs: Any) -> None:
    live, _ = runs.whole(length_s=10.0, plan={"record": True})
    recording = Recording(live.summary().recording)
    high = list(recorded_events(recording, Contact(7.0, 6.8, 0.1)))
    usual = list(recorded_events(recording))
    assert len([e for e in high if isinstance(e, Stroke)]) < len([e for e in usual if isinstance(e, Stroke)])
    assert sum(isinstance(e, ForceBlock) for e in high) == sum(isinstance(e, ForceBlock) for e in usual)


@pytest.mark.parametrize("settings", [{}, {"profile": 5, "contact": None}, {"profile": {"key": "x"}, "contact": {}}])
def test_a_recording_that_does_not_say_its_profile_is_a_problem(tmp_path: Path, settings: dict[str, object]) -> None:
    note = {"note": "start", "format": "iastm-recording", "version": 1, "settings": settings}
    path = tmp_path / "a.iastm"
    path.write_bytes(encode_entry(kinds.NOTE, 0, 1, encode_note(note)))
    for ask in (recorded_profile, recorded_contact):
        with pytest.raises(Problem, match="does not say") as raised:
            ask(Recording(path))
        assert raised.value.fix


@pytest.mark.parametrize("note", [{"dialect": "martian"}, {"dialect": "progressor", "numbering": {"boot_id": 1}}])
def test_a_recording_of_a_gauge_that_is_not_known_or_not_numbered_is_a_problem(
    runs: Any, tmp_path: Path, note: dict[str, Any]
) -> None:
    run, _ = runs.whole(length_s=1.0, plan={"record": True})
    made = Recording(run.summary().recording)
    start, *rest = made.entries()
    entries = [start, Entry(kinds.NOTE, 1, encode_note({"note": "dialect", **note})), *rest]
    path = tmp_path / "other.iastm"
    path.write_bytes(b"".join(encode_entry(e.kind, n, e.host_us, e.data) for n, e in enumerate(entries)))
    with pytest.raises(Problem):
        list(recorded_events(Recording(path)))
