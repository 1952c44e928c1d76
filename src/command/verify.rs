//! `qaqpa verify`: says of a signed message who signed what, and whether the signer is trusted.

pub(super) mod judge;

use super::{Failure, Profile, act, read_input, write_output};
use crate::sign::Reason;
use crate::sign::certificate::Certificate;
use crate::sign::explain::hint;
use crate::sign::pem;
use crate::sign::trust::status::{Status, Why};
use crate::sign::trust::{Basis, Judged, Trust};
use crate::sign::wsse::Signed;
use jiff::Timestamp;
use judge::Bench;
use qaqpa_kit::fault::{Code, Fault, Language, Phase};
use qaqpa_kit::hex;
use qaqpa_kit::redact;
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
    /// Roots, intermediates, or the signer's own certificate, PEM or DER; may be given several times.
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// The signer's certificate (PEM or DER), where the message names it without bringing it; may be given
    /// several times.
    #[arg(long, value_name = "FILE")]
    cert: Vec<PathBuf>,
    /// cms, jws: what a detached signature is over.
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    /// Do not judge the certificate, only the signature.
    #[arg(long)]
    signature_only: bool,
    /// The moment to judge for (RFC 3339); default: now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Of an act: the folder of its run, whose files must be those that were signed.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Revocation lists (PEM or DER) of the authorities in --trust; then who is on none is refused.
    #[arg(long, value_name = "CRL", requires = "trust")]
    revocation: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The signed document; `-` reads standard input. Of several, each gets one line.
    #[arg(required = true)]
    file: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, or a trust file without certificates.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let files: Vec<_> = args
        .trust
        .iter()
        .map(|path| read_input(path).map(|pem| (path.display(), pem)))
        .collect::<Result<_, _>>()?;
    let trust = Trust::load(files).map_err(Failure::work)?;
    let at_unix_s = args.at.unwrap_or_else(Timestamp::now).as_second();
    for path in &args.revocation {
        shelve(&trust, path, at_unix_s)?;
    }
    let trust = (!args.signature_only).then_some(&trust);
    let mut known: Vec<_> = trust.iter().flat_map(|trust| trust.signers()).collect();
    for path in &args.cert {
        known.extend(certificates(path)?);
    }
    let bench = Bench {
        trust,
        known,
        content: args.content.as_deref().map(read_input).transpose()?,
        at_unix_s,
    };
    let mut is_valid = true;
    for file in &args.file {
        let source = read_input(file)?;
        let judged = match args.profile {
            Profile::Wsse => bench.wsse(&source),
            Profile::Xmldsig => bench.xmldsig(&source),
            Profile::Cms => bench.cms(&source),
            Profile::Jws => bench.jws(&source),
            Profile::Httpsig => bench.http(&source),
            Profile::Receipt => bench.receipt(&source),
            Profile::Act => {
                let folder = args.folder.as_deref().map(act::digested).transpose()?;
                let (folder, at_unix_s) = (folder.as_deref(), bench.at_unix_s);
                act::judge(&source, &act::By { trust, at_unix_s, folder })
            }
        };
        is_valid &= judged.is_ok();
        let mut report = judged.unwrap_or_else(|fault| refused(&fault));
        let text = match (args.json, args.file.len()) {
            (true, 1) => format!("{report:#}\n"),
            (true, _) => {
                if let Value::Object(fields) = &mut report {
                    fields.insert("file".into(), file.display().to_string().into());
                }
                format!("{report}\n")
            }
            (false, 1) => lines(&report),
            (false, _) => {
                let first = lines(&report);
                format!("{}: {}\n", file.display(), first.lines().next().unwrap_or_default())
            }
        };
        write_output(text.as_bytes())?;
    }
    Ok(if is_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads a revocation list.
fn shelve(trust: &Trust, path: &std::path::Path, at_unix_s: i64) -> Result<(), Failure> {
    let bytes = read_input(path)?;
    let blocks = pem::blocks(&bytes).unwrap_or_default();
    let der = blocks.iter().find(|block| block.label == "X509 CRL").map(|block| &block.der[..]);
    let read = trust.shelve(der.unwrap_or(&bytes), at_unix_s);
    read.map(drop).map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}

/// What the lists at hand say of a believed certificate; nothing where none was given.
fn check_lists(trust: &Trust, judged: &Judged, at_unix_s: i64) -> Result<(), Fault> {
    let shelf = trust.shelf();
    if shelf.crls().is_empty() {
        return Ok(());
    }
    let found = match judged.certificate() {
        Some((own, Some(issuer))) => shelf.look_up(own, issuer, at_unix_s),
        _ => None,
    };
    match found.map(|found| found.status) {
        Some(Status::Good) => Ok(()),
        Some(Status::Revoked { .. }) => Err(Reason::CertRevoked.of_caller()),
        Some(Status::Unknown(why)) => {
            Err(Fault::new(Code::PkiUnknownStatus, Phase::Verify, why.word()))
        }
        None => Err(Fault::new(Code::PkiUnknownStatus, Phase::Verify, Why::CrlMissing.word())),
    }
}

/// The certificates of a file.
fn certificates(path: &std::path::Path) -> Result<Vec<Arc<Certificate>>, Failure> {
    let blocks = pem::certificates(&read_input(path)?).map_err(Failure::work)?;
    let parsed = blocks.iter().map(|der| Certificate::parse(der).map(Arc::new));
    parsed
        .collect::<Result<_, _>>()
        .map_err(|reason| Failure::work(format!("{}: {}", path.display(), reason.word())))
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
    let judged = judged.map_err(|reason| reason.of_caller().because(known_as()))?;
    check_lists(trust, &judged, at_unix_s).map_err(|fault| fault.because(known_as()))?;
    Ok(Some(judged.basis))
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

pub(super) fn signer(certificate: &Certificate) -> Value {
    let time = |unix_s| Timestamp::from_second(unix_s).map(|time| time.to_string()).ok();
    json!({
        "subject": redact::ids(certificate.subject()),
        "bin": certificate.bin(),
        "issuer": redact::ids(certificate.issuer()),
        "serial": certificate.serial_decimal(),
        "sha256": hex::lower(&certificate.sha256()),
        "spki_sha256": hex::lower(&certificate.spki_sha256()),
        "not_before": time(certificate.not_before_unix_s()),
        "not_after": time(certificate.not_after_unix_s()),
    })
}

fn refused(fault: &Fault) -> Value {
    let mut report = json!({
        "valid": false,
        "code": fault.code.word(),
        "reason": fault.reason,
        "whose": fault.origin().word(),
        "error_code": fault.error_code(),
        "cure": hint::of_fault(fault).map(|hint| hint.text(Language::En)),
    });
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
        let cure = report["cure"].as_str().map(|cure| format!("cure      {cure}\n"));
        return format!(
            "refused: {} {}{place}\nwhose     {} (errorCode {})\n{}",
            text(&report["code"]),
            text(&report["reason"]),
            text(&report["whose"]),
            text(&report["error_code"]),
            cure.unwrap_or_default(),
        );
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
