r"""Worlds with a known truth: the offline demonstration, the test bed and the benchmark.

A world is drawn from one seed: areas, products, months of trade, an event, what it does, and what customs
statistics show of it. Codes are real but dealt at random, so that nothing known about real countries
helps. Reports come as a table, as UN Comtrade files, as Eurostat's or as BACI; the truth comes beside
them.

**Ordinary trade.** Exporter i, importer j, product k, month t; λ is the mean value, FOB::

    ln λ_ijk(t) = s_i + α_ik + d_j + β_jk + w_k − 0.9 ln(distance_ij) + ε_ijk     level (gravity)
                + g_ik·t + b_j(t)                                                 supplier and importer growth
                + season_k(t) + drift_k(t) + shock_k(t) + ln price_k(t)           product
                + boom_j,k(t) + ω_ijk(t)                                          booms, persistent component

Only the largest cells trade (``density``); hubs, guilty and innocent alike, trade more than their size,
and most of their lanes are in use before the event. Hubs grow by up to 1.6 times in their own right,
booming hubs, which are innocent, by 1.5 to 3 times, some of them in exactly the listed goods, some in
exports too. Smooth trade leaves with lognormal noise (sd 0.12 a month). Rough trade is compound Poisson,
calibrated on EU exports by HS6 (``shipments``). Weight is value ÷ (unit value of i's k × price_k).

**Event.** In month t* the treated origins' exports of listed goods to the destination fall by a share
c_ik of 60 to 95 per cent, within one to three months. Of the lost λ·c, a part is filled in by other
suppliers, a little is sold elsewhere, and r_ik of it (0.2 to 0.7, within one to six months) comes back
through hubs h::

    detour_ihk(t) = r_ik · c_ik · λ_idk(t) · W_ihk        Σ_h W = 1, each origin has its own way (Dirichlet)
    leaves the hub at t + lag_ih (0 to 3 months) at (1 + μ_hk) of its value, μ from 5 to 30 per cent

Weight is conserved along the way, by product and month. A share y_h of it (0 to ``unseen_share``) is
*unseen*, the rest *declared*. *Relays* are friendly origins, whose direct trade does not fall, serving 10
to 30 per cent of the demand that is still unmet, through the same hubs. *Round trips* take 0.2 to 3 times
the genuine trade of a pair out to the via and back after one to four months, 10 to 35 per cent dearer; a
few run all the time (processing trade). With ``chains`` some go through two vias, each one to three months.

**Books.** Exporters report FOB by last known destination, importers CIF by country of origin:

=====================  ==========================  =======================  ============================
flow                   origin's exports            hub's books              destination's imports
=====================  ==========================  =======================  ============================
direct                 to the destination          —                        from the origin
declared detour        to the hub                  in from the origin,      from the origin, at onward
                                                   out as (re-)export       value
unseen detour          to the hub                  nothing                  from the origin, at onward
                                                                            value
ordinary re-exports    to the hub                  in, out as re-export     from the hub's suppliers
goods coming home      to the via                  in, out as re-export     partner = reporter
=====================  ==========================  =======================  ============================

Imports are worth 1.02 to 1.15 times the exports, by distance; up to half of them arrives in the month
after. Each hub's import book has always shown its own share ρ (0.3 to 1) of what comes from a partner, of
declared detours too. Every reporter adds its noise; values under a threshold are left out; some weights
are missing. The destination stops publishing at the event, one hub in five publishes nothing at all, some
reporters are three to six months late: all three can be switched, and some reporters can be made annual.
"""

from __future__ import annotations

from entrepot.model.world.baci import write_baci
from entrepot.model.world.build import World, build_world
from entrepot.model.world.comext import write_comext
from entrepot.model.world.comtrade import write_comtrade
from entrepot.model.world.files import write_truth
from entrepot.model.world.loop_scoring import LoopScore, loop_truth, score_loops
from entrepot.model.world.options import FEWEST_AFTER, HARDSHIPS, Setting, WorldOptions
from entrepot.model.world.scoring import OWN, SHOWN, DetourScore, detour_truth, score_detours

__all__ = [
    "FEWEST_AFTER",
    "HARDSHIPS",
    "OWN",
    "SHOWN",
    "DetourScore",
    "LoopScore",
    "Setting",
    "World",
    "WorldOptions",
    "build_world",
    "detour_truth",
    "loop_truth",
    "score_detours",
    "score_loops",
    "write_baci",
    "write_comext",
    "write_comtrade",
    "write_truth",
]
