"""The selector: starts one of the two releases in /releases, or else what is frozen in the image, or lies beside it.

docs/firmware.md, "Releases", has the files and the words of the state. Nothing of the firmware is imported before it is
chosen, so that this file is all that has to work at each start; iastm_firmware/releases.py, with the same few lines of
codec, is what a running release has of it.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

import binascii
import os
import sys

HOME = "/releases/"
_STATE = HOME + "state"
_NEW = HOME + "state.new"
_BEFORE = HOME + "before"
_PLACES = ("a", "b", "-")
# As much of a release.json as says for which MicroPython it was compiled.
_HEAD_LETTERS = 80
_DID_NOT_STAY = "it started twice and did not stay up"
_CAN_NOT_RUN = "it is not complete, or compiled for another MicroPython"


def encode(state):
    """Return the line that holds a state: (place, status, tries, fallback)."""
    words = "%s %s %d %s" % state
    return "%s %08x\n" % (words, binascii.crc32(words.encode()))


def decode(line):
    """Return the state that a line holds, None where it is not whole, or says what can't be."""
    words = line.split()
    if len(words) != 5 or words[0] not in _PLACES or words[3] not in _PLACES:
        return None
    if len(words[2]) != 1 or not "0" <= words[2] <= "9":
        return None
    # On trial is a release, or what lies beside one: then it falls back to itself.
    if words[1] != "ok" and (words[1] != "trial" or words[0] == "-"):
        return None
    state = (words[0], words[1], int(words[2]), words[3])
    text = encode(state)
    return state if line in (text, text.strip()) else None


def read():
    """Return the state that is in force, None where none is."""
    # Between two steps of a rename FAT has it under its new name only.
    return _held(_STATE) or _held(_NEW)


def write(state):
    """Put a state in force. Raises OSError where that can't be: the one before stays."""
    if _held(_STATE) is None and _held(_NEW) is not None:
        # The one copy that there is must not be what is written over.
        os.rename(_NEW, _STATE)
    with open(_NEW, "w") as file:
        file.write(encode(state))
    if _held(_NEW) != state:
        raise OSError("the state can't be read back")
    os.rename(_NEW, _STATE)


def _held(path):
    try:
        with open(path) as file:
            return decode(file.read(80))
    except (OSError, ValueError):
        return None


def choose():
    """Return the place to start, None where nothing is there, and whether it is on trial: a start that is counted.

    Where none is left, the trial is given up.
    """
    state = read() or ("-", "ok", 0, "-")
    place, status, tries, fallback = state
    if status == "trial":
        try:
            if tries and _is_there(place):
                write((place, status, tries - 1, fallback))
                return place, True
            give_up(state, _DID_NOT_STAY if _is_there(place) else _CAN_NOT_RUN)
        except OSError:
            # What can't be counted is not tried: it might hang each time.
            pass
        place = fallback
    for each in (place, "-", "a", "b"):
        if _is_there(each):
            return each, False
    return None, False


def give_up(state, why):
    """Put in force what was before the trial, and note why: in words, or what it raised."""
    try:
        with open(HOME + "failed", "w") as file:
            file.write("%s %s\n" % (state[0], _id_of(state[0])))
            if isinstance(why, str):
                file.write(why + "\n")
            else:
                sys.print_exception(why, file)  # type: ignore[attr-defined]
        # Who starts next tells the log, and removes this.
        open(HOME + "untold", "w").close()
    except (OSError, MemoryError):
        pass  # It is given up without words, too.
    put_back()
    write((state[3], "ok", 0, "-"))


def put_back():
    """Put the board's own files back that were there before the trial; one that is empty tells that there was none."""
    try:
        names = os.listdir(_BEFORE)
    except OSError:
        return
    for name in names:
        old = _BEFORE + "/" + name
        if os.stat(old)[6]:
            os.rename(old, "/" + name)
            continue
        try:
            os.remove("/" + name)
        except OSError:
            pass
        os.remove(old)


def _id_of(place):
    import json

    try:
        with open(HOME + place + "/release.json") as file:
            return json.load(file)["id"]
    except (OSError, ValueError, KeyError, TypeError):
        return "?"


def _is_there(place):
    try:
        if place == "-":
            __import__("iastm_firmware")
            return True
        # A place is written to without its release.json, so that what is not whole is never started.
        with open(HOME + place + "/release.json") as file:
            head = file.read(_HEAD_LETTERS)
    except UnicodeError:
        return place != "-"
    except Exception:
        return False
    mpy = getattr(sys.implementation, "_mpy", 0)
    return not (_differs(head, "mpy_version", mpy & 0xFF) or _differs(head, "mpy_sub_version", mpy >> 8 & 3))


def _differs(head, name, here):
    # Only a number that is there, and another one, forbids a start.
    number = head.partition('"%s":' % name)[2].partition(",")[0]
    return number.isdigit() and int(number) != here


def start():
    """Start what is chosen; what it raises on trial gives it up, and restarts."""
    place, on_trial = choose()
    if place is None:
        print("IASTM: there is no firmware on this board. On the computer:  iastm deploy")  # noqa: T201 (at the prompt, nothing else runs)
        return
    if place != "-":
        sys.path.insert(0, HOME + place)
    try:
        _run()
    except Exception as error:
        if not on_trial:
            raise
        # Nothing else may be left to work with. A dictionary in which one only removes keeps its places, and a list of
        # its keys would take memory.
        for name in sys.modules:
            if name.startswith("iastm_"):
                sys.modules.pop(name)
        state = read()
        if state is None or state[:2] != (place, "trial"):
            raise
        try:
            give_up(state, error)
        except (OSError, MemoryError):
            pass  # Its starts are counted.
        _reset()


def _run():
    from iastm_firmware.start import main

    main()


def _reset():
    import machine

    machine.reset()


if __name__ == "__main__":
    start()
