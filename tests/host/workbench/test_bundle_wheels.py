from __future__ import annotations

import csv
import importlib.metadata
import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from iastm_host.cli.bundle import Suppliers, make_bundle
from iastm_host.events import Problem
from iastm_host.workbench.bundle_wheels import get_wheels, platform_words, repack, run_pip
from iastm_host.workbench.compiler import compile_release

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toolkit's own wheel, built from these sources."""
    builder = WheelBuilder(str(ROOT))
    return Path(next(builder.build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])))


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> importlib.metadata.Distribution:
    """That wheel as pip installs it: unpacked, with notes of pip's own."""
    site = tmp_path / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (notes,) = site.glob("*.dist-info")
    (notes / "INSTALLER").write_text("pip\n")
    with (notes / "RECORD").open("a") as record:
        record.write(
            f"{notes.name}/INSTALLER,,\n../../../bin/iastm,,\niastm_host/__pycache__/events.cpython-311.pyc,,\n"
        )
    return importlib.metadata.Distribution.at(notes)


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("RECORD")}


def test_a_wheel_made_from_what_was_installed_is_the_one_that_was_installed(
    wheel: Path, installed: importlib.metadata.Distribution, tmp_path: Path
) -> None:
    again = repack(installed, tmp_path)
    assert again.name == wheel.name
    assert _contents(again) == _contents(wheel)
    with zipfile.ZipFile(again) as archive:
        (record,) = (name for name in archive.namelist() if name.endswith("RECORD"))
        rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
        assert {row[0] for row in rows} == set(archive.namelist())
        assert all(int(row[2]) == archive.getinfo(row[0]).file_size for row in rows if row[0] != record)


def test_an_installation_that_lost_a_file_says_which(
    installed: importlib.metadata.Distribution, tmp_path: Path
) -> None:
    (tmp_path / "site-packages" / "iastm_host" / "events.py").unlink()
    with pytest.raises(Problem, match=r"own file iastm_host/events\.py can't be read: No such file"):
        repack(installed, tmp_path)


class Pip:
    """Notes what it was asked for; gives the wheel for a checkout."""

    def __init__(self, gives: Path | None = None) -> None:
        self.asked: list[list[str]] = []
        self._gives = gives

    def __call__(self, arguments: Sequence[str]) -> None:
        self.asked.append(list(arguments))
        if self._gives is not None and "--no-deps" in arguments:
            shutil.copy(self._gives, arguments[arguments.index("--wheel-dir") + 1])


def test_an_ordinary_installation_asks_pip_for_what_it_needs_with_every_extra_but_the_developers_(
    installed: importlib.metadata.Distribution, tmp_path: Path
) -> None:
    pip = Pip()
    get_wheels(tmp_path, pip, installed)
    (asked,) = pip.asked
    own = next(tmp_path.glob("*.whl"))
    assert asked[:4] == ["wheel", "--prefer-binary", "--wheel-dir", str(tmp_path)]
    assert asked[4].startswith(f"{own}[")
    assert set(asked[4].removeprefix(f"{own}[").rstrip("]").split(",")) == {"virtual-ble", "workbench"}


def test_a_checkout_is_built_first(wheel: Path, installed: importlib.metadata.Distribution, tmp_path: Path) -> None:
    (notes,) = (tmp_path / "site-packages").glob("*.dist-info")
    (notes / "direct_url.json").write_text('{"dir_info": {"editable": true}, "url": "file:///home/me/a%20b/toolkit"}')
    pip = Pip(gives=wheel)
    get_wheels(tmp_path, pip, installed)
    built, needed = pip.asked
    assert built == ["wheel", "--no-deps", "--wheel-dir", str(tmp_path), "/home/me/a b/toolkit"]
    assert needed[-1].startswith(str(tmp_path / wheel.name))


def test_what_pip_says_last_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"pip could not get the wheels: .*no-such-option") as refused:
        run_pip(["wheel", "--no-such-option"])
    assert "--without-wheels" in refused.value.fix


def test_the_platform_is_told_in_words() -> None:
    assert platform_words().startswith(f"CPython {sys.version_info.major}.{sys.version_info.minor} on ")


def test_a_bench_without_a_network_is_set_up_from_a_bundle_alone(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--soak"):
        pytest.skip("downloads 300 MB unless pip has them: only under --soak")
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system gives a process no network of its own, in which there is none")
    out = tmp_path / "bench.zip"
    suppliers = Suppliers(tmp_path / "cache", compile_release, _never, get_wheels, lambda _: True, lambda _: None)
    make_bundle(out, [], suppliers, download=False, wheels=True)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path / "bench")
    # As README.txt says.
    script = (
        "python3 -m venv iastm-venv\n"
        "iastm-venv/bin/pip install --no-index --find-links wheels 'iastm-toolkit[workbench,virtual-ble]'\n"
        "iastm-venv/bin/iastm --version\n"
    )
    environ = {"PATH": f"{Path(sys.executable).resolve().parent}{os.pathsep}{os.defpath}", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [*alone, "sh", "-ec", script],
        cwd=tmp_path / "bench",
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == f"iastm-toolkit {importlib.metadata.version('iastm-toolkit')}"


def _never(_url: str, _folder: Path) -> Path:
    raise AssertionError("nothing was to be fetched")
