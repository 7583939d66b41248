"""What the tool keeps over restarts: power that goes at every byte, stores that fail or are damaged, and wear."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.firmware.media import MEDIA, Medium, PowerCut, Storage, media, slot_bytes

from iastm_firmware.kept import Kept
from iastm_firmware.slots import FileStorage
from iastm_protocol import kinds

_ROOT = Path(__file__).resolve().parents[2]
_LAYOUT = "<BBBiIHHI"
_RESETS = [
    *(kinds.RESET_UNKNOWN, kinds.RESET_POWER, kinds.RESET_BUTTON, kinds.RESET_WATCHDOG, kinds.RESET_FAILURE),
    *(kinds.RESET_WAKE, kinds.RESET_SOFT),
]


class State(NamedTuple):
    """A document as this test reads it, by the table at the top of kept.py."""

    zero_counts: int | None = None
    channels: int | None = None
    streaming: bool = False
    overloaded: bool = False
    overload_mn: int = 0
    power_losses: int = 0
    restarts: int = 0
    starts: int = 0

    def document(self) -> bytes:
        bits = (self.zero_counts is not None) | (self.channels is not None) << 1
        bits |= self.streaming << 2 | self.overloaded << 3
        counters = (self.overload_mn, self.power_losses, self.restarts, self.starts)
        return struct.pack(_LAYOUT, 1, bits, self.channels or 0, self.zero_counts or 0, *counters)

    @staticmethod
    def of(document: bytes) -> State:
        version, bits, channels, zero, *counters = struct.unpack(_LAYOUT, document)
        assert (version, bits >> 4) == (1, 0)
        return State(
            zero if bits & 1 else None, channels if bits & 2 else None, bool(bits & 4), bool(bits & 8), *counters
        )

    def started(self, reset_reason: int) -> State:
        """What a start for that reason makes of it."""
        lost = self.streaming and reset_reason == kinds.RESET_POWER
        failed = reset_reason in (kinds.RESET_WATCHDOG, kinds.RESET_FAILURE)
        return self._replace(
            streaming=False,
            power_losses=min(self.power_losses + lost, 0xFFFF),
            restarts=min(self.restarts + failed, 0xFFFF),
            starts=min(self.starts + 1, 0xFFFFFFFF),
        )


_FULL = State(-123_456, 5, True, True, 71_000, 3, 2, 40)


def _shown(kept: Any) -> State:
    """What a Kept says of itself; that a stream runs it does not."""
    return State(
        kept.zero_counts,
        kept.channels,
        False,
        kept.overloaded,
        kept.overload_mn,
        kept.power_losses,
        kept.restarts,
        kept.starts,
    )


def _in_force(storage: Storage) -> State | None:
    """The newest whole document in a storage, read without the code under test."""
    whole = []
    for content in storage.slots:
        if content is None or content[:4] != b"SLT1" or len(content) < 16:
            continue
        generation, n = struct.unpack("<II", content[4:12])
        document = content[12 : 12 + n]
        if content.startswith(slot_bytes(generation, document)) and len(document) == n:
            whole.append((generation, document))
    return State.of(max(whole)[1]) if whole else None


def _storage(state: State, medium: Medium = MEDIA[0], **kwargs: Any) -> Storage:
    older = state._replace(starts=max(0, state.starts - 1), zero_counts=7)
    return Storage(medium, [slot_bytes(8, state.document()), slot_bytes(7, older.document())], **kwargs)


def _seconds(kept: Any, n: int, may_write: bool = True, streams: bool = False) -> None:
    for _ in range(n):
        kept.note_streaming(streams)
        kept.write_if_due(may_write)


def test_a_new_tool_keeps_nothing_but_that_it_started_once() -> None:
    storage = Storage()
    kept = Kept(storage, kinds.RESET_POWER)
    assert _shown(kept) == State(starts=1)
    assert (kept.trouble, kept.faults, kept.power_lost) == ("", 0, False)
    assert storage.slots == [slot_bytes(1, bytes.fromhex("01 00 00 00000000 00000000 0000 0000 01000000")), None]


def test_the_layout_is_the_documented_one() -> None:
    kept = Kept(_storage(_FULL), kinds.RESET_POWER)
    assert _shown(kept) == State(-123_456, 5, False, True, 71_000, 4, 2, 41)
    assert kept.power_lost
    assert kept.faults == kinds.FAULT_OVERLOADED
    storage = Storage()
    kept = Kept(storage)
    kept.keep_channels(2)
    kept.keep_zero(-2)
    kept.keep_overload(0x01020304)
    kept.write_now()
    assert storage.slots[1] == slot_bytes(2, bytes.fromhex("01 0b 02 feffffff 04030201 0000 0000 01000000"))


@pytest.mark.parametrize("zero", [kinds.COUNTS_MIN, -1, 0, 1, kinds.COUNTS_MAX])
@pytest.mark.parametrize("channels", [0, 7])
def test_what_was_ordered_is_there_after_a_restart(tmp_path: Path, zero: int, channels: int) -> None:
    kept = Kept(FileStorage(str(tmp_path), "settings"))
    kept.keep_overload(88_000)
    kept.keep_zero(zero)
    kept.keep_channels(channels)
    _seconds(kept, 1)
    again = Kept(FileStorage(str(tmp_path), "settings"))
    assert _shown(again) == State(zero, channels, overload_mn=88_000, starts=2)
    assert (again.trouble, again.faults) == ("", 0)


@media
@pytest.mark.parametrize("reset_reason", [kinds.RESET_POWER, kinds.RESET_FAILURE])
def test_after_a_power_cut_at_any_byte_all_of_the_old_or_all_of_the_new_is_there(
    medium: Medium, reset_reason: int
) -> None:
    def life(storage: Storage) -> None:
        kept = Kept(storage, reset_reason)
        kept.keep_zero(4_000)
        _seconds(kept, 1)
        kept.keep_channels(3)
        kept.keep_overload(99_000)
        _seconds(kept, 1)
        _seconds(kept, 30, streams=True)
        _seconds(kept, 1)

    calm = _storage(_FULL, medium)
    life(calm)
    begun = _FULL.started(reset_reason)
    zeroed = begun._replace(zero_counts=4_000, overloaded=False)
    loaded = zeroed._replace(channels=3, overload_mn=99_000, overloaded=True)
    possible = [_FULL, begun, zeroed, loaded, loaded._replace(streaming=True), loaded]
    assert _in_force(calm) == loaded
    seen: list[State] = []
    for power in range(calm.used + 1):
        storage = _storage(_FULL, medium)
        storage.power = power
        try:
            life(storage)
            assert power == calm.used
        except PowerCut:
            assert power < calm.used
        storage.power = None
        held = _in_force(storage)
        assert held is not None
        if held not in seen[-1:]:
            seen.append(held)
        after = Kept(storage, kinds.RESET_POWER)
        assert _shown(after) == held.started(kinds.RESET_POWER)
        assert after.power_lost == held.streaming
        # A write that was cut off is told, is mended by that of the start, and is no fault then.
        assert after.faults == (kinds.FAULT_OVERLOADED if held.overloaded else 0)
        again = Kept(storage, kinds.RESET_POWER)
        assert (again.starts, again.trouble) == (after.starts + 1, "")
    assert seen == possible


@media
def test_after_a_power_cut_in_the_first_write_ever_the_tool_starts_with_defaults(medium: Medium) -> None:
    calm = Storage(medium)
    Kept(calm)
    for power in range(calm.used):
        storage = Storage(medium)
        storage.power = power
        with pytest.raises(PowerCut):
            Kept(storage)
        storage.power = None
        held = _in_force(storage) or State()
        assert _shown(Kept(storage)) == held.started(kinds.RESET_UNKNOWN)
        again = Kept(storage)
        assert (again.starts, again.trouble, again.faults) == (held.starts + 2, "", 0)


@pytest.mark.parametrize("slot", [0, 1])
def test_every_damaged_bit_is_told_and_never_read_as_a_setting(slot: int) -> None:
    older = State(7, 5, True, True, 71_000, 3, 2, 39)
    n = len(slot_bytes(8, _FULL.document()))
    for position in range(n):
        for bit in range(8):
            storage = _storage(_FULL)
            damaged = bytearray(storage.slots[slot] or b"")
            damaged[position] ^= 1 << bit
            storage.slots[slot] = bytes(damaged)
            kept = Kept(storage)
            assert _shown(kept) == (older if slot == 0 else _FULL).started(kinds.RESET_UNKNOWN)
            assert kept.trouble.startswith(f"the last setting may be lost: slot {'ab'[slot]} ")
            assert len(kept.trouble.encode()) <= 120
            # The write of the start has mended it.
            assert (kept.faulty, kept.fault, Kept(storage).trouble) == (False, "", "")


@pytest.mark.parametrize("position", range(0, 35, 3))
def test_where_both_slots_are_damaged_all_is_default_and_told(position: int) -> None:
    storage = _storage(_FULL)
    for slot in (0, 1):
        damaged = bytearray(storage.slots[slot] or b"")
        damaged[position] ^= 0x40
        storage.slots[slot] = bytes(damaged)
    kept = Kept(storage, kinds.RESET_POWER)
    assert _shown(kept) == State(starts=1)
    assert kept.trouble.startswith("settings are lost: slot a ")
    assert len(kept.trouble.encode()) <= 150
    assert Kept(storage).trouble == ""


def _valid_fields(document: bytes) -> bool:
    if len(document) != 19:
        return False
    version, bits, channels, zero, *_ = struct.unpack(_LAYOUT, document)
    in_range = version == 1 and bits < 16 and channels < 8 and kinds.COUNTS_MIN <= zero <= kinds.COUNTS_MAX
    return bool(in_range and (bits & 1 or zero == 0) and (bits & 2 or channels == 0))


_DOCUMENTS = st.one_of(
    st.binary(max_size=40),
    st.binary(min_size=19, max_size=19),
    st.tuples(
        st.sampled_from([0, 1, 1, 1, 2]),
        st.integers(0, 31),
        st.integers(0, 9),
        st.one_of(st.sampled_from([0, 1 << 23, -(1 << 23), -(1 << 23) - 1]), st.integers(-(1 << 31), (1 << 31) - 1)),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFFFFFF),
    ).map(lambda fields: struct.pack(_LAYOUT, *fields)),
)


@given(document=_DOCUMENTS, reset_reason=st.sampled_from(_RESETS))
def test_a_whole_document_is_used_as_it_is_or_not_at_all(document: bytes, reset_reason: int) -> None:
    kept = Kept(Storage(slots=[slot_bytes(1, document), None]), reset_reason)
    if _valid_fields(document):
        assert _shown(kept) == State.of(document).started(reset_reason)
        assert kept.trouble == ""
    else:
        assert _shown(kept) == State().started(reset_reason)
        assert kept.trouble == "settings are not used: they are damaged, or another firmware's"
    # The start was written, so nothing is at fault by now.
    assert not kept.faulty


@given(slots=st.tuples(*[st.one_of(st.none(), st.binary(max_size=60))] * 2))
def test_whatever_lies_in_the_slots_the_tool_starts_and_its_next_start_finds_its_settings(
    slots: tuple[bytes | None, bytes | None],
) -> None:
    storage = Storage(slots=slots)
    kept = Kept(storage)
    assert _shown(kept) == State(starts=1)
    kept.keep_zero(11)
    _seconds(kept, 1)
    again = Kept(storage)
    assert (again.zero_counts, again.starts, again.trouble) == (11, 2, "")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the file system is full"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EIO, "the flash can't be read or written (error 5)"),
        (errno.ENODEV, "error 19"),
    ],
)
def test_a_store_that_takes_no_write_is_a_fault_told_in_words_and_the_tool_goes_on(number: int, words: str) -> None:
    class Refusing(Storage):
        refuses = True

        def write(self, slot: int, parts: Iterable[bytes]) -> None:
            if self.refuses:
                raise OSError(number, "refused")
            super().write(slot, parts)

    storage = Refusing(slots=_storage(_FULL).slots)
    kept = Kept(storage, kinds.RESET_WAKE)
    assert _shown(kept) == _FULL.started(kinds.RESET_WAKE)
    assert (kept.faults, kept.fault) == (
        kinds.FAULT_STORE | kinds.FAULT_OVERLOADED,
        f"settings can't be kept: {words}",
    )
    assert kept.trouble == kept.fault
    kept.keep_zero(12)
    kept.keep_channels(1)
    _seconds(kept, 30)
    assert (kept.zero_counts, kept.channels, kept.faults) == (12, 1, kinds.FAULT_STORE)
    assert not kept.write_now()
    # Once it works again, all of it is kept, and the fault is over.
    storage.refuses = False
    _seconds(kept, 641)
    assert (kept.faults, kept.fault) == (0, "")
    again = Kept(storage)
    assert (again.zero_counts, again.channels, again.trouble) == (12, 1, "")


@media
def test_a_write_that_breaks_off_leaves_the_settings_before_and_is_tried_again(medium: Medium) -> None:
    for arriving in range(36):
        storage = _storage(_FULL, medium)
        kept = Kept(storage)
        kept.keep_zero(5)
        storage.write_errors = [arriving]
        _seconds(kept, 1)
        assert kept.faults == kinds.FAULT_STORE
        held = _in_force(storage)
        assert held == _FULL.started(kinds.RESET_UNKNOWN)
        _seconds(kept, 20)
        assert kept.faults == 0
        assert Kept(storage).zero_counts == 5


def test_a_store_that_fails_is_not_worn_out_by_trying() -> None:
    storage = Storage()
    kept = Kept(storage)
    storage.write_errors = [0] * 10_000
    storage.written = []
    for second in range(3600):
        kept.keep_zero(second)
        _seconds(kept, 1)
    # The wait doubles up to 640 s; each attempt tries once more, to spoil what it began.
    assert 8 <= len(storage.written) / 2 <= 14


def test_a_fault_ends_though_the_setting_is_again_what_is_kept() -> None:
    storage = Storage()
    kept = Kept(storage)
    kept.keep_channels(1)
    _seconds(kept, 1)
    storage.write_errors = [0, 0]
    kept.keep_channels(2)
    _seconds(kept, 1)
    kept.keep_channels(1)
    assert kept.faults == kinds.FAULT_STORE
    _seconds(kept, 30)
    assert kept.faults == 0
    assert Kept(storage).channels == 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ENODEV])
def test_a_store_that_cannot_be_read_is_told_and_defaults_are_used(number: int) -> None:
    storage = _storage(_FULL)
    storage.open_errors = [[number], [number]]
    kept = Kept(storage, kinds.RESET_POWER)
    assert _shown(kept) == State(starts=1)
    assert kept.trouble.startswith("settings can't be read: ")
    assert str(number) in kept.trouble
    # It is not written over, and until then that is a fault.
    storage.written = []
    kept.keep_zero(9)
    _seconds(kept, 700)
    assert (kept.faults, kept.fault, storage.written) == (kinds.FAULT_STORE, kept.trouble, [])
    again = Kept(storage, kinds.RESET_POWER)
    assert _shown(again) == _FULL.started(kinds.RESET_POWER)
    assert (again.trouble, again.faulty) == ("", False)


def test_memory_that_runs_out_is_told_as_a_fault() -> None:
    class Exhausted(Storage):
        def write(self, slot: int, parts: Iterable[bytes]) -> None:
            raise MemoryError(slot, parts)

    kept = Kept(Exhausted())
    assert (kept.faults, kept.fault) == (kinds.FAULT_STORE, "settings can't be kept: out of memory")
    assert kept.trouble == kept.fault


def test_a_start_tells_what_was_lost_and_that_nothing_can_be_kept_either() -> None:
    storage = Storage(slots=[b"?" * 40, b"?" * 40])
    storage.write_errors = [0, 0]
    kept = Kept(storage)
    lost, cannot = kept.trouble.split("; settings ")
    assert lost.startswith("settings are lost: slot a is overwritten")
    assert cannot == "can't be kept: the flash can't be read or written (error 5)"
    assert len(kept.trouble.encode()) <= 200


def test_a_board_without_a_store_keeps_settings_as_long_as_it_runs() -> None:
    kept = Kept(None, kinds.RESET_POWER)
    kept.keep_zero(3)
    kept.keep_channels(4)
    kept.keep_overload(60_000)
    _seconds(kept, 100, streams=True)
    assert _shown(kept) == State(3, 4, overloaded=True, overload_mn=60_000, starts=1)
    assert (kept.faults, kept.trouble) == (kinds.FAULT_OVERLOADED, "")
    assert not kept.write_now()


def test_in_contact_nothing_is_written_and_after_it_everything_at_once() -> None:
    storage = Storage()
    kept = Kept(storage)
    storage.written = []
    kept.keep_zero(1)
    kept.keep_overload(70_000)
    _seconds(kept, 1000, may_write=False, streams=True)
    assert storage.written == []
    _seconds(kept, 1, streams=True)
    assert _in_force(storage) == State(1, None, True, True, 70_000, starts=1)
    assert storage.written == [1]


def test_what_is_set_once_more_is_not_written_once_more() -> None:
    storage = Storage()
    kept = Kept(storage)
    kept.keep_zero(5)
    kept.keep_channels(6)
    kept.keep_overload(70_000)
    _seconds(kept, 1)
    storage.written = []
    for _ in range(50):
        kept.keep_channels(6)
        # The largest counts, and the zero was not confirmed since.
        kept.keep_overload(60_000)
        _seconds(kept, 20)
    assert storage.written == []
    assert kept.overload_mn == 70_000


def test_a_zero_answers_an_overload_and_the_largest_one_stays_known() -> None:
    kept = Kept(Storage())
    kept.keep_overload(70_000)
    assert kept.faults == kinds.FAULT_OVERLOADED
    kept.keep_zero(0)
    assert (kept.faults, kept.overload_mn) == (0, 70_000)
    kept.keep_overload(2**40)
    assert (kept.overload_mn, kept.write_now()) == (0xFFFFFFFF, True)


@pytest.mark.parametrize("counts", [kinds.COUNTS_MIN - 1, kinds.COUNTS_MAX + 1])
def test_a_zero_beyond_24_bits_is_refused(counts: int) -> None:
    kept = Kept(Storage())
    with pytest.raises(ValueError, match="beyond 24 bits"):
        kept.keep_zero(counts)
    assert kept.zero_counts is None


@pytest.mark.parametrize("chosen", [8, 0x107, -1])
def test_channels_that_are_none_are_refused(chosen: int) -> None:
    kept = Kept(Storage())
    with pytest.raises(ValueError, match="no channels"):
        kept.keep_channels(chosen)
    assert kept.channels is None


@pytest.mark.parametrize("reset_reason", _RESETS)
@pytest.mark.parametrize("streaming", [False, True])
def test_only_power_that_came_back_counts_as_a_power_loss_and_only_failures_as_restarts(
    reset_reason: int, streaming: bool
) -> None:
    kept = Kept(_storage(_FULL._replace(streaming=streaming)), reset_reason)
    assert kept.power_lost == (streaming and reset_reason == kinds.RESET_POWER)
    assert kept.power_losses == 3 + kept.power_lost
    assert kept.restarts == 2 + (reset_reason in (kinds.RESET_WATCHDOG, kinds.RESET_FAILURE))


def test_a_power_loss_counts_once() -> None:
    storage = _storage(_FULL)
    assert Kept(storage, kinds.RESET_POWER).power_losses == 4
    again = Kept(storage, kinds.RESET_POWER)
    assert (again.power_losses, again.power_lost) == (4, False)


@pytest.mark.parametrize("reset_reason", [kinds.RESET_POWER, kinds.RESET_WATCHDOG])
def test_counters_stay_at_their_greatest_value(reset_reason: int) -> None:
    full = _FULL._replace(power_losses=0xFFFF, restarts=0xFFFF, starts=0xFFFFFFFF)
    storage = _storage(full)
    kept = Kept(storage, reset_reason)
    assert (kept.power_losses, kept.restarts, kept.starts) == (0xFFFF, 0xFFFF, 0xFFFFFFFF)
    assert _shown(Kept(storage)) == _shown(kept)


@pytest.mark.parametrize("streamed_s", [10, 12, 60])
def test_a_tool_switched_off_a_second_after_its_stream_ended_did_not_lose_power(streamed_s: int) -> None:
    storage = Storage()
    kept = Kept(storage)
    _seconds(kept, streamed_s, streams=True)
    held = _in_force(storage)
    assert held is not None
    assert held.streaming
    _seconds(kept, 1)
    assert not Kept(storage, kinds.RESET_POWER).power_lost


def test_a_stream_of_less_than_ten_seconds_costs_no_write() -> None:
    storage = Storage()
    kept = Kept(storage)
    _seconds(kept, 60)
    storage.written = []
    for _ in range(100):
        _seconds(kept, 9, streams=True)
        _seconds(kept, 3)
    assert storage.written == []
    _seconds(kept, 10, streams=True)
    assert len(storage.written) == 1


def test_a_day_of_treatment_is_124_writes() -> None:
    storage = Storage()
    for _ in range(4):
        kept = Kept(storage, kinds.RESET_POWER)
        for session in range(5):
            for half in range(2):
                _seconds(kept, 30)
                kept.keep_zero(100 * session + half + kept.starts)
                _seconds(kept, 20, streams=True)
                for _ in range(60):
                    _seconds(kept, 2, may_write=False, streams=True)
                    _seconds(kept, 1, streams=True)
                _seconds(kept, 5)
        assert kept.faults == 0
    assert len(storage.written) == 124


def test_however_often_it_is_ordered_no_more_than_two_writes_come_in_ten_seconds() -> None:
    storage = Storage()
    kept = Kept(storage)
    storage.written = []
    counts = []
    for second in range(7200):
        kept.keep_zero(second)
        kept.keep_channels(second % 8)
        kept.keep_overload(second)
        _seconds(kept, 1, streams=second % 21 < 12)
        counts.append(len(storage.written))
    in_a_row = 6
    for first in range(0, 7200, 10):
        last = counts[min(first + 600, 7199)]
        assert last - counts[first] <= in_a_row + 2 * 60
    # And the last order is not forgotten.
    _seconds(kept, 20)
    held = _in_force(storage)
    assert held is not None
    assert (held.zero_counts, held.channels) == (7199, 7199 % 8)


class Life(RuleBasedStateMachine):
    """Starts, orders, seconds and power cuts in any order, held against an independent reading of the slots."""

    @initialize(medium=st.sampled_from(MEDIA))
    def begin(self, medium: Medium) -> None:
        self.storage = Storage(medium)
        self.kept: Any = Kept(self.storage)
        self.streamed_s = 0

    @rule(counts=st.integers(kinds.COUNTS_MIN, kinds.COUNTS_MAX))
    def zero(self, counts: int) -> None:
        self.kept.keep_zero(counts)

    @rule(chosen=st.integers(0, 7))
    def channels(self, chosen: int) -> None:
        self.kept.keep_channels(chosen)

    @rule(peak_mn=st.integers(0, 0xFFFFFFFF))
    def overload(self, peak_mn: int) -> None:
        self.kept.keep_overload(peak_mn)

    @rule(n=st.integers(1, 15), may_write=st.booleans(), streams=st.booleans())
    def seconds(self, n: int, may_write: bool, streams: bool) -> None:
        for _ in range(n):
            self.streamed_s = self.streamed_s + 1 if streams else 0
            self.kept.note_streaming(streams)
            self.kept.write_if_due(may_write)

    @rule(reset_reason=st.sampled_from(_RESETS), power=st.integers(0, 90), cuts=st.booleans())
    def restart(self, reset_reason: int, power: int, cuts: bool) -> None:
        if cuts:
            before = _in_force(self.storage)
            coming = State.of(self.kept._document())
            self.storage.power = power
            with contextlib.suppress(PowerCut):
                self.kept.write_now()
            self.storage.power = None
            assert _in_force(self.storage) in (before, coming)
        held = _in_force(self.storage)
        assert held is not None
        self.kept = Kept(self.storage, reset_reason)
        self.streamed_s = 0
        assert _shown(self.kept) == held.started(reset_reason)

    @rule(arriving=st.integers(0, 36))
    def fail(self, arriving: int) -> None:
        self.storage.write_errors = [arriving]

    @invariant()
    def what_is_said_to_be_kept_is_kept(self) -> None:
        assert not self.kept.faulty or self.kept.fault
        held = _in_force(self.storage)
        if held is not None and not self.kept.faulty and not self.storage.write_errors and self.kept.write_now():
            now = _in_force(self.storage)
            assert now is not None
            assert now._replace(streaming=False) == _shown(self.kept)
            assert now.streaming == (self.streamed_s >= 10)


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_any_life_keeps_what_it_says = Life.TestCase


def test_the_flash_lasts_as_long_as_the_module_says(micropython: str, size: Callable[[int, int], int]) -> None:
    writes = size(1000, 20_000)
    path = [str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
    done = subprocess.run(
        [micropython, "-X", "heapsize=4m", str(_ROOT / "tests" / "micropython" / "run_wear.py"), str(writes)],
        env={**os.environ, "MICROPYPATH": ":".join(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    found = json.loads(done.stdout)
    assert 35 <= found["32"] <= 42
    assert 11 <= found["256"] <= 15


def test_random_damage_of_a_whole_life_never_ends_a_start(size: Callable[[int, int], int]) -> None:
    chance = random.Random(11)
    for _ in range(size(300, 5000)):
        storage = _storage(_FULL)
        for slot in (0, 1):
            content = bytearray(storage.slots[slot] or b"")
            for _ in range(chance.randrange(3)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            storage.slots[slot] = bytes(content[: chance.choice([None, chance.randrange(len(content))])])
        held = _in_force(storage) or State()
        kept = Kept(storage)
        assert _shown(kept) == held.started(kinds.RESET_UNKNOWN)
