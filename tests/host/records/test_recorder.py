from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from io import FileIO
from pathlib import Path
from typing import IO, Any, cast

import pytest

from iastm_host.events import Chunk, Problem
from iastm_host.records.entries import SUFFIX, Recording
from iastm_host.records.recorder import Recorder, recording_path, start_note

NOW = datetime(2026, 11, 21, 23, 59, 59, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))
_PATIENCE_S = 20.0


def until(happened: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    limit_s = time.monotonic() + _PATIENCE_S
    while not happened():
        assert time.monotonic() < limit_s, "it did not happen"
        time.sleep(0.005)


def begun(path: Path, **wishes: Any) -> Recorder:
    recorder = Recorder(path, **wishes)
    recorder.note(0, start_note(NOW, None, "serial", "test 1", {}))
    return recorder


class FailingFile(FileIO):
    """A disk that refuses writes while `full`, takes only part of each where `piecemeal`, and remembers its syncs."""

    full = False
    number = errno.ENOSPC
    piecemeal = False
    refused = 0

    def write(self, data: Any) -> int:
        if self.full:
            FailingFile.refused += 1
            if self.piecemeal and len(data) > 10 and self.refused % 2:
                return super().write(data[:10])
            raise OSError(self.number, os.strerror(self.number))
        return super().write(data[:7] if self.piecemeal else data)


class FailingDisk:
    """Opens one failing file."""

    def __init__(self, **traits: bool) -> None:
        self._traits = traits
        self.file: FailingFile | None = None

    def __call__(self, path: Path) -> IO[bytes]:
        self.file = FailingFile(path, "xb")
        for name, value in self._traits.items():
            setattr(self.file, name, value)
        return cast("IO[bytes]", self.file)


def test_what_is_appended_stands_in_the_file_in_order_after_close(tmp_path: Path) -> None:
    recorder = begun(tmp_path / "a.iastm")
    chunks = [Chunk(number, os.urandom(number % 50)) for number in range(500)]
    for chunk in chunks:
        recorder.received(chunk)
    recorder.note(501, {"note": "marker", "index": 3})
    recorder.close()
    recording = Recording(recorder.path)
    assert list(recording.chunks()) == chunks
    assert recording.notes("marker") == [{"note": "marker", "index": 3}]
    assert recording.condition() == (0, 0, 0)
    assert recorder.bytes_written == recorder.path.stat().st_size
    assert recorder.trouble == ""


def test_entries_reach_the_file_while_it_is_being_written(tmp_path: Path) -> None:
    recorder = begun(tmp_path / "a.iastm")
    until(lambda: recorder.bytes_written > 0)
    recorder.received(Chunk(1, b"x"))
    until(lambda: len(list(Recording(recorder.path).entries())) == 2)
    recorder.received(Chunk(2, b"y"))
    until(lambda: len(list(Recording(recorder.path).entries())) == 3)
    recorder.close()


def test_what_is_flushed_stands_in_the_file_at_once(tmp_path: Path) -> None:
    recorder = begun(tmp_path / "a.iastm")
    recorder.flush()
    assert Recording(recorder.path).start.carrier == "serial"
    recorder.received(Chunk(1, b"after"))
    recorder.close()
    assert list(Recording(recorder.path).chunks()) == [Chunk(1, b"after")]
    assert Recording(recorder.path).condition() == (0, 0, 0)


def test_close_may_be_called_twice(tmp_path: Path) -> None:
    recorder = begun(tmp_path / "a.iastm")
    recorder.close()
    recorder.close()


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.iastm"
    path.write_bytes(b"precious")
    with pytest.raises(Problem, match="not overwritten"):
        Recorder(path)
    assert path.read_bytes() == b"precious"


def test_a_folder_that_is_none_is_a_problem_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem) as raised:
        Recorder(tmp_path / "file" / "a.iastm")
    assert raised.value.fix


@pytest.mark.parametrize("folder", ["x" * 300, "a\0b"], ids=["too long", "no name at all"])
def test_a_folder_that_can_have_no_recording_is_a_problem_with_a_fix(tmp_path: Path, folder: str) -> None:
    with pytest.raises(Problem) as raised:
        Recorder(recording_path(tmp_path / folder, NOW))
    assert "can't be created" in raised.value.what
    assert raised.value.fix


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_of_somebody_else_is_a_problem_with_a_fix(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(Problem, match="can't be created") as raised:
        recording_path(closed, NOW)
    assert "may write to" in raised.value.fix


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.EFBIG, "larger files"),
        (errno.EIO, "Check the disk"),
        (errno.EROFS, "can be written to"),
    ],
)
def test_only_a_full_disk_is_told_to_be_freed(tmp_path: Path, number: int, cure: str) -> None:
    disk = FailingDisk()
    recorder = begun(tmp_path / "a.iastm", open_new=disk)
    assert disk.file is not None
    disk.file.number = number
    disk.file.full = True
    recorder.received(Chunk(1, b"x"))
    until(lambda: recorder.trouble != "")
    assert os.strerror(number) in recorder.trouble
    assert cure in recorder.trouble
    assert ("Free some space" in recorder.trouble) == (number in (errno.ENOSPC, errno.EDQUOT))
    disk.file.full = False
    recorder.close()


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    begun(tmp_path / "one" / "two" / "a.iastm").close()
    assert list(Recording(tmp_path / "one" / "two" / "a.iastm").entries())


@pytest.mark.parametrize("piecemeal", [False, True])
def test_a_full_disk_is_said_and_loses_nothing_once_it_takes_again(tmp_path: Path, piecemeal: bool) -> None:
    disk = FailingDisk(piecemeal=piecemeal)
    recorder = begun(tmp_path / "a.iastm", open_new=disk)
    assert disk.file is not None
    disk.file.full = True
    for number in range(100):
        recorder.received(Chunk(number, bytes([number]) * 40))
    until(lambda: recorder.trouble != "")
    assert "No space left on device" in recorder.trouble
    assert "kept in memory" in recorder.trouble
    disk.file.full = False
    until(lambda: recorder.trouble == "")
    recorder.received(Chunk(100, b"after"))
    recorder.close()
    recording = Recording(recorder.path)
    assert list(recording.chunks()) == [*(Chunk(n, bytes([n]) * 40) for n in range(100)), Chunk(100, b"after")]
    assert recording.condition() == (0, 0, 0)
    assert recorder.bytes_written == recorder.path.stat().st_size


def test_a_disk_that_stays_full_leaves_its_trouble_and_a_recording_that_opens(tmp_path: Path) -> None:
    disk = FailingDisk()
    recorder = begun(tmp_path / "a.iastm", open_new=disk)
    until(lambda: recorder.bytes_written > 0)
    assert disk.file is not None
    disk.file.full = True
    recorder.received(Chunk(1, b"lost"))
    recorder.close()
    assert "No space left" in recorder.trouble
    assert "lacks its end" in recorder.trouble
    assert "kept in memory" not in recorder.trouble, "after the end there is no memory to keep it in"
    assert list(Recording(recorder.path).chunks()) == []


def test_names_tell_local_time_and_never_meet(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        path = recording_path(tmp_path, NOW)
        path.touch()
        names.append(path.name)
    stem = "2026-11-21_23-59-59"
    assert names == [f"{stem}{SUFFIX}", f"{stem}_2{SUFFIX}", f"{stem}_3{SUFFIX}"]


def test_the_wall_clock_is_anchored_with_its_zone(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.iastm")
    recorder.note(123_456, start_note(NOW, 244, "ble", "test 1", {"profile": {"warn_n": 11.0}}))
    recorder.close()
    start = Recording(recorder.path).start
    assert start.wall_time == "2026-11-21T23:59:59-05:30"
    assert datetime.fromisoformat(start.wall_time) == NOW
    assert (start.host_us, start.mtu, start.settings) == (123_456, 244, {"profile": {"warn_n": 11.0}})


_WRITER = """
import sys, time
from datetime import datetime, timezone
from pathlib import Path
from iastm_host.events import Chunk
from iastm_host.records.recorder import Recorder, start_note
recorder = Recorder(Path(sys.argv[1]))
recorder.note(time.monotonic_ns() // 1000, start_note(datetime.now(timezone.utc), None, "serial", "test 1", {}))
number = 0
while True:
    number += 1
    now_us = time.monotonic_ns() // 1000
    recorder.received(Chunk(now_us, number.to_bytes(4, "little") * 12))
    if number % 50 == 1:
        print(now_us, flush=True)
    time.sleep(0.002)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="only POSIX systems kill so")
def test_killed_at_any_moment_a_recording_opens_and_lacks_at_most_its_last_second(
    tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    random_s = random.Random(1)
    for number in range(size(3, 20)):
        path = tmp_path / f"{number}.iastm"
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        try:
            first_us = int(writer.stdout.readline())
            wanted_us = first_us + round(random_s.uniform(0.6, 2.0) * 1e6)
            # Its own words tell how far it is: no clock of ours decides when it dies.
            while int(writer.stdout.readline()) < wanted_us:
                pass
        finally:
            killed_us = time.monotonic_ns() // 1000
            writer.kill()
            writer.wait(_PATIENCE_S)
            writer.stdout.close()
        chunks = [chunk for chunk in Recording(path).chunks() if isinstance(chunk, Chunk)]
        assert [int.from_bytes(chunk.data[:4], "little") for chunk in chunks] == list(range(1, len(chunks) + 1))
        assert killed_us - chunks[-1].host_us < 1_000_000
