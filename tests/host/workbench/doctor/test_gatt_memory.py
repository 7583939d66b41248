from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.transports.scan import TOOL_SERVICE
from iastm_host.workbench.doctor import gatt_memory
from iastm_host.workbench.doctor.system import Ran

Make = Callable[..., Computer]
OBJECTS = ("busctl", "--system", "--auto-start=no", "--json=short")
ADDRESS = "AA:BB:CC:DD:EE:01"


def cache(here: Computer, uuid: str, name: str = "IASTM 0001") -> None:
    """Let BlueZ remember a device."""
    here.write(
        f"/var/lib/bluetooth/11:22:33:44:55:66/cache/{ADDRESS}",
        f"[General]\nName={name}\n\n[Attributes]\n0001=2800:0005:00001801-0000-1000-8000-00805f9b34fb\n"
        f"0010=2800:001a:{uuid}\n0011=2803:0012:10:1a570002-6d1e-4c3b-9f0a-7c5e2b8d4f10\n",
    )


def test_services_of_another_firmware_are_forgotten_with_their_file(computer: Make) -> None:
    here = computer()
    cache(here, "1a56ffff-6d1e-4c3b-9f0a-7c5e2b8d4f10")
    seen = gatt_memory.remembered(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    # BlueZ leaves the file behind where a device is removed (bluez issue 191).
    assert f"bluetoothctl remove {ADDRESS}; sudo rm -f /var/lib/bluetooth/*/cache/{ADDRESS}" in seen.fix
    cache(here, TOOL_SERVICE)
    assert gatt_memory.remembered(here.system()).ok


def test_other_people_s_devices_are_no_matter(computer: Make) -> None:
    here = computer()
    cache(here, "0000180d-0000-1000-8000-00805f9b34fb", name="Headphones")
    assert gatt_memory.remembered(here.system()).detail.startswith("no tool is remembered")


def test_who_may_not_read_the_files_asks_bluez(computer: Make) -> None:
    here = computer()
    device = {"Name": {"type": "s", "data": "IASTM 0002"}, "Address": {"type": "s", "data": ADDRESS}}
    more = {"ServicesResolved": {"type": "b", "data": True}, "UUIDs": {"type": "as", "data": ["0000180f-0000"]}}

    def told(properties: Mapping[str, object]) -> Ran:
        objects = {
            "/org/bluez/hci0/dev_1": {"org.bluez.Device1": properties},
            "/org/bluez": {"org.bluez.AgentManager1": {}},
        }
        return Ran(0, json.dumps({"type": "a{oa{sa{sv}}}", "data": [objects]}))

    here.programs[OBJECTS] = told(device | more)
    assert not gatt_memory.remembered(here.system()).ok
    here.programs[OBJECTS] = told(device)
    seen = gatt_memory.remembered(here.system())
    assert seen.ok
    assert f"bluetoothctl remove {ADDRESS}" in seen.detail


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_it_is_told_in_words(computer: Make, platform: str) -> None:
    seen = gatt_memory.remembered(computer(platform=platform).system())
    assert seen.ok
    assert "remove it" in seen.detail
