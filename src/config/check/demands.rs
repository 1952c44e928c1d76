//! The business signatures that a service demands, checked: each can be met, and none of what is relayed.

use super::inspector::Inspector;
use crate::config::finding::Place;
use qaqpa_kit::manifest::{SignatureDemand, SignedMessage, Wire};

pub(super) fn check(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    demands: &[SignatureDemand],
    (is_relayed, wire): (bool, Wire),
) {
    if is_relayed && !demands.is_empty() {
        let wrong = "what is relayed is not held, so no signature in it can be verified";
        inspector.error(place, wrong, "delete this key, or the operations");
    }
    let of_answer = |demand: &SignatureDemand| demand.of == SignedMessage::Answer;
    if let (Wire::Rest, Some(at)) = (wire, demands.iter().position(of_answer)) {
        let wrong = "answers over REST carry no signature that the gateway verifies";
        inspector.error(&place.item(at).key("of"), wrong, "write of = \"request\", or delete it");
    }
    for (at, demand) in demands.iter().enumerate() {
        if let Some((key, wrong)) = demand.mistake() {
            let cure = "see [[agency.ID.service.ID.signature]] in config/services.toml";
            inspector.error(&place.item(at).key(key), wrong, cure);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::check::tests::{GATEWAY, PARTICIPANT, SERVICES, told};

    #[test]
    fn a_signature_on_an_answer_over_rest_is_no_promise() {
        let demand =
            "[[agency.office.service.Ask.signature]]\nof = \"answer\"\nform = [\"xmldsig\"]\n";
        let signed = SERVICES.replace("wire =", "answer_signed = true\nwire =");
        for (services, expected) in [
            (
                format!("{SERVICES}{demand}"),
                "signature[0].of: answers over REST carry no signature",
            ),
            (signed, "agency.office.answer_signed: answers over REST carry no signature"),
        ] {
            let told = told(GATEWAY, &services, &[PARTICIPANT]);
            assert!(told.contains(expected), "{told}\nlacks {expected}");
        }
        let of_request = demand.replace("answer", "request");
        let told = told(GATEWAY, &format!("{SERVICES}{of_request}"), &[PARTICIPANT]);
        assert!(!told.contains("over REST"), "{told}");
    }
}
