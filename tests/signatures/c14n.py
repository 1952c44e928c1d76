"""Canonicalizes with libxml2: one JSON object a line in, one base64 canonical form a line out."""

import base64
import ctypes
import ctypes.util
import json
import sys

# libxml2 itself: lxml drops `#default` from a PrefixList, and cuts a subset out of its document first.
xml = ctypes.CDLL(ctypes.util.find_library("xml2") or "libxml2.so.2")
pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
xml.xmlReadMemory.restype = pointer
xml.xmlReadMemory.argtypes = [text, number, text, text, number]
xml.xmlC14NDocDumpMemory.argtypes = [pointer, pointer, number, pointer, number, pointer]
xml.xmlFreeDoc.argtypes = [pointer]
xml.xmlXPathNewContext.restype = pointer
xml.xmlXPathNewContext.argtypes = [pointer]
xml.xmlXPathFreeContext.argtypes = [pointer]
xml.xmlXPathEval.restype = pointer
xml.xmlXPathEval.argtypes = [text, pointer]
xml.xmlXPathFreeObject.argtypes = [pointer]
SUBSET = "(//*)[{0}]/descendant-or-self::node() | (//*)[{0}]/descendant-or-self::*/@* | (//*)[{0}]/descendant-or-self::*/namespace::*"


def canonical(document, element, mode, with_comments, prefixes):
    tree = xml.xmlReadMemory(document, len(document), b"x.xml", None, 0)
    assert tree, document
    listed = (text * (len(prefixes) + 1))(*[one.encode() for one in prefixes], None)
    context = found = nodes = None
    if element is not None:
        context = xml.xmlXPathNewContext(tree)
        found = xml.xmlXPathEval(SUBSET.format(element + 1).encode(), context)
        assert found, document
        # struct xmlXPathObject { int type; xmlNodeSetPtr nodesetval; ... }
        nodes = ctypes.cast(found, ctypes.POINTER(pointer))[1]
    out = text()
    length = xml.xmlC14NDocDumpMemory(tree, nodes, mode, listed, with_comments, ctypes.byref(out))
    assert length >= 0, document
    form = ctypes.string_at(out, length)
    if found:
        xml.xmlXPathFreeObject(found)
        xml.xmlXPathFreeContext(context)
    xml.xmlFreeDoc(tree)
    return form


for line in sys.stdin:
    task = json.loads(line)
    form = canonical(
        base64.b64decode(task["document"]),
        task["element"],
        task["mode"],
        task["with_comments"],
        task["prefixes"],
    )
    print(base64.b64encode(form).decode())
