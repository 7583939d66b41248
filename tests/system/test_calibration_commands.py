"""Calibrations as users handle them: a simulated bench on a port, and the commands that check, write, read and show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iastm_calibration.calibrate import calibrate
from iastm_calibration.document import (
    CalibrationDocument,
    Reference,
    TakenPoint,
    Tip,
    ToolUnderCalibration,
    from_text,
    to_text,
)
from iastm_calibration.uncertainty import Use

Iastm = Callable[..., Any]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the bench's tool is on a pseudo-terminal")

SERIAL = "BENCH-0002"
GRAVITY_M_S2 = 9.81
COUNTS_PER_N = 41_000.0
MADE_AT = "2026-11-21T10:00:00+01:00"


class Hands:
    """A bench in a process of its own, and hands at it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        assert process.stderr is not None
        self.port = process.stdout.readline().strip()
        assert "What hands do" in process.stderr.readline()

    def do(self, words: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.process.stderr.readline()


@pytest.fixture
def bench(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[[], Hands]]:
    running: list[subprocess.Popen[str]] = []

    def start() -> Hands:
        command = [sys.executable, "-m", "iastm_host.cli.start", "calibrate", "bench", "--seed", "2"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [*command, "--store", str(tmp_path / "store")],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=environment,
        )
        running.append(process)
        return Hands(process)

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=60)


def document(serial_number: str = SERIAL, expires_on: str = "2099-11-21") -> CalibrationDocument:
    """Return a calibration of a tool that measures 41,000 counts/N."""

    def point(step: int, mass_kg: float, *, rising: bool = True) -> TakenPoint:
        force_n = mass_kg * GRAVITY_M_S2
        counts = 84_213 + force_n * COUNTS_PER_N + (7.0 if step % 2 else -7.0) * (step >= 0)
        return TakenPoint(1, 90.0, rising, step, mass_kg or None, force_n, counts, 57.0, 640, MADE_AT)

    masses_kg = (0.1, 0.2, 0.5, 1.0, 1.5)
    up = [point(step, mass) for step, mass in enumerate(masses_kg)]
    down = [point(step, masses_kg[step], rising=False) for step in (3, 2, 1, 0)]
    return calibrate(
        [point(-1, 0.0), *up, *down, point(-1, 0.0, rising=False)],
        ToolUnderCalibration(serial_number, "bench", "cell", "converter", 50.0, "0.1.0"),
        Reference("weights", "kitchen weights", 0.005, "", GRAVITY_M_S2, 0.0005, "47° N"),
        Tip("edge", "convex", None, None, "", None, None),
        Use(),
        method="quick",
        made_by="A. Tester",
        made_at=MADE_AT,
        expires_on=expires_on,
        calibration_id=f"{serial_number} test",
    )


def file_of(made: CalibrationDocument, folder: Path, name: str = "calibration.json") -> Path:
    path = folder / name
    path.write_text(to_text(made), encoding="utf-8")
    return path


def write(iastm: Iastm, file: Path, port: str) -> None:
    written = iastm("calibrate", "write", file, "--port", port)
    assert written.code == 0, written.err


def test_a_calibration_goes_to_the_tool_stays_over_a_restart_and_comes_back_whole(
    iastm: Iastm, bench: Callable[[], Hands], tmp_path: Path
) -> None:
    made = document()
    hands = bench()
    none = iastm("calibrate", "read", "--port", hands.port)
    assert (none.code, "keeps no calibration" in none.err) == (2, True), none.err
    write(iastm, file_of(made, tmp_path), hands.port)
    hands.process.kill()
    again = bench()
    out = tmp_path / "read.json"
    read = iastm("calibrate", "read", "--port", again.port, "--out", out)
    assert read.code == 0, read.err
    assert from_text(out.read_text(encoding="utf-8")) == made
    # The tool measures by it: what a run is told is its hash, and this computer knows it.
    ran = iastm("run", "--port", again.port, "--duration", "1", "--headless")
    assert ran.code == 0, ran.err
    assert "not calibrated" not in ran.out + ran.err
    assert "differs" not in ran.out + ran.err
    listed = iastm("calibrate", "show")
    assert SERIAL in listed.out, listed.err
    shown = iastm("calibrate", "show", "--serial", SERIAL, "--json")
    assert shown.code == 0, shown.err
    assert from_text(shown.out) == made


def test_another_tool_s_an_altered_and_a_newer_document_are_refused_and_what_is_in_force_stays(
    iastm: Iastm, bench: Callable[[], Hands], tmp_path: Path
) -> None:
    made = document()
    hands = bench()
    write(iastm, file_of(made, tmp_path), hands.port)
    good = to_text(made)
    altered = tmp_path / "altered.json"
    altered.write_text(good.replace("A. Tester", "E. Tester"))
    newer = tmp_path / "newer.json"
    newer.write_text(good.replace('"schema": 1', '"schema": 2'))
    for file, words in (
        (file_of(document("BENCH-0009"), tmp_path, "other.json"), "BENCH-0009"),
        (altered, "altered"),
        (newer, "newer"),
        (tmp_path / "none.json", "can't be read"),
    ):
        ran = iastm("calibrate", "write", file, "--port", hands.port)
        assert ran.code == 2, (ran.out, ran.err)
        assert words in ran.err
        assert "Traceback" not in ran.err
    out = tmp_path / "kept.json"
    read = iastm("calibrate", "read", "--port", hands.port, "--out", out)
    assert read.code == 0, read.err
    assert from_text(out.read_text(encoding="utf-8")) == made
    taken = iastm("calibrate", "read", "--port", hands.port, "--out", out)
    assert (taken.code, "not overwritten" in taken.err) == (2, True), taken.err


def test_another_calibration_than_the_one_here_is_told_while_the_tool_runs(
    iastm: Iastm, bench: Callable[[], Hands], tmp_path: Path
) -> None:
    hands = bench()
    first, second = document(), document(expires_on="2098-01-01")
    write(iastm, file_of(first, tmp_path), hands.port)
    store = next((tmp_path / "home").rglob("calibrations")) / SERIAL
    (kept,) = store.glob("*.json")
    kept.write_text(to_text(second), encoding="utf-8")
    ran = iastm("run", "--port", hands.port, "--duration", "1", "--headless")
    assert "calibration differs between tool and app" in ran.out.lower(), (ran.out, ran.err)


def test_a_check_takes_zero_and_a_load_and_keeps_a_log_with_a_chart(
    iastm: Iastm, bench: Callable[[], Hands], started: Callable[..., Any], tmp_path: Path
) -> None:
    hands = bench()
    write(iastm, file_of(document(), tmp_path), hands.port)
    checks = []
    for _ in range(2):
        checking = started("calibrate", "check", "--port", hands.port, "--load", "500", "--by", "Ann", "--json")
        said = ""
        while "Hang 500 g" not in said:
            line = checking.stderr.readline()
            assert line, said
            said += line
        assert "done" in hands.do("hang 500g")
        out, err = checking.communicate(timeout=60)
        assert checking.returncode in (0, 1), err
        checks.append(json.loads(out))
        hands.do("off")
    # 41,000 counts/N are assumed, and the bench has its own gain.
    for check in checks:
        assert check["passed"] is (abs(check["span_error"]) <= 0.03)
        assert check["by"] == "Ann"
        assert check["load_n"] == pytest.approx(4.904, abs=0.002)
    assert checks[0]["span_error"] == pytest.approx(checks[1]["span_error"], abs=0.002)
    log = iastm("calibrate", "check", "--history", "--serial", SERIAL, "--json").json
    assert [one["checked_at"] for one in log["checks"]] == [one["checked_at"] for one in checks]
    chart = tmp_path / "chart.html"
    drawn = iastm("calibrate", "check", "--serial", SERIAL, "--chart", chart)
    assert drawn.code == 0, drawn.err
    assert "<svg" in chart.read_text(encoding="utf-8")
    for name, begins in (("chart.pdf", b"%PDF"), ("chart.svg", b"<svg")):
        drawn = iastm("calibrate", "check", "--serial", SERIAL, "--chart", tmp_path / name)
        assert drawn.code == 0, drawn.err
        assert (tmp_path / name).read_bytes().startswith(begins)
    refused = iastm("calibrate", "check", "--serial", SERIAL, "--chart", tmp_path / "chart.doc")
    assert (refused.code, "Traceback" in refused.err) == (2, False), refused.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "--port", "x"), "--load 500"),
        (("check", "--port", "x", "--load", "five"), "no load"),
        (("check", "--port", "x", "--load", "1,2"), "one weight"),
        (("check", "--load", "500"), "--port"),
        (("check", "--history"), "--serial"),
        (("check", "--history", "--serial", "none"), "No check"),
        (("show", "--json"), "--serial"),
        (("show", "--serial", "none"), "No calibration"),
        (("show", "none.json"), "can't be read"),
        (("write", "--port", "x"), "--kept"),
        (("read",), "--port"),
        (("certificate",), "--serial"),
        (("certificate", "--serial", "none"), "No calibration"),
        (("run", "--headless"), "--port"),
    ],
)
def test_bad_input_is_told_in_words_with_exit_code_2(iastm: Iastm, arguments: tuple[str, ...], words: str) -> None:
    ran = iastm("calibrate", *arguments)
    assert ran.code == 2, (ran.out, ran.err)
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_certificates_are_pages_and_nothing_is_written_over(iastm: Iastm, tmp_path: Path) -> None:
    file = file_of(document(), tmp_path)
    for name, begins in (("c.pdf", b"%PDF"), ("c.html", b"<!doctype html>")):
        ran = iastm("calibrate", "certificate", file, "--out", tmp_path / name)
        assert ran.code == 0, ran.err
        assert (tmp_path / name).read_bytes()[: len(begins)].lower() == begins.lower()
        again = iastm("calibrate", "certificate", file, "--out", tmp_path / name)
        assert (again.code, "not overwritten" in again.err) == (2, True), again.err
    refused = iastm("calibrate", "certificate", file, "--out", tmp_path / "c.doc")
    assert (refused.code, "Traceback" in refused.err) == (2, False), refused.err


def test_what_hands_are_told_at_the_bench_is_done_or_said_why_not(bench: Callable[[], Hands]) -> None:
    hands = bench()
    for words in ("hang 500", "off", "press 5", "let go", "turn 60", "seat"):
        assert hands.do(words) == f"{words}: done\n"
    assert "no load" in hands.do("hang five")
    assert "no force" in hands.do("press 5000")
    assert "no angle" in hands.do("turn -3")
    assert "Nobody knows" in hands.do("juggle")
