from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.host.workbench.doctor.computer import CH340, PICO, RECEIVER, Computer

from iastm_host.transports.ports import Holder, SerialPort
from iastm_host.workbench import boards
from iastm_host.workbench.doctor import serial
from iastm_host.workbench.doctor.system import Login, Ran

Make = Callable[..., Computer]
NOBODY = Login("anna", False, frozenset({"anna"}), frozenset({"anna"}), frozenset({"anna", "dialout", "root"}))


def test_a_user_of_the_group_may_open_ports(computer: Make) -> None:
    assert serial.rights(computer().system()).detail == "anna is in dialout"


def test_a_user_without_the_group_is_given_a_rule_to_paste_and_the_group(computer: Make) -> None:
    seen = serial.rights(computer(login=NOBODY).system())
    assert not seen.ok
    assert "sudo tee /etc/udev/rules.d/70-iastm.rules" in seen.fix
    assert "sudo udevadm control --reload" in seen.fix
    assert "sudo usermod -aG dialout anna" in seen.fix


def test_a_group_that_was_given_after_the_login_needs_another_login_and_no_rule(computer: Make) -> None:
    seen = serial.rights(computer(login=replace(NOBODY, listed=frozenset({"anna", "dialout"}))).system())
    assert not seen.ok
    assert "after this login began" in seen.detail
    assert "Log out and in again" in seen.fix
    assert "newgrp dialout" in seen.fix
    assert "tee" not in seen.fix


def test_arch_calls_the_group_uucp(computer: Make) -> None:
    login = replace(NOBODY, known=frozenset({"uucp", "root"}))
    assert "usermod -aG uucp anna" in serial.rights(computer(login=login).system()).fix


def test_a_system_without_such_a_group_has_the_rule_alone(computer: Make) -> None:
    fix = serial.rights(computer(login=replace(NOBODY, known=frozenset({"root"}))).system()).fix
    assert "uaccess" in fix
    assert "GROUP" not in fix
    assert "usermod" not in fix


def test_the_pasted_rule_is_enough_where_no_port_is_there_to_try(computer: Make) -> None:
    here = computer(login=NOBODY)
    here.write(serial.RULES_FILE, serial.udev_rules("dialout"))
    assert serial.rights(here.system()).ok


def test_a_port_that_can_be_opened_is_worth_more_than_any_group(computer: Make) -> None:
    assert serial.rights(computer(login=NOBODY, ports=[PICO]).system()).ok
    closed = computer(ports=[PICO], closed={PICO.device})
    seen = serial.rights(closed.system())
    assert not seen.ok
    assert "anna may not open /dev/ttyACM0" in seen.detail


@pytest.mark.parametrize("group", ["root", "video"])
def test_a_port_of_another_group_is_given_by_a_rule_and_never_by_that_group(computer: Make, group: str) -> None:
    seen = serial.rights(computer(ports=[PICO], closed={PICO.device}, group=group).system())
    assert f"belongs to {group}" in seen.detail
    assert "usermod" not in seen.fix
    assert "sudo chown anna /dev/ttyACM0" in seen.fix


def test_a_port_that_is_no_board_s_is_no_matter(computer: Make) -> None:
    here = computer(ports=[RECEIVER], closed={RECEIVER.device}, held={RECEIVER.device: [Holder(1, "gpsd")]})
    assert serial.rights(here.system()).ok
    assert serial.holders(here.system()).ok


def test_the_superuser_may_open_every_port(computer: Make) -> None:
    root = Login("root", True, frozenset({"root"}), frozenset({"root"}), frozenset({"root"}))
    assert serial.rights(computer(login=root).system()).ok


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_ports_need_no_rights(computer: Make, platform: str) -> None:
    system = computer(platform=platform, login=NOBODY).system()
    assert serial.rights(system).ok
    assert serial.modem_manager(system).ok
    assert serial.braille(system).ok


def test_the_rules_name_every_number_by_which_boards_are_known() -> None:
    lines = serial.udev_rules("dialout").splitlines()
    named = set()
    for line in lines:
        assert line.startswith('SUBSYSTEM=="tty|usb", ATTRS{idVendor}=="')
        assert line.endswith('MODE="0660", GROUP="dialout", TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"')
        said = dict(re.findall(r'ATTRS\{(\w+)\}=="([^"]+)"', line))
        pids = said.get("idProduct", "").split("|")
        named |= {(int(vid, 16), int(pid, 16) if pid else None) for vid in said["idVendor"].split("|") for pid in pids}
    makers = {vid for vid, _pid in boards._NUMBERS} | set(boards._MAKERS)
    assert set(serial.MAKERS) == makers
    assert named == {(vid, None) for vid in makers} | set(boards.BRIDGES)


def test_a_bridge_without_a_driver_is_found_on_windows(computer: Make) -> None:
    here = computer(platform="win32")
    here.programs[("powershell",)] = Ran(
        0, "USB\\VID_10C4&PID_EA60\\0001\r\nUSB\\VID_046D&PID_C52B\\6&1\r\nUSB\\VID_1A86&PID_7523\\5\r\n"
    )
    seen = serial.drivers(here.system())
    assert not seen.ok
    assert "CP210x (10C4:EA60)" in seen.detail
    assert "CH340 (1A86:7523)" in seen.detail
    assert "046D" not in seen.detail
    assert "silabs.com" in seen.fix
    assert "wch-ic.com" in seen.fix
    here.programs[("powershell",)] = Ran(0, "")
    assert serial.drivers(here.system()).ok


def test_a_bridge_without_a_driver_is_found_on_macos(computer: Make) -> None:
    here = computer(platform="darwin")
    here.programs[("ioreg",)] = Ran(
        0,
        '+-o Root Hub\n  | {\n  |   "idVendor" = 1452\n  |   "idProduct" = 33117\n'
        '+-o USB Serial@14\n  | {\n  |   "idProduct" = 29987\n  |   "USB Product Name" = "USB Serial"\n'
        '  |   "idVendor" = 6790\n',
    )
    seen = serial.drivers(here.system())
    assert not seen.ok
    assert "CH340 (1A86:7523)" in seen.detail
    here.ports = [replace(CH340, device="/dev/cu.wchusbserial14")]
    assert serial.drivers(here.system()).ok


def test_ports_are_told_with_their_numbers(computer: Make) -> None:
    seen = serial.ports(computer(ports=[PICO, CH340]).system())
    assert seen.ok
    assert "/dev/ttyACM0: a Pico with MicroPython (2E8A:0005)" in seen.detail
    assert "1A86:7523" in seen.detail


def test_no_port_is_no_fault_of_the_computer(computer: Make) -> None:
    assert serial.ports(computer().system()).ok


def test_a_named_port_that_is_not_there_is_told_with_those_that_are(computer: Make) -> None:
    seen = serial.ports(computer(ports=[PICO], port="/dev/ttyACM9").system())
    assert not seen.ok
    assert "/dev/ttyACM0" in seen.fix


def test_a_named_port_is_found_by_its_list_its_file_or_its_address(computer: Make) -> None:
    for name in (PICO.device, os.devnull, "socket://127.0.0.1:5000"):
        assert serial.ports(computer(ports=[PICO], port=name).system()).ok


@pytest.mark.parametrize("name", ["", ".", "/dev", "x" * 5000])
def test_what_is_no_port_is_told_whatever_its_name(computer: Make, name: str) -> None:
    system = computer(ports=[PICO], port=name).system()
    assert not serial.ports(system).ok
    assert serial.rights(system).ok
    assert serial.holders(system).ok


def test_linux_under_windows_is_told_how_it_sees_usb(computer: Make) -> None:
    here = computer()
    here.write("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2")
    seen = serial.ports(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "usbipd attach" in seen.fix


def test_a_port_that_is_held_names_its_holder_and_how_to_end_it(computer: Make) -> None:
    seen = serial.holders(computer(ports=[PICO], held={PICO.device: [Holder(4711, "minicom")]}).system())
    assert (seen.ok, seen.only_advice) == (False, False)
    assert "/dev/ttyACM0 is held by minicom (process 4711)" in seen.detail
    assert "kill 4711" in seen.fix


def test_while_another_port_is_free_a_held_one_is_advice(computer: Make) -> None:
    here = computer(ports=[PICO, CH340], held={PICO.device: [Holder(4711, "minicom")]})
    assert serial.holders(here.system()).only_advice


@pytest.mark.parametrize(
    ("name", "fix"),
    [("ModemManager", "sudo systemctl stop ModemManager"), ("brltty", "sudo systemctl stop brltty")],
)
def test_a_service_that_holds_a_port_is_stopped_and_not_killed(computer: Make, name: str, fix: str) -> None:
    assert serial.holders(computer(ports=[PICO], held={PICO.device: [Holder(1, name)]}).system()).fix == fix


def test_modem_manager_is_told_while_no_rule_keeps_it_from_boards(computer: Make) -> None:
    here = computer()
    assert serial.modem_manager(here.system()).ok
    here.write("/proc/812/comm", "ModemManager\n")
    seen = serial.modem_manager(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "ID_MM_DEVICE_IGNORE" in seen.fix
    # What the fix writes is what is looked for.
    here.write(serial.RULES_FILE, seen.fix.partition("END'\n")[2].partition("\nEND\n")[0])
    assert serial.modem_manager(here.system()).ok


BRLTTY = '# ENV{PRODUCT}=="10c4/ea60/*", ENV{BRLTTY_BRAILLE_DRIVER}="sk"\nENV{PRODUCT}=="1a86/7523/*", GOTO="brltty"\n'


def test_a_service_for_braille_that_takes_bridges_is_told_and_can_be_masked(computer: Make) -> None:
    here = computer()
    here.write("/usr/lib/udev/rules.d/85-brltty.rules", BRLTTY)
    seen = serial.braille(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "CH340" in seen.detail
    assert "CP210x" not in seen.detail
    assert "/etc/udev/rules.d/85-brltty.rules" in seen.fix
    here.write("/etc/udev/rules.d/85-brltty.rules", "")
    assert serial.braille(here.system()).ok


def test_a_board_counts_as_a_tool_s_port_and_a_receiver_does_not() -> None:
    assert [port for port in (PICO, CH340, RECEIVER) if serial._may_be_a_tool(port)] == [PICO, CH340]
    assert not serial._may_be_a_tool(SerialPort("/dev/ttyS0", None, None, "", "", ""))
