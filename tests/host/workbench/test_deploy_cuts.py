"""The power of a played board goes amid a deploy, at each write of its flash: the tool starts, and takes another."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.played_board.played import PlayedBoard, played_boards
from tests.played_board.small import listens, small_release

from iastm_host.events import Problem
from iastm_host.transports.repl import RawRepl
from iastm_host.workbench.deploy import Step, deploy
from iastm_host.workbench.release import Release

SEED = 6
STEPS = ("open", "ask", "check", "compile", "copy", "send", "verify", "board", "switch", "restart")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[PlayedBoard]:
    with played_boards(tmp_path) as make:
        # A small flash: its blocks are soon used again, and are erased.
        yield make(blocks=64)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Release]:
    folder = tmp_path_factory.mktemp("releases")
    # Files come and go with each release, so that all that a deploy may do is done.
    return {
        name: small_release(name, folder, {f"iastm_firmware/of_{name}.py": f"NAME = '{name}'"})
        for name in ("one", "two", "three")
    }


def bring(board: PlayedBoard, release: Release, tell: Callable[[Step], None] = lambda _: None) -> None:
    deploy(
        lambda: RawRepl(str(board.port), 5.0, open_within_s=10.0),
        lambda _: release,
        listens(board, release.version),
        tell,
        board_file=board_file_of(release.version),
    )


def board_file_of(name: str) -> bytes:
    return f"NAME = '{name}'\n".encode()


def assert_starts_one_of(board: PlayedBoard, names: tuple[str, ...]) -> str:
    board.power_on()
    board.wait_for(" runs")
    started = [name for name in names if f"release {name} runs".encode() in board.said]
    assert len(started) == 1, board.said
    return started[0]


def cut_once(board: PlayedBoard, release: Release, flash: bytes, cut_at: int) -> bool:
    """Deploy `release` with a cut; return whether the deploy came to its end all the same."""
    board.put_flash(flash)
    board.power_on(cut_at=cut_at)
    try:
        bring(board, release)
        ended = True
    except Problem:
        ended = False
    if board.is_on:
        board.power_off()
    else:
        board.wait_off()
    return ended


# Into a place that was never written to, where most is copied; and into one that holds the release before the last.
@pytest.mark.parametrize("before", [("one",), ("one", "two")])
def test_wherever_the_power_goes_amid_a_deploy_the_tool_starts_and_the_next_deploy_succeeds(
    board: PlayedBoard, releases: dict[str, Release], size: Callable[[int, int], int], before: tuple[str, ...]
) -> None:
    board.power_on()
    for name in before:
        bring(board, releases[name])
    board.power_off()
    flash, old, new = board.flash(), before[-1], "three"
    # How many writes there are is found out by a deploy that nothing cuts off.
    writes = board.writes
    assert cut_once(board, releases[new], flash, 0)
    writes = board.writes - writes
    assert writes > 20
    cuts = random.Random(SEED).sample(range(1, writes + 1), min(size(2, writes), writes))
    seen = set()
    for cut_at in sorted(cuts):
        ended = cut_once(board, releases[new], flash, cut_at)
        started = assert_starts_one_of(board, (old, new))
        seen.add(started)
        assert started == new or not ended, f"cut at {cut_at}"
        if started == old:
            board.power_off()
            assert board.files()["/board.py"] == board_file_of(old), f"cut at {cut_at}"
            board.power_on()
        bring(board, releases[new])
        board.power_off()
        assert assert_starts_one_of(board, (old, new)) == new, f"cut at {cut_at}"
        board.power_off()
    # With all cuts both are seen: before the switch the old one starts, after it the new one.
    assert seen == {old, new} or len(cuts) < writes


@pytest.mark.parametrize("step", STEPS)
def test_a_cable_that_is_pulled_at_any_step_leaves_a_tool_that_starts(
    board: PlayedBoard, releases: dict[str, Release], step: str
) -> None:
    board.power_on()
    bring(board, releases["one"])
    pulled = False

    def pull(told: Step) -> None:
        nonlocal pulled
        if told.name == step and not pulled:
            pulled = True
            board.power_off()

    with pytest.raises(Problem) as raised:
        bring(board, releases["two"], pull)
    assert pulled
    assert raised.value.fix
    # Nothing was tried before the restart, and nothing is in force that was not.
    assert assert_starts_one_of(board, ("one", "two")) == ("two" if step == "restart" else "one")
    bring(board, releases["three"])
    board.power_off()
    assert assert_starts_one_of(board, ("three",)) == "three"


def test_a_first_deploy_that_is_cut_off_leaves_a_board_that_takes_the_next_one(
    board: PlayedBoard, releases: dict[str, Release], size: Callable[[int, int], int]
) -> None:
    bare = board.flash()
    for cut_at in random.Random(SEED).sample(range(1, 100), size(2, 60)):
        board.put_flash(bare)
        board.power_on(cut_at=cut_at)
        with pytest.raises(Problem):
            bring(board, releases["one"])
        board.wait_off()
        board.power_on()
        bring(board, releases["one"])
        board.power_off()
        assert assert_starts_one_of(board, ("one",)) == "one"
        board.power_off()
