"""The firmware on a bench: the real Tool between a converter, a clock and a stream that the test holds in its hands."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from iastm_firmware.boards.base import BoardBase
from iastm_firmware.tool import Tool
from iastm_protocol import kinds, messages
from iastm_protocol.frames import Decoder, encode
from iastm_simulated.memory_store import MemoryStore

ROOT = Path(__file__).resolve().parents[2]
COUNTS_PER_N = 1000
TICKS_MASK = 0x3FFFFFFF
TIMEOUT_S = 120.0


class Heard(NamedTuple):
    """What came out of a tool."""

    messages: list[Any]
    damaged: int

    def of(self, kind: type) -> list[Any]:
        """The messages of one class."""
        return [message for message in self.messages if isinstance(message, kind)]

    def samples(self) -> list[tuple[int, int]]:
        """Every sample as (index, raw counts), in the order of arrival."""
        return [
            (batch.first_index + i, counts)
            for batch in self.of(messages.ForceSamples)
            for i, counts in enumerate(batch.counts())
        ]


def decode(data: bytes) -> Heard:
    """Decode what a tool sent; sequence numbers must run without a jump."""
    decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
    decoder.feed(data)
    found = []
    sequences = []
    while (frame := decoder.next_frame()) is not None:
        sequences.append(frame.sequence)
        found.append(messages.MESSAGES[frame.kind].from_payload(frame.payload))
    if sequences and not decoder.damaged:
        assert sequences == [(sequences[0] + i) & 0xFFFF for i in range(len(sequences))]
    return Heard(found, decoder.damaged)


def hello(major: int = kinds.MAJOR, session: int = 1) -> bytes:
    """The frame of a host's hello."""
    return bytes(encode(kinds.HELLO, 0, messages.Hello(major, kinds.MINOR, "test", session).to_payload()))


def command(request_id: int, number: int, body: bytes = b"") -> bytes:
    """The frame of a command."""
    return bytes(encode(kinds.COMMAND, 0, messages.Command(request_id, number, body).to_payload()))


class FakeAdc:
    """Plays counts at a rate; `missed` maps the position of a conversion to how many were missed before it."""

    def __init__(self, bench: Bench, counts: Iterable[int], missed: dict[int, int]) -> None:
        self._bench = bench
        self._left = list(counts)
        self._position = 0
        self._missed = missed
        self._made = 0
        self.counts = 0
        self.ticks = 0
        self.missed = 0

    def next_conversion(self) -> bool:
        position = self._position
        if position == len(self._left):
            return False
        missed = self._missed.get(position, 0)
        due_us = (self._made + missed) * 1_000_000_000 // self._bench.rate_mhz
        if self._bench.elapsed_us < due_us:
            return False
        self.counts = self._left[position]
        self.missed = missed
        self._position += 1
        self._made += 1 + missed
        self.ticks = (self._bench.start_us + due_us) & TICKS_MASK
        return True


class FakeStream:
    """What the host said comes in; what the tool writes is kept, as far as `room` bytes go (None: all)."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.said = b""
        self.written = b""
        self.room: int | None = None
        self.write_takes_us = 0

    def read(self) -> bytes:
        said, self.said = self.said[:64], self.said[64:]
        return said

    def write(self, data: memoryview) -> int:
        self._bench.elapsed_us += self.write_takes_us
        n = len(data)
        if self.room is not None:
            n = min(self.room, n)
            self.room -= n
        self.written += bytes(data[:n])
        return n


class FakeOutputs:
    """Notes what is shown: each call, and as (index of the next sample, kind) each change of kind."""

    def __init__(self, bench: Bench, there: int) -> None:
        self._bench = bench
        self.there = there
        self.alerts: list[tuple[int, int]] = []
        # Elapsed µs, kind, light, buzzer in Hz, motor.
        self.calls: list[tuple[int, int, int, int, bool]] = []

    def set(self, kind: int, light: int, buzzer_hz: int, motor: bool) -> None:
        if kind != (self.alerts[-1][1] if self.alerts else 0):
            # What is uncertain is shown before there is a tool.
            tool = getattr(self._bench, "tool", None)
            self.alerts.append((tool.sampler.next_index if tool else 0, kind))
        self.calls.append((self._bench.elapsed_us, kind, light, buzzer_hz, motor))


class FakeBoard(BoardBase):
    """A board of plain attributes."""

    simulated = True
    runtime = "cpython 3"
    source_hash = bytes(8)

    def __init__(self, bench: Bench, settings: dict[str, Any]) -> None:
        self._bench = bench
        self.name: str = settings.get("name", "bench")
        self.serial_number: str = settings.get("serial_number", "7")
        self.rate_mhz: int = settings.get("stated_rate_mhz", bench.rate_mhz)
        self.ring_depth = settings.get("ring_depth", 2048)
        self.zero_counts = settings.get("zero_counts", 0)
        self.zero_confirmed = settings.get("zero_confirmed", True)
        coefficients = settings.get("coefficients", (0.0, 1 / COUNTS_PER_N))
        self.calibration = messages.Calibration("bench", bytes(32), 100.0, coefficients, 0, 0)
        self.stream = FakeStream(bench)
        self.outputs: FakeOutputs = FakeOutputs(bench, settings.get("there", kinds.CHANNEL_LIGHT))
        # Whether the button is down, and what the board's store holds.
        self.pressed: bool = settings.get("pressed", False)
        self.button: Callable[[], bool] = settings.get("button", lambda: self.pressed)
        self.key: bytes | None = settings.get("key")
        self.store_errors: list[OSError] = []
        self.settings_storage: Any = settings.get("settings_storage")
        self.journal: Any = settings.get("journal")
        self.imu: Any = settings.get("imu")
        self.trouble: str = settings.get("trouble", "")
        self.reset_reason: int = settings.get("reset_reason", kinds.RESET_UNKNOWN)
        self.idle_s: int = settings.get("idle_s", 0)
        self.slept = 0
        self.calibration_storage: Any = settings.get("calibration_storage", MemoryStore())
        # The first is the boot id.
        self._random = itertools.chain([0xDEADBEEF], iter(partial(random.Random(7).getrandbits, 32), -1))
        # Functions that make a link of a tool, beside the one on the stream.
        self._make_links: list[Callable[[Any], Any]] = settings.get("links", [])

    @property
    def alerts(self) -> list[tuple[int, int]]:
        return self.outputs.alerts

    def ticks_us(self) -> int:
        return (self._bench.start_us + self._bench.elapsed_us) & TICKS_MASK

    def links(self, tool: Any) -> list[Any]:
        return [make(tool) for make in self._make_links]

    def random_u32(self) -> int:
        return next(self._random)

    def battery_percent(self) -> int:
        return 77

    def battery_mv(self) -> int:
        return 3850

    def temperature_cdeg(self) -> int:
        return 2150

    def load_key(self) -> bytes | None:
        if self.store_errors:
            raise self.store_errors.pop(0)
        return self.key

    def store_key(self, key: bytes) -> None:
        if self.store_errors:
            raise self.store_errors.pop(0)
        self.key = key

    def sleep(self) -> None:
        self.slept += 1

    def failed(self, error: BaseException) -> None:
        raise error


class Bench:
    """A Tool whose time passes in `run` only."""

    def __init__(self, counts: Iterable[int], missed: dict[int, int] | None = None, **settings: Any) -> None:
        self.start_us: int = settings.get("start_us", 0)
        self.rate_mhz: int = settings.get("rate_mhz", 320_000)
        self.elapsed_us = 0
        self.board = FakeBoard(self, settings)
        self.board.adc = FakeAdc(self, counts, missed or {})  # type: ignore[attr-defined]
        self.stream = self.board.stream
        self.tool = Tool(self.board)

    def run(self, duration_ms: int, link: bool = True) -> None:
        """Let time pass in the turns of app.py."""
        for turn in range(duration_ms):
            if turn % 2 == 0:
                self.tool.sampler.step()
                self.tool.signals.step()
                self.tool.watch_button()
            if link and turn % 4 == 0:
                while self.tool.links[0].step():
                    pass
            self.elapsed_us += 1000

    def say(self, data: bytes) -> None:
        """Say something as the host, and let the tool answer."""
        self.stream.said += data
        self.run(8)

    def heard(self) -> Heard:
        """Everything the tool has sent so far."""
        return decode(self.stream.written)

    def start(self, limits: messages.Limits | None = None) -> None:
        """Say hello, set limits, start the stream."""
        self.say(hello())
        if limits is not None:
            self.say(command(1, kinds.SET_LIMITS, limits.to_payload()))
        self.say(command(2, kinds.START_STREAM))


@pytest.fixture(scope="session")
def bench() -> Callable[..., Bench]:
    """Return `bench(counts, missed, **settings)`."""
    return Bench


@pytest.fixture(scope="session")
def wire() -> Any:
    """The host's frames: `wire.hello`, `wire.command`, `wire.decode`."""

    class Wire:
        hello = staticmethod(hello)
        command = staticmethod(command)
        decode = staticmethod(decode)

    return Wire


@pytest.fixture(scope="session")
def micropython() -> str:
    """The path of a real MicroPython. Its absence fails a test where a wheel of it exists, and skips elsewhere."""
    beside = str(Path(sys.executable).parent)
    found = os.environ.get("MICROPYTHON") or shutil.which("micropython", path=beside) or shutil.which("micropython")
    if found is None:
        if sys.platform == "linux" and os.uname().machine == "x86_64":
            pytest.fail("no MicroPython: install the project's dependencies, or set $MICROPYTHON")
        pytest.skip("no MicroPython is packaged for this system; set $MICROPYTHON")
    return found


class Program:
    """How the simulated tool is started on one interpreter."""

    def __init__(self, interpreter: list[str], folder: Path) -> None:
        source = [str(ROOT / "firmware_micropython"), str(ROOT / "protocol")]
        self.interpreter = interpreter
        self.command = [*interpreter, "-m", "iastm_simulated"]
        self.environment = {
            **os.environ,
            "MICROPYPATH": ":".join([*source, ".frozen"]),
            "PYTHONPATH": ":".join(source),
            # A warning of CPython is a failure that shows on stderr.
            "PYTHONWARNINGS": "error",
        }
        self.folder = folder

    def rows(self, rows: Iterable[tuple[int, int]]) -> Path:
        """Write rows of (force in µN, raw counts) to a file."""
        path = self.folder / "rows.bin"
        path.write_bytes(b"".join(struct.pack("<ii", force_un, counts) for force_un, counts in rows))
        return path

    def arguments(self, rows: Path | str, settings: dict[str, Any]) -> list[str]:
        """Return the command line that plays `rows`; the truth goes to truth.csv in the folder."""
        path = self.folder / "settings.json"
        path.write_text(json.dumps(settings))
        return [*self.command, "--rows", str(rows), "--settings", str(path), "--truth", str(self.folder / "truth.csv")]

    def truth(self) -> list[tuple[int, int, str, int]]:
        """Return the rows of the truth: index, tool time in µs, force as written, raw counts."""
        lines = (self.folder / "truth.csv").read_text().splitlines()
        assert lines[0] == "index,tool_time_us,force_n,raw_counts"
        found = []
        for line in lines[1:]:
            index, tool_us, force_n, counts = line.split(",")
            found.append((int(index), int(tool_us), force_n, int(counts)))
        return found

    def virtual(self, rows: Iterable[tuple[int, int]], seconds: float, said: bytes, **settings: Any) -> Heard:
        """Play rows in virtual time, with everything said at its beginning."""
        done = subprocess.run(
            [*self.arguments(self.rows(rows), settings), "--virtual", str(seconds)],
            input=said,
            capture_output=True,
            env=self.environment,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return decode(done.stdout)


@pytest.fixture
def virtual_tool(micropython: str, tmp_path: Path) -> Program:
    """The simulated tool on MicroPython with the heap that it must fit into."""
    return Program([micropython, "-X", "heapsize=368k"], tmp_path)


@pytest.fixture(params=["micropython", "cpython"])
def simulated_tool(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    """The simulated tool on each interpreter."""
    if request.param == "cpython":
        return Program([sys.executable], tmp_path)
    return Program([request.getfixturevalue("micropython"), "-X", "heapsize=368k"], tmp_path)
