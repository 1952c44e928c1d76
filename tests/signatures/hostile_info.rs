//! A SignedInfo that leaves the profile, signed by a key that is trusted: validity is no excuse.

use crate::signatures::corpus::{Case, case};
use crate::signatures::forge::{EXCLUSIVE, message, reference, setting, sign, usual};
use qaqpa_kit::soap::DS;

const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

/// The usual signature with one piece written otherwise before it is signed.
fn changed(name: impl Into<String>, reason: &'static str, from: &str, to: &str) -> Case {
    let (by, name) = (setting().by, name.into());
    let good = usual(by);
    assert!(good.contains(from), "{name}: {from}");
    case(name, reason, sign(&message(), &good.replacen(from, to, 1), by))
}

pub(crate) fn canonicalizations() -> Vec<Case> {
    let method = format!("<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>");
    let other =
        |name: &str, to: &str| changed(format!("W20 {name}"), "c14n_forbidden", &method, to);
    let listed = |inside: &str| {
        let open = method.replace("/>", ">");
        format!("{open}{inside}</ds:CanonicalizationMethod>")
    };
    let list = |prefixes: &str| {
        format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{prefixes}\"/>")
    };
    let mut cases = vec![
        other("list of no names", &listed(&list("a:b"))),
        other("long list", &listed(&list(&"a ".repeat(65)))),
        other("two lists", &listed(&(list("a") + &list("b")))),
        other("foreign list", &listed("<InclusiveNamespaces PrefixList=\"a\"/>")),
    ];
    for uri in [
        INCLUSIVE,
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "",
    ] {
        cases.push(other(uri, &format!("<ds:CanonicalizationMethod Algorithm=\"{uri}\"/>")));
    }
    cases
}

pub(crate) fn transforms() -> Vec<Case> {
    let transform = format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\"/>");
    let other = |name: String, to: &str| changed(name, "transform_forbidden", &transform, to);
    let chain = format!("<ds:Transforms>{transform}</ds:Transforms>");
    let stylesheet = transform.replace("/>", "><x:s xmlns:x=\"urn:x\"/></ds:Transform>");
    let mut cases = vec![
        other("T none".into(), ""),
        other("T with content".into(), &stylesheet),
        changed("T no chain", "transform_forbidden", &chain, ""),
    ];
    for uri in [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
        INCLUSIVE,
    ] {
        let foreign = format!("<ds:Transform Algorithm=\"{uri}\"/>");
        cases.push(other(format!("T {uri}"), &foreign));
        cases.push(other(format!("T before {uri}"), &format!("{foreign}{transform}")));
    }
    cases
}

pub(crate) fn algorithms() -> Vec<Case> {
    let rsa = setting().by.signer.algorithm().uri();
    let method = format!("<ds:SignatureMethod Algorithm=\"{rsa}\"/>");
    let truncated = "><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>";
    let truncated = method.replace("/>", truncated);
    let mut cases = vec![changed("A1 truncation", "alg_forbidden", &method, &truncated)];
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34102001-gostr3411",
        "none",
        "",
        &format!("{rsa} "),
        &format!(" {rsa}"),
        &rsa.to_uppercase(),
    ] {
        cases.push(changed(format!("A2 {uri}"), "alg_forbidden", rsa, uri));
    }
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "http://www.w3.org/2001/04/xmldsig-more#sha224",
        "http://www.w3.org/2001/04/xmlenc#ripemd160",
        "http://www.w3.org/2007/05/xmldsig-more#sha3-256",
        "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr3411",
        "",
    ] {
        cases.push(changed(format!("A2 digest {uri}"), "alg_forbidden", sha256, uri));
    }
    cases
}

pub(crate) fn references() -> Vec<Case> {
    let uri = "URI=\"#body\"";
    let manifest = format!("{uri} Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"");
    let mut cases = vec![
        changed("no URI", "ref_unresolved", uri, ""),
        changed("T4 manifest", "manifest_forbidden", uri, &manifest),
    ];
    for (other, reason) in [
        ("http://example.kz/x", "remote_reference_forbidden"),
        ("file:///etc/passwd", "remote_reference_forbidden"),
        ("cid:part", "remote_reference_forbidden"),
        ("other.xml#body", "remote_reference_forbidden"),
        ("", "ref_target_not_body"),
        ("#xpointer(/)", "ref_unresolved"),
        ("#xpointer(id('body'))", "ref_unresolved"),
        ("#", "ref_unresolved"),
        ("#nowhere", "ref_unresolved"),
        ("#STR", "ref_unresolved"),
    ] {
        cases.push(changed(format!("K5 {other}"), reason, uri, &format!("URI=\"{other}\"")));
    }
    cases
}

/// The children of Signature and SignedInfo: missing, doubled, displaced.
pub(crate) fn shapes() -> Vec<Case> {
    let by = setting().by;
    let good = usual(by);
    let start = good.find("<ds:SignedInfo>").unwrap();
    let end = good.find("<ds:SignatureValue>").unwrap();
    let signed_info = &good[start..end];
    let one = reference("body");
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let last = |what: &str| swap("</ds:Signature>", &format!("{what}</ds:Signature>"));
    let nested = swap("<ds:SignedInfo>", "<ds:SignedInfo><ds:SignedInfo>")
        .replace("</ds:SignedInfo>", "</ds:SignedInfo></ds:SignedInfo>");
    let foreign = swap("ds:SignedInfo>", "SignedInfo>")
        .replace("<SignedInfo>", "<SignedInfo xmlns=\"urn:x\">");
    let method = format!("<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>");
    let in_object = format!("<ds:Object>{signed_info}</ds:Object>");
    let wrapped = swap(signed_info, &format!("<x>{signed_info}</x>"));
    let no_value = swap("<ds:SignatureValue>@VALUE@</ds:SignatureValue>", "");
    let no_digest = swap("<ds:DigestValue>@DIGEST@</ds:DigestValue>", "");
    let object_first = swap("<ds:SignedInfo>", "<ds:Object/><ds:SignedInfo>");
    let empty = format!("<ds:Signature xmlns:ds=\"{DS}\"/>");
    [
        ("W13 no reference", "body_not_signed", swap(&one, "")),
        ("T3 four", "reference_limit", swap(&one, &one.repeat(4))),
        ("T3 thirty-one", "reference_limit", swap(&one, &one.repeat(31))),
        (
            "T3 ten thousand",
            "reference_limit",
            swap(&one, &one.replace("@DIGEST@", "AAAA").repeat(10_000)),
        ),
        ("W14 twice", "signedinfo_count", swap(signed_info, &signed_info.repeat(2))),
        ("W14 at the end", "signedinfo_count", last(signed_info)),
        ("W14 none", "signedinfo_count", swap(signed_info, "")),
        ("W14 wrapped", "signedinfo_count", wrapped),
        ("W14 nested", "signedinfo_count", nested),
        ("W14 in Object", "unexpected_object", last(&in_object)),
        ("W14 foreign", "wrong_namespace", foreign),
        ("T4 object", "manifest_forbidden", last("<ds:Object><ds:Manifest/></ds:Object>")),
        ("object", "unexpected_object", last("<ds:Object/>")),
        ("object first", "unexpected_object", object_first),
        ("no value", "unexpected_object", no_value),
        ("no digest", "signature_incomplete", no_digest),
        ("no method", "unexpected_object", swap(&method, "")),
        ("two signatures", "signature_count", good.repeat(2)),
        ("empty signature", "signature_incomplete", empty),
    ]
    .into_iter()
    .map(|(name, reason, text)| case(name, reason, sign(&message(), &text, by)))
    .collect()
}
