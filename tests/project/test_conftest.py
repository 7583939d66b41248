"""The guards of tests/conftest.py fail what they are there to fail: each is tried on a small suite of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


def outcome(folder: Path, source: str, *options: str) -> tuple[int, str]:
    """Run `source` as a test file beside a copy of our conftest; return pytest's exit code and what it printed."""
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_it.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *options],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout


WARNS = (
    'import logging\ndef test_it({fixtures}):\n    {first}\n    logging.getLogger("iastm_host.tool").warning("odd")\n'
)


def test_an_unexpected_warning_of_ours_fails_the_test(tmp_path: Path) -> None:
    code, said = outcome(tmp_path, WARNS.format(fixtures="", first="pass"))
    assert code == 1
    assert "logged without being expected: ['iastm_host.tool: odd']" in said


@pytest.mark.parametrize(("pattern", "code"), [("od+", 0), ("never", 1)])
def test_an_expected_warning_must_come_and_no_other_may(pattern: str, code: int, tmp_path: Path) -> None:
    source = WARNS.format(fixtures="expected_log", first=f'expected_log.append("{pattern}")')
    assert outcome(tmp_path, source)[0] == code


def test_an_expected_warning_that_stays_away_fails_the_test(tmp_path: Path) -> None:
    code, said = outcome(tmp_path, 'def test_it(expected_log):\n    expected_log.append("odd")\n')
    assert code == 1
    assert "never logged: ['odd']" in said


def test_warnings_of_others_are_theirs(tmp_path: Path) -> None:
    source = 'import logging\ndef test_it():\n    logging.getLogger("asyncio").warning("slow")\n'
    assert outcome(tmp_path, source)[0] == 0


@pytest.mark.parametrize(("options", "expected"), [((), 3), (("--soak",), 900)])
def test_a_long_promise_has_two_sizes(options: tuple[str, ...], expected: int, tmp_path: Path) -> None:
    assert outcome(tmp_path, f"def test_it(size):\n    assert size(3, 900) == {expected}\n", *options)[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_a_process_that_outlives_the_tests_fails_them(tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    source = (
        "import subprocess\nfrom pathlib import Path\n"
        f"def test_it():\n    started = subprocess.Popen({sleeper!r}, stdin=-3, stdout=-3, stderr=-3)\n"
        "    Path('pid').write_text(str(started.pid))\n    started.returncode = 0\n"
    )
    try:
        code, said = outcome(tmp_path, source)
    finally:
        os.kill(int((tmp_path / "pid").read_text()), 9)
    assert code == 1
    assert "processes that outlived their tests" in said
