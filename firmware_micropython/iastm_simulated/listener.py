"""The stream as a TCP connection, for systems that have no pseudo-terminals."""

import os
import select
import socket
import struct
import sys

from iastm_firmware.stream import ByteStream

_FIRST_FREE_PORT = 49152
_FREE_PORTS = 16384
_TRIES = 20
# The same numbers on every system; MicroPython does not name them.
_IPPROTO_TCP = 6
_TCP_NODELAY = 1


class Listener:
    """A byte stream as stream.py has it, with one host at a time; the next may come when the one before is gone.

    Listens at `address`, "HOST:PORT", where port 0 is any free one; `address` then says which. Raises ValueError for
    what is no address, OSError where that one can't be had.
    """

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("%s is not HOST:PORT" % address)
        self._socket, port = _bind(host, int(port))
        self.address = "%s:%d" % (host, port)
        self._socket.listen(1)
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._connection = None
        self._stream = None

    def read(self):
        """Return what the host has sent, at most 64 bytes; without a host look for one."""
        if self._stream is None and not self._accept():
            return b""
        try:
            return self._stream.read()
        except OSError:
            # A connection breaks in more ways than a serial port; all of them mean that this host is gone.
            self._hang_up()
            return b""

    def write(self, data):
        """Write what goes of `data` now; return how many bytes that was, 0 without a host."""
        if self._stream is None:
            return 0
        try:
            return self._stream.write(data)
        except OSError:
            self._hang_up()
            return 0

    def close(self):
        """Let go of the host and of the port."""
        self._hang_up()
        self._socket.close()

    def _accept(self):
        for _ in self._poll.ipoll(0):
            try:
                connection, _ = self._socket.accept()
            except OSError:
                # It went before it was let in.
                return False
            # An alert must not wait until the samples before it are acknowledged.
            connection.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
            connection.setblocking(False)
            self._connection = _stream_of(connection)
            self._stream = ByteStream(self._connection, self._connection, self._hang_up)
            return True
        return False

    def _hang_up(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._stream = None


def _bind(host, port):
    # MicroPython can't ask which port the system chose, so it is chosen here.
    tries_left = 1 if port else _TRIES
    while True:
        tries_left -= 1
        chosen = port or _FIRST_FREE_PORT + struct.unpack("<H", os.urandom(2))[0] % _FREE_PORTS
        try:
            return _bound(host, chosen), chosen
        except OSError as error:
            if not tries_left:
                raise OSError("%s:%d can't be listened at: %s" % (host, chosen, error))


def _bound(host, port):
    listening = socket.socket()
    try:
        listening.bind(socket.getaddrinfo(host, port)[0][-1])
    except OSError:
        listening.close()
        raise
    return listening


def _stream_of(connection):
    if sys.implementation.name != "cpython":
        # On MicroPython a socket is a stream itself.
        return connection
    stream = connection.makefile("rwb", buffering=0)
    connection.close()
    return stream
