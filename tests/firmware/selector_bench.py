"""main.py and the two releases of a board over its starts, on MicroPython's own file systems in memory.

A Tool is a medium that is the root while it is looked at; this computer's files lie under /host then. `boot` is one
power-on: main.py runs as it does on a board, and the firmware that it chooses, which is made up of a few lines beside
the real releases.py and trial.py, does what its text says.
"""

# ruff: noqa: A002, BLE001, PTH102, PTH123, SIM105, UP031
# MicroPython has neither pathlib nor contextlib.
import binascii
import gc
import io
import json
import os
import sys

from tests.micropython.medium import Medium

ROOT = __file__[: -len("/tests/firmware/selector_bench.py")]
FIRMWARE = ROOT + "/firmware_micropython/"
_BLOCKS = 256
_HOST = os.VfsPosix()  # type: ignore[attr-defined]
KINDS = {"littlefs": os.VfsLfs2, "FAT": os.VfsFat}  # type: ignore[attr-defined]

_BEGIN = """
def main():
    import chip
    chip.log.append(%r)
    %s
"""
# As life.py does once a second, and start.py with what ends the loop.
_RUNS = """
    from iastm_firmware import releases, trial
    confirmation = releases.confirmation()
    del releases
    for second in range(chip.seconds):
        chip.passed(second)
        if confirmation is not None and confirmation.second(chip.samples, chip.may_write):
            confirmation = None
    trial.tell(chip)
"""
BODIES = {
    "good": "pass" + _RUNS,
    "raises": "raise ValueError('it broke')",
    # To the last byte, and held by a module.
    "has no memory": """
    import iastm_firmware as held
    held.pieces = None
    size = 4096
    while True:
        try:
            held.pieces = [held.pieces, bytearray(size)]
        except MemoryError:
            if size < 16:
                raise
            size //= 2
""",
    "hangs": "raise chip.Bitten()",
    "lacks a part": "__import__('iastm_firmware.nothing')",
    "exits": "raise SystemExit()",
    "is interrupted": "raise KeyboardInterrupt()",
    "fails in its loop": """
    from iastm_firmware import trial
    try:
        raise ValueError('in its loop')
    except ValueError as error:
        chip.log.append(trial.given_up(error))
    chip.reset()
""",
}


BODIES["good, and tells what is loaded"] = (
    BODIES["good"]
    + """
    import sys
    chip.log.append("iastm_firmware.releases" in sys.modules)
"""
)
BODIES["good, and fails later"] = BODIES["good"] + "\n    raise ValueError('later')\n"
BODIES["good, and finds the file system full"] = (
    """
    refused = []
    def full(path, mode="r"):
        if "w" in mode:
            refused.append(path)
            raise OSError(28)
        return open(path, mode)
    import iastm_firmware.releases
    iastm_firmware.releases.open = full
"""
    + BODIES["good"][4:]
    + "    chip.log.append(len(refused))\n"
)
BODIES["tells its heap"] = """
    import gc
    gc.collect()
    chip.log.append(gc.mem_alloc())
"""


class Bitten(BaseException):
    """The watchdog's."""


class Restarted(BaseException):
    """machine.reset()."""


class Chip:
    """What a played firmware finds of the chip that it runs on, and notes; it is the module machine, too."""

    Bitten = Bitten

    def __init__(self, seconds=6, samples=True, may_write=True):
        self.seconds = seconds
        self.samples = samples
        self.may_write = may_write
        self.log = []
        self.news = []
        self.said = []

    def add(self, reason, text):
        """Keep an entry, as the log does."""
        self.news.append((reason, text))

    def passed(self, second):
        """Do what happens in a second."""

    def reset(self):
        """Restart."""
        raise Restarted()


def text_of(path):
    """Return a source of the checkout."""
    with open(path) as file:
        return file.read()


MAIN = text_of(FIRMWARE + "main.py")
REAL = {name: text_of(FIRMWARE + "iastm_firmware/" + name) for name in ("releases.py", "trial.py")}


def load_main():
    """Return what main.py defines, without a start."""
    names = {"__name__": "main"}
    exec(MAIN, names)
    return names


def put(path, text):
    """Write a file, and its folders."""
    parts = path.split("/")
    for n in range(2, len(parts)):
        try:
            os.mkdir("/".join(parts[:n]))
        except OSError:
            pass
    with open(path, "w") as file:
        file.write(text)


def line_of(state):
    """Return a state as text, "a trial 2 b" with its checksum."""
    return "%s %08x\n" % (state, binascii.crc32(state.encode()))


class Tool:
    """A board with one of KINDS; `frozen` is a folder with firmware that lies in the image, or None."""

    def __init__(self, kind="littlefs", frozen=None, blocks=_BLOCKS):
        self.kind = KINDS[kind]
        self.frozen = frozen
        medium = Medium(bytes(blocks * 512))
        self.kind.mkfs(medium)
        self.data = medium.data
        # How many blocks were written or erased in the last `change` or `boot`, and whether its power went.
        self.accesses = 0
        self.dead = False

    def put_release(self, place, body, whole=True, id=None, head=""):
        """Put made-up firmware into a place; its release.json last, where it is whole, which begins with `head`."""

        def write():
            home = "/releases/" + place
            put(home + "/iastm_firmware/__init__.py", "")
            for name, text in REAL.items():
                put(home + "/iastm_firmware/" + name, text)
            code = "def main(:\n" if body == "can't be compiled" else _BEGIN % (place, BODIES[body])
            put(home + "/iastm_firmware/start.py", code)
            if whole:
                rest = json.dumps({"schema": 1, "id": id or "1.0+" + place, "files": {}})
                put(home + "/release.json", "{" + head + rest[1:])

        self.change(write)
        return self

    def put_text(self, name, text):
        """Write a file of /releases as it is."""
        self.change(lambda: put("/releases/" + name, text))
        return self

    def put_root(self, name, text):
        """Write a file of the root."""
        self.change(lambda: put("/" + name, text))
        return self

    def put_state(self, state):
        """Put a state in force."""
        return self.put_text("state", line_of(state))

    def text(self, name, folder="/releases/"):
        """Return what a file of /releases holds, None where there is none."""
        found: list[str | None] = []

        def read():
            try:
                with open(folder + name) as file:
                    found.append(file.read())
            except OSError:
                found.append(None)

        self.change(read)
        return found[0]

    @property
    def state(self):
        """The state in force, as main.py reads it, in words."""
        found = []
        self.change(lambda: found.append(load_main()["read"]()))
        return found[0] and "%s %s %d %s" % found[0]

    def change(self, do, power=None, torn=False, readonly=False):
        """Do something to the files, in which the power may go; return what it raised, None nothing."""
        medium = Medium(self.data, power, torn)
        os.umount("/")  # type: ignore[attr-defined]
        os.mount(self.kind(medium), "/", readonly=readonly)  # type: ignore[attr-defined]
        os.mount(_HOST, "/host")  # type: ignore[attr-defined]
        os.chdir("/")
        try:
            do()
            failed = None
        except (Exception, Bitten, Restarted, SystemExit, KeyboardInterrupt) as error:
            failed = error
        gc.collect()
        os.umount("/host")  # type: ignore[attr-defined]
        os.umount("/")  # type: ignore[attr-defined]
        os.mount(_HOST, "/")  # type: ignore[attr-defined]
        os.chdir("/")
        self.accesses = medium.accesses
        self.dead = medium.dead
        self.data = medium.data
        return failed

    def boot(self, chip=None, **how):
        """Start once; return how that ended: what main.py raised by name, what it said, or "ran"."""
        chip = chip or Chip()
        self.chip = chip
        names = {"__name__": "__main__", "print": lambda *words: chip.said.append(" ".join(words))}
        held = sys.path[:]
        sys.path[:] = (
            [""] + (["/host" + self.frozen] if self.frozen else []) + ["/host" + ROOT + "/protocol", ".frozen"]
        )
        _unload()
        sys.modules["chip"] = sys.modules["machine"] = chip
        self.failed = self.change(lambda: exec(MAIN, names), **how)
        _unload()
        sys.path[:] = held
        if self.failed is not None:
            return type(self.failed).__name__
        return chip.said[0] if chip.said else "ran"

    @property
    def ran(self):
        """What the firmware of the last start noted: its place first."""
        return self.chip.log


def _unload():
    for name in list(sys.modules):
        if name.startswith("iastm_"):
            del sys.modules[name]


def traceback_of(error):
    """Return the last line of a traceback."""
    file = io.StringIO()
    sys.print_exception(error, file)  # type: ignore[attr-defined]
    return file.getvalue().strip().split("\n")[-1]


def settled(tool, starts=6, **how):
    """Start until it ends in a run that is confirmed; return the places that ran on the way."""
    places = []
    for _ in range(starts):
        ended = tool.boot(Chip(**how))
        places.append(tool.ran[0])
        if ended == "ran" and (tool.state is None or " ok " in tool.state):
            return places
    raise AssertionError((places, tool.state))


def cut(prepared, do, check, torn=False):
    """Do `do(tool, power=…)` with the power going at each access in turn, each on a fresh tool; `check(tool)` after."""
    cuts = 0
    data = prepared.data
    while True:
        prepared.data = data
        do(prepared, power=cuts, torn=torn)
        if not prepared.dead:
            return cuts
        check(prepared)
        cuts += 1
