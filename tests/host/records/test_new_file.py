from __future__ import annotations

import threading
from pathlib import Path

import pytest

from iastm_host.events import Problem
from iastm_host.records.new_file import write_new


def test_a_file_is_written_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    write_new(tmp_path / "a.pdf", b"x" * 100_000)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("a.pdf", 100_000)]


def test_one_that_exists_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(Problem, match="exists and is not overwritten"):
        write_new(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_of_many_who_write_the_same_name_at_once_one_does(tmp_path: Path) -> None:
    done: list[int] = []

    def write(number: int) -> None:
        try:
            write_new(tmp_path / "a", bytes([number]) * 50_000)
        except Problem:
            return
        done.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    assert (tmp_path / "a").read_bytes() == bytes(done) * 50_000
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["none/a", "file/a", "a" * 300])
def test_a_place_that_can_t_be_is_a_problem_in_words_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Problem, match="can't be written"):
        write_new(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_dangling_link_counts_as_a_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem, match="exists and is not overwritten"):
        write_new(path, b"x")
    assert list(tmp_path.iterdir()) == [path]
