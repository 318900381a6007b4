"""How a printed number and a computed one compare.

In: both numbers, the decimals printed, what the qualifier of the printed one admits. Out: a verdict.
The decision hidden here: what counts as rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

__all__ = ["EXACT", "VERDICTS", "Bounds", "Verdict", "judge"]

Verdict = Literal["right", "rounded", "consistent", "off-kind", "off", "unknown"]

VERDICTS: tuple[Verdict, ...] = ("right", "rounded", "consistent", "off-kind", "off", "unknown")
"""Verdicts from best to worst; the last says that there was nothing to compute from."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the actual number may lie when a source qualifies the one it prints.

    Attributes:
        below: it may be smaller.
        equal: it may be the printed one.
        above: it may be greater.
        nearness: how far away at most, as a share of the printed one; ``None`` where there is no limit.
    """

    below: bool = False
    equal: bool = True
    above: bool = False
    nearness: Decimal | None = None

    def admit(self, printed: Decimal, computed: Decimal) -> bool:
        """Return whether ``computed`` may be the actual number.

        >>> Bounds(below=True, equal=False).admit(Decimal(10), Decimal(9))
        True
        """
        if computed == printed:
            return self.equal
        if not (self.above if computed > printed else self.below):
            return False
        return self.nearness is None or abs(computed - printed) <= self.nearness * abs(printed)


EXACT = Bounds()
"""A number without a qualifier, or called exact."""


def judge(
    printed: Decimal, computed: Decimal | None, decimals: int, bounds: Bounds = EXACT, otherwise: Decimal | None = None
) -> tuple[Verdict, str]:
    """Compare a printed number with a computed one.

    Args:
        printed: as the source prints it.
        computed: as it follows by arithmetic; ``None`` when nothing follows.
        decimals: decimals of the printed number.
        bounds: what its qualifier admits.
        otherwise: what follows under another kind of change than the printed unit stands for.

    Returns:
        The verdict, and in a word what it rests on: ``equal``, ``rounded`` or ``truncated`` to the printed decimals,
        ``qualified``, the other kind, ``different`` or ``incomputable``.

    Example:
        >>> judge(Decimal("17"), Decimal("17.293"), 0)
        ('rounded', 'rounded')
        >>> judge(Decimal("4.5"), Decimal("4.7368"), 1, otherwise=Decimal("4.5"))
        ('off-kind', 'equal under the other kind')
        >>> judge(Decimal("5"), Decimal("4.4"), 0, Bounds(True, True, True, Decimal("0.2")))
        ('consistent', 'qualified')
    """
    if computed is None:
        return "unknown", "incomputable"
    how = _likeness(printed, computed, decimals) if bounds.equal else None
    if how:
        return ("right" if how == "equal" else "rounded"), how
    if bounds.admit(printed, computed):
        return "consistent", "qualified"
    other = _likeness(printed, otherwise, decimals) if otherwise is not None else None
    if other:
        return "off-kind", f"{other} under the other kind"
    return "off", "different"


def _likeness(printed: Decimal, computed: Decimal, decimals: int) -> str | None:
    """Return how ``printed`` comes of ``computed``: equal, rounded (halves away from zero), truncated, or not."""
    if computed == printed:
        return "equal"
    place = Decimal(1).scaleb(-decimals)
    if computed.quantize(place, ROUND_HALF_UP) == printed:
        return "rounded"
    if computed.quantize(place, ROUND_DOWN) == printed:
        return "truncated"
    return None
