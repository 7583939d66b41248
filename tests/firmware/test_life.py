"""What a tool keeps over restarts, when it sleeps and what feeds its watchdog: the whole tool on the bench."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from iastm_firmware.journal import Journal
from iastm_firmware.signals import UNCERTAIN
from iastm_protocol import kinds, messages, tool_bodies
from iastm_protocol.messages import Limits, set_zero_body
from iastm_protocol.tool_messages import ChannelsReport, LogPart, SelfTestResult
from iastm_simulated.memory_store import MemoryStore

MakeBench = Callable[..., Any]

RATE_HZ = 320
REST = 40
LIMITS = Limits("", 5000, 8000, 800, 520)
ALL_CHANNELS = kinds.CHANNEL_LIGHT | kinds.CHANNEL_BUZZER | kinds.CHANNEL_VIBRATION
# A minute is as long as an hour: a second of it costs what a second costs.
IDLE_S = 6


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch) -> None:
    # MicroPython's own, which a status tells.
    monkeypatch.setattr(gc, "mem_free", lambda: 40_000, raising=False)


def rest(seconds: float, counts: int = REST) -> list[int]:
    """Counts of a tool that nobody touches, with a little noise."""
    return [counts + index % 3 for index in range(round(seconds * RATE_HZ))]


def live(bench: Any, seconds: float, *, sampled: bool = True) -> None:
    """Let a tool live in the turns of app.py: sampling, links, what takes its time, and each second."""
    life = bench.tool.life
    for tick in range(1, round(seconds * 100) + 1):
        bench.run(10)
        life.sampled = life.sampled or sampled
        life.step()
        if tick % 100 == 0:
            bench.tool.second()
            life.sleep_if_due()


class Lives:
    """One tool over restarts: what it keeps and logs outlives each bench."""

    def __init__(self, bench: MakeBench, wire: Any, **settings: Any) -> None:
        self._bench = bench
        self._wire = wire
        self._settings = settings
        self.store = MemoryStore()
        self._log = MemoryStore()

    def begin(self, counts: list[int] | None = None, reason: int = kinds.RESET_POWER, **settings: Any) -> Any:
        """Start the tool; return its bench."""
        return self._bench(
            rest(20) if counts is None else counts,
            settings_storage=self.store,
            journal=Journal(self._log),
            reset_reason=reason,
            there=ALL_CHANNELS,
            **{**self._settings, **settings},
        )

    def order(self, bench: Any, number: int, body: bytes = b"", request_id: int = 40) -> messages.Response:
        """Give a command as the host on the cable; return the answer."""
        bench.say(self._wire.command(request_id, number, body))
        answers: list[messages.Response] = bench.heard().of(messages.Response)
        assert answers[-1].request_id == request_id
        return answers[-1]

    def greet(self, bench: Any) -> messages.HelloAnswer:
        """Say hello; return the answer."""
        bench.say(self._wire.hello())
        answer: messages.HelloAnswer = bench.heard().of(messages.HelloAnswer)[-1]
        return answer

    def log(self, bench: Any) -> str:
        """The log as a host reads it."""
        self.order(bench, kinds.GET_LOG, tool_bodies.get_log_body(0, 2048), 90)
        return str(bench.heard().of(LogPart)[-1].data, "ascii")


@pytest.fixture
def lives(bench: MakeBench, wire: Any) -> Lives:
    return Lives(bench, wire)


def faults_told(bench: Any) -> list[tuple[int, int]]:
    """The events of faults as (kind, bit)."""
    kinds_of_fault = (kinds.EVENT_FAULT, kinds.EVENT_FAULT_CLEARED)
    return [(e.kind, e.value) for e in bench.heard().of(messages.ToolEvent) if e.kind in kinds_of_fault]


# what lasts


def test_a_kept_zero_is_in_force_after_a_restart_and_uncertain_until_it_is_confirmed(lives: Lives) -> None:
    first = lives.begin()
    first.start(LIMITS)
    assert lives.order(first, kinds.SET_ZERO, set_zero_body(REST)).error == kinds.OK
    live(first, 1)
    # Pressed with 9 N from the third second to the end.
    pressed = rest(3) + rest(4, 9000 + REST)
    second = lives.begin(pressed)
    second.start(LIMITS)
    live(second, 5)
    assert (second.tool.settings.zero.counts, second.tool.settings.zero.confirmed) == (REST, False)
    assert not second.heard().of(messages.AlertReport)
    assert {kind for _, kind in second.board.alerts} == {UNCERTAIN}
    assert all(batch.flags & kinds.ZERO_UNCERTAIN for batch in second.heard().of(messages.ForceSamples))
    compared = [e for e in second.heard().of(messages.ToolEvent) if e.kind == kinds.EVENT_ZERO_COMPARED]
    assert [event.value for event in compared] == [1]
    # Whoever confirms it has it in force as it was, and is warned.
    assert lives.order(second, kinds.SET_ZERO, set_zero_body(REST)).error == kinds.OK
    live(second, 1)
    assert [alert.kind for alert in second.heard().of(messages.AlertReport)] == [kinds.ALARM]
    assert not second.heard().of(messages.ForceSamples)[-1].flags & kinds.ZERO_UNCERTAIN


def test_a_kept_zero_that_no_longer_fits_is_not_used_and_hello_says_so(lives: Lives) -> None:
    first = lives.begin()
    first.start()
    # As far as this cell goes: 0.9 N are left to the rail, and contact begins at 0.8 N.
    assert lives.order(first, kinds.SET_ZERO, set_zero_body(kinds.COUNTS_MAX - 900)).error == kinds.OK
    live(first, 1)
    # A cell of a thousandth of it more counts for each newton.
    second = lives.begin(coefficients=(0.0, 1 / 42_000), zero_counts=7)
    answer = lives.greet(second)
    assert (second.tool.settings.zero.counts, second.tool.settings.zero.confirmed) == (7, False)
    assert answer.trouble.startswith("the kept zero is not used: the converter can't reach the contact at 0.8 N")
    # With the cell of before it is in force again: nothing was thrown away.
    third = lives.begin()
    assert third.tool.settings.zero.counts == kinds.COUNTS_MAX - 900
    assert lives.greet(third).trouble == ""


def test_channels_that_were_chosen_last(lives: Lives) -> None:
    first = lives.begin()
    first.start()
    lives.order(first, kinds.SET_CHANNELS, tool_bodies.set_channels_body(kinds.CHANNEL_BUZZER))
    live(first, 1)
    second = lives.begin([REST] * RATE_HZ + [9000] * (2 * RATE_HZ))
    second.start(LIMITS)
    assert second.heard().of(ChannelsReport)[-1].chosen == kinds.CHANNEL_BUZZER
    lives.order(second, kinds.SET_ZERO, set_zero_body(REST))
    live(second, 2)
    sounded = [(light, buzzer_hz > 0, motor) for _, kind, light, buzzer_hz, motor in second.board.outputs.calls if kind]
    assert (0, True, False) in sounded
    assert not any(light or motor for light, _, motor in sounded)


def test_an_overload_is_told_kept_over_a_restart_and_ends_with_a_zero_even_the_same_one(lives: Lives) -> None:
    # 120 N for a fifth of a second on a cell of 100 N.
    first = lives.begin(rest(1) + [120_000] * (RATE_HZ // 5) + rest(10))
    first.start()
    lives.order(first, kinds.SET_ZERO, set_zero_body(0))
    live(first, 3)
    told = [e.value for e in first.heard().of(messages.ToolEvent) if e.kind == kinds.EVENT_OVERLOAD]
    assert told == [120_000]
    assert (kinds.EVENT_FAULT, kinds.FAULT_OVERLOADED) in faults_told(first)
    for reason in (kinds.RESET_POWER, kinds.RESET_SOFT):
        later = lives.begin(reason=reason)
        later.start()
        live(later, 2)
        assert lives.greet(later).overload_mn == 120_000
        assert later.tool.health.faults & kinds.FAULT_OVERLOADED
        assert later.board.alerts[-1][1] == UNCERTAIN
    # The zero that is kept, once more: somebody looked.
    assert later.tool.settings.zero.counts == 0
    lives.order(later, kinds.SET_ZERO, set_zero_body(0), 41)
    live(later, 2)
    assert (kinds.EVENT_FAULT_CLEARED, kinds.FAULT_OVERLOADED) in faults_told(later)
    last = lives.begin()
    live(last, 2)
    assert not last.tool.health.faults & kinds.FAULT_OVERLOADED
    # What the cell once bore stays known.
    assert lives.greet(last).overload_mn == 120_000


def test_an_overload_ends_within_the_run_with_the_zero_that_is_in_force_already(lives: Lives) -> None:
    b = lives.begin(rest(1) + [120_000] * (RATE_HZ // 5) + rest(10))
    b.start()
    lives.order(b, kinds.SET_ZERO, set_zero_body(0))
    live(b, 3)
    assert b.tool.health.faults & kinds.FAULT_OVERLOADED
    lives.order(b, kinds.SET_ZERO, set_zero_body(0), 41)
    live(b, 2)
    assert not b.tool.health.faults & kinds.FAULT_OVERLOADED
    assert b.board.alerts[-1][1] == 0


def test_power_that_went_amid_a_stream_is_counted_and_logged(lives: Lives) -> None:
    first = lives.begin()
    first.start()
    live(first, 12)
    second = lives.begin()
    answer = lives.greet(second)
    assert (answer.reset_reason, answer.power_losses, answer.restarts) == (kinds.RESET_POWER, 1, 0)
    assert "power went while it streamed" in lives.log(second)
    assert answer.log_bytes == len(lives.log(second))
    # Nobody streamed this time.
    live(second, 12)
    assert lives.greet(lives.begin()).power_losses == 1


def test_a_stream_that_ended_before_the_power_went_is_no_loss(lives: Lives) -> None:
    first = lives.begin()
    first.start()
    live(first, 12)
    lives.order(first, kinds.STOP_STREAM)
    live(first, 2)
    answer = lives.greet(lives.begin())
    assert (answer.power_losses, answer.log_bytes) == (0, 0)


def test_a_restart_by_the_watchdog_is_counted_and_logged(lives: Lives) -> None:
    lives.begin()
    second = lives.begin(reason=kinds.RESET_WATCHDOG)
    answer = lives.greet(second)
    assert (answer.reset_reason, answer.restarts, answer.power_losses) == (kinds.RESET_WATCHDOG, 1, 0)
    assert "start 2, 0 s: restarted by the watchdog" in lives.log(second)


# writes


class Watched(MemoryStore):
    """Notes of each write whether the tool was in contact, and takes a flash's time for it."""

    def __init__(self) -> None:
        super().__init__()
        self.bench: Any = None
        self.in_contact: list[bool] = []

    def write(self, slot: int, parts: Any) -> None:
        if self.bench is not None:
            self.in_contact.append(self.bench.tool.watch.in_contact)
            self.bench.elapsed_us += 45_000
        super().write(slot, parts)


def test_nothing_is_written_in_contact_and_all_of_it_soon_after(lives: Lives) -> None:
    lives.store = store = Watched()
    # Ten seconds of contact, two of rest.
    b = store.bench = lives.begin(rest(1) + [4000 + i % 5 for i in range(10 * RATE_HZ)] + rest(8))
    b.start(LIMITS)
    live(b, 2)
    assert b.tool.watch.in_contact
    lives.order(b, kinds.SET_ZERO, set_zero_body(20))
    live(b, 6)
    assert store.in_contact == []
    live(b, 5)
    assert store.in_contact
    assert not any(store.in_contact)
    assert lives.begin().tool.settings.zero.counts == 20


# sleep


@pytest.mark.parametrize("used_by", ["nobody", "a stream", "pings", "contact", "motion", "the button"])
def test_it_sleeps_only_when_nobody_uses_it(lives: Lives, wire: Any, used_by: str) -> None:
    pressed = [4000 + i % 5 for i in range(20 * RATE_HZ)]
    b = lives.begin(pressed if used_by == "contact" else [], idle_s=IDLE_S, pressed=used_by == "the button")
    if used_by == "a stream":
        b.start()
    if used_by == "motion":
        b.tool.motion = Moved()
    for _ in range(IDLE_S + 3):
        if used_by == "pings":
            b.say(wire.hello())
        live(b, 1)
    assert b.board.slept == (1 if used_by == "nobody" else 0)


class Moved:
    """A motion sensor in a hand."""

    number = 0
    fails = False
    still_s = 0

    def step(self, next_index: int, in_contact: bool) -> None:
        pass


def test_it_sleeps_after_its_time_and_again_after_as_long(lives: Lives) -> None:
    b = lives.begin([], idle_s=IDLE_S)
    slept = []
    for _ in range(3 * IDLE_S):
        live(b, 1)
        slept.append(b.board.slept)
    assert slept == [0] * (IDLE_S - 1) + [1] * IDLE_S + [2] * IDLE_S + [3]


def test_what_lies_on_it_for_ten_minutes_keeps_it_awake_no_longer(lives: Lives) -> None:
    b = lives.begin([4000] * RATE_HZ, idle_s=IDLE_S)
    live(b, 2)
    assert b.tool.watch.in_contact
    for _ in range(598 + IDLE_S):
        b.elapsed_us += 1_000_000
        b.tool.life.sampled = True
        b.tool.second()
        b.tool.life.sleep_if_due()
        if b.board.slept:
            break
    assert b.board.slept == 1
    assert b.elapsed_us > 600_000_000


def test_a_tool_that_never_sleeps_says_so_and_does_not(lives: Lives) -> None:
    b = lives.begin([], idle_s=0)
    live(b, 10)
    assert b.tool.life.idle.left_s == kinds.NEVER_SLEEPS
    assert b.board.slept == 0


def test_what_is_to_be_kept_is_written_before_it_sleeps_and_its_outputs_are_off(lives: Lives) -> None:
    b = lives.begin([], idle_s=IDLE_S)
    b.start()
    # So many orders in a row that the next one has to wait for its turn, longer than it stays awake.
    for zero in range(1, 9):
        lives.order(b, kinds.SET_ZERO, set_zero_body(zero), 40 + zero)
        live(b, 1)
    lives.order(b, kinds.STOP_STREAM)
    live(b, 4)
    b.tool.life.kept.keep_zero(99)
    kept: list[int | None] = []
    on: list[tuple[int, int, bool]] = []

    def sleep() -> None:
        kept.append(lives.begin().tool.life.kept.zero_counts)
        on.append(b.board.outputs.calls[-1][2:])
        raise SystemExit  # As a board that restarts when it wakes.

    b.board.sleep = sleep
    with pytest.raises(SystemExit):
        live(b, IDLE_S + 2)
    assert kept == [99]
    assert on == [(0, 0, False)]


def test_when_it_falls_asleep_its_links_end(lives: Lives) -> None:
    b = lives.begin([], idle_s=IDLE_S)
    lives.greet(b)
    assert b.tool.links[0].greeted
    live(b, IDLE_S + 1)
    assert b.board.slept == 1
    assert not b.tool.links[0].greeted
    # Whoever comes then is answered as any other.
    assert lives.greet(b).board == "bench"


def test_a_stream_that_ends_at_the_prompt_is_no_power_loss_and_what_was_ordered_is_kept(lives: Lives) -> None:
    first = lives.begin()
    first.start()
    live(first, 12)
    lives.order(first, kinds.SET_ZERO, set_zero_body(123))
    first.tool.life.leave()
    second = lives.begin()
    assert second.tool.life.zero_counts == 123
    assert lives.greet(second).power_losses == 0
    assert "power went" not in lives.log(second)


# the battery


def test_a_low_battery_is_told_once_and_ends_higher_than_it_began(lives: Lives) -> None:
    b = lives.begin()
    charge = 40
    b.board.battery_percent = lambda: charge
    b.start()
    told = []
    for percent in (40, 14, 17, 13, 18, 19, 40, 16, 40):
        charge = percent
        # It follows in half a minute.
        for _ in range(40):
            b.tool.life.battery.note(percent)
        live(b, 1)
        b.run(10)
        told.append(bool(b.heard().of(messages.Status)[-1].faults & kinds.FAULT_BATTERY_LOW))
    assert told == [False, True, True, True, True, True, False, False, False]
    changes = [change for change in faults_told(b) if change[1] == kinds.FAULT_BATTERY_LOW]
    assert changes == [
        (kinds.EVENT_FAULT, kinds.FAULT_BATTERY_LOW),
        (kinds.EVENT_FAULT_CLEARED, kinds.FAULT_BATTERY_LOW),
    ]


# the watchdog


def test_the_watchdog_is_fed_each_second_and_only_while_samples_are_asked_for(lives: Lives) -> None:
    b = lives.begin()
    fed = []
    b.board.feed = lambda: fed.append(b.elapsed_us // 1_000_000)
    live(b, 5)
    assert len(fed) == 5
    # The seconds pass, and all the rest goes on.
    live(b, 5, sampled=False)
    assert len(fed) == 5
    live(b, 2)
    assert len(fed) == 7


# a release on trial


class Confirmation:
    """Notes each second it is told of, and is done after three that count."""

    def __init__(self) -> None:
        self.fails = False
        self.seconds: list[tuple[bool, bool]] = []

    def second(self, ran: bool, may_write: bool) -> bool:
        self.seconds.append((ran, may_write))
        return self.seconds.count((True, True)) == 3


def test_what_confirms_a_release_hears_of_each_second_whether_samples_were_taken_and_nothing_is_in_contact(
    lives: Lives,
) -> None:
    bench = lives.begin(rest(2) + rest(2, 9000 + REST) + rest(6))
    bench.start(LIMITS)
    assert lives.order(bench, kinds.SET_ZERO, set_zero_body(REST)).error == kinds.OK
    # A bench is started from no place of releases.
    assert bench.tool.life._confirmation is None
    confirmation = Confirmation()
    bench.tool.life._confirmation = confirmation
    live(bench, 1, sampled=False)
    live(bench, 8)
    assert confirmation.seconds[0] == (False, True)
    assert confirmation.seconds.count((True, False)) == 2
    assert confirmation.seconds.count((True, True)) == 3
    assert confirmation.seconds[-1] == (True, True)
    # It is asked no more once it is done.
    assert bench.tool.life._confirmation is None


def test_a_release_that_can_not_be_confirmed_is_a_fault_of_the_store(lives: Lives) -> None:
    bench = lives.begin(rest(6))
    bench.start(LIMITS)
    confirmation = Confirmation()
    bench.tool.life._confirmation = confirmation
    live(bench, 1)
    assert not bench.tool.health.faults & kinds.FAULT_STORE
    confirmation.fails = True
    live(bench, 1)
    assert bench.tool.health.faults & kinds.FAULT_STORE


# the self-test


def test_a_self_test_from_the_command_to_its_result(lives: Lives) -> None:
    b = lives.begin(rest(12))
    b.start()
    assert lives.order(b, kinds.SELF_TEST, b"", 50).error == kinds.OK
    assert lives.order(b, kinds.SELF_TEST, b"", 51).error == kinds.BUSY
    live(b, 5)
    (result,) = b.heard().of(SelfTestResult)
    assert result.request_id == 50
    by_test = {row.test: row for row in result.tests}
    assert sorted(by_test) == list(range(kinds.TEST_ADC_NOISE, kinds.TEST_RATE + 1))
    assert (by_test[kinds.TEST_RATE].verdict, by_test[kinds.TEST_RATE].value) == (kinds.TEST_PASSED, 320_000)
    assert by_test[kinds.TEST_GRAVITY].verdict == kinds.TEST_NOT_FITTED
    # And it cost no sample.
    indices = [index for index, _ in b.heard().samples()]
    assert indices == list(range(indices[0], indices[0] + len(indices)))
    assert lives.order(b, kinds.SELF_TEST, b"", 52).error == kinds.OK


def test_in_contact_no_self_test_begins(lives: Lives) -> None:
    b = lives.begin([4000 + i % 5 for i in range(5 * RATE_HZ)])
    b.start()
    live(b, 1)
    assert lives.order(b, kinds.SELF_TEST).error == kinds.NOT_ALLOWED
    live(b, 3)
    assert not b.heard().of(SelfTestResult)
