//! `participants/*.toml` checked: who may call what, and how it proves itself.

use super::credentials::PASSWORD;
use super::inspector::{Inspector, quota};
use super::services::{Offer, instead};
use crate::config::document::Document;
use crate::config::finding::Place;
use crate::config::raw::{self, Accept};
use crate::config::settings::{BoundCertificate, Participant};
use qaqpa_kit::ids::Bin;
use std::collections::HashMap;
use std::sync::Arc;

/// By `senderId`.
type Participants = HashMap<String, Arc<Participant>>;

pub(super) fn check(
    inspector: &mut Inspector<'_>,
    documents: &[Document<raw::Participant>],
    offer: &Offer,
    has_mutual: bool,
) -> Participants {
    let mut participants = Participants::new();
    let mut taken = HashMap::new();
    for document in documents {
        let (raw, top) = (&document.raw, document.source.top());
        for (key, value) in [("id", &raw.id), ("sender_id", &raw.sender_id)] {
            let place = top.key(key);
            let other = taken.insert((key, value), place.reference());
            if let Some(other) = other.filter(|_| !value.is_empty()) {
                let wrong = format!("{value:?} is taken already at {other}");
                inspector.error(&place, wrong, "write another one, or delete one of the files");
            }
        }
        let participant = participant(inspector, document, offer);
        accept(inspector, &top.key("accept"), raw, has_mutual);
        participants.insert(raw.sender_id.clone(), Arc::new(participant));
    }
    shared_certificates(inspector, documents, &participants);
    participants
}

fn participant(
    inspector: &mut Inspector<'_>,
    document: &Document<raw::Participant>,
    offer: &Offer,
) -> Participant {
    let (raw, top) = (&document.raw, document.source.top());
    inspector.id(&top.key("id"), &raw.id);
    let cure = "write what the system sends as sender/senderId";
    if inspector.demand(&top.key("sender_id"), &raw.sender_id, cure) {
        inspector.wire_id(&top.key("sender_id"), &raw.sender_id);
    }
    let name = inspector.name(&top.key("name"), &raw.name);
    if !raw.bin.is_empty() && Bin::parse(&raw.bin, true).is_err() {
        let cure = "write the 12 digits of the organisation's BIN; the last one is their check";
        inspector.error(&top.key("bin"), "this is no BIN", cure);
    }
    if raw.bin.is_empty() && raw.certificate.is_empty() {
        let cure = "add a [[certificate]], or the `bin` that its certificates name";
        inspector.error(&top.key("certificate"), "nothing proves this participant", cure);
    }
    let owner = format!("participant {}", raw.id);
    let certificates = (raw.certificate.iter().enumerate())
        .filter_map(|(at, raw)| inspector.bound(&top.key("certificate").item(at), raw, &owner))
        .collect();
    let password = if raw.password_file.is_empty() {
        None
    } else {
        inspector.secret_text(&top.key("password_file"), &raw.password_file, PASSWORD)
    };
    access(inspector, &top, raw, offer);
    Participant {
        id: raw.id.clone(),
        name,
        sender_id: raw.sender_id.clone(),
        password,
        bin: Some(raw.bin.clone()).filter(|bin| !bin.is_empty()),
        certificates,
        accept_unsigned: raw.accept.contains(&Accept::Unsigned),
        accept_bare: raw.accept.contains(&Accept::Bare),
        services: raw.services.clone(),
        class: raw.class,
        quota: quota(&raw.quota),
        service_quotas: raw
            .service_quota
            .iter()
            .map(|(id, raw)| (id.clone(), quota(raw)))
            .collect(),
    }
}

/// What it may call: only services that exist; quotas only for what it may call.
fn access(inspector: &mut Inspector<'_>, top: &Place<'_>, raw: &raw::Participant, offer: &Offer) {
    let known: Vec<&str> = offer.named.iter().map(String::as_str).collect();
    let is_known = |id: &str| id == "*" || offer.is_partial || offer.named.contains(id);
    let cure = "name a service of services.toml, or \"*\" for all";
    for (at, id) in raw.services.iter().enumerate() {
        if !is_known(id) {
            let wrong = format!("no agency offers service {id:?}");
            inspector.error(&top.key("services").item(at), wrong, instead(id, &known, cure));
        }
    }
    if raw.services.is_empty() {
        let wrong = "this participant may call nothing";
        inspector.warning(&top.key("services"), wrong, "list the services it may call");
    }
    for id in raw.service_quota.keys() {
        let place = top.key("service_quota").key(id);
        let is_of = |listed: &String| listed.split(':').next() == Some(id);
        if id.contains(':') {
            let wrong = "a quota is a whole service's";
            inspector.error(&place, wrong, "name the service alone");
        } else if !is_known(id) {
            let wrong = format!("no agency offers service {id:?}");
            inspector.error(&place, wrong, instead(id, &known, cure));
        } else if !raw.services.iter().any(|listed| listed == "*" || is_of(listed)) {
            let wrong = format!("this participant may not call service {id:?}");
            inspector.error(&place, wrong, "add it to `services`, or delete this quota");
        }
    }
}

/// What is left out must be proved by mutual TLS, so there must be such a listener.
fn accept(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &raw::Participant,
    has_mutual: bool,
) {
    if !raw.accept.is_empty() && !has_mutual {
        let wrong = "unsigned and bare calls are proved by mutual TLS, and no listener has it";
        inspector.error(place, wrong, "set tls = \"mutual\" at a listener, or accept = []");
    }
}

/// Two systems may share an organisation's certificate, but rarely mean to.
fn shared_certificates(
    inspector: &mut Inspector<'_>,
    documents: &[Document<raw::Participant>],
    participants: &Participants,
) {
    let mut owners: HashMap<[u8; 32], &str> = HashMap::new();
    for document in documents {
        let Some(participant) = participants.get(&document.raw.sender_id) else { continue };
        for BoundCertificate { spki_sha256, .. } in &participant.certificates {
            let other = *owners.entry(*spki_sha256).or_insert(&participant.id);
            if other != participant.id {
                let wrong = format!("participant {other} shows the same key");
                let place = document.source.top().key("certificate");
                inspector.warning(&place, wrong, "give each system a key of its own");
            }
        }
    }
}
