"""The commands of a tool's channels, silence, dose, self-test and log, as rows for commands.py."""

from iastm_protocol import kinds, tool_bodies
from iastm_protocol.tool_messages import LogPart

# What a frame carries beside offset and total.
_LOG_PART_BYTES = kinds.MAX_LINK_PAYLOAD - 8
_IN_CONTACT = (kinds.NOT_ALLOWED, "lift the tool: it does this out of contact only")
_TESTING = (kinds.BUSY, "a self-test is under way")
_LOG_FAILS = (kinds.FAILED, "the tool can't read its log")


def _out_of_contact(do):
    def attempt(link, body):
        return _IN_CONTACT if link.tool.watch.in_contact else do(link, body)

    return attempt


def _set_channels(link, body):
    if not link.tool.set_channels(tool_bodies.read_set_channels_body(body)):
        link.forget_channels()
    return kinds.OK, ""


def _silence(link, body):
    if not link.tool.silence(tool_bodies.read_silence_body(body)):
        link.forget_channels()
    return kinds.OK, ""


def _set_dose_limit(link, body):
    link.tool.set_dose_limit(tool_bodies.read_set_dose_limit_body(body))
    return kinds.OK, ""


def _reset_dose(link, body):
    link.tool.reset_dose()
    return kinds.OK, ""


def _self_test(link, body):
    self_test = link.tool.life.self_test
    if self_test.runs:
        return _TESTING
    self_test.begin(link, link.request_id)
    return kinds.OK, ""


def _get_log(link, body):
    journal = link.tool.board.journal
    offset, n = tool_bodies.read_get_log_body(body)
    try:
        data = journal.piece(offset, min(n, _LOG_PART_BYTES))
    except OSError:
        return _LOG_FAILS
    link.give(kinds.LOG_PART, LogPart(offset, journal.size, data))
    return kinds.OK, ""


def _channels_again(link):
    link.forget_channels()


def _nothing(link):
    pass


_COMMANDS = {
    # What lasts is written to the flash, and the self-test needs a tool that nobody leans on.
    kinds.SET_CHANNELS: (_out_of_contact(_set_channels), _channels_again, True),
    kinds.SELF_TEST: (_out_of_contact(_self_test), _nothing, True),
    kinds.SILENCE: (_silence, _channels_again, True),
    kinds.SET_DOSE_LIMIT: (_set_dose_limit, _nothing, True),
    kinds.RESET_DOSE: (_reset_dose, _nothing, True),
    # Asked once more it is read once more.
    kinds.GET_LOG: (_get_log, _nothing, False),
}


def row(tool, command):
    """Return the row of a command, None for one that this tool does not have."""
    if command in (kinds.SET_CHANNELS, kinds.SILENCE) and not tool.signals.there:
        return None
    if command == kinds.GET_LOG and tool.board.journal is None:
        return None
    return _COMMANDS.get(command)
