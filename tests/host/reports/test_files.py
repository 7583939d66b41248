"""Files are new, whole or not there."""

import pytest

from iastm_host.events import Problem
from iastm_host.reports.files import write_new


def test_a_new_file_is_written_whole_and_alone(tmp_path):
    path = tmp_path / "a.pdf"
    write_new(path, b"all of it")
    assert path.read_bytes() == b"all of it"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_stays_as_it_is(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"first")
    with pytest.raises(Problem) as caught:
        write_new(path, b"second")
    assert caught.value.what == f"{path} is there already and stays as it is."
    assert caught.value.fix == "Choose another name."
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told_in_words(tmp_path):
    with pytest.raises(
        Problem, match=r"could not be written: No such file or directory\..*Choose a folder that exists"
    ):
        write_new(tmp_path / "none" / "a.pdf", b"x")


def test_a_file_in_the_place_of_the_folder_is_told_in_words(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Problem, match="Choose a folder that exists"):
        write_new(tmp_path / "file" / "a.pdf", b"x")


def test_a_name_that_the_system_refuses_leaves_nothing_behind(tmp_path):
    with pytest.raises(Problem, match="could not be written"):
        write_new(tmp_path / ("a" * 300), b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_dangling_link_counts_as_a_file_that_is_there(tmp_path):
    path = tmp_path / "a.pdf"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem, match="is there already"):
        write_new(path, b"x")
    assert not (tmp_path / "elsewhere").exists()
    assert list(tmp_path.iterdir()) == [path]
