#!/usr/bin/env python3
"""A stock SOAP client: loads the WSDL with zeep, signs with xmlsec1, calls, and believes nothing unverified.

Prints one JSON object. `outcome` is `answer`, `fault` (a SOAP fault of the WSDL) or `refused` (no SOAP).
Exit 0 for an answer or a fault, 1 for anything that such a client could not work with.
"""

import argparse
import datetime
import json
import sys
import uuid

import requests
import zeep
from lxml import etree

import wsse

XSI = "http://www.w3.org/2001/XMLSchema-instance"
PERSONS = "http://message.persistence.interactive.nat"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wsdl", help="URL of the WSDL")
    parser.add_argument("--trust", required=True, help="PEM: whom to believe, for TLS and for signatures")
    parser.add_argument("--cert", required=True, help="PEM: our certificate, for TLS and for signing")
    parser.add_argument("--key", required=True, help="PEM: its key")
    parser.add_argument("--sender", required=True, help="senderId")
    parser.add_argument("--password", help="the sender's password")
    parser.add_argument("--service", default="GBDFL_UniversalServiceSync", help="serviceId")
    parser.add_argument("--route", help="routeId")
    parser.add_argument("--message-id", default=str(uuid.uuid4()), help="messageId; random by default")
    parser.add_argument("--unsigned", action="store_true", help="send without a signature")
    parser.add_argument("--save", help="write the answer here, byte for byte")
    payload = parser.add_mutually_exclusive_group(required=True)
    payload.add_argument("--iin", help="ask the register of persons for this IIN")
    payload.add_argument("--data", help="file with a `data` element to send instead")
    return parser.parse_args()


def now():
    zone = datetime.timezone(datetime.timedelta(hours=5))
    return datetime.datetime.now(zone).isoformat(timespec="milliseconds")


def person_request(iin, sender):
    """`data` as live clients write it: its type's prefix lives in the `xsi:type` alone."""
    data = etree.Element("data", nsmap={"cs": PERSONS, "xsi": XSI})
    data.set(f"{{{XSI}}}type", "cs:Request")
    for name, text in [
        ("messageId", str(uuid.uuid4())), ("messageDate", now()), ("senderCode", sender), ("iin", iin),
    ]:
        etree.SubElement(data, name).text = text
    return data


class Signing:
    """zeep's hook between the message it made from the WSDL and the wire."""

    def __init__(self, options, data):
        self.options, self.data = options, data

    def apply(self, envelope, headers):
        # zeep has no anyType of its own: the element goes in here, before anything is signed.
        envelope.find(".//requestData").append(self.data)
        if self.options.unsigned:
            return envelope, headers
        return etree.fromstring(wsse.sign(envelope, self.options.key, self.options.cert)), headers

    def verify(self, envelope):
        """The answer is verified as received, below, not as zeep parsed it."""


class Recording(zeep.Transport):
    """Keeps the answer as it came."""

    received = None

    def post(self, address, message, headers):
        self.received = super().post(address, message, headers)
        return self.received


def fields(element, path=""):
    """Leaves below an element by path of local names; repeated ones as a list."""
    found = {}
    for child in element.iterchildren("*"):
        place = path + etree.QName(child).localname
        leaves = fields(child, place + "/") if len(child) else {place: (child.text or "").strip()}
        for key, text in leaves.items():
            known = found.get(key)
            found[key] = text if known is None else (known if isinstance(known, list) else [known]) + [text]
    return found


def data_of(content):
    """Fields of `data`, also where it carries an escaped document; its text where it is no XML."""
    data = etree.fromstring(content).find(".//responseData/data")
    if data is None:
        return None
    if len(data) or not (data.text or "").strip():
        return fields(data)
    try:
        return fields(etree.fromstring(data.text.strip().encode()))
    except etree.XMLSyntaxError:
        return data.text


def call(options):
    """What happened, as a dictionary."""
    session = requests.Session()
    session.verify, session.cert = options.trust, (options.cert, options.key)
    session.trust_env = False
    transport = Recording(session=session, timeout=20, operation_timeout=60)
    data = person_request(options.iin, options.sender) if options.iin else etree.parse(options.data).getroot()
    client = zeep.Client(options.wsdl, transport=transport, wsse=Signing(options, data))
    request = {
        "requestInfo": {
            "messageId": options.message_id, "serviceId": options.service, "messageDate": now(),
            "routeId": options.route, "sender": {"senderId": options.sender, "password": options.password},
        },
        "requestData": {},
    }
    try:
        answer = client.service.SendMessage(request=request)
        status = answer.responseInfo.status
        told = {
            "outcome": "answer", "status_code": status.code, "status_message": status.message,
            "message_id": answer.responseInfo.messageId, "session_id": answer.responseInfo.sessionId,
            "data": data_of(transport.received.content),
        }
    except zeep.exceptions.Fault as fault:
        told = {"outcome": "fault", "fault_code": fault.code, "fault_string": fault.message}
        told["error"] = fields(fault.detail[0]) if fault.detail is not None and len(fault.detail) else None
    except zeep.exceptions.TransportError as error:
        told = {"outcome": "refused", "reason": str(error)}
    received = transport.received
    told["http_status"] = received.status_code
    told["headers"] = {k: v for k, v in received.headers.items() if k.lower().startswith("qaqpa-")}
    if options.save:
        with open(options.save, "wb") as file:
            file.write(received.content)
    try:
        told["signer"], told["signature"] = wsse.verify(received.content, options.trust), "verified"
    except wsse.Refused as refused:
        told["signer"], told["signature"] = None, str(refused)
    return told


if __name__ == "__main__":
    result = call(arguments())
    print(json.dumps(result, ensure_ascii=False, default=str))
    sys.exit(0 if result["outcome"] in ("answer", "fault") else 1)
