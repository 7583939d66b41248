"""A tool without hardware, as a process: its stream is stdin and stdout, or a TCP connection.

--rows PATH         rows to play, from a file or a pipe (int32 µN, int32 raw counts, little-endian)
--settings FILE     JSON; what can be set, and to what it is by default, stands in board.py
--truth FILE        each conversion as played: index, tool_time_us, force_n, raw_counts
--virtual SECONDS   run in virtual time and end after so many seconds; it begins with the first input or its end
--lockstep          virtual time too, but only as far as the host on stdin and stdout grants it, see lockstep.py
--listen HOST:PORT  the stream is a TCP connection, one at a time; port 0 is any. Says on stderr where it listens.
--lifeline PATH     a pipe that nobody writes to: once all who could are gone, the tool ends
--bluetooth HOST:PORT  Bluetooth too, by a radio that another program has there, see bluetooth.py; its end ends the tool

With --listen, stdin is free: `--settings -` is its first line, `--rows -` what follows, and its end ends the tool. So
it is with --bluetooth, where nothing is on the cable then.

With --listen, --lifeline or --bluetooth it says `running` on stderr once its firmware answers hosts.
"""

import gc
import sys

if sys.implementation.name == "cpython":
    from iastm_simulated.stand_ins import install, pollable

    install()
else:

    def pollable(pipe):
        """Return `pipe`: any can be polled here."""
        return pipe

    # The compiler leaves garbage between what stays. Collected every 4 KiB, it can't scatter that over the heap, whose
    # largest free piece must take the table of names when it grows (8 KiB and more).
    gc.threshold(4096)

import asyncio
import select

# The tool loads it only where it is needed. Here it always is, and is best compiled while memory is collected often.
import iastm_firmware.calibrations  # noqa: F401
from iastm_firmware import app
from iastm_firmware.stream import ByteStream, Unplugged
from iastm_simulated.adc import PlayedAdc
from iastm_simulated.board import SimulatedBoard, Ticks, no_links, read_settings, real_elapsed
from iastm_simulated.rows import Rows
from iastm_simulated.truth import Truth

_OPTIONS = ("--rows", "--settings", "--truth", "--virtual", "--listen", "--lifeline", "--bluetooth")
_FLAGS = ("--lockstep",)
_STDIN = "-"
_LOOK_AFTER_LIFELINE_MS = 500


def _parse(arguments):
    options = {}
    at = 0
    while at < len(arguments):
        name = arguments[at]
        if name in _FLAGS:
            options[name] = ""
            at += 1
            continue
        if name not in _OPTIONS or at + 1 == len(arguments):
            raise ValueError("%s: not an option, or its value is missing" % name)
        options[name] = arguments[at + 1]
        at += 2
    if "--rows" not in options:
        raise ValueError("--rows is missing: there is nothing to play")
    if "--listen" not in options and "--bluetooth" not in options:
        for name in ("--rows", "--settings"):
            if options.get(name) == _STDIN:
                raise ValueError("%s -: stdin is the stream unless there is --listen or --bluetooth" % name)
    elif "--virtual" in options or "--lockstep" in options:
        raise ValueError("--listen, --bluetooth and --virtual, --lockstep: whoever connects lives in real time")
    if "--virtual" in options and "--lockstep" in options:
        raise ValueError("--virtual and --lockstep: either the time or the host says when it ends")
    return options


def _end():
    raise SystemExit(0)


def _listener(address):
    from iastm_simulated.listener import Listener

    listener = Listener(address)
    sys.stderr.write("listening on %s\n" % listener.address)
    return listener


def _bluetooth(address):
    from iastm_simulated.bluetooth import Bluetooth

    return Bluetooth(address, _end)


def _stream(options, listener):
    if listener is not None:
        return listener
    if "--lockstep" in options:
        from iastm_simulated.lockstep import Lockstep

        return Lockstep(sys.stdin.buffer, sys.stdout.buffer)
    if _STDIN in (options.get("--rows"), options.get("--settings")):
        return Unplugged()
    return ByteStream(sys.stdin.buffer, sys.stdout.buffer, None if "--virtual" in options else _end)


def _links(bluetooth):
    if bluetooth is None:
        return no_links
    from iastm_firmware.ble import BleLink

    return lambda tool: [BleLink(tool, bluetooth)]


def _rows(options):
    path = options["--rows"]
    if path == _STDIN:
        # Whoever filled this pipe is gone.
        return Rows(pollable(sys.stdin.buffer), 0, _end)
    # In virtual time nothing else could happen until an empty pipe is filled.
    return Rows(path, -1 if "--virtual" in options or "--lockstep" in options else 0)


def _imu(settings, rows, ticks_us):
    if settings["imu"] is None:
        return None
    from iastm_simulated.imu import SimulatedImu

    return SimulatedImu(rows, ticks_us.elapsed_us, **settings["imu"])


def _wait_for_input():
    poll = select.poll()
    poll.register(sys.stdin.buffer, select.POLLIN)
    for _ in poll.ipoll(-1):
        return


async def _say_that_it_runs():
    # The loop turns: the firmware's own parts were made before.
    sys.stderr.write("running\n")


async def _end_after(duration_ms):
    await asyncio.sleep_ms(duration_ms)
    raise SystemExit(0)


async def _end_with(path):
    # Not by the end of the rows: a pipe may hold those of half a minute.
    with open(path, "rb", buffering=0) as pipe:
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while True:
            for _ in poll.ipoll(0):
                _end()
            await asyncio.sleep_ms(_LOOK_AFTER_LIFELINE_MS)


def _run(options, settings, listener, bluetooth):
    others = []
    stream = _stream(options, listener)
    if "--lockstep" in options:
        from iastm_simulated.virtual_time import VirtualTime

        elapsed_us = VirtualTime(stream.pass_time).elapsed_us
    elif "--virtual" in options:
        from iastm_simulated.virtual_time import VirtualTime

        _wait_for_input()
        elapsed_us = VirtualTime().elapsed_us
        others.append(_end_after(int(float(options["--virtual"]) * 1000)))
    else:
        elapsed_us = real_elapsed()
    ticks_us = Ticks(settings["ticks_start_us"], elapsed_us)
    links = _links(bluetooth)
    if bluetooth is not None:
        others.append(bluetooth.run())
    if "--lifeline" in options:
        others.append(_end_with(options["--lifeline"]))
    rows = _rows(options)
    truth = Truth(options["--truth"]) if "--truth" in options else None
    adc = PlayedAdc(rows, settings["rate_mhz"], ticks_us, truth, dict(settings["missed"]))
    # Whoever starts it so listens to its stderr.
    if listener is not None or bluetooth is not None or "--lifeline" in options:
        others.append(_say_that_it_runs())
    # From here on the firmware collects when it suits: between strokes.
    gc.threshold(-1)
    try:
        app.run(SimulatedBoard(settings, ticks_us, adc, stream, links, _imu(settings, rows, ticks_us)), *others)
    finally:
        adc.close()
        if bluetooth is not None:
            bluetooth.close()


def main(arguments):
    """Run until the peer or the filler of stdin is gone, the time is over, or the process is interrupted."""
    try:
        options = _parse(arguments)
        settings = read_settings(options.get("--settings"))
        listener = _listener(options["--listen"]) if "--listen" in options else None
        bluetooth = _bluetooth(options["--bluetooth"]) if "--bluetooth" in options else None
    except (OSError, ValueError) as error:
        sys.stderr.write("%s\n" % error)
        raise SystemExit(2)
    try:
        _run(options, settings, listener, bluetooth)
    except KeyboardInterrupt:
        pass


main(sys.argv[1:])
