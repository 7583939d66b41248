from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.workbench.doctor import bluetooth
from iastm_host.workbench.doctor.system import Ran

Make = Callable[..., Computer]
OWNER = ("busctl", "--system", "call", "org.freedesktop.DBus")
POWERED = ("busctl", "--system", "get-property")


def on(here: Computer) -> Computer:
    """Give a computer an adapter that is on, and its service."""
    here.write("/sys/class/bluetooth/hci0/address", "")
    here.write("/sys/class/bluetooth/hci0:64/address", "")
    here.write("/sys/class/rfkill/rfkill1/type", "bluetooth\n")
    here.write("/sys/class/rfkill/rfkill1/soft", "0\n")
    here.write("/sys/class/rfkill/rfkill1/hard", "0\n")
    here.programs[OWNER] = Ran(0, "b true\n")
    here.programs[POWERED] = Ran(0, "b true\n")
    return here


def test_an_adapter_that_is_on_and_its_service_are_well(computer: Make) -> None:
    here = on(computer())
    assert bluetooth.adapter(here.system()).detail == "hci0"
    assert bluetooth.service(here.system()).ok


def test_a_computer_without_an_adapter_is_told_of_the_cable(computer: Make) -> None:
    seen = bluetooth.adapter(computer().system())
    assert not seen.ok
    assert "by cable" in seen.fix


def test_an_adapter_blocked_by_software_is_unblocked_by_a_command(computer: Make) -> None:
    here = on(computer())
    here.write("/sys/class/rfkill/rfkill1/soft", "1\n")
    seen = bluetooth.adapter(here.system())
    assert (seen.ok, seen.fix) == (False, "rfkill unblock bluetooth && bluetoothctl power on")


@pytest.mark.parametrize("there", [True, False])
def test_an_adapter_blocked_by_a_switch_needs_a_hand(computer: Make, there: bool) -> None:
    here = on(computer())
    here.write("/sys/class/rfkill/rfkill1/hard", "1\n")
    if not there:
        for name in ("hci0", "hci0:64"):
            (here.root / "sys/class/bluetooth" / name / "address").unlink()
            (here.root / "sys/class/bluetooth" / name).rmdir()
    seen = bluetooth.adapter(here.system())
    assert not seen.ok
    assert "rfkill" not in seen.fix
    assert "Switch it on there" in seen.fix


def test_a_wireless_network_that_is_blocked_is_no_matter(computer: Make) -> None:
    here = on(computer())
    here.write("/sys/class/rfkill/rfkill0/type", "wlan\n")
    here.write("/sys/class/rfkill/rfkill0/soft", "1\n")
    assert bluetooth.adapter(here.system()).ok


def test_an_adapter_that_bluez_has_off_is_powered_on(computer: Make) -> None:
    here = on(computer())
    here.programs[POWERED] = Ran(0, "b false\n")
    seen = bluetooth.adapter(here.system())
    assert (seen.ok, seen.fix) == (False, "bluetoothctl power on")


def test_a_service_that_does_not_run_is_started_and_not_by_being_asked(computer: Make) -> None:
    here = on(computer())
    here.write("/usr/libexec/bluetooth/bluetoothd")
    here.programs[OWNER] = Ran(0, "b false\n")
    seen = bluetooth.service(here.system())
    assert not seen.ok
    assert seen.fix.startswith("sudo systemctl enable --now bluetooth")
    bluetooth.adapter(here.system())
    # A message to org.bluez would have D-Bus start it.
    assert not any("get-property" in command or "introspect" in command for command in here.asked)


def test_without_bluez_it_is_installed_first(computer: Make) -> None:
    here = on(computer())
    here.programs[OWNER] = Ran(0, "b false\n")
    here.write("/etc/os-release", "ID=debian\n")
    assert bluetooth.service(here.system()).fix.startswith("sudo apt install bluez\n")


def test_without_busctl_dbus_send_is_asked(computer: Make) -> None:
    here = on(computer())
    del here.programs[OWNER], here.programs[POWERED]
    answer = "method return time=1 sender=org.freedesktop.DBus -> destination=:1.5 serial=3\n   boolean true\n"
    here.programs[("dbus-send",)] = Ran(0, answer)
    assert bluetooth.service(here.system()).ok
    assert bluetooth.adapter(here.system()).ok


def test_without_either_the_processes_are_looked_at(computer: Make) -> None:
    here = on(computer())
    here.programs.clear()
    here.write("/usr/libexec/bluetooth/bluetoothd")
    assert not bluetooth.service(here.system()).ok
    here.write("/proc/99/comm", "bluetoothd\n")
    assert bluetooth.service(here.system()).ok


def test_a_service_that_refuses_this_user_tells_its_group(computer: Make) -> None:
    here = on(computer())
    here.programs[("busctl", "--system", "--auto-start=no", "introspect")] = Ran(1, "", "Access denied\n")
    seen = bluetooth.service(here.system())
    assert not seen.ok
    assert "usermod -aG bluetooth anna" in seen.fix


@pytest.mark.parametrize(
    ("state", "ok"), [('"controller_state" : "attrib_on"', True), ('"controller_state" : "attrib_off"', False)]
)
def test_macos_tells_whether_its_adapter_is_on(computer: Make, state: str, ok: bool) -> None:
    here = computer(platform="darwin")
    here.programs[("system_profiler",)] = Ran(
        0, f'{{"SPBluetoothDataType" : [ {{ "controller_properties" : {{ {state} }} }} ]}}'
    )
    seen = bluetooth.adapter(here.system())
    assert (seen.ok, bool(seen.fix)) == (ok, not ok)
    assert bluetooth.service(here.system()).ok


def test_a_mac_without_an_adapter_is_told(computer: Make) -> None:
    here = computer(platform="darwin", programs={("system_profiler",): Ran(0, '{"SPBluetoothDataType" : []}')})
    assert not bluetooth.adapter(here.system()).ok


@pytest.mark.parametrize(
    ("answer", "ok"),
    [
        ("0 USB\\VID_8087&PID_0AAA\\5\r\n0 BTH\\MS_BTHLE\\6\r\n", True),
        ("22 USB\\VID_8087&PID_0AAA\\5\r\n", False),
        ("0 BTH\\MS_BTHLE\\6\r\n", False),
        ("", False),
    ],
)
def test_windows_tells_its_adapter_and_whether_it_works(computer: Make, answer: str, ok: bool) -> None:
    here = computer(platform="win32", programs={("powershell",): Ran(0, answer)})
    seen = bluetooth.adapter(here.system())
    assert (seen.ok, bool(seen.fix)) == (ok, not ok)


@pytest.mark.parametrize(
    ("answer", "ok"),
    [("        STATE              : 4  RUNNING\r\n", True), ("        STATUS             : 1  STOPPED\r\n", False)],
)
def test_windows_tells_its_service_in_whatever_language(computer: Make, answer: str, ok: bool) -> None:
    here = computer(platform="win32", programs={("sc",): Ran(0, answer)})
    assert bluetooth.service(here.system()).ok is ok


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_system_that_does_not_say_is_not_blamed(computer: Make, platform: str) -> None:
    system = computer(platform=platform).system()
    for look in (bluetooth.adapter, bluetooth.service):
        assert look(system).ok
