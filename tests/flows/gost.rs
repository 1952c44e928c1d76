//! Calls signed with the country's keys through the whole gateway, among callers with other keys.

use crate::caller::{Caller, PERSON, PERSONS};
use crate::support::Installation;
use qaqpa::command::client::Posted;
use qaqpa::command::demo::installation::signer;
use qaqpa::sign::algorithm::Family;
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::wsse;
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};

/// The family that signed an answer, which must be whole.
fn family(posted: &Posted) -> Family {
    let document = Document::scan(&posted.body, &Limits::default()).expect("well-formed");
    let envelope = Envelope::read(&document).expect("an envelope");
    let now = i64::MAX / 2;
    let signed = wsse::verify(&envelope, &[], &CertificateCache::default(), now);
    signed.expect("a signed answer").family
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_signed_with_the_family_of_key_that_the_caller_used() {
    let installation = Installation::start().await;
    let mut hospital = installation.caller("hospital");
    let by_ecdsa = hospital.ask(PERSONS, PERSON).await;
    assert_eq!(family(&by_ecdsa), Family::Ecdsa);
    let pair = installation.inner.scratch.member("hospital").unwrap().signing();
    hospital.signer = signer(pair).unwrap();
    let by_gost = hospital.ask(PERSONS, PERSON).await;
    assert_eq!(by_gost.fault, None);
    assert_eq!(family(&by_gost), Family::Gost2015x512);
    let by_rsa = installation.caller("portal").ask(PERSONS, PERSON).await;
    assert_eq!(family(&by_rsa), Family::Rsa);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_message_of_a_gost_signer_is_refused() {
    let installation = Installation::start().await;
    let mut hospital: Caller = installation.caller("hospital");
    hospital.signer =
        signer(installation.inner.scratch.member("hospital").unwrap().signing()).unwrap();
    let signed = hospital.sign(&hospital.message(PERSONS, PERSON));
    let changed = String::from_utf8(signed).unwrap().replace("850312300121", "010702600344");
    let refused = hospital.post(changed).await;
    assert_eq!(refused.fault.as_deref(), Some("caller.bad_signature"));
}
