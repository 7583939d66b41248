"""Counts to newtons and back: a polynomial in counts from zero, coefficients lowest order first.

F = c0 + c1·n + c2·n² + …, with n = raw counts − zero counts. c0 is 0 for a cell whose zero was set.
A negative c1 is a cell wired the other way round.

With 64-bit floats this is Horner's scheme. With 32-bit ones (most boards) its roundings add up to more than two counts
where a curve is bent, so there each rounding is kept and added at the end: the compensated scheme of Graillat, Langlois
and Louvet, Japan J. Indust. Appl. Math. 26 (2009) 191, on the error-free sum of Knuth and product of Dekker, as if
with twice the digits and one rounding. Both agree within the greater of 2 counts and 1 mN where no force is beyond
16 kN, or the slope nowhere below half of force over counts: one rounding alone is more beyond that.
"""

# The widest distance from zero that two 24-bit counts can have.
SPAN_COUNTS = (1 << 24) - 1
_HAS_DOUBLES = 1.0 + 2.0**-40 != 1.0
# Splits a float of 24 bits into two of 12 (Dekker).
_HALVES = 4097.0


def to_newtons(counts, zero_counts, coefficients):
    """Return newtons for raw counts: a number, or an array of floats where `counts` is an array of floats."""
    net = counts - zero_counts
    if not _HAS_DOUBLES:
        return compensated(float(net), coefficients)
    force = coefficients[-1]
    for order in range(len(coefficients) - 2, -1, -1):
        force = force * net + coefficients[order]
    return force


def compensated(net, coefficients):
    """Return newtons for counts from zero, a 32-bit float, with little more than one rounding of 32-bit floats."""
    net_high = _HALVES * net
    net_high = net_high - (net_high - net)
    net_low = net - net_high
    force = coefficients[-1]
    lost = net * 0.0
    for order in range(len(coefficients) - 2, -1, -1):
        # What the product's rounding loses.
        product = force * net
        high = _HALVES * force
        high = high - (high - force)
        low = force - high
        of_product = low * net_low - (((product - high * net_high) - low * net_high) - high * net_low)
        # What the sum's rounding loses.
        term = coefficients[order]
        force = product + term
        of_term = force - product
        of_sum = (product - (force - of_term)) + (term - of_term)
        lost = lost * net + (of_product + of_sum)
    return force + lost


def polarity(coefficients):
    """Return 1 where more counts mean more force, −1 where fewer do."""
    return 1 if coefficients[1] >= 0 else -1


def to_net_counts(force_n, coefficients):
    """Return the counts from zero, times polarity, at which the force first reaches `force_n`.

    The calibration must be monotone over the range asked for. Raises ValueError where 24 bits don't reach.
    """
    sign = polarity(coefficients)
    low = 0
    high = SPAN_COUNTS
    if not to_newtons(sign * high, 0, coefficients) >= force_n:
        raise ValueError("the converter does not reach this force")
    while low < high:
        middle = (low + high) // 2
        if to_newtons(sign * middle, 0, coefficients) >= force_n:
            high = middle
        else:
            low = middle + 1
    return low
