"""Numbers as the wizard's window shows them."""

from __future__ import annotations

DASH = "–"


def force_words(force_n: float | None) -> str:
    """Return newtons with three decimals, a dash for none; minus is a minus sign."""
    return DASH if force_n is None else _signed(f"{round(force_n, 3) + 0.0:.3f}")


def difference_words(difference_mn: float | None) -> str:
    """Return whole millinewtons with their sign, 0 without one, nothing for none."""
    if difference_mn is None:
        return ""
    whole = round(difference_mn)
    return _signed(f"{whole:+,d}") if whole else "0"


def _signed(words: str) -> str:
    return words.replace("-", "−")
