"""Every run with a tool keeps it among the tools that are known, and takes nothing from the run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from iastm_host.records.known_tools import KnownTools
from iastm_protocol import kinds


def plan(folder: Path) -> dict[str, Any]:
    return {"known_tools": KnownTools(folder), "address": "/dev/ttyACM0"}


def ended(run: Any) -> Any:
    run.start()
    assert run.join(60)
    return run.snapshot()


def test_a_tool_that_a_run_met_is_known_with_its_link_and_its_newest_battery(
    runs: Any, fake_tool: Any, tmp_path: Path
) -> None:
    tool = fake_tool()
    run, link = runs.make(tool=tool, length_s=4.0, plan=plan(tmp_path))

    def tell() -> None:
        link._answers += tool.status()

    link.at = {20: tell}
    snapshot = ended(run)
    (known,) = KnownTools(tmp_path).all()
    met = snapshot.tool
    assert (known.serial_number, known.board) == (met.serial_number, met.board)
    assert (known.firmware_version, known.source_hash) == (met.firmware_version, met.source_hash)
    assert (known.carrier, known.address) == ("serial", "/dev/ttyACM0")
    assert known.battery_percent == snapshot.battery_percent == 80
    assert known.seen_at.startswith("2026-03-29T01:59:30")


def test_a_run_that_can_not_keep_its_tool_says_so_and_goes_on(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    run, _ = runs.make(tool=fake_tool(), length_s=4.0, plan=plan(tmp_path / "file"))
    snapshot = ended(run)
    assert any("not kept among the known ones" in note.words for note in snapshot.notes)
    assert all(not note.far for note in snapshot.notes)
    assert snapshot.problem is None
    assert run.summary().samples_received > 0


def test_a_run_that_shall_keep_nothing_keeps_nothing(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    run, _ = runs.make(tool=fake_tool(), length_s=4.0)
    ended(run)
    assert KnownTools(tmp_path).all() == []


@pytest.mark.parametrize("name", ["", "P-77"])
def test_only_a_tool_with_a_number_of_its_own_is_kept(runs: Any, fake_tool: Any, tmp_path: Path, name: str) -> None:
    class Named(fake_tool):  # type: ignore[misc]
        def hello_answer(self) -> Any:
            return super().hello_answer()._replace(serial_number=name)

    run, _ = runs.make(tool=Named(), length_s=4.0, plan=plan(tmp_path / "known"))
    ended(run)
    assert [known.serial_number for known in KnownTools(tmp_path / "known").all()] == ([name] if name else [])


def test_that_a_tool_will_not_warn_is_known_and_that_a_run_sets_its_limits_counts_for_nothing(
    runs: Any, fake_tool: Any, tmp_path: Path
) -> None:
    for name, confirmed in (("good", True), ("silent", False)):
        tool = fake_tool()
        tool.zero = tool.zero._replace(confirmed=confirmed)
        run, link = runs.make(tool=tool, length_s=4.0, plan={**plan(tmp_path / name), "sets_limits": False})
        link.at = {20: partial(_tell_status, link, tool)}
        ended(run)
    (good,), (silent,) = (KnownTools(tmp_path / name).all() for name in ("good", "silent"))
    assert good.not_warning == ""
    assert silent.not_warning == "zero is not confirmed"


def test_what_a_tool_that_told_no_status_would_do_is_unknown(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    run, _ = runs.make(tool=fake_tool(), length_s=2.0, plan=plan(tmp_path))
    ended(run)
    assert KnownTools(tmp_path).all()[0].not_warning is None


def test_a_calibration_that_was_written_meanwhile_is_the_one_that_is_known(
    runs: Any, fake_tool: Any, tmp_path: Path
) -> None:
    tool = fake_tool()
    run, link = runs.make(tool=tool, length_s=4.0, plan=plan(tmp_path))

    def write() -> None:
        tool.calibration = tool.calibration._replace(calibration_id="new one", sha256=bytes(range(32)))
        link._answers += tool.wire(kinds.CALIBRATION, tool.calibration)

    link.at = {20: write}
    ended(run)
    (known,) = KnownTools(tmp_path).all()
    assert (known.calibration_id, known.calibration_sha256) == ("new one", bytes(range(32)).hex())


def test_a_run_tells_what_it_could_not_keep(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    run, _ = runs.make(tool=fake_tool(), length_s=2.0, plan=plan(tmp_path / "file"))
    ended(run)
    met, problem = run.not_kept
    assert met.address == "/dev/ttyACM0"
    assert "can't be written" in problem.what
    other, _ = runs.make(tool=fake_tool(), length_s=2.0, plan=plan(tmp_path / "folder"))
    ended(other)
    assert other.not_kept is None


def _tell_status(link: Any, tool: Any) -> None:
    link._answers += tool.status()
