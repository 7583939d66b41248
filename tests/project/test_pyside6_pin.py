"""PySide6 6.12.0 on Python 3.11: every call that returns nothing drops one reference to None, until None is freed and
the interpreter aborts. The pin keeps it out; the loop notices any release that does it again, under any pin.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
CALLS = 20_000

# Void calls of three modules, six in each round. Python's own work moves the count by a handful.
LOOP = f"""
import sys
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

application = QApplication([])
item, timer, widget, image = QObject(), QTimer(), QWidget(), QImage(8, 8, QImage.Format.Format_RGB32)
before = sys.getrefcount(None)
for _ in range({CALLS}):
    item.setObjectName("a")
    timer.setInterval(5)
    widget.setToolTip("a")
    widget.update()
    image.fill(0)
    painter = QPainter(image)
    painter.drawLine(0, 0, 7, 7)
    painter.end()
print(sys.getrefcount(None) - before)
"""


def test_calls_that_return_nothing_keep_none_alive() -> None:
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2000:]}"
    assert abs(int(done.stdout)) < 1000


def _pyside6_requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [r for r in map(Requirement, project["dependencies"]) if r.name == "PySide6"]


def test_the_installed_release_obeys_the_pin() -> None:
    [here] = [r for r in _pyside6_requirements() if r.marker is None or r.marker.evaluate()]
    assert metadata.version("PySide6") in here.specifier


@pytest.mark.parametrize(("python", "may_have_6_12"), [("3.11", False), ("3.12", True), ("3.13", True)])
def test_only_python_3_11_is_kept_from_6_12(python: str, may_have_6_12: bool) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    [one] = [r for r in _pyside6_requirements() if r.marker is None or r.marker.evaluate(environment)]
    assert (Version("6.12.0") in one.specifier) is may_have_6_12
    assert Version("6.11.3") in one.specifier
