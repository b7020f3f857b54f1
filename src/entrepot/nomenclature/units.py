"""Units of supplementary quantities: which can be turned into which without knowing the goods."""

from __future__ import annotations

__all__ = ["exact_units"]

#: Unit → base unit and factor. Units of the World Customs Organization's list (UN Comtrade's spelling). A
#: carat is 200 mg (General Conference on Weights and Measures, 1907). Sets, packs and units that are not here
#: are units of their own: how many pieces a set has depends on the goods.
_EXACT = {
    "u": ("u", 1.0),
    "2u": ("u", 2.0),
    "12u": ("u", 12.0),
    "1000u": ("u", 1000.0),
    "kg": ("kg", 1.0),
    "t": ("kg", 1000.0),
    "g": ("kg", 0.001),
    "carat": ("kg", 0.0002),
    "l": ("l", 1.0),
    "m3": ("l", 1000.0),
}


def exact_units() -> dict[str, tuple[str, float]]:
    """Return what a unit is in the base unit of its kind, exactly.

    Returns
    -------
    dict
        Unit → base unit and how many of it. A unit without an entry can be compared with itself alone.

    Examples
    --------
    >>> exact_units()["1000u"]
    ('u', 1000.0)
    """
    return dict(_EXACT)
