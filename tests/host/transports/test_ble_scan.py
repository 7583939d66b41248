from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from iastm_host.transports import base
from iastm_host.transports.base import TransportError
from iastm_host.transports.scan import (
    BATTERY_SERVICE,
    PROGRESSOR_SERVICE,
    TOOL_SERVICE,
    Backend,
    find,
    radio_error,
    scan,
)


def test_a_scan_lists_tools_with_name_address_signal_battery_and_use_and_nothing_else(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool("IASTM-0001", battery=82)
        await world.tool("IASTM-0002", in_use=True)
        other = await world.air.make_device("Headphones", "F2:00:00:00:00:01")
        await other.start_advertising(advertising_interval_min=20, advertising_interval_max=20)
        tools = await scan(0.5, world.radio().backend())
        assert [(tool.name, tool.address, tool.rssi_dbm, tool.battery_percent, tool.in_use) for tool in tools] == [
            ("IASTM-0001", "F1:00:00:00:00:01", -50, 82, False),
            ("IASTM-0002", "F1:00:00:00:00:02", -50, None, True),
        ]

    on_air(test)


def test_two_scans_at_once_hear_the_same(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool()
        backend = world.radio().backend()
        short, long = await asyncio.gather(scan(0.2, backend), scan(0.6, backend))
        assert short == long
        assert len(await scan(0.3, backend)) == 1

    on_air(test)


def scripted(*heard: tuple[float, str, AdvertisementData]) -> Backend:
    """Return a backend that hears each advertisement so many seconds after its start, from the address given."""

    class Scripted(BaseBleakScanner):
        def __init__(self, callback: Any, service_uuids: Any, _mode: Any, **_more: Any) -> None:
            super().__init__(callback, service_uuids)

        async def start(self) -> None:
            loop = asyncio.get_running_loop()
            for after_s, address, said in heard:
                loop.call_later(after_s, self._hear, address, said)

        async def stop(self) -> None: ...

        def _hear(self, address: str, said: AdvertisementData) -> None:
            self.call_detection_callbacks(self.create_or_update_device(address, address, None, None, said), said)

    return Backend(Scripted, None)


def said(
    name: str | None = None, rssi: int = -60, battery: int | None = None, in_use: bool | None = None
) -> AdvertisementData:
    data = {}
    if battery is not None:
        data[BATTERY_SERVICE] = bytes([battery])
    if in_use is not None:
        data[TOOL_SERVICE] = bytes([in_use])
    return AdvertisementData(name, {}, data, [TOOL_SERVICE], None, rssi, ())


def test_what_two_packets_say_of_one_tool_is_put_together() -> None:
    backend = scripted(
        (0.0, "AA", said(battery=40, rssi=-70)),
        (0.01, "AA", said("IASTM-9", rssi=-71, in_use=True)),
        (0.02, "AA", said()),
    )
    (tool,) = asyncio.run(scan(0.2, backend))
    assert (tool.name, tool.rssi_dbm, tool.battery_percent, tool.in_use) == ("IASTM-9", -60, 40, True)


def test_gauges_are_known_by_service_or_name_and_keep_their_kind_when_a_packet_lacks_both() -> None:
    nameless = AdvertisementData(None, {}, {}, [PROGRESSOR_SERVICE], None, -50, ())
    backend = scripted(
        (0.0, "AA", nameless),
        (0.01, "AA", AdvertisementData(None, {}, {}, [], None, -51, ())),
        (0.0, "BB", AdvertisementData("Progressor_1234", {}, {}, [], None, -52, ())),
        (0.0, "CC", said("IASTM-9", rssi=-53)),
        (0.0, "DD", AdvertisementData("Headphones", {}, {}, [], None, -40, ())),
        (0.0, "EE", AdvertisementData(None, {}, {TOOL_SERVICE: b"\0"}, [], None, -54, ())),
    )
    tools = asyncio.run(scan(0.2, backend))
    assert [(tool.address, tool.dialect, tool.rssi_dbm) for tool in tools] == [
        ("AA", "progressor", -51),
        ("BB", "progressor", -52),
        ("CC", "iastm", -53),
        ("EE", "iastm", -54),
    ]


def test_the_strongest_comes_first_and_an_impossible_battery_is_unknown() -> None:
    backend = scripted(
        (0.0, "AA", said("weak", rssi=-90, battery=255)), (0.0, "BB", said("strong", rssi=-40, battery=0))
    )
    tools = asyncio.run(scan(0.2, backend))
    assert [(tool.name, tool.battery_percent) for tool in tools] == [("strong", 0), ("weak", None)]


def test_a_tool_whose_use_ends_while_it_is_waited_for_is_found() -> None:
    backend = scripted((0.0, "AA", said("IASTM-9", in_use=True)), (0.2, "AA", said("IASTM-9", in_use=False)))
    assert asyncio.run(find("IASTM-9", 5.0, 0.1, 4.0, backend)).address == "AA"


def test_a_tool_that_stays_in_use_is_busy_long_before_a_silent_one_is_given_up() -> None:
    backend = scripted(
        (0.0, "BB", said("IASTM-8")), *((at / 10, "AA", said("IASTM-9", in_use=True)) for at in range(20))
    )

    async def test() -> float:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        with pytest.raises(TransportError) as raised:
            await find("IASTM-9", 60.0, 60.0, 0.5, backend)
        assert raised.value.reason == base.BUSY
        return loop.time() - began_s

    assert 0.5 <= asyncio.run(test()) < 30


def test_a_search_that_is_given_up_at_the_moment_something_is_heard_ends() -> None:
    async def test() -> None:
        class GivesUp(BaseBleakScanner):
            def __init__(self, callback: Any, service_uuids: Any, _mode: Any, **_more: Any) -> None:
                super().__init__(callback, service_uuids)

            async def start(self) -> None:
                asyncio.get_running_loop().call_later(0.05, self._hear_and_give_up)

            async def stop(self) -> None: ...

            def _hear_and_give_up(self) -> None:
                other = said("IASTM-8")
                self.call_detection_callbacks(self.create_or_update_device("AA", "AA", None, None, other), other)
                searching.cancel()

        searching = asyncio.ensure_future(find("IASTM-9", 5.0, 0.1, 4.0, Backend(GivesUp, None)))
        await asyncio.wait([searching])
        assert searching.cancelled()

    asyncio.run(test())


def test_an_address_is_found_at_once_and_beats_a_name() -> None:
    backend = scripted((0.0, "AA", said("BB")), (0.0, "BB", said("IASTM-9")))

    async def test() -> tuple[str, float]:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        return (await find("bb", 60.0, 60.0, 4.0, backend)).address, loop.time() - began_s

    address, took_s = asyncio.run(test())
    assert address == "BB"
    assert took_s < 30


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.NO_BLUETOOTH), base.NO_ADAPTER),
        (BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE), base.NO_ADAPTER),
        (BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.POWERED_OFF), base.SWITCHED_OFF),
        (BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.DENIED_BY_USER), base.NO_RIGHTS),
        (BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM), base.NO_RIGHTS),
        (BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.UNKNOWN), base.RADIO_FAILED),
        (BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", []), base.NO_RIGHTS),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []), base.NO_ADAPTER),
        (BleakDBusError("org.bluez.Error.NotReady", []), base.SWITCHED_OFF),
        (BleakDBusError("org.bluez.Error.InProgress", []), base.RADIO_FAILED),
        (FileNotFoundError(2, "No such file or directory"), base.NO_ADAPTER),
        (PermissionError(13, "Permission denied"), base.NO_RIGHTS),
        (BleakError("whatever"), base.RADIO_FAILED),
    ],
)
def test_each_refusal_of_the_system_has_its_reason_and_what_to_do(error: Exception, reason: str) -> None:
    told = radio_error(error)
    assert told.reason == reason
    assert told.what
    assert told.fix
    assert isinstance(told, TransportError)


def test_a_scanner_that_the_system_refuses_is_told_before_anything_is_waited_for() -> None:
    class Refused(BaseBleakScanner):
        def __init__(self, callback: Any, service_uuids: Any, _mode: Any, **_more: Any) -> None:
            super().__init__(callback, service_uuids)

        async def start(self) -> None:
            raise BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF)

        async def stop(self) -> None: ...

    with pytest.raises(TransportError) as raised:
        asyncio.run(find("IASTM-9", 60.0, 1.0, 4.0, Backend(Refused, None)))
    assert raised.value.reason == base.SWITCHED_OFF


def test_a_device_without_a_name_is_listed_all_the_same() -> None:
    (tool,) = asyncio.run(scan(0.1, scripted((0.0, "AA", said()))))
    assert str(tool) == "unnamed (AA)"
    assert isinstance(tool.device, BLEDevice)
