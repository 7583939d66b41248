"""Section 10 is true: its table is what the firmware registers and the host looks for, and what is advertised."""

from __future__ import annotations

from typing import Any

import pytest
from tests.firmware.conftest import Bench
from tests.firmware.desk import CONNECT, Radio
from tests.protocol.spec import section, tables

from iastm_firmware.ble import BleLink
from iastm_host.transports import ble, scan

_BASE = "-6d1e-4c3b-9f0a-7c5e2b8d4f10"
_BITS = {"read": 0x0002, "write without response": 0x0004, "write": 0x0008, "notify": 0x0010}
_ENCRYPTED = 0x1000
_SERIAL_NUMBER = "SIM-0001"


class _Registrar(Radio):
    def __init__(self) -> None:
        super().__init__()
        self.registered: list[tuple[int | str, int | str, int]] = []

    def gatts_register_services(self, services: Any) -> Any:
        for service, characteristics in services:
            self.registered += [(service.value, uuid.value, flags) for uuid, flags in characteristics]
        return super().gatts_register_services(services)


@pytest.fixture
def radio() -> _Registrar:
    radio = _Registrar()
    Bench([], links=[lambda tool: BleLink(tool, radio)], serial_number=_SERIAL_NUMBER)
    return radio


def _uuid(cell: str) -> int | str:
    return cell.strip("`").removesuffix("-…") + _BASE if "1a57" in cell else int(cell.rsplit(" ", 1)[-1], 16)


def _listed() -> list[tuple[int | str, int | str, int]]:
    """The table's characteristics, each with its service and the flags of MicroPython."""
    found = []
    service: int | str = 0
    for service_cell, name, uuid, properties, _ in tables(section("## 10. Bluetooth"))[0]:
        if service_cell:
            service = _uuid(uuid if service_cell == "tool" else service_cell)
        if name:
            stated, _, demand = properties.partition("; ")
            flags = sum(_BITS[each] for each in stated.split(", "))
            found.append((service, _uuid(uuid), flags | (_ENCRYPTED if demand else 0)))
    return found


def test_the_table_is_what_the_firmware_registers(radio: _Registrar) -> None:
    assert f"`1a57xxxx{_BASE}`" in section("## 10. Bluetooth")
    assert radio.registered == _listed()


def test_the_table_is_what_the_host_looks_for() -> None:
    services = {str(service) for service, _, _ in _listed()}
    characteristics = [uuid for _, uuid, _ in _listed()]
    assert scan.TOOL_SERVICE in services
    assert characteristics[:3] == [ble.STREAM, ble.QUERY, ble.COMMAND]


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        n = data[0]
        found.append((data[1], data[2 : 1 + n]))
        data = data[1 + n :]
    return found


def test_what_is_advertised_is_what_the_table_says(radio: _Registrar) -> None:
    rows = [row.strip().strip("|").split("|") for row in section("## 10. Bluetooth").splitlines() if row[:3] == "  |"]
    listed = [(row[0].strip(), int(row[1].split(",")[0], 16)) for row in rows[2:]]
    free = radio.advertised[-1]
    service = bytes.fromhex(scan.TOOL_SERVICE.replace("-", ""))[::-1]
    advertised, answered = _fields(free["adv_data"]), _fields(free["resp_data"])
    said = [("advertisement", kind) for kind, _ in advertised] + [("scan response", kind) for kind, _ in answered]
    assert said == listed
    # The bench's battery stands at 77 %.
    assert advertised == [(0x01, b"\x06"), (0x07, service), (0x16, b"\x0f\x18\x4d")]
    assert answered == [(0x09, b"IASTM 0001"), (0x21, service + b"\x00")]


def test_a_tool_in_use_says_so() -> None:
    radio = _Registrar()
    bench = Bench([], links=[lambda tool: BleLink(tool, radio)], serial_number=_SERIAL_NUMBER)
    radio.happens(CONNECT, 64, 0)
    bench.tool.links[1].step()
    taken = radio.advertised[-1]
    assert (taken["connectable"], _fields(taken["resp_data"])[1][1][-1]) == (False, 0x01)
