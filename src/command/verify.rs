//! `qaqpa verify`: says of a signed message who signed what, and whether the signer is trusted.

use super::{Failure, Profile, act, read_input, write_output};
use crate::config::settings::BoundCertificate;
use crate::payments::receipt::KIND as RECEIPT_KIND;
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::trust::{Basis, Trust};
use crate::sign::wsse::{self, Signed};
use crate::sign::{Reason, jws};
use jiff::Timestamp;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::redact;
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Verify a signed message; exit code 0 if it is valid, 1 otherwise.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("belief").required(true).args(["trust", "signature_only"])))]
pub struct Args {
    /// How the signature is packed.
    #[arg(long, value_enum, default_value_t = Profile::Wsse)]
    profile: Profile,
    /// Roots, intermediates, or the signer's own certificate; may be given several times.
    #[arg(long, value_name = "PEM")]
    trust: Vec<PathBuf>,
    /// Do not judge the certificate, only the signature.
    #[arg(long)]
    signature_only: bool,
    /// The moment to judge for (RFC 3339); default: now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Of an act: the folder of its run, whose files must be those that were signed.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The signed document; `-` reads standard input.
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, or a trust file without certificates.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let source = read_input(&args.file)?;
    let files: Vec<_> = args
        .trust
        .iter()
        .map(|path| read_input(path).map(|pem| (path.display(), pem)))
        .collect::<Result<_, _>>()?;
    let trust = Trust::load(files).map_err(Failure::work)?;
    let trust = (!args.signature_only).then_some(&trust);
    let at_unix_s = args.at.unwrap_or_else(Timestamp::now).as_second();
    let judged = match args.profile {
        Profile::Wsse => {
            judge(&source, trust, at_unix_s).map(|(signed, basis)| accepted(&signed, basis))
        }
        Profile::Receipt => judge_receipt(&source, trust, at_unix_s),
        Profile::Act => {
            let folder = args.folder.as_deref().map(act::digested).transpose()?;
            let folder = folder.as_deref();
            act::judge(&source, &act::By { trust, at_unix_s, folder })
        }
    };
    let is_valid = judged.is_ok();
    let report = judged.unwrap_or_else(|fault| refused(&fault));
    let text = if args.json { format!("{report:#}\n") } else { lines(&report) };
    write_output(text.as_bytes())?;
    Ok(if is_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The signature and, where there is trust to judge by, on what its certificate is believed.
fn judge(
    source: &[u8],
    trust: Option<&Trust>,
    at_unix_s: i64,
) -> Result<(Signed, Option<Basis>), Fault> {
    let document = Document::scan(source, &Limits::default()).map_err(|error| {
        let code = if error.is_limit { Code::CallerTooLarge } else { Code::CallerMalformed };
        Fault::new(code, Phase::Receive, error.reason).at(error.at)
    })?;
    let envelope = Envelope::read(&document).map_err(|error| error.fault())?;
    // A KeyInfo may name its certificate by issuer and serial number alone.
    let known: Vec<BoundCertificate> = trust
        .iter()
        .flat_map(|trust| trust.signers())
        .map(|certificate| BoundCertificate {
            spki_sha256: certificate.spki_sha256(),
            der: Some(certificate.der().to_vec()),
            from_unix_s: i64::MIN,
            until_unix_s: i64::MAX,
        })
        .collect();
    let signed = wsse::verify(&envelope, &known, &CertificateCache::default(), at_unix_s)
        .map_err(|refusal| refusal.of_caller())?;
    let basis = believe(&signed.certificate, trust, at_unix_s)?;
    Ok((signed, basis))
}

/// A receipt's signature, and what it says of the payment.
fn judge_receipt(source: &[u8], trust: Option<&Trust>, at_unix_s: i64) -> Result<Value, Fault> {
    let malformed = || Reason::JwsMalformed.of_caller();
    let document = str::from_utf8(source).map_err(|_| malformed())?.trim();
    let verified =
        jws::verify(document, &CertificateCache::default()).map_err(Reason::of_caller)?;
    let receipt: Value = serde_json::from_slice(&verified.payload).map_err(|_| malformed())?;
    if verified.kind != RECEIPT_KIND {
        return Err(malformed());
    }
    let basis = believe(&verified.certificate, trust, at_unix_s)?;
    Ok(json!({
        "valid": true,
        "covered": ["receipt"],
        "algorithm": verified.algorithm,
        "trust": trust_word(basis),
        "signer": signer(&verified.certificate),
        "receipt": masked(receipt),
    }))
}

/// The same without anybody's full IIN or BIN: those stay on the paper.
fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => redact::ids(&text).into(),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, masked(value))).collect()
        }
        other => other,
    }
}

/// On what a signer is believed; `None` where nobody asks.
fn believe(
    certificate: &Arc<Certificate>,
    trust: Option<&Trust>,
    at_unix_s: i64,
) -> Result<Option<Basis>, Fault> {
    let Some(trust) = trust else { return Ok(None) };
    let known_as = || redact::ids(certificate.subject()).into_owned();
    let judged = trust.judge(certificate, at_unix_s);
    Ok(Some(judged.map_err(|reason| reason.of_caller().because(known_as()))?.basis))
}

pub(super) const fn trust_word(basis: Option<Basis>) -> &'static str {
    match basis {
        Some(Basis::Pinned) => "pinned",
        Some(Basis::Chain) => "chain",
        None => "not_judged",
    }
}

fn accepted(signed: &Signed, basis: Option<Basis>) -> Value {
    let mut covered = vec!["Body"];
    if signed.covers_timestamp {
        covered.push("Timestamp");
    }
    if signed.covers_token {
        covered.push("BinarySecurityToken");
    }
    json!({
        "valid": true,
        "covered": covered,
        "algorithm": signed.algorithm.uri(),
        "trust": trust_word(basis),
        "signer": signer(&signed.certificate),
    })
}

fn signer(certificate: &Certificate) -> Value {
    let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let time = |unix_s| Timestamp::from_second(unix_s).map(|time| time.to_string()).ok();
    json!({
        "subject": redact::ids(certificate.subject()),
        "bin": certificate.bin(),
        "issuer": redact::ids(certificate.issuer()),
        "serial": certificate.serial_decimal(),
        "sha256": hex(certificate.sha256()),
        "spki_sha256": hex(certificate.spki_sha256()),
        "not_before": time(certificate.not_before_unix_s()),
        "not_after": time(certificate.not_after_unix_s()),
    })
}

fn refused(fault: &Fault) -> Value {
    let mut report = json!({ "valid": false, "code": fault.code.word(), "reason": fault.reason });
    if let Value::Object(fields) = &mut report {
        if let Some(at) = fault.at {
            fields.insert("at".into(), at.into());
        }
        if let Some(cause) = &fault.cause {
            fields.insert("signer".into(), json!({ "subject": cause }));
        }
    }
    report
}

/// The report for people: one line a fact.
fn lines(report: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if report["valid"] == false {
        let place = report.get("at").map(|at| format!(" at byte {at}")).unwrap_or_default();
        return format!("refused: {} {}{place}\n", text(&report["code"]), text(&report["reason"]));
    }
    if report.get("act").is_some() {
        return act::lines(report);
    }
    let covered: Vec<_> = report["covered"].as_array().into_iter().flatten().map(text).collect();
    let trust = match report["trust"].as_str() {
        Some("not_judged") => "not judged (--signature-only)",
        Some("pinned") => "this very certificate is trusted",
        _ => "chain to a trusted root",
    };
    let signer = &report["signer"];
    let receipt = report.get("receipt").map_or_else(String::new, |receipt| {
        let fact = |name: &str| text(receipt.get(name).unwrap_or(&Value::Null));
        format!(
            "number    {}\nstate     {}\namount    {} tiyn\n",
            fact("number"),
            fact("state"),
            fact("amount_tiyn")
        )
    });
    format!(
        "valid\n{receipt}covered   {}\nalgorithm {}\ntrust     {trust}\nsigner    {}\nissuer    {}\n\
         serial    {}\nvalid     {} … {}\nsha256    {}\n",
        covered.join(", "),
        text(&report["algorithm"]),
        text(&signer["subject"]),
        text(&signer["issuer"]),
        text(&signer["serial"]),
        text(&signer["not_before"]),
        text(&signer["not_after"]),
        text(&signer["sha256"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    #[test]
    fn an_iin_in_a_subject_is_never_printed_in_full() {
        let mut params = CertificateParams::default();
        let serial_number = DnType::CustomDnType(vec![2, 5, 4, 5]);
        params.distinguished_name.push(serial_number, "IIN850312300121");
        let key = KeyPair::generate().expect("a key");
        let der = params.self_signed(&key).expect("a certificate");
        let told = signer(&Certificate::parse(der.der()).expect("readable")).to_string();
        assert!(told.contains("IIN8503****0121") && !told.contains("850312300121"), "{told}");
    }
}
