"""The transport profile of WS-Security as a stranger reads it: xmlsec1 signs and verifies, never our code."""

import base64
import os
import subprocess
import tempfile
import uuid

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
DS = "http://www.w3.org/2000/09/xmldsig#"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = OASIS + "wssecurity-secext-1.0.xsd"
WSU = OASIS + "wssecurity-utility-1.0.xsd"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
SIGNATURE_METHODS = {
    "rsa": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "ecdsa": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
}

TEMPLATE = """<wsse:Security xmlns:wsse="{wsse}" xmlns:soap="{soap}" soap:mustUnderstand="1">
<ds:Signature xmlns:ds="{ds}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{c14n}"/>
<ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="#{id}"><ds:Transforms>
<ds:Transform Algorithm="{c14n}"/></ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><wsse:SecurityTokenReference>
<wsse:KeyIdentifier EncodingType="{oasis}soap-message-security-1.0#Base64Binary"
 ValueType="{oasis}x509-token-profile-1.0#X509v3">{certificate}</wsse:KeyIdentifier>
</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security>"""


class Refused(Exception):
    """A signature that a stranger would not believe, and why."""


def read_certificate(path):
    with open(path, "rb") as file:
        return x509.load_pem_x509_certificate(file.read())


def xmlsec1(message, *arguments):
    """Runs xmlsec1 over the message; its output, or Refused with what it said."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = os.path.join(folder, "in.xml"), os.path.join(folder, "out.xml")
        with open(source, "wb") as file:
            file.write(message)
        ids = ["--id-attr:Id", SOAP + ":Body"]
        run = subprocess.run(
            ["xmlsec1", *arguments, *ids, "--output", result, source], capture_output=True, check=False
        )
        if run.returncode != 0:
            said = run.stderr.decode(errors="replace").split()
            raise Refused("xmlsec1 says no: " + " ".join(said[:6]))
        with open(result, "rb") as file:
            return file.read()


def sign(envelope, key_path, certificate_path):
    """Signs the Body of a SOAP 1.1 envelope (an lxml element); returns the signed bytes."""
    with open(key_path, "rb") as file:
        key = load_pem_private_key(file.read(), None)
    body = envelope.find(f"{{{SOAP}}}Body")
    body_id = "id-" + str(uuid.uuid4())
    body.set(f"{{{WSU}}}Id", body_id)
    header = envelope.find(f"{{{SOAP}}}Header")
    if header is None:
        header = etree.Element(f"{{{SOAP}}}Header")
        envelope.insert(0, header)
    der = read_certificate(certificate_path).public_bytes(Encoding.DER)
    family = "ecdsa" if isinstance(key, ec.EllipticCurvePrivateKey) else "rsa"
    header.append(etree.fromstring(TEMPLATE.format(
        soap=SOAP, ds=DS, wsse=WSSE, oasis=OASIS, c14n=EXC_C14N, id=body_id,
        method=SIGNATURE_METHODS[family], certificate=base64.b64encode(der).decode(),
    )))
    return xmlsec1(etree.tostring(envelope), "--sign", "--privkey-pem", key_path)


def signer(message, trust_path):
    """Where the signature stands as the profile wants it, the signer's certificate, chained to `trust`.

    Says nothing yet of the signature's value: that is for xmlsec1 or signxml.
    """
    try:
        root = etree.fromstring(message)
    except etree.XMLSyntaxError as error:
        raise Refused(f"no XML: {error.msg}") from error
    signatures = root.findall(f".//{{{DS}}}Signature")
    path = f"{{{SOAP}}}Header/{{{WSSE}}}Security/{{{DS}}}Signature"
    if len(signatures) != 1 or signatures != root.findall(path):
        raise Refused(f"{len(signatures)} signatures, one is wanted, in Header/Security")
    references = signatures[0].findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    ids = root.xpath("//@*[local-name() = 'Id']")
    body_id = root.find(f"{{{SOAP}}}Body").get(f"{{{WSU}}}Id")
    if [r.get("URI") for r in references] != [f"#{body_id}"] or ids.count(body_id) != 1:
        raise Refused("the reference does not cover the Body and nothing else")
    token = signatures[0].find(f".//{{{WSSE}}}KeyIdentifier")
    if token is None:
        raise Refused("no certificate in KeyInfo")
    certificate = x509.load_der_x509_certificate(base64.b64decode(token.text))
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate.public_bytes(Encoding.PEM))
        file.flush()
        command = ["openssl", "verify", "-partial_chain", "-CAfile", trust_path, file.name]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise Refused("the signer's certificate: " + run.stderr.strip().splitlines()[-1])
    return certificate


def verify(message, trust_path):
    """The signer's subject where xmlsec1 believes the signature over the Body; else Refused."""
    certificate = signer(message, trust_path)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate.public_bytes(Encoding.PEM))
        file.flush()
        xmlsec1(message, "--verify", "--pubkey-cert-pem", file.name)
    return certificate.subject.rfc4514_string()
