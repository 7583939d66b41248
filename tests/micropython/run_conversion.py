"""Converts counts as a tool does; one source for all interpreters.

    python run_conversion.py CASES

CASES is a file of JSON lines, each [payload of a CALIBRATION in hex, zero counts, [raw counts, …], [mN, …]]. For each a
line comes out: [the payload as this tool says it, [newtons as the eight bytes of a double in hex, …], [counts from zero
of each force, or null where the converter does not reach it, …]].
"""

import binascii
import json
import struct
import sys

from iastm_protocol.conversion import to_net_counts, to_newtons
from iastm_protocol.messages import Calibration
from iastm_protocol.monotone import is_monotone


def net_counts(force_mn, coefficients):
    """Return counts from zero of a force as thresholds.py asks for them."""
    try:
        return to_net_counts(force_mn / 1000, coefficients)
    except ValueError:
        return None


def main(path):
    """Convert all cases."""
    with open(path) as file:  # noqa: PTH123 (MicroPython has no pathlib)
        for line in file:
            payload, zero, raw, forces_mn = json.loads(line)
            calibration = Calibration.from_payload(binascii.unhexlify(payload))
            coefficients = calibration.coefficients
            assert is_monotone(coefficients), coefficients
            newtons = []
            for counts in raw:
                force_n = to_newtons(counts, zero, coefficients)
                newtons.append(binascii.hexlify(struct.pack("<d", force_n)).decode())
            said = binascii.hexlify(calibration.to_payload()).decode()
            print(json.dumps([said, newtons, [net_counts(force_mn, coefficients) for force_mn in forces_mn]]))


main(sys.argv[1])
