"""From power-on to the running tool, whatever is wrong on the way: what main.py calls.

In this order: a wiring is found and checked, a button held leads to safe mode, and then one of three boards is started:

- the one of the wiring;
- one without any part, which says in its hello what is wrong, where the wiring can't be used, or where the firmware
  failed three times in a row within a minute of its start;
- that of a `board.py` with a class `Board`, for hardware that no wiring describes.

A wiring is `WIRING` of `board.py` on the file system; or else of the module of iastm_firmware/boards that
`board_name.txt` names; or else of the one for this chip. A module for several chips has `wiring_of(chip)` in its place.

A release that fails on its trial is given up for the one before it: see releases.py.
"""

import sys
from collections import namedtuple

from iastm_firmware import safe_mode, trial
from iastm_firmware.boards.mark import WANTS_SAFE_MODE
from iastm_protocol import kinds
from iastm_protocol._compat import const

# What MicroPython calls a board has its chip in it; the chip as in pins.py, and its module of iastm_firmware.boards.
_KNOWN = (
    ("ESP32S3", "ESP32-S3", "esp32_s3"),
    ("ESP32C3", "ESP32-C3", "esp32_c3"),
    ("RP2040", "RP2040", "pico_w"),
    ("RP2350", "RP2350", "pico_2_w"),
)
_BOARDS = "iastm_firmware.boards."
_MOST_FAILURES = const(3)
_MODEL_LETTERS = const(40)
_TAIL_BYTES = const(160)


class System(namedtuple("System", ("machine", "times", "platform", "model", "load", "stream", "say", "run"))):
    """What a start needs of MicroPython: modules machine and time, and sys.platform.

    `model` is what MicroPython calls the board; `load(name)` gives a module; `stream(ticks_us)` makes the stream of
    the port; `say(text)` writes to the prompt; `run(board)` runs the firmware on a board.
    """


def main():
    """Start the tool on the board that this runs on."""
    import time

    import machine
    import micropython

    def stream(ticks_us):
        from iastm_firmware.console import Console

        return Console(sys.stdin.buffer, sys.stdout.buffer, micropython.kbd_intr, ticks_us, micropython.schedule)

    def run(board):
        # Here, and not above: what can't be loaded is a failure like any other.
        from iastm_firmware import app

        app.run(board)

    model = getattr(sys.implementation, "_machine", "")
    start(System(machine, time, sys.platform, model, load, stream, print, run))


def load(name):
    """Return the module of a name. Raises ImportError where there is none."""
    __import__(name)
    return sys.modules[name]


def start(system):
    """Start the tool; returns where it is to be left at its prompt."""
    chip = _chip(system)
    if chip is None:
        system.say("IASTM: no tool runs on %s (%s)." % (system.platform, system.model))
        return
    if chip.wants_safe_mode:
        # Before all that takes time to load: whoever interrupts that would be led here again by the next start.
        chip.mark.note(kinds.RESET_SOFT, 0, False)
        safe_mode.announce(system.say, safe_mode.ASKED_FOR)
        return
    found = _find(system, chip)
    # Who woke it by the button may hold it a little longer.
    asked = found.button is not None and chip.reset_reason != kinds.RESET_WAKE
    if asked and safe_mode.is_held(chip.button(found.button), chip.times):
        chip.mark.note(kinds.RESET_SOFT, 0, False)
        safe_mode.announce(system.say, safe_mode.HELD)
        return
    failures = failures_before(chip)
    chip.mark.note(0, failures, True)
    _run(system, chip, found, failures)


def failures_before(chip):
    """Return how often in a row the firmware failed within a minute of its start, before this one."""
    if chip.reset_reason not in (kinds.RESET_FAILURE, kinds.RESET_WATCHDOG):
        return 0
    mark = chip.mark
    if mark.reason:
        return mark.failures
    # The watchdog's, or a panic of MicroPython itself: nobody could note it.
    return mark.failures + 1 if mark.young else 1


class _Found(namedtuple("_Found", ("wiring", "trouble", "make", "button"))):
    # A wiring, or what is wrong with it; or what makes a board of its own code. And the button's pin or None.
    pass


def _find(system, chip):
    try:
        module = _module(system)
        make = getattr(module, "Board", None)
        if make is not None:
            return _Found(None, "", make, None)
        wiring = getattr(module, "WIRING", None)
        if wiring is None and hasattr(module, "wiring_of"):
            wiring = module.wiring_of(_running(system))
        if wiring is None:
            return _Found(None, "board.py has neither WIRING nor Board", None, None)
        faults = _faults_of(wiring, _running(system))
    except (Exception, SystemExit) as error:
        return _Found(None, "the wiring can't be read: " + _words_of(error), None, None)
    if not faults:
        return _Found(wiring, "", None, wiring.get("button"))
    more = " (and %d more)" % (len(faults) - 1) if len(faults) > 1 else ""
    return _Found(None, "the wiring can't be: " + faults[0] + more, None, None)


def _words_of(error):
    from iastm_firmware.boards.real import words_of

    return words_of(error)


def _faults_of(wiring, running):
    from iastm_firmware import pins

    faults = pins.faults_of(wiring, running)
    # It is needed once: where it was compiled on the board, its code leaves the heap.
    del sys.modules["iastm_firmware.pins"]
    delattr(sys.modules["iastm_firmware"], "pins")
    return faults


def _module(system):
    try:
        return system.load("board")
    except ImportError as error:
        # What board.py itself imports may be missing, too.
        if "'board'" not in str(error):
            raise
    name = _named()
    if name:
        return system.load(_BOARDS + name)
    for text, _, name in _KNOWN:
        if text in system.model:
            return system.load(_BOARDS + name)
    raise ValueError("there is no board.py, and no board is known as %s" % system.model)


def _named():
    try:
        with open("board_name.txt") as file:
            return file.read().strip()
    except OSError:
        return ""


def _running(system):
    for text, chip, _ in _KNOWN:
        if text in system.model:
            return chip
    return ""


def _chip(system):
    make = {"esp32": _esp32, "rp2": _rp2}.get(system.platform)
    return None if make is None else make(system)


def _esp32(system):
    from iastm_firmware.boards.esp32 import Esp32

    return Esp32(system.machine, system.times, _optional(system, "esp32"))


def _rp2(system):
    from iastm_firmware.boards.rp2 import Rp2

    return Rp2(system.machine, system.times, system.model)


def _optional(system, name):
    try:
        return system.load(name)
    except ImportError:
        return None


def _run(system, chip, found, failures):
    from iastm_firmware.boards.real import FIRST_MINUTE_MS, restart_after_failure, traceback_of, words_of

    board = None
    last_resort = failures >= _MOST_FAILURES or bool(found.trouble)
    times = chip.times
    born_ms = times.ticks_ms()
    try:
        board = _board(system, chip, found, failures)
        system.run(board)
    except KeyboardInterrupt:
        _quieten(board)
        if chip.watched:
            # Its bite would end whatever is done at the prompt.
            system.say("The watchdog runs: restarting into safe mode.")
            chip.restart(WANTS_SAFE_MODE)
        else:
            chip.mark.note(kinds.RESET_SOFT, 0, False)
            safe_mode.announce(system.say, safe_mode.ASKED_FOR)
    except Exception as error:
        if trial.given_up(error):
            _quieten(board)
            chip.restart(kinds.RESET_FAILURE)
        if last_resort:
            _quieten(board)
            chip.mark.note(kinds.RESET_SOFT, 0, False)
            system.say(traceback_of(error))
            safe_mode.announce(system.say, words_of(error))
            return
        # A board that was made restarts by its own `failed`: this one was not, or its class has none.
        _log(board, error)
        is_young = 0 <= times.ticks_diff(times.ticks_ms(), born_ms) < FIRST_MINUTE_MS
        restart_after_failure(chip, failures if is_young else 0, is_young)


def _log(board, error):
    from iastm_firmware.boards.real import log_failure, open_journal

    try:
        log_failure(open_journal() if board is None else getattr(board, "journal", None), error)
    except Exception:
        pass  # Whatever is wrong with the log: what ended is to start again.


def _quieten(board):
    # At the prompt nobody ends an alarm any more.
    try:
        board.outputs.set(0, 0, 0, False)
    except Exception:
        pass  # A board that was not made, or whose light fails: the prompt is what is left.


def _board(system, chip, found, failures):
    from iastm_firmware.boards.real import ChipBoard, RealBoard

    model = system.model[:_MODEL_LETTERS]
    if failures >= _MOST_FAILURES:
        # Without the radio too: nobody knows what it was.
        trouble = "it failed %d times in a row at its start" % failures
        board = ChipBoard(chip, model, trouble, last_resort=True)
        board.tell(_last_line(board.journal))
    elif found.trouble:
        board = ChipBoard(chip, model, found.trouble, _optional(system, "bluetooth"), last_resort=True)
    elif found.make is not None:
        return found.make()
    else:
        radio = _optional(system, "bluetooth") if found.wiring.get("bluetooth", True) else None
        board = RealBoard(found.wiring, chip, system.load, radio, failures)
    # Last: from here on Ctrl-C is data.
    board.stream = system.stream(board.ticks_us)
    return board


def _last_line(journal):
    if journal is None or not journal.size:
        return ""
    try:
        text = journal.piece(max(0, journal.size - _TAIL_BYTES), _TAIL_BYTES).decode()
    except (OSError, UnicodeError):
        return ""
    return text.rstrip("\n").split("\n")[-1].strip()
