from __future__ import annotations

import errno
import gc
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from iastm_firmware.self_test import NOT_MEASURED, SelfTest
from iastm_protocol import kinds
from iastm_protocol.tool_messages import SelfTestResult, SelfTestRow

_PASSED, _FAILED, _NOT_FITTED = kinds.TEST_PASSED, kinds.TEST_FAILED, kinds.TEST_NOT_FITTED
_FREE_BYTES = 40_000
# Of the bench's cell of 1000 counts per newton: noise of 4 counts, RMS.
_CHANCE = random.Random(1)
_REST = [round(_CHANCE.gauss(30, 4)) for _ in range(4000)]


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "mem_free", lambda: _FREE_BYTES, raising=False)


class Motion:
    def __init__(self, gravity_mg: int | None = 1004) -> None:
        self._gravity_mg = gravity_mg

    def gravity_mg(self) -> int:
        if self._gravity_mg is None:
            raise OSError(errno.ETIMEDOUT)
        return self._gravity_mg


class Host:
    """The link that asked."""

    def __init__(self) -> None:
        self.given: list[tuple[int, Any]] = []

    def give(self, kind: int, message: Any) -> None:
        self.given.append((kind, message))


class Storage:
    def __init__(self, answer: bool | OSError | None) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self) -> bool | None:
        self.asked += 1
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


class Examined:
    """A tool on the bench, its self-test, and the host that asks for it."""

    def __init__(
        self,
        bench: Callable[..., Any],
        counts: Iterable[int] = _REST,
        *,
        motion: Motion | None = None,
        excitation: Callable[[], int] = lambda: 3000,
        storage: bool | OSError | None = True,
        **settings: Any,
    ) -> None:
        self.bench = bench(counts, **settings)
        self.tool = self.bench.tool
        self.tool.motion = motion
        self.storage = Storage(storage)
        self.bench.board.excitation_mv = excitation
        self.bench.board.test_storage = self.storage
        self.test: Any = SelfTest(self.tool)
        self.host = Host()

    def step(self, turns: int = 1) -> None:
        for _ in range(turns):
            self.bench.run(10)
            self.test.step()

    def run(self) -> dict[int, SelfTestRow]:
        """Run a self-test; return its rows by test."""
        before = len(self.host.given)
        self.test.begin(self.host, 7)
        for _ in range(499):
            self.step()
            if not self.test.runs:
                break
        ((kind, result),) = self.host.given[before:]
        assert kind == kinds.SELF_TEST_RESULT
        assert SelfTestResult.from_payload(result.to_payload()) == result
        assert result.request_id == 7
        tests = [row.test for row in result.tests]
        assert sorted(tests) == list(range(1, 8))
        for row in result.tests:
            if row.verdict != _NOT_FITTED and row.value != NOT_MEASURED:
                assert (row.verdict == _PASSED) == (row.low <= row.value <= row.high)
        return {row.test: row for row in result.tests}


def test_a_whole_tool_passes_with_everything_as_measured(bench: Callable[..., Any]) -> None:
    t = Examined(bench, motion=Motion())
    rows = t.run()
    assert {row.verdict for row in rows.values()} == {_PASSED}
    noise, zero, rate = rows[kinds.TEST_ADC_NOISE], rows[kinds.TEST_ZERO], rows[kinds.TEST_RATE]
    assert 37 <= noise.value <= 43
    # 20 mN and 0.5 N of this cell.
    assert (noise.low, noise.high) == (1, 200)
    assert 29 <= zero.value <= 31
    assert (zero.low, zero.high) == (-500, 500)
    assert 319_000 <= rate.value <= 321_000
    assert (rate.low, rate.high) == (256_000, 384_000)
    assert rows[kinds.TEST_EXCITATION] == (kinds.TEST_EXCITATION, _PASSED, 3000, 2300, 5300)
    assert rows[kinds.TEST_GRAVITY] == (kinds.TEST_GRAVITY, _PASSED, 1004, 900, 1100)
    assert rows[kinds.TEST_MEMORY] == (kinds.TEST_MEMORY, _PASSED, _FREE_BYTES, 8192, 2**31 - 1)
    assert rows[kinds.TEST_FLASH] == (kinds.TEST_FLASH, _PASSED, 1, 1, 1)


def test_what_a_board_lacks_is_not_fitted_and_no_value_stands_for_it(bench: Callable[..., Any]) -> None:
    rows = Examined(bench, excitation=lambda: 0, storage=None).run()
    lacking = (kinds.TEST_EXCITATION, kinds.TEST_GRAVITY, kinds.TEST_FLASH)
    assert {test for test, row in rows.items() if row.verdict == _NOT_FITTED} == set(lacking)
    assert all(rows[test].value == NOT_MEASURED for test in lacking)


@pytest.mark.parametrize(
    ("polarity", "zero_counts", "offset", "verdict"),
    [(1, 0, 500, _PASSED), (1, 0, 501, _FAILED), (1, 9000, -501, _FAILED), (-1, -70, -500, _PASSED)],
)
def test_a_zero_that_is_off_fails(
    bench: Callable[..., Any], polarity: int, zero_counts: int, offset: int, verdict: int
) -> None:
    counts = [zero_counts + offset + each for each in (-1, 0, 1, 0)] * 400
    t = Examined(bench, counts, zero_counts=zero_counts, coefficients=(0.0, polarity / 1000))
    assert t.run()[kinds.TEST_ZERO][1:3] == (verdict, offset)


@pytest.mark.parametrize(("swing", "verdict"), [(0, _FAILED), (1, _PASSED), (19, _PASSED), (21, _FAILED)])
def test_noise_beyond_its_limit_fails_and_so_does_none(bench: Callable[..., Any], swing: int, verdict: int) -> None:
    row = Examined(bench, [swing, -swing] * 640).run()[kinds.TEST_ADC_NOISE]
    assert row[1:3] == (verdict, 10 * swing)


@pytest.mark.parametrize(
    ("rate_mhz", "stated_mhz", "verdict"),
    [(320_000, 320_000, _PASSED), (80_000, 80_000, _PASSED), (80_000, 320_000, _FAILED), (10_000, 10_000, _FAILED)],
)
def test_a_converter_that_is_slow_fails(
    bench: Callable[..., Any], rate_mhz: int, stated_mhz: int, verdict: int
) -> None:
    t = Examined(bench, _REST, rate_mhz=rate_mhz, stated_rate_mhz=stated_mhz)
    row = t.run()[kinds.TEST_RATE]
    assert row.verdict == verdict
    assert abs(row.value - rate_mhz) < rate_mhz // 100


@pytest.mark.parametrize("left", [0, 7])
def test_a_converter_that_gives_nothing_fails_within_the_time_and_nothing_is_made_up(
    bench: Callable[..., Any], left: int
) -> None:
    t = Examined(bench, [1, 2, 3, 4, 5, 6, 7][:left], motion=Motion())
    begun_us = t.bench.elapsed_us
    rows = t.run()
    assert t.bench.elapsed_us - begun_us < 3_000_000
    for test in (kinds.TEST_ADC_NOISE, kinds.TEST_ZERO, kinds.TEST_RATE):
        assert rows[test][1:3] == (_FAILED, NOT_MEASURED)
    assert rows[kinds.TEST_GRAVITY].verdict == _PASSED


@pytest.mark.parametrize("rail", [kinds.COUNTS_MIN, kinds.COUNTS_MAX])
def test_at_a_rail_noise_and_zero_are_not_measured(bench: Callable[..., Any], rail: int) -> None:
    rows = Examined(bench, [rail, rail // 2] * 640).run()
    assert rows[kinds.TEST_ADC_NOISE][1:3] == (_FAILED, NOT_MEASURED)
    assert rows[kinds.TEST_ZERO][1:3] == (_FAILED, NOT_MEASURED)
    assert rows[kinds.TEST_RATE].verdict == _PASSED


@pytest.mark.parametrize(
    ("excitation_mv", "verdict"), [(1, _FAILED), (2299, _FAILED), (2300, _PASSED), (5301, _FAILED)]
)
def test_an_excitation_out_of_range_fails(bench: Callable[..., Any], excitation_mv: int, verdict: int) -> None:
    row = Examined(bench, excitation=lambda: excitation_mv).run()[kinds.TEST_EXCITATION]
    assert row[1:3] == (verdict, excitation_mv)


def test_an_excitation_that_cannot_be_read_fails_without_a_value(bench: Callable[..., Any]) -> None:
    def broken() -> int:
        raise OSError(errno.EIO)

    assert Examined(bench, excitation=broken).run()[kinds.TEST_EXCITATION][1:3] == (_FAILED, NOT_MEASURED)


@pytest.mark.parametrize(
    ("gravity_mg", "verdict", "value"),
    [
        *((899, _FAILED, 899), (900, _PASSED, 900), (1101, _FAILED, 1101)),
        *((0, _FAILED, NOT_MEASURED), (None, _FAILED, NOT_MEASURED)),
    ],
)
def test_a_motion_sensor_that_shows_no_gravity_fails(
    bench: Callable[..., Any], gravity_mg: int | None, verdict: int, value: int
) -> None:
    assert Examined(bench, motion=Motion(gravity_mg)).run()[kinds.TEST_GRAVITY][1:3] == (verdict, value)


@pytest.mark.parametrize("answer", [False, OSError(errno.EROFS), OSError(errno.ENOSPC)])
def test_a_flash_that_does_not_give_back_what_was_written_fails(
    bench: Callable[..., Any], answer: bool | OSError
) -> None:
    assert Examined(bench, storage=answer).run()[kinds.TEST_FLASH] == (kinds.TEST_FLASH, _FAILED, 0, 1, 1)


def test_memory_that_is_short_fails(bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "mem_free", lambda: 8191)
    assert Examined(bench).run()[kinds.TEST_MEMORY][1:3] == (_FAILED, 8191)


def test_in_a_contact_that_began_meanwhile_nothing_is_written(bench: Callable[..., Any]) -> None:
    t = Examined(bench, [*_REST[:200], *([5000, 5004] * 800)])
    rows = t.run()
    assert rows[kinds.TEST_FLASH][1:3] == (_FAILED, NOT_MEASURED)
    assert t.storage.asked == 0
    # The hand shows in what was measured.
    assert rows[kinds.TEST_ADC_NOISE].verdict == _FAILED
    assert rows[kinds.TEST_ZERO].verdict == _FAILED


def test_in_a_contact_that_began_meanwhile_no_memory_is_collected(bench: Callable[..., Any]) -> None:
    collected: list[bool] = []

    def note(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            collected.append(t.tool.watch.in_contact)

    was_on = gc.isenabled()
    gc.disable()
    gc.callbacks.append(note)
    try:
        t = Examined(bench, [*_REST[:200], *([5000, 5004] * 800)])
        rows = t.run()
        assert collected == []
        assert rows[kinds.TEST_MEMORY][1:3] == (_FAILED, NOT_MEASURED)
        t = Examined(bench)
        assert t.run()[kinds.TEST_MEMORY].verdict == _PASSED
        assert collected == [False]
    finally:
        gc.callbacks.remove(note)
        if was_on:
            gc.enable()


def test_only_one_runs_at_a_time_and_the_next_one_begins_anew(bench: Callable[..., Any]) -> None:
    t = Examined(bench, _REST)
    t.test.begin(t.host, 1)
    t.step(50)
    with pytest.raises(ValueError, match="runs already"):
        t.test.begin(Host(), 2)
    t.step(60)
    assert [message.request_id for _, message in t.host.given] == [1]
    rows = t.run()
    assert {row.verdict for row in rows.values()} == {_PASSED, _NOT_FITTED}


def test_a_host_that_went_away_gets_no_result_and_keeps_nobody_waiting(bench: Callable[..., Any]) -> None:
    t = Examined(bench)
    t.test.begin(t.host, 1)
    t.step(20)
    t.test.drop(Host())
    assert t.test.runs
    t.test.drop(t.host)
    assert not t.test.runs
    t.step(200)
    assert t.host.given == []
    other = Host()
    t.test.begin(other, 3)
    t.step(150)
    assert [message.request_id for _, message in other.given] == [3]
    t.test.drop(other)
    assert not t.test.runs


def test_without_a_request_nothing_is_touched(bench: Callable[..., Any]) -> None:
    t = Examined(bench)
    t.step(300)
    assert (t.storage.asked, t.host.given) == (0, [])


def test_a_self_test_in_a_stream_costs_no_sample(bench: Callable[..., Any]) -> None:
    t = Examined(bench, _REST)
    t.bench.start()
    assert {row.verdict for row in t.run().values()} == {_PASSED, _NOT_FITTED}
    t.bench.run(100)
    samples = t.bench.heard().samples()
    assert [index for index, _ in samples] == list(range(samples[0][0], samples[0][0] + len(samples)))
    assert len(samples) > 300
