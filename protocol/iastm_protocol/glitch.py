"""A sample that no hand can make: one that jumps away from both neighbours, which agree with one another.

What bits turned over by a spike on a wire, or a reading that was disturbed, look like. A hand that presses as hard as
the cell takes, and lets go, needs far more than the time of three samples for it. The sample is kept and flagged. What
follows one is none: of two glitches in turn, what lies between them would look like a third.
"""

from iastm_protocol._compat import micropython

# A jump is more than this part of the cell's capacity, in the unit of the samples. Ours, grade none.
GLITCH_SHARE = 8


@micropython.native
def is_glitch(before, value, after, jump):
    """Return whether `value` lies more than `jump` beyond both neighbours, on one side, and they half a jump apart.

    All in one unit, whole numbers or floats; a NaN makes it no glitch. Allocates nothing for whole numbers.
    """
    above = value - before > jump and value - after > jump
    below = before - value > jump and after - value > jump
    return (above or below) and -jump <= 2 * (before - after) <= jump
