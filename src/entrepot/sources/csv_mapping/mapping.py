"""The mapping: a TOML file in which the user says what the columns of a table mean."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from entrepot.errors import MappingError, OptionError
from entrepot.schema import FlowKind  # noqa: TC001 pydantic reads the annotation
from entrepot.sources.csv_mapping.sections import (
    MEASURES,
    AreaChoice,
    AreasSection,
    Code,
    ConceptSection,
    FileNameSection,
    FileSection,
    MappedField,
    PeriodSection,
    ProductSection,
    RatesSection,
    RowsSection,
    Section,
    Text,
    UnitsSection,
    ValuationSection,
    WideSection,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from entrepot.sources.base import Stated

__all__ = ["TableMapping", "read_mapping"]


class TableMapping(Section):
    """What the columns of one publisher's table mean.

    Attributes
    ----------
    id, title, publisher, licence, url
        Lineage. The id makes the source's name, ``csv:<id>``.
    file
        Delimiter, encoding, header, number format.
    columns, constants, file_name
        Where each field comes from: a column, one text for all rows, a part of the file's name.
    patterns
        Per field a regular expression whose first group is the part of the text that counts.
    wide
        Columns that hold one value each.
    flows
        Flow words beyond the usual.
    areas, product, period, valuation, partner_concept, units, rows, rates
        Codes, conventions, rows to leave out and exchange rates.
    """

    id: Code
    title: str = ""
    publisher: str = ""
    licence: str = ""
    url: str = ""
    file: FileSection = FileSection()
    columns: dict[MappedField, Text] = Field(default_factory=dict)
    constants: dict[MappedField, Text] = Field(default_factory=dict)
    file_name: FileNameSection | None = None
    patterns: dict[MappedField, Text] = Field(default_factory=dict)
    wide: WideSection | None = None
    flows: dict[str, FlowKind] = Field(default_factory=dict)
    areas: AreasSection = AreasSection()
    product: ProductSection = ProductSection()
    period: PeriodSection = PeriodSection()
    valuation: ValuationSection = ValuationSection()
    partner_concept: ConceptSection = ConceptSection()
    units: UnitsSection = UnitsSection()
    rows: RowsSection = RowsSection()
    rates: RatesSection = RatesSection()

    @field_validator("constants", mode="before")
    @classmethod
    def _as_text(cls, constants: Any) -> Any:
        if not isinstance(constants, dict):
            return constants
        return {
            name: value if isinstance(value, dict | list) else str(value) for name, value in constants.items()
        }

    def name_groups(self) -> frozenset[str]:
        """Return the fields that the file's name gives."""
        return frozenset(re.compile(self.file_name.pattern).groupindex) if self.file_name else frozenset()

    def wide_groups(self) -> frozenset[str]:
        """Return what the names of wide columns give: fields, and ``measure``."""
        return frozenset(re.compile(self.wide.columns).groupindex) if self.wide else frozenset()

    def sources_of(self, field: MappedField) -> list[str]:
        """Return the sections that give a field."""
        found = [
            name
            for name, given in (("columns", self.columns), ("constants", self.constants))
            if field in given
        ]
        found += ["file_name"] if field in self.name_groups() else []
        found += ["wide"] if field in self.wide_groups() else []
        return found

    def has(self, field: MappedField) -> bool:
        """Tell whether a table has a field, as far as the mapping says."""
        is_of_cell = field in MEASURES and "measure" in self.wide_groups()
        return bool(self.sources_of(field)) or is_of_cell or (field is MappedField.VALUE and bool(self.wide))

    @property
    def has_cells(self) -> bool:
        """Tell whether what is read are cells, of which a row may have many or none."""
        return self.wide is not None or self.rows.is_choice

    def only_text(self, field: MappedField) -> str:
        """Return the text of a field that the mapping states for all rows, empty if the table may say it."""
        is_stated = self.sources_of(field) == ["constants"] and field not in self.patterns
        return self.constants.get(field, "").strip() if is_stated else ""

    @model_validator(mode="after")
    def _patterns_compile(self) -> Self:
        named = [("file_name.pattern", self.file_name.pattern)] if self.file_name else []
        named += [("wide.columns", self.wide.columns)] if self.wide else []
        for where, pattern in named:
            try:
                groups = set(re.compile(pattern).groupindex)
            except re.error as error:
                msg = f"{where} is not a regular expression: {error}"
                raise ValueError(msg) from error
            allowed = {field.value for field in MappedField} | (
                {"measure"} if where == "wide.columns" else set()
            )
            if not groups or groups - allowed:
                msg = f"{where} names the groups {sorted(groups)}; it needs some of {sorted(allowed)}"
                raise ValueError(msg)
        for field, pattern in self.patterns.items():
            _check_re2(f"patterns.{field.value}", pattern)
        return self

    @model_validator(mode="after")
    def _fields_are_given(self) -> Self:
        required = ["reporter", "partner", "flow", "product", "currency", "hs_revision"]
        required += [] if self.wide else ["value"]
        required += [] if self.sources_of(MappedField.PERIOD) else ["year"]
        absent = [name for name in required if not self.sources_of(MappedField(name))]
        if absent:
            msg = f"no column, constant or part of the file name gives {', '.join(absent)}" + (
                " (or period)" if "year" in absent else ""
            )
            raise ValueError(msg)
        for field in MappedField:
            given = [name for name in self.sources_of(field) if name != "wide"]
            if len(given) > 1:
                msg = f"{field.value} is given by {' and by '.join(given)}: keep one"
                raise ValueError(msg)
        if self.sources_of(MappedField.PERIOD) and self.sources_of(MappedField.YEAR):
            msg = "give either period, or year (and month), not both"
            raise ValueError(msg)
        if MappedField.QUANTITY in self.columns and not self.sources_of(MappedField.QUANTITY_UNIT):
            msg = "a quantity says nothing without its unit: give quantity_unit"
            raise ValueError(msg)
        if MappedField.VINTAGE in self.columns:
            msg = "vintage holds for the whole file: give it in constants or file_name"
            raise ValueError(msg)
        if self.wide and MappedField.VALUE in (*self.columns, *self.constants):
            msg = "a wide table has its values in the columns of [wide]: leave value out"
            raise ValueError(msg)
        return self


def _check_re2(where: str, pattern: str) -> None:
    """Refuse what the engine's regular expressions (RE2: no look-around) cannot do."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        msg = f"{where}: {str(error).strip()}"
        raise ValueError(msg) from error
    if re.compile(pattern).groups < 1:
        msg = f"{where} has no group in parentheses: put them around the part that counts"
        raise ValueError(msg)


def read_mapping(path: Path, stated: Stated | None = None) -> TableMapping:
    """Return the mapping of a TOML file.

    Parameters
    ----------
    path
        The mapping. Every key is described in the how-to "Map your own table".
    stated
        What the user states for all rows; it counts as constants.

    Raises
    ------
    MappingError
        The file is missing or not TOML, a key is unknown or missing, a value is not allowed.

    Examples
    --------
    >>> from importlib.resources import files
    >>> from pathlib import Path
    >>> samples = Path(str(files("entrepot.sources.csv_mapping"))) / "samples"
    >>> read_mapping(samples / "eu_panel.toml").constants["currency"]
    'EUR'
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MappingError(
            f"the mapping cannot be read: {error.strerror}",
            where=str(path),
            hint="give the path of a TOML file after csv: (docs: Map your own table)",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(
            f"the mapping is not TOML: {error}",
            where=str(path),
            hint='texts stand in quotes, as in flow = "FLOW"',
        ) from error
    if stated is not None:
        content = _with_stated(content, stated.fields(), path)
    try:
        return TableMapping.model_validate(content, strict=False)
    except ValidationError as error:
        raise _mapping_error(error.errors(), content, path) from error


def _with_stated(content: dict[str, Any], given: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Return the mapping with what the user states as constants; what it says itself is not replaced."""
    said = [
        name
        for section in ("columns", "constants")
        for name in given
        if isinstance(content.get(section), dict) and name in content[section]
    ]
    by_name = content.get("file_name")
    if isinstance(by_name, dict):
        said += [name for name in given if f"(?P<{name}>" in str(by_name.get("pattern", ""))]
    if said:
        raise OptionError(
            f"the mapping says the {' and '.join(said)} of its rows itself",
            where=f"{' '.join(f'--{name}' for name in said)}; {path}",
            hint="leave it out; where the mapping is your own you can take it out there instead",
        )
    constants = content.get("constants", {})
    return {**content, "constants": {**constants, **given}} if isinstance(constants, dict) else content


def _mapping_error(errors: list[ErrorDetails], content: Mapping[str, Any], path: Path) -> MappingError:
    problems, hints = [], []
    for error in errors:
        parts = [str(part) for part in error["loc"] if part != "[key]"]
        key = ".".join(parts)
        if error["type"] == "extra_forbidden":
            problems.append(f"unknown key {key}")
            hints.append(_nearest(parts[-1], _allowed_keys(parts[:-1])))
        elif "[key]" in error["loc"] and parts[0] in {"columns", "constants", "patterns"}:
            problems.append(f"unknown field {key}")
            hints.append(_nearest(parts[-1], [field.value for field in MappedField]))
        elif error["type"] == "missing":
            problems.append(f"key {key} is missing")
        else:
            said = error["msg"].removeprefix("Value error, ")
            problems.append(f"{key}: {said}" if key else said)
        if error["msg"].startswith("Value error, no column, constant") and "flow" in error["msg"]:
            hints.append("give it in the mapping, or state it for all rows: --flow import or --flow export")
    hint = "; ".join(dict.fromkeys(hint for hint in hints if hint))
    return MappingError(
        "; ".join(dict.fromkeys(problems)),
        where=f"{path}" + (f" (mapping {content['id']})" if isinstance(content.get("id"), str) else ""),
        hint=hint or "correct the mapping; every key is described in the how-to Map your own table",
    )


#: Sections that hold sections: what may stand in them.
_SECTIONS: dict[str, type[BaseModel]] = {
    "file": FileSection,
    "file_name": FileNameSection,
    "wide": WideSection,
    "areas": AreasSection,
    "product": ProductSection,
    "period": PeriodSection,
    "valuation": ValuationSection,
    "partner_concept": ConceptSection,
    "units": UnitsSection,
    "rows": RowsSection,
    "rates": RatesSection,
}


def _allowed_keys(parts: Sequence[str]) -> list[str]:
    if len(parts) > 1:
        return list(AreaChoice.model_fields)
    return list((_SECTIONS[parts[0]] if parts else TableMapping).model_fields)


def _nearest(word: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"the keys there are {', '.join(allowed)}"
