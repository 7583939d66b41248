"""A tool on an emulated Pico through deploys: it comes up, is updated, goes back to what ran, and outlasts power cuts.

The image has the firmware frozen in; bench.py has what the releases here are. What starts, confirms itself, restarts
and is bitten is the firmware's own code on the chip, and who asks it is the toolkit's. Seconds of the chip take eight
to fifteen here: all for --soak.
"""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.emulated.bench import deploy_to, hear, state_in, thin_release
from tests.emulated.journal import Change
from tests.emulated.pico import ERASED, Pico, files_of

from iastm_host.events import Problem, ToolDescription
from iastm_host.workbench.board_state import FAILED, NOWHERE, OK, TRIAL, State
from iastm_host.workbench.deploy import Deployed
from iastm_host.workbench.release import Release, read_manifest

FIRST_HASH, NEW_HASH, RAISING_HASH, HANGING_HASH = "1" * 16, "2" * 16, "3" * 16, "4" * 16
RAISES = """
def apply():
    from iastm_firmware import start
    def main():
        raise ValueError("made to fail")
    start.main = main
"""
# As one that waits for a part which never answers.
HANGS = """
def apply():
    import time
    from iastm_firmware.drivers.played import Played
    def next_conversion(self):
        while True:
            time.sleep_ms(10)
    Played.next_conversion = next_conversion
"""
Report = Callable[[str, object], None]


@dataclass(frozen=True)
class Ran:
    """One deploy and the power cut after it: what it gave, the tool then, and the flash before it and after."""

    deployed: Deployed
    release: Release
    tool: ToolDescription
    before: bytes
    flash: bytes
    changes: list[Change]


@pytest.fixture(scope="module")
def frozen(image: Path, pytestconfig: pytest.Config) -> Path:
    """The image with the firmware in it."""
    if not pytestconfig.getoption("--soak"):
        pytest.skip("minutes of emulation: only under --soak")
    return image


@pytest.fixture(autouse=True)
def patience() -> None:
    """Let a test be silent for longer than pytest does."""
    faulthandler.cancel_dump_traceback_later()


def _ran(image: Path, folder: Path, release: Release, flash: bytes = ERASED) -> Ran:
    faulthandler.cancel_dump_traceback_later()
    with Pico(image, folder, flash) as pico:
        deployed = deploy_to(pico, release)
        tool = hear(pico)
    return Ran(deployed, release, tool, flash, pico.flash, pico.last_changes)


@pytest.fixture(scope="module")
def first(frozen: Path, tmp_path_factory: pytest.TempPathFactory, record_testsuite_property: Report) -> Ran:
    """A board with nothing in its flash, deployed to."""
    folder = tmp_path_factory.mktemp("first")
    begin_s = time.monotonic()
    ran = _ran(frozen, folder, thin_release(FIRST_HASH, folder))
    record_testsuite_property("first tool: seconds here", round(time.monotonic() - begin_s))
    return ran


@pytest.fixture(scope="module")
def update(
    first: Ran, frozen: Path, tmp_path_factory: pytest.TempPathFactory, record_testsuite_property: Report
) -> Ran:
    """The same board, deployed to once more."""
    folder = tmp_path_factory.mktemp("update")
    begin_s = time.monotonic()
    ran = _ran(frozen, folder, thin_release(NEW_HASH, folder), first.flash)
    record_testsuite_property("updated tool: seconds here", round(time.monotonic() - begin_s))
    return ran


def test_a_tool_comes_up_with_what_was_deployed_and_confirms_itself(first: Ran) -> None:
    assert first.deployed.changed
    assert first.deployed.place == "a"
    assert first.deployed.trouble == ""
    assert first.tool.source_hash == FIRST_HASH
    assert first.tool.simulated
    assert first.tool.board == "Demo RP2040"
    assert state_in(files_of(first.flash) or {}) == State("a", OK, 0, NOWHERE)


def test_an_update_sends_what_changed_alone_and_keeps_the_release_before(first: Ran, update: Ran) -> None:
    changed = [path for path, data in update.release.files.items() if first.release.files[path] != data]
    assert changed == ["iastm_firmware/built.mpy"]
    assert update.deployed.place == "b"
    assert update.deployed.sent_files == len(changed)
    assert update.deployed.sent_bytes == sum(len(update.release.files[path]) for path in changed)
    assert update.deployed.kept_files == len(update.release.files) - len(changed)
    assert update.tool.source_hash == NEW_HASH
    files = files_of(update.flash) or {}
    assert state_in(files) == State("b", OK, 0, NOWHERE)
    for place, release in (("a", first.release), ("b", update.release)):
        manifest = read_manifest(files[f"/releases/{place}/release.json"])
        assert manifest is not None
        assert dict(manifest.files) == release.hashes()
        assert {path: files[f"/releases/{place}/{path}"] for path in release.files} == release.files


@pytest.mark.parametrize(
    ("source_hash", "change", "reason", "bites"),
    [
        pytest.param(RAISING_HASH, RAISES, "ValueError: made to fail.", 0, id="raises"),
        pytest.param(HANGING_HASH, HANGS, "it started twice and did not stay up.", 2, id="hangs"),
    ],
)
def test_a_release_that_does_not_come_up_is_taken_back_and_the_deploy_says_why(
    first: Ran, frozen: Path, tmp_path: Path, source_hash: str, change: str, reason: str, bites: int
) -> None:
    bad = thin_release(source_hash, tmp_path, change)
    with Pico(frozen, tmp_path, first.flash) as pico:
        with pytest.raises(Problem) as refused:
            deploy_to(pico, bad)
        tool = hear(pico)
    assert refused.value.what == f"The new firmware did not start: {reason} The tool runs the one before."
    assert tool.source_hash == FIRST_HASH
    assert pico.bites == bites
    files = files_of(pico.flash) or {}
    assert state_in(files) == State("a", OK, 0, NOWHERE)
    assert files[FAILED].decode().startswith(f"b {bad.id}\n")
    # Nothing can choose it for want of another.
    assert "/releases/b/release.json" not in files


def _flashes(ran: Ran) -> Iterator[tuple[bytes, dict[str, bytes]]]:
    """Yield what a flash held after each change of a deploy, with the files in it."""
    flash = bytearray(ran.before)
    for change in ran.changes:
        change.apply(flash)
        yield bytes(flash), files_of(bytes(flash)) or {}


def _amid_sending(files: dict[str, bytes], release: Release) -> bool:
    there = sum(f"/releases/b/{path}" in files for path in release.files)
    return 2 * there >= len(release.files)


def _is_complete(files: dict[str, bytes], release: Release) -> bool:
    return files.get("/releases/b/release.json") == release.manifest()


@pytest.mark.parametrize("is_cut", [_amid_sending, _is_complete], ids=["amid sending", "after release.json"])
def test_cut_before_it_is_told_of_an_update_the_chip_starts_the_release_before(
    update: Ran, frozen: Path, tmp_path: Path, is_cut: Callable[[dict[str, bytes], Release], bool]
) -> None:
    flash, files = next(found for found in _flashes(update) if is_cut(found[1], update.release))
    assert state_in(files) == State("a", OK, 0, NOWHERE)
    with Pico(frozen, tmp_path, flash) as pico:
        assert hear(pico).source_hash == FIRST_HASH


def test_cut_at_each_start_of_its_trial_the_update_is_tried_twice_and_left_for_the_release_before(
    update: Ran, frozen: Path, tmp_path: Path
) -> None:
    trial = State("b", TRIAL, 2, "a")
    # The first change after which the new state is what is read: its rename.
    flash = next(flash for flash, files in _flashes(update) if state_in(files) == trial)
    pico = Pico(frozen, tmp_path, flash)
    told = []
    for state in (State("b", TRIAL, 1, "a"), State("b", TRIAL, 0, "a"), State("a", OK, 0, NOWHERE)):
        with pico:
            told.append(hear(pico).source_hash)
        assert state_in(files_of(pico.flash) or {}) == state
    assert told == [NEW_HASH, NEW_HASH, FIRST_HASH]


def test_a_tool_that_is_greeted_all_the_while_it_starts_comes_up(first: Ran, frozen: Path, tmp_path: Path) -> None:
    def hasty_clock_us() -> int:
        return round(time.monotonic() * 1e6)

    with Pico(frozen, tmp_path, first.flash) as pico:
        assert hear(pico, hasty_clock_us).source_hash == FIRST_HASH
    assert pico.bites == 0
