from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.workbench.doctor import qt
from iastm_host.workbench.doctor.system import Ran

Make = Callable[..., Computer]
LOADER = "/lib64/ld-linux-x86-64.so.2"
FOUND = "\tlibEGL.so.1 => /usr/lib/libEGL.so.1 (0x00007f)\n\tlibc.so.6 => /usr/lib/libc.so.6 (0x00007f)\n"
DEBIAN = 'ID=mint\nID_LIKE="ubuntu debian"\n'


@pytest.fixture
def with_qt(computer: Make, tmp_path: Path) -> Callable[..., Computer]:
    """Return a computer with PySide6's files, whose loader finds all they need."""

    def make(**said: object) -> Computer:
        here = computer(**said)
        folder = tmp_path / "site-packages" / "PySide6"
        for name in ("QtCore", "QtGui", "QtWidgets", "QtMultimedia"):
            here.write(str(folder.relative_to(tmp_path) / f"{name}.abi3.so"))
        for place in ("platforms/libqxcb", "platforms/libqwayland", "platforms/libqoffscreen"):
            here.write(str(folder.relative_to(tmp_path) / "Qt" / "plugins" / f"{place}.so"))
        here.write(str(folder.relative_to(tmp_path) / "Qt/plugins/multimedia/libffmpegmediaplugin.so"))
        here.write("/proc/self/maps", f"7f00-7f01 r--p 00000000 fe:00 33894      {LOADER}\n")
        here.write("/etc/os-release", DEBIAN)
        here.folders["PySide6"] = folder
        here.programs[(*qt.TRACE, LOADER)] = Ran(0, FOUND)
        return here

    return make


def lacks(here: Computer, file: str, *libraries: str) -> None:
    """Let the loader not find libraries for one file."""
    text = FOUND + "".join(f"\t{library} => not found\n" for library in libraries)
    here.programs[(*qt.TRACE, LOADER, str(here.folders["PySide6"] / file))] = Ran(0, text)


def test_libraries_that_the_loader_finds_are_well(with_qt: Make) -> None:
    seen = qt.libraries(with_qt().system())
    assert (seen.ok, seen.detail) == (True, "all found for xcb")


def test_libraries_that_are_missing_are_named_with_the_packages_that_bring_them(with_qt: Make) -> None:
    here = with_qt()
    lacks(here, "QtGui.abi3.so", "libEGL.so.1")
    lacks(here, "Qt/plugins/platforms/libqxcb.so", "libxcb-cursor.so.0", "libEGL.so.1")
    seen = qt.libraries(here.system())
    assert (seen.ok, seen.only_advice) == (False, False)
    assert "libEGL.so.1, libxcb-cursor.so.0" in seen.detail
    assert seen.fix == "sudo apt install libegl1 libxcb-cursor0"


def test_a_library_of_which_no_package_is_known_is_named_all_the_same(with_qt: Make) -> None:
    here = with_qt()
    lacks(here, "QtCore.abi3.so", "libnew.so.9")
    assert "libnew.so.9" in qt.libraries(here.system()).fix


def test_another_linux_is_told_debian_s_names(with_qt: Make) -> None:
    here = with_qt()
    here.write("/etc/os-release", "ID=arch\n")
    lacks(here, "QtCore.abi3.so", "libEGL.so.1")
    fix = qt.libraries(here.system()).fix
    assert "apt" not in fix
    assert "on Debian they are: libegl1" in fix


def test_the_plugin_of_the_display_in_use_is_looked_at_and_no_other(with_qt: Make) -> None:
    here = with_qt(environ={"WAYLAND_DISPLAY": "wayland-0"})
    lacks(here, "Qt/plugins/platforms/libqxcb.so", "libxcb-cursor.so.0")
    assert qt.libraries(here.system()).detail == "all found for wayland"
    here.environ = {"QT_QPA_PLATFORM": "offscreen:size=1x1"}
    assert qt.libraries(here.system()).detail == "all found for offscreen"
    here.environ = {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}
    assert not qt.libraries(here.system()).ok


def test_what_sounds_alone_need_keeps_no_window_shut(with_qt: Make) -> None:
    here = with_qt()
    lacks(here, "Qt/plugins/multimedia/libffmpegmediaplugin.so", "libdrm.so.2")
    seen = qt.libraries(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "libdrm2" in seen.fix


def test_a_file_that_is_no_library_is_as_good_as_none(with_qt: Make) -> None:
    here = with_qt()
    gui = str(here.folders["PySide6"] / "QtGui.abi3.so")
    here.programs[(*qt.TRACE, LOADER, gui)] = Ran(
        127, "", f"{gui}: error while loading shared libraries: /lib/libEGL.so.1: file too short\n"
    )
    assert "libEGL.so.1" in qt.libraries(here.system()).detail


def test_a_loader_that_refuses_is_no_all_clear(with_qt: Make) -> None:
    here = with_qt()
    here.programs[(*qt.TRACE, LOADER)] = Ran(1, "", "env: permission denied\n")
    with pytest.raises(OSError, match="permission denied"):
        qt.libraries(here.system())


def test_a_pyside6_without_its_sounds_is_installed_again(with_qt: Make) -> None:
    here = with_qt()
    (here.folders["PySide6"] / "QtMultimedia.abi3.so").unlink()
    seen = qt.libraries(here.system())
    assert "lacks QtMultimedia.abi3.so" in seen.detail
    assert "--force-reinstall PySide6" in seen.fix


def test_a_pyside6_that_is_not_there_is_installed(computer: Make) -> None:
    seen = qt.libraries(computer().system())
    assert not seen.ok
    assert seen.fix == "/venv/bin/python -m pip install PySide6"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_the_wheels_bring_all(computer: Make, platform: str) -> None:
    assert qt.libraries(computer(platform=platform).system()).ok
    assert qt.fonts(computer(platform=platform).system()).ok


def test_a_computer_without_fonts_would_show_boxes(with_qt: Make) -> None:
    here = with_qt()
    seen = qt.fonts(here.system())
    assert (seen.ok, seen.fix) == (False, "sudo apt install fonts-dejavu-core")
    here.write("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    assert qt.fonts(here.system()).ok


def test_the_doctor_and_make_setup_know_the_same_libraries() -> None:
    script = Path("scripts/system_libraries.sh").read_text(encoding="utf-8")
    table = script.partition('libraries="')[2].partition('"')[0]
    assert dict(re.findall(r"(\S+)\s+(\S+)\n", table)) == qt.DEBIAN_PACKAGES
