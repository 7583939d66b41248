"""The calibration that the tool keeps: written in parts, read back, judged, in force from the next conversion."""

from __future__ import annotations

import gc
import hashlib
import random
import struct
from typing import Any

import pytest
from tests.firmware.conftest import COUNTS_PER_N, Bench, command, hello
from tests.firmware.media import PowerCut, Storage, slot_bytes
from tests.protocol.rig import Rig

from iastm_firmware.slots import Slots
from iastm_protocol import calibration_bodies, kinds, messages
from iastm_protocol.stored_calibration import MAX_STORED_BYTES, pack_head
from iastm_simulated.memory_store import MemoryStore

_PART_BYTES = 200
_DOCUMENT = b'{"schema":1,"points":[' + b"0.125," * 150 + b"0]}"
_SLOPE = 1 / (2 * COUNTS_PER_N)
_REST, _TOUCHING = 0, 3 * COUNTS_PER_N


@pytest.fixture(autouse=True)
def heap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What STATUS asks of MicroPython."""
    monkeypatch.setattr(gc, "mem_free", lambda: 0, raising=False)


def _calibration(document: bytes = _DOCUMENT, **other: Any) -> messages.Calibration:
    made = messages.Calibration("kept", hashlib.sha256(document).digest(), 60.0, (0.0, _SLOPE), 21_143, 0)
    return made._replace(**other)


def _stored(document: bytes = _DOCUMENT, serial_number: str = "7", **other: Any) -> bytes:
    return bytes(pack_head(serial_number, _calibration(document, **other))) + document


class _Host:
    """A host on the cable of a bench."""

    def __init__(self, storage: Any = None, counts: list[int] | None = None, **settings: Any) -> None:
        self.storage = MemoryStore() if storage is None else storage
        self.bench = Bench(counts or [_REST] * 4000, calibration_storage=self.storage, **settings)
        self._request_id = 100
        self.bench.run(100)
        self.bench.say(hello())

    def heard(self, cls: type) -> list[Any]:
        return self.bench.heard().of(cls)

    def ask(self, number: int, body: bytes = b"", request_id: int | None = None) -> Any:
        """Return the RESPONSE to a command."""
        self._request_id += 1
        self.bench.say(command(request_id or self._request_id, number, body))
        return self.heard(messages.Response)[-1]

    def begin(self, length: int) -> Any:
        return self.ask(kinds.BEGIN_CALIBRATION, calibration_bodies.begin_calibration_body(length))

    def part(self, offset: int, data: bytes) -> Any:
        return self.ask(kinds.CALIBRATION_PART, calibration_bodies.calibration_part_body(offset, data))

    def keep(self, sha256: bytes, request_id: int | None = None) -> Any:
        return self.ask(kinds.KEEP_CALIBRATION, calibration_bodies.keep_calibration_body(sha256), request_id)

    def parts(self, stored: bytes) -> None:
        """Write all of it, not kept yet."""
        assert self.begin(len(stored)).error == kinds.OK
        for at in range(0, len(stored), _PART_BYTES):
            assert self.part(at, stored[at : at + _PART_BYTES]).error == kinds.OK

    def write(self, stored: bytes) -> Any:
        """Return the answer to KEEP_CALIBRATION."""
        self.parts(stored)
        return self.keep(hashlib.sha256(stored).digest())

    def stored(self) -> bytes | None:
        """Return what the tool keeps, as it gives it back."""
        found = b""
        while True:
            assert (
                self.ask(kinds.GET_CALIBRATION, calibration_bodies.get_calibration_body(len(found), 0xFFFF)).error == 0
            )
            part = self.heard(messages.StoredPart)[-1]
            assert part.offset == len(found)
            found += part.data
            if len(found) >= part.total:
                return found if part.total else None

    @property
    def in_force(self) -> str:
        name: str = self.bench.tool.settings.calibration.calibration_id
        return name

    @property
    def faults(self) -> int:
        """The one of the store; others come and go with what the converter of the bench does."""
        faults: int = self.bench.tool.health.faults
        return faults & kinds.FAULT_CALIBRATION_STORE


def _kept(storage: Any) -> bytes | None:
    found: bytes | None = Slots(storage).read()
    return found


# In force


def test_what_is_kept_is_in_force_from_the_next_conversion_in_a_running_stream() -> None:
    host = _Host()
    host.bench.say(command(1, kinds.START_STREAM))
    host.bench.run(200)
    stored = _stored()
    host.parts(stored)
    host.bench.run(7)
    next_index = host.bench.tool.sampler.next_index
    assert host.keep(hashlib.sha256(stored).digest()).error == kinds.OK
    host.bench.run(200)
    own, kept = host.heard(messages.Calibration)
    assert own.calibration_id == "bench"
    assert kept == _calibration(from_index=kept.from_index)
    assert next_index <= kept.from_index <= next_index + 2
    # The batch ends there, CALIBRATION stands before the samples that it holds for, and before its answer.
    order = host.bench.heard().messages
    at = order.index(kept)
    assert isinstance(order[at + 1], messages.Response)
    batches = [(i, each) for i, each in enumerate(order) if isinstance(each, messages.ForceSamples)]
    assert kept.from_index in [batch.first_index for _, batch in batches]
    assert all(i > at for i, batch in batches if batch.first_index >= kept.from_index)
    event = host.heard(messages.ToolEvent)[-1]
    assert (event.kind, event.index, event.value) == (kinds.EVENT_CALIBRATION, kept.from_index, 0)
    host.bench.say(hello(session=9))
    answer = host.heard(messages.HelloAnswer)[-1]
    assert (answer.calibration_id, answer.calibration_sha256) == ("kept", kept.sha256)
    assert answer.features & kinds.FEATURE_CALIBRATION


def test_it_is_in_force_after_a_restart_and_read_back_byte_for_byte() -> None:
    host = _Host()
    assert host.stored() is None
    stored = _stored()
    assert host.write(stored).error == kinds.OK
    assert host.stored() == stored
    again = _Host(host.storage)
    assert (again.in_force, again.faults) == ("kept", 0)
    assert again.stored() == stored
    again.ask(kinds.DESCRIBE)
    assert again.heard(messages.Calibration) == [_calibration(from_index=0)]


def test_the_tools_own_alarm_goes_by_it() -> None:
    # Under the kept calibration a newton is twice as many counts.
    counts = [_REST] * 1000 + [9 * COUNTS_PER_N] * 2000
    limits = messages.Limits("", 5000, 8000, 800, 520)
    own, kept = _Host(counts=counts), _Host(counts=counts)
    assert kept.write(_stored()).error == kinds.OK
    for host in (own, kept):
        host.ask(kinds.SET_LIMITS, limits.to_payload())
        host.bench.run(4000)
    assert [kind for _, kind in own.bench.board.alerts] == [kinds.ALARM]
    assert kept.bench.board.alerts == []
    assert own.bench.tool.watch.in_contact
    assert kept.bench.tool.watch.in_contact


def test_a_cell_wired_the_other_way_round_is_turned() -> None:
    host = _Host(counts=[_REST] * 400 + [-9 * COUNTS_PER_N] * 2000)
    assert host.write(_stored(coefficients=(0.0, -_SLOPE))).error == kinds.OK
    host.bench.run(1500)
    assert host.bench.tool.watch.in_contact


def test_every_link_that_streams_is_told_and_one_that_only_greeted_hears_it_when_it_asks() -> None:
    rig = Rig("BLE")
    rig.reach("streaming")
    stored = rig.stored_calibration()
    rig.bench.say(hello())
    assert rig.tool.may_control(rig.link)
    rig.keep_by_another()
    rig.run(100)
    told = [each for each in rig.heard() if isinstance(each, messages.Calibration)]
    assert [each.calibration_id for each in told] == ["bench", "kept"]
    assert [each.calibration_id for each in rig.bench.heard().of(messages.Calibration)] == []
    rig.bench.say(command(3, kinds.DESCRIBE))
    assert [each.calibration_id for each in rig.bench.heard().of(messages.Calibration)] == ["kept"]
    assert rig.tool.calibrations.kept_sha256 == hashlib.sha256(stored).digest()


# Asked once more


def test_the_part_that_came_last_may_come_again_and_nothing_else_out_of_turn() -> None:
    host = _Host()
    stored = _stored()
    host.begin(len(stored))
    assert host.part(0, stored[:50]).error == kinds.OK
    assert host.part(0, stored[:50]).error == kinds.OK
    for offset, data in ((0, stored[:49]), (0, b"x" + stored[1:50]), (51, b"x"), (49, b"x"), (50, b"")):
        answer = host.part(offset, data)
        assert (answer.error, "so far" in answer.text) == (kinds.BAD_ARGUMENT, True)
    assert host.part(50, stored[50:300]).error == kinds.OK
    assert host.part(0, stored[:50]).error == kinds.BAD_ARGUMENT
    assert host.part(300, stored[300:700]).error == kinds.OK
    assert host.part(700, stored[700:]).error == kinds.OK
    assert host.part(len(stored), b"x").error == kinds.BAD_ARGUMENT
    assert host.keep(hashlib.sha256(stored).digest()).error == kinds.OK


def test_a_keep_that_is_asked_again_changes_nothing_and_says_the_calibration_again() -> None:
    host = _Host()
    stored = _stored()
    host.write(stored)
    events = host.bench.tool.events.last_number
    sha256 = hashlib.sha256(stored).digest()
    # Under the same request id, and, as after a lost link, under another.
    for request_id in (None, 7, 7):
        assert host.keep(sha256, request_id).error == kinds.OK
    told = host.heard(messages.Calibration)
    assert len(told) == 4
    assert len(set(told)) == 1
    assert host.bench.tool.events.last_number == events
    other = host.keep(bytes(32))
    assert (other.error, other.text) == (kinds.BAD_ARGUMENT, "no calibration was begun here")


def test_get_calibration_gives_what_a_frame_carries_and_is_read_anew_each_time() -> None:
    host = _Host()
    stored = _stored()

    def get(offset: int, n: int, request_id: int | None = None) -> Any:
        answer = host.ask(kinds.GET_CALIBRATION, calibration_bodies.get_calibration_body(offset, n), request_id)
        assert answer.error == kinds.OK
        return host.heard(messages.StoredPart)[-1]

    assert get(0, 99, 5) == messages.StoredPart(0, 0, b"")
    host.write(stored)
    total = len(stored)
    assert get(0, 99, 5) == messages.StoredPart(0, total, stored[:99])
    assert get(0, 0xFFFF) == messages.StoredPart(0, total, stored[:472])
    assert get(7, 0) == messages.StoredPart(7, total, b"")
    assert get(total - 1, 9) == messages.StoredPart(total - 1, total, stored[-1:])
    assert get(total, 9) == messages.StoredPart(total, total, b"")
    assert get(2**32 - 1, 9) == messages.StoredPart(2**32 - 1, total, b"")


# Refused


def _unchanged(host: _Host, kept: bytes | None) -> None:
    assert host.in_force == ("bench" if kept is None else "kept")
    assert _kept(host.storage) == kept
    assert host.stored() == kept
    assert host.faults == 0
    again = _Host(host.storage)
    assert (again.in_force, again.faults) == (host.in_force, 0)


_NOT_FINITE = struct.pack("<d", float("inf"))
_REFUSED: dict[str, tuple[bytes, str]] = {
    "another tool's": (_stored(serial_number="8"), "made for tool 8, and this is 7"),
    "another document": (_stored() + b" ", "document"),
    "a document altered": (_stored()[:-3] + b"1]}", "document"),
    "of the fourth order": (_stored(coefficients=(0.0, _SLOPE, 0.0, 0.0, 0.0)), "degree 4"),
    "without a slope": (_stored(coefficients=(0.0, 0.0)), "steadily"),
    "that turns": (_stored(coefficients=(0.0, _SLOPE, -_SLOPE / 2**24)), "steadily"),
    "that turns far beyond zero": (_stored(coefficients=(0.0, _SLOPE, 0.0, -_SLOPE / 2**49)), "steadily"),
    "without capacity": (_stored(capacity_n=0.0), "capacity of 0.0 N"),
    "not finite": (_stored().replace(struct.pack("<d", _SLOPE), _NOT_FINITE), "not finite"),
    "of another layout": (b"\x02" + _stored()[1:], "layout 2"),
    "only a head's beginning": (_stored()[:40], "too short"),
    "one byte": (b"\x01", "too short"),
    "that can't reach the limits": (_stored(coefficients=(0.0, _SLOPE / 100_000)), "does not reach"),
    "limits beyond the capacity": (_stored(capacity_n=4.0), "beyond the cell's"),
    "too long a name for a hello": (_stored(calibration_id="i" * 250, serial_number="7"), "and a frame 480"),
}


@pytest.mark.parametrize("had", [False, True], ids=["none before", "one before"])
@pytest.mark.parametrize(("stored", "words"), _REFUSED.values(), ids=list(_REFUSED))
def test_what_can_not_be_in_force_is_refused_in_words_and_the_one_before_stays(
    stored: bytes, words: str, had: bool
) -> None:
    host = _Host(name="a board of many words " * 6)
    kept = _stored(b"{}")
    if had:
        assert host.write(kept).error == kinds.OK
    host.ask(kinds.SET_LIMITS, messages.Limits("", 5000, 0, 800, 520).to_payload())
    answer = host.write(stored)
    assert answer.error == kinds.BAD_ARGUMENT
    assert words in answer.text
    # And it was dropped.
    assert host.keep(hashlib.sha256(stored).digest()).text == "no calibration was begun here"
    _unchanged(host, kept if had else None)


def test_a_hash_that_is_not_that_of_the_whole_is_refused() -> None:
    host = _Host()
    stored = _stored()
    host.parts(stored)
    answer = host.keep(hashlib.sha256(stored + b"\0").digest())
    assert (answer.error, answer.text) == (kinds.BAD_ARGUMENT, "it did not arrive as it was sent")
    _unchanged(host, None)


def test_a_calibration_that_lacks_bytes_is_refused() -> None:
    host = _Host()
    stored = _stored()
    host.begin(len(stored))
    host.part(0, stored[:400])
    answer = host.keep(hashlib.sha256(stored).digest())
    assert (answer.error, answer.text) == (kinds.BAD_ARGUMENT, f"400 bytes of {len(stored)}")
    _unchanged(host, None)


@pytest.mark.parametrize("length", [0, MAX_STORED_BYTES + 1, 2**32 - 1])
def test_a_length_that_no_slot_has_is_refused(length: int) -> None:
    host = _Host()
    assert host.begin(length).error == kinds.BAD_ARGUMENT
    assert host.part(0, b"x").text == "no calibration was begun here"
    assert host.begin(MAX_STORED_BYTES).error == kinds.OK


def test_in_contact_nothing_is_written_and_what_was_begun_goes_on_after() -> None:
    host = _Host(counts=[_REST] * 800 + [_TOUCHING] * 400 + [_REST] * 4000)
    stored = _stored()
    host.begin(len(stored))
    host.part(0, stored[:300])
    while not host.bench.tool.watch.in_contact:
        host.bench.run(4)
    sha256 = hashlib.sha256(stored).digest()
    for answer in (host.begin(9), host.part(300, stored[300:600]), host.keep(sha256)):
        assert (answer.error, answer.text.split(":")[0]) == (kinds.NOT_ALLOWED, "lift the tool")
    assert host.stored() is None
    while host.bench.tool.watch.in_contact:
        host.bench.run(4)
    for at in range(300, len(stored), 300):
        assert host.part(at, stored[at : at + 300]).error == kinds.OK
    assert host.keep(sha256).error == kinds.OK


def test_a_board_without_a_place_for_one_knows_no_such_command() -> None:
    bench = Bench([_REST] * 400, calibration_storage=None)
    bench.say(hello())
    for number in range(kinds.BEGIN_CALIBRATION, kinds.GET_CALIBRATION + 1):
        bench.say(command(number, number, bytes(40)))
    assert {each.error for each in bench.heard().of(messages.Response)} == {kinds.UNKNOWN_COMMAND}
    assert not bench.heard().of(messages.HelloAnswer)[0].features & kinds.FEATURE_CALIBRATION
    bench.tool.second()


# Who writes


def test_another_session_drops_what_was_not_kept_and_the_same_one_does_not() -> None:
    host = _Host()
    stored = _stored()
    host.parts(stored)
    host.bench.say(hello())
    assert host.part(len(stored) - 1, b"x").text.endswith("so far")
    host.bench.say(hello(session=77))
    assert host.keep(hashlib.sha256(stored).digest()).text == "no calibration was begun here"
    host.bench.tool.second()
    _unchanged(host, None)


def test_a_host_that_goes_away_in_the_middle_leaves_no_fault_for_the_next_start() -> None:
    storage = MemoryStore()
    host = _Host(storage)
    kept = _stored(b"{}")
    host.write(kept)
    stored = _stored()
    host.begin(len(stored))
    host.part(0, stored[:300])
    for _ in range(60):
        host.bench.tool.second()
    assert host.part(300, stored[300:600]).error == kinds.OK
    for _ in range(61):
        host.bench.tool.second()
    assert host.part(600, stored[600:700]).text == "no calibration was begun here"
    _unchanged(host, kept)


def test_what_nobody_goes_on_with_is_given_up_only_while_the_tool_is_not_in_contact() -> None:
    storage = Storage()
    host = _Host(storage, counts=[_REST] * 400 + [_TOUCHING] * 400 + [_REST] * 4000)
    stored = _stored()
    host.begin(len(stored))
    host.bench.say(hello(session=5))
    while not host.bench.tool.watch.in_contact:
        host.bench.run(4)
    before = len(storage.written)
    host.bench.tool.second()
    assert len(storage.written) == before
    while host.bench.tool.watch.in_contact:
        host.bench.run(4)
    host.bench.tool.second()
    assert len(storage.written) == before + 1


def test_what_one_link_began_no_other_goes_on_with_and_a_new_beginning_takes_its_place() -> None:
    rig = Rig("BLE")
    rig.reach("greeted")
    stored = rig.stored_calibration()
    begin, part = calibration_bodies.begin_calibration_body, calibration_bodies.calibration_part_body
    rig.bench.say(hello() + command(1, kinds.BEGIN_CALIBRATION, begin(len(stored))))
    rig.signed_command(kinds.CALIBRATION_PART, part(0, stored))
    rig.run(60)
    assert rig.sent()[-1] == "RESPONSE BAD_ARGUMENT"
    rig.signed_command(kinds.BEGIN_CALIBRATION, begin(len(stored)))
    rig.run(60)
    rig.bench.say(command(2, kinds.CALIBRATION_PART, part(0, stored)))
    assert rig.bench.heard().of(messages.Response)[-1].error == kinds.BAD_ARGUMENT
    rig.signed_command(kinds.CALIBRATION_PART, part(0, stored))
    keep = calibration_bodies.keep_calibration_body(hashlib.sha256(stored).digest())
    rig.signed_command(kinds.KEEP_CALIBRATION, keep)
    rig.run(100)
    assert rig.sent()[-2:] == ["CALIBRATION", "RESPONSE OK"]


def test_over_bluetooth_it_is_written_signed_or_not_at_all() -> None:
    rig = Rig("BLE")
    rig.reach("greeted")
    stored = rig.stored_calibration()
    begin, part = calibration_bodies.begin_calibration_body, calibration_bodies.calibration_part_body
    keep = calibration_bodies.keep_calibration_body(hashlib.sha256(stored).digest())
    steps = [(kinds.BEGIN_CALIBRATION, begin(len(stored)))]
    steps += [(kinds.CALIBRATION_PART, part(at, stored[at : at + 50])) for at in range(0, len(stored), 50)]
    steps += [(kinds.KEEP_CALIBRATION, keep)]
    for number, body in steps:
        rig.command(number, body)
        rig.run(60)
    assert set(rig.sent()) == {"RESPONSE NEEDS_KEY"}
    rig.mark()
    for number, body in steps:
        rig.signed_command(number, body)
        rig.run(60)
    assert rig.sent() == ["RESPONSE OK"] * (len(steps) - 1) + ["CALIBRATION", "RESPONSE OK"]
    # What is kept is no secret.
    rig.mark()
    rig.command(kinds.GET_CALIBRATION, calibration_bodies.get_calibration_body(0, 400))
    rig.run(100)
    assert rig.sent() == ["STORED_PART", "RESPONSE OK"]


def test_a_bluetooth_connection_that_ends_drops_what_was_not_kept() -> None:
    rig = Rig("BLE")
    rig.reach("greeted")
    rig.signed_command(kinds.BEGIN_CALIBRATION, calibration_bodies.begin_calibration_body(99))
    rig.run(60)
    assert rig.tool.calibrations.is_writing(rig.link)
    rig.radio.happens(2, 64, 0)
    rig.run(60)
    assert not rig.tool.calibrations.is_writing(rig.link)


# The storage


_WRITES = 3 + -(-len(_stored()) // _PART_BYTES)


@pytest.mark.parametrize("failing", range(_WRITES))
def test_a_store_that_fails_is_told_and_the_one_before_stays(failing: int) -> None:
    kept, stored = _stored(b"{}"), _stored()
    storage = Storage(slots=[slot_bytes(3, kept), slot_bytes(2, kept)])
    host = _Host(storage)
    assert host.in_force == "kept"
    storage.write_errors = [*[None] * failing, 2]
    answers = [host.begin(len(stored))]
    for at in range(0, len(stored), _PART_BYTES):
        answers.append(host.part(at, stored[at : at + _PART_BYTES]))
    answers.append(host.keep(hashlib.sha256(stored).digest()))
    failed = [answer for answer in answers if answer.error == kinds.FAILED]
    assert len(failed) == 1
    assert failed[0].text == "the tool's store fails: the calibration before stays"
    assert answers[-1].error != kinds.OK
    _unchanged(host, kept)
    assert host.write(stored).error == kinds.OK
    assert _kept(storage) == stored


def test_after_a_power_cut_at_any_moment_of_a_write_the_next_start_has_the_old_one_or_the_new_one() -> None:
    kept, stored = _stored(b"{}"), _stored(_DOCUMENT[:60] + _DOCUMENT[-3:])
    slots: list[bytes | None] = [slot_bytes(4, kept), slot_bytes(3, kept)]
    calm = Storage(slots=slots)
    assert _Host(calm).write(stored).error == kinds.OK
    start = Storage(slots=slots)
    _Host(start)
    seen = set()
    chance = random.Random(3)
    last = range(calm.used - 12, calm.used)
    for power in sorted({*last, *chance.sample(range(start.used, calm.used), 25)}):
        storage = Storage(slots=slots)
        storage.power = power
        with pytest.raises(PowerCut):
            _Host(storage).write(stored)
        storage.power = None
        found = _kept(storage)
        assert found in (kept, stored)
        again = _Host(storage)
        assert again.in_force == "kept"
        assert again.stored() == found
        # Whether a newer one was lost nobody can tell: that is said.
        torn = Slots(storage)
        torn.find()
        assert bool(again.faults & kinds.FAULT_CALIBRATION_STORE) == torn.lost
        assert again.write(stored).error == kinds.OK
        assert again.faults == 0
        seen.add(found)
    assert seen == {kept, stored}


@pytest.mark.parametrize(
    "slots",
    [
        pytest.param([slot_bytes(1, _stored())[:-1], None], id="torn"),
        pytest.param([slot_bytes(1, _stored(serial_number="8")), None], id="another tool's"),
        pytest.param([slot_bytes(1, b"no calibration"), None], id="something else"),
        pytest.param([slot_bytes(1, _stored() + b" "), None], id="altered"),
        pytest.param([slot_bytes(1, _stored(coefficients=(0.0, _SLOPE / 1e6))), None], id="beyond reach"),
        pytest.param([slot_bytes(1, b""), None], id="empty"),
    ],
)
def test_what_can_not_be_used_at_the_start_is_a_fault_and_the_boards_own_is_in_force(slots: list[bytes | None]) -> None:
    host = _Host(Storage(slots=slots))
    assert (host.in_force, host.faults) == ("bench", kinds.FAULT_CALIBRATION_STORE)
    host.bench.say(command(1, kinds.START_STREAM))
    host.bench.tool.second()
    host.bench.run(40)
    assert host.heard(messages.Status)[-1].faults & kinds.FAULT_CALIBRATION_STORE
    began = [event for event in host.heard(messages.ToolEvent) if event.kind == kinds.EVENT_FAULT]
    assert began[0].value == kinds.FAULT_CALIBRATION_STORE
    # One that is kept ends it, at once.
    assert host.write(_stored()).error == kinds.OK
    assert host.faults == 0
    assert host.heard(messages.ToolEvent)[-1].kind in (kinds.EVENT_FAULT_CLEARED, kinds.EVENT_CALIBRATION)


def test_a_store_that_can_not_be_read_at_the_start_is_a_fault_and_not_none() -> None:
    storage = Storage(slots=[slot_bytes(1, _stored()), None])
    storage.open_errors[0] = [5]
    host = _Host(storage)
    assert (host.in_force, host.faults) == ("bench", kinds.FAULT_CALIBRATION_STORE)


def test_a_store_that_fails_while_it_is_read_is_told() -> None:
    storage = Storage(slots=[slot_bytes(1, _stored()), None])
    host = _Host(storage)
    storage.open_errors[0] = [5]
    answer = host.ask(kinds.GET_CALIBRATION, calibration_bodies.get_calibration_body(0, 9))
    assert answer.error == kinds.FAILED
    assert host.stored() == _stored()
