//! `qaqpa explain`: what a signature covered, which rule it broke, and what its sender usually did.

mod labels;
mod written;

use super::http_file::HttpFile;
use super::verify::judge::data_of;
use super::{Failure, read_input, write_output};
use crate::config::settings::BoundCertificate;
use crate::sign::business::collect::cms_bytes;
use crate::sign::business::enveloped::signatures;
use crate::sign::business::root::{self, Root};
use crate::sign::certificate::CertificateCache;
use crate::sign::explain::hint::{Hint, of_reason, of_word};
use crate::sign::explain::{Explanation, business, transport};
use crate::sign::trust::Trust;
use crate::sign::{Reason, Refusal, cms, rest};
use jiff::Timestamp;
use qaqpa_kit::fault::Language;
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Element, Limits, NodeId};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Explain a signed message: what was covered, which rule failed, what a sender usually did wrong.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Language of the advice: en, ru or kk.
    #[arg(long, default_value = "en", value_parser = language)]
    lang: Language,
    /// Roots, intermediates, or the signer's own certificate; may be given several times.
    #[arg(long, value_name = "PEM")]
    trust: Vec<PathBuf>,
    /// The moment to judge for (RFC 3339); default: now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Print the canonical bytes of what is covered.
    #[arg(long)]
    canonical: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The signed message; `-` reads standard input.
    file: PathBuf,
    /// The same message as its sender has it: the first difference of their canonical forms is shown.
    other: Option<PathBuf>,
}

fn language(word: &str) -> Result<Language, String> {
    [Language::Kk, Language::Ru, Language::En]
        .into_iter()
        .find(|language| language.word() == word)
        .ok_or_else(|| "expected en, ru or kk".to_owned())
}

/// One signature, or one reason why there is none to speak of.
#[derive(Debug, Default)]
struct Told {
    part: &'static str,
    /// The first broken rule, and where in an XML document; `None` for a good signature.
    reason: Option<(String, Option<usize>)>,
    explanation: Option<Explanation>,
    hints: Vec<Hint>,
    /// The signer's certificate and on what it is believed, or why not.
    certificate: Option<Value>,
}

impl Told {
    fn is_missing(&self) -> bool {
        let missing = Reason::SignatureMissing.word();
        self.reason.as_ref().is_some_and(|(word, _)| word == missing)
    }
}

/// Runs the command: 0 where everything is in order, 1 where something is wrong.
///
/// # Errors
/// A file that cannot be read, or a trust file without certificates.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let source = read_input(&args.file)?;
    let files: Vec<_> = (args.trust.iter())
        .map(|path| read_input(path).map(|pem| (path.display(), pem)))
        .collect::<Result<_, _>>()?;
    let trust = Trust::load(files).map_err(Failure::work)?;
    let trust = (!args.trust.is_empty()).then_some(&trust);
    let at_unix_s = args.at.unwrap_or_else(Timestamp::now).as_second();
    let told = explain(&source, trust, at_unix_s);
    let other = args.other.as_deref().map(read_input).transpose()?;
    let difference = other.map(|other| {
        let theirs = explain(&other, None, at_unix_s);
        written::difference(&told, &theirs)
    });
    let is_good = told.iter().all(|one| one.reason.is_none());
    let report = written::report(&told, &source, args.lang, args.canonical, difference);
    let text = if args.json { format!("{report:#}\n") } else { written::lines(&report, args.lang) };
    write_output(text.as_bytes())?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every signature that can be found in a file, whatever its kind.
fn explain(source: &[u8], trust: Option<&Trust>, at_unix_s: i64) -> Vec<Told> {
    let text = std::str::from_utf8(source).unwrap_or_default().trim();
    let is_xml = text.trim_start_matches('\u{feff}').starts_with('<');
    if is_xml || source.starts_with(&[0xff, 0xfe]) || source.starts_with(&[0xfe, 0xff]) {
        return of_xml(source, trust, at_unix_s);
    }
    let cache = CertificateCache::default();
    if let Ok(file) = HttpFile::read(source) {
        let verified = rest::http::verify(&file.parts(), &[], &cache, at_unix_s);
        return vec![plain("http", verified.map(|one| one.certificate), trust, at_unix_s)];
    }
    let dots = text.bytes().filter(|byte| *byte == b'.').count();
    if dots == 2 && !text.contains(char::is_whitespace) || text.starts_with('{') {
        let verified = rest::jws::verify(text, None, &[], &cache);
        return vec![plain("jws", verified.map(|one| one.certificate), trust, at_unix_s)];
    }
    let der = cms_bytes(text);
    let verified = cms::verify(der.as_deref().unwrap_or(source), None, &[], &cache);
    let first = verified.map(|verified| verified.signatures.into_iter().next());
    let first = first.and_then(|first| first.ok_or(Reason::CmsMalformed));
    vec![plain("cms", first.map(|one| one.certificate), trust, at_unix_s)]
}

/// A signature without a canonical form to show.
fn plain(
    part: &'static str,
    verified: Result<std::sync::Arc<crate::sign::Certificate>, Reason>,
    trust: Option<&Trust>,
    at_unix_s: i64,
) -> Told {
    let mut told = Told { part, ..Told::default() };
    match verified {
        Ok(certificate) => believe(&mut told, &certificate, trust, at_unix_s),
        Err(reason) => {
            told.reason = Some((reason.word().to_owned(), None));
            told.hints.push(of_reason(reason));
        }
    }
    told
}

fn of_xml(source: &[u8], trust: Option<&Trust>, at_unix_s: i64) -> Vec<Told> {
    let document = match Document::scan(source, &Limits::default()) {
        Ok(document) => document,
        Err(error) => return vec![broken("document", error.reason, error.at)],
    };
    match document.root().local() {
        "Envelope" => {}
        "syncSendMessageRequest" => return of_payload(document.root(), trust, at_unix_s),
        _ => return of_document(&Root::of_document(&document), trust, at_unix_s),
    }
    let envelope = match Envelope::read(&document) {
        Ok(envelope) => envelope,
        Err(error) => return vec![broken("envelope", error.reason, error.at)],
    };
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
    let mut told = vec![judged(transport(&envelope, &known, at_unix_s), trust, at_unix_s)];
    let of_business = of_payload(envelope.payload, trust, at_unix_s);
    // A message that its sender signed need hold no signed document.
    told.extend(of_business.into_iter().filter(|one| !one.is_missing()));
    told
}

/// The business signatures in the `data` of a message.
fn of_payload(payload: Element<'_>, trust: Option<&Trust>, at_unix_s: i64) -> Vec<Told> {
    match data_of(payload) {
        Err(fault) => vec![Told {
            hints: vec![Hint::Misplaced],
            ..broken("envelope", fault.reason, fault.at.unwrap_or_default())
        }],
        Ok(None) => vec![refused(Reason::SignatureMissing.at(payload.span().start))],
        Ok(Some(data)) => {
            let look = |root: &Root<'_>| Ok(of_document(root, trust, at_unix_s));
            root::look(data, &Limits::default(), look)
                .unwrap_or_else(|refusal| vec![refused(refusal)])
        }
    }
}

/// Every signature of a document, as verified: the last one first.
fn of_document(root: &Root<'_>, trust: Option<&Trust>, at_unix_s: i64) -> Vec<Told> {
    let found = match signatures(root) {
        Ok(found) => found,
        Err(refusal) => return vec![refused(refusal)],
    };
    let ids: Vec<NodeId> = found.iter().map(|one| one.id()).collect();
    let mut told: Vec<Told> = (found.iter().enumerate())
        .map(|(index, one)| {
            let later = ids.get(index..).unwrap_or_default();
            judged(business(root, *one, later), trust, at_unix_s)
        })
        .collect();
    told.reverse();
    told
}

fn broken(part: &'static str, word: &str, at: usize) -> Told {
    Told {
        part,
        reason: Some((word.to_owned(), Some(at))),
        hints: vec![of_word(word)],
        ..Told::default()
    }
}

/// A business signature that is missing or cannot be looked for.
fn refused(refusal: Refusal) -> Told {
    let hints = vec![of_reason(refusal.reason)];
    Told { hints, ..broken("business", refusal.reason.word(), refusal.at) }
}

fn judged(explanation: Explanation, trust: Option<&Trust>, at_unix_s: i64) -> Told {
    let mut told = Told {
        part: explanation.part,
        reason: explanation.refused.map(|found| (found.reason.word().to_owned(), Some(found.at))),
        hints: explanation.hints.clone(),
        ..Told::default()
    };
    if let Some(certificate) = &explanation.certificate {
        believe(&mut told, certificate, trust, at_unix_s);
    }
    told.explanation = Some(explanation);
    told
}

/// Trust in the signer, where there is trust to judge by.
fn believe(
    told: &mut Told,
    certificate: &std::sync::Arc<crate::sign::Certificate>,
    trust: Option<&Trust>,
    at_unix_s: i64,
) {
    let judged = trust.map(|trust| trust.judge(certificate, at_unix_s));
    let believed = match &judged {
        None => json!("not_judged"),
        Some(Ok(_)) => json!("trusted"),
        Some(Err(reason)) => json!(reason.word()),
    };
    told.certificate =
        Some(json!({ "signer": super::verify::signer(certificate), "trust": believed }));
    if let (Some(Err(reason)), None) = (&judged, &told.reason) {
        told.reason = Some((reason.word().to_owned(), None));
        told.hints.push(of_reason(*reason));
    }
}
