"""What a release does that may be on trial. releases.py, which does it, is loaded where there is something to do."""

import os
import sys

_HOME = "/releases/"


def confirmation():
    """Return what confirms the release that runs (see releases.Confirmation), None where it is not on trial."""
    return _confirmation() if _is_in_a_place() else None


def forget():
    """Let the code that is not needed any more leave the heap, where it lies there."""
    name = "releases"
    if sys.modules.pop("iastm_firmware." + name, None) is not None:
        delattr(sys.modules["iastm_firmware"], name)


def given_up(error):
    """Give the release that runs up where it is on trial, for what it failed with. Return whether; raises nothing."""
    try:
        return _is_in_a_place() and _given_up(error)
    except Exception:
        return False


def news():
    """Return why a release was given up before this start, "" where none was, or it is told already."""
    try:
        os.stat(_HOME + "untold")
    except OSError:
        return ""
    return _news()


def _is_in_a_place():
    return bool(sys.path) and sys.path[0].startswith(_HOME)


def _confirmation():
    from iastm_firmware import releases

    state = releases.on_trial()
    if state is None:
        forget()
        return None
    return releases.Confirmation(state)


def _given_up(error):
    from iastm_firmware import releases

    state = releases.on_trial()
    if state is None:
        return False
    releases.give_up(state, error)
    return True


def _news():
    from iastm_firmware import releases

    words = releases.told()
    forget()
    return words
