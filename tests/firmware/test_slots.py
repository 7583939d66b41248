"""The two-slot store: power that goes at every byte, storages that fail, slots that are damaged.

The same promises hold on a real MicroPython over its own file systems: tests/micropython/run_slots.py.
"""

from __future__ import annotations

import errno
import io
import json
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.firmware.media import MEDIA, Medium, PowerCut, Storage, blocks_in_any_order, is_whole, media, slot_bytes

from iastm_firmware.slots import MAX_DOCUMENT_BYTES, FileStorage, KeyStore, Slots

_ROOT = Path(__file__).resolve().parents[2]
_DOCUMENTS = [
    pytest.param(b"", b"", id="empty after empty"),
    pytest.param(b"some settings", b"", id="empty after some"),
    pytest.param(b"", b"settings", id="some after empty"),
    pytest.param(b"the same", b"the same", id="equal"),
    pytest.param(b"\0" * 30, b"\0" * 31, id="zeros"),
    pytest.param(b"\xff" * 40, b"\xff" * 20, id="as erased flash"),
    pytest.param(b"a long document " * 20, b"a short one", id="shorter"),
    pytest.param(b"short", bytes(range(256)) + b"SLT1" * 20, id="longer than a piece"),
]


@media
@pytest.mark.parametrize("in_force", [0, 1], ids="ab")
@pytest.mark.parametrize("generation", [1, 2, 2**31 - 1, 2**32 - 1], ids=["first", "second", "half", "last"])
@pytest.mark.parametrize(("old", "new"), _DOCUMENTS)
def test_after_a_power_cut_at_any_byte_one_document_is_whole(
    medium: Medium, in_force: int, generation: int, old: bytes, new: bytes
) -> None:
    before: list[bytes | None] = [None, None]
    before[in_force] = slot_bytes(generation, old)
    if generation != 1:
        before[1 - in_force] = slot_bytes(generation - 1, b"the one before the old one")
    calm = Storage(medium, before)
    Slots(calm).write(new)
    new_generation = (generation + 1) % 2**32
    assert is_whole(calm.slots[1 - in_force], new_generation, new)
    seen = set()
    for power in range(calm.used + 1):
        storage = Storage(medium, before)
        storage.power = power
        completed = power == calm.used
        try:
            Slots(storage).write(new)
            assert completed
        except PowerCut:
            assert not completed
        storage.power = None
        assert storage.slots[in_force] == before[in_force]
        arrived = is_whole(storage.slots[1 - in_force], new_generation, new)
        seen.add(arrived)
        assert arrived or not completed
        after = Slots(storage)
        assert after.read() == (new if arrived else old)
        # What is damaged is told, and nothing else is.
        other = before[1 - in_force]
        untouched = (storage.slots[1 - in_force] or b"").startswith(other) if other else power < 2
        assert (after.trouble == "") == (arrived or untouched), after.trouble
        # And life goes on.
        after.write(b"the next one")
        assert Slots(storage).read() == b"the next one"
        assert after.trouble == ""
    assert seen == {False, True}


@media
def test_after_a_power_cut_in_the_first_write_ever_there_is_that_document_or_none(medium: Medium) -> None:
    calm = Storage(medium)
    Slots(calm).write(b"first")
    for power in range(calm.used):
        storage = Storage(medium)
        storage.power = power
        with pytest.raises(PowerCut):
            Slots(storage).write(b"first")
        storage.power = None
        after = Slots(storage)
        arrived = is_whole(storage.slots[0], 1, b"first")
        assert after.read() == (b"first" if arrived else None)
        assert (after.trouble == "") == (arrived or storage.slots[0] is None)
        # The torn slot is written over, not left for a later day.
        after.write(b"next")
        assert (Slots(storage).read(), after.trouble) == (b"next", "")


@media
def test_power_cuts_in_documents_of_the_greatest_length(medium: Medium, size: Callable[[int, int], int]) -> None:
    chance = random.Random(4)
    old, new = chance.randbytes(MAX_DOCUMENT_BYTES), chance.randbytes(MAX_DOCUMENT_BYTES)
    before = [slot_bytes(7, old), slot_bytes(6, new)]
    end = MAX_DOCUMENT_BYTES + 16
    for power in [*range(4), *range(end - 3, end), *(chance.randrange(4, end) for _ in range(size(10, 500)))]:
        storage = Storage(medium, before)
        # Two openings come first, to see which slot is to be written.
        storage.power = 2 + power
        with pytest.raises(PowerCut):
            Slots(storage).write(new)
        storage.power = None
        # The slot written over held the same document: out of order, all that differs may arrive early.
        arrived = is_whole(storage.slots[1], 8, new)
        assert not arrived or medium is blocks_in_any_order
        assert Slots(storage).read() == (new if arrived else old)
    Slots(storage).write(new)
    assert Slots(storage).read() == new


def test_a_longer_document_is_refused_and_the_one_before_stays() -> None:
    storage = Storage()
    slots = Slots(storage)
    slots.write(b"kept")
    with pytest.raises(ValueError, match="16385 bytes, at most 16384"):
        slots.write(bytes(MAX_DOCUMENT_BYTES + 1))
    assert slots.read() == b"kept"
    assert storage.written == [0]


@media
@pytest.mark.parametrize("old", [None, b"the old one"], ids=["first", "later"])
def test_a_write_that_fails_raises_and_the_document_before_stays(medium: Medium, old: bytes | None) -> None:
    new = b"a new document"
    for arriving in range(len(slot_bytes(1, new)) + 1):
        storage = Storage(medium, [None if old is None else slot_bytes(1, old), None])
        storage.write_errors = [arriving]
        with pytest.raises(OSError, match="broken"):
            Slots(storage).write(new)
        after = Slots(storage)
        # Even where every byte arrived: who was told that it failed must not find it in force later.
        assert after.read() == old
        assert after.trouble != ""
        after.write(new)
        assert (Slots(storage).read(), after.trouble) == (new, "")


def test_what_does_not_read_back_as_written_is_not_kept() -> None:
    document = b"0123456789" * 60
    for position in range(12 + len(document) + 4):
        storage = Storage(slots=[slot_bytes(3, b"old"), slot_bytes(2, b"older")])

        def flip(content: bytes, position: int = position) -> bytes:
            return content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :]

        storage.on_written = flip
        with pytest.raises(OSError, match=str(errno.EIO)):
            Slots(storage).write(document)
        storage.on_written = lambda content: content
        assert Slots(storage).read() == b"old"


@pytest.mark.parametrize(
    "arriving",
    [slot_bytes(2, b"older"), slot_bytes(4, b"not"), slot_bytes(4, b"new")[:-1]],
    ids=["nothing", "another", "the most"],
)
def test_a_storage_that_takes_a_write_and_holds_something_else_is_found_out(arriving: bytes) -> None:
    storage = Storage(slots=[slot_bytes(3, b"old"), slot_bytes(2, b"older")])
    arrivals = [arriving]
    storage.on_written = lambda content: arrivals.pop() if arrivals else content
    with pytest.raises(OSError, match=str(errno.EIO)):
        Slots(storage).write(b"new")
    assert Slots(storage).read() == b"old"


@pytest.mark.parametrize(("slot", "name"), [(0, "a"), (1, "b")])
@pytest.mark.parametrize("newest", [0, 1], ids="ab")
def test_every_damaged_bit_of_a_slot_is_told_and_the_other_slot_used(slot: int, name: str, newest: int) -> None:
    contents = [slot_bytes(6 - (newest != 0), b"in slot a"), slot_bytes(6 - (newest != 1), b"in slot b")]
    other = (b"in slot b", b"in slot a")[slot]
    for position in range(len(contents[slot])):
        for bit in range(8):
            damaged = bytearray(contents[slot])
            damaged[position] ^= 1 << bit
            storage = Storage(slots=[bytes(damaged) if i == slot else contents[i] for i in (0, 1)])
            slots = Slots(storage)
            assert slots.read() == other
            assert slots.trouble.startswith(f"slot {name} ")
            assert slots.trouble.endswith(f": slot {'ba'[slot]} is in force")
    # The next write mends it.
    slots.write(b"mended")
    assert storage.written == [slot]
    assert (slots.read(), slots.trouble) == (b"mended", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is cut off"),
        (slot_bytes(6, b"document")[:11], "is cut off"),
        (slot_bytes(6, b"document")[:-1], "is cut off"),
        (b"\xff" * 100, "is overwritten"),
        (slot_bytes(6, b"document")[:-1] + b"\0", "has a wrong checksum"),
        (b"SLT1" + struct.pack("<II", 6, MAX_DOCUMENT_BYTES + 1), "has an impossible length"),
        (None, "is missing"),
    ],
)
def test_trouble_says_what_is_wrong_with_a_slot(content: bytes | None, words: str) -> None:
    slots = Slots(Storage(slots=[slot_bytes(5, b"document"), content]))
    assert slots.read() == b"document"
    assert slots.trouble == f"slot b {words}: slot a is in force"


def test_a_store_that_was_never_written_has_no_document_and_no_trouble() -> None:
    slots = Slots(Storage())
    assert slots.read() is None
    assert slots.trouble == ""


def test_with_both_slots_damaged_there_is_no_document_and_that_is_told() -> None:
    storage = Storage(slots=[b"garbage" * 9, slot_bytes(9, b"document")[:-3]])
    slots = Slots(storage)
    assert slots.read() is None
    assert slots.trouble == "slot a is overwritten; slot b is cut off: no document is left"
    slots.write(b"once more")
    assert slots.read() == b"once more"
    assert slots.trouble == "slot b is cut off: slot a is in force"
    slots.write(b"and again")
    assert (slots.read(), slots.trouble) == (b"and again", "")


def test_a_damaged_slot_that_reads_well_again_does_not_bring_back_an_old_document() -> None:
    storage = Storage(slots=[None, slot_bytes(9, b"old")])
    storage.open_errors[1] = [errno.EIO]
    Slots(storage).write(b"new")
    assert storage.written == [1]
    assert Slots(storage).read() == b"new"


def test_a_slot_that_comes_back_newer_during_a_write_is_an_error_and_not_a_silent_loss() -> None:
    storage = Storage(slots=[slot_bytes(8, b"damaged")[:-1], slot_bytes(9, b"back again")])
    storage.open_errors[1] = [errno.EIO]
    with pytest.raises(OSError, match=str(errno.EIO)):
        Slots(storage).write(b"new")
    assert Slots(storage).read() == b"back again"


def test_a_slot_that_cant_be_read_is_told_and_the_other_used() -> None:
    storage = Storage(slots=[slot_bytes(5, b"document"), slot_bytes(6, b"newer")])
    storage.open_errors[1] = [errno.EIO]
    slots = Slots(storage)
    assert slots.read() == b"document"
    assert slots.trouble == f"slot b can't be read (error {errno.EIO}): slot a is in force"
    assert (slots.read(), slots.trouble) == (b"newer", "")


@pytest.mark.parametrize("other", [None, b"torn"])
def test_unreadable_is_not_the_same_as_none(other: bytes | None) -> None:
    storage = Storage(slots=[slot_bytes(5, b"document"), other])
    storage.open_errors[0] = [errno.EIO]
    slots = Slots(storage)
    with pytest.raises(OSError, match=str(errno.EIO)):
        slots.read()
    assert "slot a can't be read" in slots.trouble
    assert slots.read() == b"document"


def test_a_document_that_changes_between_two_readings_is_not_given_out() -> None:
    whole = slot_bytes(5, b"document")

    class Flickering(Storage):
        def open(self, slot: int) -> io.BytesIO:
            found = super().open(slot)
            self.slots[0] = whole[:15] + b"?" + whole[16:]
            return found

    slots = Slots(Flickering(slots=[whole, None]))
    with pytest.raises(OSError, match=str(errno.EIO)):
        slots.read()


@pytest.mark.parametrize("start", [2**32 - 2, 2**32 - 1, 0, 2**31 - 1, 2**31])
@pytest.mark.parametrize("in_force", [0, 1], ids="ab")
def test_the_generation_wraps_and_the_newest_stays_in_force(start: int, in_force: int) -> None:
    contents = [slot_bytes(start, b"start"), slot_bytes((start - 1) % 2**32, b"before")]
    storage = Storage(slots=contents if in_force == 0 else contents[::-1])
    for i in range(5):
        Slots(storage).write(b"number %d" % i)
        slots = Slots(storage)
        assert (slots.read(), slots.trouble) == (b"number %d" % i, "")
        generation = (start + 1 + i) % 2**32
        assert is_whole(storage.slots[(in_force + 1 + i) % 2], generation, b"number %d" % i)


@pytest.mark.parametrize("ahead", [0, 2**31])
def test_slots_of_which_neither_is_newer_are_told(ahead: int) -> None:
    storage = Storage(slots=[slot_bytes(5, b"in slot a"), slot_bytes(5 + ahead, b"in slot b")])
    slots = Slots(storage)
    assert slots.read() == b"in slot a"
    assert slots.trouble == "neither slot is the newer one: slot a is in force"
    slots.write(b"decided")
    assert (slots.read(), slots.trouble) == (b"decided", "")


def test_a_slot_is_laid_out_as_its_module_says() -> None:
    storage = Storage()
    Slots(storage).write(b"abc")
    Slots(storage).write(bytearray(b"\x01\x02"))
    assert storage.slots[0] == bytes.fromhex("534c5431 01000000 03000000 616263") + struct.pack(
        "<I", zlib.crc32(bytes.fromhex("534c5431 01000000 03000000 616263"))
    )
    assert storage.slots[1] == slot_bytes(2, b"\x01\x02")


class AnyLife(RuleBasedStateMachine):
    """Writes, cuts, failures and damage in any order: what is read is always what the last of them allows."""

    @initialize(
        medium=st.sampled_from(MEDIA), generation=st.one_of(st.none(), st.integers(0, 2**32 - 1)), slot=st.booleans()
    )
    def begin(self, medium: Medium, generation: int | None, slot: bool) -> None:
        self.storage = Storage(medium)
        self.document: bytes | None = None
        # What a slot held when it was damaged: the first bytes of a write that is cut off may happen to mend it.
        self.damaged: dict[int, bytes] = {}
        if generation is not None:
            self.document = b"found"
            self.storage.slots = [
                slot_bytes(generation, b"found"),
                slot_bytes((generation - 1) % 2**32, b"found earlier"),
            ]
            if slot:
                self.storage.slots.reverse()

    @rule(document=st.binary(max_size=80))
    def write(self, document: bytes) -> None:
        Slots(self.storage).write(document)
        self.document = document
        self.damaged.pop(self.storage.written[-1], None)

    @rule(document=st.binary(max_size=80), power=st.integers(0, 110))
    def cut(self, document: bytes, power: int) -> None:
        self.storage.power = power
        try:
            Slots(self.storage).write(document)
            self.document = document
        except PowerCut:
            pass
        self.storage.power = None
        found = Slots(self.storage).read()
        assert found in (self.document, document, *self.damaged.values())
        self.document = found

    @rule(document=st.binary(max_size=80), arriving=st.integers(0, 110))
    def fail(self, document: bytes, arriving: int) -> None:
        self.storage.write_errors = [arriving]
        with pytest.raises(OSError, match="broken"):
            Slots(self.storage).write(document)

    @precondition(lambda self: self.document is not None)
    @rule(slot=st.sampled_from([0, 1]), at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def rot(self, slot: int, at: float, bit: int) -> None:
        content = self.storage.slots[slot]
        # Only one that is whole: what is damaged already might be mended by another wrong bit.
        held = Slots(Storage(slots=[content, None])).read()
        if content is None or held is None:
            return
        self.damaged[slot] = held
        size = 16 + int.from_bytes(content[8:12], "little")
        position = int(at * size)
        self.storage.slots[slot] = bytes(b ^ (1 << bit) * (i == position) for i, b in enumerate(content))
        slots = Slots(self.storage)
        in_other = Slots(Storage(slots=[self.storage.slots[1 - slot], None])).read()
        found = slots.read()
        assert found == in_other
        assert slots.trouble.startswith(f"slot {'ab'[slot]} ") or slots.trouble.startswith("slot a ")
        self.document = found

    @invariant()
    def the_document_is_there(self) -> None:
        assert Slots(self.storage).read() == self.document


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=max(1, settings().max_examples // 3))


def test_files_keep_the_document_over_a_restart(tmp_path: Path) -> None:
    for folder in (str(tmp_path), f"{tmp_path}/"):
        assert Slots(FileStorage(folder, "settings")).read() in (None, b"short")
        for document in (b"", b"a longer document " * 50, b"short"):
            Slots(FileStorage(folder, "settings")).write(document)
            again = Slots(FileStorage(folder, "settings"))
            assert (again.read(), again.trouble) == (document, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["settings.a", "settings.b"]


def test_files_without_a_folder_are_those_of_the_current_one(tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        Slots(FileStorage("", "settings")).write(b"here")
    finally:
        os.chdir(here)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.a"]


def test_a_folder_that_is_not_there_is_an_error_of_the_write(tmp_path: Path) -> None:
    slots = Slots(FileStorage(str(tmp_path / "nowhere"), "settings"))
    assert slots.read() is None
    with pytest.raises(OSError, match="nowhere"):
        slots.write(b"document")


def test_a_key_that_was_replaced_does_not_come_back_with_a_damaged_slot() -> None:
    storage = Storage()
    KeyStore(storage).store_key(b"o" * 32)
    KeyStore(storage).store_key(b"n" * 32)
    for slot in (0, 1):
        content = list(storage.slots)
        content[slot] = b"torn"
        assert KeyStore(Storage(slots=content)).load_key() == b"n" * 32


@media
def test_a_key_that_was_kept_and_is_lost_is_not_the_same_as_none(medium: Medium) -> None:
    calm = Storage(medium)
    KeyStore(calm).store_key(b"k" * 32)
    for power in range(calm.used):
        # A first key that power did not suffice for is none: another one can be made.
        storage = Storage(medium)
        storage.power = power
        with pytest.raises(PowerCut):
            KeyStore(storage).store_key(b"k" * 32)
        storage.power = None
        assert KeyStore(storage).load_key() in (None, b"k" * 32)
    keys = KeyStore(Storage(slots=[slot_bytes(1, b"k" * 32)[:-1], slot_bytes(2, b"k" * 32)[:-1]]))
    with pytest.raises(OSError, match=str(errno.EIO)):
        keys.load_key()
    assert keys.slots.trouble == "slot a is cut off; slot b is cut off: no document is left"
    keys.store_key(b"n" * 32)
    assert keys.load_key() == b"n" * 32


def test_a_key_store_that_fails_keeps_the_key_before_and_one_that_fails_the_second_time_keeps_the_new_one() -> None:
    storage = Storage()
    keys = KeyStore(storage)
    assert keys.load_key() is None
    keys.store_key(b"o" * 32)
    storage.write_errors = [40]
    with pytest.raises(OSError, match="broken"):
        keys.store_key(b"n" * 32)
    assert keys.load_key() == b"o" * 32
    storage.write_errors = [None, 40]
    keys.store_key(b"n" * 32)
    assert keys.load_key() == b"n" * 32


@pytest.fixture(scope="module", params=["micropython", "cpython"])
def on_a_file_system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What run_slots.py found on one interpreter."""
    path = [str(_ROOT), str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol")]
    interpreter = [sys.executable]
    if request.param == "micropython":
        interpreter = [request.getfixturevalue("micropython"), "-X", "heapsize=512k"]
    done = subprocess.run(
        [*interpreter, str(_ROOT / "tests" / "micropython" / "run_slots.py"), str(tmp_path_factory.mktemp("slots"))],
        env={**os.environ, "MICROPYPATH": ":".join([*path, ".frozen"]), "PYTHONPATH": ":".join(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    found: dict[str, int] = json.loads(done.stdout)
    return {"on micropython": request.param == "micropython", **found}


def test_cuts_in_writes_to_real_files_leave_one_document_whole(on_a_file_system: dict[str, int]) -> None:
    assert on_a_file_system["cuts in files"] > 300


def test_cuts_at_every_access_to_the_medium_under_littlefs_and_fat_leave_one_document_whole(
    on_a_file_system: dict[str, int],
) -> None:
    if on_a_file_system["on micropython"]:
        assert on_a_file_system["cuts under littlefs"] > 50
        assert on_a_file_system["torn blocks under littlefs"] > 50
        assert on_a_file_system["cuts under FAT"] > 20
        assert on_a_file_system["cuts under littlefs, in pieces"] > 70
        assert on_a_file_system["torn blocks under littlefs, in pieces"] > 70
        assert on_a_file_system["cuts under FAT, in pieces"] > 35


def test_a_read_needs_room_for_the_document_and_little_more_and_a_write_only_that_little(
    on_a_file_system: dict[str, int],
) -> None:
    if on_a_file_system["on micropython"]:
        assert on_a_file_system["KiB for a write"] <= 4
        # A calibration is never in memory as a whole.
        assert on_a_file_system["KiB for a calibration"] <= 4
        assert on_a_file_system["KiB for its pieces"] <= 2
        assert MAX_DOCUMENT_BYTES // 1024 <= on_a_file_system["KiB for a read"] <= MAX_DOCUMENT_BYTES // 1024 + 4
