"""How far areas lie apart, which share a border, which have no coast: what freight depends on."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa

from entrepot.nomenclature.facts import fact_rows

__all__ = ["geography_table"]

_EARTH_RADIUS_KM = 6371.0

#: Areas of trade statistics that lie where another one lies.
_LIES_AT = {"XOA": "TWN", "XBL": "BEL"}


@cache
def geography_table() -> pa.Table:
    r"""Return distance, border and coast of every pair of areas.

    *Formula*  d_ij = Σ_k Σ_l s_k s_l d_kl over the ten largest places of either area, with their shares of
    the ten's population: the weighted distance of Mayer and Zignago (CEPII working paper 2011-25, θ = 1).

    Returns
    -------
    pyarrow.Table
        **Grain**: exporter × importer, both directions, an area with itself left out. ``distance_km``,
        ``is_contiguous`` (1 where they share a land border, else 0), ``landlocked`` (how many of the two
        have no coast: 0, 1 or 2). "Other Asia, n.e.s." lies where Taiwan lies.

    *Missing data*: areas that are no place (bunkers, not specified, former federations) have no row.
    """
    areas, distance = _distances()
    land = {row["area"]: row for row in fact_rows("area_land")}
    located = [_LIES_AT.get(area, area) for area in areas]
    neighbours = [frozenset(land[place]["neighbours"].split()) for place in located]
    inland = np.array([land[place]["is_landlocked"] == "yes" for place in located], dtype=np.int64)
    touches = np.array([[place in near for place in located] for near in neighbours], dtype=np.int64)
    exporter, importer = np.nonzero(~np.eye(len(areas), dtype=bool))
    codes = pa.array(areas, pa.string())
    return pa.table(
        {
            "exporter": codes.take(pa.array(exporter)),
            "importer": codes.take(pa.array(importer)),
            "distance_km": pa.array(distance[exporter, importer]),
            "is_contiguous": pa.array(touches[exporter, importer]),
            "landlocked": pa.array(inland[exporter] + inland[importer]),
        }
    )


def _distances() -> tuple[list[str], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    rows = fact_rows("area_places")
    places = sorted({row["area"] for row in rows})
    owner = np.searchsorted(places, [row["area"] for row in rows])
    latitude, longitude, share = (
        np.array([float(row[name]) for row in rows]) for name in ("latitude", "longitude", "share")
    )
    phi, lam = np.radians(latitude), np.radians(longitude)
    point = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    apart = _EARTH_RADIUS_KM * np.arccos(np.clip(point @ point.T, -1.0, 1.0))
    weight = np.zeros((len(places), len(rows)))
    weight[owner, np.arange(len(rows))] = share
    weight /= weight.sum(axis=1, keepdims=True)
    between = weight @ apart @ weight.T
    areas = [*places, *_LIES_AT]
    index = [places.index(_LIES_AT.get(area, area)) for area in areas]
    return areas, np.maximum(between[np.ix_(index, index)], 1.0)
