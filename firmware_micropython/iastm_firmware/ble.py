"""Bluetooth Low Energy: the tool as a peripheral of one host, over MicroPython's low-level `bluetooth`.

SPEC.md, 10, has the services. All that BLE needs stands in this file: a board with a radio imports it and lists
`BleLink(tool, bluetooth)` among its links. The interrupt copies what came; `step` works on it.
"""

import errno
import struct

from iastm_firmware.carrier import Carrier
from iastm_firmware.clock import ticks_between
from iastm_firmware.link import Link
from iastm_firmware.outlet import Outlet
from iastm_firmware.version import VERSION
from iastm_protocol import kinds
from iastm_protocol._compat import const
from iastm_protocol.conversion import to_newtons
from iastm_protocol.fragments import FragmentDecoder, FragmentWriter
from iastm_protocol.frames import BareFrameWriter

_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_CENTRAL_DISCONNECT = const(2)
_IRQ_GATTS_WRITE = const(3)
_IRQ_MTU_EXCHANGED = const(21)
_IRQ_ENCRYPTION_UPDATE = const(28)

_READ = const(0x0002)
_WRITE_NO_RESPONSE = const(0x0004)
_WRITE = const(0x0008)
_NOTIFY = const(0x0010)
# Not among the module's own names; NimBLE and BTstack take it. It asks for encryption, not for a bond.
_WRITE_ENCRYPTED = const(0x1000)
_NO_INPUT_NO_OUTPUT = const(3)

_TOOL_UUID = "1a570001-6d1e-4c3b-9f0a-7c5e2b8d4f10"
_STREAM_UUID = "1a570002-6d1e-4c3b-9f0a-7c5e2b8d4f10"
_QUERY_UUID = "1a570003-6d1e-4c3b-9f0a-7c5e2b8d4f10"
_COMMAND_UUID = "1a570004-6d1e-4c3b-9f0a-7c5e2b8d4f10"
_FORCE_UUID = const(0x2C07)
_DEVICE_INFORMATION_UUID = const(0x180A)
_BATTERY_UUID = const(0x180F)

# Types of advertised data: Bluetooth SIG, Assigned Numbers, 2.3.
_AD_FLAGS = const(0x01)
_AD_UUIDS_128 = const(0x07)
_AD_NAME = const(0x09)
_AD_SERVICE_DATA_16 = const(0x16)
_AD_SERVICE_DATA_128 = const(0x21)
_DISCOVERABLE_LE_ONLY = const(0x06)
_IN_USE = const(0x01)
_ADVERTISE_EVERY_US = const(100000)
# As much of the name as the scan response has room for.
_NAME_BYTES = const(10)

_LEAST_MTU = const(23)
_PREFERRED_MTU = const(247)
_FULL_RATE_MTU = const(100)
# Of each message, for the protocol of attributes.
_ATT_BYTES = const(3)
_WRITE_BYTES = const(512)
_BATCH_US = const(40000)
_WINDOW_FRAMES = const(32)
_HELLO_WITHIN_US = const(5000000)
_FORCE_EVERY_US = const(250000)
# More writes than this wait for no `step`, nor more bytes: four of the largest frames.
_MAX_WAITING_WRITES = const(32)
_MAX_WAITING_BYTES = const(2048)
_MAX_ARRIVED = const(48)
_TRY_LATER = (errno.ENOMEM, errno.EAGAIN, getattr(errno, "EBUSY", 16))


class _Inlet:
    """Frames from the two characteristics that a host writes to, in the order of its writes."""

    by_cable = False

    def __init__(self):
        self._query = FragmentDecoder(kinds.MAX_LINK_PAYLOAD)
        self._command = FragmentDecoder(kinds.MAX_LINK_PAYLOAD)
        self._decoder = self._query
        self._waiting = []
        self._lost = 0
        self.may_change = False

    @property
    def damaged(self):
        return self._query.damaged + self._command.damaged + self._lost

    def put(self, message, by_command, encrypted):
        """Take a write to the command characteristic or to the query one, on a link that is encrypted or not."""
        if _has_room(self._waiting, message):
            self._waiting.append((by_command, encrypted, message))
        else:
            self.lose()

    def lose(self):
        """Count a write for which there is no room."""
        self._lost += 1

    def read(self):
        if not self._waiting:
            return False
        by_command, encrypted, message = self._waiting.pop(0)
        self._decoder = self._command if by_command else self._query
        self.may_change = by_command and encrypted
        self._decoder.feed(message)
        return True

    def next_frame(self):
        return self._decoder.next_frame()

    def restart(self):
        self._waiting = []
        self._query.restart()
        self._command.restart()


class _Notifier:
    """The way out, as Outlet writes to it: a frame, or what is left of one, goes as notifications."""

    def __init__(self, radio):
        self._radio = radio
        self._writer = FragmentWriter(_PREFERRED_MTU - _ATT_BYTES)
        self._within = False
        self._handle = 0
        self._connection = 0
        self._max_bytes = 0

    def serve(self, connection, handle):
        """From now on notify this connection."""
        self._connection = connection
        self._handle = handle
        self._within = False
        self.carry(_LEAST_MTU)

    def carry(self, mtu):
        """Notify with messages for this MTU."""
        self._max_bytes = min(mtu, _PREFERRED_MTU) - _ATT_BYTES

    def write(self, data):
        """Send what goes of `data` now; return how many of its bytes went."""
        taken = 0
        n = len(data)
        while taken < n:
            message = self._writer.cut(data[taken:], not self._within, self._max_bytes)
            try:
                self._radio.gatts_notify(self._connection, self._handle, message)
            except OSError as error:
                if error.errno in _TRY_LATER:
                    return taken
                # The host is gone, and the interrupt that says so on its way: nothing is owed to it.
                self._within = False
                return n
            taken += len(message) - 1
            self._within = True
        self._within = False
        return n


class BleLink(Link):
    """A link over BLE. `bluetooth` is MicroPython's module of that name, or what stands in for it."""

    def __init__(self, tool, bluetooth):
        self._radio = bluetooth.BLE()
        self._arrived = []
        self._connection = None
        self._encrypted = False
        self._mtu = _LEAST_MTU
        self._since_ticks = 0
        self._force_ticks = 0
        self._battery_percent = kinds.UNKNOWN_U8
        self._battery_is_shown = True
        self._advertises = False
        self._notifier = _Notifier(self._radio)
        super().__init__(
            tool,
            Carrier(
                _Inlet(),
                Outlet(self._notifier, tool.clock),
                BareFrameWriter(kinds.MAX_LINK_PAYLOAD),
                _BATCH_US,
                _WINDOW_FRAMES,
            ),
        )
        self._start(bluetooth)

    def step(self):
        """Work on what the interrupt copied, then read and send; return True where more could be sent at once."""
        while self._arrived:
            self._take(self._arrived.pop(0))
        if self._connection is None:
            return False
        self._note_fault(kinds.FAULT_LINK_NARROW, self.streaming and self._mtu < _FULL_RATE_MTU)
        self._watch_host()
        self._show_force()
        return super().step()

    def second(self):
        """A second has passed: a status is due, and the battery may have changed."""
        super().second()
        self._show_battery()
        if not self._advertises:
            self._advertise()

    def end(self):
        """The tool falls asleep: its host has to connect anew."""
        if self._connection is not None:
            self._since_ticks = self.tool.clock.now()
            self._drop(self._connection)
        super().end()

    def _start(self, bluetooth):
        board = self.tool.board
        radio = self._radio
        radio.active(True)
        # The name that a connected host reads is not bound by the size of an advertisement.
        radio.config(gap_name="IASTM " + board.serial_number, mtu=_PREFERRED_MTU)
        for name, value in (("bond", False), ("mitm", False), ("le_secure", True), ("io", _NO_INPUT_NO_OUTPUT)):
            try:
                radio.config(**{name: value})
            except (OSError, ValueError):
                # This stack pairs in another way, or not at all: then no link is encrypted, and no state changes.
                continue
        radio.irq(self._irq)
        uuid = bluetooth.UUID
        (
            (self._stream_handle, query, self._command_handle, self._force_handle),
            (manufacturer, model, serial_number, firmware),
            (self._battery_handle,),
        ) = radio.gatts_register_services(
            (
                (
                    uuid(_TOOL_UUID),
                    (
                        (uuid(_STREAM_UUID), _NOTIFY),
                        (uuid(_QUERY_UUID), _WRITE | _WRITE_NO_RESPONSE),
                        (uuid(_COMMAND_UUID), _WRITE | _WRITE_ENCRYPTED),
                        (uuid(_FORCE_UUID), _READ),
                    ),
                ),
                (
                    uuid(_DEVICE_INFORMATION_UUID),
                    ((uuid(0x2A29), _READ), (uuid(0x2A24), _READ), (uuid(0x2A25), _READ), (uuid(0x2A26), _READ)),
                ),
                (uuid(_BATTERY_UUID), ((uuid(0x2A19), _READ | _NOTIFY),)),
            )
        )
        # Twenty bytes are a write's default; and a second write before the first is read shall not take its place.
        radio.gatts_set_buffer(query, _WRITE_BYTES, True)
        radio.gatts_set_buffer(self._command_handle, _WRITE_BYTES, True)
        radio.gatts_write(manufacturer, "IASTM toolkit".encode())
        radio.gatts_write(model, board.name.encode())
        radio.gatts_write(serial_number, board.serial_number.encode())
        radio.gatts_write(firmware, VERSION.encode())
        self._show_battery()
        self._advertise()

    def _irq(self, event, data):
        # While the cable's port holds a write no `step` comes for half a second: what a host does meanwhile is bounded.
        if event == _IRQ_GATTS_WRITE:
            # What is written lies in the stack's buffer, and the next write would be added to it: it is read anyway.
            message = self._radio.gatts_read(data[1])
            if _has_room(self._arrived, message):
                self._arrived.append((event, data[0], data[1], message))
            else:
                self._inlet.lose()
        elif event in (_IRQ_CENTRAL_CONNECT, _IRQ_CENTRAL_DISCONNECT):
            # Bounded by the radio: who connects ends the advertising, which `step` alone begins again.
            self._arrived.append((event, data[0], 0, b""))
        elif event in (_IRQ_MTU_EXCHANGED, _IRQ_ENCRYPTION_UPDATE) and len(self._arrived) < _MAX_ARRIVED:
            # Beyond that only a host comes that asks for them again and again: its own link lacks them.
            self._arrived.append((event, data[0], data[1], b""))

    def _take(self, arrived):
        event, connection, value, message = arrived
        if event == _IRQ_CENTRAL_CONNECT:
            if self._connection is None:
                self._begin(connection)
            else:
                self._drop(connection)
        elif connection != self._connection:
            return
        elif event == _IRQ_CENTRAL_DISCONNECT:
            self._end()
        elif event == _IRQ_GATTS_WRITE:
            self._inlet.put(message, value == self._command_handle, self._encrypted)
        elif event == _IRQ_MTU_EXCHANGED:
            self._mtu = value
            self._notifier.carry(value)
        else:
            self._encrypted = bool(value)

    def _begin(self, connection):
        self._connection = connection
        self._encrypted = False
        self._mtu = _LEAST_MTU
        self._since_ticks = self.tool.clock.now()
        self._notifier.serve(connection, self._stream_handle)
        self.restart()
        self._advertise()

    def _end(self):
        self._connection = None
        self.restart()
        # No host may take for now's what was pressed on another one's connection.
        self._write(self._force_handle, b"")
        self._note_fault(kinds.FAULT_LINK_NARROW, False)
        self._advertise()

    def _watch_host(self):
        if self.greeted:
            return
        now_ticks = self.tool.clock.now()
        if ticks_between(self._since_ticks, now_ticks) >= _HELLO_WITHIN_US:
            # Nobody may keep the tool from its host by holding its one connection.
            self._since_ticks = now_ticks
            self._drop(self._connection)

    def _drop(self, connection):
        try:
            self._radio.gap_disconnect(connection)
        except OSError:
            # It is going already, or will be told again.
            return

    def _show_force(self):
        now_ticks = self.tool.clock.now()
        # Of a connection of long ago: readings of the ticks tell an order for nine minutes.
        if 0 <= ticks_between(self._force_ticks, now_ticks) < _FORCE_EVERY_US:
            return
        self._force_ticks = now_ticks
        tool = self.tool
        value = b""
        if tool.sampler.taken and not tool.health.faults & kinds.FAULT_ADC_SILENT:
            settings = tool.settings
            force_n = to_newtons(tool.sampler.last_counts, settings.zero.counts, settings.calibration.coefficients)
            value = struct.pack("<i", round(force_n * 1000))
        self._write(self._force_handle, value)

    def _show_battery(self):
        percent = self.tool.life.battery.percent
        changed = percent != self._battery_percent
        if changed or not self._battery_is_shown:
            self._battery_percent = percent
            self._battery_is_shown = self._write(self._battery_handle, self._battery_bytes(), True)
        if changed:
            self._advertise()

    def _write(self, handle, value, notifies=False):
        # Whether the stack took it: it may be out of memory. Who writes it writes it again.
        try:
            self._radio.gatts_write(handle, value, notifies)
        except OSError:
            return False
        return True

    def _battery_bytes(self):
        return b"" if self._battery_percent == kinds.UNKNOWN_U8 else bytes([self._battery_percent])

    def _advertise(self):
        board = self.tool.board
        tool_uuid = _little_endian(_TOOL_UUID)
        data = _field(_AD_FLAGS, bytes([_DISCOVERABLE_LE_ONLY])) + _field(_AD_UUIDS_128, tool_uuid)
        battery = self._battery_bytes()
        if battery:
            data += _field(_AD_SERVICE_DATA_16, struct.pack("<H", _BATTERY_UUID) + battery)
        name = b"IASTM " + board.serial_number.encode()[-4:]
        in_use = self._connection is not None
        response = _field(_AD_NAME, name[:_NAME_BYTES])
        response += _field(_AD_SERVICE_DATA_128, tool_uuid + bytes([_IN_USE if in_use else 0]))
        try:
            self._radio.gap_advertise(_ADVERTISE_EVERY_US, adv_data=data, resp_data=response, connectable=not in_use)
            self._advertises = True
        except OSError:
            # The stack is busy, as while a connection comes or goes: `second` tries again.
            self._advertises = False


def _has_room(waiting, message):
    # Of what waits, the last of each is the message.
    if len(waiting) >= _MAX_WAITING_WRITES:
        return False
    return len(message) + sum([len(each[-1]) for each in waiting]) <= _MAX_WAITING_BYTES


def _field(kind, data):
    return bytes([len(data) + 1, kind]) + data


def _little_endian(uuid):
    # As in the air; the text has its highest byte first.
    high_first = bytes.fromhex(uuid.replace("-", ""))
    return bytes([high_first[15 - i] for i in range(16)])
