"""What is read of a board, and the line that says which release is in force: one meaning here and on the tool."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.firmware.test_releases import LINES, NO_STATES
from tests.played_board.played import PlayedBoard, played_boards
from tests.played_board.small import small_release

from iastm_host.events import Problem
from iastm_host.transports.repl import RawRepl
from iastm_host.workbench.board_state import (
    ARCHITECTURES,
    STATE,
    STATE_NEW,
    BoardState,
    Place,
    State,
    ask_board,
    read_state,
    state_of,
)
from iastm_host.workbench.release import Manifest

Make = Callable[..., PlayedBoard]


@pytest.fixture
def make_board(tmp_path: Path) -> Iterator[Make]:
    with played_boards(tmp_path) as make:
        yield make


def asked(board: PlayedBoard, told: list[tuple[int, int]] | None = None) -> BoardState:
    board.power_on()
    with RawRepl(str(board.port), 5.0) as repl:
        found = ask_board(repl, lambda done, total: told.append((done, total)) if told is not None else None)
    board.power_off()
    return found


@pytest.mark.parametrize(("text", "state"), LINES)
def test_the_line_is_the_tool_s(text: str, state: tuple[str, str, int, str]) -> None:
    assert State(*state).line() == text.encode()
    assert read_state(text.encode()) == State(*state)


@pytest.mark.parametrize("text", NO_STATES)
def test_what_is_no_state_to_the_tool_is_none_here(text: str) -> None:
    assert read_state(text.encode()) is None


@given(st.binary(max_size=40))
def test_no_bytes_are_a_state_by_chance(data: bytes) -> None:
    assert read_state(data) is None


@given(st.sampled_from([state for _, state in LINES]), st.integers(0, 30), st.integers(1, 255))
def test_a_damaged_line_is_no_state(state: tuple[str, str, int, str], at: int, flip: int) -> None:
    data = bytearray(State(*state).line())
    at %= len(data) - 1
    data[at] ^= flip
    assert read_state(bytes(data)) is None


def test_the_newer_file_counts_where_the_other_is_damaged() -> None:
    one, two = State("a"), State("b", "trial", 2, "a")
    assert state_of({STATE: one.line(), STATE_NEW: two.line()}) == one
    assert state_of({STATE: b"torn", STATE_NEW: two.line()}) == two
    assert state_of({STATE_NEW: two.line()[:-4]}) == State()
    assert state_of({}) == State()


MANIFEST = Manifest("one", "1", "00", 6, 3, "x64", {"a.mpy": "f" * 64})
THERE, EMPTY = Place(MANIFEST, {"a.mpy": 1}, {"a.mpy": "f" * 64}), Place(None, {}, {})


@pytest.mark.parametrize(
    ("state", "places", "unreleased", "in_force"),
    [
        (State("a"), (THERE, THERE), True, "a"),
        (State("b"), (THERE, THERE), False, "b"),
        (State("b", "trial", 2, "a"), (THERE, THERE), False, "a"),
        (State("b", "trial", 0, "-"), (THERE, THERE), True, "-"),
        (State("b"), (THERE, EMPTY), True, "-"),
        (State("b"), (THERE, EMPTY), False, "a"),
        (State(), (EMPTY, THERE), False, "b"),
        (State(), (EMPTY, EMPTY), False, "-"),
    ],
)
def test_what_is_in_force_is_what_the_selector_would_start_without_a_trial(
    state: State, places: tuple[Place, Place], unreleased: bool, in_force: str
) -> None:
    board = BoardState(
        "rp2", "micropython", (1, 29, 0), "", 6, 3, "x64", 0, 4096, 0, 0, True, unreleased, {}, state,
        {"a": places[0], "b": places[1]},
    )  # fmt: skip
    assert board.in_force == in_force


def test_a_place_for_another_micropython_is_not_in_force() -> None:
    other = Place(replace(MANIFEST, mpy_version=5), {}, {})
    board = BoardState(
        "rp2", "micropython", (1, 29, 0), "", 6, 3, "x64", 0, 4096, 0, 0, True, False, {}, State("a"),
        {"a": other, "b": THERE},
    )  # fmt: skip
    assert board.in_force == "b"


@pytest.mark.parametrize("hashes", [True, False])
@pytest.mark.parametrize("file_system", ["littlefs", "fat"])
def test_places_are_read_file_by_file_whatever_board_it_is(
    make_board: Make, tmp_path: Path, hashes: bool, file_system: str
) -> None:
    one = small_release("one", tmp_path, {"iastm_firmware/boards/pins.py": "A = 1"})
    put = {f"/releases/b/{path}": data for path, data in one.files.items()}
    board = make_board(hashes=hashes, file_system=file_system)
    board.put({**put, "/releases/b/release.json": one.manifest(), "/board_name.txt": b"demo", "/main.py": b"x=1\n"})
    told: list[tuple[int, int]] = []
    found = asked(board, told)
    assert found.hashes_itself is hashes
    assert dict(found.places["b"].hashes) == one.hashes()
    assert dict(found.places["b"].sizes) == {path: len(data) for path, data in one.files.items()}
    assert set(found.places["b"].folders) == {"iastm_firmware", "iastm_firmware/boards", "iastm_protocol"}
    assert found.places["b"].whole
    assert found.places["a"] == Place(None, {}, {})
    assert found.files == {"/board_name.txt": b"demo", "/main.py": b"x=1\n"}
    assert told[-1] == (len(one.files), len(one.files))


def test_a_place_with_a_file_more_or_another_is_not_whole(make_board: Make, tmp_path: Path) -> None:
    one = small_release("one", tmp_path)
    put = {f"/releases/a/{path}": data for path, data in one.files.items()}
    board = make_board()
    board.put({**put, "/releases/a/release.json": one.manifest(), "/releases/a/iastm_firmware/more.mpy": b"M"})
    assert not asked(board).places["a"].whole
    board.put({"/releases/a/iastm_firmware/more.mpy": None, "/releases/a/iastm_firmware/start.mpy": b"M"})
    assert not asked(board).places["a"].whole


def test_what_micropython_it_is_and_what_room_there_is_is_found(make_board: Make) -> None:
    board = make_board(implementation={"_mpy": 4 << 10 | 3 << 8 | 6, "version": [1, 25, 0, ""]}, heap_free=180_000)
    board.put({"/big": bytes(40_000)})
    found = asked(board)
    assert (found.mpy_version, found.mpy_sub_version, found.architecture) == (6, 3, "armv6m")
    assert (found.version, found.heap_free, found.implementation) == ((1, 25, 0), 180_000, "micropython")
    assert (found.block_bytes, found.blocks) == (4096, 512)
    assert 10 <= 512 - found.blocks_free < 20
    assert not found.runs_unreleased


def test_firmware_at_the_root_is_found_even_where_it_prints(make_board: Make) -> None:
    board = make_board()
    board.put({"/iastm_firmware/__init__.py": b"print('hello')\n"})
    assert asked(board).runs_unreleased


def test_a_very_long_main_py_is_read_in_part(make_board: Make) -> None:
    board = make_board()
    long = b"# a long program\n" * 4000
    board.put({"/main.py": long + b"from iastm_firmware import start\n"})
    main = asked(board).files["/main.py"]
    assert long.startswith(main)
    assert len(main) < 20_000


def test_a_damaged_release_json_is_none(make_board: Make) -> None:
    board = make_board()
    board.put({"/releases/a/release.json": b'{"schema": 1, "id"'})
    assert asked(board).places["a"].manifest is None


def test_an_architecture_that_nobody_knows_is_none(make_board: Make) -> None:
    board = make_board(implementation={"_mpy": 15 << 10 | 3 << 8 | 6})
    assert len(ARCHITECTURES) <= 15
    assert asked(board).architecture == ""


def test_a_prompt_without_what_micropython_has_is_told(make_board: Make) -> None:
    board = make_board()
    board.power_on()
    with RawRepl(str(board.port), 5.0) as repl:
        repl.run("import sys\nsys.modules['os']=None")
        with pytest.raises(Problem, match="no MicroPython that can take the firmware") as raised:
            ask_board(repl)
    assert "iastm flash" in raised.value.fix


def test_hashes_are_sha256(make_board: Make) -> None:
    board = make_board()
    data = bytes(range(256)) * 33
    board.put({"/releases/a/odd.bin": data, "/releases/a/empty": b""})
    hashes = asked(board).places["a"].hashes
    assert hashes == {"odd.bin": hashlib.sha256(data).hexdigest(), "empty": hashlib.sha256(b"").hexdigest()}
