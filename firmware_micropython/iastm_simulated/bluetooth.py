"""What stands in for MicroPython's `bluetooth`: calls go over a local socket to a program that has a radio.

A message is its length (u16), an operation (one byte) and a body; one write each. From the tool:

    S services          JSON: [[uuid, [[uuid, flags, handle], …]], …]
    C configuration     JSON: what `BLE.config` was given
    A advertise         JSON: [interval_us, connectable, data as hex, scan response as hex], or null: stop
    V value             handle (u16), whether to notify who subscribed (u8), bytes
    N notify            connection (u16), handle (u16), bytes
    X disconnect        connection (u16)

To the tool:

    c connected         connection (u16)
    d disconnected      connection (u16)
    m MTU exchanged     connection (u16), MTU (u16)
    e encryption        connection (u16), whether encrypted (u8)
    w written           connection (u16), handle (u16), bytes
    s sent              how many notifications left the queue (u16)
    r refuse            how many of the next notifications get no memory (u16)

As NimBLE does, it refuses a notification with ENOMEM while twelve are queued, cuts a write to the characteristic's
buffer, and notifies whether or not anybody subscribed.
"""

import asyncio
import errno
import json
import socket
import struct

_QUEUED_NOTIFICATIONS = 12
# Read anew every millisecond: in a board's heap only small pieces are sure to be found.
_READ_BYTES = 256
_POLL_EVERY_MS = 1
_DEFAULT_BUFFER_BYTES = 20
_LEAST_MTU = 23
# Windows has a number of its own for a socket that would block.
_NOT_NOW = (errno.EAGAIN, getattr(errno, "EWOULDBLOCK", errno.EAGAIN))
_CONFIGURATION = ("gap_name", "mtu", "bond", "mitm", "le_secure", "io")

_IRQ_CENTRAL_CONNECT = 1
_IRQ_CENTRAL_DISCONNECT = 2
_IRQ_GATTS_WRITE = 3
_IRQ_MTU_EXCHANGED = 21
_IRQ_ENCRYPTION_UPDATE = 28

_HEADER_BYTES = 3
_NO_ADDRESS = bytes(6)


class UUID:
    """A UUID of 16 bits (a number) or of 128 (text)."""

    def __init__(self, value):
        self.value = value

    def text(self):
        """Return it as text, four digits for 16 bits."""
        return "%04x" % self.value if isinstance(self.value, int) else self.value


class Bluetooth:
    """The module: `BLE()` gives its one radio, which is at the other end of `address`, "HOST:PORT".

    Raises ValueError for what is no address, OSError where nobody listens. `at_end` is called once the radio is gone.
    """

    UUID = UUID

    def __init__(self, address, at_end):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("%s is not HOST:PORT" % address)
        self._radio = BLE(_connected(host, int(port)), at_end)

    def BLE(self):  # noqa: N802 (MicroPython's name)
        """Return the radio."""
        return self._radio

    async def run(self):
        """Let the radio's interrupts come, for ever."""
        while True:
            self._radio.poll()
            await asyncio.sleep_ms(_POLL_EVERY_MS)

    def close(self):
        """Let go of the socket."""
        self._radio.close()


class BLE:
    """The radio, with those of MicroPython's functions that the firmware calls."""

    def __init__(self, connection, at_end):
        self._socket = connection
        self._at_end = at_end
        self._irq = None
        self._configuration = {"mtu": _LEAST_MTU}
        # By handle: the value, how long it may be, whether writes are added to it.
        self._values = {}
        self._buffers = {}
        self._arrived = b""
        self._unsent = b""
        self._queued = 0
        self._to_refuse = 0

    def active(self, on):
        """Switch on; this radio always is."""
        return on

    def irq(self, handler):
        """Call `handler(event, data)` for what happens."""
        self._irq = handler

    def config(self, *names, **values):
        """Return one setting, or change some; raises ValueError for what this radio does not know."""
        if names:
            return self._configuration[names[0]]
        for name in values:
            if name not in _CONFIGURATION:
                raise ValueError("unknown config param")
        self._configuration.update(values)
        self._tell("C", json.dumps(values).encode())
        return None

    def gatts_register_services(self, services):
        """Offer services; return the handles of their characteristics."""
        handle = 0
        told = []
        handles = []
        for service, characteristics in services:
            of_service = []
            for characteristic in characteristics:
                handle += 1
                of_service.append((characteristic[0].text(), characteristic[1], handle))
                self._values[handle] = b""
                self._buffers[handle] = (_DEFAULT_BUFFER_BYTES, False)
            told.append((service.text(), of_service))
            handles.append(tuple([each[2] for each in of_service]))
        self._tell("S", json.dumps(told).encode())
        return tuple(handles)

    def gatts_set_buffer(self, handle, size, append=False):
        """Set how long a written value may be, and whether a write is added to what was not read yet."""
        self._buffers[handle] = (size, append)

    def gatts_write(self, handle, value, send_update=False):
        """Set a value for hosts to read; notify those who subscribed where asked."""
        self._values[handle] = bytes(value)
        self._tell("V", struct.pack("<HB", handle, send_update) + bytes(value))

    def gatts_read(self, handle):
        """Return what was written."""
        value = self._values[handle]
        if self._buffers[handle][1]:
            self._values[handle] = b""
        return value

    def gatts_notify(self, connection, handle, value):
        """Queue a notification; raises OSError with ENOMEM where there is no room."""
        self._flush()
        if self._to_refuse:
            self._to_refuse -= 1
            raise OSError(errno.ENOMEM, "no room")
        if self._unsent or self._queued >= _QUEUED_NOTIFICATIONS:
            raise OSError(errno.ENOMEM, "no room")
        self._queued += 1
        self._tell("N", struct.pack("<HH", connection, handle) + bytes(value))

    def gap_advertise(self, interval_us, adv_data=b"", resp_data=b"", connectable=True):
        """Advertise; an interval of None stops it."""
        told = None if interval_us is None else (interval_us, connectable, _hex(adv_data), _hex(resp_data))
        self._tell("A", json.dumps(told).encode())

    def gap_disconnect(self, connection):
        """Disconnect a host."""
        self._tell("X", struct.pack("<H", connection))
        return True

    def poll(self):
        """Send what waits, and let what came interrupt."""
        self._flush()
        try:
            data = self._socket.recv(_READ_BYTES)
        except OSError as error:
            if error.errno in _NOT_NOW:
                return
            data = b""
        if not data:
            self._at_end()
            return
        self._arrived += data
        while len(self._arrived) >= _HEADER_BYTES:
            size, operation = struct.unpack("<HB", self._arrived[:_HEADER_BYTES])
            end = _HEADER_BYTES + size
            if len(self._arrived) < end:
                return
            body = self._arrived[_HEADER_BYTES:end]
            self._arrived = self._arrived[end:]
            self._happened(chr(operation), body)

    def close(self):
        """Let go of the socket."""
        self._socket.close()

    def _happened(self, operation, body):
        number = struct.unpack("<H", body[:2])[0]
        if operation == "c":
            self._interrupt(_IRQ_CENTRAL_CONNECT, (number, 0, _NO_ADDRESS))
        elif operation == "d":
            self._interrupt(_IRQ_CENTRAL_DISCONNECT, (number, 0, _NO_ADDRESS))
        elif operation == "m":
            self._interrupt(_IRQ_MTU_EXCHANGED, (number, struct.unpack("<H", body[2:])[0]))
        elif operation == "e":
            self._interrupt(_IRQ_ENCRYPTION_UPDATE, (number, body[2], 0, 0, 16))
        elif operation == "w":
            handle = struct.unpack("<H", body[2:4])[0]
            size, append = self._buffers[handle]
            self._values[handle] = ((self._values[handle] if append else b"") + body[4:])[:size]
            self._interrupt(_IRQ_GATTS_WRITE, (number, handle))
        elif operation == "s":
            self._queued -= number
        elif operation == "r":
            self._to_refuse = number

    def _interrupt(self, event, data):
        if self._irq is not None:
            self._irq(event, data)

    def _tell(self, operation, body):
        self._unsent += struct.pack("<HB", len(body), ord(operation)) + body
        self._flush()

    def _flush(self):
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except OSError as error:
                if error.errno not in _NOT_NOW:
                    # The radio is gone; `poll` finds that out.
                    self._unsent = b""
                return
            self._unsent = self._unsent[sent:]


def _connected(host, port):
    connection = socket.socket()
    try:
        connection.connect(socket.getaddrinfo(host, port)[0][-1])
    except OSError as error:
        connection.close()
        raise OSError("there is no radio at %s:%d: %s" % (host, port, error))
    connection.setblocking(False)
    return connection


def _hex(data):
    return bytes(data).hex()
