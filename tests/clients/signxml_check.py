#!/usr/bin/env python3
"""Asks two foreign implementations, signxml and xmlsec1, about one signed SOAP message.

usage: signxml_check.py MESSAGE.xml TRUST.pem

Prints JSON: `signer`, and for each judge `true` or its reason. Exit 0 where both believe it, else 1.
"""

import json
import sys

from signxml import SignatureConfiguration, XMLVerifier
from signxml.exceptions import SignXMLException

import wsse


def signxml_verdict(message, certificate):
    """True where signxml believes the signature and says that it covers the Body; else its reason."""
    config = SignatureConfiguration(location=".//", expect_references=1)
    try:
        result = XMLVerifier().verify(message, x509_cert=certificate, expect_config=config)
    except (SignXMLException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    covers_body = result.signed_xml.tag == f"{{{wsse.SOAP}}}Body"
    return covers_body or f"covers {result.signed_xml.tag}"


def verdicts(message, trust_path):
    try:
        certificate = wsse.signer(message, trust_path)
    except wsse.Refused as refused:
        return {"signer": None, "signxml": str(refused), "xmlsec1": str(refused)}
    found = {"signer": certificate.subject.rfc4514_string()}
    found["signxml"] = signxml_verdict(message, certificate)
    try:
        found["xmlsec1"] = bool(wsse.verify(message, trust_path))
    except wsse.Refused as refused:
        found["xmlsec1"] = str(refused)
    return found


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        answer = verdicts(file.read(), sys.argv[2])
    print(json.dumps(answer, ensure_ascii=False))
    sys.exit(0 if answer["signxml"] is True and answer["xmlsec1"] is True else 1)
