//! Several demands at once: each is met by a signature in its own field, over its own content.

use crate::signatures::business::escaped;
use crate::signatures::cms::{CONTENT, signed_by_openssl};
use crate::signatures::oracles::{folder, write};
use crate::signatures::pki::{Identity, Kind, NOW_UNIX_S, PKI, issue, leaf};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::sign::business::collect::Desk;
use qaqpa::sign::business::demand;
use qaqpa::sign::cms;
use qaqpa_kit::manifest::{Role, SignatureDemand, SignatureForm, SignedMessage};
use qaqpa_kit::xml::{Document, Limits};
use rcgen::ExtendedKeyUsagePurpose;

fn identity(role: Role) -> Identity {
    let mut params = leaf(role.word());
    let oid = role.oid().split('.').map(|part| part.parse().expect("a number")).collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(oid)];
    issue(&params, Kind::P256, &PKI.root)
}

fn demanded(role: Role, (signature_field, content_field): (&str, &str)) -> SignatureDemand {
    SignatureDemand {
        of: SignedMessage::Request,
        form: vec![SignatureForm::Cms],
        role: vec![role],
        iin_field: String::new(),
        bin_field: String::new(),
        signature_field: signature_field.to_owned(),
        content_field: content_field.to_owned(),
    }
}

/// What the gateway says of a document with these fields.
fn judge(demands: &[&SignatureDemand], fields: &[(&str, &str)]) -> Result<(), &'static str> {
    let field = |(name, text): &(&str, &str)| format!("<{name}>{}</{name}>", escaped(text));
    let fields: String = fields.iter().map(field).collect();
    let source = format!("<data><order>{fields}</order></data>");
    let limits = Limits::default();
    let document = Document::scan(source.as_bytes(), &limits).expect(&source);
    let certificates = PKI.trust.certificates();
    let desk = Desk { demands, certificates, limits: &limits, now_unix_s: NOW_UNIX_S };
    let signed = desk.in_data(document.root()).map_err(|refusal| refusal.reason.word())?;
    demand::check(demands, &signed).map_err(|reason| reason.word())
}

#[test]
fn a_demand_is_met_by_no_signature_of_another_field() {
    let (person, employee) = (identity(Role::Person), identity(Role::Employee));
    let of_person = demanded(Role::Person, ("applicantSign", "application"));
    let of_employee = demanded(Role::Employee, ("officerSign", "decision"));
    let demands = [&of_person, &of_employee];
    let application = "<application/>";
    let decision = std::str::from_utf8(CONTENT).expect("text");
    let by = |identity: &Identity, content: &str| {
        let der = cms::sign(content.as_bytes(), false, &identity.signer, NOW_UNIX_S);
        STANDARD.encode(der.expect("signed"))
    };
    let of_both = {
        let folder = folder();
        let key = write(folder.path(), "second.key", &person.key_pem).display().to_string();
        let signer = write(folder.path(), "second.pem", &person.cert_pem).display().to_string();
        let second = ["-cades", "-md", "sha256", "-signer", &signer, "-inkey", &key];
        STANDARD.encode(signed_by_openssl(&employee, &second))
    };
    let contents = [("application", application), ("decision", decision)];
    let judged = |demands: &[&SignatureDemand], signatures: &[(&str, &str)]| {
        judge(demands, &[&contents[..], signatures].concat())
    };

    let honest =
        [("applicantSign", &*by(&person, application)), ("officerSign", &*by(&employee, decision))];
    assert_eq!(judged(&demands, &honest), Ok(()));
    let missing = Err("signature_missing");
    assert_eq!(judged(&demands, &[("officerSign", &of_both)]), missing);
    let only_officer = [("officerSign", &*by(&employee, decision))];
    assert_eq!(judged(&demands, &only_officer), missing);
    // Where both are asked to sign one thing in one field, one CMS of both is what is asked for.
    let beside = demanded(Role::Person, ("officerSign", "decision"));
    assert_eq!(judged(&[&beside, &of_employee], &[("officerSign", &of_both)]), Ok(()));
}
