from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.host.workbench.doctor.computer import PICO, Computer

from iastm_host.workbench import boards
from iastm_host.workbench.doctor import ports, rights, services
from iastm_host.workbench.doctor.system import Login

Make = Callable[..., Computer]
NOBODY = Login("anna", False, frozenset({"anna"}), frozenset({"anna"}), frozenset({"anna", "dialout", "root"}))


def test_a_user_of_the_group_may_open_ports(computer: Make) -> None:
    assert rights.rights(computer().system()).detail == "anna is in dialout"


def test_a_user_without_the_group_is_given_a_rule_to_paste_and_the_group(computer: Make) -> None:
    seen = rights.rights(computer(login=NOBODY).system())
    assert not seen.ok
    assert "sudo tee /etc/udev/rules.d/70-iastm.rules" in seen.fix
    assert "sudo udevadm control --reload" in seen.fix
    assert "sudo usermod -aG dialout anna" in seen.fix


def test_a_group_that_was_given_after_the_login_needs_another_login_and_no_rule(computer: Make) -> None:
    seen = rights.rights(computer(login=replace(NOBODY, listed=frozenset({"anna", "dialout"}))).system())
    assert not seen.ok
    assert "after this login began" in seen.detail
    assert "Log out and in again" in seen.fix
    assert "newgrp dialout" in seen.fix
    assert "tee" not in seen.fix


def test_arch_calls_the_group_uucp(computer: Make) -> None:
    login = replace(NOBODY, known=frozenset({"uucp", "root"}))
    assert "usermod -aG uucp anna" in rights.rights(computer(login=login).system()).fix


def test_a_system_without_such_a_group_has_the_rule_alone(computer: Make) -> None:
    fix = rights.rights(computer(login=replace(NOBODY, known=frozenset({"root"}))).system()).fix
    assert "uaccess" in fix
    assert "GROUP" not in fix
    assert "usermod" not in fix


def test_the_pasted_rule_is_enough_where_no_port_is_there_to_try(computer: Make) -> None:
    here = computer(login=NOBODY)
    here.write(rights.RULES_FILE, rights.udev_rules("dialout"))
    assert rights.rights(here.system()).ok


def test_a_port_that_can_be_opened_is_worth_more_than_any_group(computer: Make) -> None:
    assert rights.rights(computer(login=NOBODY, ports=[PICO]).system()).ok
    closed = computer(ports=[PICO], closed={PICO.device})
    seen = rights.rights(closed.system())
    assert not seen.ok
    assert "anna may not open /dev/ttyACM0" in seen.detail


@pytest.mark.parametrize("group", ["root", "video"])
def test_a_port_of_another_group_is_given_by_a_rule_and_never_by_that_group(computer: Make, group: str) -> None:
    seen = rights.rights(computer(ports=[PICO], closed={PICO.device}, group=group).system())
    assert f"belongs to {group}" in seen.detail
    assert "usermod" not in seen.fix
    assert "sudo chown anna /dev/ttyACM0" in seen.fix


def test_the_superuser_may_open_every_port(computer: Make) -> None:
    root = Login("root", True, frozenset({"root"}), frozenset({"root"}), frozenset({"root"}))
    assert rights.rights(computer(login=root).system()).ok


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_ports_need_no_rights(computer: Make, platform: str) -> None:
    system = computer(platform=platform, login=NOBODY).system()
    assert rights.rights(system).ok
    assert services.modem_manager(system).ok
    assert services.braille(system).ok


def test_the_rules_name_every_number_by_which_boards_are_known() -> None:
    lines = rights.udev_rules("dialout").splitlines()
    named = set()
    for line in lines:
        assert line.startswith('SUBSYSTEM=="tty|usb", ATTRS{idVendor}=="')
        assert line.endswith('MODE="0660", GROUP="dialout", TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"')
        said = dict(re.findall(r'ATTRS\{(\w+)\}=="([^"]+)"', line))
        pids = said.get("idProduct", "").split("|")
        named |= {(int(vid, 16), int(pid, 16) if pid else None) for vid in said["idVendor"].split("|") for pid in pids}
    makers = {vid for vid, _pid in boards._NUMBERS} | set(boards._MAKERS)
    assert set(ports.MAKERS) == makers
    assert named == {(vid, None) for vid in makers} | set(boards.BRIDGES)
