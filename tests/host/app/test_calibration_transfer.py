"""A calibration to the tool and back: compared, refused before a byte where it is another's, over serial and radio."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.calibration.test_document import made
from tests.system.test_cuts import CARRIERS

from iastm_calibration.document import MAX_CONTENT_BYTES, CalibrationDocument, content
from iastm_host.analysis.profiles import Contact
from iastm_host.app.acquisition import Acquisition, Plan
from iastm_host.app.calibration_transfer import PART_BYTES, read, write
from iastm_host.app.offline import recorded_events
from iastm_host.cli.wiring import chosen_profile, clock_us, wall_clock
from iastm_host.events import (
    Answer,
    BeginCalibration,
    CalibrationPart,
    CalibrationReport,
    Command,
    ForceBlock,
    GetCalibration,
    KeepCalibration,
    Problem,
)
from iastm_host.records.entries import Recording
from iastm_host.settings import Settings
from iastm_host.tool.stored import pack
from iastm_host.transports.runtime import find_runtime
from iastm_host.transports.simulator import SimulatedTool
from iastm_protocol.kinds import MAX_LINK_PAYLOAD
from iastm_protocol.signing import TAG_BYTES

SERIAL = "SIM-0001"
PATIENCE_S = 60.0


def _document(**changes: Any) -> CalibrationDocument:
    document = made()
    tool = replace(document.tool, serial_number=SERIAL, capacity_n=50.0)
    return replace(document, tool=tool, **changes)


class Keeper:
    """A tool's side of the commands, without a link. `asked` are all commands; `refuse` maps their class to words."""

    def __init__(self, kept: bytes | None = None) -> None:
        self.kept = kept
        self.asked: list[Command] = []
        self.refuse: dict[type, Answer] = {}
        self.gives = lambda kept: kept
        self.coming = b""
        self.length = 0

    def request(self, command: Command) -> Future[Answer]:
        self.asked.append(command)
        future: Future[Answer] = Future()
        future.set_result(self.refuse.get(type(command)) or self._done(command))
        return future

    def _done(self, command: Command) -> Answer:
        if isinstance(command, BeginCalibration):
            self.coming, self.length = b"", command.length
        elif isinstance(command, CalibrationPart):
            assert command.offset == len(self.coming)
            self.coming += command.data
        elif isinstance(command, KeepCalibration):
            assert (len(self.coming), hashlib.sha256(self.coming).digest()) == (self.length, command.sha256)
            self.kept = self.coming
        elif isinstance(command, GetCalibration):
            kept = self.gives(self.kept) or b""
            return Answer(1, True, "", data=kept[command.offset :][: min(command.n, 472)], total=len(kept))
        return Answer(1, True, "")


class TwiceKeeper(Keeper):
    """Confirms each command of one kind only the second time, whether or not it `did_it` the first time."""

    def __init__(self, kind: type, did_it: bool) -> None:
        super().__init__()
        self._kind = kind
        self._did_it = did_it
        self._before: Command | None = None

    def _done(self, command: Command) -> Answer:
        if not isinstance(command, self._kind):
            return super()._done(command)
        again, self._before = command == self._before, command
        if again and self._did_it:
            # As SPEC.md, 4.19 has it for a part, and for what is kept already.
            return Answer(1, True, "") if not isinstance(command, GetCalibration) else super()._done(command)
        if not again and not self._did_it:
            return UNCONFIRMED
        answer = super()._done(command)
        return answer if again else UNCONFIRMED


def test_what_is_written_is_read_back_and_compared_and_its_progress_told() -> None:
    keeper = Keeper()
    shares: list[float] = []
    stored = pack(_document())
    write(keeper.request, stored, SERIAL, shares.append)
    assert keeper.kept == stored
    assert read(keeper.request) == stored
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert any(0.1 < share < 0.4 for share in shares)
    assert any(0.6 < share < 0.9 for share in shares)


def test_a_tool_that_keeps_nothing_is_read_as_nothing() -> None:
    assert read(Keeper().request) is None


def test_a_part_fits_a_frame_signed_or_not() -> None:
    # Request id, command, offset; counter and tag.
    assert PART_BYTES + 3 + 4 + 4 + TAG_BYTES <= MAX_LINK_PAYLOAD


@pytest.mark.parametrize("serial_number", ["SIM-0002", "sim-0001", ""])
def test_another_tools_calibration_is_refused_before_a_byte_is_sent(serial_number: str) -> None:
    keeper = Keeper()
    with pytest.raises(Problem, match=SERIAL):
        write(keeper.request, pack(_document()), serial_number)
    assert keeper.asked == []


@pytest.mark.parametrize("position", [1, 40, 120, -5])
def test_an_altered_one_is_refused_before_a_byte_is_sent(position: int) -> None:
    keeper = Keeper()
    stored = bytearray(pack(_document()))
    stored[position] ^= 2
    with pytest.raises(Problem):
        write(keeper.request, bytes(stored), SERIAL)
    assert keeper.asked == []


@pytest.mark.parametrize("command", [BeginCalibration, CalibrationPart, KeepCalibration, GetCalibration])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(1, False, "lift the tool: in contact it writes nothing"), "lift the tool"),
        (Answer(1, False, "this needs the tool's key", needs="key"), "Pair with the tool"),
        (Answer(1, False, "The tool did not confirm it for 3 s.", needs="time"), "connection"),
    ],
)
def test_a_refusal_is_told_with_the_tools_words_and_what_to_do(command: type, answer: Answer, words: str) -> None:
    keeper = Keeper()
    keeper.refuse[command] = answer
    with pytest.raises(Problem, match=words):
        write(keeper.request, pack(_document()), SERIAL)
    if command is not GetCalibration:
        assert keeper.kept is None


UNCONFIRMED = Answer(1, False, "The tool did not confirm it for 3 s.", needs="time")
KINDS = [BeginCalibration, CalibrationPart, KeepCalibration, GetCalibration]


@pytest.mark.parametrize("did_it", [False, True], ids=["never reached the tool", "was done"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_tool_did_not_confirm_is_given_again(kind: type, did_it: bool) -> None:
    keeper = TwiceKeeper(kind, did_it)
    stored = pack(_document())
    write(keeper.request, stored, SERIAL)
    assert keeper.kept == stored
    times = [sum(command == other for other in keeper.asked) for command in keeper.asked if isinstance(command, kind)]
    assert set(times) == {2}


@pytest.mark.parametrize("kind", KINDS)
def test_what_stays_unconfirmed_is_given_up_within_half_a_minute(kind: type) -> None:
    now_s = [0.0]
    keeper = Keeper()
    keeper.refuse[kind] = UNCONFIRMED

    def request(command: Command) -> Future[Answer]:
        now_s[0] += 3.5 if isinstance(command, kind) else 0.0
        return keeper.request(command)

    with pytest.raises(Problem, match="did not confirm"):
        write(request, pack(_document()), SERIAL, clock=lambda: now_s[0])
    assert 27.0 < now_s[0] < 34.0


def test_the_patience_with_one_command_is_shared_by_its_tries() -> None:
    now_s = [0.0]
    allowed_s = []

    class Slow(Future[Answer]):
        def result(self, timeout: float | None = None) -> Answer:
            assert timeout is not None
            allowed_s.append(timeout)
            now_s[0] += 12.0
            if timeout < 12.0:
                raise FutureTimeoutError
            return UNCONFIRMED

    with pytest.raises(Problem, match="did not answer"):
        read(lambda _command: Slow(), clock=lambda: now_s[0])
    assert allowed_s == [30.0, 18.0, 6.0]


def test_a_refusal_that_time_does_not_mend_is_not_asked_again() -> None:
    keeper = Keeper()
    keeper.refuse[GetCalibration] = Answer(1, False, "the tool's store fails")
    with pytest.raises(Problem, match="store fails"):
        read(keeper.request)
    assert len(keeper.asked) == 1


def test_a_tool_that_then_keeps_something_else_is_found_out() -> None:
    keeper = Keeper()
    keeper.gives = lambda kept: kept[:-1] + b"!"
    with pytest.raises(Problem, match="something else"):
        write(keeper.request, pack(_document()), SERIAL)


def test_a_calibration_that_changes_or_ends_while_it_is_read_is_told() -> None:
    keeper = Keeper(bytes(2000))
    lengths = iter((2000, 1999))
    keeper.gives = lambda kept: kept[: next(lengths)]
    with pytest.raises(Problem, match="another calibration meanwhile"):
        read(keeper.request)
    keeper.refuse[GetCalibration] = Answer(1, True, "", data=b"", total=2000)
    with pytest.raises(Problem, match="ends after 0 bytes of 2000"):
        read(keeper.request)


def test_a_tool_that_never_answers_is_told() -> None:
    class Never(Future[Answer]):
        def result(self, timeout: float | None = None) -> Answer:
            assert timeout is not None
            raise FutureTimeoutError

    with pytest.raises(Problem, match="did not answer"):
        read(lambda _command: Never())


# The firmware, over its own carriers


Started = Callable[..., tuple[Acquisition, "Callable[[], Recording]"]]
KEY = bytes(range(32))


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Return `start(by, **settings)`: a recorded run with a simulated tool; what ends both, gives its recording."""
    endings: list[Callable[[], object]] = []

    def start(by: str, **settings: object) -> tuple[Acquisition, Callable[[], Recording]]:
        tool = SimulatedTool(
            find_runtime(os.environ),
            lambda n: np.tile(np.array([0, 84_000], dtype="<i4"), n).tobytes(),
            {"serial_number": SERIAL, "zero_counts": 84_000, **settings},
        )
        folder = tmp_path / f"run {len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        endings.append(tool.stop)
        carrier = CARRIERS[by](tool, folder)
        endings.append(carrier.close)
        keys = {SERIAL: KEY} if "key" in settings else {}
        plan = Plan("test", chosen_profile(Settings()), None, Contact(), "test", 5, None, None, True, folder, keys=keys)
        run = Acquisition(carrier.transport(), plan, clock_us, wall_clock)
        run.start()
        endings.extend((lambda: run.join(PATIENCE_S), run.stop))
        deadline_s = time.monotonic() + PATIENCE_S
        while run.snapshot().samples_expected == 0:
            assert time.monotonic() < deadline_s, run.snapshot().link
            threading.Event().wait(0.01)

        def recording() -> Recording:
            while endings:
                endings.pop()()
            (path,) = folder.glob("*.iastm")
            return Recording(path)

        return run, recording

    yield start
    while endings:
        endings.pop()()


def _longest(document: CalibrationDocument) -> CalibrationDocument:
    """Fill a document with points up to what a tool keeps."""
    points = document.points
    while len(content(replace(document, points=(*points, points[-1])))) < MAX_CONTENT_BYTES - 100:
        points = (*points, points[-1])
    return replace(document, points=points)


@pytest.mark.parametrize("by", ["serial", "ble"])
def test_over_each_carrier_it_is_written_in_mid_stream_survives_a_restart_and_loses_no_sample(
    by: str, started: Started, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    settings: dict[str, object] = {"store": str(store), "key": KEY.hex()}
    run, recording = started(by, **settings)
    document = _longest(_document(curve=replace(made().curve, coefficients=(0.0, 1 / 21_000))))
    assert len(pack(document)) > MAX_CONTENT_BYTES - 100
    write(run.request, pack(document), SERIAL)
    assert read(run.request) == pack(document)
    events = list(recorded_events(recording()))
    reports = [event for event in events if isinstance(event, CalibrationReport)]
    assert reports[-1].calibration_id == document.calibration_id
    assert reports[-1].coefficients == document.curve.coefficients
    blocks = [event for event in events if isinstance(event, ForceBlock)]
    indices = [block.first_index for block in blocks] + [blocks[-1].next_index]
    assert indices[1:] == [block.next_index for block in blocks]
    assert indices[-1] > reports[-1].from_index > indices[0]
    again, _ = started(by, **settings)
    assert read(again.request) == pack(document)


def test_before_and_after_it_each_sample_has_the_newtons_of_its_own_calibration(started: Started) -> None:
    # Resting on 8,400 counts: 0.2 N by the board's own calibration, below contact, and 0.4 N by the new one.
    run, recording = started("serial", zero_counts=84_000 - 8_400)
    write(run.request, pack(_document(curve=replace(made().curve, coefficients=(0.0, 1 / 21_000)))), SERIAL)
    assert read(run.request) is not None
    events = list(recorded_events(recording()))
    changed = [event for event in events if isinstance(event, CalibrationReport)][-1].from_index
    found: dict[bool, set[float]] = {False: set(), True: set()}
    for block in (event for event in events if isinstance(event, ForceBlock)):
        assert (block.first_index < changed) == (block.next_index <= changed)
        found[block.first_index >= changed] |= set(np.round(block.force_n, 9).tolist())
    assert found == {False: {0.2}, True: {0.4}}
