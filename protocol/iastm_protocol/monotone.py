"""Whether a calibration means one force for each count, and one count for each force."""

from iastm_protocol.conversion import SPAN_COUNTS, polarity

_MOST_COEFFICIENTS = 4


def is_monotone(coefficients):
    """Return whether more counts always mean more force, or always less, over the whole range of the converter.

    For polynomials up to the third order; false for higher ones, and where the force stands still anywhere.
    """
    if len(coefficients) > _MOST_COEFFICIENTS:
        return False
    # The slope at u times the widest distance from zero is a + b·u + c·u².
    terms = [(order + 1) * coefficients[order + 1] * SPAN_COUNTS**order for order in range(len(coefficients) - 1)]
    a, b, c = (terms + [0.0, 0.0])[:3]
    sign = polarity(coefficients)
    turns = [-1.0, 1.0]
    if c != 0 and abs(b) < 2 * abs(c):
        turns.append(-b / (2 * c))
    return min([sign * (a + b * u + c * u * u) for u in turns]) > 0
