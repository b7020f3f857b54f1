"""How concentrated trade is on few, and how much two economies depend on one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import narwhals as nw

from entrepot.measures.sums import opened, ratio, summed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = ["dependence", "herfindahl_hirschman"]


def herfindahl_hirschman(
    frame: IntoFrameT,
    *,
    of: Sequence[str] = ("exporter",),
    within: Sequence[str] = ("importer", "period"),
    value: str = "value_usd",
) -> IntoFrameT:
    r"""Return the concentration of a whole on its parts.

    *Formula*  HHI = Σ_i s_i², s_i the share of part i; effective number = 1 / HHI, the number of equal
    parts that would be as concentrated.

    Parameters
    ----------
    frame
        Rows of everything that the whole consists of.
    of, within, value
        See :func:`entrepot.measures.shares`.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within``. ``whole_<value>``, ``parts`` (how many there are above zero), ``hhi`` (0 to
        1; the antitrust agencies' scale is ten thousand times that), ``effective_number``,
        ``largest_share``.

    *Missing data*: null where a part is null, or the whole is zero.

    References
    ----------
    Hirschman, A. O. (1945), National Power and the Structure of Foreign Trade, chapter 6; Herfindahl, O. C.
    (1950). The effective number: Laakso, M. and Taagepera, R. (1979), Comparative Political Studies 12.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"period": ["2023"] * 2, "exporter": ["CHN", "DEU"], "value_usd": [1.0, 1.0]})
    >>> herfindahl_hirschman(table, within=["period"])["effective_number"].to_pylist()
    [2.0]
    """
    keys = list(dict.fromkeys([*within, *of]))
    data = summed(opened(frame, *keys, value), keys, value)
    group = list(within)
    amount = nw.col(value)
    data = data.with_columns(
        nw.lit(1).alias("__all"),
        (amount * amount).alias("__square"),
        nw.when(amount > 0).then(nw.lit(1)).otherwise(nw.lit(0)).alias("__is"),
    )
    sums = data.group_by(*(group or ["__all"])).agg(
        amount.sum().alias("__whole"), amount.max().alias("__largest"), amount.count().alias("__known"),
        nw.len().alias("__rows"), nw.col("__square").sum(), nw.col("__is").sum(),
    )  # fmt: skip
    is_known = nw.col("__known") == nw.col("__rows")
    whole = nw.col(f"whole_{value}")
    found = sums.with_columns(
        nw.when(is_known).then(nw.col("__whole")).alias(f"whole_{value}"),
        nw.when(is_known).then(nw.col("__is")).alias("parts"),
    ).with_columns(
        ratio(nw.col("__square"), whole * whole).alias("hhi"),
        ratio(nw.col("__largest"), whole).alias("largest_share"),
    )
    found = found.with_columns(ratio(nw.lit(1.0), nw.col("hhi")).alias("effective_number"))
    return cast(
        "IntoFrameT",
        found.select(
            *group, f"whole_{value}", "parts", "hhi", "effective_number", "largest_share"
        ).to_native(),
    )


def dependence(
    frame: IntoFrameT, *, within: Sequence[str] = ("period",), value: str = "value_usd"
) -> IntoFrameT:
    r"""Return how much of its trade each economy has with each other, and the same the other way round.

    *Formula*  d_ab = (x_ab + x_ba) / (X_a + M_a), x_ab the flow from a to b, X_a and M_a the exports and
    imports of a; asymmetry = d_ab − d_ba.

    Parameters
    ----------
    frame
        Rows with ``exporter``, ``importer`` and the value, of all the trade of the economies in question.
    within
        Further keys, such as ``period``.
    value
        Column to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within`` × area × partner. ``export_<value>``, ``import_<value>``,
        ``export_dependence`` (of its exports), ``import_dependence`` (of its imports), ``dependence`` (of
        both), ``partner_dependence`` (the partner's on it), ``asymmetry`` (above zero: it depends more on
        the partner than the partner on it), ``salience`` (the geometric mean of both).

    *Missing data*: no row is no trade; a null makes the shares of both economies null.

    References
    ----------
    Hirschman (1945), chapter 2; Barbieri, K. (1996), Economic interdependence: a path to peace or a source
    of interstate conflict?, Journal of Peace Research 33, p. 36 (trade shares, salience, symmetry; her
    symmetry is one less the absolute asymmetry).
    """
    keys = list(within)
    flows = summed(
        opened(frame, *keys, "exporter", "importer", value), [*keys, "exporter", "importer"], value
    )
    out, back = f"export_{value}", f"import_{value}"
    sides = [
        flows.select(
            *keys,
            nw.col(own).alias("area"),
            nw.col(other).alias("partner"),
            (nw.col(value) if own == "exporter" else nw.lit(0.0)).alias(out),
            (nw.col(value) if own == "importer" else nw.lit(0.0)).alias(back),
        )
        for own, other in (("exporter", "importer"), ("importer", "exporter"))
    ]
    both = summed(nw.concat(sides, how="vertical"), [*keys, "area", "partner"], out, back)
    of_area = [*keys, "area"]
    both = both.with_columns(
        *[
            nw.when(nw.col(side).is_null()).then(nw.lit(1)).otherwise(nw.lit(0)).alias(f"__null_{side}")
            for side in (out, back)
        ]
    ).with_columns(
        *[nw.col(side).sum().over(*of_area).alias(f"__sum_{side}") for side in (out, back)],
        *[nw.col(f"__null_{side}").sum().over(*of_area) for side in (out, back)],
    )
    whole_out, whole_back = (
        nw.when(nw.col(f"__null_{side}") == 0).then(nw.col(f"__sum_{side}")) for side in (out, back)
    )
    both = both.with_columns(
        ratio(nw.col(out), whole_out).alias("export_dependence"),
        ratio(nw.col(back), whole_back).alias("import_dependence"),
        ratio(nw.col(out) + nw.col(back), whole_out + whole_back).alias("dependence"),
    ).select(*keys, "area", "partner", out, back, "export_dependence", "import_dependence", "dependence")
    other = both.select(
        *keys,
        nw.col("partner").alias("area"),
        nw.col("area").alias("partner"),
        nw.col("dependence").alias("partner_dependence"),
    )
    found = both.join(other, on=[*keys, "area", "partner"], how="left").with_columns(
        (nw.col("dependence") - nw.col("partner_dependence")).alias("asymmetry"),
        (nw.col("dependence") * nw.col("partner_dependence")).sqrt().alias("salience"),
    )
    return cast("IntoFrameT", found.to_native())
