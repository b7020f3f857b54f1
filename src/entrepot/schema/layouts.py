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
    "GACC_QUERY",
    "RUSSIA_FTS",
    "US_CENSUS",
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
#: China's customs statistics, online query: what a column means, by its Chinese and English names. Which
#: columns there are, and in what order, depends on the query. Chinese customs spell "supplimentary", too.
GACC_QUERY: dict[str, str] = {
    "数据年月": "period", "Date of data": "period",
    "商品编码": "product", "Commodity code": "product",
    "商品名称": "product_name", "Commodity": "product_name",
    "贸易伙伴编码": "partner", "Trading partner code": "partner",
    "贸易伙伴名称": "partner_name", "Trading partner": "partner_name",
    "贸易方式编码": "regime", "Customs Regime code": "regime",
    "贸易方式名称": "regime_name", "Customs Regime": "regime_name",
    "注册地编码": "province", "Locations of importers and exporters code": "province",
    "注册地名称": "province_name", "Locations of importers and exporters": "province_name",
    "第一数量": "quantity", "Quantity": "quantity",
    "第一计量单位": "unit", "Unit": "unit",
    "第二数量": "quantity_2", "Supplimentary Quantity": "quantity_2", "Supplementary Quantity": "quantity_2",
    "第二计量单位": "unit_2", "Supplimentary Unit": "unit_2", "Supplementary Unit": "unit_2",
    "美元": "value_usd", "US dollar": "value_usd",
    "人民币": "value_cny", "Renminbi Yuan": "value_cny",
    "备注": "note",
}  # fmt: skip

#: US Census Bureau, API of international trade (imports/hs, exports/hs, porths, statehs): the columns that
#: count, by what they mean. A query returns the columns that it asks for, and its conditions.
US_CENSUS: dict[str, str] = {
    "I_COMMODITY": "import_product", "E_COMMODITY": "export_product",
    "CTY_CODE": "partner", "CTY_NAME": "partner_name", "CTY_SUBCODE": "subcode",
    "time": "time", "YEAR": "year", "MONTH": "month", "DF": "origin_of_goods",
    "DISTRICT": "district", "RP": "rate_provision", "PORT": "port", "STATE": "state",
    "GEN_VAL_MO": "general_value_month", "GEN_CIF_MO": "general_cif_month",
    "CON_VAL_MO": "consumption_value_month", "CON_CIF_MO": "consumption_cif_month",
    "ALL_VAL_MO": "export_value_month",
    "GEN_VAL_YR": "general_value_year", "GEN_CIF_YR": "general_cif_year",
    "CON_VAL_YR": "consumption_value_year", "CON_CIF_YR": "consumption_cif_year",
    "ALL_VAL_YR": "export_value_year",
    "UNIT_QY1": "unit", "UNIT_QY2": "unit_2",
    "GEN_QY1_MO": "general_quantity_month", "GEN_QY2_MO": "general_quantity_2_month",
    "CON_QY1_MO": "consumption_quantity_month", "CON_QY2_MO": "consumption_quantity_2_month",
    "QTY_1_MO": "export_quantity_month", "QTY_2_MO": "export_quantity_2_month",
    "GEN_QY1_YR": "general_quantity_year", "GEN_QY2_YR": "general_quantity_2_year",
    "CON_QY1_YR": "consumption_quantity_year", "CON_QY2_YR": "consumption_quantity_2_year",
    "QTY_1_YR": "export_quantity_year", "QTY_2_YR": "export_quantity_2_year",
}  # fmt: skip

#: Russia's customs, unload of the database (DATTSVT): what a column means, by its names in all issues.
RUSSIA_FTS: dict[str, str] = {
    "napr": "flow", "period": "period", "nastranapr": "partner", "strana": "partner", "tnved": "product",
    "edizm": "unit", "stoim": "value", "netto": "weight", "kol": "amount",
    "region": "region", "region_s": "district",
}  # fmt: skip
