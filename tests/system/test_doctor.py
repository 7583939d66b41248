"""The doctor on this very computer, with real things amiss: each is found, its fix tried, and found to be well."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iastm_host.cli import wiring

Iastm = Callable[..., Any]
Started = Callable[..., subprocess.Popen[str]]
TIMEOUT_S = 120
linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux' own loader, ports and users")


def findings(ran: Any) -> dict[str, dict[str, Any]]:
    """Return what was found by its name, after a look at its form."""
    assert ran.err == ""
    assert list(ran.json) == ["findings"]
    for finding in ran.json["findings"]:
        assert list(finding) == ["name", "ok", "detail", "fix"]
        assert finding["ok"] is (finding["fix"] == "")
        assert finding["detail"]
    return {finding["name"]: finding for finding in ran.json["findings"]}


@pytest.fixture
def port(started: Started) -> str:
    """The port of a simulated tool that runs."""
    process = started("simulate", "--scenario", "quiet")
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_main_job_works_here_with_a_tool_on_a_port(iastm: Iastm, port: str) -> None:
    ran = iastm("doctor", "--port", port, "--json")
    found = findings(ran)
    for name in (
        "python",
        "packages",
        "settings",
        "own folders",
        "serial rights",
        "ports",
        "ports in use",
        "MicroPython",
    ):
        assert found[name]["ok"], found[name]
    assert "SIM-" in found["tool"]["detail"]
    assert found["tool firmware"]["detail"].endswith("as here")
    assert found["tool trouble"]["ok"]
    assert ran.code == 0
    read = iastm("doctor", "--port", port)
    assert read.code == 0
    assert read.out.splitlines()[-1] == "The main job, a live view of a tool that warns, works here, as text."


def test_a_tool_is_as_it_was_after_the_doctor(iastm: Iastm, port: str) -> None:
    before = iastm("tool", "show", "--port", port, "--json").json
    assert iastm("doctor", "--port", port, "--json").code == 0
    after = iastm("tool", "show", "--port", port, "--json").json
    for name in ("warn_n", "alarm_n", "zero_confirmed", "channels", "log_bytes", "calibration"):
        assert after[name] == before[name]


def test_qt_is_looked_at_and_not_imported(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "iastm_host.cli.start", "doctor", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment, check=False)
    named = {finding["name"] for finding in json.loads(ran.stdout)["findings"]}
    assert "Qt libraries" in named
    assert "iastm_host.workbench.doctor.qt" in ran.stderr
    assert "PySide6" not in ran.stderr
    assert "shiboken6" not in ran.stderr


@linux
@pytest.mark.parametrize(("library", "package"), [("libEGL.so.1", "libegl1"), ("libxcb-cursor.so.0", "libxcb-cursor0")])
def test_a_library_that_qt_lacks_is_found_and_well_once_it_is_there(
    iastm: Iastm, tmp_path: Path, library: str, package: str
) -> None:
    # An empty file of that name, found first, is as good as none.
    (tmp_path / library).touch()
    named = {"DISPLAY": "elsewhere:7", "LD_LIBRARY_PATH": str(tmp_path)}
    ran = iastm("doctor", "--json", **named)
    found = findings(ran)["Qt libraries"]
    assert ran.code == 1
    assert library in found["detail"]
    assert package in found["fix"]
    (tmp_path / library).unlink()
    assert findings(iastm("doctor", "--json", **named))["Qt libraries"]["ok"]


@linux
def test_a_port_in_use_names_the_program_and_is_well_once_that_ends(iastm: Iastm, started: Started, port: str) -> None:
    run = started("run", "--port", port, "--headless")
    assert run.stdout is not None
    run.stdout.readline()
    ran = iastm("doctor", "--port", port, "--json")
    found = findings(ran)["ports in use"]
    assert ran.code == 1
    assert f"(process {run.pid})" in found["detail"]
    assert f"kill {run.pid}" in found["fix"]
    subprocess.run(["kill", str(run.pid)], check=True)
    run.communicate(timeout=TIMEOUT_S)
    again = iastm("doctor", "--port", port, "--json")
    assert findings(again)["ports in use"]["ok"]
    assert again.code == 0


@linux
def test_a_port_without_rights_is_told_and_opened_once_they_are_given(
    environment: dict[str, str], port: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "iastm_host.cli.start", "doctor", "--port", port, "--json"]
    if os.geteuid() == 0:
        # The superuser without what lets it pass over rights.
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv, of util-linux, for the superuser to have no rights")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]

    def ask() -> tuple[int, dict[str, Any]]:
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        return ran.returncode, {each["name"]: each for each in json.loads(ran.stdout)["findings"]}

    Path(port).chmod(0)
    code, found = ask()
    assert code == 1
    assert f"may not open {port}" in found["serial rights"]["detail"]
    assert "/etc/udev/rules.d" in found["serial rights"]["fix"]
    assert "no right to open" in found["tool"]["detail"]
    # What the rule does to a board's port.
    Path(port).chmod(0o660)
    code, found = ask()
    assert found["serial rights"]["ok"]
    assert found["tool"]["ok"]
    assert code == 0


def test_an_extra_that_is_missing_is_told_and_well_once_installed(environment: dict[str, str], tmp_path: Path) -> None:
    """A virtual environment that shares what is installed here, by links, but for one package of an extra."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (theirs,) = (tmp_path / "venv").rglob("site-packages")
    ours = Path(pytest.__file__).parent.parent
    bumble = [path for path in ours.iterdir() if path.name.startswith("bumble")]
    if not bumble:
        pytest.skip("the extra virtual-ble is not installed here")
    for path in ours.iterdir():
        if path not in bumble:
            (theirs / path.name).symlink_to(path)

    def ask() -> dict[str, Any]:
        ran = subprocess.run(
            [str(python), "-m", "iastm_host.cli.start", "doctor", "--json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        found = {each["name"]: each for each in json.loads(ran.stdout)["findings"]}
        assert found["packages"]["ok"], found["packages"]
        assert found["virtual environment"]["detail"] == str(python)
        extra: dict[str, Any] = found["extra virtual-ble"]
        return extra

    missing = ask()
    assert not missing["ok"]
    assert "bumble is missing" in missing["detail"]
    assert "iastm-toolkit[virtual-ble]" in missing["fix"]
    for path in bumble:
        (theirs / path.name).symlink_to(path)
    assert ask()["ok"]


def test_without_any_package_the_doctor_still_starts(environment: dict[str, str]) -> None:
    host = Path(__file__).parents[2] / "host"
    command = [sys.executable, "-S", "-m", "iastm_host.workbench.doctor", "--json"]
    environ = environment | {"PYTHONPATH": str(host)}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, env=environ, check=False)
    found = {each["name"]: each for each in json.loads(ran.stdout)["findings"]}
    assert (ran.returncode, ran.stderr) == (1, "")
    assert found["python"]["ok"]
    assert "iastm-toolkit is not installed" in found["packages"]["detail"]
    assert "pip install ." in found["packages"]["fix"]


def test_what_is_amiss_with_a_tool_is_told_with_how_to_mend_it(iastm: Iastm) -> None:
    board: dict[str, object] = {"source_hash": "ab" * 8, "trouble": "motion sensor: does not answer"}
    board["calibration"] = {"id": "none", "sha256": "00" * 32, "capacity_n": 50.0, "coefficients": [0.0, 1 / 42000]}
    simulation = wiring.make_simulation("saturated", 1, None, board=board)
    simulation.tool.start()
    try:
        simulation.tool.wait_until_running()
        port = simulation.tool.port
        ran = iastm("doctor", "--port", port, "--json")
    finally:
        simulation.tool.stop()
    found = findings(ran)
    assert found["tool"]["ok"]
    assert "abababababababab" in found["tool firmware"]["detail"]
    assert found["tool firmware"]["fix"] == f"iastm deploy --port {port}"
    assert "motion sensor: does not answer" in found["tool trouble"]["detail"]
    assert "not calibrated" in found["tool calibration"]["detail"]
    assert found["tool calibration"]["fix"] == f"iastm calibrate run --port {port}"


@pytest.mark.parametrize("runtime", ["installed", "cpython", "/bin/false"])
def test_what_runs_the_firmware_is_started_and_asked(iastm: Iastm, runtime: str) -> None:
    named = {} if runtime == "installed" else {"MICROPYTHON": runtime}
    found = findings(iastm("doctor", "--json", **named))["MicroPython"]
    assert found["ok"] is (runtime != "/bin/false")
    said = {"installed": "ython", "cpython": "stand-ins, as $MICROPYTHON wants it", "/bin/false": "is not MicroPython"}
    assert said[runtime] in found["detail"]


def test_settings_that_are_damaged_are_told_and_well_once_mended(
    iastm: Iastm, environment: dict[str, str], tmp_path: Path
) -> None:
    settings = tmp_path / "config" / "iastm" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("profile = \n")
    named = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    ran = iastm("doctor", "--json", **named)
    found = findings(ran)["settings"]
    assert ran.code == 1
    assert str(settings) in found["detail"]
    # As the fix says.
    settings.rename(settings.with_suffix(".away"))
    assert findings(iastm("doctor", "--json", **named))["settings"]["ok"]


@linux
def test_recordings_go_where_there_are_rights_and_room(iastm: Iastm, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    found = findings(iastm("doctor", "--json", IASTM_RECORDINGS=str(tmp_path / "taken")))["recordings"]
    assert not found["ok"]
    subprocess.run(found["fix"].partition(": ")[2], shell=True, check=True)
    assert findings(iastm("doctor", "--json", IASTM_RECORDINGS=str(tmp_path / "taken")))["recordings"]["ok"]


def test_keys_that_others_may_read_are_told_and_well_after_the_command(iastm: Iastm, tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("Windows has other rights")
    keys = tmp_path / "config" / "iastm" / "tool-keys.json"
    keys.parent.mkdir(parents=True)
    keys.write_text('{"schema": 1, "tools": {}}')
    keys.chmod(0o644)
    named = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    found = findings(iastm("doctor", "--json", **named))["keyring"]
    assert "others on this computer may read" in found["detail"]
    subprocess.run(found["fix"], shell=True, check=True)
    assert "others on" not in findings(iastm("doctor", "--json", **named))["keyring"]["detail"]


def test_a_port_that_is_not_there_is_needed_and_told_first(iastm: Iastm) -> None:
    ran = iastm("doctor", "--port", "/dev/none")
    assert ran.code == 1
    first, *found, last = ran.out.splitlines()
    assert first == last
    assert "would not work here" in first
    assert found[1] == "needed  ports: there is no port /dev/none"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--port", "a", "--tool", "b"), "Give either --port or --tool"), (("--nonsense",), "No such option")],
)
def test_what_can_not_be_asked_ends_with_two(iastm: Iastm, arguments: tuple[str, ...], said: str) -> None:
    ran = iastm("doctor", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""
