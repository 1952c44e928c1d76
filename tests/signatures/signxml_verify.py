"""Verifies signed envelopes with signxml: one JSON object a line in, the tag of what was signed a line out."""

import base64
import json
import sys

from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

for line in sys.stdin:
    task = json.loads(line)
    root = etree.fromstring(base64.b64decode(task["document"]))
    result = XMLVerifier().verify(
        root,
        x509_cert=task["certificate"],
        id_attribute="Id",
        expect_config=SignatureConfiguration(location=".//", expect_references=1),
    )
    print(etree.QName(result.signed_xml).localname)
