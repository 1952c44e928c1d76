#!/usr/bin/env python3
"""Reads a workbook as a stranger does, with openpyxl, and prints what stands in it as one JSON object.

For each sheet: where it is frozen, its filter, and its rows; a cell is `[type, value, format]`, where the
type is openpyxl's (`n` number, `s` text, `d` date, `f` formula).
"""
import datetime
import json
import sys

import openpyxl


def cell(each):
    value = each.value
    if isinstance(value, (datetime.datetime, datetime.date)):
        value = value.isoformat()
    return [each.data_type, value, each.number_format]


def sheet(each):
    return {
        "frozen": each.freeze_panes,
        "filter": each.auto_filter.ref,
        "rows": [[cell(one) for one in row] for row in each.iter_rows()],
    }


book = openpyxl.load_workbook(sys.argv[1])
print(json.dumps({
    "made": book.properties.created.isoformat(),
    "sheets": {name: sheet(book[name]) for name in book.sheetnames},
}))
