//! The dialects of banks checked: which adapter reads a bank's questions, and where its messages carry codes.

use super::inspector::Inspector;
use super::services::instead;
use crate::config::finding::Place;
use crate::config::raw;
use crate::config::settings::{BankSignature, Dialect};
use hyper::header::HeaderName;
use qaqpa_kit::bank::{Covered, Placement, Provider};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The adapter of a bank that asks us; `None`: it asks nothing.
pub(super) fn dialect(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &raw::Bank,
) -> Option<Dialect> {
    let signature = signature(inspector, place, raw);
    if raw.provider.is_empty() {
        return None;
    }
    let bank = place;
    let place = bank.key("provider");
    if raw.participant.is_empty() {
        let wrong = "nobody is registered who may ask as this bank";
        inspector.error(&place, wrong, "name its participant too");
    }
    let asks = inspector.world.adapters.iter().filter(|adapter| adapter.provider().is_some());
    let known: Vec<_> = asks.cloned().collect();
    if let Some(adapter) = known.iter().find(|one| one.manifest().id == raw.provider) {
        let covers = signature.as_ref().map(|signature| signature.covers);
        if covers == Some(Covered::Body) && !adapter.provider().is_some_and(Provider::is_in_body) {
            let wrong =
                "this dialect asks in the address, which a signature of the body leaves open";
            let cure = "write \"request\", and let the bank sign method, address and body";
            inspector.error(&bank.key("signature_covers"), wrong, cure);
        }
        return Some(Dialect { adapter: Arc::clone(adapter), signature });
    }
    let ids: Vec<&str> = known.iter().map(|one| one.manifest().id.as_str()).collect();
    let cure = format!("name one of {}", ids.join(", "));
    let wrong = format!("there is no dialect {:?}", raw.provider);
    inspector.error(&place, wrong, instead(&raw.provider, &ids, &cure));
    None
}

fn signature(
    inspector: &mut Inspector<'_>,
    bank: &Place<'_>,
    raw: &raw::Bank,
) -> Option<BankSignature> {
    if raw.signature_header.is_empty() {
        return None;
    }
    let place = &bank.key("signature_header");
    let Ok(name) = raw.signature_header.parse::<HeaderName>() else {
        inspector.error(place, "this is no name of a header", "write e.g. \"Signature-JWS\"");
        return None;
    };
    if raw.provider.is_empty() {
        let wrong = "the bank asks nothing that it could sign";
        inspector.error(place, wrong, "name its `provider`, or delete this key");
    }
    Some(BankSignature { header: name.as_str().to_owned(), covers: raw.signature_covers })
}

/// The profiles of the file, by name; a place may hold one value.
pub(super) fn placements(
    inspector: &mut Inspector<'_>,
    list: &Place<'_>,
    raw: &BTreeMap<String, raw::Placement>,
) -> BTreeMap<String, Placement> {
    let mut placements = BTreeMap::new();
    for (id, raw) in raw {
        let place = list.key(id);
        inspector.id(&place, id);
        if qaqpa_kit::ids::Bic::parse(&raw.payee_bic).is_err() {
            let cure = "write 8 or 11 capital letters and digits, e.g. KKMFKZ2A";
            inspector.error(&place.key("payee_bic"), "this is no BIC", cure);
        }
        let placement = Placement {
            knp: raw.knp,
            kbk: raw.kbk,
            kbe: raw.kbe,
            charge: raw.charge,
            payee_bic: raw.payee_bic.clone().into(),
            accounts: raw.accounts,
        };
        if let Some((one, other)) = placement.clash() {
            let wrong = format!("{one} and {other} would stand in one place");
            inspector.error(&place.key(other), wrong, "give each a place of its own");
        }
        placements.insert(id.clone(), placement);
    }
    placements
}

/// The profile that a bank names; without a name, the usual one.
pub(super) fn placement(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &raw::Bank,
    (known, checked): (&BTreeMap<String, raw::Placement>, &BTreeMap<String, Placement>),
) -> Placement {
    if raw.placement.is_empty() {
        return Placement::default();
    }
    if !known.contains_key(&raw.placement) {
        let ids: Vec<&str> = known.keys().map(String::as_str).collect();
        let wrong = format!("there is no profile {:?}", raw.placement);
        let cure = "add a table [placement.NAME]";
        inspector.error(&place.key("placement"), wrong, instead(&raw.placement, &ids, cure));
    }
    checked.get(&raw.placement).cloned().unwrap_or_default()
}
