from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from iastm_host.events import Problem
from iastm_host.keys import FILE_NAME, KeyStore

KEY = bytes(range(32))
OTHER = bytes(32)


class Ring:
    """A keyring in memory; `broken` raises as one that is locked does."""

    def __init__(self, *, broken: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = broken

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def _check(self) -> None:
        if self.broken:
            raise RuntimeError("it is locked")


def test_a_key_comes_back_from_the_keyring_and_stands_in_no_file(tmp_path: Path) -> None:
    ring = Ring()
    store = KeyStore(tmp_path / "new", ring)
    assert store.load() == {}
    assert "keyring" in store.keep("A-1", KEY)
    store.keep("A-2", OTHER)
    assert KeyStore(tmp_path / "new", ring).load() == {"A-1": KEY, "A-2": OTHER}
    assert KEY.hex() not in (tmp_path / "new" / FILE_NAME).read_text()


@pytest.mark.parametrize("ring", [None, Ring(broken=True)])
def test_without_a_keyring_that_works_it_is_kept_in_a_private_file_and_that_is_said(
    tmp_path: Path, ring: Ring | None
) -> None:
    where = KeyStore(tmp_path, ring).keep("A-1", KEY)
    path = tmp_path / FILE_NAME
    assert str(path) in where
    assert "only you can read" in where
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyStore(tmp_path, None).load() == {"A-1": KEY}


def test_a_new_key_takes_the_place_of_the_old_one_and_no_other(tmp_path: Path) -> None:
    store = KeyStore(tmp_path, None)
    store.keep("A-1", OTHER)
    store.keep("A-2", OTHER)
    store.keep("A-1", KEY)
    assert store.load() == {"A-1": KEY, "A-2": OTHER}
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("ring", [None, Ring(), Ring(broken=True)])
def test_a_key_that_its_keyring_does_not_give_is_left_out_and_logged(
    tmp_path: Path, ring: Ring | None, expected_log: list[str]
) -> None:
    expected_log.append("the key of A-1")
    KeyStore(tmp_path, Ring()).keep("A-1", KEY)
    KeyStore(tmp_path, None).keep("A-2", KEY)
    assert KeyStore(tmp_path, ring).load() == {"A-2": KEY}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"schema": 1}', '{"schema": 2, "tools": {}}', '{"schema": 1, "tools": {"A": 1}}', "\x00"],
)
def test_a_file_that_makes_no_sense_is_a_problem_and_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text)
    for act in (KeyStore(tmp_path, None).load, lambda: KeyStore(tmp_path, None).keep("A-1", KEY)):
        with pytest.raises(Problem, match="can't be read"):
            act()
    assert path.read_text() == text


def test_a_folder_that_takes_no_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="can't be"):
        KeyStore(tmp_path / "file", None).keep("A-1", KEY)


def test_a_key_of_another_length_is_none(tmp_path: Path, expected_log: list[str]) -> None:
    expected_log.append("the key of A-1")
    tools = {"A-1": {"kept": "file", "key": "00"}}
    (tmp_path / FILE_NAME).write_text(json.dumps({"schema": 1, "tools": tools}))
    assert KeyStore(tmp_path, None).load() == {}
