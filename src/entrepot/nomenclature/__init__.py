"""What a code means: areas, groups, commodity codes, control lists, dated events.

Everything here is a fact with a source (``data/SOURCES.md``). Tables are read when first asked for;
importing the package reads nothing.
"""

from __future__ import annotations

from entrepot.nomenclature.areas import (
    OTHER_ASIA,
    UNSPECIFIED,
    WORLD,
    Area,
    area,
    area_code_table,
    area_name,
    area_name_table,
    area_table,
)
from entrepot.nomenclature.dated_events import Event, events
from entrepot.nomenclature.geography import geography_table
from entrepot.nomenclature.groups import Membership, group_members, group_names, memberships
from entrepot.nomenclature.hs import (
    HS_REVISIONS,
    TOTAL,
    hs_chapter_title,
    hs_level,
    hs_parent,
    is_hs_code,
    revision_in_force,
    revision_of,
    validate_hs,
)
from entrepot.nomenclature.lists import ListEntry, list_codes, list_entries, list_names, product_codes
from entrepot.nomenclature.names import normalise_name
from entrepot.nomenclature.resolving import resolve_area, resolve_areas

__all__ = [
    "HS_REVISIONS",
    "OTHER_ASIA",
    "TOTAL",
    "UNSPECIFIED",
    "WORLD",
    "Area",
    "Event",
    "ListEntry",
    "Membership",
    "area",
    "area_code_table",
    "area_name",
    "area_name_table",
    "area_table",
    "events",
    "geography_table",
    "group_members",
    "group_names",
    "hs_chapter_title",
    "hs_level",
    "hs_parent",
    "is_hs_code",
    "list_codes",
    "list_entries",
    "list_names",
    "memberships",
    "normalise_name",
    "product_codes",
    "resolve_area",
    "resolve_areas",
    "revision_in_force",
    "revision_of",
    "validate_hs",
]
