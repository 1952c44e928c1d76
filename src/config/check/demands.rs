//! The business signatures that a service demands, checked: each can be met, and none of what is relayed.

use super::inspector::Inspector;
use crate::config::finding::Place;
use qaqpa_kit::manifest::SignatureDemand;

pub(super) fn check(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    demands: &[SignatureDemand],
    is_relayed: bool,
) {
    if is_relayed && !demands.is_empty() {
        let wrong = "what is relayed is not held, so no signature in it can be verified";
        inspector.error(place, wrong, "delete this key, or the operations");
    }
    for (at, demand) in demands.iter().enumerate() {
        if let Some((key, wrong)) = demand.mistake() {
            let cure = "see [[agency.ID.service.ID.signature]] in config/services.toml";
            inspector.error(&place.item(at).key(key), wrong, cure);
        }
    }
}
