"""The whole firmware under MicroPython, from start.py to the frames that a host reads, with chips of their data sheets.

See whole_bench.py for the machine that is played, and for how its port behaves where the host stops reading.
"""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.profiles import Contact, profile_for
from iastm_host.events import Alert, ForceBlock, Stroke
from iastm_protocol import kinds, messages, tool_bodies
from iastm_protocol.conversion import to_newtons
from iastm_protocol.limits import DEBOUNCE_SAMPLES
from iastm_protocol.tool_messages import ChannelsReport, LogPart

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]

LIMITS = messages.Limits("", 5000, 8000, 800, 520)
REST = 100
# 9 N of the boards' cells: 85,899 counts per newton.
HARD = 773_000
TECHNICAL = 4
# The loop asks the converter every 2 ms, and a reading over a bus takes less than one.
ASKED_MS = 3
DETECTED = (kinds.WARN, kinds.ALARM)

BOARDS = {
    "ESP32-S3": ("esp32", "Feather ESP32-S3"),
    "ESP32-C3": ("esp32", "QT Py ESP32-C3"),
    "RP2040": ("rp2", "Pico W"),
    "RP2350": ("rp2", "Pico 2 W"),
}
WIRING: dict[str, Any] = {
    "name": "bench",
    "chip": "ESP32-S3",
    "i2c": {"id": 0, "sda": 8, "scl": 9},
    "spi": {"id": 1, "sck": 12, "mosi": 11, "miso": 13},
    "light": {"kind": "LED", "pin": 15},
    "motor": 21,
    "button": 7,
    "cell": {"id": "made up", "capacity_n": 50.0, "coefficients": [0.0, 1 / 85899]},
}
# Name, conversions per second, milliseconds between two of them by the chip's own clock.
CONVERTERS = [
    ("HX711", 80, 12.5),
    ("HX711_PIO", 80, 12.5),
    ("ADS1232", 80, 12.5),
    ("ADS1220", 90, 11.2),
    ("ADS1220", 330, 3.2),
    ("NAU7802", 80, 12.5),
    ("NAU7802 with its ready pin", 320, 3.125),
]


class Report(NamedTuple):
    """What became of a run: see whole_bench.py; `heard` is what the host read."""

    outcome: str
    said: list[str]
    heard: Any
    raw: bytes
    writes: list[tuple[int, int]]
    hold_us: int
    ctrl_c: list[int]
    shown: list[tuple[int, int, int, int, int]]
    collected: list[tuple[int, bool]]
    broke_us: int
    ended_us: int
    counts: list[int]
    times_us: list[int]
    fed: list[int]
    breaches: list[str]
    switched: list[tuple[int, str]]

    @property
    def hello(self) -> messages.HelloAnswer:
        answer: messages.HelloAnswer = self.heard.of(messages.HelloAnswer)[-1]
        return answer

    @property
    def faults(self) -> int:
        """The faults of the newest status."""
        return int(self.heard.of(messages.Status)[-1].faults)

    @property
    def answers(self) -> dict[int, int]:
        """By command, whether it was done."""
        return {answer.command: answer.error for answer in self.heard.of(messages.Response)}

    def first_shown_us(self, kind: int, from_us: int = 0) -> int:
        """When the outputs were first driven to show `kind`, and light or motor were on."""
        return min(
            at for at, what, light, _, motor in self.shown if what == kind and at >= from_us and (light or motor)
        )


Run = Callable[..., Report]


def says(wire: Any, *, streams: bool = True, limits: messages.Limits = LIMITS) -> list[list[Any]]:
    """What a host says in the first half second: all that it takes to be warned."""
    orders = [
        (kinds.SET_LIMITS, limits.to_payload()),
        (kinds.SET_ZERO, messages.set_zero_body(0)),
        (kinds.SET_CHANNELS, tool_bodies.set_channels_body(kinds.CHANNEL_LIGHT | kinds.CHANNEL_VIBRATION)),
        (kinds.GET_LOG, tool_bodies.get_log_body(0, 200)),
    ]
    if streams:
        orders.append((kinds.START_STREAM, b""))
    frames = [wire.hello(), *(wire.command(n, *order) for n, order in enumerate(orders, 1))]
    return [[100 + 50 * n, frame.hex()] for n, frame in enumerate(frames)]


@pytest.fixture
def run(micropython: str, tmp_path: Path, wire: Any) -> Run:
    """Return `run(**case)`: one start of one tool on the disk that all starts of a test share."""
    path = [str(_ROOT), str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
    disk = tmp_path / "disk"
    disk.mkdir()

    def begin(**case: Any) -> Report:
        case = {"seconds": 2.5, "says": says(wire), **case}
        (tmp_path / "case.json").write_text(json.dumps(case))
        done = subprocess.run(
            [micropython, "-X", "heapsize=2m", str(_HERE / "whole_bench.py"), str(tmp_path / "case.json")],
            env={**os.environ, "MICROPYPATH": ":".join(path)},
            cwd=disk,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        found = json.loads(done.stdout)
        raw = bytes.fromhex(found.pop("heard"))
        return Report(heard=wire.decode(raw), raw=raw, writes=found.pop("heard_us"), **found)

    return begin


def place_of(samples: list[int], counts: list[int]) -> int:
    """Return where in the truth these samples stand; they stand there once."""
    places = [at for at in range(len(counts) - len(samples) + 1) if counts[at : at + len(samples)] == samples]
    assert len(places) == 1, places
    return places[0]


# boards


@pytest.mark.parametrize("model", BOARDS)
def test_each_board_streams_exact_counts_to_a_host(run: Run, model: str) -> None:
    port, name = BOARDS[model]
    found = run(model=model, port=port, rate_hz=80, there=["imu", "gauge"], seconds=2.2)
    assert (found.outcome, found.breaches) == ("ran", [])
    assert (found.hello.board, found.hello.trouble, found.hello.rate_mhz) == (name, "", 80_000)
    assert found.heard.damaged == 0
    samples = found.heard.samples()
    indices = [index for index, _ in samples]
    assert len(samples) > 100
    assert indices == list(range(indices[0], indices[0] + len(indices)))
    place_of([counts for _, counts in samples], found.counts)
    assert set(found.answers.values()) == {kinds.OK}
    assert not found.faults & (kinds.FAULT_BOARD | kinds.FAULT_MOTION | kinds.FAULT_STORE | kinds.FAULT_ADC_FAILS)
    # Ctrl-C is data while it runs, and interrupts again at the end; the watchdog runs, and is fed each second.
    assert found.ctrl_c == [-1, 3]
    assert found.fed == [2]


def test_every_frame_begins_and_ends_with_a_zero_byte(run: Run) -> None:
    found = run(there=["imu", "gauge"], rate_hz=80)
    assert len(found.writes) > 80
    ends = [at for _, at in found.writes[1:]] + [len(found.raw)]
    for (_, begin), end in zip(found.writes, ends, strict=True):
        frame = found.raw[begin:end]
        assert frame[0] == frame[-1] == 0
        assert 0 not in frame[1:-1]


def test_text_between_frames_eats_none(run: Run, wire: Any) -> None:
    # Of a bootloader, and of whatever prints.
    found = run(rate_hz=80)
    begins = [begin for _, begin in found.writes]
    frames = [found.raw[begin:end] for begin, end in zip(begins, [*begins[1:], len(found.raw)], strict=True)]
    mixed = wire.decode(b"rst:0x1 (POWERON)\r\n" + b"Traceback (most recent call last):\r\n".join(frames))
    assert len(frames) > 80
    assert mixed.damaged == len(frames)
    assert mixed.messages == found.heard.messages


def test_nothing_of_the_firmware_prints_into_the_stream_or_reads_text() -> None:
    files = sorted((_ROOT / "firmware_micropython" / "iastm_firmware").rglob("*.py"))
    assert len(files) > 60
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        # input() takes the port too.
        assert not called & {"print", "input"}, file
        streams = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in ("stdin", "stdout", "stderr")
        ]
        buffers = [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "buffer"]
        assert all(any(stream is each for each in buffers) for stream in streams), file


def test_the_boot_id_is_another_one_at_each_start(run: Run) -> None:
    boots = {run(rate_hz=80, seconds=1).hello.boot_id for _ in range(3)}
    assert len(boots) == 3


def test_the_ticks_wrap_in_mid_stream_and_nothing_is_lost(run: Run) -> None:
    start_us = (1 << 30) - 2_200_000
    found = run(start_us=start_us, rate_hz=80)
    # It wrapped while it streamed.
    assert -start_us + (1 << 30) < found.times_us[-1] - found.times_us[0]
    batches = found.heard.of(messages.ForceSamples)
    indices = [index for index, _ in found.heard.samples()]
    assert indices == list(range(indices[0], indices[0] + len(indices)))
    place_of([counts for _, counts in found.heard.samples()], found.counts)
    for earlier, later in itertools.pairwise(batches):
        passed_us = later.first_us - earlier.first_us
        due_us = (later.first_index - earlier.first_index) * 12_500
        assert abs(passed_us - due_us) <= 2500


def test_memory_is_collected_between_contacts_and_in_none(run: Run) -> None:
    found = run(rate_hz=80, there=["imu", "gauge"], steps=[[0, REST], [1501, HARD], [3501, REST]], seconds=4.2)
    # Just before each second is told.
    seconds = [(round(at_us / 1e6), pressed) for at_us, pressed in found.collected]
    assert seconds == [(1, False), (4, False)]


def test_a_collection_longer_than_a_conversion_costs_a_polled_converter_none(run: Run) -> None:
    # On an RP2040 one takes 16.4 ms; a conversion comes each 12.5 ms, and the chip keeps the newest.
    found = run(rate_hz=80, model="RP2040", port="rp2", there=["imu", "gauge"], collection_ms=20, seconds=9)
    assert len(found.collected) >= 7
    assert found.heard.of(messages.Status)[-1].missed_conversions == 0


# alerts


def latest_ms(period_ms: float) -> float:
    """The longest time from a force above the limit to the outputs: one conversion, and the debounce's others."""
    return DEBOUNCE_SAMPLES * period_ms + ASKED_MS


def adc(name: str, rate_hz: int) -> dict[str, Any]:
    case = {"adc": name, "rate_hz": rate_hz, "board": WIRING}
    if name == "HX711_PIO":
        # Only these chips have state machines.
        case.update(model="RP2040", port="rp2", board={**WIRING, "chip": "RP2040", "spi": None})
    return case


@pytest.mark.parametrize(("name", "rate_hz", "period_ms"), CONVERTERS)
@pytest.mark.parametrize("host", ["reads", "does not stream", "stops reading"])
def test_an_alarm_comes_within_a_conversion_and_its_debounce_whatever_the_host_does(
    run: Run, wire: Any, name: str, rate_hz: int, period_ms: float, host: str
) -> None:
    crossings_ms = [1001, 1777]
    steps = [[0, REST], [1001, HARD], [1300, REST], [1777, HARD]]
    found = run(
        **adc(name, rate_hz),
        steps=steps,
        seconds=1.9,
        says=says(wire, streams=host != "does not stream"),
        # The port's queue is full before the first crossing, and a write is held over it.
        reads_until_ms=880 if host == "stops reading" else None,
    )
    assert (found.outcome, found.breaches) == ("ran", [])
    late_ms = [found.first_shown_us(kinds.ALARM, at * 1000) / 1000 - at for at in crossings_ms]
    print(name, rate_hz, host, late_ms)
    assert max(late_ms) <= latest_ms(period_ms)
    if host == "stops reading":
        assert 500_000 <= found.hold_us <= 1_100_000
    if host == "reads":
        assert [alert.kind for alert in found.heard.of(messages.AlertReport)] == [kinds.ALARM] * 2


@pytest.mark.parametrize("before_ms", [40, 90, 160])
def test_a_host_that_stops_reading_an_esp32_c3_delays_one_alarm_by_a_fifth_of_a_second(
    run: Run, before_ms: int
) -> None:
    # Its port runs nothing while it holds a write: stated in docs/firmware.md.
    found = run(
        model="ESP32-C3",
        rate_hz=80,
        there=["imu"],
        steps=[[0, REST], [1001, HARD], [1300, REST], [2101, HARD]],
        seconds=2.2,
        reads_until_ms=1001 - before_ms,
        drops_after_ms=200,
    )
    assert found.hold_us == 200_000
    late_ms = found.first_shown_us(kinds.ALARM, 1_001_000) / 1000 - 1001
    print(before_ms, late_ms)
    assert late_ms <= 200 + latest_ms(12.5)
    # Once: from then on its port drops at once what nobody reads.
    assert found.first_shown_us(kinds.ALARM, 2_101_000) / 1000 - 2101 <= latest_ms(12.5)


@pytest.mark.parametrize("lies", [False, True])
@pytest.mark.parametrize("before_ms", [40, 160, 600])
def test_a_host_that_stops_reading_a_pico_or_an_esp32_s3_delays_no_alarm(
    run: Run, before_ms: int, *, lies: bool
) -> None:
    found = run(
        model="RP2040",
        port="rp2",
        rate_hz=80,
        there=["imu"],
        steps=[[0, REST], [1001, HARD]],
        seconds=1.1,
        reads_until_ms=1001 - before_ms,
        lies=lies,
    )
    late_ms = found.first_shown_us(kinds.ALARM, 1_001_000) / 1000 - 1001
    print(before_ms, late_ms)
    assert late_ms <= latest_ms(12.5)


def test_what_fails_while_a_write_is_held_ends_the_firmware_and_is_logged(run: Run, tmp_path: Path) -> None:
    found = run(rate_hz=80, there=["imu", "gauge"], seconds=4, reads_until_ms=880, driver_breaks_ms=1300)
    assert found.hold_us > 500_000
    # In the middle of the hold; and within a second or two of its end it restarts, however little the port takes.
    assert 1_300_000 <= found.broke_us <= 1_303_000
    assert found.outcome == "Restarted"
    assert found.ended_us < 3_500_000
    assert b"ValueError: a fault of the driver's own code" in (tmp_path / "disk" / "log.a").read_bytes()


@pytest.mark.parametrize("model", ["ESP32-S3", "ESP32-C3"])
def test_a_host_that_reads_again_gets_what_its_tool_measured_meanwhile(run: Run, wire: Any, model: str) -> None:
    found = run(
        model=model,
        rate_hz=80,
        there=["imu", "gauge"],
        steps=[[0, REST]],
        seconds=3.3,
        reads_until_ms=800,
        reads_again_ms=2300,
        drops_after_ms=200 if model == "ESP32-C3" else 0,
        says=[*says(wire), [2350, wire.command(70, kinds.DESCRIBE).hex()]],
    )
    assert found.outcome == "ran"
    samples = found.heard.samples()
    place = place_of([counts for _, counts in samples[-30:]], found.counts)
    first = place - samples[-30][0]
    # Each in its place, and the newest ones too.
    assert all(found.counts[first + index] == counts for index, counts in samples)
    assert len(found.counts) - first - samples[-1][0] < 10
    lost = samples[-1][0] - samples[0][0] + 1 - len(samples)
    missed = found.heard.of(messages.Status)[-1].missed_conversions
    if model == "ESP32-S3":
        # Sampling went on, and the ring kept what nobody read.
        assert (lost, missed) == (0, 0)
    else:
        # Its port said that it took what it dropped; and for a fifth of a second nothing was asked for.
        assert 0 < missed <= 20
        assert lost >= missed


# bad input


def works(found: Report) -> None:
    """The tool runs: commands are done, statuses come, the watchdog is fed."""
    assert found.outcome == "ran"
    assert set(found.answers.values()) == {kinds.OK}
    assert kinds.START_STREAM in found.answers
    assert len(found.heard.of(messages.Status)) >= 2
    assert found.fed == [2]
    assert found.heard.of(ChannelsReport)
    assert found.heard.of(LogPart)


def warns(found: Report, crossed_ms: int) -> None:
    """And it measures, and warns."""
    works(found)
    assert found.first_shown_us(kinds.ALARM, crossed_ms * 1000) / 1000 - crossed_ms <= latest_ms(12.5)
    place_of([counts for _, counts in found.heard.samples()][-60:], found.counts)


HIT = {"steps": [[0, REST], [1501, HARD]], "rate_hz": 80, "seconds": 2.2}
NO_FORCE = kinds.FAULT_BOARD | kinds.FAULT_ADC_SILENT | kinds.FAULT_ADC_FAILS


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("adc never ready", "NAU7802: no conversion for half a second"),
        ("adc absent", "NAU7802: does not answer"),
        ("bus stuck", "NAU7802"),
    ],
)
def test_a_converter_that_gives_nothing_is_told_and_the_rest_works(
    run: Run, wire: Any, fault: str, reason: str
) -> None:
    # Half a second after it was to begin it is known that nothing comes: the second hello of the session tells.
    found = run(
        rate_hz=80,
        faults=[fault],
        there=["imu", "gauge"],
        seconds=2.2,
        says=[*says(wire), [1500, wire.hello().hex()]],
    )
    works(found)
    assert reason in found.hello.trouble
    assert found.faults & NO_FORCE == NO_FORCE
    assert not found.heard.samples()
    assert found.shown[-1][1] == TECHNICAL


def test_a_motion_sensor_that_is_missing_is_told_and_force_is_measured(run: Run) -> None:
    found = run(**HIT, there=["gauge"])
    warns(found, 1501)
    assert found.hello.trouble == "the motion sensor: no LSM6DS answers at 0x6A or 0x6B"
    assert found.faults == kinds.FAULT_BOARD | kinds.FAULT_MOTION


def test_settings_that_are_damaged_are_told_once_and_kept_anew(run: Run, tmp_path: Path) -> None:
    run(rate_hz=80, seconds=1.5)
    for slot in ("settings.a", "settings.b"):
        if (tmp_path / "disk" / slot).exists():
            content = bytearray((tmp_path / "disk" / slot).read_bytes())
            content[-6] ^= 0x40
            (tmp_path / "disk" / slot).write_bytes(bytes(content))
    found = run(**HIT, there=["imu", "gauge"])
    warns(found, 1501)
    assert found.hello.trouble.startswith("settings are lost: ")
    assert found.heard.of(messages.Zero)[-1] == messages.Zero(0, found.heard.of(messages.Zero)[-1].from_index, 0, True)
    again = run(rate_hz=80, seconds=1.5, there=["imu", "gauge"])
    assert again.hello.trouble == ""


@pytest.mark.parametrize(
    ("medium", "reason"), [("full", "the file system is full"), ("read-only", "the file system is read-only")]
)
def test_a_file_system_that_takes_nothing_is_told_and_force_is_measured(run: Run, medium: str, reason: str) -> None:
    found = run(**HIT, medium=medium, there=["imu", "gauge"])
    warns(found, 1501)
    assert reason in found.hello.trouble
    assert found.faults == kinds.FAULT_STORE


@pytest.mark.parametrize(
    ("board", "reason"),
    [
        ("broken", "the wiring can't be read: SyntaxError: invalid syntax"),
        ({**WIRING, "motor": 27, "adc": {"driver": "NAU7802", "rate_hz": 80}}, "motor: pin 27 belongs to the flash"),
        ({**WIRING, "adc": {"driver": "NAU7802", "rate_hz": 81}}, "81"),
        ({**WIRING, "adc": {"driver": "NAU7803", "rate_hz": 80}}, "NAU7803"),
        (
            {
                **WIRING,
                "cell": {**WIRING["cell"], "coefficients": [0.0, 0.0]},
                "adc": {"driver": "NAU7802", "rate_hz": 80},
            },
            "cell",
        ),
    ],
)
def test_a_wiring_that_can_not_be_starts_a_tool_without_parts_that_says_why(
    run: Run, board: Any, reason: str, wire: Any
) -> None:
    found = run(rate_hz=80, board=board, seconds=2.2, says=[each for each in says(wire) if each[0] != 250])
    assert found.outcome == "ran"
    assert reason in found.hello.trouble
    assert found.answers[kinds.START_STREAM] == kinds.OK
    assert found.faults & NO_FORCE == NO_FORCE


# flash


def test_a_flash_write_that_holds_the_converter_up_leaves_a_gap_of_its_size(run: Run) -> None:
    # Not in contact, where nothing is written.
    found = run(rate_hz=80, there=["imu", "gauge"], steps=[[0, REST]], flash_ms=90)
    samples = found.heard.samples()
    missed = found.heard.of(messages.Status)[-1].missed_conversions
    holes = [(a[0], b[0]) for a, b in itertools.pairwise(samples) if b[0] != a[0] + 1]
    assert holes
    assert missed >= sum(later - earlier - 1 for earlier, later in holes) >= 5
    # Every one stands where the converter made it: a gap is as long as what is lost.
    place = place_of([counts for _, counts in samples[-60:]], found.counts)
    first = place - samples[-60][0]
    assert all(found.counts[first + index] == counts for index, counts in samples)


# on trial


@pytest.mark.parametrize(
    ("steps", "after_s"),
    [
        ([[0, REST]], 5),
        # Pressed from the fourth second to the seventh: no write holds anything up.
        ([[0, REST], [3501, HARD], [6501, REST]], 7),
    ],
)
def test_a_release_on_trial_is_confirmed_once_after_five_seconds_out_of_contact(
    run: Run, steps: list[list[int]], after_s: int
) -> None:
    found = run(rate_hz=80, there=["imu", "gauge"], on_trial=True, steps=steps, seconds=after_s + 1.2)
    assert [(round(at_us / 1e6), state) for at_us, state in found.switched] == [(after_s, "a ok 0 -")]


def test_a_release_whose_loop_fails_on_trial_restarts_at_once_into_the_one_before(run: Run, tmp_path: Path) -> None:
    found = run(rate_hz=80, there=["imu", "gauge"], on_trial=True, seconds=4, driver_breaks_ms=1300)
    assert (found.outcome, [state for _, state in found.switched]) == ("Restarted", ["b ok 0 -"])
    # Without the wait of a failure that may be a part's.
    assert found.ended_us < found.broke_us + 100_000
    assert b"ValueError: a fault of the driver's own code" in (tmp_path / "disk" / "log.a").read_bytes()


def test_a_release_that_fails_after_its_trial_is_not_given_up(run: Run) -> None:
    found = run(rate_hz=80, there=["imu", "gauge"], on_trial=True, seconds=7, driver_breaks_ms=5300)
    assert (found.outcome, [state for _, state in found.switched]) == ("Restarted", ["a ok 0 -"])


def test_why_the_release_before_was_given_up_stands_in_the_log(run: Run) -> None:
    why = "b 0.2.0+00112233445566ff\nTraceback (most recent call last):\nValueError: it broke\n"
    found = run(rate_hz=80, there=["imu", "gauge"], on_trial=True, given_up=why, seconds=1.2)
    log = "".join(part.data.decode() for part in found.heard.of(LogPart))
    assert re.match(r"# start 1, \d s: a release was given up\n  b 0\.2\.0\+00112233445566ff\n", log), log
    assert log.endswith("  ValueError: it broke\n")


# the demo board


def demo_strokes(found: Report) -> tuple[list[Stroke], list[str]]:
    """The strokes that the host finds in what a tool sent, and its alerts."""
    calibration = found.heard.of(messages.Calibration)[-1]
    analyser = Analyser(profile_for("iastm-one-hand", None), None, 80.0, Contact())
    events = []
    for batch in found.heard.of(messages.ForceSamples):
        force_n = [to_newtons(counts, 0, calibration.coefficients) for counts in batch.counts()]
        block = ForceBlock(
            boot_id=1,
            first_index=batch.first_index,
            tool_us=batch.first_us,
            period_us=12_500.0,
            force_n=np.array(force_n),
            raw_counts=None,
            flags=batch.flags,
            arrived_us=0,
            backfilled=False,
        )
        events += analyser.feed(block)
    strokes = [event for event in events if isinstance(event, Stroke)]
    return strokes, [event.kind for event in events if isinstance(event, Alert)]


def demo(run: Run, wire: Any, disk: Path, model: str, seconds: float) -> Report:
    """A demo board that a host warns of more than a profile allows, its zero as it is played."""
    (disk / "board_name.txt").write_text("demo\n")
    ordered = says(wire, limits=messages.Limits("", 11_000, 14_000, 800, 520))
    return run(model=model, port=BOARDS[model][0], seconds=seconds, says=[each for each in ordered if each[0] != 200])


@pytest.mark.parametrize("model", BOARDS)
def test_a_bare_board_of_each_chip_can_be_a_demo_and_says_that_it_plays(
    run: Run, wire: Any, tmp_path: Path, model: str
) -> None:
    found = demo(run, wire, tmp_path / "disk", model, 2.2)
    assert (found.outcome, found.hello.board, found.hello.trouble) == ("ran", f"Demo {model}", "")
    assert found.hello.features & kinds.FEATURE_SIMULATED
    assert (found.hello.rate_mhz, found.faults, found.heard.damaged) == (80_000, 0, 0)
    assert len(found.heard.samples()) > 100
    # A Pico's light is known.
    assert bool(found.hello.features & kinds.FEATURE_SIGNALS) == model.startswith("RP")


def test_a_demo_board_streams_strokes_that_the_host_finds_and_the_tool_warns_of(
    run: Run, wire: Any, tmp_path: Path, size: Any
) -> None:
    seconds = size(25, 41)
    found = demo(run, wire, tmp_path / "disk", "RP2040", seconds)
    indices = [index for index, _ in found.heard.samples()]
    assert indices == list(range(indices[0], indices[0] + len(indices)))
    assert len(indices) > (seconds - 1) * 80
    strokes, alerts = demo_strokes(found)
    # Eight seconds of rest, then one in two seconds.
    assert len(strokes) == (seconds - 9) // 2
    assert not any(stroke.truncated for stroke in strokes)
    peaks_n = [stroke.peak_n for stroke in strokes]
    assert peaks_n[:3] == pytest.approx([5.2, 6.1, 7.4], abs=0.1)
    assert max(peaks_n) == pytest.approx(size(11.6, 12.0), abs=0.1)
    # As the tool itself saw it.
    warned = sum(peak_n > 11 for peak_n in peaks_n)
    assert warned >= 1
    assert alerts == ["warn"] * warned
    assert [alert.kind for alert in found.heard.of(messages.AlertReport)] == [kinds.WARN] * warned
    told = [(stroke.first_index, stroke.last_index) for stroke in found.heard.of(messages.StrokeReport)]
    assert told == [(stroke.first_index, stroke.last_index) for stroke in strokes]
    between_s = [(b.peak_us - a.peak_us) * 1e-6 for a, b in itertools.pairwise(strokes)]
    assert all(1.6 <= gap_s <= 2.4 for gap_s in between_s)
    assert float(np.mean(between_s)) == pytest.approx(2.0, abs=0.05)
    assert any(light for _, kind, light, _, _ in found.shown if kind == kinds.WARN)
