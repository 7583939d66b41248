"""The commands of a tool that keeps its calibration, as rows for commands.py. What writes may hold the converter up."""

from iastm_protocol import calibration_bodies, kinds
from iastm_protocol.messages import StoredPart

# What a frame carries beside offset and total.
_STORED_PART_BYTES = kinds.MAX_LINK_PAYLOAD - 8
_IN_CONTACT = (kinds.NOT_ALLOWED, "lift the tool: in contact it writes nothing")
_STORE_FAILS = (kinds.FAILED, "the tool's store fails: the calibration before stays")


def _writing(do):
    def write(link, body):
        return _IN_CONTACT if link.tool.watch.in_contact else _trying(do)(link, body)

    return write


def _trying(do):
    def attempt(link, body):
        try:
            do(link, body)
        except OSError:
            return _STORE_FAILS
        return kinds.OK, ""

    return attempt


def _begin(link, body):
    link.tool.calibrations.begin(link, calibration_bodies.read_begin_calibration_body(body))


def _add(link, body):
    offset, data = calibration_bodies.read_calibration_part_body(body)
    link.tool.calibrations.add(link, offset, data)


def _keep(link, body):
    tool = link.tool
    if not tool.calibrations.put_in_force(tool, link, calibration_bodies.read_keep_calibration_body(body)):
        link.forget_calibration()


def _get(link, body):
    offset, n = calibration_bodies.read_get_calibration_body(body)
    total, data = link.tool.calibrations.piece(offset, min(n, _STORED_PART_BYTES))
    link.give(kinds.STORED_PART, StoredPart(offset, total, data))


def _keep_again(link):
    link.forget_calibration()


def _nothing(link):
    pass


COMMANDS = {
    kinds.BEGIN_CALIBRATION: (_writing(_begin), _nothing, True),
    kinds.CALIBRATION_PART: (_writing(_add), _nothing, True),
    kinds.KEEP_CALIBRATION: (_writing(_keep), _keep_again, True),
    # Asked once more it is read once more.
    kinds.GET_CALIBRATION: (_trying(_get), _nothing, False),
}
