#!/usr/bin/env python3
"""ISO 20022 messages, judged and read by others: the registration authority's schemas, a public library.

The schemas stand in packages of the registry (pain001, pacs008, camt053); that of admi.007 is in none of
them, so there the types of pyiso20022, which are made of the schemas, are the judge alone.
Prints a list of JSON objects: `file`, `kind`, `schema` (by which it was validated, or null), `wrong`, and
what pyiso20022 read: `ids`, `amounts`, `statuses`.
"""

import importlib
import json
import pathlib
import sys
import sysconfig

from lxml import etree
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

PACKAGES = pathlib.Path(sysconfig.get_paths()["purelib"])
SCHEMAS = {
    "pain.001": "pain001/templates/{0}/{0}.xsd",
    "pain.002": "pain001/pain002/schemas/{0}.xsd",
    "pacs.002": "pacs008/templates/{0}/{0}.xsd",
    "pacs.008": "pacs008/templates/{0}/{0}.xsd",
    "camt.054": "camt053/xsd/{0}.xsd",
}


def named(tree, name):
    """Texts of all elements of a local name, as the library's own types hold them."""
    found = []
    if isinstance(tree, (list, tuple)):
        for item in tree:
            found += named(item, name)
    elif hasattr(tree, "__dataclass_fields__"):
        for field, value in vars(tree).items():
            if field == name and value is not None:
                found.append(getattr(value, "value", value))
            found += named(value, name)
    return [str(value) for value in found if not hasattr(value, "__dataclass_fields__")]


def judged(path):
    source = pathlib.Path(path).read_bytes()
    kind = etree.fromstring(source).nsmap[None].rsplit(":", 1)[1]
    schema, wrong = SCHEMAS.get(kind[:8]), []
    if schema:
        schema = schema.format(kind)
        rules = etree.XMLSchema(etree.parse(PACKAGES / schema))
        if not rules.validate(etree.fromstring(source)):
            wrong += [error.message for error in rules.error_log]
    module = kind.replace(".", "_")
    types = importlib.import_module(f"pyiso20022.{kind[:4]}.{module}.{module}")
    config = ParserConfig(fail_on_unknown_properties=True, fail_on_unknown_attributes=True)
    tree = XmlParser(config=config).from_bytes(source, types.Document)
    return {
        "file": path,
        "kind": kind,
        "schema": schema,
        "wrong": wrong,
        "ids": named(tree, "end_to_end_id") + named(tree, "orgnl_end_to_end_id"),
        "amounts": named(tree, "instd_amt") + named(tree, "intr_bk_sttlm_amt"),
        "statuses": named(tree, "tx_sts"),
    }


print(json.dumps([judged(path) for path in sys.argv[1:]]))
