//! The calls that the demo shows: who asks for what, what is done to the message, what must come out.

use qaqpa_kit::fault::{Code, Outcome};

/// What happens to a message between signing and posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tampering {
    None,
    /// The IIN is changed after signing.
    Changed,
    /// The very bytes of the call before it are posted again.
    Repeated,
    /// Calls follow one another until one is refused, because a slow machine may spend a second on one.
    UntilRefused,
}

/// What the caller of a scene speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Soap,
    Rest,
}

impl Speech {
    /// The word in the table.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Soap => "SOAP",
            Self::Rest => "REST",
        }
    }
}

/// One call of the demo.
pub(super) struct Scene {
    pub(super) title: &'static str,
    pub(super) speech: Speech,
    pub(super) caller: &'static str,
    pub(super) service: &'static str,
    /// The inside of `data`, or the JSON body.
    pub(super) data: &'static str,
    pub(super) tampering: Tampering,
    pub(super) outcome: Outcome,
    pub(super) fault: Option<Code>,
}

/// The IIN of an invented person whom the simulated register knows.
pub(super) const KNOWN_IIN: &str = "850312300121";

const PERSON: &str = "<messageId>1</messageId><messageDate>2026-11-22T10:15:30+05:00</messageDate>\
    <senderCode>DEMO</senderCode><iin>850312300121</iin>";
const NOBODY: &str = "<messageId>1</messageId><messageDate>2026-11-22T10:15:30+05:00</messageDate>\
    <senderCode>DEMO</senderCode><iin>990101500046</iin>";
const COMPANY: &str = "&lt;ns2:Request xmlns:ns2=\"http://gbdulinfobybin_v2.egp.gbdul.tamur.kz\"&gt;\
    &lt;RequestorBIN&gt;190540007715&lt;/RequestorBIN&gt;&lt;BIN&gt;171140001235&lt;/BIN&gt;\
    &lt;/ns2:Request&gt;";
const ADDRESS: &str = "<rka>0201300012345678</rka>";

const fn scene(
    title: &'static str,
    caller: &'static str,
    (service, data): (&'static str, &'static str),
    outcome: Outcome,
    fault: Option<Code>,
) -> Scene {
    let (speech, tampering) = (Speech::Soap, Tampering::None);
    Scene { title, speech, caller, service, data, tampering, outcome, fault }
}

/// The programme of the demo, in the order of showing.
pub(super) const SCENES: [Scene; 12] = [
    scene("person found", "portal", ("GBDFL_UniversalServiceSync", PERSON), Outcome::Done, None),
    Scene {
        tampering: Tampering::Repeated,
        ..scene(
            "the same call again",
            "portal",
            ("GBDFL_UniversalServiceSync", PERSON),
            Outcome::Done,
            None,
        )
    },
    scene(
        "person not found",
        "portal",
        ("GBDFL_UniversalServiceSync", NOBODY),
        Outcome::Refused,
        None,
    ),
    scene(
        "person, signed by GOST",
        "hospital",
        ("GBDFL_UniversalServiceSync", PERSON),
        Outcome::Done,
        None,
    ),
    scene("company found", "bank", ("GbdulInfoByBin_v2", COMPANY), Outcome::Done, None),
    scene(
        "address, from a JSON register",
        "bank",
        ("AR_AddressByRka", ADDRESS),
        Outcome::Done,
        None,
    ),
    Scene {
        speech: Speech::Rest,
        ..scene(
            "person, asked in JSON",
            "portal",
            ("GBDFL_UniversalServiceSync", r#"{"iin":"850312300121"}"#),
            Outcome::Done,
            None,
        )
    },
    Scene {
        speech: Speech::Rest,
        ..scene(
            "JSON with a wrong IIN",
            "portal",
            ("GBDFL_UniversalServiceSync", r#"{"iin":"850312300129"}"#),
            Outcome::Refused,
            Some(Code::CallerMalformed),
        )
    },
    Scene {
        tampering: Tampering::Changed,
        ..scene(
            "changed after signing",
            "portal",
            ("GBDFL_UniversalServiceSync", PERSON),
            Outcome::Refused,
            Some(Code::CallerBadSignature),
        )
    },
    scene(
        "within its quota",
        "greedy",
        ("GBDFL_UniversalServiceSync", PERSON),
        Outcome::Done,
        None,
    ),
    Scene {
        tampering: Tampering::UntilRefused,
        ..scene(
            "over its quota",
            "greedy",
            ("GBDFL_UniversalServiceSync", PERSON),
            Outcome::Refused,
            Some(Code::CallerTooFast),
        )
    },
    scene(
        "the agency is down",
        "portal",
        ("DEMO_AgencyDown", "{}"),
        Outcome::Refused,
        Some(Code::AgencyUnreachable),
    ),
];

#[cfg(test)]
mod tests {
    use super::SCENES;

    #[test]
    fn a_fault_of_the_programme_ends_as_the_fault_table_says() {
        for scene in SCENES {
            assert!(scene.fault.is_none() || scene.outcome.word() == "Refused", "{}", scene.title);
        }
    }
}
