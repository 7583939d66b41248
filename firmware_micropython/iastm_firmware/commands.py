"""What the tool does on command. A command is a row of the table at the end."""

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


def _set_zero_again(link):
    link.forget_zero()


def _set_limits_again(link):
    link.forget_limits()


def _describe_again(link):
    link.describe()


def _nothing(link):
    pass


_COMMANDS = {
    # command: (do it, tell its reports again where the answer is asked for once more, changes the tool's state)
    kinds.START_STREAM: (_start_stream, _describe_again, False),
    kinds.STOP_STREAM: (_stop_stream, _nothing, False),
    kinds.DESCRIBE: (_describe, _describe_again, False),
    kinds.SET_ZERO: (_set_zero, _set_zero_again, True),
    kinds.SET_LIMITS: (_set_limits, _set_limits_again, True),
}


def execute(link, command, body):
    """Carry out `command` for `link`; return (error, text for a person)."""
    if command not in _COMMANDS:
        return kinds.UNKNOWN_COMMAND, "this tool has no command %d" % command
    do, _, changes_state = _COMMANDS[command]
    if changes_state and not link.may_change:
        return kinds.NOT_ALLOWED, "this needs an encrypted connection"
    if changes_state and not link.tool.may_control(link):
        return kinds.NOT_ALLOWED, "another host controls this tool"
    try:
        return do(link, body)
    except (RemoteProtocolError, ValueError) as error:
        return kinds.BAD_ARGUMENT, str(error)


def repeat(link, command):
    """Send the reports of an accepted `command` once more, without doing it again."""
    _COMMANDS[command][1](link)
