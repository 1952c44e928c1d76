"""Verifies signed envelopes or documents with signxml: one JSON object a line in, the tag of what was signed a line out."""

import base64
import json
import sys

from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

is_document = sys.argv[1:] == ["document"]

for line in sys.stdin:
    task = json.loads(line)
    root = etree.fromstring(base64.b64decode(task["document"]))
    result = XMLVerifier().verify(
        root,
        x509_cert=task["certificate"],
        id_attribute=None if is_document else "Id",
        expect_config=SignatureConfiguration(location="./" if is_document else ".//", expect_references=1),
    )
    print(etree.QName(result.signed_xml).localname)
