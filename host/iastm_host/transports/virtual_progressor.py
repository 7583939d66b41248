"""A Progressor on virtual air, for tests and for looking at one without a gauge: it plays kilograms and answers.

What the real one does is told by https://tindeq.com/progressor_api/; of what that leaves open this one begins its
clock anew with each start, and each link that ends ends its measurement.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Collection, Coroutine, Iterator
from typing import Any

from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import AdvertisingType, Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from iastm_host.transports.ble import PROGRESSOR_CONTROL, PROGRESSOR_DATA
from iastm_host.transports.scan import PROGRESSOR_SERVICE
from iastm_host.transports.virtual_air import VirtualAir

RATE_HZ = 80
MOST_IN_A_NOTIFICATION = 16
ADDRESS = "F1:00:00:00:00:10"
NAME = "Progressor_1234"
_FIRMWARE = b"1.2.3.4"
_BATTERY_MV = 4012
_TARE, _START, _STOP, _VERSION, _BATTERY = 0x64, 0x65, 0x66, 0x6B, 0x6F
_ANSWER, _WEIGHTS = 0, 1
_SAMPLE = struct.Struct("<fI")
_PERIOD_US = 1_000_000 // RATE_HZ
_WRAP = 1 << 32
_INTERVAL_MS = 20


class VirtualProgressor:
    """One gauge on a device that is switched on; made, started and closed in one event loop.

    It weighs `kilograms`, sample by sample, and 0 after the last. `batch` is how many go into a notification, `mute`
    what it does not answer. Its clock begins at `clock_start_us`; where it `goes_on`, neither a start nor the end of a
    link sets it back or ends its measurement. `commands` are all it was told, `weighed` all it weighed: kg as a 32-bit
    float holds it, and its time. While `stalled` it weighs and says nothing.
    """

    def __init__(
        self,
        device: Device,
        kilograms: Iterator[float],
        *,
        name: str = NAME,
        batch: int = MOST_IN_A_NOTIFICATION,
        clock_start_us: int = 0,
        goes_on: bool = False,
        mute: Collection[int] = (),
    ) -> None:
        if not 1 <= batch <= MOST_IN_A_NOTIFICATION:
            raise ValueError(f"a batch of {batch} samples")
        self.commands: list[int] = []
        self.weighed: list[tuple[float, int]] = []
        self.stalled = False
        self._device = device
        self._kilograms = kilograms
        self._name = name
        self._batch = batch
        self._clock_start_us = self._clock_us = clock_start_us
        self._goes_on = goes_on
        self._mute = mute
        self._tare_kg = self._last_kg = 0.0
        self._measuring: asyncio.Task[None] | None = None
        self._closed = False
        self._weighed_more = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()
        self._data = Characteristic[bytes](PROGRESSOR_DATA, Characteristic.Properties.NOTIFY, Characteristic.READABLE)
        control = Characteristic[bytes](
            PROGRESSOR_CONTROL,
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._written),
        )
        device.add_service(Service(PROGRESSOR_SERVICE, [self._data, control]))
        device.on(Device.EVENT_CONNECTION, self._connected)

    async def start(self) -> None:
        """Advertise."""
        kind = AdvertisingData.Type
        service = (kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(PROGRESSOR_SERVICE)))
        await self._device.start_advertising(
            AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE,
            advertising_data=bytes(AdvertisingData([(kind.FLAGS, b"\x06"), service])),
            scan_response_data=bytes(AdvertisingData([(kind.COMPLETE_LOCAL_NAME, self._name.encode())])),
            advertising_interval_min=_INTERVAL_MS,
            advertising_interval_max=_INTERVAL_MS,
        )

    async def close(self) -> None:
        """Stop measuring, and advertise no more; before its air ends."""
        self._closed = True
        await self._stop_measuring()
        if self._ending:
            await asyncio.wait(self._ending)

    async def _stop_measuring(self) -> None:
        measuring, self._measuring = self._measuring, None
        if measuring is not None:
            measuring.cancel()
            await asyncio.wait([measuring])

    async def until_weighed(self, count: int) -> None:
        """Wait until it has weighed so many samples in all."""
        while len(self.weighed) < count:
            self._weighed_more.clear()
            await self._weighed_more.wait()

    async def say(self, tag: int, value: bytes = b"") -> None:
        """Notify a tag and its value."""
        await self.notify(bytes([tag, len(value)]) + value)

    async def notify(self, message: bytes) -> None:
        """Notify whatever it is, to a host that listens."""
        with contextlib.suppress(BaseBumbleError):
            await self._device.notify_subscribers(self._data, message)

    def _connected(self, connection: Connection) -> None:
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: self._later(self._left_alone()))

    def _later(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _left_alone(self) -> None:
        if not self._goes_on:
            await self._stop_measuring()
        if self._closed:
            return
        # Whose radio was switched off meanwhile is heard no more.
        with contextlib.suppress(BaseBumbleError):
            await self.start()

    async def _written(self, _connection: Connection, value: bytes) -> None:
        command = value[0]
        self.commands.append(command)
        if command in self._mute:
            return
        if command == _VERSION:
            await self.say(_ANSWER, _FIRMWARE)
        elif command == _BATTERY:
            await self.say(_ANSWER, struct.pack("<I", _BATTERY_MV))
        elif command == _TARE:
            self._tare_kg = self._last_kg
        elif command == _STOP:
            await self._stop_measuring()
        elif command == _START:
            await self._start_measuring()

    async def _start_measuring(self) -> None:
        if self._goes_on and self._measuring is not None:
            return
        await self._stop_measuring()
        if not self._goes_on:
            self._clock_us = self._clock_start_us
        self._measuring = asyncio.get_running_loop().create_task(self._measure())

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s += self._batch / RATE_HZ
            await asyncio.sleep(due_s - loop.time())
            samples = [self._weigh() for _ in range(self._batch)]
            self.weighed += samples
            self._weighed_more.set()
            if not self.stalled:
                await self.say(_WEIGHTS, b"".join(_SAMPLE.pack(*sample) for sample in samples))

    def _weigh(self) -> tuple[float, int]:
        self._last_kg = next(self._kilograms, 0.0)
        kg, _ = _SAMPLE.unpack(_SAMPLE.pack(self._last_kg - self._tare_kg, 0))
        time_us = self._clock_us
        self._clock_us = (time_us + _PERIOD_US) % _WRAP
        return kg, time_us


class ProgressorOnAir:
    """A virtual Progressor with an air of its own; made, used and ended in one event loop."""

    def __init__(self, kilograms: Iterator[float], name: str = NAME) -> None:
        self.air = VirtualAir()
        self._kilograms = kilograms
        self.name = name
        self._gauge: VirtualProgressor | None = None

    async def start(self) -> None:
        """Switch it on."""
        device = await self.air.make_device("gauge", ADDRESS)
        self._gauge = VirtualProgressor(device, self._kilograms, name=self.name)
        await self._gauge.start()

    async def stop(self) -> None:
        """Switch it off, and end its air."""
        if self._gauge is not None:
            await self._gauge.close()
        await self.air.close()
