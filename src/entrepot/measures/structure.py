"""What economies are good at, how close goods and exports are, how well exports fit another's imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import narwhals as nw

from entrepot.measures.sums import opened, ratio, summed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from narwhals.typing import IntoFrameT

__all__ = ["complementarity", "export_similarity", "proximity", "revealed_comparative_advantage"]


def revealed_comparative_advantage(
    frame: IntoFrameT,
    *,
    area: str = "exporter",
    product: str = "hs_code",
    within: Sequence[str] = ("period",),
    value: str = "value_usd",
) -> IntoFrameT:
    r"""Return how much more of its exports a product is than of the world's.

    *Formula*  RCA_ak = (x_ak / x_a) / (x_k / x);  symmetric = (RCA − 1) / (RCA + 1).

    Parameters
    ----------
    frame
        Rows of all products of all areas: the world is what stands in the frame.
    area, product
        Columns of the economy and of the product.
    within
        What the world is told apart by.
    value
        Column to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within`` × area × product. The value, ``rca`` (0 and more, 1 as the world) and
        ``symmetric_rca`` (−1 to 1). Products that an area does not export have no row: their rca is 0.

    *Missing data*: a null value makes all of the ``within`` null.

    References
    ----------
    Balassa, B. (1965), Trade liberalisation and "revealed" comparative advantage, The Manchester School 33;
    Dalum, B., Laursen, K. and Villumsen, G. (1998), Structural change in OECD export specialisation
    patterns, International Review of Applied Economics 12 (the symmetric form).
    """
    keys = list(within)
    data = summed(opened(frame, *keys, area, product, value), [*keys, area, product], value)
    null = nw.when(nw.col(value).is_null()).then(nw.lit(1)).otherwise(nw.lit(0))
    groups = {"__area": [*keys, area], "__product": [*keys, product], "__world": keys or ["__all"]}
    data = data.with_columns(nw.lit(1).alias("__all"), null.alias("__null"))
    data = data.with_columns(
        *[nw.col(value).sum().over(*group).alias(name) for name, group in groups.items()],
        nw.col("__null").sum().over(*groups["__world"]).alias("__nulls"),
    )
    found = data.with_columns(
        nw.when(nw.col("__nulls") == 0)
        .then(ratio(nw.col(value) * nw.col("__world"), nw.col("__area") * nw.col("__product")))
        .alias("rca")
    ).select(*keys, area, product, value, "rca")
    rca = nw.col("rca")
    return cast(
        "IntoFrameT", found.with_columns(((rca - 1.0) / (rca + 1.0)).alias("symmetric_rca")).to_native()
    )


def proximity(
    frame: IntoFrameT,
    *,
    area: str = "exporter",
    product: str = "hs_code",
    within: Sequence[str] = ("period",),
    value: str = "value_usd",
) -> IntoFrameT:
    r"""Return how often economies with an advantage in one product have one in another.

    *Formula*  φ_kl = min(P(RCA_k ≥ 1 | RCA_l ≥ 1), P(RCA_l ≥ 1 | RCA_k ≥ 1)) = n_kl / max(n_k, n_l), n_kl the
    number of areas with an advantage in both.

    Parameters
    ----------
    frame
        Rows of all products of all areas. Pairs of six-digit codes are some ten million: four digits do for
        most questions.
    area, product, within, value
        See :func:`revealed_comparative_advantage`.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within`` × product × ``other_<product>``, both orders, each with itself left out.
        ``areas`` (with an advantage in both), ``proximity`` (0 to 1). Two products that no area has an
        advantage in together have no row: their proximity is 0.

    *Missing data*: a ``within`` of which a value is null has no rows, since no advantage is known in it.

    References
    ----------
    Hidalgo, C. A., Klinger, B., Barabási, A.-L. and Hausmann, R. (2007), The product space conditions the
    development of nations, Science 317, p. 484, equation 1.
    """
    keys = list(within)
    rca: Any = nw.from_native(
        revealed_comparative_advantage(frame, area=area, product=product, within=within, value=value)
    )
    has = rca.filter(nw.col("rca") >= 1.0).select(*keys, area, product)
    counts = has.group_by(*keys, product).agg(nw.len().alias("__count"))
    other = f"other_{product}"
    both = (
        has.join(has.rename({product: other}), on=[*keys, area], how="inner")
        .filter(nw.col(product) != nw.col(other))
        .group_by(*keys, product, other)
        .agg(nw.len().alias("areas"))
    )
    theirs = counts.rename({product: other, "__count": "__others"})
    found = both.join(counts, on=[*keys, product], how="inner").join(theirs, on=[*keys, other], how="inner")
    share = nw.col("areas") / nw.max_horizontal("__count", "__others")
    columns = (*keys, product, other, "areas", "proximity")
    return cast("IntoFrameT", found.with_columns(share.alias("proximity")).select(*columns).to_native())


def export_similarity(
    frame: IntoFrameT,
    *,
    area: str = "exporter",
    product: str = "hs_code",
    within: Sequence[str] = ("period",),
    value: str = "value_usd",
) -> IntoFrameT:
    r"""Return how alike the exports of each two economies are.

    *Formula*  S_ab = Σ_k min(s_ak, s_bk), s_ak the share of product k in the exports of a.

    Parameters
    ----------
    frame
        Rows of all products of the economies.
    area, product, within, value
        See :func:`revealed_comparative_advantage`.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within`` × area × ``other_<area>``, both orders, each with itself left out.
        ``similarity`` from 0 (no product in common) to 1 (the same shares). It rises when products are
        lumped together: compare only figures of one level of codes.

    *Missing data*: null where a product of either is null.

    References
    ----------
    Finger, J. M. and Kreinin, M. E. (1979), A measure of "export similarity" and its possible uses, The
    Economic Journal 89, p. 906.
    """
    keys = list(within)
    data = _shares_of_products(frame, area, product, keys, value)
    other = f"other_{area}"
    theirs = data.rename({area: other, "share": "__theirs"})
    return cast("IntoFrameT", _overlap(data, theirs, keys, area, other, product, "similarity").to_native())


def complementarity(
    frame: IntoFrameT,
    *,
    exporter: str = "exporter",
    importer: str = "importer",
    product: str = "hs_code",
    within: Sequence[str] = ("period",),
    value: str = "value_usd",
) -> IntoFrameT:
    r"""Return how well what one economy exports fits what another imports, whoever from.

    *Formula*  C_ab = 1 − ½ Σ_k |x_ak − m_bk| = Σ_k min(x_ak, m_bk), x_ak the share of k in the exports of
    a, m_bk in the imports of b.

    Parameters
    ----------
    frame
        Rows of all products that the economies export and import.
    exporter, importer, product, within, value
        Columns.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within`` × exporter × importer, whether or not they trade; none with itself.
        ``complementarity`` from 0 to 1.

    *Missing data*: null where a product of either is null.

    References
    ----------
    Michaely, M. (1996), Trade preferential agreements in Latin America: an ex-ante assessment, World Bank
    Policy Research Working Paper 1583, p. 8.
    """
    keys = list(within)
    sold = _shares_of_products(frame, exporter, product, keys, value)
    bought = _shares_of_products(frame, importer, product, keys, value).rename({"share": "__theirs"})
    return cast(
        "IntoFrameT",
        _overlap(sold, bought, keys, exporter, importer, product, "complementarity").to_native(),
    )


def _shares_of_products(frame: Any, area: str, product: str, keys: Sequence[str], value: str) -> Any:
    """Return the share of each product in the trade of each area; null where one of them is null."""
    data = summed(opened(frame, *keys, area, product, value), [*keys, area, product], value)
    null = nw.when(nw.col(value).is_null()).then(nw.lit(1)).otherwise(nw.lit(0))
    data = data.with_columns(null.alias("__null")).with_columns(
        nw.col(value).sum().over(*keys, area).alias("__whole"),
        nw.col("__null").sum().over(*keys, area).alias("__nulls"),
    )
    whole = nw.when(nw.col("__nulls") == 0).then(nw.col("__whole"))
    return data.with_columns(ratio(nw.col(value), whole).alias("share")).select(*keys, area, product, "share")


def _overlap(
    ours: Any, theirs: Any, keys: Sequence[str], area: str, other: str, product: str, name: str
) -> Any:
    """Return Σ min of the shares of each two areas: 0 where no product meets, null where one is not known."""
    met = (
        ours.join(theirs, on=[*keys, product], how="inner")
        .with_columns(nw.min_horizontal("share", "__theirs").alias(name))
        .group_by(*keys, area, other)
        .agg(nw.col(name).sum())
    )
    known = [
        frame.with_columns(nw.col(column).is_null().cast(nw.Int64).alias(flag))
        .group_by(*keys, side)
        .agg(nw.col(flag).max())
        for frame, side, column, flag in (
            (ours, area, "share", "__unknown"), (theirs, other, "__theirs", "__other_unknown")
        )
    ]  # fmt: skip
    both = (
        known[0].join(known[1], on=list(keys), how="inner") if keys else known[0].join(known[1], how="cross")
    )
    pairs = both.filter(nw.col(area) != nw.col(other)).join(met, on=[*keys, area, other], how="left")
    is_known = (nw.col("__unknown") + nw.col("__other_unknown")) == 0
    overlap = nw.when(is_known).then(nw.coalesce(nw.col(name), nw.lit(0.0)))
    return pairs.with_columns(overlap.alias(name)).select(*keys, area, other, name)
