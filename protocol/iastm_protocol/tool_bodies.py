"""Bodies of the commands of minor 2: channels, silence, dose limit, log (SPEC.md, 5.1)."""

from iastm_protocol.errors import LocalProtocolError, RemoteProtocolError
from iastm_protocol.fields import Reader, Writer

MAX_SILENCE_S = 120


def set_channels_body(chosen):
    """Return the body of SET_CHANNELS: bits of what the tool shall alert by."""
    return Writer().number("B", chosen).payload()


def read_set_channels_body(body):
    """Return the bits in the body of SET_CHANNELS."""
    return Reader(body, "channels command").number("B")


def silence_body(seconds):
    """Return the body of SILENCE: for how long, 0 ends it; raises LocalProtocolError beyond MAX_SILENCE_S."""
    if seconds > MAX_SILENCE_S:
        raise LocalProtocolError("silence for %s s" % seconds)
    return Writer().number("H", seconds).payload()


def read_silence_body(body):
    """Return the seconds in the body of SILENCE; raises RemoteProtocolError beyond MAX_SILENCE_S."""
    seconds = Reader(body, "silence command").number("H")
    if seconds > MAX_SILENCE_S:
        raise RemoteProtocolError("an alert is silenced for %d s at most" % MAX_SILENCE_S)
    return seconds


def set_dose_limit_body(limit_mns):
    """Return the body of SET_DOSE_LIMIT: millinewton seconds, 0 off."""
    return Writer().number("I", limit_mns).payload()


def read_set_dose_limit_body(body):
    """Return the limit in the body of SET_DOSE_LIMIT."""
    return Reader(body, "dose limit command").number("I")


def get_log_body(offset, n):
    """Return the body of GET_LOG: which byte of the log, and how many from there."""
    return Writer().number("I", offset).number("H", n).payload()


def read_get_log_body(body):
    """Return (offset, n) of the body of GET_LOG."""
    r = Reader(body, "log command")
    return r.number("I"), r.number("H")
