"""Publishers' layouts as data: the columns of their files, read by sources and written by worlds."""

from __future__ import annotations

__all__ = ["COMTRADE_BULK", "COMTRADE_LEGACY", "COMTRADE_LEGACY_API", "COMTRADE_TARIFFLINE", "COMTRADE_WEB"]

#: UN Comtrade final data: the same 47 names in the same order in the web download (CSV) and in the API
#: (JSON). In the web download every value is quoted and data lines end in a comma that the header lacks.
COMTRADE_WEB: tuple[str, ...] = (
    "typeCode", "freqCode", "refPeriodId", "refYear", "refMonth", "period",
    "reporterCode", "reporterISO", "reporterDesc", "flowCode", "flowDesc",
    "partnerCode", "partnerISO", "partnerDesc", "partner2Code", "partner2ISO", "partner2Desc",
    "classificationCode", "classificationSearchCode", "isOriginalClassification",
    "cmdCode", "cmdDesc", "aggrLevel", "isLeaf",
    "customsCode", "customsDesc", "mosCode", "motCode", "motDesc",
    "qtyUnitCode", "qtyUnitAbbr", "qty", "isQtyEstimated",
    "altQtyUnitCode", "altQtyUnitAbbr", "altQty", "isAltQtyEstimated",
    "netWgt", "isNetWgtEstimated", "grossWgt", "isGrossWgtEstimated",
    "cifvalue", "fobvalue", "primaryValue", "legacyEstimationFlag", "isReported", "isAggregate",
)  # fmt: skip

#: Bulk files of final data, in order: TAB, flags 0 and 1, ``(null)`` for null.
COMTRADE_BULK: tuple[str, ...] = (
    "datasetCode", "typeCode", "freqCode", "refPeriodId", "refYear", "refMonth", "period",
    "reporterCode", "flowCode", "partnerCode", "partner2Code",
    "classificationSearchCode", "classificationCode", "isOriginalClassification",
    "cmdCode", "customsCode", "mosCode", "motCode",
    "qtyUnitCode", "qty", "isQtyEstimated", "altQtyUnitCode", "altQty", "isAltQtyEstimated",
    "netWgt", "isnetWgtEstimated", "grossWgt", "isgrossWgtEstimated",
    "CIFValue", "FOBValue", "primaryValue", "legacyEstimationFlag", "isReported", "isAggregate",
)  # fmt: skip

#: The tariff line answer of the API: no levels, no estimates, and each name before its ISO code.
COMTRADE_TARIFFLINE: tuple[str, ...] = (
    "typeCode", "freqCode", "refPeriodId", "period",
    "reporterCode", "reporterDesc", "reporterISO", "flowCode", "flowDesc",
    "partnerCode", "partnerDesc", "partnerISO", "partner2Code", "partner2Desc", "partner2ISO",
    "classificationCode", "cmdCode", "cmdDesc", "customsCode", "customsDesc", "mosCode", "motCode", "motDesc",
    "qtyUnitCode", "qtyUnitAbbr", "qty", "altQtyUnitCode", "altQtyUnitAbbr", "altQty",
    "netWgt", "grossWgt", "cifvalue", "fobvalue", "primaryValue",
)  # fmt: skip

#: The download before 2022, 35 columns, with the names that they have today.
COMTRADE_LEGACY: dict[str, str] = {
    "Classification": "classificationCode", "Year": "refYear",
    "Period": "period", "Period Desc.": "periodDesc",
    "Aggregate Level": "aggrLevel", "Is Leaf Code": "isLeaf",
    "Trade Flow Code": "flowCode", "Trade Flow": "flowDesc",
    "Reporter Code": "reporterCode", "Reporter": "reporterDesc", "Reporter ISO": "reporterISO",
    "Partner Code": "partnerCode", "Partner": "partnerDesc", "Partner ISO": "partnerISO",
    "2nd Partner Code": "partner2Code", "2nd Partner": "partner2Desc", "2nd Partner ISO": "partner2ISO",
    "Customs Proc. Code": "customsCode", "Customs": "customsDesc",
    "Mode of Transport Code": "motCode", "Mode of Transport": "motDesc",
    "Commodity Code": "cmdCode", "Commodity": "cmdDesc",
    "Qty Unit Code": "qtyUnitCode", "Qty Unit": "qtyUnitAbbr", "Qty": "qty",
    "Alt Qty Unit Code": "altQtyUnitCode", "Alt Qty Unit": "altQtyUnitAbbr", "Alt Qty": "altQty",
    "Netweight (kg)": "netWgt", "Gross weight (kg)": "grossWgt",
    "Trade Value (US$)": "primaryValue",
    "CIF Trade Value (US$)": "cifvalue", "FOB Trade Value (US$)": "fobvalue",
    "Flag": "legacyEstimationFlag",
}  # fmt: skip

#: The answer of the API before 2022, with the names of today.
COMTRADE_LEGACY_API: dict[str, str] = {
    "pfCode": "classificationCode", "yr": "refYear", "period": "period", "rgCode": "flowCode",
    "rtCode": "reporterCode", "rt3ISO": "reporterISO", "ptCode": "partnerCode", "pt3ISO": "partnerISO",
    "ptCode2": "partner2Code", "cstCode": "customsCode", "motCode": "motCode", "cmdCode": "cmdCode",
    "qtCode": "qtyUnitCode", "TradeQuantity": "qty", "NetWeight": "netWgt", "GrossWeight": "grossWgt",
    "TradeValue": "primaryValue", "CIFValue": "cifvalue", "FOBValue": "fobvalue",
    "estCode": "legacyEstimationFlag",
}  # fmt: skip
