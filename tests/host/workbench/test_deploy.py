"""Deploys to a played board, by a real mpremote: what is sent, what is kept, what goes wrong. A tool is left each time.

Releases are small ones, whose start says that it runs; main.py is the firmware's own selector.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.played_board.played import PlayedBoard, played_boards
from tests.played_board.small import listens, small_release

from iastm_host.events import Problem
from iastm_host.transports.base import LOST, TransportError
from iastm_host.transports.repl import RawRepl
from iastm_host.workbench.board_state import State
from iastm_host.workbench.deploy import ANOTHER, RUNS, SILENT, Deployed, Step, StoppedError, Verdict, deploy
from iastm_host.workbench.release import Release, read_manifest, selector_source

Make = Callable[..., PlayedBoard]
BIG = {"iastm_firmware/big.py": "TABLE = (" + ",".join(str(1000003 * n) for n in range(1500)) + ")"}
OTHER_PROGRAM = b"import time\nprint('a weather station')\nwhile True:\n time.sleep_ms(20)\n"
DEAF_PROGRAM = b"import time\nwhile True:\n try:\n  time.sleep_ms(20)\n except KeyboardInterrupt:\n  print('no')\n"
RAISES = "def main():\n    raise ValueError('the light is on fire')\n"
HANGS = "def main():\n    import machine\n    machine.WDT(timeout=8000)\n    while True:\n        pass\n"
DEAF = """
def main():
    print("it hangs")
    while True:
        try:
            while True:
                pass
        except KeyboardInterrupt:
            pass
"""
# As a tool whose watchdog runs: asked for its prompt it restarts, and is at its prompt then.
RESTARTING = b"""# of iastm_firmware
import machine, os, time
try:
    os.remove('/safe')
except OSError:
    try:
        print('a tool')
        while True:
            time.sleep_ms(20)
    except KeyboardInterrupt:
        print('The watchdog runs: restarting into safe mode.')
        open('/safe', 'w').close()
        machine.reset()
"""
QUIET = "def main():\n    import time\n    print('no protocol')\n    while True:\n        time.sleep_ms(20)\n"


@pytest.fixture
def make_board(tmp_path: Path) -> Iterator[Make]:
    with played_boards(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Release]:
    folder = tmp_path_factory.mktemp("releases")

    def make(name: str, **more: str) -> Release:
        return small_release(name, folder, BIG, **more)

    return make


def quiet(_: Step) -> None:
    pass


def bring(
    board: PlayedBoard,
    release: Release,
    confirm: Callable[[str], Verdict] | None = None,
    tell: Callable[[Step], None] = quiet,
    *,
    board_file: bytes | None = None,
    board_name: str | None = None,
    replace_main: bool = False,
    heap_needed_bytes: int = 200_000,
) -> Deployed:
    return deploy(
        lambda: RawRepl(str(board.port), 5.0, open_within_s=10.0),
        lambda _: release,
        confirm or listens(board, release.version),
        tell,
        board_file=board_file,
        board_name=board_name,
        replace_main=replace_main,
        heap_needed_bytes=heap_needed_bytes,
    )


def tool_with(make: Make, release: Release, **options: object) -> PlayedBoard:
    """Return a board that is on, with this release deployed and confirmed."""
    board: PlayedBoard = make(**options)
    board.power_on()
    bring(board, release)
    return board


def state_on(files: dict[str, bytes]) -> str:
    return " ".join(files["/releases/state"].decode().split()[:4])


def assert_place_holds(files: dict[str, bytes], place: str, release: Release) -> None:
    root = f"/releases/{place}/"
    there = {path.removeprefix(root): data for path, data in files.items() if path.startswith(root)}
    assert there.pop("release.json") == release.manifest()
    assert there == release.files


def assert_starts(board: PlayedBoard, name: str) -> None:
    """Assert that the board, off and on, starts that release by itself."""
    if board.is_on:
        board.power_off()
    board.power_on()
    board.wait_for(f"release {name} runs")


# What is done


def test_a_bare_board_becomes_a_tool(make_board: Make, releases: Callable[..., Release]) -> None:
    one = releases("one")
    board = make_board()
    board.power_on()
    done = bring(board, one)
    assert (done.release_id, done.place, done.changed) == (one.id, "a", True)
    assert (done.sent_files, done.sent_bytes, done.kept_files) == (len(one.files), one.total_bytes, 0)
    board.power_off()
    files = board.files()
    assert_place_holds(files, "a", one)
    assert files["/main.py"] == selector_source()
    assert state_on(files) == "a ok 0 -"
    assert_starts(board, "one")


def test_the_second_release_goes_into_the_other_place_and_only_what_changed_is_sent(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    one, two = releases("one"), releases("two")
    board = tool_with(make_board, one)
    first_bytes = board.received_bytes
    done = bring(board, two)
    second_bytes = board.received_bytes - first_bytes
    changed = {path for path, data in two.files.items() if one.files[path] != data}
    assert changed == {"iastm_firmware/start.mpy"}
    assert (done.place, done.sent_files, done.kept_files) == ("b", 1, len(two.files) - 1)
    assert done.sent_bytes == len(two.files["iastm_firmware/start.mpy"])
    # As counted at the board's end of the wire: what did not change is not on it.
    assert first_bytes > one.total_bytes
    assert second_bytes < one.total_bytes
    board.power_off()
    files = board.files()
    assert_place_holds(files, "a", one)
    assert_place_holds(files, "b", two)
    assert state_on(files) == "b ok 0 -"
    assert_starts(board, "two")


def test_places_take_turns_and_what_a_release_does_not_have_goes(
    make_board: Make, releases: Callable[..., Release], tmp_path: Path
) -> None:
    one = small_release("one", tmp_path, {"iastm_firmware/parts/old.py": "A = 1", **BIG})
    two, three = releases("two"), small_release("three", tmp_path, {"iastm_firmware/new/deep/er.py": "B = 2", **BIG})
    board = tool_with(make_board, one)
    assert [bring(board, release).place for release in (two, three)] == ["b", "a"]
    board.power_off()
    files = board.files()
    assert_place_holds(files, "a", three)
    assert_place_holds(files, "b", two)
    assert_starts(board, "three")


def test_where_all_is_there_already_nothing_is_written(make_board: Make, releases: Callable[..., Release]) -> None:
    one = releases("one")
    board = tool_with(make_board, one)
    board.power_off()
    flash = board.flash()
    board.power_on()
    done = bring(board, one)
    assert (done.changed, done.sent_files, done.place) == (False, 0, "a")
    # The tool is started again, as if it got power.
    board.wait_for("release one runs")
    board.power_off()
    assert board.flash() == flash


def test_a_file_that_rotted_on_the_board_is_found_and_sent_anew(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    one = releases("one")
    board = tool_with(make_board, one)
    board.power_off()
    rotten = bytearray(one.files["iastm_firmware/big.mpy"])
    rotten[500] ^= 8
    board.put({"/releases/a/iastm_firmware/big.mpy": bytes(rotten)})
    board.power_on()
    done = bring(board, one)
    assert (done.changed, done.place, done.sent_files) == (True, "b", 1)
    assert_starts(board, "one")


def test_steps_are_told_in_order_and_never_run_backwards(make_board: Make, releases: Callable[..., Release]) -> None:
    steps: list[Step] = []
    board = make_board()
    board.power_on()
    bring(board, releases("one"), tell=steps.append)
    names = list(dict.fromkeys(step.name for step in steps))
    assert names == ["open", "ask", "check", "compile", "send", "verify", "main", "switch", "restart"]
    for name in ("send", "verify"):
        done = [step.done for step in steps if step.name == name]
        assert done == sorted(done)
        assert all(step.done <= step.total for step in steps)
        assert done[-1] == [step.total for step in steps if step.name == name][-1]


@pytest.mark.parametrize("options", [{"file_system": "fat"}, {"hashes": False}, {"raw_paste": False}, {"bridge": True}])
def test_boards_that_differ_take_it_as_well(
    make_board: Make, releases: Callable[..., Release], options: dict[str, object]
) -> None:
    board = tool_with(make_board, releases("one"), **options)
    assert bring(board, releases("two")).sent_files == 1
    assert_starts(board, "two")


def test_firmware_as_it_lay_on_boards_before_releases_is_taken_over(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    old = {f"/{path}": data for path, data in releases("old").files.items()}
    board = make_board()
    board.put({**old, "/main.py": b"from iastm_firmware.start import main\n\nmain()\n", "/log.a": b"kept"})
    board.power_on()
    board.wait_for("release old runs")
    bring(board, releases("one"))
    board.power_off()
    files = board.files()
    assert files["/log.a"] == b"kept"
    assert files["/iastm_firmware/start.mpy"] == old["/iastm_firmware/start.mpy"]
    assert_starts(board, "one")


def test_a_release_that_was_never_confirmed_is_written_over_and_not_the_one_that_runs(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = tool_with(make_board, releases("one"))
    board.power_off()
    # As a deploy leaves it whose cable was pulled right after it had switched.
    two = releases("two", start=QUIET)
    place = {f"/releases/b/{path}": data for path, data in two.files.items()}
    board.put(
        {**place, "/releases/b/release.json": two.manifest(), "/releases/state": State("b", "trial", 2, "a").line()}
    )
    board.power_on()
    assert bring(board, releases("three")).place == "b"
    board.power_off()
    assert state_on(board.files()) == "b ok 0 -"
    assert_starts(board, "three")


def test_going_back_to_the_release_in_force_ends_the_trial_of_another(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    one, two = releases("one"), releases("two", start=QUIET)
    board = tool_with(make_board, one)
    board.power_off()
    place = {f"/releases/b/{path}": data for path, data in two.files.items()}
    board.put(
        {**place, "/releases/b/release.json": two.manifest(), "/releases/state": State("b", "trial", 2, "a").line()}
    )
    board.power_on()
    done = bring(board, one)
    assert (done.place, done.sent_files) == ("a", 0)
    board.power_off()
    assert state_on(board.files()) == "a ok 0 -"
    assert_starts(board, "one")


# The board's own files


def test_a_board_file_is_put_beside_the_releases(make_board: Make, releases: Callable[..., Release]) -> None:
    board = make_board()
    board.power_on()
    bring(board, releases("one"), board_file=b"WIRING = {}\n")
    sent = board.received_bytes
    done = bring(board, releases("one"), board_file=b"WIRING = {1: 2}\n")
    assert (done.changed, done.sent_files, done.place) == (True, 0, "a")
    assert board.received_bytes - sent < releases("one").total_bytes
    board.power_off()
    files = board.files()
    assert files["/board.py"] == b"WIRING = {1: 2}\n"
    assert "/board.py.new" not in files
    assert_starts(board, "one")


def test_a_name_moves_the_board_file_out_of_its_way_and_says_so(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = make_board()
    board.put({"/board.py": b"WIRING = {}\n"})
    board.power_on()
    done = bring(board, releases("one"), board_name="demo")
    assert done.replaced == ("board.py.before",)
    board.power_off()
    files = board.files()
    assert (files["/board_name.txt"], files["/board.py.before"]) == (b"demo", b"WIRING = {}\n")
    assert "/board.py" not in files


def test_a_board_file_of_a_release_that_does_not_start_is_taken_back_with_it(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = make_board()
    board.put({"/board.py": b"WIRING = {}\n"})
    board.power_on()
    bring(board, releases("one"))
    with pytest.raises(Problem):
        bring(board, releases("two", start=RAISES), board_name="demo", board_file=b"WIRING = 7\n")
    board.wait_for("release one runs")
    board.power_off()
    files = board.files()
    assert files["/board.py"] == b"WIRING = {}\n"
    assert "/board_name.txt" not in files


# As start.py has a board of its own code: what it raises ends a trial.
NEEDS_BOARD = """
def main():
    import time
    from iastm_firmware import releases
    print("release {name} runs")
    state = releases.on_trial()
    try:
        import board
    except ImportError as error:
        if "'board'" not in str(error):
            raise
    except Exception as error:
        if state is None:
            raise
        releases.give_up(state, error)
        import machine
        machine.reset()
    if state is not None:
        releases.write(releases.State(state.place, "ok", 0, "-"))
    print("release {name} confirmed")
    while True:
        time.sleep_ms(20)
"""
BAD_BOARD = b"raise ValueError('no such pin')\n"


def board_files_of(board: PlayedBoard) -> tuple[bytes | None, bytes | None, str]:
    if board.is_on:
        board.power_off()
    files = board.files()
    assert not [path for path in files if path.endswith(".new")]
    return files.get("/board.py"), files.get("/board_name.txt"), state_on(files)


def test_board_files_are_given_up_by_the_board_itself_where_the_host_is_gone(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = tool_with(make_board, releases("one", start=NEEDS_BOARD))

    def pull(step: Step) -> None:
        if step.name == "restart":
            board.power_off()

    with pytest.raises(Problem):
        bring(board, releases("two", start=NEEDS_BOARD), tell=pull, board_file=BAD_BOARD)
    board.wait_off()
    assert board_files_of(board) == (BAD_BOARD, None, "b trial 2 a")
    assert_starts(board, "two")
    board.wait_for("release one confirmed")
    assert board_files_of(board) == (None, None, "a ok 0 -")


def test_a_board_file_with_the_release_in_force_is_tried_too_and_given_up_by_the_board(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    one = releases("one", start=NEEDS_BOARD)
    # Longer than what is read of somebody else's program.
    good = b"A = '" + b"x" * 20_000 + b"'\n"
    board = make_board()
    board.power_on()
    assert bring(board, one, board_file=good).changed
    assert not bring(board, one, board_file=good).changed
    # What answers then is the same firmware: the board has to be asked.
    with pytest.raises(Problem, match=r"did not come up: ValueError: no such pin\. It has those before"):
        bring(board, one, board_file=BAD_BOARD)
    assert board_files_of(board) == (good, None, "a ok 0 -")
    board.power_on()
    assert bring(board, one, board_file=b"A = 1\n").changed
    assert board_files_of(board) == (b"A = 1\n", None, "a ok 0 -")


def test_a_deploy_after_a_trial_that_nobody_ended_begins_with_the_board_files_before_it(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    one = releases("one")
    board = make_board()
    board.power_on()
    bring(board, one, board_file=b"WIRING = {}\n")

    def pull(step: Step) -> None:
        if step.name == "restart":
            board.power_off()

    with pytest.raises(Problem):
        bring(board, releases("bad", start=QUIET), tell=pull, board_file=BAD_BOARD, board_name="demo")
    board.wait_off()
    board.power_on()
    board.wait_for("no protocol")
    assert bring(board, one).changed
    assert board_files_of(board) == (b"WIRING = {}\n", None, "a ok 0 -")
    # Those of a trial long ago are none of a later one.
    board.power_on()
    with pytest.raises(Problem):
        bring(board, releases("two", start=RAISES))
    assert board_files_of(board) == (b"WIRING = {}\n", None, "a ok 0 -")


@pytest.mark.parametrize("name", ["board", "switch"])
def test_no_board_file_is_in_force_before_its_trial_is(
    make_board: Make, releases: Callable[..., Release], name: str
) -> None:
    board = tool_with(make_board, releases("one", start=NEEDS_BOARD))

    def pull(step: Step) -> None:
        if step.name == name:
            board.power_off()

    with pytest.raises(Problem):
        bring(board, releases("two", start=NEEDS_BOARD), tell=pull, board_file=BAD_BOARD)
    board.wait_off()
    board.power_on()
    board.wait_for("release one confirmed")


def test_what_failed_long_ago_is_no_failure_of_a_deploy_that_tries_nothing(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = tool_with(make_board, releases("one"))
    board.power_off()
    board.put({"/main.py": selector_source() + b"# older\n", "/releases/failed": b"b 1.0+b\nValueError: long ago\n"})
    board.power_on()
    assert bring(board, releases("one")).changed


# Updates that don't start


def test_an_update_that_raises_is_rolled_back_and_the_reason_told(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = tool_with(make_board, releases("one"))
    with pytest.raises(Problem) as raised:
        bring(board, releases("bad", start=RAISES))
    assert "ValueError: the light is on fire" in raised.value.what
    assert "The tool runs the one before" in raised.value.what
    # Without anybody's help.
    board.wait_for("release one runs")
    assert_starts(board, "one")
    assert bring(board, releases("two")).changed
    assert_starts(board, "two")


def test_an_update_that_hangs_is_given_up_by_the_watchdog(make_board: Make, releases: Callable[..., Release]) -> None:
    board = tool_with(make_board, releases("one"), dog_scale=0.05)
    heard: list[Verdict] = []

    def confirm(_: str) -> Verdict:
        board.wait_for("release one runs")
        heard.append(Verdict(ANOTHER, "The tool runs other firmware."))
        return heard[-1]

    with pytest.raises(Problem, match="started twice and did not stay up"):
        bring(board, releases("bad", start=HANGS), confirm)
    assert heard
    assert board.lives.count("dog") == 2
    assert_starts(board, "one")


def test_an_update_that_hangs_without_a_watchdog_is_given_up_after_two_more_starts(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = tool_with(make_board, releases("one"))
    bad = releases("bad", start=DEAF)

    def confirm(_: str) -> Verdict:
        board.wait_for("it hangs")
        return Verdict(SILENT, "No tool answered.")

    with pytest.raises(Problem, match="could not be asked why") as raised:
        deploy(lambda: RawRepl(str(board.port), 1.0, open_within_s=3.0), lambda _: bad, confirm, quiet)
    assert_told(raised.value, "Switch it off and on, twice")
    for words in ("it hangs", "release one runs"):
        board.power_off()
        board.power_on()
        board.wait_for(words)


def test_an_update_that_never_answers_is_taken_back(make_board: Make, releases: Callable[..., Release]) -> None:
    board = tool_with(make_board, releases("one"))

    def confirm(_: str) -> Verdict:
        board.wait_for("no protocol")
        return Verdict(SILENT, "No tool answered.")

    with pytest.raises(Problem, match=r"did not start: No tool answered\. The tool runs the one before"):
        bring(board, releases("bad", start=QUIET), confirm)
    board.wait_for("release one runs")
    assert_starts(board, "one")


def test_what_the_board_itself_confirmed_is_not_taken_back_for_want_of_an_answer(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    two = releases("two")
    board = tool_with(make_board, releases("one"))

    def confirm(digest: str) -> Verdict:
        assert listens(board, "two")(digest).state == RUNS
        return Verdict(SILENT, "No tool answered.")

    with pytest.raises(Problem, match="as the board itself says"):
        bring(board, two, confirm)
    board.wait_for("release two runs")
    assert_starts(board, "two")


def test_a_first_firmware_that_does_not_start_leaves_the_prompt_and_no_loop_of_restarts(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = make_board()
    board.power_on()
    with pytest.raises(Problem, match="There was no firmware on the board before"):
        bring(board, releases("bad", start=RAISES))
    board.wait_for("iastm deploy")
    assert bring(board, releases("one")).changed
    assert_starts(board, "one")


def test_an_image_with_a_main_py_of_its_own_is_told(make_board: Make, releases: Callable[..., Release]) -> None:
    board = make_board(frozen_main=OTHER_PROGRAM.decode())
    board.power_on()

    def confirm(_: str) -> Verdict:
        board.wait_for("weather")
        return Verdict(SILENT, "No tool answered.")

    with pytest.raises(Problem, match=r"image may have a main\.py of its own"):
        bring(board, releases("one"), confirm)


# Bad input: the reason, a fix, and the tool still starts


def assert_told(error: Problem, *words: str) -> None:
    for word in words:
        assert word in error.what + error.fix, error
    assert "Traceback" not in error.what
    assert error.fix


def test_somebody_else_s_main_py_is_refused_before_anything_is_written(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = make_board()
    board.put({"/main.py": OTHER_PROGRAM})
    flash = board.flash()
    board.power_on()
    board.wait_for("weather")
    with pytest.raises(Problem) as raised:
        bring(board, releases("one"))
    assert_told(raised.value, "somebody else's", "--replace-main")
    # It runs again.
    board.wait_for("weather")
    board.power_off()
    assert board.flash() == flash


def test_replacing_main_py_keeps_it_under_another_name(make_board: Make, releases: Callable[..., Release]) -> None:
    board = make_board()
    board.put({"/main.py": OTHER_PROGRAM})
    board.power_on()
    board.wait_for("weather")
    done = bring(board, releases("one"), replace_main=True)
    assert done.replaced == ("main.py.before",)
    board.power_off()
    assert board.files()["/main.py.before"] == OTHER_PROGRAM
    assert_starts(board, "one")


@pytest.mark.parametrize("main", [b"", b"# main.py -- put your code here!\n"])
def test_a_main_py_in_which_nothing_runs_is_nobody_s(
    make_board: Make, releases: Callable[..., Release], main: bytes
) -> None:
    board = make_board()
    board.put({"/main.py": main})
    board.power_on()
    assert bring(board, releases("one")).replaced == ()
    assert_starts(board, "one")


def test_a_program_that_lets_nobody_in_is_told(make_board: Make, releases: Callable[..., Release]) -> None:
    board = make_board()
    board.put({"/main.py": DEAF_PROGRAM})
    board.power_on()
    with pytest.raises(TransportError) as raised:
        deploy(
            lambda: RawRepl(str(board.port), 1.0, open_within_s=1.0),
            lambda _: releases("one"),
            listens(board, "one"),
            quiet,
        )
    assert_told(raised.value, "prompt", "iastm flash")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"implementation": {"version": [1, 20, 0]}}, ("1.20.0 is too old", "1.25", "iastm flash")),
        ({"implementation": {"_mpy": 2 << 10 | 2 << 8 | 6}}, ("reads bytecode 6.2", "6.3", "iastm flash")),
        ({"implementation": {"_mpy": 2 << 10 | 3 << 8 | 7}}, ("reads bytecode 7.3", "mpy-cross")),
        ({"implementation": {"_mpy": 4 << 10 | 3 << 8 | 6}}, ("compiled for x64", "board is armv6m")),
        ({"implementation": {"_mpy": 3 << 8 | 6}}, ("no native code", "iastm flash")),
        ({"implementation": {"name": "circuitpython"}}, ("circuitpython", "MicroPython", "iastm flash")),
        ({"platform": "stm32"}, ("No tool runs on this board", "docs/boards.md")),
        # What it has free is what Bluetooth takes, too.
        ({"platform": "esp32", "heap_free": 240_000}, ("no PSRAM", "Freezing")),
        ({"heap_free": 120_000}, ("too little memory", "120 kB are free", "200 kB", "Freezing")),
    ],
)
def test_a_board_that_can_t_run_it_is_told_why_before_anything_is_written(
    make_board: Make, releases: Callable[..., Release], options: dict[str, object], words: tuple[str, ...]
) -> None:
    board = make_board(**options)
    board.put({"/main.py": b"print('old tool')  # of iastm_firmware\n"})
    flash = board.flash()
    board.power_on()
    with pytest.raises(Problem) as raised:
        bring(board, releases("one"))
    assert_told(raised.value, *words)
    board.wait_for("old tool")
    board.power_off()
    assert board.flash() == flash


PSRAM = b"HEAP_DATA = 4\ndef idf_heap_info(kind):\n return [(230_000, 9_000, 5_000, 0), (2_097_152, 8, 8, 0)]\n"


def test_an_esp32_with_psram_takes_firmware_in_files(make_board: Make, releases: Callable[..., Release]) -> None:
    board = make_board(platform="esp32", heap_free=240_000)
    board.put({"/esp32.py": PSRAM})
    board.power_on()
    assert bring(board, releases("one")).changed


def test_pins_of_another_chip_are_refused_before_anything_is_written(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = make_board()
    board.put({"/main.py": b"print('old tool')  # of iastm_firmware\n"})
    flash = board.flash()
    board.power_on()
    with pytest.raises(Problem) as raised:
        deploy(
            lambda: RawRepl(str(board.port), 5.0, open_within_s=10.0),
            lambda _: releases("one"),
            listens(board, "one"),
            quiet,
            board_name="esp32_s3",
            chip="ESP32-S3",
        )
    assert_told(raised.value, "Wrong chip", "ESP32-S3", "Played board with RP2040", "Nothing was written", "pico_w")
    board.wait_for("old tool")
    board.power_off()
    assert board.flash() == flash


def test_a_drive_without_room_is_told_before_anything_is_written(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = tool_with(make_board, releases("one"), blocks=64)
    board.power_off()
    board.put({"/recording": bytes(120_000)})
    flash = board.flash()
    board.power_on()
    with pytest.raises(Problem) as raised:
        bring(board, releases("two"))
    assert_told(raised.value, "no room", "KiB are free", "mpremote rm")
    board.power_off()
    assert board.flash() == flash
    board.put({"/recording": None})
    assert_starts(board, "one")
    bring(board, releases("two"))


def test_a_drive_that_fills_up_on_the_way_is_told(make_board: Make, releases: Callable[..., Release]) -> None:
    board = tool_with(make_board, releases("one"), blocks=64)
    grown = {f"iastm_firmware/grown_{n}.py": f"X = b'{'x' * 900}'" for n in range(3)}
    two = replace(releases("two"), files={**releases("two").files, **{k: v.encode() for k, v in grown.items()}})

    def fill(step: Step) -> None:
        # Somebody else writes at the same time, which nobody could foresee.
        if step.name == "send" and step.done and not filled:
            filled.append(True)
            repl.run("try:\n while 1:\n  with open('/fill','ab') as _g:_g.write(b'x'*4096)\nexcept OSError:pass")

    filled: list[bool] = []
    repl = RawRepl(str(board.port), 5.0, open_within_s=10.0)
    with pytest.raises(Problem) as raised:
        deploy(lambda: repl, lambda _: two, listens(board, "two"), fill)
    assert filled
    assert_told(raised.value, "full", "not touched")
    board.wait_for("release one runs")
    assert_starts(board, "one")


@pytest.mark.parametrize("hashes", [True, False])
def test_a_byte_that_the_flash_flips_is_caught_when_it_is_read_back(
    make_board: Make, releases: Callable[..., Release], hashes: bool
) -> None:
    board = tool_with(make_board, releases("one"), hashes=hashes)
    board.power_off()
    two = releases("two")
    board.power_on(corrupt="release two")
    with pytest.raises(Problem) as raised:
        bring(board, two)
    assert_told(raised.value, "iastm_firmware/start.mpy", "not what was sent")
    board.wait_for("release one runs")
    assert_starts(board, "one")
    assert bring(board, two).changed
    assert_starts(board, "two")


def test_a_flipped_byte_in_main_py_is_caught_before_it_is_in_force(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = make_board()
    board.power_on(corrupt="def choose")
    with pytest.raises(Problem, match=r"main\.py\.new"):
        bring(board, releases("one"))
    board.power_off()
    files = board.files()
    assert "/main.py" not in files
    assert "/main.py.new" not in files


def test_ctrl_c_amid_a_deploy_leaves_the_tool_running(make_board: Make, releases: Callable[..., Release]) -> None:
    board = tool_with(make_board, releases("one"))

    def interrupt(step: Step) -> None:
        if step.name == "send":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(board, releases("two"), tell=interrupt)
    # Nobody has to switch it off and on.
    board.wait_for("release one runs")
    assert_starts(board, "one")
    assert bring(board, releases("two")).changed


def test_how_an_interrupt_left_the_board_is_told_as_it_is(make_board: Make, releases: Callable[..., Release]) -> None:
    board = tool_with(make_board, releases("one"))

    def interrupt_at(name: str, do: Callable[[], None] = lambda: None) -> Callable[[Step], None]:
        def tell(step: Step) -> None:
            if step.name == name:
                do()
                raise KeyboardInterrupt

        return tell

    with pytest.raises(StoppedError, match=r"^The tool starts"):
        bring(board, releases("two"), tell=interrupt_at("send"))
    board.wait_for("release one runs")
    with pytest.raises(StoppedError, match="restarts with the new firmware"):
        bring(board, releases("two"), tell=interrupt_at("restart"))
    board.wait_for("release two confirmed")
    # Its power goes at the same moment: nobody can tell it to restart.
    with pytest.raises(StoppedError, match=r"could not be told to restart.*Switch it off and on"):
        bring(board, releases("three"), tell=interrupt_at("send", board.power_off))
    assert_starts(board, "two")


def test_an_interrupt_while_a_tool_restarts_into_safe_mode_does_not_leave_it_there(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    board = make_board()
    board.put({"/main.py": RESTARTING})
    board.power_on()
    board.wait_for("a tool")

    def interrupt(_seconds: float) -> None:
        # While its port is away.
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        time.sleep(0.1)

    interrupted: list[bool] = []
    repl = RawRepl(str(board.port), 5.0, open_within_s=10.0, sleep=interrupt)
    with pytest.raises(StoppedError, match=r"^The tool starts"):
        deploy(lambda: repl, lambda _: releases("one"), listens(board, "one"), quiet)
    assert interrupted
    board.wait_for("a tool")


def test_a_cable_that_is_pulled_is_told_and_what_was_sent_is_not_sent_again(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    one, two = releases("one"), releases("two")
    board = make_board()
    board.power_on(unplug_after=one.total_bytes)
    with pytest.raises(TransportError) as raised:
        bring(board, one)
    assert raised.value.reason == LOST
    assert_told(raised.value, "went away", "Plug it in again")
    board.wait_off()
    board.power_on()
    assert 0 < bring(board, one).sent_files < len(one.files)
    assert bring(board, two).changed
    assert_starts(board, "two")


def test_the_manifest_on_the_board_can_be_read_and_names_every_file(
    make_board: Make, releases: Callable[..., Release]
) -> None:
    one = releases("one")
    board = tool_with(make_board, one)
    board.power_off()
    data = board.files()["/releases/a/release.json"]
    manifest = read_manifest(data)
    assert manifest is not None
    assert (manifest.id, dict(manifest.files)) == (one.id, one.hashes())
    assert set(json.loads(data)) == {
        "mpy_version", "mpy_sub_version", "architecture", "schema", "id", "version", "source_hash", "files"
    }  # fmt: skip
