"""Signs the Body of an envelope with signxml: key and certificate files as arguments, document on stdin."""

import sys

from lxml import etree
from signxml import XMLSigner, methods

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

key_file, certificate_file, algorithm, digest = sys.argv[1:5]
root = etree.fromstring(sys.stdin.buffer.read())
signer = XMLSigner(
    method=methods.detached,
    signature_algorithm=algorithm,
    digest_algorithm=digest,
    c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
)
signature = signer.sign(
    root,
    key=open(key_file, "rb").read(),
    cert=open(certificate_file).read(),
    reference_uri="#body",
)
header = root.find(f"{{{SOAP}}}Header")
security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE})
security.append(signature)
sys.stdout.buffer.write(etree.tostring(root))
