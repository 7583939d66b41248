"""What the tool does on command. A command is a row of the table at the end; those of calibrations and of what
else boards have are tables of their own, calibration_commands.py and tool_commands.py.
"""

from iastm_firmware import tool_commands
from iastm_protocol import kinds, messages
from iastm_protocol.errors import RemoteProtocolError


def _start_stream(link, body):
    link.start_stream()
    link.describe()
    return kinds.OK, ""


def _stop_stream(link, body):
    link.stop_stream()
    return kinds.OK, ""


def _describe(link, body):
    link.describe()
    return kinds.OK, ""


def _set_zero(link, body):
    if not link.tool.set_zero(messages.read_zero_body(body)):
        link.forget_zero()
    return kinds.OK, ""


def _set_limits(link, body):
    if not link.tool.set_limits(messages.Limits.from_payload(body)):
        link.forget_limits()
    return kinds.OK, ""


def _get_key(link, body):
    if not link.by_cable:
        if not link.may_change:
            return _NOT_ENCRYPTED
        if link.tool.streams:
            return kinds.NOT_ALLOWED, "the tool gives its key to nobody while it streams"
        if not link.tool.press.counts_for(link.challenge):
            return kinds.NEEDS_PRESS, "press the tool's button, then ask within a minute"
    link.give_key(link.tool.keys.find_or_make())
    return kinds.OK, ""


def _renew_key(link, body):
    if not link.by_cable:
        return kinds.NOT_ALLOWED, "the key is renewed over the cable only"
    # Whoever holds control: one who has the key and should not could keep it for ever otherwise.
    link.give_key(link.tool.keys.renew())
    link.tool.links_changed()
    return kinds.OK, ""


def _set_zero_again(link):
    link.forget_zero()


def _set_limits_again(link):
    link.forget_limits()


def _describe_again(link):
    link.describe()


def _renew_key_again(link):
    link.give_key(link.tool.keys.find_or_make())


def _nothing(link):
    pass


_COMMANDS = {
    # command: (do it, tell its reports again where the answer is asked for once more, changes the tool's state)
    kinds.START_STREAM: (_start_stream, _describe_again, False),
    kinds.STOP_STREAM: (_stop_stream, _nothing, False),
    kinds.DESCRIBE: (_describe, _describe_again, False),
    kinds.SET_ZERO: (_set_zero, _set_zero_again, True),
    kinds.SET_LIMITS: (_set_limits, _set_limits_again, True),
    # Asked once more it is decided anew: the minute may be over.
    kinds.GET_KEY: (_get_key, _nothing, False),
    kinds.RENEW_KEY: (_renew_key, _renew_key_again, False),
}
_DECIDED_ANEW = (kinds.GET_KEY, kinds.GET_CALIBRATION, kinds.GET_LOG)
# What a host can mend, or what passes.
_UNTIL_THEN = (kinds.NOT_ALLOWED, kinds.BUSY, kinds.NEEDS_KEY, kinds.NEEDS_PRESS)
_NOT_ENCRYPTED = (kinds.NOT_ALLOWED, "this needs an encrypted connection")
_CONTROLLED = (kinds.NOT_ALLOWED, "another host controls this tool")
_KEY_FAILS = (kinds.FAILED, "the tool can't read its key, or keep one: make a new one at the cable")


def execute(link, command, body, proven):
    """Carry out `command` for `link`; return (error, text for a person).

    `proven` tells that it comes from a host that has the tool's key, or the cable.
    """
    row = _row(link, command)
    if row is None:
        return kinds.UNKNOWN_COMMAND, "this tool has no command %d" % command
    do, _, changes_state = row
    if changes_state and not proven:
        return kinds.NEEDS_KEY, "this needs the tool's key: press its button, and pair this host"
    if changes_state and not link.may_change:
        return _NOT_ENCRYPTED
    if changes_state and not link.tool.may_control(link):
        return _CONTROLLED
    try:
        return do(link, body)
    except (RemoteProtocolError, ValueError) as error:
        return kinds.BAD_ARGUMENT, str(error)
    except OSError:
        return _KEY_FAILS


def lasts(command, error):
    """Return whether this answer to `command` holds when the same is asked once more; if not, it is decided anew."""
    return command not in _DECIDED_ANEW and error not in _UNTIL_THEN


def repeat(link, command):
    """Send the reports of an accepted `command` once more, without doing it again."""
    _row(link, command)[1](link)


def _row(link, command):
    tool = link.tool
    return _COMMANDS.get(command) or tool_commands.row(tool, command) or tool.calibrations.commands.get(command)
