//! What honest toolkits write is accepted, and xmlsec1 agrees that each of these signatures is valid.

use crate::signatures::forge::{
    EXCLUSIVE, PAYLOAD, SOAP, Setting, by_key_id, form_a, form_b, form_c, form_d, issuer_serial,
    judge, key_id, message, reference, setting, sign, signature, token, usual,
};
use crate::signatures::oracles::xmlsec1_verifies;
use crate::signatures::pki::{Identity, PKI};
use qaqpa_kit::soap::{DS, SOAP12, WSSE, WSU};

struct Variant {
    name: String,
    document: String,
    by: &'static Identity,
}

fn variant(name: impl Into<String>, document: String, by: &'static Identity) -> Variant {
    Variant { name: name.into(), document, by }
}

/// Every variant is accepted by us and by xmlsec1.
fn hold(variants: Vec<Variant>, count_min: usize) {
    let mut wrong = Vec::new();
    for Variant { name, document, by } in &variants {
        match judge(document.as_bytes()) {
            Ok(signed) if signed.certificate.sha256() == by.certificate().sha256() => {}
            Ok(_) => wrong.push(format!("{name}: another signer")),
            Err(reason) => wrong.push(format!("{name}: {reason}")),
        }
        let (is_valid, text) = xmlsec1_verifies(document.as_bytes(), &by.cert_pem);
        if !is_valid {
            wrong.push(format!("{name}: xmlsec1 says {text}"));
        }
    }
    println!("{} variants", variants.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(variants.len() >= count_min, "{} variants are left", variants.len());
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in {text}");
    text.replace(from, to)
}

/// The usual message with one piece written otherwise before it is signed. The piece must be longer than
/// what could stand in a certificate's Base64 by chance.
fn before(name: &str, from: &str, to: &str) -> Variant {
    let by = setting().by;
    let document = changed(&changed(&message(), "@S@", &usual(by)), from, to);
    variant(name, sign(&document, "", by), by)
}

/// The usual signed message with one piece written otherwise, its canonical form unchanged.
fn after(name: &str, from: &str, to: &str) -> Variant {
    let by = setting().by;
    variant(name, changed(&sign(&message(), &usual(by), by), from, to), by)
}

/// What is accepted in the usual setting is accepted in every other one.
#[test]
fn every_honest_message_is_accepted_in_every_setting() {
    let families: [fn() -> Vec<Variant>; 4] = [prefixes, namespaces, white_space, unsigned];
    let (mut count, mut wrong) = (0, Vec::new());
    for setting in Setting::all() {
        let variants =
            setting.within(|| families.into_iter().flat_map(|family| family()).collect::<Vec<_>>());
        for Variant { name, document, by } in &variants {
            count += 1;
            match judge(document.as_bytes()) {
                Ok(signed) if signed.certificate.sha256() == by.certificate().sha256() => {}
                Ok(_) => wrong.push(format!("{name} in {}: another signer", setting.name())),
                Err(reason) => wrong.push(format!("{name} in {}: {reason}", setting.name())),
            }
        }
    }
    let first: Vec<_> = wrong.iter().take(40).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), first.join("\n"));
    assert!(count >= 1_500, "{count} are left");
    println!("{count} variants");
}

#[test]
fn every_family_and_every_form_of_key_info_is_accepted() {
    let mut variants = Vec::new();
    for by in [&PKI.rsa, &PKI.p256, &PKI.p384] {
        let kind = by.signer.algorithm();
        let data = |inside: String| format!("<ds:X509Data>{inside}</ds:X509Data>");
        let inner = changed(&form_c(by), "<ds:X509Data>", "").replace("</ds:X509Data>", "");
        let in_reference =
            format!("<wsse:SecurityTokenReference>{}</wsse:SecurityTokenReference>", form_c(by));
        for (name, key_info) in [
            ("A", form_a(by)),
            ("B", form_b(by)),
            ("B directly", data(issuer_serial(by))),
            ("C", form_c(by)),
            ("C in a reference", in_reference),
            ("by key id", by_key_id(by)),
            ("by key id in X509Data", data(format!("<ds:X509SKI>{}</ds:X509SKI>", key_id(by)))),
            ("B and C of one", data(issuer_serial(by) + &inner)),
            ("C and B of one", data(inner.clone() + &issuer_serial(by))),
        ] {
            let text = signature(by, &reference("body"), &key_info);
            variants.push(variant(format!("{kind:?} {name}"), sign(&message(), &text, by), by));
        }
        let with_token = message().replace("@S@", &format!("{}@S@", token(by)));
        let text = signature(by, &reference("body"), &form_d());
        variants.push(variant(format!("{kind:?} D"), sign(&with_token, &text, by), by));
        let both = signature(by, &(reference("token") + &reference("body")), &form_d());
        variants.push(variant(format!("{kind:?} D signed"), sign(&with_token, &both, by), by));
    }
    hold(variants, 33);
}

#[test]
fn an_issuer_may_be_spelled_as_toolkits_do() {
    let by = &PKI.rsa;
    let issuer = by.certificate().issuer().to_owned();
    let other_order = "C=KZ, OU=BIN190540007715, CN=\"Qaqpa test root, \\\"A\\\" + B\"";
    let by_oid =
        "2.5.4.3=Qaqpa test root\\, \\\"A\\\" \\+ B,2.5.4.11=BIN190540007715,2.5.4.6=#13024b5a";
    let serial = format!("SerialNumber> 0{} <", by.certificate().serial_decimal());
    let mut variants = Vec::new();
    for (name, written) in [("other order", other_order), ("OIDs", by_oid)] {
        let key_info = form_b(by).replace(&issuer, written);
        assert_ne!(key_info, form_b(by), "{issuer}");
        let text = signature(by, &reference("body"), &key_info);
        variants.push(variant(name, sign(&message(), &text, by), by));
    }
    let padded = form_b(by)
        .replace(&format!("SerialNumber>{}<", by.certificate().serial_decimal()), &serial);
    let text = signature(by, &reference("body"), &padded);
    variants.push(variant("zero before the serial", sign(&message(), &text, by), by));
    hold(variants, 3);
}

#[test]
fn prefixes_and_ids_may_be_anything() {
    hold(prefixes(), 22);
}

fn prefixes() -> Vec<Variant> {
    let by = setting().by;
    let mut variants = Vec::new();
    let full = changed(&message(), "@S@", &usual(by));
    for (name, old, new) in [
        ("SOAP-ENV", "soap", "SOAP-ENV"),
        ("s", "soap", "s"),
        ("dsig", "ds", "dsig"),
        ("sec", "wsse", "sec"),
        ("u", "wsu", "u"),
        ("Kazakh", "wsu", "құқық"),
    ] {
        let text = changed(&full, &format!("{old}:"), &format!("{new}:"));
        let text = changed(&text, &format!("xmlns:{old}="), &format!("xmlns:{new}="));
        variants.push(variant(name, sign(&text, "", by), by));
    }
    let default = changed(&full, " soap:mustUnderstand=\"1\"", "").replace("xmlns:soap=", "xmlns=");
    variants.push(variant("soap by default", sign(&default.replace("soap:", ""), "", by), by));
    let default = changed(&full, "xmlns:ds=", "xmlns=").replace("ds:", "");
    variants.push(variant("ds by default", sign(&default, "", by), by));
    if setting().soap == SOAP {
        variants.push(before("SOAP 1.2", SOAP, SOAP12));
    }
    for attribute in ["Id", "ID", "id", "xml:id", "AssertionID"] {
        variants.push(before(attribute, "wsu:Id=\"body\"", &format!("{attribute}=\"body\"")));
    }
    variants.push(before("two ids", "wsu:Id=\"body\"", "ID=\"other\" wsu:Id=\"body\""));
    for id in ["bodyId", "_1", "a.b-c_d", "id-6f1d0d64-2b0f-4a57-9c35-0a1f7d4e9b10", "Құжат"] {
        let text = changed(&full, "\"body\"", &format!("\"{id}\""));
        let text = changed(&text, "\"#body\"", &format!("\"#{id}\""));
        variants.push(variant(format!("id {id}"), sign(&text, "", by), by));
    }
    variants.push(before("URI with a character reference", "\"#body\"", "\"#&#x62;ody\""));
    variants.push(before("id with a character reference", "Id=\"body\"", "Id=\"&#x62;ody\""));
    variants.push(before("other ids in data", "<amount>", "<r id=\"1\"/><r id=\"1\"/><amount>"));
    variants
}

#[test]
fn namespaces_may_be_declared_wherever_toolkits_declare_them() {
    hold(namespaces(), 23);
}

fn namespaces() -> Vec<Variant> {
    let on_envelope =
        format!("<soap:Envelope xmlns:wsu=\"{WSU}\" xmlns:wsse=\"{WSSE}\" xmlns:ds=\"{DS}\" ");
    let on_body = format!("<soap:Body xmlns:wsu=\"{WSU}\"");
    let above =
        changed(&changed(&message(), &on_body, "<soap:Body"), "<soap:Envelope ", &on_envelope);
    let transform = format!("Transform Algorithm=\"{EXCLUSIVE}\"/>");
    let method = format!("CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>");
    let listed = |what: &str, prefixes: &str| {
        let list =
            format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{prefixes}\"/>");
        format!("{what} Algorithm=\"{EXCLUSIVE}\">{list}</ds:{what}>")
    };
    let mut variants = vec![
        before("all on the Envelope", "<soap:Envelope ", &on_envelope),
        variant(
            "wsu on the Envelope only",
            sign(&above, &usual(setting().by), setting().by),
            setting().by,
        ),
        before(
            "unused on the Envelope",
            "<soap:Envelope ",
            "<soap:Envelope xmlns:x=\"urn:x\" xmlns=\"urn:d\" ",
        ),
        before(
            "soap again on the Body",
            "<soap:Body ",
            &format!("<soap:Body xmlns:soap=\"{}\" ", setting().soap),
        ),
        before(
            "default undeclared in data",
            "<amount>",
            "<amount xmlns=\"urn:a\"><b xmlns=\"\"/></amount><amount>",
        ),
        before(
            "one prefix, two meanings",
            "<amount>",
            "<p:a xmlns:p=\"urn:1\"><p:b xmlns:p=\"urn:2\"/></p:a><amount>",
        ),
        before(
            "two prefixes, one meaning",
            "<amount>",
            "<p:a xmlns:p=\"urn:1\" xmlns:q=\"urn:1\" q:z=\"1\" p:a=\"2\" a=\"3\"/><amount>",
        ),
        before("long URI", "<amount>", "<p:a xmlns:p=\"http://a.kz/b?c=1#d%20e\"/><amount>"),
        before(
            "xml:lang above the Body",
            "<soap:Envelope ",
            "<soap:Envelope xml:lang=\"ru\" xml:space=\"preserve\" ",
        ),
    ];
    for prefixes in ["c xsi", "soap", "#default", "nowhere", "", "wsu ns2 c #default", " c\txsi "] {
        let name = format!("PrefixList {prefixes:?}");
        variants.push(before(&name, &transform, &listed("Transform", prefixes)));
        variants.push(before(&name, &method, &listed("CanonicalizationMethod", prefixes)));
    }
    variants
}

#[test]
fn white_space_comments_and_line_ends_are_no_matter() {
    hold(white_space(), 26);
}

const KINDS: &str =
    "<amount>\u{1F600}Ә &lt;&amp;&gt;&#13;&#9;&quot;<![CDATA[<a>&\r\n]]>\t<!-- c --><?p i?>";
const LINE: &str = "x &amp; y > z\r\n";

fn white_space() -> Vec<Variant> {
    let by = setting().by;
    let signed = sign(&message(), &usual(by), by);
    let wrap = |tag: &str, end: &str| {
        let start = signed.find(&format!("<{tag}")).unwrap();
        let start = start + signed[start..].find('>').unwrap() + 1;
        let stop = signed.find(&format!("</{tag}>")).unwrap();
        let lines: Vec<_> = signed.as_bytes()[start..stop].chunks(76).collect();
        let text: String =
            lines.iter().map(|line| String::from_utf8_lossy(line).into_owned() + end).collect();
        format!("{}{end}{text}{}", &signed[..start], &signed[stop..])
    };
    let indented = changed(&message(), "@S@", &usual(by)).replace("><", ">\n  <");
    let holder = if setting().form == 'C' { "ds:X509Certificate" } else { "wsse:KeyIdentifier" };
    let mut variants = vec![
        variant("value in lines", wrap("ds:SignatureValue", "\n"), by),
        variant("value in CR LF", wrap("ds:SignatureValue", "\r\n"), by),
        variant("value in &#13;", wrap("ds:SignatureValue", "&#13;\n"), by),
        variant("byte order mark", format!("\u{feff}{signed}"), by),
        variant(
            "declaration",
            format!("<?xml version='1.0' encoding='utf-8' standalone=\"yes\"?>\r\n{signed}"),
            by,
        ),
        variant("prolog", format!("<!-- a --><?b c?>\n{signed}\n<!-- d -->\n"), by),
        variant("indented", sign(&indented, "", by), by),
        variant("indented with CR LF", sign(&indented.replace('\n', "\r\n"), "", by), by),
        variant(
            "CR LF becomes LF",
            sign(&indented.replace('\n', "\r\n"), "", by).replace("\r\n", "\n"),
            by,
        ),
        before("comment in SignedInfo", "<ds:SignatureMethod", "<!-- x --><ds:SignatureMethod"),
        before("comment in Body", "<request>", "<!-- x --><request>"),
        before("digest in lines", "@DIGEST@", "\n@DIGEST@\r\n"),
        before("data of all kinds", "<amount>100", KINDS),
        before("long data", "<amount>100", &["<amount>", &LINE.repeat(20_000)].concat()),
        before(
            "attributes of all kinds",
            "<amount>",
            "<amount b='\"&lt;&#9;&#10;&#13;&amp;>' a = \"x\ty\nz\" c='&apos;'>",
        ),
    ];
    if setting().form != 'B' {
        variants.push(variant("certificate in lines", wrap(holder, "\n    "), by));
    }
    for (name, from, to) in [
        ("comment in data", ">100<", ">1<!-- x -->00<"),
        ("CDATA instead of text", ">100<", "><![CDATA[100]]><"),
        ("reference instead of text", ">100<", ">&#49;0&#x30;<"),
        ("space in end tag", "</amount>", "</amount \n>"),
        ("space in start tag", "<amount>", "<amount\t>"),
        ("single quotes", "xsi:type=\"c:Pay\"", "xsi:type = 'c:Pay'"),
        (
            "attributes in another order",
            "xmlns:c=\"urn:c\" xsi:type=\"c:Pay\"",
            "xsi:type=\"c:Pay\" xmlns:c=\"urn:c\"",
        ),
        ("unused namespace gone", " xmlns:c=\"urn:c\"", ""),
        ("digest in lines afterwards", "</ds:DigestValue>", "</ds:DigestValue >"),
        ("comment between", "<soap:Body", "<!-- x --><soap:Body"),
    ] {
        variants.push(after(name, from, to));
    }
    variants
}

#[test]
fn what_is_not_signed_or_stands_in_data_may_be_anything() {
    hold(unsigned(), 23);
}

fn unsigned() -> Vec<Variant> {
    let by = setting().by;
    let address =
        "<wsa:To xmlns:wsa=\"http://www.w3.org/2005/08/addressing\" Id=\"to\">urn:x</wsa:To>";
    let stamp = String::from(
        "<wsu:Timestamp wsu:Id=\"ts\"><wsu:Created>2026-11-22T10:00:00.5+05:00</wsu:Created>\
         <wsu:Expires>2026-11-22T05:05:00Z</wsu:Expires></wsu:Timestamp>",
    );
    let signed_stamp = |stamp: &str, references: &[&str]| {
        let references: String = references.iter().map(|id| reference(id)).collect();
        let text = signature(by, &references, &form_a(by));
        sign(&message().replace("@S@", &format!("{stamp}@S@")), &text, by)
    };
    let business = format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:Reference URI=\"\"/></ds:SignedInfo></ds:Signature>\
         <soap:Envelope><soap:Body/><wsse:Security xmlns:wsse=\"{WSSE}\"/></soap:Envelope>"
    );
    let qualified = changed(&message(), "<data ", "<d:data xmlns:d=\"urn:d\" ");
    let qualified = changed(&qualified, "</data>", "</d:data>");
    let all = signature(by, &["body", "token", "ts"].map(reference).concat(), &form_d());
    let with_all = message().replace("@S@", &format!("{stamp}{}@S@", token(by)));
    let mut variants = vec![
        after("header before", "<soap:Header>", &format!("<soap:Header>{address}")),
        after("header after", "</soap:Header>", &format!("{address}</soap:Header>")),
        after("no mustUnderstand", " soap:mustUnderstand=\"1\"", ""),
        after(
            "actor next",
            "soap:mustUnderstand=\"1\"",
            "soap:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"",
        ),
        after("empty actor", "soap:mustUnderstand=\"1\"", "soap:actor=\"\""),
        before("ids in the signature", "<ds:KeyInfo>", "<ds:KeyInfo Id=\"KI-1\">"),
        before("id of the signature", "<ds:Signature ", "<ds:Signature Id=\"SIG-1\" "),
        before("type of the reference", "<ds:Reference ", "<ds:Reference Id=\"r\" Type=\"urn:x\" "),
        before("business signature", "<amount>", &format!("{business}<amount>")),
        before("instruction in data", "<amount>", "<?x y?><amount>"),
        variant("qualified data", sign(&qualified, &usual(by), by), by),
        variant("stamp first", signed_stamp(&stamp, &["ts", "body"]), by),
        variant("stamp last", signed_stamp(&stamp, &["body", "ts"]), by),
        variant(
            "stamp without end",
            signed_stamp(
                &stamp.replace("<wsu:Expires>2026-11-22T05:05:00Z</wsu:Expires>", ""),
                &["body", "ts"],
            ),
            by,
        ),
        variant("all three", sign(&with_all, &all, by), by),
    ];
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    for uri in
        ["http://www.w3.org/2001/04/xmlenc#sha512", "http://www.w3.org/2001/04/xmldsig-more#sha384"]
    {
        variants.push(before(uri, sha256, uri));
    }
    for (name, payload) in [
        ("answer", PAYLOAD.replace("requestData", "responseData").replace("<amount>", &format!("{business}<amount>"))),
        ("message", PAYLOAD.replace("requestData", "messageData").replace("<amount>", &format!("{business}<amount>"))),
        ("fault", "<soap:Fault><faultcode>soap:Server</faultcode><faultstring>x</faultstring></soap:Fault>".to_owned()),
        ("consent", PAYLOAD.replace("SendMessage", "SendMessageRequest")),
        ("empty", "<x/>".to_owned()),
        ("deep", format!("{}{}", "<d>".repeat(50), "</d>".repeat(50))),
    ] {
        variants.push(variant(name, sign(&message().replace(PAYLOAD, &payload), &usual(by), by), by));
    }
    variants
}
