"""What a board has to do with releases; releases.py, which does it, is loaded where there is something to do."""

import os
import sys

_HOME = "/releases/"


def given_up(error):
    """Give the release that runs up where it is on trial, for what it failed with. Return whether; raises nothing."""
    try:
        return sys.path[0].startswith(_HOME) and _given_up(error)
    except Exception:
        return False


def tell(journal):
    """Tell the log why a release was given up before this start, where one was, and it is not told yet."""
    try:
        os.stat(_HOME + "untold")
    except OSError:
        return
    if journal is not None:
        _tell(journal)


def _given_up(error):
    from iastm_firmware import releases

    state = releases.on_trial()
    if state is None:
        return False
    releases.give_up(state, error)
    return True


def _tell(journal):
    from iastm_firmware import releases

    why = releases.told()
    if why:
        journal.add("a release was given up", why)
