//! What we sign around content that is held apart is what we would have signed in one piece.

use crate::signatures::documents::{Dice, document};
use crate::signatures::forge::{SOAP, judge};
use crate::signatures::oracles::{folder, write, xmlsec1_verifies};
use crate::signatures::pki::PKI;
use qaqpa::sign::wsse;
use qaqpa_kit::envelope::edits::{Edits, Held, Spliced};
use qaqpa_kit::envelope::{Request, ns, splice};
use qaqpa_kit::soap::WSU;
use qaqpa_kit::xml::{Document, Limits};

const DOCUMENTS: u64 = 3000;
/// Of them, those that xmlsec1 judges too.
const JUDGED: u64 = 40;

/// A call whose `data` holds a generated document, in one of the wrappers that clients write.
fn call(dice: &mut Dice) -> String {
    let (content, _) = document(dice);
    let scanned = Document::scan(content.as_bytes(), &Limits::default()).expect("generated");
    let content = match dice.roll(8) {
        0 => "",
        1 => " &amp;&#13; ",
        _ => scanned.root().span_str(),
    };
    let data = match dice.roll(4) {
        0 => format!("<data>{content}</data>"),
        1 => format!("<a:data xmlns:a='urn:other' a:b='1'>{content}</a:data>"),
        2 => format!("<data xmlns='urn:default'>{content}</data >"),
        _ => format!("<data\n Id='own' xmlns:ns1=\"urn:1\">{content}</data>"),
    };
    let inside = format!(
        "<requestInfo><messageId>m</messageId><serviceId>S</serviceId>\
         <messageDate>2025-03-11T10:15:30Z</messageDate><sender><senderId>d</senderId>\
         <password>secret</password></sender></requestInfo><requestData>{data}</requestData>"
    );
    let payload = match dice.roll(3) {
        0 => format!(
            "<b:SendMessage xmlns:b=\"{}\"><request>{inside}</request></b:SendMessage>",
            ns::TYPES
        ),
        1 => format!(
            "<SendMessage xmlns=\"{}\"><request xmlns=\"\">{inside}</request></SendMessage>",
            ns::TYPES
        ),
        _ => format!("<SendMessageRequest>{inside}</SendMessageRequest>"),
    };
    let id = dice.one_of(&["", "", " u:Id='mine'", " u:Id='own'", " u:Id='1 2'"]);
    format!(
        "<s:Envelope xmlns:s=\"{SOAP}\" xmlns:u=\"{WSU}\" xmlns:b=\"urn:outer\">\
         <s:Body{id}>{payload}</s:Body></s:Envelope>"
    )
}

fn digest(signed: &[u8]) -> String {
    let text = String::from_utf8_lossy(signed);
    let (_, after) = text.split_once("<ds:DigestValue>").expect("a digest");
    after.split_once('<').expect("its end").0.to_owned()
}

/// The document without what signing put into it.
fn unsigned(signed: &[u8]) -> String {
    let text = String::from_utf8_lossy(signed).into_owned();
    let (before, rest) = text.split_once("<wsse:Security ").expect("a header");
    let (_, after) = rest.split_once("</wsse:Security>").expect("its end");
    [before, after].concat()
}

#[test]
fn what_is_signed_around_content_held_apart_is_what_is_signed_in_one_piece() {
    let (mut held, folder) = (0, folder());
    for seed in 1..=DOCUMENTS {
        let source = call(&mut Dice::new(seed));
        let scanned = Document::scan(source.as_bytes(), &Limits::default()).expect(&source);
        let body = scanned.root().child("Body").expect("a Body");
        let request = Request::read(body.children().next().expect("a payload")).expect(&source);
        let marked = wsse::marked(scanned.root());
        let spliced = splice::request(&request, "{s}", marked);
        held += u64::from(spliced.held.is_some());
        let signed = wsse::sign_spliced(&spliced, &PKI.p256.signer)
            .unwrap_or_else(|error| panic!("{error}: {source}"));
        let text = String::from_utf8_lossy(&signed);
        judge(&signed).unwrap_or_else(|reason| panic!("{reason}: {text}"));
        let whole = wsse::sign(&spliced.whole(), &PKI.p256.signer).expect("in one piece");
        // An id of our own is another one each time.
        if unsigned(&whole) == unsigned(&signed) {
            assert_eq!(digest(&whole), digest(&signed), "{text}");
        } else {
            let others = ["u:Id='own'", "u:Id='1 2'", "<SendMessageRequest>"];
            assert!(others.iter().any(|other| source.contains(other)), "{text}");
        }
        if seed <= JUDGED {
            let (is_valid, messages) = xmlsec1_verifies(&signed, &PKI.p256.cert_pem);
            let path = write(folder.path(), "refused.xml", &*signed);
            assert!(is_valid, "{messages}: {}", path.display());
        }
    }
    assert!(held > DOCUMENTS / 2, "{held} of {DOCUMENTS} held anything apart");
}

#[test]
fn an_id_of_the_body_that_stands_in_held_content_too_is_replaced() {
    for (inner, is_kept) in [("mine", false), ("other", true)] {
        let source = format!(
            "<s:Envelope xmlns:s=\"{SOAP}\" xmlns:u=\"{WSU}\"><s:Body u:Id='mine'>\
             <b:SendMessage xmlns:b=\"{}\"><request><requestInfo><messageId>m</messageId>\
             <serviceId>S</serviceId><messageDate>2025-03-11T10:15:30Z</messageDate>\
             <sender><senderId>d</senderId></sender></requestInfo>\
             <requestData><data><c u:Id='{inner}'>1</c></data></requestData>\
             </request></b:SendMessage></s:Body></s:Envelope>",
            ns::TYPES
        );
        let scanned = Document::scan(source.as_bytes(), &Limits::default()).expect(&source);
        let body = scanned.root().child("Body").expect("a Body");
        let request = Request::read(body.children().next().expect("a payload")).expect(&source);
        let spliced = splice::request(&request, "{s}", Edits::default());
        assert!(spliced.held.is_some());
        let signed = wsse::sign_spliced(&spliced, &PKI.p256.signer).expect("signed");
        let text = String::from_utf8_lossy(&signed);
        assert_eq!(text.contains("<s:Body u:Id='mine'>"), is_kept, "{text}");
        judge(&signed).unwrap_or_else(|reason| panic!("{reason}: {text}"));
    }
}

#[test]
fn content_is_not_put_where_it_would_mean_something_else() {
    // One that leaves in the wrapper that it came in, with something to hold.
    let source = (1..)
        .map(|seed| call(&mut Dice::new(seed)))
        .find(|source| source.contains("<SendMessage xmlns") && !source.contains("><data></data>"))
        .expect("among them");
    let outer = source.replace(" u:Id='own'", "").replace("<s:Body", "<s:Body xmlns:x=\"urn:x\"");
    for changed in ["<s:Body xmlns:x=\"urn:y\"", "<s:Body"] {
        let scanned = Document::scan(outer.as_bytes(), &Limits::default()).expect(&outer);
        let body = scanned.root().child("Body").expect("a Body");
        let request = Request::read(body.children().next().expect("a payload")).expect(&outer);
        let Spliced { text, held } = splice::request(&request, "{s}", Edits::default());
        let text = String::from_utf8(text).expect("UTF-8");
        let moved = text.replace("<s:Body xmlns:x=\"urn:x\"", changed);
        let shift = text.len() - moved.len();
        let held = held.map(|held| Held { at: held.at - shift, ..held });
        assert!(held.is_some());
        let other = Spliced { text: moved.into_bytes(), held };
        let refused = wsse::sign_spliced(&other, &PKI.p256.signer);
        let refused = refused.map(|signed| String::from_utf8_lossy(&signed).into_owned());
        assert!(matches!(refused, Err(wsse::SignError::Displaced(_))), "{changed}: {refused:?}");
    }
}
