"""The simulated tool as a whole program, on real MicroPython and on CPython."""

from __future__ import annotations

import itertools
import math
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode

_COUNTS_PER_N = 40_000
_ZERO_COUNTS = -31_000
_CALIBRATION = {
    "id": "test",
    "sha256": "ab" * 32,
    "capacity_n": 50.0,
    "coefficients": [0.0, 1 / _COUNTS_PER_N],
}
_SETTINGS = {"calibration": _CALIBRATION, "zero_counts": _ZERO_COUNTS}
_LIMITS = messages.Limits("one hand", 8000, 10_000, 800, 520)
_PING = encode(kinds.PING, 0, messages.Ping(7).to_payload())
_TIMEOUT_S = 30.0

pty_only = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")


def _rows(seconds: float, rate_hz: int = 320, seed: int = 1) -> list[tuple[int, int]]:
    """Half-sine strokes of 4 to 12 N at 0.5 Hz, with noise, as (µN, raw counts)."""
    generator = random.Random(seed)
    rows = []
    peak_n = 4.0
    for i in range(round(seconds * rate_hz)):
        t = i / rate_hz % 2.0
        if t == 0:
            peak_n = generator.uniform(4.0, 12.0)
        force_n = (peak_n * math.sin(math.pi * t) if t < 1.0 else 0.0) + generator.gauss(0.0, 0.002)
        rows.append((round(force_n * 1e6), round(force_n * _COUNTS_PER_N) + _ZERO_COUNTS))
    return rows


def _opening(wire: Any) -> bytes:
    """What a host says at first: hello, limits, start."""
    limits = wire.command(1, kinds.SET_LIMITS, _LIMITS.to_payload())
    said: bytes = wire.hello() + limits + wire.command(2, kinds.START_STREAM) + _PING
    return said


def _alarms(rows: list[tuple[int, int]]) -> list[int]:
    """Where the alarm must come, by the plain definition: the second of two in a row above it, until two below 90 %."""
    found = []
    run = 0
    over = False
    for index, (_, counts) in enumerate(rows):
        force_n = (counts - _ZERO_COUNTS) / _COUNTS_PER_N
        run = run + 1 if (force_n < 9.0 if over else force_n > 10.0) else 0
        if run == 2:
            run = 0
            over = not over
            if over:
                found.append(index)
    return found


def test_virtual_minutes_equal_the_truth_sample_by_sample(
    virtual_tool: Any, wire: Any, size: Callable[[int, int], int]
) -> None:
    seconds = 300 * size(1, 12)
    rows = _rows(seconds)
    # A motor would lengthen the debounce while it runs.
    heard = virtual_tool.virtual(rows, seconds, _opening(wire), outputs=kinds.CHANNEL_LIGHT, **_SETTINGS)
    assert heard.damaged == 0
    truth = virtual_tool.truth()
    assert [(row[0], row[3]) for row in truth] == [(i, counts) for i, (_, counts) in enumerate(rows)]
    assert [row[2] for row in truth] == [f"{force_un / 1e6:.6f}" for force_un, _ in rows]

    samples = heard.samples()
    first = samples[0][0]
    # At most the batch that was open at the end is missing.
    assert first <= 1
    assert len(samples) > len(rows) - 10
    assert samples == [(row[0], row[3]) for row in truth][first : first + len(samples)]
    times_us = {row[0]: row[1] for row in truth}
    for batch in heard.of(messages.ForceSamples):
        assert batch.first_us == times_us[batch.first_index]
        assert batch.first_us + batch.span_us == times_us[batch.first_index + batch.sample_count - 1]

    alerts = heard.of(messages.AlertReport)
    alarms = [alert.index for alert in alerts if alert.kind == kinds.ALARM]
    assert alarms == _alarms(rows)
    assert len(alarms) > seconds / 20
    strokes = heard.of(messages.StrokeReport)
    assert len(strokes) == seconds / 2
    assert {round(stroke.rate_mspm, -3) for stroke in strokes[1:]} == {30_000}
    statuses = heard.of(messages.Status)
    assert len(statuses) >= seconds - 2
    last = statuses[-1]
    assert (last.faults, last.missed_conversions, last.overrun_samples, last.damaged_frames) == (0, 0, 0, 0)
    # It runs on, and its heap does not fill up. What is free amid a stroke counts what no collection took back yet; the
    # rings of reports and events fill in the first minutes.
    frees = [max(two.heap_free_bytes for two in pair) for pair in itertools.pairwise(statuses)]
    assert frees[-1] > 64 * 1024
    assert frees[-1] > frees[len(frees) // 2] - 2 * 1024


def test_the_first_words_are_those_of_the_real_runtime(virtual_tool: Any, wire: Any) -> None:
    heard = virtual_tool.virtual(_rows(1), 1, _opening(wire), **_SETTINGS)
    answer = heard.messages[0]
    assert answer.runtime.startswith("micropython 1.")
    assert answer.board == "simulated"
    assert (answer.calibration_id, answer.calibration_sha256) == ("test", b"\xab" * 32)
    assert heard.of(messages.Pong)[0].ping_id == 7
    assert heard.of(messages.Calibration)[0].coefficients == (0.0, 1 / _COUNTS_PER_N)


def test_a_thousand_samples_per_second_arrive_whole(virtual_tool: Any, wire: Any) -> None:
    rows = _rows(20, rate_hz=1000)
    heard = virtual_tool.virtual(rows, 20, _opening(wire), rate_mhz=1_000_000, **_SETTINGS)
    samples = heard.samples()
    assert len(samples) > 19_900
    assert samples == [(i, rows[i][1]) for i in range(samples[0][0], samples[0][0] + len(samples))]
    assert heard.of(messages.Status)[-1].overrun_samples == 0


def test_tool_time_runs_on_over_the_wrap_of_the_ticks(virtual_tool: Any, wire: Any) -> None:
    start_us = (1 << 30) - 3_000_000
    heard = virtual_tool.virtual(_rows(6), 6, _opening(wire), ticks_start_us=start_us, **_SETTINGS)
    times_us = {row[0]: row[1] for row in virtual_tool.truth()}
    batches = heard.of(messages.ForceSamples)
    assert batches[0].first_us < 1 << 30 < batches[-1].first_us
    assert all(batch.first_us == times_us[batch.first_index] for batch in batches)
    assert times_us[0] == start_us
    assert heard.of(messages.Status)[-1].uptime_s == len(heard.of(messages.Status))


def test_missed_conversions_leave_a_hole_of_their_size_and_no_shift(virtual_tool: Any, wire: Any) -> None:
    rows = _rows(10)
    heard = virtual_tool.virtual(rows, 10, _opening(wire), missed=[[1000, 5], [1500, 1]], **_SETTINGS)
    samples = heard.samples()
    missing = set(range(samples[0][0], samples[-1][0])) - {index for index, _ in samples}
    assert missing == {1000, 1001, 1002, 1003, 1004, 1500}
    assert all(counts == rows[index][1] for index, counts in samples)
    times_us = {row[0]: row[1] for row in virtual_tool.truth()}
    # The converter made them: its truth has them.
    assert missing <= set(times_us)
    assert all(batch.first_us == times_us[batch.first_index] for batch in heard.of(messages.ForceSamples))
    assert heard.of(messages.Status)[-1].missed_conversions == 6


def test_when_the_rows_end_the_tool_says_that_the_converter_is_silent(virtual_tool: Any, wire: Any) -> None:
    heard = virtual_tool.virtual(_rows(2), 8, _opening(wire), **_SETTINGS)
    assert len(heard.samples()) == 640 - heard.samples()[0][0]
    assert heard.of(messages.Status)[-1].faults == kinds.FAULT_ADC_SILENT


def test_presses_of_the_settings_are_events_when_they_come(virtual_tool: Any, wire: Any) -> None:
    presses = [[5.0, 2.5], [3.0, 0.2], [9.0, 0.01]]
    heard = virtual_tool.virtual(_rows(12), 12, _opening(wire), presses=presses, **_SETTINGS)
    buttons = [event for event in heard.of(messages.ToolEvent) if event.kind == kinds.EVENT_BUTTON]
    # Held for 800 ms it is a long press at once; no double press once 350 ms have passed. A bounce is none.
    began_us = heard.of(messages.ToolEvent)[0].tool_us
    assert [event.tool_us - began_us for event in buttons] == [
        pytest.approx(3_552_000, abs=12_000),
        pytest.approx(5_802_000, abs=12_000),
    ]
    # Debounced for 30 ms, looked at every 2: where the press began.
    assert [event.index for event in buttons] == [
        pytest.approx(3.032 * 320, abs=2),
        pytest.approx(5.032 * 320, abs=2),
    ]
    assert [event.value for event in buttons] == [kinds.GESTURE_PRESS, kinds.GESTURE_LONG]


def test_the_key_of_the_settings_is_the_tools_and_a_new_one_lives_with_the_process(
    virtual_tool: Any, wire: Any
) -> None:
    key = bytes(range(32))
    said = (
        wire.hello()
        + wire.command(1, kinds.GET_KEY)
        + wire.command(2, kinds.RENEW_KEY)
        + wire.command(3, kinds.GET_KEY)
    )
    heard = virtual_tool.virtual(_rows(2), 2, said, key=key.hex(), **_SETTINGS)
    old, renewed, after = (message.key for message in heard.of(messages.Key))
    assert old == key != renewed == after
    assert [answer.error for answer in heard.of(messages.Response)] == [kinds.OK] * 3
    made = virtual_tool.virtual(_rows(2), 2, said, **_SETTINGS).of(messages.Key)
    assert made[0] != made[1] == made[2]


def test_counts_beyond_24_bits_are_played_as_the_rail(virtual_tool: Any, wire: Any) -> None:
    rows = [(0, 100)] * 32 + [(60_000_000, 0x900000)] * 96
    heard = virtual_tool.virtual(rows, 1, _opening(wire))
    assert {counts for index, counts in heard.samples() if index >= 32} == {kinds.COUNTS_MAX}
    assert {row[3] for row in virtual_tool.truth()[32:]} == {kinds.COUNTS_MAX}
    assert heard.of(messages.ForceSamples)[-1].flags & ~kinds.VIBRATING == kinds.SATURATED


# What it starts inherits that interrupts are ignored.
_IGNORING_INTERRUPTS = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]


class Running:
    """A simulated tool in real time on a pseudo-terminal, its rows in a pipe that this test keeps filled."""

    def __init__(
        self, program: Any, rows: list[tuple[int, int]], settings: dict[str, Any], ignoring_interrupts: bool = False
    ) -> None:
        import tty

        master, self.port = os.openpty()
        tty.setraw(self.port)
        os.set_blocking(master, False)
        rows_end, self._rows_pipe = os.pipe()
        self._rows = program.rows(rows).read_bytes()
        os.set_blocking(self._rows_pipe, False)
        arguments = program.arguments(f"/dev/fd/{rows_end}", settings)
        self.process = subprocess.Popen(
            _IGNORING_INTERRUPTS + arguments if ignoring_interrupts else arguments,
            stdin=master,
            stdout=master,
            stderr=subprocess.PIPE,
            pass_fds=(rows_end,),
            env=program.environment,
        )
        os.close(master)
        os.close(rows_end)
        self.received = b""

    def say(self, data: bytes) -> None:
        """Say something as the host."""
        assert os.write(self.port, data) == len(data)

    def feed(self) -> None:
        """Keep the pipe of rows filled."""
        try:
            while self._rows:
                self._rows = self._rows[os.write(self._rows_pipe, self._rows[:4096]) :]
        except BlockingIOError:
            pass

    def read_until(self, enough: Callable[[bytes], bool]) -> None:
        """Read what the tool sends until it is enough."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not enough(self.received):
            assert time.monotonic() < deadline, "the tool did not send what was waited for"
            self.feed()
            if select.select([self.port], [], [], 0.02)[0]:
                self.received += os.read(self.port, 65536)

    def hang_up(self) -> tuple[int, bytes]:
        """Close the port as a host does that dies; return the tool's exit code and what it said on stderr."""
        os.close(self.port)
        return self.end()

    def end(self) -> tuple[int, bytes]:
        """Wait for the tool's end; return exit code and stderr."""
        _, said = self.process.communicate(timeout=_TIMEOUT_S)
        return self.process.returncode, said

    def clean_up(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        for descriptor in (self.port, self._rows_pipe):
            try:
                os.close(descriptor)
            except OSError:
                continue


@pytest.fixture
def running(simulated_tool: Any) -> Iterator[Callable[..., Running]]:
    """Return `running(rows, **settings)`: a tool in real time on each interpreter."""
    started: list[Running] = []

    def start(rows: list[tuple[int, int]], ignoring_interrupts: bool = False, **settings: Any) -> Running:
        started.append(Running(simulated_tool, rows, settings, ignoring_interrupts))
        return started[-1]

    yield start
    for tool in started:
        tool.clean_up()


@pty_only
def test_over_a_port_samples_zero_and_answers_arrive_in_real_time(
    running: Callable[..., Running], simulated_tool: Any, wire: Any
) -> None:
    rows = _rows(30)
    tool = running(rows, **_SETTINGS)
    tool.say(_opening(wire))
    tool.read_until(lambda data: len(data) > 3000)
    tool.say(wire.command(3, kinds.SET_ZERO, messages.set_zero_body(_ZERO_COUNTS + 50)))
    tool.read_until(lambda data: any(z.confirmed and z.from_index for z in wire.decode(data).of(messages.Zero)))
    enough = len(tool.received) + 1500
    tool.read_until(lambda data: len(data) > enough)
    assert tool.hang_up() == (0, b"")
    heard = wire.decode(tool.received)
    samples = heard.samples()
    assert samples == [(i, rows[i][1]) for i in range(samples[0][0], samples[0][0] + len(samples))]
    zero = heard.of(messages.Zero)[-1]
    assert (zero.counts, zero.previous_counts) == (_ZERO_COUNTS + 50, _ZERO_COUNTS)
    assert zero.from_index in {batch.first_index for batch in heard.of(messages.ForceSamples)}
    truth = {row[0]: row[1] for row in simulated_tool.truth()}
    assert all(batch.first_us == truth[batch.first_index] for batch in heard.of(messages.ForceSamples))


def _answered(found: list[Any], missed: set[int]) -> set[int]:
    """The indices that were sent once more, or are told to be gone: those that the converter missed, and no others."""
    again: set[int] = set()
    gone: set[int] = set()
    for message in found:
        if isinstance(message, messages.Gone):
            gone.update(range(message.first_index, message.first_index + message.samples))
        elif isinstance(message, messages.ForceSamples) and message.flags & kinds.BACKFILLED:
            again.update(range(message.first_index, message.first_index + message.sample_count))
    assert gone <= missed
    assert not gone & again
    return gone | again


@pty_only
@pytest.mark.parametrize("rate_hz", [320])
def test_random_fetches_while_streaming_give_the_truth_and_leave_the_stream_alone(
    running: Callable[..., Running], simulated_tool: Any, wire: Any, rate_hz: int
) -> None:
    generator = random.Random(rate_hz)
    rows = _rows(30, rate_hz)
    tool = running(rows, rate_mhz=rate_hz * 1000, missed=[[200, 3], [500, 20]], **_SETTINGS)
    tool.say(_opening(wire))
    missed = {*range(200, 203), *range(500, 520)}

    def reached(index: int) -> Callable[[bytes], bool]:
        return lambda data: any(at >= index for at, _ in wire.decode(data).samples())

    def answered(first: int, samples: int) -> Callable[[bytes], bool]:
        before = len(wire.decode(tool.received).messages)
        asked = set(range(first, first + samples))
        return lambda data: not asked - _answered(wire.decode(data).messages[before:], missed)

    for round_number in range(1, 9):
        newest = rate_hz // 3 * round_number
        tool.read_until(reached(newest))
        first = generator.randrange(newest)
        samples = generator.randint(1, newest - first)
        enough = answered(first, samples)
        tool.say(encode(kinds.FETCH, 0, messages.Fetch(first, samples).to_payload()))
        tool.read_until(enough)
    assert tool.hang_up() == (0, b"")
    heard = wire.decode(tool.received)
    assert heard.damaged == 0
    assert heard.of(messages.Gone)
    truth = {row[0]: (row[1], row[3]) for row in simulated_tool.truth()}
    batches = heard.of(messages.ForceSamples)
    for batch in batches:
        assert batch.first_us == truth[batch.first_index][0]
        assert batch.counts() == [truth[batch.first_index + i][1] for i in range(batch.sample_count)]
    live = [
        batch.first_index + i
        for batch in batches
        if not batch.flags & kinds.BACKFILLED
        for i in range(batch.sample_count)
    ]
    assert live == [index for index in range(live[0], live[-1] + 1) if index not in missed]
    assert live[-1] > 2 * rate_hz


@pty_only
def test_a_host_that_stops_reading_finds_the_loss_counted_and_the_tool_alive(
    running: Callable[..., Running], simulated_tool: Any, wire: Any
) -> None:
    # So many samples that they fill the port's memory (64 KiB) and the tool's in seconds.
    rows = [(i, i) for i in range(200_000)]
    tool = running(rows, rate_mhz=8_000_000, ring_depth=500)
    tool.say(_opening(wire))
    tool.read_until(lambda data: len(data) > 2000)
    deadline = time.monotonic() + _TIMEOUT_S
    while (simulated_tool.folder / "truth.csv").stat().st_size < 28_000 * len("10000,1000000,0.010000,10000\n"):
        assert time.monotonic() < deadline
        tool.feed()
        select.select([], [], [], 0.02)
    tool.say(_PING)
    tool.read_until(
        lambda data: any(status.overrun_samples for status in wire.decode(data).of(messages.Status)),
    )
    heard = wire.decode(tool.received)
    samples = heard.samples()
    status = heard.of(messages.Status)[-1]
    missing = samples[-1][0] - samples[0][0] + 1 - len(samples)
    assert heard.damaged == 0
    assert missing == status.overrun_samples > 0
    assert all(index == counts for index, counts in samples)


@pty_only
def test_a_tool_whose_peer_reads_nothing_and_is_then_gone_ends(
    running: Callable[..., Running], simulated_tool: Any, wire: Any
) -> None:
    tool = running([(i, i) for i in range(200_000)], rate_mhz=8_000_000)
    tool.say(_opening(wire))
    tool.read_until(lambda data: len(data) > 2000)
    deadline = time.monotonic() + _TIMEOUT_S
    # Three seconds beyond the port's memory (64 KiB), the link is suspended.
    while (simulated_tool.folder / "truth.csv").stat().st_size < 40_000 * len("10000,1000000,0.010000,10000\n"):
        assert time.monotonic() < deadline
        tool.feed()
        select.select([], [], [], 0.02)
    assert tool.hang_up() == (0, b"")


@pty_only
def test_a_tool_whose_peer_is_gone_ends(running: Callable[..., Running]) -> None:
    tool = running(_rows(30))
    tool.feed()
    assert tool.hang_up() == (0, b"")


@pty_only
@pytest.mark.parametrize("ignoring_interrupts", [False, True])
def test_an_interrupt_ends_it_quietly_with_the_truth_written(
    running: Callable[..., Running], simulated_tool: Any, wire: Any, ignoring_interrupts: bool
) -> None:
    tool = running(_rows(30), ignoring_interrupts=ignoring_interrupts)
    tool.say(_opening(wire))
    tool.read_until(lambda data: len(wire.decode(data).samples()) > 100)
    tool.process.send_signal(signal.SIGINT)
    assert tool.end() == (0, b"")
    samples = wire.decode(tool.received).samples()
    assert simulated_tool.truth()[-1][0] >= samples[-1][0]


@pty_only
def test_an_end_that_is_asked_for_leaves_the_truth_written(
    running: Callable[..., Running], simulated_tool: Any, wire: Any
) -> None:
    tool = running(_rows(30))
    tool.say(_opening(wire))
    tool.read_until(lambda data: len(wire.decode(data).samples()) > 100)
    tool.process.terminate()
    # MicroPython has no handlers for it; what it wrote is not buffered.
    expected = 0 if simulated_tool.interpreter[0] == sys.executable else -signal.SIGTERM
    assert tool.end() == (expected, b"")
    samples = wire.decode(tool.received).samples()
    assert simulated_tool.truth()[-1][0] >= samples[-1][0]


def test_a_failed_task_ends_the_firmware_with_its_traceback_beside_the_stream(simulated_tool: Any, wire: Any) -> None:
    # What can't be counted with makes the converter fail at its 100th conversion.
    settings = {**_SETTINGS, "missed": [[100, "many"]]}
    with subprocess.Popen(
        simulated_tool.arguments(simulated_tool.rows(_rows(2)), settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=simulated_tool.environment,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(_opening(wire))
        process.stdin.flush()
        received = process.stdout.read()
        said = process.stderr.read()
        assert process.wait(_TIMEOUT_S) == 1
    assert b"Traceback" in said
    assert b"TypeError" in said
    heard = wire.decode(received)
    assert heard.damaged == 0
    assert len(heard.samples()) > 50


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_a_truth_that_can_not_be_written_ends_the_tool(simulated_tool: Any) -> None:
    arguments = simulated_tool.arguments(simulated_tool.rows(_rows(4)), {})
    arguments[arguments.index("--truth") + 1] = "/dev/full"
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=simulated_tool.environment
    ) as process:
        assert process.stderr
        said = process.stderr.read()
        assert process.wait(_TIMEOUT_S) == 1
    assert b"the truth can't be written" in said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"capacity": 5}, b"there is no setting capacity"),
        ({"rate_mhz": 0}, b"rate_mhz must be above 0"),
        ({"key": "00" * 31}, b"key must be 64 hex digits, or empty"),
        ({"key": "zz" * 32}, b"key must be 64 hex digits, or empty"),
    ],
)
def test_settings_that_can_not_be_are_refused_in_words(
    simulated_tool: Any, settings: dict[str, Any], words: bytes
) -> None:
    done = subprocess.run(
        simulated_tool.arguments(simulated_tool.rows([]), settings),
        env=simulated_tool.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert words in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--rows"], ["--rows", "x", "--speed", "2"]])
def test_wrong_options_are_refused_in_words(simulated_tool: Any, arguments: list[str]) -> None:
    done = subprocess.run(
        [*simulated_tool.command, *arguments],
        env=simulated_tool.environment,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 2
    assert b"--" in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""
