//! Whatever is moved, doubled, dropped or swapped in a signed message: what is accepted says what was signed.
//!
//! No list of attacks: every element of a good message is put into every place, alone and with a forged one
//! left where it was, and its bytes are changed one by one. Most of that is refused, for whatever reason;
//! the rest must be read as before.

use crate::signatures::business::{DOCUMENT, escaped, in_data, signed, without_prolog};
use crate::signatures::forge::{form_d, judge, message, reference, sign, signature, token};
use crate::signatures::pki::PKI;
use qaqpa::sign::business::enveloped;
use qaqpa::sign::business::root;
use qaqpa::sign::canonical::exclusive_without;
use qaqpa_kit::soap::{DS, Envelope, WSU};
use qaqpa_kit::xml::{Document, Limits, NodeId};
use std::ops::Range;

/// Of the changes that there are, one in so many is tried; a document is read twice and more slowly.
const ENVELOPE_STEP: usize = 5;
const DOCUMENT_STEP: usize = 13;

fn scan(text: &str) -> Option<Document<'_>> {
    Document::scan(text.as_bytes(), &Limits::default()).ok()
}

/// Every element but the root, and every place between two tags.
fn pieces(text: &str) -> (Vec<Range<usize>>, Vec<usize>) {
    let document = scan(text).expect("well-formed");
    let (mut spans, mut places) = (Vec::new(), Vec::new());
    for element in document.root().descendants() {
        let (span, content) = (element.span(), element.content());
        places.extend([content.start, content.end]);
        if element != document.root() {
            spans.push(span.start..span.end);
            places.push(span.end);
        }
    }
    places.sort_unstable();
    places.dedup();
    (spans, places)
}

/// The text with some of its parts written otherwise.
fn edited(text: &str, mut edits: Vec<(Range<usize>, &str)>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut out, mut at) = (String::with_capacity(2 * text.len()), 0);
    for (range, with) in edits {
        out.push_str(&text[at..range.start]);
        out.push_str(with);
        at = range.end;
    }
    out + &text[at..]
}

/// Every element in every place: doubled, moved, or moved with a forged one in its stead; and dropped.
fn changes(good: &str, step: usize, forge: impl Fn(&str) -> String) -> Vec<String> {
    let (spans, places) = pieces(good);
    let mut changed = Vec::new();
    let mut number = 0;
    for span in &spans {
        let piece = &good[span.clone()];
        let forged = forge(piece);
        changed.push(edited(good, vec![(span.clone(), "")]));
        for &place in &places {
            let at = (place..place, piece);
            let mut tried = vec![vec![at.clone()]];
            if place <= span.start || place >= span.end {
                tried.push(vec![at.clone(), (span.clone(), "")]);
                tried.push(vec![(place..place, forged.as_str())]);
                if forged != piece {
                    tried.push(vec![at, (span.clone(), &forged)]);
                }
            }
            for edits in tried {
                number += 1;
                if number % step == 0 {
                    changed.push(edited(good, edits));
                }
            }
        }
    }
    changed
}

/// Each character written otherwise, doubled, or left out.
fn misprints(good: &str, step: usize) -> Vec<String> {
    let others =
        ["<", ">", "&", " ", "\"", "'", "x", "0", "\n", "/", ":", "<!---->", "<![CDATA[x]]>"];
    let mut changed = Vec::new();
    for (number, (at, c)) in good.char_indices().enumerate() {
        let range = at..at + c.len_utf8();
        let other = others[number / step % others.len()];
        match number % step {
            0 => changed.push(edited(good, vec![(range, other)])),
            1 => changed.push(edited(good, vec![(range, "")])),
            2 => changed.push(edited(good, vec![(at..at, other)])),
            _ => {}
        }
    }
    changed
}

/// Holds every change against the good message; returns how many were accepted.
fn hold(good: &str, changed: &[String], said: impl Fn(&str) -> Option<Vec<u8>>) -> usize {
    let expected = said(good).expect("the good one is accepted");
    let mut accepted = 0;
    for document in changed {
        let Some(found) = said(document) else { continue };
        accepted += 1;
        let (found, expected) =
            (String::from_utf8_lossy(&found), String::from_utf8_lossy(&expected));
        assert_eq!(found, expected, "accepted, and says something else: {document}");
    }
    println!("{accepted} of {} accepted", changed.len());
    accepted
}

/// The Body of an accepted message.
fn said(document: &str) -> Option<Vec<u8>> {
    judge(document.as_bytes()).ok()?;
    let document = scan(document)?;
    let envelope = Envelope::read(&document).expect("an accepted envelope");
    let mut out = Vec::new();
    exclusive_without(envelope.body, &[], &mut |bytes| out.extend_from_slice(bytes));
    Some(out)
}

/// A message with all that a profile knows: Timestamp, token, and all three signed.
fn envelope() -> String {
    let by = &PKI.p256;
    let stamp = format!(
        "<wsu:Timestamp xmlns:wsu=\"{WSU}\" wsu:Id=\"ts\"><wsu:Created>2026-11-22T04:59:00Z</wsu:Created>\
         <wsu:Expires>2026-11-22T05:04:00Z</wsu:Expires></wsu:Timestamp>"
    );
    let all = signature(by, &["body", "token", "ts"].map(reference).concat(), &form_d());
    sign(&message().replace("@S@", &format!("{stamp}{}@S@", token(by))), &all, by)
}

fn forged(piece: &str) -> String {
    piece.replace(">100<", ">999<").replace("2026-11-22T05:04", "2026-11-22T05:09")
}

#[test]
fn of_an_envelope_bent_in_any_way_only_what_was_signed_is_processed() {
    let good = envelope();
    let accepted = hold(&good, &changes(&good, ENVELOPE_STEP, forged), said);
    // Header blocks of others are honest: a Timestamp's copy beside Security is one.
    assert!(accepted >= 1, "nothing at all was accepted");
    hold(&good, &misprints(&good, ENVELOPE_STEP), said);
}

/// What a signed document in `data` says but for its signatures.
fn said_in_data(data: &str) -> Option<Vec<u8>> {
    let document = scan(data)?;
    let data = document.root().descendants().find(|one| one.local() == "data").expect("data");
    let mut out = None;
    let _is_document = root::look(data, &Limits::default(), |root| {
        if enveloped::verify(root, PKI.trust.certificates()).is_ok() {
            let children = root.element.children().filter(|child| child.is(DS, "Signature"));
            let signatures: Vec<NodeId> = children.map(|child| child.id()).collect();
            let mut bytes = Vec::new();
            exclusive_without(root.element, &signatures, &mut |part| bytes.extend_from_slice(part));
            out = Some(bytes);
        }
        Ok(())
    })
    .is_ok();
    out
}

#[test]
fn of_a_document_bent_in_any_way_only_what_was_signed_is_processed() {
    let twice = signed(&signed(DOCUMENT, &PKI.p256), &PKI.p384);
    let forge = |piece: &str| piece.replace("171140001235", "171140001236");
    let inline = without_prolog(&twice);
    let all = changes(inline, DOCUMENT_STEP, forge).into_iter();
    let all: Vec<String> = all.chain(misprints(inline, DOCUMENT_STEP)).collect();
    let as_text: Vec<String> = all.iter().map(|text| in_data(&escaped(text))).collect();
    let accepted = hold(&in_data(&escaped(inline)), &as_text, said_in_data);
    assert!(accepted >= 1, "not even the last signature may be dropped");
    let inside: Vec<String> = all.iter().map(|text| in_data(text)).collect();
    hold(&in_data(inline), &inside, said_in_data);
}
