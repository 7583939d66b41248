"""One life of a played board, from power-on or a soft reset to the next: a program for MicroPython's Unix port.

    board.py SETTINGS.json     as played.py writes them

Its flash is a file with littlefs or FAT on it, and the root of what runs here. `sys.platform` and `machine` are those
of an RP2040. It starts main.py as boards do, and has their prompt: the friendly one as far as programs need it, and the
raw one, with raw paste or without. What the board's hardware does (a reset, the watchdog, an interrupt by Ctrl-C) is
done by played.py, which started this and is told over a pipe.
"""

# mypy: ignore-errors
# ruff: noqa: ARG002, BLE001, PTH102, PTH107, PTH123, SIM105, SIM115, UP031
# A program for MicroPython: no pathlib and no contextlib, file systems that CPython's stubs don't know, and whatever
# the code at its prompt raises is told there.

import builtins
import gc
import io
import json
import os
import sys
import time

# What must be there before the flash hides the files of this computer.
with open(sys.argv[1]) as _file:
    settings = json.load(_file)
_tell = open("/dev/fd/%d" % settings["tell_fd"], "wb")
_image = open(settings["image"], "r+b")
_memory = open(settings["memory"], "r+b")
sys.path.insert(0, settings["simulated"])
sys.path.insert(1, settings["protocol"])
from iastm_simulated.played_chip import Machine, Module  # noqa: E402

for _name in [name for name in sys.modules if name.startswith("iastm_")]:
    del sys.modules[_name]

_BLOCK = 4096
_BANNER = "raw REPL; CTRL-B to exit\r\n"
_WINDOW = 128


def tell(words):
    """Tell played.py something, in one line."""
    _tell.write(words.encode() + b"\n")


def end(words):
    """Tell it what ends this life, and wait for that."""
    tell(words)
    # A Ctrl-C that was on its way.
    while True:
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            pass


class Flash:
    """Blocks in a file. `cut_at`: the power goes at the write or erase of that number.

    `corrupt`: the first of these bytes that are written rots, once the file system has looked at what it wrote.
    """

    def __init__(self, cut_at, corrupt):
        self._cut_at = cut_at
        self._corrupt = corrupt
        self._rots_at = None
        self.writes = 0

    def readblocks(self, block, buffer, offset=0):
        """Read."""
        _image.seek(block * _BLOCK + offset)
        _image.readinto(buffer)

    def writeblocks(self, block, buffer, offset=None):
        """Write, as far as the power lasts."""
        self._rot(block)
        if self._is_cut():
            # Half of it is there.
            _image.seek(block * _BLOCK + (offset or 0))
            _image.write(memoryview(buffer)[: len(buffer) // 2])
            end("cut")
        at = block * _BLOCK + (offset or 0)
        _image.seek(at)
        _image.write(buffer)
        found = bytes(buffer).find(self._corrupt) if self._corrupt else -1
        if found >= 0:
            self._rots_at = at + found
            self._corrupt = b""

    def _rot(self, block):
        at = self._rots_at
        if at is None or block == at // _BLOCK:
            return
        self._rots_at = None
        _image.seek(at)
        byte = _image.read(1)[0]
        _image.seek(at)
        _image.write(bytes([byte ^ 1]))

    def ioctl(self, operation, argument):
        """Answer what file systems ask of a block device."""
        if operation == 4:
            return settings["blocks"]
        if operation == 5:
            return _BLOCK
        if operation == 6 and self._is_cut():
            end("cut")
        return 0

    def _is_cut(self):
        self.writes += 1
        tell("write")
        return self.writes == self._cut_at


class Memory:
    """What outlives a restart and no power cut: words of the watchdog's registers."""

    def __getitem__(self, i):
        _memory.seek(i)
        return _memory.read(1)[0]

    def __setitem__(self, i, value):
        _memory.seek(i)
        _memory.write(bytes([value]))


def played_machine():
    """Return the module machine of this board."""
    machine = Machine("rp2", settings["cause"], times=time)
    machine.mem_backup = Memory
    machine.reset = lambda: end("reset")
    machine.disable_irq = lambda: 0

    class Dog:
        def __init__(self, timeout):
            tell("dog %d" % timeout)

        def feed(self):
            tell("fed")

    machine.WDT = Dog
    return machine


def be_a_board():
    """Put in place what firmware finds on a board: modules and the flash as root."""
    implementation = Module()
    for name in ("name", "version", "_machine", "_mpy"):
        setattr(implementation, name, getattr(sys.implementation, name))
    implementation._machine = "Played board with RP2040"
    for name, value in settings["implementation"].items():
        setattr(implementation, name, tuple(value) if isinstance(value, list) else value)
    played_sys = Module()
    for name in dir(sys):
        if not name.startswith("__"):
            setattr(played_sys, name, getattr(sys, name))
    played_sys.implementation = implementation
    played_sys.platform = settings["platform"]
    modules = sys.modules
    modules["sys"] = played_sys
    modules["machine"] = played_machine()
    import micropython

    played = Module()
    for name in dir(micropython):
        if not name.startswith("__"):
            setattr(played, name, getattr(micropython, name))
    played.kbd_intr = lambda byte: tell("interrupts %d" % (byte == 3))
    modules["micropython"] = played
    if not settings["hashes"]:
        modules["hashlib"] = None
    flash = Flash(settings["cut_at"], bytes(settings["corrupt"], "utf-8"))
    kind = os.VfsLfs2 if settings["file_system"] == "littlefs" else os.VfsFat
    if settings["make_file_system"]:
        kind.mkfs(flash)
    mounted = kind(flash)
    os.umount("/")
    os.mount(mounted, "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]
    if settings["heap_free"] is not None:
        free = settings["heap_free"]
        played_gc = Module()
        for name in dir(gc):
            if not name.startswith("__"):
                setattr(played_gc, name, getattr(gc, name))
        played_gc.mem_free = lambda: free
        modules["gc"] = played_gc


_out = sys.stdout.buffer if hasattr(sys.stdout, "buffer") else sys.stdout
_in = sys.stdin.buffer


def say(text):
    """Write to the port, with the line ends of a board."""
    _out.write(text.replace("\r\n", "\n").replace("\n", "\r\n").encode())


def _print(*words, sep=" ", end="\n", file=None):
    text = sep.join([str(word) for word in words]) + end
    if file is None:
        say(text)
    else:
        file.write(text)


def show(error):
    """Write a traceback."""
    text = io.StringIO()
    sys.print_exception(error, text)
    say(text.getvalue())


def run(code, names):
    """Run source with Ctrl-C switched on; return what it raised, None for nothing."""
    try:
        tell("interrupts 1")
        try:
            exec(code, names)
        finally:
            tell("interrupts 0")
    except KeyboardInterrupt as error:
        return error
    except SystemExit:
        return None
    except Exception as error:
        return error
    return None


def start(path, names):
    """Run a file of the flash, as boards do at their start."""
    try:
        with open(path) as file:
            code = file.read()
    except OSError:
        return
    error = run(code, names)
    if error is not None:
        show(error)


def byte():
    """Return the next byte from the port; the power is gone where there is none any more."""
    while True:
        try:
            data = _in.read(1)
        except KeyboardInterrupt:
            # One that came as what it was meant for had ended.
            continue
        if not data:
            sys.exit(0)
        return data[0]


def friendly(names):
    """The prompt of people, as far as it takes control characters; returns where another one is asked for."""
    say("MicroPython on a played board\r\n>>> ")
    line = b""
    while True:
        c = byte()
        if c == 1:
            return
        if c == 3:
            line = b""
            say("\r\n>>> ")
        elif c == 4:
            say("\r\nMPY: soft reboot\r\n")
            end("soft friendly")
        elif c == 13:
            say("\r\n")
            try:
                error = run(line.decode(), names)
            except UnicodeError:
                # Another program's binary frame: a board says that it is no Python.
                error = SyntaxError("invalid syntax")
            line = b""
            if error is not None:
                show(error)
            say(">>> ")
        elif c >= 32:
            line += bytes([c])
            _out.write(bytes([c]))


def raw(names):
    """The prompt of programs; returns where the one of people is asked for."""
    say(_BANNER)
    _out.write(b">")
    code = bytearray()
    while True:
        c = byte()
        if c == 1:
            code = bytearray()
            say(_BANNER)
            _out.write(b">")
        elif c == 2:
            say("\r\n")
            return
        elif c == 3:
            code = bytearray()
        elif c == 5 and not code:
            pasted = paste()
            if pasted is not None:
                execute(pasted, names)
                _out.write(b">")
        elif c == 4:
            if not code:
                _out.write(b"OK\r\nMPY: soft reboot\r\n")
                end("soft raw")
            _out.write(b"OK")
            execute(bytes(code), names)
            code = bytearray()
            _out.write(b">")
        else:
            code.append(c)


def execute(code, names):
    """Run it, and tell its end and that of its errors."""
    error = None
    try:
        error = run(code.decode(), names)
    except UnicodeError as what:
        error = what
    _out.write(b"\x04")
    if error is not None:
        show(error)
    _out.write(b"\x04")
    gc.collect()


def paste():
    """Take source in windows, as the raw paste mode does; return it, None where it is not to be."""
    if byte() != 65 or byte() != 1:
        return None
    if not settings["raw_paste"]:
        _out.write(b"R\x00")
        return None
    _out.write(b"R\x01" + bytes([_WINDOW & 0xFF, _WINDOW >> 8]) + b"\x01")
    code = bytearray()
    left = 2 * _WINDOW
    granted = _WINDOW
    while True:
        c = byte()
        if c == 4:
            _out.write(b"\x04")
            return bytes(code)
        if c == 3:
            _out.write(b"\x04\x04")
            return None
        code.append(c)
        left -= 1
        granted -= 1
        if not granted:
            granted = _WINDOW
            left += _WINDOW
            _out.write(b"\x01")


def tend():
    """Put files onto the flash, remove others, and write all that are on it to the port."""
    from binascii import a2b_base64, b2a_base64

    for path, text in settings["put"].items():
        folder = ""
        for part in path.split("/")[1:-1]:
            folder += "/" + part
            try:
                os.mkdir(folder)
            except OSError:
                pass
        if text is None:
            os.remove(path)
            continue
        with open(path, "wb") as file:
            file.write(a2b_base64(text))

    def dump(folder):
        for entry in os.ilistdir(folder or "/"):
            path = folder + "/" + entry[0]
            if entry[1] & 0x4000:
                dump(path)
            else:
                with open(path, "rb") as file:
                    _out.write(json.dumps([path, b2a_base64(file.read()).decode()]).encode() + b"\n")

    dump("")


def main():
    """Live one life."""
    be_a_board()
    if settings["mode"] == "tend":
        tend()
        return
    builtins.print = _print
    names = {"__name__": "__main__"}
    start("boot.py", names)
    if settings["mode"] == "raw":
        raw(names)
    elif settings["frozen_main"]:
        run(settings["frozen_main"], names)
    else:
        start("main.py", names)
    while True:
        friendly(names)
        raw(names)


main()
