import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.host.workbench.flash_bench import Bench, Prompt
from tests.played_board.played import played_boards

from iastm_host.events import Problem
from iastm_host.transports.repl import RawRepl, ReplError
from iastm_host.workbench.board_state import State
from iastm_host.workbench.flash_files import prepare_frozen
from iastm_host.workbench.release import Release

PORT = "/dev/ttyACM0"
MPY = b"M\x06\x00\x1f"
RELEASE = Release("0.0.9", "0123456789abcdef", 6, 3, "armv6m", {"iastm_firmware/app.mpy": MPY})
KEPT = {"/calibration": b"kept", "/releases/a/iastm_firmware/app.mpy": MPY}


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.prompts[PORT] = Prompt("Raspberry Pi Pico W with RP2040")
    return bench


def files(bench: Bench) -> dict[str, bytes]:
    return bench.prompts[PORT].files


def prepare(bench: Bench, agree: bool | None = None, file: bytes | None = None, name: str | None = None) -> list[str]:
    """Return what was asked; `agree` None: nothing may be."""
    asked: list[str] = []

    def answer(question: str) -> bool:
        asked.append(question)
        assert agree is not None, question
        return agree

    prepare_frozen(bench.desk(), PORT, file=file, name=name, agree=answer)
    return asked


def test_a_board_with_nothing_of_ours_in_its_files_is_left_as_it_is(bench: Bench) -> None:
    files(bench)["/main.py"] = b"# iastm_firmware"
    prepare(bench)
    assert files(bench) == {"/main.py": b"# iastm_firmware"}
    assert bench.prompts[PORT].done[-1] == "reset"


@pytest.mark.parametrize("path", ["/releases/state", "/releases/state.new"])
def test_a_release_that_goes_first_is_put_out_of_force_once_a_person_agrees(bench: Bench, path: str) -> None:
    files(bench).update(KEPT)
    files(bench).update({"/releases/a/release.json": RELEASE.manifest(), path: State("a").line()})
    (question,) = prepare(bench, agree=True)
    assert "it starts the release 0.0.9+0123456789abcdef" in question
    assert files(bench) == KEPT
    prepare(bench)


def test_who_does_not_agree_is_told_that_the_frozen_firmware_does_not_run(bench: Bench) -> None:
    files(bench).update({"/releases/b/release.json": RELEASE.manifest(), "/releases/state": State("b").line()})
    before = dict(files(bench))
    with pytest.raises(Problem, match=r"the tool runs the release 0\.0\.9\+0123456789abcdef") as raised:
        prepare(bench, agree=False)
    assert "iastm deploy" in raised.value.fix
    assert files(bench) == before
    assert bench.prompts[PORT].done[-1] == "reset"


@pytest.mark.parametrize(
    "state", [State(), State("a"), State("a", "trial", 2, "-")], ids=["frozen in force", "gone", "gone on trial"]
)
def test_a_release_that_is_not_in_force_or_not_whole_is_none_that_goes_first(bench: Bench, state: State) -> None:
    """As the selector has it: without release.json nothing is started of it."""
    files(bench).update({"/releases/b/release.json": RELEASE.manifest(), "/releases/state": state.line()})
    prepare(bench)


def test_the_fallback_of_a_trial_that_is_not_whole_goes_first(bench: Bench) -> None:
    state = State("a", "trial", 2, "b")
    files(bench).update({"/releases/b/release.json": RELEASE.manifest(), "/releases/state": state.line()})
    assert prepare(bench, agree=True)


def test_board_files_on_trial_are_put_back_so_that_nothing_else_does_it_later(bench: Bench) -> None:
    files(bench).update({"/board_name.txt": b"demo", "/releases/before/board_name.txt": b"esp32_s3"})
    files(bench)["/releases/state"] = State("a", "trial", 2, "-").line()
    prepare(bench)
    assert files(bench) == {"/board_name.txt": b"esp32_s3"}


def test_a_release_for_another_micropython_is_not_started_and_does_not_go_first(bench: Bench) -> None:
    older = Release("0.0.9", "0123456789abcdef", 5, 0, "armv6m", {"iastm_firmware/app.mpy": MPY})
    files(bench).update({"/releases/a/release.json": older.manifest(), "/releases/state": State("a").line()})
    prepare(bench)


def test_firmware_that_was_copied_by_hand_goes_first_and_is_kept_under_another_name(bench: Bench) -> None:
    files(bench).update({"/iastm_firmware/app.py": b"1", "/iastm_protocol/kinds.py": b"2"})
    (question,) = prepare(bench, agree=True)
    assert "the firmware in /iastm_protocol" in question
    assert files(bench) == {"/iastm_firmware.before0/app.py": b"1", "/iastm_protocol.before0/kinds.py": b"2"}


def test_a_board_gets_its_name_and_what_would_go_before_it_is_kept(bench: Bench) -> None:
    files(bench).update({"/board_name.txt": b"demo", "/board.py": b"WIRING = {}"})
    prepare(bench, name="pico_w")
    assert files(bench) == {"/board_name.txt": b"pico_w", "/board.py.before": b"WIRING = {}"}


def test_a_board_gets_its_file(bench: Bench) -> None:
    files(bench)["/board_name.txt"] = b"demo"
    prepare(bench, file=b"WIRING = {}")
    assert files(bench) == {"/board_name.txt": b"demo", "/board.py": b"WIRING = {}"}


def test_a_file_system_that_takes_nothing_is_told_with_what_is_lost_by_its_cure(bench: Bench) -> None:
    class Full(Prompt):
        def write_file(self, path: str, data: bytes, progress: Callable[[int, int], None] | None = None) -> None:
            del path, data, progress
            raise ReplError("Traceback (most recent call last):\nOSError: [Errno 28] ENOSPC\n")

    full = bench.prompts[PORT] = Full("Raspberry Pi Pico W with RP2040")
    with pytest.raises(Problem, match=r"ENOSPC") as raised:
        prepare(bench, name="demo")
    assert "calibration, key and log" in raised.value.fix
    assert full.done[-1] == "reset"


@pytest.mark.skipif(os.name == "nt", reason="plays ports as pseudo-terminals")
@pytest.mark.parametrize("file_system", ["littlefs", "fat"])
def test_on_a_real_micropython_what_went_first_is_put_out_of_force_and_the_pins_are_there(
    tmp_path: Path, file_system: str
) -> None:
    pytest.importorskip("mpremote")
    with played_boards(tmp_path) as make:
        board = make(file_system=file_system)
        by_hand = {"/iastm_firmware/app.py": b"1", "/iastm_firmware.before0/app.py": b"0"}
        release = {"/releases/a/release.json": RELEASE.manifest(), "/releases/state": State("a").line()}
        board.put({**KEPT, **by_hand, **release, "/board.py": b"WIRING = {}", "/board_name.txt": b"demo"})
        board.power_on()
        desk = replace(Bench().desk(), repl=lambda port, within_s: RawRepl(port, open_within_s=within_s))
        asked: list[str] = []

        def agree(question: str) -> bool:
            asked.append(question)
            return True

        prepare_frozen(desk, str(board.port), file=None, name="pico_w", agree=agree)
        board.power_off()
        assert "it starts the release 0.0.9" in asked[0]
        assert len(asked) == 1
        assert board.files() == {
            **KEPT,
            "/iastm_firmware.before0/app.py": b"0",
            "/iastm_firmware.before1/app.py": b"1",
            "/board.py.before": b"WIRING = {}",
            "/board_name.txt": b"pico_w",
        }
