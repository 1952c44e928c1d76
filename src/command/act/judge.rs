//! Whether an act is what both its sides have signed, and whether its folder is the one that it speaks of.

use crate::command::Failure;
use crate::reconcile::act::{Act, Digested, read};
use crate::sign::certificate::CertificateCache;
use crate::sign::joint::{self, Signed};
use crate::sign::{Reason, Signer, Trust};
use jiff::Timestamp;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::hex;
use qaqpa_kit::redact;
use qaqpa_kit::xml::{Document, Limits};
use serde_json::{Value, json};

/// What an act is judged by.
pub(in crate::command) struct By<'a> {
    /// `None`: certificates are not judged.
    pub trust: Option<&'a Trust>,
    pub at_unix_s: i64,
    /// The folder that it speaks of; `None`: not looked at.
    pub folder: Option<&'a [Digested]>,
}

/// Both signatures, both BINs, the folder; and what the act says.
///
/// # Errors
/// The first thing against it: `act_malformed`, a signature's reason, `signer_is_no_party`,
/// `signed_twice`, `not_countersigned`, `folder_differs`.
pub(in crate::command) fn judge(source: &[u8], by: &By<'_>) -> Result<Value, Fault> {
    let act = act(source)?;
    let document = scanned(source)?;
    let certificates = CertificateCache::default();
    let signed = joint::verify(&document, &certificates).map_err(|refusal| refusal.of_caller())?;
    let mut signers = Vec::new();
    for one in &signed {
        let role = role(&act, one)?;
        let basis = believed(one, by)?;
        signers.push(json!({
            "role": role,
            "subject": redact::ids(one.certificate.subject()),
            "bin": one.certificate.bin(),
            "issuer": redact::ids(one.certificate.issuer()),
            "serial": one.certificate.serial_decimal(),
            "sha256": hex::lower(&one.certificate.sha256()),
            "algorithm": one.algorithm.uri(),
            "trust": basis,
        }));
    }
    for party in &act.parties {
        let theirs = signed.iter().filter(|one| one.certificate.bin() == Some(&party.bin));
        let reason = match theirs.count() {
            1 => continue,
            0 => "not_countersigned",
            _ => "signed_twice",
        };
        return Err(refused(reason).because(party.role.clone()));
    }
    if let Some(folder) = by.folder
        && let Some((name, what)) = act.differences(folder).into_iter().next()
    {
        return Err(refused("folder_differs").because(format!("{name}: {what}")));
    }
    let digest = joint::digest(&document).map_err(|refusal| refusal.of_caller())?;
    Ok(json!({
        "valid": true,
        "covered": ["act"],
        "act": super::told(&act),
        "act_sha256": hex::lower(&digest),
        "signers": signers,
        "folder": if by.folder.is_some() { "as signed" } else { "not looked at" },
    }))
}

/// Whether a key may sign an act: it reads as one, the certificate is a party's, who has not signed yet.
///
/// # Errors
/// It may not.
pub(in crate::command) fn may_sign(source: &[u8], signer: &Signer) -> Result<(), Failure> {
    let act = read(source).map_err(Failure::work)?;
    let bin = signer.certificate().bin();
    let bin = bin.ok_or_else(|| Failure::work("the certificate carries no BIN"))?;
    if !act.parties.iter().any(|party| party.bin == bin) {
        return Err(Failure::work("the certificate's BIN is that of neither side"));
    }
    let document = scanned(source).map_err(|fault| Failure::work(fault.public_line()))?;
    let signed = joint::verify(&document, &CertificateCache::default()).map_err(Failure::work)?;
    if signed.iter().any(|one| one.certificate.bin() == Some(bin)) {
        return Err(Failure::work("this side has signed already"));
    }
    Ok(())
}

pub(super) fn act(source: &[u8]) -> Result<Act, Fault> {
    read(source).map_err(|error| refused("act_malformed").at(error.at).because(error.reason))
}

pub(super) fn scanned(source: &[u8]) -> Result<Document<'_>, Fault> {
    Document::scan(source, &Limits::default()).map_err(|error| {
        Fault::new(Code::CallerMalformed, Phase::Receive, error.reason).at(error.at)
    })
}

fn role(act: &Act, one: &Signed) -> Result<String, Fault> {
    let bin = one.certificate.bin().unwrap_or_default();
    let party = act.parties.iter().find(|party| party.bin == bin);
    party.map(|party| party.role.clone()).ok_or_else(|| {
        refused("signer_is_no_party").because(redact::ids(one.certificate.subject()).into_owned())
    })
}

fn believed(one: &Signed, by: &By<'_>) -> Result<&'static str, Fault> {
    let Some(trust) = by.trust else { return Ok("not_judged") };
    let known_as = || redact::ids(one.certificate.subject()).into_owned();
    let judged = trust.judge(&one.certificate, by.at_unix_s);
    let judged = judged.map_err(|reason: Reason| reason.of_caller().because(known_as()))?;
    Ok(crate::command::verify::trust_word(Some(judged.basis)))
}

fn refused(reason: &'static str) -> Fault {
    Fault::new(Code::CallerBadSignature, Phase::Verify, reason)
}

/// The report for people.
pub(in crate::command) fn lines(report: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let act = &report["act"];
    let mut lines = format!(
        "valid\nact       {} of {}, {} … {}\nsha256    {}\nfolder    {}\n",
        text(&act["kind"]),
        text(&act["subject"]),
        text(&act["from"]),
        text(&act["to"]),
        text(&report["act_sha256"]),
        text(&report["folder"])
    );
    for signer in report["signers"].as_array().into_iter().flatten() {
        lines += &format!(
            "{:<9} {} (trust: {})\n",
            text(&signer["role"]),
            text(&signer["subject"]),
            text(&signer["trust"])
        );
    }
    lines
}

/// Now, for certificates.
pub(super) fn now_unix_s() -> i64 {
    Timestamp::now().as_second()
}
