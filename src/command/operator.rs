//! Who says a word that only a person may say: a name that is believed on this machine, or a key that signs it.

use super::{Failure, now_unix_us, read_input, sign};
use crate::config::settings::Settings;
use crate::journal::{Journal, JournalDown};
use crate::payments::breaks::{PROVED, is_operator};
use crate::reconcile::desk::Proof;
use crate::reconcile::desk::entry::{About, Entry};
use crate::sign::{Certificate, Trust, cms};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa_kit::hex;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Bytes of a digest that stand in a name.
const NAME_BYTES: usize = 10;

/// Who says it, and why: both stand in the journal, and beside what is spoken of, for ever.
#[derive(Debug, clap::Args)]
pub(super) struct Who {
    /// Who you are. Only who may read the installation's secrets can say it, so it is believed.
    #[arg(long, value_name = "NAME", value_parser = operator, required_unless_present = "key")]
    operator: Option<String>,
    /// Your private key instead of a name: PKCS#12, PKCS#8, or PKCS#1 and SEC1 as PEM. Who you are is
    /// then what its certificate says, and what you do is signed with it.
    #[arg(long, value_name = "FILE", conflicts_with = "operator")]
    key: Option<PathBuf>,
    /// The key's certificate, of whom the installation believes; not needed with a PKCS#12 file.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// File with the password of the key.
    #[arg(long, value_name = "FILE", requires = "key")]
    key_password_file: Option<PathBuf>,
    /// Why, e.g. the number of the bank's letter.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

/// Who speaks, known by the means that there were.
#[derive(Clone, Debug)]
pub(super) struct Speaker {
    /// Small letters, digits, dots, `@`, `_` and `-`.
    pub operator: String,
    pub reason: String,
    /// `None`: the name is believed.
    pub proof: Option<Proof>,
}

impl Speaker {
    /// Who says it and why, as it stands beside what is spoken of.
    pub(super) fn line(&self) -> String {
        format!("{}: {}", self.operator, self.reason)
    }
}

/// A word of a person, as the journal keeps it.
pub(super) struct Saying<'s> {
    /// What it is called there.
    pub service: &'static str,
    /// Whom it is said to.
    pub agency: &'static str,
    /// What it is about.
    pub subject: &'s str,
    pub asked: &'s Value,
}

impl Saying<'_> {
    /// What the key of its speaker signs.
    pub(super) fn words(&self, speaker: &Speaker) -> Value {
        json!({
            "service": self.service, "asked": self.asked, "operator": speaker.operator,
            "note": speaker.reason,
        })
    }

    /// Opens its entry; durable when it returns.
    ///
    /// # Errors
    /// The journal does not take it now.
    pub(super) async fn open<'j>(
        &self,
        journal: &'j Journal,
        speaker: &Speaker,
    ) -> Result<Entry<'j>, JournalDown> {
        let proof = speaker.proof.as_ref();
        let about = About {
            service: self.service,
            sender: &speaker.operator,
            agency: self.agency,
            subject: self.subject,
            said: &Proof::beside(proof, self.words(speaker)),
            certificate: Proof::certificate_of(proof),
        };
        Entry::open(journal, &about).await
    }
}

/// The name of an operator, on this machine.
pub(super) fn operator(name: &str) -> Result<String, String> {
    let cure = format!("write 1 to 64 small letters, digits, dots, @, _ or -, not {PROVED} first");
    if is_operator(name) && !name.starts_with(PROVED) { Ok(name.to_owned()) } else { Err(cure) }
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("say why".to_owned()) } else { Ok(text.to_owned()) }
}

impl Who {
    /// Whoever speaks, with the proof of it where there is one; `said`: the words that a key signs, by
    /// the name that the speaker has.
    ///
    /// # Errors
    /// The key cannot be used, or the installation does not believe its certificate.
    pub(super) fn speaks(
        self,
        settings: &Settings,
        said: impl FnOnce(&Speaker) -> String,
    ) -> Result<Speaker, Failure> {
        let operator = self.operator.unwrap_or_default();
        let speaker = Speaker { operator, reason: self.reason, proof: None };
        let Some(key) = self.key else { return Ok(speaker) };
        let password = self.key_password_file.as_deref();
        let signer = sign::signer(&key, self.cert.as_deref(), password)?;
        let now_unix_s = now_unix_us() / 1_000_000;
        let files = settings.trust.files.iter();
        let files = files.map(|path| read_input(path).map(|pem| (path.display(), pem)));
        let trust = Trust::load(files.collect::<Result<Vec<_>, _>>()?).map_err(Failure::work)?;
        let trust = trust.with_unverified(settings.trust.gost_2015_256);
        let judged = trust.judge(signer.certificate(), now_unix_s);
        judged.map_err(|reason| {
            Failure::work(format!("the certificate is not believed: {}", reason.word()))
        })?;
        let speaker = Speaker { operator: name(signer.certificate()), ..speaker };
        let signed = cms::sign(said(&speaker).as_bytes(), true, &signer, now_unix_s);
        let cms = STANDARD.encode(signed.map_err(Failure::work)?);
        let certificate = signer.certificate().sha256();
        Ok(Speaker { proof: Some(Proof { certificate, cms }), ..speaker })
    }
}

/// One name for one person, whatever certificate is used. Their number is not written out in it; whoever
/// guesses the number can still check it.
fn name(certificate: &Certificate) -> String {
    let person = certificate.iin().or(certificate.bin()).unwrap_or(certificate.subject());
    let digest = digest(&SHA256, format!("qaqpa-operator-1\n{person}").as_bytes());
    let digits = hex::lower(digest.as_ref().get(..NAME_BYTES).unwrap_or_default());
    format!("{PROVED}{digits}")
}
