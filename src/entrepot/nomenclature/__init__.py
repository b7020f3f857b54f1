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
    special_areas,
)
from entrepot.nomenclature.class_files import file_class_table
from entrepot.nomenclature.classes import ClassScheme, GoodsClass, class_of, class_table, code_classes
from entrepot.nomenclature.code_lists import code_revisions, has_hs_code, hs_children, hs_codes
from entrepot.nomenclature.concordances import (
    CONCORDANCE_SCHEMA,
    Concordance,
    ShareRule,
    changed_codes,
    code_links,
    concordance,
    renumbered,
)
from entrepot.nomenclature.currencies import area_currency
from entrepot.nomenclature.dated_events import Event, events
from entrepot.nomenclature.geography import geography_table
from entrepot.nomenclature.groups import CUSTOMS_UNIONS, Membership, group_members, group_names, memberships
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
from entrepot.nomenclature.lists import (
    ListEntry,
    list_codes,
    list_entries,
    list_followed_until,
    list_names,
    list_tiers,
    product_codes,
    related_codes,
    split_tier,
)
from entrepot.nomenclature.lookups import (
    called_list,
    look_up_areas,
    look_up_codes,
    look_up_events,
    look_up_list,
    look_up_lists,
)
from entrepot.nomenclature.names import normalise_name
from entrepot.nomenclature.resolving import named_area, resolve_area, resolve_areas
from entrepot.nomenclature.titles import find_hs_codes, hs_title, nearest_words
from entrepot.nomenclature.units import exact_units

__all__ = [
    "CONCORDANCE_SCHEMA",
    "CUSTOMS_UNIONS",
    "HS_REVISIONS",
    "OTHER_ASIA",
    "TOTAL",
    "UNSPECIFIED",
    "WORLD",
    "Area",
    "ClassScheme",
    "Concordance",
    "Event",
    "GoodsClass",
    "ListEntry",
    "Membership",
    "ShareRule",
    "area",
    "area_code_table",
    "area_currency",
    "area_name",
    "area_name_table",
    "area_table",
    "called_list",
    "changed_codes",
    "class_of",
    "class_table",
    "code_classes",
    "code_links",
    "code_revisions",
    "concordance",
    "events",
    "exact_units",
    "file_class_table",
    "find_hs_codes",
    "geography_table",
    "group_members",
    "group_names",
    "has_hs_code",
    "hs_chapter_title",
    "hs_children",
    "hs_codes",
    "hs_level",
    "hs_parent",
    "hs_title",
    "is_hs_code",
    "list_codes",
    "list_entries",
    "list_followed_until",
    "list_names",
    "list_tiers",
    "look_up_areas",
    "look_up_codes",
    "look_up_events",
    "look_up_list",
    "look_up_lists",
    "memberships",
    "named_area",
    "nearest_words",
    "normalise_name",
    "product_codes",
    "related_codes",
    "renumbered",
    "resolve_area",
    "resolve_areas",
    "revision_in_force",
    "revision_of",
    "special_areas",
    "split_tier",
    "validate_hs",
]
