"""A document written in pieces: power that goes at every byte, media that fail, and what is read back in pieces.

The same promises hold on a real MicroPython over its own file systems: tests/micropython/run_slots.py.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.firmware.media import Medium, PowerCut, Storage, is_whole, media, slot_bytes

from iastm_firmware.slots import MAX_DOCUMENT_BYTES, FileStorage, Kept, Slots

_OLD = b"the one in force"
_OLDER = b"the one before it, and longer than the new one: more of it than is written over stays behind"
_NEW = bytes(range(40)) + b"SLT1"
_NEXT = b"the next one, somewhat longer than all others, so that it reaches behind what was there" * 2
_PIECE = 9

_BEFORE: dict[str, list[bytes | None]] = {
    "empty": [None, None],
    "one slot": [slot_bytes(1, _OLD), None],
    "two slots, a in force": [slot_bytes(7, _OLD), slot_bytes(6, _OLDER)],
    "two slots, b in force": [slot_bytes(6, _OLDER), slot_bytes(7, _OLD)],
    "the same once more": [slot_bytes(7, _NEW), slot_bytes(6, _NEW)],
    "a torn slot": [slot_bytes(7, _OLD), slot_bytes(8, _NEW)[:-2]],
    "the generation wraps": [slot_bytes(2**32 - 2, _OLDER), slot_bytes(2**32 - 1, _OLD)],
}
before = pytest.mark.parametrize("slots", _BEFORE.values(), ids=list(_BEFORE))
late = pytest.mark.parametrize("late", [False, True], ids=["at once", "when synchronised"])


def _keep(storage: Storage | FileStorage, document: bytes, piece: int = _PIECE) -> None:
    """Write a document as calibrations.py does."""
    slots = Slots(storage)
    draft = slots.draft(len(document))
    for at in range(0, len(document), piece):
        draft.write(memoryview(document)[at : at + piece])
    draft.finish()
    assert slots.piece(draft.place, 0, len(document)) == document
    draft.keep()


def _in_force(slots: Sequence[bytes | None]) -> bytes | None:
    found: bytes | None = Slots(Storage(slots=slots)).read()
    return found


def _units(medium: Medium, slots: Sequence[bytes | None], document: bytes, *, late: bool) -> int:
    calm = Storage(medium, slots, late=late)
    _keep(calm, document)
    return calm.used


@media
@late
@before
def test_after_a_power_cut_at_any_byte_of_a_draft_the_old_document_is_whole_or_the_new_one(
    medium: Medium, late: bool, slots: list[bytes | None], size: Callable[[int, int], int]
) -> None:
    old = _in_force(slots)
    units = _units(medium, slots, _NEW, late=late)
    again_units = {found: _units(medium, [slot_bytes(3, found), None], _NEXT, late=late) for found in (_OLD, _NEW)}
    chance = random.Random(units)
    seen = set()
    for power in range(units + 1):
        storage = Storage(medium, slots, late=late)
        storage.power = power
        try:
            _keep(storage, _NEW)
            assert power == units
        except PowerCut:
            assert power < units
        left = list(storage.slots)
        found = _in_force(left)
        assert found in (old, _NEW)
        assert found == _NEW or power < units
        seen.add(found)
        # The power goes again while the next one is written.
        for second in chance.sample(range(again_units.get(found or _OLD, 99)), k=size(3, 40)):
            storage = Storage(medium, left, late=late)
            storage.power = second
            with pytest.raises(PowerCut):
                _keep(storage, _NEXT)
            assert _in_force(storage.slots) in (found, _NEXT)
        # And life goes on.
        storage = Storage(medium, left, late=late)
        _keep(storage, _NEXT)
        assert _in_force(storage.slots) == _NEXT
    assert seen == {old, _NEW}


@media
@late
def test_until_it_is_kept_a_draft_is_not_in_force_and_its_slot_is_whole_but_for_the_checksum(
    medium: Medium, late: bool
) -> None:
    storage = Storage(medium, [slot_bytes(7, _OLD), slot_bytes(8, b"x" * 44)[:-1]], late=late)
    slots = Slots(storage)
    draft = slots.draft(len(_NEW))
    draft.write(_NEW)
    draft.finish()
    assert _in_force(storage.slots) == _OLD
    written, right = storage.slots[1], slot_bytes(8, _NEW)
    assert written is not None
    assert written[: len(right) - 4] == right[:-4]
    assert bytes(each ^ 0xFF for each in written[len(right) - 4 : len(right)]) == right[-4:]
    draft.keep()
    assert is_whole(storage.slots[1], 8, _NEW)
    assert (slots.read(), slots.trouble, slots.lost) == (_NEW, "", False)


def test_cuts_in_a_draft_of_the_greatest_length(size: Callable[[int, int], int]) -> None:
    chance = random.Random(4)
    old, new = chance.randbytes(MAX_DOCUMENT_BYTES), chance.randbytes(MAX_DOCUMENT_BYTES)
    slots = [slot_bytes(7, old), slot_bytes(6, old)]
    calm = Storage(slots=slots)
    _keep(calm, new, 440)
    for power in [*range(calm.used - 9, calm.used), *(chance.randrange(calm.used) for _ in range(size(20, 500)))]:
        storage = Storage(slots=slots)
        storage.power = power
        with pytest.raises(PowerCut):
            _keep(storage, new, 440)
        assert _in_force(storage.slots) in (old, new)
    assert _in_force(calm.slots) == new


@media
@late
@before
def test_a_write_that_fails_in_a_draft_leaves_the_old_document_and_no_fault_once_it_is_given_up(
    medium: Medium, late: bool, slots: list[bytes | None]
) -> None:
    old = _in_force(slots)
    writes = 2 if late else 2 + -(-len(_NEW) // _PIECE) + 1
    for failing in range(writes):
        for arriving in (0, 1, 3, 4, 9):
            storage = Storage(medium, slots, late=late)
            storage.write_errors = [*[None] * failing, arriving]
            opened = Slots(storage)
            draft = None
            failure = ""
            try:
                draft = opened.draft(len(_NEW))
                for at in range(0, len(_NEW), _PIECE):
                    draft.write(_NEW[at : at + _PIECE])
                draft.finish()
                draft.keep()
            except OSError as error:
                failure = str(error)
            assert "broken" in failure
            # One that fails as it begins gives up by itself.
            if draft is not None:
                draft.give_up()
            after = Slots(storage)
            assert after.read() == old
            # A torn slot that is not the one written stays damage.
            assert not after.lost
            assert "given up" in after.trouble


@pytest.mark.parametrize("during", ["finish", "keep"])
def test_what_the_medium_does_not_give_back_is_not_kept(during: str) -> None:
    whole = len(slot_bytes(4, _NEW))
    # The checksum that `finish` leaves is written over.
    for position in range(whole if during == "keep" else whole - 4):
        storage = Storage(slots=[slot_bytes(3, _OLD), slot_bytes(2, _OLDER)], late=True)

        def flip(content: bytes, position: int = position) -> bytes:
            return content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :]

        slots = Slots(storage)
        draft = slots.draft(len(_NEW))
        draft.write(_NEW)
        usual = storage.on_written
        storage.on_written = flip if during == "finish" else usual
        draft.finish()
        storage.on_written = flip if during == "keep" else usual
        with pytest.raises(OSError, match=str(errno.EIO)):
            draft.keep()
        storage.on_written = usual
        draft.give_up()
        assert (slots.read(), slots.lost) == (_OLD, False)


@pytest.mark.parametrize("written", [0, 1, 43])
def test_a_draft_that_lacks_bytes_is_refused_and_so_is_one_byte_too_many(written: int) -> None:
    storage = Storage(slots=[slot_bytes(3, _OLD), None])
    slots = Slots(storage)
    draft = slots.draft(len(_NEW))
    draft.write(_NEW[:written])
    with pytest.raises(ValueError, match=f"{written} bytes of 44"):
        draft.finish()
    with pytest.raises(ValueError, match="45 bytes in a document of 44"):
        draft.write(bytes(45 - written))
    draft.give_up()
    assert slots.read() == _OLD


def test_a_draft_longer_than_a_slot_is_refused_before_anything_is_written() -> None:
    storage = Storage(slots=[slot_bytes(3, _OLD), None])
    with pytest.raises(ValueError, match="16385 bytes, at most 16384"):
        Slots(storage).draft(MAX_DOCUMENT_BYTES + 1)
    assert storage.written == []


def test_a_draft_that_was_given_up_is_no_loss_and_real_damage_is() -> None:
    storage = Storage(slots=[slot_bytes(3, _OLD), slot_bytes(2, _OLDER)])
    slots = Slots(storage)
    draft = slots.draft(len(_NEW))
    draft.write(_NEW[:9])
    draft.give_up()
    assert (slots.read(), slots.lost) == (_OLD, False)
    assert slots.trouble == "slot b holds a write that was given up: slot a is in force"
    torn = Slots(Storage(slots=[slot_bytes(3, _OLD), slot_bytes(4, _NEW)[:-1]]))
    assert (torn.read(), torn.lost) == (_OLD, True)
    both = Slots(Storage(slots=[slot_bytes(3, _OLD)[:-1], bytes(16)]))
    assert (both.read(), both.lost) == (None, True)
    never = Slots(Storage(slots=[bytes(16), None]))
    assert (never.read(), never.lost) == (None, False)
    _keep(storage, _NEXT)
    assert (slots.read(), slots.trouble, slots.lost) == (_NEXT, "", False)


def test_a_document_is_read_in_pieces_and_ends_where_it_ends() -> None:
    slots = Slots(Storage(slots=[slot_bytes(3, _OLD), slot_bytes(2, _OLDER)]))
    kept = slots.find()
    assert kept == Kept(0, 3, len(_OLD))
    for n in (1, 3, 5, 16, 99):
        pieces = [slots.piece(kept, at, n) for at in range(0, len(_OLD), n)]
        assert b"".join(pieces) == _OLD
        assert all(len(piece) == n for piece in pieces[:-1])
    assert [slots.piece(kept, at, 5) for at in (len(_OLD), 99, 2**32 - 1)] == [b"", b"", b""]


def test_a_piece_of_a_slot_that_became_shorter_is_an_error() -> None:
    storage = Storage(slots=[slot_bytes(3, _OLD), None])
    slots = Slots(storage)
    kept = slots.find()
    storage.slots[0] = slot_bytes(3, _OLD)[:20]
    with pytest.raises(OSError, match=str(errno.EIO)):
        slots.piece(kept, 4, 9)


def test_files_keep_a_draft_over_a_restart(tmp_path: Path) -> None:
    storage = FileStorage(str(tmp_path), "calibration")
    for document in (_NEW, _NEXT, b"", _OLD):
        _keep(storage, document)
        again = Slots(FileStorage(str(tmp_path), "calibration"))
        assert (again.read(), again.trouble) == (document, "")
    draft = Slots(storage).draft(len(_NEXT))
    draft.write(_NEXT[:30])
    draft.give_up()
    again = Slots(FileStorage(str(tmp_path), "calibration"))
    assert (again.read(), again.lost) == (_OLD, False)
