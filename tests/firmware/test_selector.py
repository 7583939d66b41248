"""Which release a board starts, whatever is wrong with one, and wherever the power goes: see selector_bench.py."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iastm_host.workbench.release import Release

_ROOT = Path(__file__).resolve().parents[2]
Play = Callable[..., Any]

STAYED_DOWN = "it started twice and did not stay up"


@pytest.fixture
def play(micropython: str, tmp_path: Path) -> Play:
    """Return `play(script, **names)`: what `said` holds after a script; `FROZEN` is a folder with firmware in it."""
    frozen = tmp_path / "frozen" / "iastm_firmware"
    frozen.mkdir(parents=True)
    (frozen / "__init__.py").write_text("")
    (frozen / "start.py").write_text("def main():\n    import chip\n    chip.log.append('-')\n")

    def run(script: str, **names: Any) -> Any:
        given = "".join(f"{name} = {value!r}\n" for name, value in {"FROZEN": str(frozen.parent), **names}.items())
        code = "from tests.firmware.selector_bench import *\n" + given + textwrap.dedent(script)
        done = subprocess.run(
            [micropython, "-X", "heapsize=4m", "-c", code + "\nsys.stdout.write(json.dumps(said))\n"],
            env={**os.environ, "MICROPYPATH": f"{_ROOT}:.frozen"},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return json.loads(done.stdout)

    return run


kinds_of_files = pytest.mark.parametrize("kind", ["littlefs", "FAT"])


# on trial


@kinds_of_files
def test_a_release_on_trial_is_confirmed_once_its_loop_ran_for_five_seconds(play: Play, kind: str) -> None:
    said = play(
        """
        tool = Tool(kind).put_release("a", "good").put_release("b", "good").put_state("b trial 2 a")
        said = []
        for seconds in (4, 5, 9):
            said += [tool.boot(Chip(seconds)), tool.ran, tool.state]
        """,
        kind=kind,
    )
    assert said == ["ran", ["b"], "b trial 1 a", "ran", ["b"], "b ok 0 -", "ran", ["b"], "b ok 0 -"]


def test_no_release_is_confirmed_that_takes_no_samples(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "good").put_state("b trial 2 a")
        tool.boot(Chip(100, samples=False))
        said = [tool.ran, tool.state]
        """
    )
    assert said == [["b"], "b trial 1 a"]


def test_a_tool_that_lies_on_its_tip_is_confirmed_two_seconds_later(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "good").put_state("b trial 2 a")
        said = []
        for seconds in (6, 7):
            said += [tool.boot(Chip(seconds, may_write=False)), tool.ran, tool.state]
        """
    )
    assert said == ["ran", ["b"], "b trial 1 a", "ran", ["b"], "b ok 0 -"]


def test_a_moment_out_of_contact_in_these_two_seconds_is_preferred(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "good").put_state("b trial 2 a")
        chip = Chip(6, may_write=False)
        def lifted(second):
            chip.may_write = second == 5
        chip.passed = lifted
        said = [tool.boot(chip), tool.state]
        """
    )
    assert said == ["ran", "b ok 0 -"]


def test_what_confirms_a_release_leaves_the_heap_and_so_it_does_where_there_is_nothing_to_confirm(play: Play) -> None:
    said = play(
        """
        body = "good, and tells what is loaded"
        tool = Tool().put_release("a", "good").put_release("b", body).put_state("b trial 2 a")
        said = []
        for seconds in (4, 5, 0):
            tool.boot(Chip(seconds))
            said.append(tool.ran[-1])
        """
    )
    assert said == [True, False, False]


def test_a_state_that_somebody_changed_meanwhile_is_left_as_it_is(play: Play) -> None:
    said = play(
        """
        def change(second):
            if second == 2:
                with open("/releases/state", "w") as file:
                    file.write(line_of("a trial 2 b"))
        tool = Tool().put_release("a", "good").put_release("b", "good").put_state("b trial 2 a")
        chip = Chip()
        chip.passed = change
        tool.boot(chip)
        said = [tool.ran, tool.state]
        """
    )
    assert said == [["b"], "a trial 2 b"]


@kinds_of_files
@pytest.mark.parametrize(
    ("body", "ended", "why"),
    [
        ("raises", "Restarted", "ValueError: it broke"),
        ("has no memory", "Restarted", "MemoryError: memory allocation failed"),
        ("lacks a part", "Restarted", "ImportError: no module named 'iastm_firmware.nothing'"),
        ("can't be compiled", "Restarted", "SyntaxError: invalid syntax"),
        ("fails in its loop", "Restarted", "ValueError: in its loop"),
    ],
)
def test_a_release_that_fails_on_trial_is_given_up_at_once_with_its_traceback(
    play: Play, kind: str, body: str, ended: str, why: str
) -> None:
    said = play(
        """
        tool = Tool(kind).put_release("a", "good").put_release("b", body, id="2.0+00ff").put_state("b trial 2 a")
        said = [tool.boot(), tool.state]
        failed = tool.text("failed").split("\\n")
        said += [failed[0], failed[1], failed[-2], tool.boot(), tool.ran, tool.state]
        said.append(tool.text("failed").split("\\n")[0])
        """,
        kind=kind,
        body=body,
    )
    first = "b 2.0+00ff"
    traceback = "Traceback (most recent call last):"
    # Behind it stands how many bytes were asked for.
    said[4] = said[4].partition(", allocating")[0]
    assert said == [ended, "a ok 0 -", first, traceback, why, "ran", ["a"], "a ok 0 -", first]


@kinds_of_files
@pytest.mark.parametrize(("body", "ended"), [("hangs", "Bitten"), ("exits", "SystemExit")])
def test_a_release_that_ends_in_any_other_way_is_given_up_after_two_starts(
    play: Play, kind: str, body: str, ended: str
) -> None:
    said = play(
        """
        tool = Tool(kind).put_release("a", "good").put_release("b", body).put_state("b trial 2 a")
        said = []
        for _ in range(3):
            said += [tool.boot(), tool.ran, tool.state]
        said += [tool.text("failed")]
        """,
        kind=kind,
        body=body,
    )
    assert said[:6] == [ended, ["b"], "b trial 1 a", ended, ["b"], "b trial 0 a"]
    assert said[6:] == ["ran", ["a"], "a ok 0 -", f"b 1.0+b\n{STAYED_DOWN}\n"]


def test_who_asks_for_the_prompt_gets_it_from_a_release_on_trial(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "is interrupted").put_state("b trial 2 a")
        said = [tool.boot(), tool.ran, tool.state, tool.text("failed")]
        """
    )
    assert said == ["KeyboardInterrupt", ["b"], "b trial 1 a", None]


def test_the_first_release_falls_back_to_what_is_frozen(play: Play) -> None:
    said = play(
        """
        tool = Tool(frozen=FROZEN).put_release("a", "raises").put_state("a trial 2 -")
        said = [tool.boot(), tool.state, tool.boot(), tool.ran]
        """
    )
    assert said == ["Restarted", "- ok 0 -", "ran", ["-"]]


@pytest.mark.parametrize(
    ("body", "why"), [("raises", "ValueError: it broke"), ("fails in its loop", "ValueError: in its loop")]
)
def test_why_a_release_was_given_up_is_told_once(play: Play, body: str, why: str) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", body).put_state("b trial 2 a")
        tool.boot()
        said = []
        for _ in range(2):
            tool.boot()
            for reason, text in tool.chip.news:
                lines = text.strip().split("\\n")
                said.append([reason, lines[0], lines[-1]])
        """,
        body=body,
    )
    assert said == [["a release was given up", "b 1.0+b", why]]


# confirmed


def test_a_confirmed_release_that_fails_shows_its_traceback_and_stays_in_force(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "raises").put_state("b ok 0 -")
        said = [tool.boot(), traceback_of(tool.failed), tool.state, tool.text("failed")]
        """
    )
    assert said == ["ValueError", "ValueError: it broke", "b ok 0 -", None]


def test_a_release_that_fails_once_it_was_confirmed_is_not_given_up(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "good, and fails later").put_state("b trial 2 a")
        said = [tool.boot(), tool.state, tool.text("failed")]
        """
    )
    assert said == ["ValueError", "b ok 0 -", None]


# what is there


@pytest.mark.parametrize(
    ("whole", "state", "frozen", "started"),
    [
        ("ab", "a ok 0 -", True, "a"),
        ("ab", "b ok 0 -", True, "b"),
        ("ab", "- ok 0 -", True, "-"),
        ("ab", None, True, "-"),
        ("", None, True, "-"),
        # What the state names is not there any more.
        ("b", "a ok 0 -", True, "-"),
        ("b", "a ok 0 -", False, "b"),
        ("a", "b trial 2 a", True, "a"),
        ("", "b trial 2 a", True, "-"),
        ("b", "b trial 2 -", False, "b"),
        ("b", "b trial 0 a", True, "-"),
        # Better than nothing.
        ("b", "b trial 0 a", False, "b"),
        ("ab", None, False, "a"),
        ("b", None, False, "b"),
        ("", "a ok 0 -", False, None),
        ("", None, False, None),
    ],
)
def test_what_is_not_whole_is_never_started_and_what_is_there_is(
    play: Play, whole: str, state: str | None, frozen: bool, started: str | None
) -> None:
    said = play(
        """
        tool = Tool(frozen=FROZEN if frozen else None)
        for place in "ab":
            tool.put_release(place, "good", place in whole)
        if state:
            tool.put_state(state)
        said = [tool.boot(), tool.ran]
        """,
        whole=whole,
        state=state,
        frozen=frozen,
    )
    if started is None:
        assert said == ["IASTM: there is no firmware on this board. On the computer:  iastm deploy", []]
    else:
        assert said == ["ran", [started]]


def test_a_release_on_trial_that_is_not_whole_is_given_up(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "good", False).put_state("b trial 2 a")
        said = [tool.boot(), tool.ran, tool.state, tool.text("failed")]
        """
    )
    assert said == ["ran", ["a"], "a ok 0 -", "b ?\nit is not complete, or compiled for another MicroPython\n"]


def test_without_a_folder_for_releases_what_is_frozen_or_lies_beside_it_starts(play: Play) -> None:
    said = play(
        """
        said = []
        for frozen in (FROZEN, None):
            chip = sys.modules["chip"] = Chip()
            sys.path[:] = [""] + ([frozen] if frozen else []) + [".frozen"]
            exec(MAIN, {"__name__": "__main__", "print": chip.said.append})
            said += [chip.log, [words.split(".")[0] for words in chip.said]]
            for name in ("iastm_firmware", "iastm_firmware.start"):
                sys.modules.pop(name, None)
        """
    )
    assert said == [["-"], [], [], ["IASTM: there is no firmware on this board"]]


def head_of(version: int, sub_version: int) -> str:
    """Return what a release.json begins with, as deploy writes it."""
    head = Release("1.0", "0" * 16, version, sub_version, "armv6m", {}).manifest()[1:]
    return head[: head.index(b'"architecture"')].decode()


@pytest.mark.parametrize(
    ("state", "frozen", "of_a", "of_b", "started"),
    [
        # Another MicroPython was written to the board: the number of the bytecode, or of the native code in it.
        ("a ok 0 -", False, head_of(5, 3), head_of(6, 3), "b"),
        ("a ok 0 -", False, head_of(6, 2), head_of(6, 3), "b"),
        ("a ok 0 -", True, head_of(7, 3), head_of(6, 3), "-"),
        ("b ok 0 -", True, head_of(6, 3), head_of(60, 3), "-"),
        ("b trial 2 a", False, head_of(6, 3), head_of(5, 3), "a"),
        ("a ok 0 -", False, head_of(5, 3), head_of(5, 3), None),
        # What says no number, or none that can be read, is not passed over.
        ("a ok 0 -", True, "", head_of(6, 3), "a"),
        ("a ok 0 -", True, '"mpy_version":six,', head_of(6, 3), "a"),
        ("a ok 0 -", True, '"mpy_version":"\x85', head_of(6, 3), "a"),
        ("a ok 0 -", True, head_of(6, 3), head_of(6, 3), "a"),
    ],
)
def test_a_release_for_another_micropython_is_passed_over(
    play: Play, state: str, frozen: bool, of_a: str, of_b: str, started: str | None
) -> None:
    said = play(
        """
        assert (sys.implementation._mpy & 0xFF, sys.implementation._mpy >> 8 & 3) == (6, 3)
        tool = Tool(frozen=FROZEN if frozen else None).put_state(state)
        tool.put_release("a", "good", head=of_a).put_release("b", "good", head=of_b)
        tool.boot()
        said = tool.ran
        """,
        state=state,
        frozen=frozen,
        of_a=of_a,
        of_b=of_b,
    )
    assert said == ([started] if started else [])


def test_a_release_json_that_is_no_text_forbids_no_start(play: Play) -> None:
    said = play(
        """
        tool = Tool(frozen=FROZEN).put_release("a", "good").put_state("a ok 0 -")
        def rot():
            with open("/releases/a/release.json", "wb") as file:
                file.write(b"\xff\xfe" * 300)
        tool.change(rot)
        said = [tool.boot(), tool.ran]
        """
    )
    assert said == ["ran", ["a"]]


def test_firmware_beside_main_py_that_can_not_be_loaded_is_passed_over(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("b", "good").put_state("a ok 0 -")
        def older():
            put("/iastm_firmware/start.py", "")
            with open("/iastm_firmware/__init__.mpy", "wb") as file:
                file.write(b"M\x05\x1f\x1f" + bytes(2))
        tool.change(older)
        said = [tool.boot(), tool.ran]
        """
    )
    assert said == ["ran", ["b"]]


# the board's own files

KINDS_OF_FAILURE = ["raises", "fails in its loop", "hangs"]
# As deploy leaves them: those of before the trial, an empty one where there was none.
TRIED = """
tool = Tool(kind).put_release("a", "good").put_release("b", body).put_state(state)
tool.put_root("board.py", "tried").put_root("board_name.txt", "tried")
tool.put_text("before/board.py", "before").put_text("before/board_name.txt", "")
board = lambda: [tool.text("board.py", "/"), tool.text("board_name.txt", "/")]
"""


@kinds_of_files
@pytest.mark.parametrize("body", KINDS_OF_FAILURE)
@pytest.mark.parametrize("state", ["b trial 2 a", "b trial 2 b"])
def test_board_files_that_were_tried_with_a_release_are_given_up_with_it(
    play: Play, kind: str, body: str, state: str
) -> None:
    said = play(
        TRIED
        + """
said = []
while " trial " in tool.state:
    said = board()
    tool.boot()
said += board() + [tool.state, tool.text("before/board.py")]
""",
        kind=kind,
        body=body,
        state=state,
    )
    assert said == ["tried", "tried", "before", None, f"{state[-1]} ok 0 -", None]


def test_board_files_of_a_release_that_stays_up_stay_and_count_for_no_later_trial_that_has_its_own(play: Play) -> None:
    said = play(
        TRIED
        + """
tool.boot()
said = board() + [tool.state]
""",
        kind="littlefs",
        body="good",
        state="b trial 2 a",
    )
    assert said == ["tried", "tried", "b ok 0 -"]


# the state


def test_a_damaged_state_counts_as_none_and_the_one_that_waits_beside_it_holds(play: Play) -> None:
    said = play(
        """
        line = line_of("b trial 2 a").strip()
        tool = Tool(frozen=FROZEN).put_release("a", "good").put_release("b", "good")
        said = []
        damaged = [line[:n] for n in range(len(line))]
        damaged += [line[:n] + chr(ord(line[n]) ^ 1) + line[n + 1 :] for n in range(len(line))]
        damaged += ["", "\\n", " " + line, line + " ", line + "\\nmore", line * 100, "\\0" * 50]
        for text in damaged:
            tool.put_text("state", text)
            tool.boot()
            said.append(tool.ran)
        ran = len(said)
        tool.put_text("state.new", line_of("a ok 0 -"))
        for text in damaged:
            tool.put_text("state", text)
            tool.boot()
            said.append(tool.ran)
        said = [said[:ran].count(["-"]), said[ran:].count(["a"]), len(damaged)]
        def bytes_of_no_text():
            with open("/releases/state", "wb") as file:
                file.write(b"\\xff\\xfe" * 20)
        tool.change(bytes_of_no_text)
        tool.boot()
        said.append(tool.ran)
        """
    )
    without, beside, damaged, no_text = said
    assert (without, beside, no_text) == (damaged, damaged, ["a"])
    assert damaged > 40


def test_the_only_copy_of_a_state_is_not_written_over(play: Play) -> None:
    # As a power cut amid FAT's rename leaves it.
    said = play(
        """
        said = []
        for kind, torn in (("littlefs", False), ("littlefs", True), ("FAT", False)):
            tool = Tool(kind).put_release("a", "good").put_release("b", "good")
            tool.put_text("state.new", line_of("b ok 0 -"))
            write = load_main()["write"]
            states = []
            switch = lambda tool, **how: tool.change(lambda: write(("a", "trial", 2, "b")), **how)
            cuts = cut(tool, switch, lambda tool: states.append(tool.state), torn)
            said.append([cuts, sorted(set(states)), tool.state])
        """
    )
    for cuts, states, last in said:
        assert cuts > 3
        assert "b ok 0 -" in states
        assert {*states, last} <= {"a trial 2 b", "b ok 0 -"}
        assert last == "a trial 2 b"


def test_a_start_that_can_not_be_counted_is_none_of_a_release_on_trial(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "hangs").put_state("b trial 2 a")
        said = [tool.boot(readonly=True), tool.ran, tool.state, tool.boot(), tool.ran, tool.state]
        """
    )
    assert said == ["ran", ["a"], "b trial 2 a", "Bitten", ["b"], "b trial 1 a"]


@kinds_of_files
def test_a_full_file_system_stops_no_start_and_no_tool_and_is_not_asked_all_the_time(play: Play, kind: str) -> None:
    said = play(
        """
        tool = Tool(kind).put_release("a", "good").put_release("b", "good, and finds the file system full")
        said = []
        for seconds in (6, 1000):
            tool.put_state("b trial 2 a")
            said += [tool.boot(Chip(seconds)), tool.ran, tool.state]
        """,
        kind=kind,
    )
    # After 5 s, then 10, 20, …
    assert said == ["ran", ["b", 1], "b trial 1 a", "ran", ["b", 7], "b trial 1 a"]


def test_in_contact_a_full_file_system_is_asked_once(play: Play) -> None:
    said = play(
        """
        tool = Tool().put_release("a", "good").put_release("b", "good, and finds the file system full")
        tool.put_state("b trial 2 a").boot(Chip(1000, may_write=False))
        said = [tool.ran, tool.state]
        """
    )
    assert said == [["b", 1], "b trial 1 a"]


def test_on_a_full_file_system_the_release_before_runs(play: Play) -> None:
    said = play(
        """
        tool = Tool(blocks=64).put_release("a", "good").put_release("b", "hangs").put_state("b trial 2 a")
        def fill():
            refused = 0
            number = 0
            while refused < 30:
                number += 1
                try:
                    with open("/releases/of%d" % number, "wb") as file:
                        file.write(bytes(500 if refused < 10 else 40))
                except OSError:
                    refused += 1
        tool.change(fill)
        said = []
        for _ in range(4):
            tool.boot()
            said.append(tool.ran)
        """
    )
    # Where there was room to count it still, twice at most.
    assert said[-1] == ["a"]
    assert said.count(["b"]) <= 2


# power cuts

MEDIA = pytest.mark.parametrize(("kind", "torn"), [("littlefs", False), ("littlefs", True), ("FAT", False)])


@MEDIA
@pytest.mark.parametrize(
    ("state", "body", "last"),
    [
        # A start on trial, which is confirmed.
        ("b trial 2 a", "good", "b ok 0 -"),
        ("b trial 1 a", "good", "b ok 0 -"),
        # Starts that end in giving it up: it raises, hangs, or hung.
        ("b trial 2 a", "raises", "a ok 0 -"),
        ("b trial 2 a", "hangs", "a ok 0 -"),
        ("b trial 0 a", "hangs", "a ok 0 -"),
        ("b trial 2 a", "fails in its loop", "a ok 0 -"),
    ],
)
def test_wherever_the_power_goes_in_a_start_one_of_both_releases_starts_and_the_right_one_in_the_end(
    play: Play, kind: str, torn: bool, state: str, body: str, last: str
) -> None:
    said = play(
        """
        tool = Tool(kind).put_release("a", "good").put_release("b", body).put_state(state)
        ends = []
        runs = []
        def check(tool):
            runs.append(settled(tool))
            ends.append(tool.state)
            tool.boot()
            # What was given up is told in the log, unless the power went as it was noted.
            assert tool.text("failed") is None or tool.text("failed") == "" or tool.text("failed")[0] == "b"
        cuts = cut(tool, lambda tool, **how: tool.boot(**how), check, torn)
        said = [cuts, sorted(set(ends)), max([places.count("b") for places in runs]), [places[-1] for places in runs]]
        """,
        kind=kind,
        torn=torn,
        state=state,
        body=body,
    )
    cuts, ends, most, last_run = said
    assert cuts >= 3
    given_up_for_power = {"a ok 0 -"} if state == "b trial 1 a" else set()
    assert {last} <= set(ends) <= {last} | given_up_for_power
    assert set(last_run) <= {end[0] for end in ends}
    assert body == "good" or most <= 2


@MEDIA
@pytest.mark.parametrize("body", KINDS_OF_FAILURE)
@pytest.mark.parametrize("state", ["b trial 1 a", "b trial 1 b"])
def test_wherever_the_power_goes_as_board_files_are_given_up_those_before_the_trial_are_there_in_the_end(
    play: Play, kind: str, torn: bool, body: str, state: str
) -> None:
    said = play(
        TRIED
        + """
ends = []
def check(tool):
    for _ in range(4):
        if tool.state == last:
            break
        tool.boot()
    ends.append(board() + [tool.state])
def give_up(tool, **how):
    if body == "hangs":
        tool.boot()
        tool.boot(**how)
    else:
        tool.boot(**how)
cuts = cut(tool, give_up, check, torn)
said = [cuts, [list(end) for end in set([tuple(end) for end in ends])]]
""",
        kind=kind,
        torn=torn,
        body=body,
        state=state,
        last=f"{state[-1]} ok 0 -",
    )
    cuts, ends = said
    assert cuts > 8
    assert ends == [["before", None, f"{state[-1]} ok 0 -"]]


@MEDIA
@pytest.mark.parametrize(
    ("before", "after", "frozen"),
    [
        ("a ok 0 -", "b trial 2 a", False),
        ("a ok 0 -", "b trial 2 a", True),
        (None, "b trial 2 -", True),
        ("- ok 0 -", "b trial 2 -", True),
    ],
)
def test_wherever_the_power_goes_as_deploy_switches_the_release_before_or_the_new_one_starts(
    play: Play, kind: str, torn: bool, before: str | None, after: str, frozen: bool
) -> None:
    said = play(
        """
        tool = Tool(kind, FROZEN if frozen else None).put_release("b", "good")
        if before != None and before[0] == "a":
            tool.put_release("a", "good")
        if before:
            tool.put_state(before)
        words = after.split()
        write = load_main()["write"]
        switch = lambda tool, **how: tool.change(lambda: write((words[0], words[1], 2, words[3])), **how)
        started = []
        def check(tool):
            said.append([tool.boot(), tool.state])
            started.append(tool.ran[0])
        said = []
        cuts = cut(tool, switch, check, torn)
        said = [cuts, sorted(set(started)), sorted(set([ended for ended, _ in said])), tool.state]
        """,
        kind=kind,
        torn=torn,
        before=before,
        after=after,
        frozen=frozen,
    )
    cuts, started, ended, state = said
    old = before[0] if before else "-"
    assert cuts >= 3
    assert set(started) <= {old, "b"}
    assert old in started
    assert (ended, state) == (["ran"], after)


# memory


def test_the_selector_keeps_little_of_the_heap(play: Play) -> None:
    said = play(
        """
        import tests.firmware.selector_bench as bench
        tool = Tool().put_release("a", "tells its heap").put_state("a ok 0 -")
        tool.boot()
        with_it = tool.ran[-1]
        bench.MAIN = "import sys\\nsys.path.insert(0, '/releases/a')\\nimport iastm_firmware.start as s\\ns.main()\\n"
        tool.boot()
        said = with_it - tool.ran[-1]
        """
    )
    # On 64 bits, where all that is not text takes twice what it takes on a board.
    assert said < 8000
