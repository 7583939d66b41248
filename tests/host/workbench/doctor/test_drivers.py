from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.host.workbench.doctor.computer import CH340, Computer

from iastm_host.workbench.doctor import drivers
from iastm_host.workbench.doctor.system import Login, Ran

Make = Callable[..., Computer]
NOBODY = Login("anna", False, frozenset({"anna"}), frozenset({"anna"}), frozenset({"anna", "dialout", "root"}))


def test_a_bridge_without_a_driver_is_found_on_windows(computer: Make) -> None:
    here = computer(platform="win32")
    here.programs[("powershell",)] = Ran(
        0, "USB\\VID_10C4&PID_EA60\\0001\r\nUSB\\VID_046D&PID_C52B\\6&1\r\nUSB\\VID_1A86&PID_7523\\5\r\n"
    )
    seen = drivers.drivers(here.system())
    assert not seen.ok
    assert "CP210x (10C4:EA60)" in seen.detail
    assert "CH340 (1A86:7523)" in seen.detail
    assert "046D" not in seen.detail
    assert "silabs.com" in seen.fix
    assert "wch-ic.com" in seen.fix
    here.programs[("powershell",)] = Ran(0, "")
    assert drivers.drivers(here.system()).ok


def test_a_bridge_without_a_driver_is_found_on_macos(computer: Make) -> None:
    here = computer(platform="darwin")
    here.programs[("ioreg",)] = Ran(
        0,
        '+-o Root Hub\n  | {\n  |   "idVendor" = 1452\n  |   "idProduct" = 33117\n'
        '+-o USB Serial@14\n  | {\n  |   "idProduct" = 29987\n  |   "USB Product Name" = "USB Serial"\n'
        '  |   "idVendor" = 6790\n',
    )
    seen = drivers.drivers(here.system())
    assert not seen.ok
    assert "CH340 (1A86:7523)" in seen.detail
    here.ports = [replace(CH340, device="/dev/cu.wchusbserial14")]
    assert drivers.drivers(here.system()).ok
