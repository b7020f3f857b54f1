"""The sections of a mapping: what each key may hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from entrepot.schema import PartnerConcept, Valuation
from entrepot.sources.csv_mapping import words
from entrepot.sources.csv_mapping.periods import PERIOD_FORMATS

__all__ = [
    "MEASURES",
    "AreaChoice",
    "AreasSection",
    "Code",
    "ConceptSection",
    "FileNameSection",
    "FileSection",
    "MappedField",
    "PeriodSection",
    "ProductSection",
    "RatesSection",
    "RowsSection",
    "Section",
    "Text",
    "UnitsSection",
    "ValuationSection",
    "WideSection",
]


class MappedField(StrEnum):
    """What a column, a constant or a part of the file name can tell."""

    REPORTER = "reporter"
    PARTNER = "partner"
    CONSIGNMENT_PARTNER = "consignment_partner"
    PARTNER_CONCEPT = "partner_concept"
    FLOW = "flow"
    PERIOD = "period"
    YEAR = "year"
    MONTH = "month"
    PRODUCT = "product"
    HS_REVISION = "hs_revision"
    VALUE = "value"
    CURRENCY = "currency"
    UNIT_MULTIPLIER = "unit_multiplier"
    NET_WEIGHT = "net_weight"
    QUANTITY = "quantity"
    QUANTITY_UNIT = "quantity_unit"
    VINTAGE = "vintage"


#: The fields that hold numbers; in a wide table the cells.
MEASURES = (MappedField.VALUE, MappedField.NET_WEIGHT, MappedField.QUANTITY)

Text = Annotated[str, Field(min_length=1)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Section(BaseModel):
    """A table of the TOML: unknown keys are refused, values are of the stated type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileSection(Section):
    """How the file is read; what is ``auto`` is recognised from its head."""

    format: Literal["auto", "csv", "tsv", "parquet"] = "auto"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | Literal["auto"] = "auto"
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: Text = "auto"
    header: bool | tuple[Text, ...] = True
    skip_lines: Annotated[int, Field(ge=0)] = 0
    null_values: tuple[str, ...] = words.NULLS
    row_limits: tuple[Annotated[int, Field(gt=0)], ...] = ()
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""

    @model_validator(mode="after")
    def _separators_differ(self) -> Self:
        if self.decimal == self.thousands:
            msg = f"decimal and thousands are both {self.decimal!r}"
            raise ValueError(msg)
        return self


class FileNameSection(Section):
    """A regular expression whose named groups are fields, searched in the file's name."""

    pattern: Text


class WideSection(Section):
    """Columns that hold one value each: their names say period, flow or measure."""

    columns: Text
    measures: dict[str, Literal["value", "net_weight", "quantity", "ignore"]] = Field(default_factory=dict)


class AreaChoice(Section):
    """An area, and whether rows that name it are aggregates whatever the area is."""

    area: Annotated[str, Field(pattern=r"^[A-Z0-9_]{3,8}$")]
    aggregate: bool = False


class AreasSection(Section):
    """How areas are written, and the spellings that no table of ours knows."""

    scheme: Literal["auto", "m49", "iso2", "iso3", "labels", "own"] = "auto"
    names: dict[str, AreaChoice] = Field(default_factory=dict)

    @field_validator("names", mode="before")
    @classmethod
    def _short_form(cls, names: Any) -> Any:
        if not isinstance(names, dict):
            return names
        return {name: {"area": area} if isinstance(area, str) else area for name, area in names.items()}

    @field_validator("names")
    @classmethod
    def _once(cls, names: dict[str, AreaChoice]) -> dict[str, AreaChoice]:
        seen: dict[str, str] = {}
        for name in names:
            other = seen.setdefault(name.strip().lower(), name)
            if other != name:
                msg = f"{other!r} and {name!r} are one spelling: case and blanks at the ends do not count"
                raise ValueError(msg)
        return names


class ProductSection(Section):
    """How product codes are written."""

    national_digits: tuple[Annotated[int, Field(ge=7, le=12)], ...] = (8, 10)
    pad: bool = False
    total_words: tuple[Text, ...] = words.TOTALS

    @field_validator("national_digits", mode="before")
    @classmethod
    def _short_form(cls, digits: Any) -> Any:
        return (digits,) if isinstance(digits, int) else tuple(digits) if isinstance(digits, list) else digits


class PeriodSection(Section):
    """How periods are written."""

    formats: tuple[str, ...] = ()
    annual_marks: tuple[Text, ...] = words.ANNUAL_MARKS
    months: dict[str, Annotated[int, Field(ge=1, le=12)]] = Field(default_factory=dict)

    @field_validator("formats")
    @classmethod
    def _known(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in formats if name not in PERIOD_FORMATS]
        if unknown:
            msg = f"unknown format {unknown[0]!r}; the formats are {', '.join(PERIOD_FORMATS)}"
            raise ValueError(msg)
        return formats


class ValuationSection(Section):
    """At which border values are taken."""

    imports: Valuation = Valuation.CIF
    exports: Valuation = Valuation.FOB


class ConceptSection(Section):
    """What the partner is, where the table does not say, and which concepts repeat the others."""

    imports: PartnerConcept = PartnerConcept.ORIGIN
    exports: PartnerConcept = PartnerConcept.LAST_KNOWN_DESTINATION
    words: dict[str, PartnerConcept] = Field(default_factory=dict)
    repeats: tuple[PartnerConcept, ...] = ()


class UnitsSection(Section):
    """Units of the weight and of the supplementary quantity."""

    net_weight: Literal["kg", "t", "100kg", "g", "lb"] = "kg"
    quantity: dict[str, str] = Field(default_factory=dict)


class RowsSection(Section):
    """Which rows count."""

    keep: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    leave_out: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    skip_missing: bool = False
    duplicates: Literal["quarantine", "add"] = "quarantine"

    @property
    def is_choice(self) -> bool:
        """Whether some rows of the file have no row of their own."""
        return bool(self.keep or self.leave_out or self.skip_missing or self.duplicates == "add")


class RatesSection(Section):
    """Exchange rates beside the ECB's: units of the currency per US dollar."""

    file: str = ""
    per_usd: dict[
        Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Annotated[float, Field(gt=0, allow_inf_nan=False)]
    ] = Field(default_factory=dict)
