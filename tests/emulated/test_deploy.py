"""A deploy to an emulated Pico: real MicroPython, real littlefs in its flash, and the toolkit's own way to its prompt.

The image has nothing of ours in it. What a deploy writes, and in which order, is the chip's doing here. Whether the
tool then comes up is for test_deploy_tool.py: the whole firmware does not fit into the memory of this chip from files,
and tools on it have it frozen (docs/boards.md, "Freezing"). A second of the chip takes eight to fifteen: for --soak.
"""

from __future__ import annotations

import faulthandler
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.emulated.bench import ARCHITECTURE, PROMPT_S, state_in
from tests.emulated.journal import Change
from tests.emulated.pico import ERASED, SLOWER, Pico, files_of

from iastm_host.transports.repl import RawRepl
from iastm_host.workbench.board_state import NOWHERE, TRIAL
from iastm_host.workbench.compiler import compile_release
from iastm_host.workbench.deploy import RUNS, Deployed, Step, Verdict, deploy
from iastm_host.workbench.release import Release, read_manifest, selector_source


@dataclass(frozen=True)
class Ran:
    """One deploy and the power cut right after it: what it gave, what the flash held then, and how it came to that."""

    deployed: Deployed
    release: Release
    flash: bytes
    changes: list[Change]


@pytest.fixture(scope="module")
def plain(plain_image: Path, pytestconfig: pytest.Config) -> Path:
    """The image without anything of ours."""
    if not pytestconfig.getoption("--soak"):
        pytest.skip("minutes of emulation: only under --soak")
    return plain_image


@pytest.fixture(scope="module")
def first(
    plain: Path, tmp_path_factory: pytest.TempPathFactory, record_testsuite_property: Callable[[str, object], None]
) -> Ran:
    """A bare board, deployed to for the first time."""
    # Longer than pytest lets a test be silent.
    faulthandler.cancel_dump_traceback_later()
    release = compile_release(ARCHITECTURE)
    began_s: dict[str, float] = {}
    with Pico(plain, tmp_path_factory.mktemp("first")) as pico:

        def tell(step: Step) -> None:
            began_s.setdefault(step.name, time.monotonic())

        deployed = deploy(
            lambda: RawRepl(pico.port, PROMPT_S * SLOWER, open_within_s=3 * PROMPT_S * SLOWER),
            {ARCHITECTURE: release}.__getitem__,
            lambda _: Verdict(RUNS),
            tell,
            board_name="demo",
            # It does not fit, and is to be written all the same.
            heap_needed_bytes=0,
        )
    names, times = list(began_s), [*began_s.values(), time.monotonic()]
    for name, begin_s, end_s in zip(names, times, times[1:], strict=False):
        record_testsuite_property(f"first deploy, {name}: seconds here", round(end_s - begin_s, 1))
    record_testsuite_property("first deploy: files and bytes sent", (deployed.sent_files, deployed.sent_bytes))
    record_testsuite_property("first deploy: changes to the flash", len(pico.last_changes))
    return Ran(deployed, release, pico.flash, pico.last_changes)


def _hashes(files: Mapping[str, bytes], place: str) -> dict[str, str]:
    root = f"/releases/{place}/"
    return {
        path.removeprefix(root): hashlib.sha256(data).hexdigest()
        for path, data in files.items()
        if path.startswith(root) and path != f"{root}release.json"
    }


def test_what_lies_in_the_flash_is_what_was_deployed_to_the_last_byte(first: Ran) -> None:
    files = files_of(first.flash) or {}
    assert first.deployed.changed
    assert first.deployed.place == "a"
    assert first.deployed.sent_files == len(first.release.files)
    assert _hashes(files, "a") == first.release.hashes()
    manifest = read_manifest(files["/releases/a/release.json"])
    assert manifest is not None
    assert dict(manifest.files) == first.release.hashes()
    assert files["/main.py"] == selector_source()
    assert files["/board_name.txt"].strip() == b"demo"


def test_the_release_is_on_trial_once_it_is_whole(first: Ran) -> None:
    state = state_in(files_of(first.flash) or {})
    assert state is not None
    assert (state.place, state.status, state.fallback) == ("a", TRIAL, NOWHERE)


def _started(files: Mapping[str, bytes]) -> str | None:
    """Return the place that the selector would start, by docs/firmware.md, "Releases"."""
    state = state_in(files)
    places = [] if state is None else [state.place, state.fallback] if state.status == TRIAL else [state.place]
    return next((place for place in (*places, "a", "b") if f"/releases/{place}/release.json" in files), None)


def _is_whole(files: Mapping[str, bytes], place: str) -> bool:
    manifest = read_manifest(files[f"/releases/{place}/release.json"])
    return manifest is not None and dict(manifest.files) == _hashes(files, place)


def test_wherever_the_power_goes_away_nothing_starts_or_a_whole_release_does(first: Ran) -> None:
    faulthandler.cancel_dump_traceback_later()
    flash = bytearray(ERASED)
    started: list[str | None] = []
    for count, change in enumerate(first.changes):
        for share in (0.5, 1.0):
            change.apply(flash, share)
            files = files_of(bytes(flash))
            # Before the chip has made its file system there is nothing to be mounted.
            if files is None:
                assert not started, f"the file system is gone after change {count}"
                continue
            assert files.get("/main.py") in (None, b"", selector_source()), f"main.py is torn after change {count}"
            place = _started(files)
            assert place is None or _is_whole(files, place), f"what starts after change {count} is not whole"
            started.append(place)
    assert set(started) == {None, "a"}
    # Once there is a release that starts, there is one for good.
    assert "a" in started
    assert None not in started[started.index("a") :]
