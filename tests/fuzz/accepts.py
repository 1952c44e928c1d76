"""Says of each document, one base64 a line, whether libxml2 takes it as well-formed with namespaces."""

import base64
import sys

from lxml import etree

parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
for line in sys.stdin:
    try:
        etree.fromstring(base64.b64decode(line), parser)
        print("yes")
    except etree.XMLSyntaxError as error:
        # Namespaces in XML §2.2 asks for a URI reference and makes nothing of it; canonicalization does.
        is_about_uri = "is not a valid URI" in str(error)
        print("yes" if is_about_uri else "no " + str(error).replace("\n", " "))
