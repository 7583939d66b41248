"""Light, buzzer and motor, played in virtual time: what is shown when, and how it is told apart."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.clock import Clock
from iastm_firmware.signals import DEFAULT_CHANNELS, OFF, PATTERNS, TECHNICAL, UNCERTAIN, Signals
from iastm_protocol.kinds import ALARM, CHANNEL_BUZZER, CHANNEL_LIGHT, CHANNEL_VIBRATION, DOSE, WARN

ALL = CHANNEL_LIGHT | CHANNEL_BUZZER | CHANNEL_VIBRATION
STEP_MS = 2


class Shown(NamedTuple):
    """What the outputs were told at a time."""

    at_ms: int
    kind: int
    light: int
    buzzer_hz: int
    motor: bool


class Stage:
    """Signals whose time passes in `run` only."""

    def __init__(self, there: int = ALL, start_us: int = 0) -> None:
        self.there = there
        self.now_ms = 0
        self.broken = False
        self.calls: list[Shown] = []
        self.signals = Signals(self, Clock(lambda: start_us + self.now_ms * 1000 & 0x3FFFFFFF))
        self.signals.choose(ALL)

    def set(self, kind: int, light: int, buzzer_hz: int, motor: bool) -> None:
        if self.broken:
            raise OSError(5, "no answer")
        self.calls.append(Shown(self.now_ms, kind, light, buzzer_hz, motor))

    def run(self, duration_ms: int) -> list[Shown]:
        """Let time pass in the turns of app.py; return what the outputs were told meanwhile."""
        known = len(self.calls)
        for _ in range(duration_ms // STEP_MS):
            self.now_ms += STEP_MS
            self.signals.step()
        return self.calls[known:]

    @property
    def last(self) -> Shown:
        return self.calls[-1] if self.calls else Shown(0, 0, OFF, 0, False)


def begin(stage: Stage, kind: int, on: bool = True) -> None:
    """Begin or end what is shown as `kind`."""
    if kind in (WARN, ALARM):
        stage.signals.show(kind if on else 0)
    elif kind == DOSE:
        stage.signals.dose() if on else stage.signals.end_dose()
    elif kind == TECHNICAL:
        stage.signals.technical(on)
    else:
        stage.signals.uncertain(on)


def spans_ms(calls: list[Shown], field: str, until_ms: int) -> list[tuple[int, int]]:
    """Return from when to when a channel was on."""
    found = []
    since = None
    for call in [*calls, Shown(until_ms, 0, OFF, 0, False)]:
        on = bool(getattr(call, field))
        if on and since is None:
            since = call.at_ms
        elif not on and since is not None:
            found.append((since, call.at_ms))
            since = None
    return found


def seen(kind: int, field: str, duration_ms: int = 5000) -> list[tuple[int, int]]:
    """Return when one channel is on while `kind` is shown from 0 on."""
    stage = Stage()
    begin(stage, kind)
    stage.run(duration_ms)
    return spans_ms(stage.calls, field, duration_ms)


KINDS = [pattern.kind for pattern in PATTERNS]


@pytest.mark.parametrize("field", ["buzzer_hz", "motor"])
def test_each_alert_is_told_by_its_number_of_pulses_alone(field: str) -> None:
    pulses = {kind: len(seen(kind, field)) for kind in KINDS}
    assert (pulses[WARN], pulses[TECHNICAL], pulses[DOSE], pulses[UNCERTAIN]) == (1, 2, 3, 0)
    assert pulses[ALARM] > 20
    # The shortest alarm has more than any other.
    stage = Stage()
    stage.signals.show(ALARM)
    stage.run(4)
    stage.signals.show(0)
    stage.run(3000)
    assert len(spans_ms(stage.calls, field, 3000)) == 4


def test_each_light_is_told_by_its_rhythm_without_its_colour() -> None:
    rhythms = {}
    for kind in KINDS:
        spans = seen(kind, "light", 12_000)
        starts = [start for start, _ in spans]
        lit = sum(end - start for start, end in spans) / 12_000
        rhythms[kind] = (len(starts) / 12, lit)
    assert rhythms[WARN] == (1 / 12, 1.0)
    assert rhythms[ALARM][0] == pytest.approx(1000 / 350, abs=0.1)
    assert rhythms[DOSE][0] == pytest.approx(0.6, abs=0.1)
    assert 0.4 <= rhythms[DOSE][0] <= 0.8
    assert rhythms[UNCERTAIN][0] == pytest.approx(1 / 3, abs=0.1)
    # Two short ones, and a pause: no other begins twice within half a second and then not for more than one.
    starts = [start for start, _ in seen(TECHNICAL, "light", 12_000)]
    pauses = [b - a for a, b in itertools.pairwise(starts)]
    assert min(pauses) < 400
    assert max(pauses) > 1500
    for kind in KINDS:
        starts = [start for start, _ in seen(kind, "light", 12_000)]
        assert all(c - a >= 666 for a, c in zip(starts, starts[2:], strict=False)), "more than three flashes a second"


def test_no_pulse_lasts_as_long_as_the_shortest_stroke() -> None:
    for kind in KINDS:
        assert all(end - start < 150 - 2 * STEP_MS for start, end in seen(kind, "motor"))


def test_what_is_raised_is_shown_before_the_call_returns() -> None:
    for kind in KINDS:
        stage = Stage()
        begin(stage, kind)
        assert stage.last.kind == kind
        assert stage.last.light
        assert stage.last.motor == (kind != UNCERTAIN)


def test_the_first_of_all_that_is_on_is_shown_and_the_next_when_it_ends() -> None:
    order = [ALARM, WARN, TECHNICAL, DOSE, UNCERTAIN]
    assert order == KINDS
    for first, second in itertools.combinations(order, 2):
        if (first, second) == (ALARM, WARN):
            continue
        for kinds in ((first, second), (second, first)):
            stage = Stage()
            for kind in kinds:
                begin(stage, kind)
                stage.run(100)
            assert stage.signals.shown == first
            begin(stage, first, False)
            stage.run(1000)
            assert stage.signals.shown == second
            begin(stage, second, False)
            stage.run(1000)
            assert (stage.signals.shown, stage.last[1:]) == (0, (0, OFF, 0, False))


def test_a_short_excess_is_shown_long_enough_to_be_felt() -> None:
    for kind, least_ms in ((WARN, 250), (ALARM, 680)):
        stage = Stage()
        stage.signals.show(kind)
        stage.run(6)
        stage.signals.show(0)
        stage.run(2000)
        assert stage.last[1:] == (0, OFF, 0, False)
        assert stage.last.at_ms == pytest.approx(least_ms, abs=2 * STEP_MS)


@pytest.mark.parametrize("minutes", [5, 9, 12, 17, 20])
@pytest.mark.parametrize("kind", [WARN, ALARM, TECHNICAL, UNCERTAIN])
def test_what_was_on_for_long_ends_when_it_is_over(kind: int, minutes: int) -> None:
    # Half the time after which the ticks wrap, and beyond all of it.
    stage = Stage(start_us=123_456)
    begin(stage, kind)
    for _ in range(minutes * 60 * 20):
        stage.now_ms += 50
        stage.signals.step()
    assert stage.signals.shown == kind
    begin(stage, kind, False)
    stage.run(2 * STEP_MS)
    assert (stage.signals.shown, stage.last[1:]) == (0, (0, OFF, 0, False))
    stage.run(100)
    assert not stage.signals.vibrating


@pytest.mark.parametrize("minutes", [1, 9, 12, 17])
def test_what_was_due_while_nothing_was_called_is_over_at_once(minutes: int) -> None:
    # A tool that was held up: dose, silence, light and what the motor shook.
    stage = Stage()
    stage.signals.dose()
    stage.signals.technical(True)
    stage.signals.silence(20)
    stage.now_ms += minutes * 60_000
    assert stage.signals.silenced_s == 0
    stage.signals.step()
    stage.signals.technical(False)
    assert stage.signals.shown == 0
    stage.run(200)
    assert not stage.signals.vibrating


def test_an_excess_that_lessens_is_no_second_cue_and_a_new_one_is() -> None:
    stage = Stage()
    stage.signals.show(ALARM)
    stage.run(1000)
    stage.signals.show(WARN)
    assert not any(call.motor for call in stage.run(1000))
    assert stage.signals.shown == WARN
    stage.signals.show(0)
    stage.run(1000)
    stage.signals.show(WARN)
    assert stage.last.motor


def test_a_second_excess_while_the_first_is_still_shown_begins_anew() -> None:
    stage = Stage()
    stage.signals.show(WARN)
    stage.run(6)
    stage.signals.show(0)
    stage.run(150)
    stage.signals.show(WARN)
    stage.run(6)
    stage.signals.show(0)
    stage.run(1000)
    assert len(spans_ms(stage.calls, "motor", 1200)) == 2


def test_a_fault_that_lasts_is_told_once_however_often_a_stroke_goes_before_it() -> None:
    stage = Stage()
    stage.signals.technical(True)
    stage.run(3000)
    for _ in range(5):
        stage.signals.show(WARN)
        stage.run(300)
        stage.signals.show(0)
        calls = stage.run(2000)
        assert any(call.kind == TECHNICAL and call.light for call in calls)
        assert not any(call.kind == TECHNICAL and call.motor for call in calls)


def test_a_dose_clears_itself_and_is_told_again_when_it_is_reached_again() -> None:
    stage = Stage()
    for _ in range(2):
        stage.signals.dose()
        assert any(call.light for call in stage.run(11_000)[-3:])
        stage.run(2000)
        assert stage.last[1:] == (0, OFF, 0, False)
    assert len(spans_ms(stage.calls, "motor", 30_000)) == 6


@pytest.mark.parametrize("chosen", range(8))
def test_only_chosen_channels_are_driven_and_the_choice_lasts(chosen: int) -> None:
    stage = Stage()
    stage.signals.choose(chosen)
    for kind in KINDS:
        begin(stage, kind)
        stage.run(3000)
        begin(stage, kind, False)
        stage.run(3000)
    assert any(call.light for call in stage.calls) == bool(chosen & CHANNEL_LIGHT)
    assert any(call.buzzer_hz for call in stage.calls) == bool(chosen & CHANNEL_BUZZER)
    assert any(call.motor for call in stage.calls) == bool(chosen & CHANNEL_VIBRATION)
    assert stage.signals.chosen == chosen


def test_before_anything_is_chosen_light_and_motor_are() -> None:
    assert Signals(Stage(), Clock(lambda: 0)).chosen == DEFAULT_CHANNELS == CHANNEL_LIGHT | CHANNEL_VIBRATION


def test_a_motor_that_is_not_there_does_not_vibrate() -> None:
    stage = Stage(there=CHANNEL_LIGHT)
    stage.signals.show(ALARM)
    stage.run(500)
    assert not stage.signals.vibrating
    assert not any(call.motor or call.buzzer_hz for call in stage.calls)


@pytest.mark.parametrize("start_us", [0, 2**30 - 400_000])
def test_it_vibrates_while_a_motor_or_a_buzzer_runs_and_60_ms_after(start_us: int) -> None:
    for chosen in (CHANNEL_BUZZER, CHANNEL_VIBRATION):
        stage = Stage(start_us=start_us)
        stage.signals.choose(chosen | CHANNEL_LIGHT)
        found = [stage.signals.vibrating]
        stage.signals.show(WARN)
        found.append(stage.signals.vibrating)
        for duration_ms in (100 + 60 - 2 * STEP_MS, 4 * STEP_MS):
            stage.run(duration_ms)
            found.append(stage.signals.vibrating)
        assert found == [False, True, True, False]


def test_silence_stills_what_is_on_but_never_the_light() -> None:
    stage = Stage()
    stage.signals.show(ALARM)
    stage.run(1000)
    stage.signals.silence(10)
    calls = stage.run(5000)
    assert not any(call.motor or call.buzzer_hz for call in calls)
    assert len(spans_ms(calls, "light", 6000)) > 10
    assert stage.signals.silenced_s == 5


def test_silence_expires_and_what_is_still_on_sounds_again() -> None:
    stage = Stage()
    stage.signals.show(ALARM)
    stage.run(1000)
    stage.signals.silence(2)
    stage.run(1998)
    assert not stage.last.motor
    calls = stage.run(300)
    assert any(call.motor for call in calls)
    assert stage.signals.silenced_s == 0


def test_silence_ends_when_nothing_of_it_is_on_any_more_and_a_new_alert_sounds() -> None:
    stage = Stage()
    stage.signals.show(ALARM)
    stage.run(1000)
    stage.signals.silence(120)
    stage.run(100)
    stage.signals.show(0)
    assert not any(call.motor for call in stage.run(1000))
    assert stage.signals.silenced_s == 0
    stage.signals.show(ALARM)
    assert stage.last.motor


def test_what_begins_while_something_else_is_silenced_sounds() -> None:
    stage = Stage()
    stage.signals.technical(True)
    stage.run(100)
    stage.signals.silence(120)
    assert not any(call.motor for call in stage.run(1000))
    stage.signals.show(ALARM)
    assert stage.last.motor
    stage.signals.show(0)
    calls = stage.run(2000)
    assert not any(call.kind == TECHNICAL and call.motor for call in calls)


def test_silence_with_nothing_on_silences_nothing() -> None:
    stage = Stage()
    stage.signals.uncertain(True)
    stage.signals.silence(120)
    assert stage.signals.silenced_s == 0
    stage.signals.show(WARN)
    assert stage.last.motor


def test_silence_of_no_seconds_lets_it_sound_again() -> None:
    stage = Stage()
    stage.signals.show(ALARM)
    stage.run(1000)
    stage.signals.silence(60)
    stage.run(200)
    stage.signals.silence(0)
    assert any(call.motor for call in stage.run(300))


def test_outputs_that_fail_are_tried_again_each_second_and_with_each_new_thing() -> None:
    stage = Stage()
    stage.broken = True
    stage.signals.show(WARN)
    assert stage.signals.fails
    stage.run(1000)
    stage.broken = False
    stage.run(500)
    assert stage.calls == []
    stage.signals.second()
    assert (stage.signals.fails, stage.last.kind) == (False, WARN)
    stage.broken = True
    stage.signals.show(0)
    stage.run(500)
    stage.broken = False
    stage.signals.show(ALARM)
    assert (stage.signals.fails, stage.last.kind) == (False, ALARM)


_STEPS = st.tuples(
    st.one_of(
        st.sampled_from([("show", 0), ("show", WARN), ("show", ALARM), ("dose", 0), ("end_dose", 0)]),
        st.tuples(st.sampled_from(["technical", "uncertain"]), st.booleans()),
        st.tuples(st.just("silence"), st.integers(0, 120)),
        st.tuples(st.just("choose"), st.integers(0, 255)),
    ),
    st.integers(0, 4000),
)


@given(st.lists(_STEPS, max_size=20), st.integers(0, 2**30 - 1))
def test_whatever_happens_an_alarm_is_lit_and_in_the_end_all_is_dark(
    steps: list[tuple[tuple[str, int], int]], start_us: int
) -> None:
    stage = Stage(start_us=start_us)
    for (what, value), duration_ms in steps:
        call = getattr(stage.signals, what)
        call() if what in ("dose", "end_dose") else call(value)
        known = len(stage.calls)
        if (what, value) == ("show", ALARM):
            assert stage.signals.shown == ALARM
        stage.run(duration_ms)
        for shown in stage.calls[known:]:
            assert not shown.light or stage.signals.chosen & CHANNEL_LIGHT
    stage.signals.show(0)
    for kind in (DOSE, TECHNICAL, UNCERTAIN):
        begin(stage, kind, False)
    stage.run(2000)
    assert stage.last[1:] == (0, OFF, 0, False)
    assert (stage.signals.vibrating, stage.signals.silenced_s) == (False, 0)
