"""Canonicalizes with libxml2: one JSON object a line in, one base64 canonical form a line out."""

import base64
import ctypes
import ctypes.util
import io
import json
import sys

from lxml import etree

# lxml drops `#default` from a PrefixList before libxml2 sees it; so whole documents go there directly.
libxml2 = ctypes.CDLL(ctypes.util.find_library("xml2") or "libxml2.so.2")
libxml2.xmlReadMemory.restype = ctypes.c_void_p
libxml2.xmlReadMemory.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]
libxml2.xmlC14NDocDumpMemory.argtypes = [
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p,
]
libxml2.xmlFreeDoc.argtypes = [ctypes.c_void_p]
EXCLUSIVE = 1


def whole(document, with_comments, prefixes):
    tree = libxml2.xmlReadMemory(document, len(document), b"x.xml", None, 0)
    assert tree, document
    listed = (ctypes.c_char_p * (len(prefixes) + 1))(*[one.encode() for one in prefixes], None)
    out = ctypes.c_char_p()
    length = libxml2.xmlC14NDocDumpMemory(tree, None, EXCLUSIVE, listed, with_comments, ctypes.byref(out))
    assert length >= 0, document
    canonical = ctypes.string_at(out, length)
    libxml2.xmlFreeDoc(tree)
    return canonical


def part(document, index, with_comments, prefixes):
    root = etree.fromstring(document)
    elements = [one for one in root.iter() if isinstance(one.tag, str)]
    return etree.tostring(
        elements[index],
        method="c14n",
        exclusive=True,
        with_tail=False,
        with_comments=with_comments,
        inclusive_ns_prefixes=prefixes or None,
    )


for line in sys.stdin:
    task = json.loads(line)
    document = base64.b64decode(task["document"])
    if task["element"] is None:
        canonical = whole(document, task["with_comments"], task["prefixes"])
    else:
        canonical = part(document, task["element"], task["with_comments"], task["prefixes"])
    print(base64.b64encode(canonical).decode())
