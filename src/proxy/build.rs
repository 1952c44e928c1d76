//! From checked settings to everything that a call needs: at the start, and beside it at each change.
//!
//! Nothing here changes what runs: a gateway is built whole or not at all.

use super::Gateway;
use super::admit::Admission;
use super::identify::Callers;
use super::revocation::Revocation;
use super::start::StartError;
use crate::channel::rest::openapi::Description;
use crate::config::settings::{Participant, Settings, SigningKey};
use crate::journal::Journal;
use crate::ops::metrics::Metrics;
use crate::payments::Payments;
use crate::payments::desk::Desk;
use crate::sign::trust::Trust;
use crate::sign::{Certificate, Signers, keystore};
use crate::upstream::Upstreams;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What stays while configurations change.
#[derive(Clone)]
pub(super) struct Lasting {
    pub(super) journal: Journal,
    pub(super) payments: Option<Payments>,
    pub(super) metrics: Arc<Metrics>,
}

/// Reads keys, certificates and trust files, and makes a gateway of them. Limits, quotas, breakers and
/// connections go on from where those of the gateway `before` are.
///
/// # Errors
/// The first file that cannot be used.
pub(super) fn build(
    settings: &Arc<Settings>,
    lasting: Lasting,
    before: Option<&Gateway>,
) -> Result<Gateway, StartError> {
    let Lasting { journal, payments, metrics } = lasting;
    let read = |path: &Path| {
        std::fs::read(path)
            .map(Zeroizing::new)
            .map_err(|error| StartError::File { path: path.to_owned(), error })
    };
    let mut files = Vec::new();
    for path in &settings.trust.files {
        files.push((path.display(), read(path)?));
    }
    let trust = Arc::new(Trust::load(files)?.with_unverified(settings.trust.gost_2015_256));
    if let Some(before) = before {
        trust.adopt(&before.trust);
    }
    let known = before.map(|before| &*before.revocation);
    let revocation = Arc::new(Revocation::new(settings, &trust, &metrics, known)?);
    let mut signers = Vec::new();
    for SigningKey { key, certificate, password } in &settings.signing.keys {
        let certificate = certificate.as_deref().map(read).transpose()?;
        let password = password.as_deref().map(read).transpose()?;
        let password = password.map(|bytes| keystore::password(&bytes));
        let signer = keystore::signer(
            &read(key)?,
            certificate.as_ref().map(|bytes| bytes.as_slice()),
            password.as_ref().map(|password| password.as_str()),
        );
        signers.push(signer.map_err(|error| StartError::Key { path: key.clone(), error })?);
    }
    let signers =
        Signers::new(signers, settings.signing.answer_signature).ok_or(StartError::NoKey)?;
    metrics.extend(settings);
    let upstreams = Upstreams::renewed(settings, &metrics, before.map(|before| &before.upstreams))?;
    let admission = match before {
        Some(before) => Admission::after(settings, &before.admission),
        None => Admission::new(settings),
    };
    let desk = payments.map(|payments| Desk::new(payments, Arc::new(settings.payments.clone())));
    Ok(Gateway {
        settings: Arc::clone(settings),
        rest: Description::of(settings),
        callers: Callers::new(Arc::clone(settings)),
        admission,
        trust,
        revocation,
        signers,
        journal,
        desk,
        upstreams,
        replays: before.map(|before| Arc::clone(&before.replays)).unwrap_or_default(),
        metrics,
    })
}

/// Tells the metrics when the certificates of participants end.
pub(super) fn tell_certificates(settings: &Settings, metrics: &Metrics) {
    for participant in settings.participants.values() {
        if let Some(until_unix_s) = last_day(participant) {
            metrics.certificate_expires(&participant.id, until_unix_s);
        }
    }
}

/// When the last certificate bound to a participant ends, by its pin's days or its own.
fn last_day(participant: &Participant) -> Option<i64> {
    let ends = participant.certificates.iter().map(|pin| {
        let own = pin.der.as_deref().and_then(|der| Certificate::parse(der).ok());
        own.map_or(pin.until_unix_s, |own| pin.until_unix_s.min(own.not_after_unix_s()))
    });
    ends.max()
}
