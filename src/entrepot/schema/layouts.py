"""Publishers' layouts as data: the columns of their files, read by sources and written by worlds."""

from __future__ import annotations

__all__ = [
    "BACI",
    "BACI_FIRST",
    "COMEXT_FULL_V1",
    "COMEXT_FULL_V2",
    "COMEXT_NC",
    "COMEXT_SDMX",
    "COMTRADE_BULK",
    "COMTRADE_LEGACY",
    "COMTRADE_LEGACY_API",
    "COMTRADE_TARIFFLINE",
    "COMTRADE_WEB",
]

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

#: Eurostat Comext, bulk files of the CD-ROMs to 2008 (``nc200852.dat``): numeric areas, thousand euro,
#: tonnes; rows of all goods and of chapters beside those of CN8, and STAT_REGIME 4 is the total.
COMEXT_NC: tuple[str, ...] = (
    "DECLARANT", "PARTNER", "PRODUCT_NC", "FLOW", "STAT_REGIME", "PERIOD",
    "VALUE_1000ECU", "QUANTITY_TON", "SUP_QUANTITY",
)  # fmt: skip

#: Eurostat Comext, bulk files to 2024 (``full202001.dat``) and still those of 1988 to 2001.
COMEXT_FULL_V1: tuple[str, ...] = (
    "DECLARANT", "DECLARANT_ISO", "PARTNER", "PARTNER_ISO", "TRADE_TYPE", "PRODUCT_NC",
    "PRODUCT_SITC", "PRODUCT_cpa2002", "PRODUCT_cpa2008", "PRODUCT_CPA2_1", "PRODUCT_BEC", "PRODUCT_SECTION",
    "FLOW", "STAT_REGIME", "SUPP_UNIT", "PERIOD", "VALUE_IN_EUROS", "QUANTITY_IN_KG", "SUP_QUANTITY",
)  # fmt: skip

#: Eurostat Comext, bulk files since December 2024 (``full_v2_202401.7z``); the first issues have no
#: PRODUCT_CPA22.
COMEXT_FULL_V2: tuple[str, ...] = (
    "REPORTER", "PARTNER", "TRADE_TYPE", "PRODUCT_NC",
    "PRODUCT_SITC", "PRODUCT_CPA21", "PRODUCT_CPA22", "PRODUCT_BEC", "PRODUCT_BEC5", "PRODUCT_SECTION",
    "FLOW", "STAT_PROCEDURE", "SUPPL_UNIT", "PERIOD",
    "VALUE_EUR", "VALUE_NAC", "QUANTITY_KG", "QUANTITY_SUPPL_UNIT",
)  # fmt: skip

#: Eurostat's dissemination service in SDMX-CSV: one indicator a line. The first columns are those of
#: SDMX 2.1 and 3.0, of which a file has one kind; the flags are there where they were asked for.
COMEXT_SDMX: tuple[str, ...] = (
    "DATAFLOW", "STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "LAST UPDATE",
    "freq", "reporter", "partner", "product", "flow", "indicators",
    "TIME_PERIOD", "OBS_VALUE", "OBS_FLAG", "CONF_STATUS",
)  # fmt: skip

#: CEPII BACI: year, exporter, importer, HS6, thousand US dollars (FOB), tonnes.
BACI: tuple[str, ...] = ("t", "i", "j", "k", "v", "q")

#: CEPII BACI until about 2014.
BACI_FIRST: tuple[str, ...] = ("t", "hs6", "i", "j", "v", "q")
