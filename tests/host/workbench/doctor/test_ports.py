from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host.workbench.doctor.computer import CH340, PICO, RECEIVER, Computer

from iastm_host.transports.ports import Holder, SerialPort
from iastm_host.workbench.doctor import checks, ports, rights
from iastm_host.workbench.doctor.system import Login

Make = Callable[..., Computer]
NOBODY = Login("anna", False, frozenset({"anna"}), frozenset({"anna"}), frozenset({"anna", "dialout", "root"}))


def test_a_port_that_is_no_board_s_is_no_matter(computer: Make) -> None:
    here = computer(ports=[RECEIVER], closed={RECEIVER.device}, held={RECEIVER.device: [Holder(1, "gpsd")]})
    assert rights.rights(here.system()).ok
    assert ports.holders(here.system()).ok


def test_ports_are_told_with_their_numbers(computer: Make) -> None:
    seen = ports.ports(computer(ports=[PICO, CH340]).system())
    assert seen.ok
    assert "/dev/ttyACM0: a Pico with MicroPython (2E8A:0005)" in seen.detail
    assert "1A86:7523" in seen.detail


def test_no_port_is_no_fault_of_the_computer(computer: Make) -> None:
    assert ports.ports(computer().system()).ok


def test_a_named_port_that_is_not_there_is_told_with_those_that_are(computer: Make) -> None:
    seen = ports.ports(computer(ports=[PICO], port="/dev/ttyACM9").system())
    assert not seen.ok
    assert "/dev/ttyACM0" in seen.fix


def test_a_named_port_is_found_by_its_list_its_file_or_its_address(computer: Make) -> None:
    for name in (PICO.device, os.devnull, "socket://127.0.0.1:5000"):
        assert ports.ports(computer(ports=[PICO], port=name).system()).ok


def test_a_port_named_by_a_link_is_known_by_what_it_leads_to(computer: Make, tmp_path: Path) -> None:
    link = tmp_path / "usb-MicroPython_Board_in_FS_mode-if00"
    link.symlink_to(PICO.device)
    assert "2E8A:0005" in ports.ports(computer(ports=[PICO], port=str(link)).system()).detail


@pytest.mark.parametrize("name", ["", ".", "/dev", "x" * 5000])
def test_what_is_no_port_is_told_whatever_its_name(computer: Make, name: str) -> None:
    system = computer(ports=[PICO], port=name).system()
    assert not ports.ports(system).ok
    assert rights.rights(system).ok
    assert ports.holders(system).ok


def test_linux_under_windows_is_told_how_it_sees_usb(computer: Make) -> None:
    here = computer()
    here.write("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2")
    seen = ports.ports(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "usbipd attach" in seen.fix


def test_a_port_that_is_held_names_its_holder_and_how_to_end_it(computer: Make) -> None:
    seen = ports.holders(computer(ports=[PICO], held={PICO.device: [Holder(4711, "minicom")]}).system())
    assert (seen.ok, seen.only_advice) == (False, False)
    assert "/dev/ttyACM0 is held by minicom (process 4711)" in seen.detail
    assert "kill 4711" in seen.fix


def test_while_another_port_is_free_a_held_one_is_advice(computer: Make) -> None:
    here = computer(ports=[PICO, CH340], held={PICO.device: [Holder(4711, "minicom")]})
    assert ports.holders(here.system()).only_advice


@pytest.mark.parametrize(
    ("name", "fix"),
    [("ModemManager", "sudo systemctl stop ModemManager"), ("brltty", "sudo systemctl stop brltty")],
)
def test_a_service_that_holds_a_port_is_stopped_and_not_killed(computer: Make, name: str, fix: str) -> None:
    assert ports.holders(computer(ports=[PICO], held={PICO.device: [Holder(1, name)]}).system()).fix == fix


def test_a_board_counts_as_a_tool_s_port_and_a_receiver_does_not() -> None:
    assert [port for port in (PICO, CH340, RECEIVER) if ports.may_be_a_tool(port)] == [PICO, CH340]
    assert not ports.may_be_a_tool(SerialPort("/dev/ttyS0", None, None, "", "", ""))


def test_the_computer_s_own_port_is_no_tool(computer: Make) -> None:
    own = SerialPort("/dev/ttyS0", None, None, "", "", "")
    here = computer(ports=[own]).system()
    assert "none of a known board" in ports.ports(here).detail
    assert checks.examine(here, checks.OF_COMPUTER[:1]).connected is False
    assert checks.examine(computer(ports=[own, PICO]).system(), checks.OF_COMPUTER[:1]).connected is True
