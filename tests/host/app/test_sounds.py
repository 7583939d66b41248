from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.host.window.fake_session import medium_alert, snapshot_at

from iastm_host.app.live_view import LiveView, ViewState, live_view
from iastm_host.app.sounds import MEDIUM, OVERSHOOT, SAMPLE_RATE_HZ, TECHNICAL, SoundSchedule, Tone, render
from iastm_host.events import Alert

SECOND_US = 1_000_000


def view(medium: bool = False, technical: bool = False) -> LiveView:
    return replace(live_view(snapshot_at(20.0), ViewState()), medium=medium, technical=technical)


def played(schedule: SoundSchedule, shown: LiveView, seconds: range, paused: bool = False) -> list[tuple[int, str]]:
    return [(second, tone.name) for second in seconds for tone in schedule.due(shown, (), second * SECOND_US, paused)]


def test_a_medium_alert_sounds_every_ten_seconds_while_it_lasts() -> None:
    schedule = SoundSchedule()
    assert played(schedule, view(medium=True), range(25)) == [(0, "medium"), (10, "medium"), (20, "medium")]
    assert played(schedule, view(), range(25, 60)) == []


def test_a_technical_alert_sounds_once_and_then_every_twenty_seconds() -> None:
    assert played(SoundSchedule(), view(technical=True), range(45)) == [
        (0, "technical"),
        (20, "technical"),
        (40, "technical"),
    ]


def test_a_new_alert_of_force_sounds_at_once() -> None:
    schedule = SoundSchedule()
    assert played(schedule, view(medium=True), range(1)) == [(0, "medium")]
    assert played(schedule, view(), range(1, 2)) == []
    assert played(schedule, view(medium=True), range(2, 3)) == [(2, "medium")]


def test_of_two_alerts_that_of_force_comes_first() -> None:
    tones = SoundSchedule().due(view(medium=True, technical=True), (), 0, paused=False)
    assert tones[0] is MEDIUM
    assert TECHNICAL in tones


def test_a_pause_is_silent_and_what_lasts_sounds_when_it_ends() -> None:
    schedule = SoundSchedule()
    assert played(schedule, view(medium=True), range(1)) == [(0, "medium")]
    assert played(schedule, view(medium=True), range(1, 121), paused=True) == []
    assert played(schedule, view(medium=True), range(121, 122)) == [(121, "medium")]


@pytest.mark.parametrize(("wanted", "tones"), [(False, ()), (True, (OVERSHOOT,))])
def test_an_overshoot_ticks_once_and_only_where_chosen(wanted: bool, tones: tuple[Tone, ...]) -> None:
    schedule = SoundSchedule(overshoot=wanted)
    cue = Alert(1, "warn", "cue", 100, 100, late=False)
    assert schedule.due(view(), (cue,), 0, paused=False) == tones
    assert schedule.due(view(), (cue,), SECOND_US, paused=False) == ()


def test_an_overshoot_in_a_pause_or_from_a_backfill_does_not_tick_later() -> None:
    schedule = SoundSchedule(overshoot=True)
    cue = Alert(1, "warn", "cue", 100, 100, late=False)
    assert schedule.due(view(), (cue,), 0, paused=True) == ()
    assert schedule.due(view(), (cue,), SECOND_US, paused=False) == ()
    late = Alert(1, "warn", "cue", 50, 50, late=True)
    assert schedule.due(view(), (cue, late), 2 * SECOND_US, paused=False) == ()


def test_the_live_view_asks_for_sound_where_force_or_signal_alarm() -> None:
    snapshot = snapshot_at(20.0)
    assert live_view(replace(snapshot, medium_alert=medium_alert(20.0)), ViewState()).medium
    assert live_view(replace(snapshot, taken_us=snapshot.taken_us + SECOND_US), ViewState()).technical
    calm = live_view(snapshot, ViewState())
    assert (calm.medium, calm.technical) == (False, False)


@pytest.mark.parametrize("tone", [OVERSHOOT, MEDIUM, TECHNICAL], ids=lambda tone: tone.name)
def test_a_tone_has_its_length_and_begins_and_ends_in_silence(tone: Tone) -> None:
    pcm = render(tone)
    assert pcm.dtype == np.int16
    assert len(pcm) == sum(round(duration_s * SAMPLE_RATE_HZ) for _, duration_s in tone.parts)
    assert 10_000 < np.abs(pcm.astype(int)).max() < 32_767
    assert np.abs(pcm[[0, -1]].astype(int)).max() < 100


def pitch_hz(pcm: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(pcm, n=SAMPLE_RATE_HZ))
    return float(np.argmax(spectrum))


def test_the_technical_tone_falls_and_the_medium_one_pulses_three_times() -> None:
    technical, medium = render(TECHNICAL), render(MEDIUM)
    first = round(0.2 * SAMPLE_RATE_HZ)
    assert pitch_hz(technical[:first]) == pytest.approx(520, abs=3)
    assert pitch_hz(technical[first:]) == pytest.approx(390, abs=3)
    pulse = round(0.15 * SAMPLE_RATE_HZ)
    loud = [bool(np.abs(medium[place * pulse : (place + 1) * pulse]).max() > 1000) for place in range(5)]
    assert loud == [True, False, True, False, True]
    assert pitch_hz(medium[:pulse]) == pytest.approx(660, abs=4)
