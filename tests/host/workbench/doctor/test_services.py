from __future__ import annotations

from collections.abc import Callable

from tests.host.workbench.doctor.computer import Computer

from iastm_host.workbench.doctor import rights, services
from iastm_host.workbench.doctor.system import Login

Make = Callable[..., Computer]
NOBODY = Login("anna", False, frozenset({"anna"}), frozenset({"anna"}), frozenset({"anna", "dialout", "root"}))


def test_modem_manager_is_told_while_no_rule_keeps_it_from_boards(computer: Make) -> None:
    here = computer()
    assert services.modem_manager(here.system()).ok
    here.write("/proc/812/comm", "ModemManager\n")
    seen = services.modem_manager(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "ID_MM_DEVICE_IGNORE" in seen.fix
    # What the fix writes is what is looked for.
    here.write(rights.RULES_FILE, seen.fix.partition("END'\n")[2].partition("\nEND\n")[0])
    assert services.modem_manager(here.system()).ok


BRLTTY = '# ENV{PRODUCT}=="10c4/ea60/*", ENV{BRLTTY_BRAILLE_DRIVER}="sk"\nENV{PRODUCT}=="1a86/7523/*", GOTO="brltty"\n'


def test_a_service_for_braille_that_takes_bridges_is_told_and_can_be_masked(computer: Make) -> None:
    here = computer()
    here.write("/usr/lib/udev/rules.d/85-brltty.rules", BRLTTY)
    seen = services.braille(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "CH340" in seen.detail
    assert "CP210x" not in seen.detail
    assert "/etc/udev/rules.d/85-brltty.rules" in seen.fix
    here.write("/etc/udev/rules.d/85-brltty.rules", "")
    assert services.braille(here.system()).ok
