"""The tool's log: whole entries whatever happens to the power, the storage and the memory."""

from __future__ import annotations

import errno
import gc
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.firmware.media import Medium, PowerCut, Storage, media, slot_bytes

from iastm_firmware.journal import MAX_BYTES, Journal
from iastm_firmware.slots import FileStorage

_TRACEBACK = """Traceback (most recent call last):
  File "app.py", line 88, in run
  File "iastm_firmware/sampler.py", line 51, in step
OSError: [Errno 5] EIO
"""


@pytest.fixture(autouse=True, scope="module")
def _small_heap() -> Iterator[None]:
    """What other tests left behind is no garbage to be looked through each time a write fails."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _text(journal: Any) -> str:
    """The whole log, as a host reads it in pieces."""
    data = b""
    while piece := journal.piece(len(data), 100):
        data += piece
    assert len(data) == journal.size <= MAX_BYTES
    return data.decode("ascii")


def _entries(text: str) -> list[str]:
    """The entries of a log by its documented form, whole, oldest first."""
    found: list[str] = []
    for line in text.splitlines(keepends=True):
        assert line.endswith("\n")
        if line.startswith("#"):
            found.append(line)
        else:
            assert line.startswith("  ")
            found[-1] += line
    return found


def _full(storage: Storage) -> list[str]:
    """Fill a log until its oldest entry went; return its entries."""
    journal: Any = Journal(storage)
    for start in range(1, 12):
        journal.start = start
        journal.uptime_s = lambda start=start: 100 * start
        assert journal.add("failed", _TRACEBACK + "x" * (20 * start))
    found = _entries(_text(journal))
    assert 1 < len(found) < 11
    return found


def test_an_entry_tells_start_uptime_reason_and_what_failed() -> None:
    journal: Any = Journal(Storage())
    assert (journal.size, journal.piece(0, 100), journal.trouble) == (0, b"", "")
    journal.start = 12
    journal.uptime_s = lambda: 3605
    assert journal.add("failed", _TRACEBACK)
    assert _text(journal) == (
        "# start 12, 3605 s: failed\n"
        "  Traceback (most recent call last):\n"
        '    File "app.py", line 88, in run\n'
        '    File "iastm_firmware/sampler.py", line 51, in step\n'
        "  OSError: [Errno 5] EIO\n"
    )


def test_what_is_not_known_is_not_made_up() -> None:
    journal = Journal(Storage())
    assert journal.add("the power went while it streamed")
    assert _text(journal) == "# start unknown: the power went while it streamed\n"


def test_the_log_is_there_after_a_restart(tmp_path: Path) -> None:
    for start in range(1, 30):
        journal: Any = Journal(FileStorage(str(tmp_path), "log"))
        journal.start = start
        assert journal.add("failed", _TRACEBACK)
    text = _text(Journal(FileStorage(str(tmp_path), "log")))
    found = _entries(text)
    assert [int(entry[8:].split(":")[0]) for entry in found] == list(range(30 - len(found), 30))
    # As many as fit are there.
    assert len(text) + len(found[0]) > MAX_BYTES


def _short(storage: Storage) -> list[str]:
    journal: Any = Journal(storage)
    for start in (1, 2):
        journal.start = start
        assert journal.add("failed", "two\nlines")
    return _entries(_text(journal))


@media
@pytest.mark.parametrize("late", [False, True], ids=["at once", "when synchronised"])
@pytest.mark.parametrize("fill", [_short, _full], ids=["short", "full"])
def test_after_a_power_cut_at_any_byte_the_log_is_whole_with_the_new_entry_or_without(
    medium: Medium, late: bool, fill: Callable[[Storage], list[str]], size: Callable[[int, int], int]
) -> None:
    base = Storage(medium)
    before = fill(base)
    slots = base.slots

    def grow(storage: Storage) -> None:
        journal: Any = Journal(storage)
        journal.start = 12
        journal.add("failed", "y" * 200 if fill is _full else "y")

    calm = Storage(medium, slots, late=late)
    grow(calm)
    used = calm.used
    after = _entries(_text(Journal(calm)))
    assert after[-1].startswith("# start 12: failed\n")
    assert after[:-1] == before[-len(after) + 1 :]
    cuts: Iterable[int] = range(used + 1)
    if fill is _full:
        middle = random.Random(3).sample(range(used), size(30, used))
        cuts = sorted({*range(10), *middle, *range(used - 20, used + 1)})
    seen = set()
    for power in cuts:
        storage = Storage(medium, slots, late=late)
        storage.power = power
        try:
            grow(storage)
            assert power == used
        except PowerCut:
            assert power < used
        storage.power = None
        journal = Journal(storage)
        found = _entries(_text(journal))
        assert found in (before, after)
        seen.add(found == after)
        assert journal.add("next")
        assert _entries(_text(Journal(storage)))[-1] == "# start unknown: next\n"
        assert _entries(_text(Journal(storage)))[-2] == found[-1]
    assert seen == {False, True}


@media
def test_a_power_cut_in_the_first_entry_ever_leaves_no_log_or_that_entry(medium: Medium) -> None:
    calm = Storage(medium)
    Journal(calm).add("failed", _TRACEBACK)
    used = calm.used
    whole = _text(Journal(calm))
    for power in range(used):
        storage = Storage(medium)
        storage.power = power
        with pytest.raises(PowerCut):
            Journal(storage).add("failed", _TRACEBACK)
        storage.power = None
        journal = Journal(storage)
        assert _text(journal) in ("", whole)
        assert journal.add("next")
        assert _entries(_text(Journal(storage)))[-1] == "# start unknown: next\n"


@media
def test_one_write_that_fails_costs_nothing(medium: Medium, size: Callable[[int, int], int]) -> None:
    base = Storage(medium)
    before = _full(base)
    for failing in range(0, 22, size(4, 1)):
        for arriving in (1, 100):
            storage = Storage(medium, base.slots)
            storage.write_errors = [*[None] * failing, arriving]
            journal = Journal(storage)
            assert journal.add("failed", _TRACEBACK)
            found = _entries(_text(journal))
            assert found[-1].startswith("# start unknown: failed\n")
            assert found[:-1] == before[-len(found) + 1 :]


@media
def test_writes_that_fail_for_good_leave_the_older_entries_and_raise_nothing(
    medium: Medium, size: Callable[[int, int], int]
) -> None:
    base = Storage(medium)
    before = _full(base)
    failed = 0
    for failing in range(0, 22, size(4, 1)):
        for arriving in (1, 100):
            storage = Storage(medium, base.slots)
            storage.write_errors = [*[None] * failing, *[arriving] * 100]
            journal = Journal(storage)
            kept = journal.add("failed", _TRACEBACK)
            assert journal.faulty != kept
            found = _entries(_text(journal))
            # What arrived and can't be spoilt any more may be there, though it was told that it is not.
            assert (found == before and not kept) or found[-1].startswith("# start unknown: failed\n")
            failed += not kept
            # Once it works again, so does the log.
            storage.write_errors = []
            assert journal.add("next")
            assert not journal.faulty
            assert _entries(_text(Journal(storage)))[-2] == found[-1]
    assert failed >= size(7, 25)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.ENODEV])
@pytest.mark.parametrize("at", ["rewrite", "sync", "open"])
def test_a_full_read_only_or_broken_store_takes_no_entry_and_ends_nothing(number: int, at: str) -> None:
    class Refusing(Storage):
        refuses = False

        def _may(self, what: str) -> None:
            if self.refuses and what == at:
                raise OSError(number, "refused")

        def open(self, slot: int) -> Any:
            self._may("open")
            return super().open(slot)

        def rewrite(self, slot: int) -> Any:
            self._may("rewrite")
            return super().rewrite(slot)

        def sync(self, file: Any) -> None:
            self._may("sync")
            super().sync(file)

    storage = Refusing()
    before = _full(storage)
    storage.refuses = True
    journal = Journal(storage)
    assert journal.add("failed", _TRACEBACK) is False
    assert journal.faulty
    if at == "open":
        assert journal.trouble.startswith("the log can't be read: ")
        assert journal.size == 0
    else:
        assert journal.trouble == ""
    storage.refuses = False
    assert _entries(_text(Journal(storage))) == before


@pytest.mark.parametrize("where", ["_entry", "draft", "give_up"])
def test_memory_that_runs_out_costs_the_entry_and_nothing_else(where: str) -> None:
    class Scarce(Storage):
        left: int | None = None

        def rewrite(self, slot: int) -> Any:
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise MemoryError
            return super().rewrite(slot)

        def write(self, slot: int, parts: Iterable[bytes]) -> None:
            if where == "give_up":
                raise MemoryError
            super().write(slot, parts)

    storage = Scarce()
    before = _full(storage)
    journal: Any = Journal(storage)
    storage.left = {"_entry": None, "draft": 0, "give_up": 1}[where]
    if where == "_entry":

        def exhausted() -> int:
            raise MemoryError

        journal.uptime_s = exhausted
    assert journal.add("failed", _TRACEBACK) is False
    assert _entries(_text(journal)) == before
    storage.left = None
    assert _entries(_text(Journal(storage))) == before


@pytest.mark.parametrize("slot", [0, 1])
def test_every_damaged_byte_is_told_and_an_older_log_is_read_or_none(slot: int) -> None:
    storage = Storage()
    journal = Journal(storage)
    journal.add("first")
    journal.add("second", "of two")
    texts = {"", "# start unknown: first\n", _text(journal)}
    for position in range(len(storage.slots[slot] or b"")):
        for mask in (0x01, 0x80, 0xFF):
            content = bytearray(storage.slots[slot] or b"")
            content[position] ^= mask
            damaged = Storage(slots=[bytes(content) if i == slot else storage.slots[i] for i in (0, 1)])
            found = Journal(damaged)
            assert _text(found) in texts
            assert found.trouble.startswith("the log may have lost entries: slot ")
            assert found.add("next")
            assert Journal(damaged).trouble == ""


def _ascii(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text)


_LINES = st.text(st.sampled_from("ab #\n\r\tµ…\x00\x1b") | st.characters(codec="utf-8"), max_size=900)


@given(entries=st.lists(st.tuples(st.text(max_size=60), _LINES), min_size=1, max_size=12))
def test_whatever_is_logged_the_log_is_ascii_of_whole_entries_the_newest_among_them(
    entries: list[tuple[str, str]],
) -> None:
    storage = Storage()
    heads = []
    for start, (reason, text) in enumerate(entries, 1):
        journal: Any = Journal(storage)
        journal.start = start
        assert journal.add(reason, text)
        heads.append(f"# start {start}: ")
    found = _entries(_text(Journal(storage)))
    assert len(found) >= min(len(entries), 4)
    for entry, head, (reason, text) in zip(found, heads[-len(found) :], entries[-len(found) :], strict=True):
        first, *lines = entry.splitlines()
        assert first == head + _ascii(reason[:40])
        assert len(entry) <= len(first) + 1 + 400 + len("  ...\n")
        shown = [line[2:] for line in lines]
        told = [
            "".join(char if " " <= char <= "~" else "?" for char in line) for line in text.rstrip("\r\n").split("\n")
        ]
        if shown[:1] == ["..."] and told[-len(shown) :] != shown:
            shown.pop(0)
            assert len(text) > 300
        if shown and not (len(shown) == 1 and len(shown[0]) == 397):
            assert told[-len(shown) :] == shown
        elif shown:
            assert told[-1][:397] == shown[0]


def test_of_a_long_traceback_the_end_is_kept_and_of_a_long_message_its_start() -> None:
    journal = Journal(Storage())
    deep = "Traceback (most recent call last):\n" + "".join(
        f'  File "iastm_firmware/tool.py", line {line}, in step\n' for line in range(200)
    )
    journal.add("failed", deep + "RuntimeError: maximum recursion depth exceeded\n")
    lines = _text(journal).splitlines()
    assert lines[1] == "  ..."
    assert lines[-1] == "  RuntimeError: maximum recursion depth exceeded"
    assert lines[-2] == '    File "iastm_firmware/tool.py", line 199, in step'
    again = Journal(Storage())
    again.add("failed", deep + "ValueError: " + "y" * 3000)
    assert _text(again).splitlines()[1:] == ["  ...", "  ValueError: " + "y" * 385]


def test_a_text_that_looks_like_an_entry_is_none() -> None:
    journal = Journal(Storage())
    journal.add("failed", "ValueError: \n# start 1: forged\n#")
    assert len(_entries(_text(journal))) == 1


def test_a_log_of_greater_length_by_another_firmware_is_read_and_made_shorter() -> None:
    long = b"".join(b"# start %d: failed\n  %s\n" % (start, b"z" * 300) for start in range(20))
    storage = Storage(slots=[slot_bytes(1, long), None])
    journal = Journal(storage)
    assert journal.size == len(long)
    assert journal.add("next")
    found = _entries(_text(journal))
    assert found[-1] == "# start unknown: next\n"
    assert found[0].startswith("# start 1")


@given(content=st.binary(max_size=MAX_BYTES + 100))
def test_bytes_that_are_no_log_go_with_the_first_entry_that_needs_their_room(content: bytes) -> None:
    storage = Storage(slots=[slot_bytes(1, content), None])
    journal = Journal(storage)
    for _ in range(20):
        assert journal.add("failed", _TRACEBACK)
    assert MAX_BYTES - 400 < journal.size <= MAX_BYTES
    assert journal.piece(0, 8) == b"# start "


def test_a_piece_beyond_the_end_is_empty_and_a_store_that_fails_meanwhile_is_an_error() -> None:
    storage = Storage()
    journal = Journal(storage)
    journal.add("failed", _TRACEBACK)
    assert journal.piece(journal.size, 10) == b""
    assert journal.piece(2**32 - 1, 65535) == b""
    assert len(journal.piece(0, 65535)) == journal.size
    storage.open_errors = [[errno.EIO], [errno.EIO]]
    with pytest.raises(OSError, match="refused"):
        journal.piece(0, 10)


def test_two_who_log_into_one_storage_lose_no_entry_of_each_other() -> None:
    storage = Storage()
    first, second = Journal(storage), Journal(storage)
    for turn in range(3):
        assert first.add(f"first {turn}")
        assert second.add(f"second {turn}")
    told = [entry.split(": ")[1] for entry in _entries(_text(second))]
    assert told == [f"{who} {turn}\n" for turn in range(3) for who in ("first", "second")]


def test_entries_that_meet_the_border_of_two_pieces_stay_whole(size: Callable[[int, int], int]) -> None:
    chance = random.Random(5)
    for _ in range(size(20, 2000)):
        storage = Storage()
        journal: Any = Journal(storage)
        expected: list[str] = []
        for start in range(1, 40):
            journal.start = start
            text = "t" * chance.randrange(1, 398)
            assert journal.add("failed", text)
            expected.append(f"# start {start}: failed\n  {text}\n")
            while sum(map(len, expected)) > MAX_BYTES:
                expected.pop(0)
            assert _text(journal) == "".join(expected)
