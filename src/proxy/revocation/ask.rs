//! One question to a responder for everybody who waits for its answer.

use super::{Revocation, Verdict};
use crate::sign::trust::Link;
use crate::sign::trust::ocsp::{Answer, Expected, NONCE_OCTETS, NameDigest, Question};
use crate::sign::trust::status::{Status, Why};
use crate::upstream::{Upstream, UpstreamRequest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use qaqpa_kit::fault::Code;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;
use tokio::time::timeout_at;

const QUESTION_TYPE: &str = "application/ocsp-request";
const ANSWER_TYPE: &str = "application/ocsp-response";

/// How a question ended; `None` while it is under way.
type Told = Option<Result<Answer, Why>>;

/// Where a responder is asked: the way to its host, and the path there.
pub(super) type Way = (Arc<Upstream>, String);

/// The certificate that is asked about, and its issuer.
pub(super) type Subject = (Arc<Link>, Arc<Link>);

/// Questions under way, one a certificate.
#[derive(Debug, Default)]
pub(super) struct Asks {
    under_way: Mutex<HashMap<[u8; 32], watch::Receiver<Told>>>,
}

impl Asks {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], watch::Receiver<Told>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Revocation {
    /// Asks, or waits for who asks already; the question goes on when `until` has come.
    pub(super) async fn ask(
        self: &Arc<Self>,
        way: Way,
        subject: Subject,
        until: Instant,
    ) -> Result<Verdict, Why> {
        let identity = subject.0.sha256();
        let mut told = self.begin(way, subject)?;
        let answer = match timeout_at(until.into(), told.wait_for(Option::is_some)).await {
            Ok(Ok(told)) => told.clone().unwrap_or(Err(Why::OcspDown))?,
            Ok(Err(_gone)) => return Err(Why::OcspDown),
            Err(_elapsed) => return Err(Why::OcspSlow),
        };
        let known = self.memory.known(&identity);
        let evidence = known.map(|known| {
            known.use_now();
            known.evidence()
        });
        Ok(Verdict::new(answer.status, evidence.unwrap_or_default()))
    }

    /// Begins a question where none is under way.
    pub(super) fn begin(
        self: &Arc<Self>,
        way: Way,
        subject: Subject,
    ) -> Result<watch::Receiver<Told>, Why> {
        let mut under_way = self.asks.lock();
        let identity = subject.0.sha256();
        if let Some(told) = under_way.get(&identity) {
            return Ok(told.clone());
        }
        if under_way.len() >= self.settings.ocsp_in_flight_max {
            return Err(Why::OcspBusy);
        }
        let (tell, told) = watch::channel(None);
        under_way.insert(identity, told.clone());
        let own = Arc::clone(self);
        tokio::spawn(async move {
            own.metrics.revocation.ocsp_in_flight.inc();
            let result = own.exchange(way, &subject).await;
            let noted =
                own.memory.note((&subject.0, &subject.1), result, own.settings.statuses_max);
            own.asks.lock().remove(&identity);
            own.metrics.revocation.ocsp_in_flight.dec();
            if let Err(why) = &noted {
                tracing::warn!(why = why.word(), "a responder did not help");
            }
            tell.send_replace(Some(noted));
        });
        Ok(told)
    }

    async fn exchange(
        self: &Arc<Self>,
        (upstream, path): Way,
        (certificate, issuer): &Subject,
    ) -> Result<(Answer, Arc<[u8]>), Why> {
        let mut nonce = [0; NONCE_OCTETS];
        let nonce = SystemRandom::new().fill(&mut nonce).is_ok().then_some(nonce);
        let digest = if self.settings.ocsp_by_sha1 { NameDigest::Sha1 } else { NameDigest::Sha256 };
        let question = Question::new(certificate, issuer, digest, nonce);
        let question = question.map_err(|_| Why::OcspMalformed)?;
        let body = question.to_der().map_err(|_| Why::OcspMalformed)?;
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(QUESTION_TYPE));
        let request = Box::new(UpstreamRequest {
            method: Method::POST,
            path,
            headers,
            body: Bytes::from(body),
            may_repeat: true,
        });
        let started = Instant::now();
        let answer = upstream.send(request, started + self.settings.ocsp_deadline).await;
        self.metrics.revocation.ocsp_seconds.observe(started.elapsed().as_secs_f64());
        let answer = answer.map_err(|failed| match failed.fault.code {
            Code::AgencyTimeout => Why::OcspSlow,
            Code::AgencyUnreachable if failed.fault.reason.contains("deadline") => Why::OcspSlow,
            _ => Why::OcspDown,
        })?;
        if answer.status != 200 || answer.content_type.as_deref() != Some(ANSWER_TYPE) {
            return Err(Why::OcspMalformed);
        }
        let now_unix_s = super::refresh::now_unix_s();
        let shelf = self.trust.shelf();
        let is_revoked = |responder: &Link| {
            let found = shelf.look_up(responder, issuer, now_unix_s);
            found.is_some_and(|found| matches!(found.status, Status::Revoked { .. }))
        };
        let expected = Expected {
            question: &question,
            issuer,
            is_revoked: &is_revoked,
            now_unix_s,
            age_s_max: self.settings.ocsp_age_s_max,
        };
        let read = Answer::read(&answer.body, &expected)?;
        Ok((read, Arc::from(&answer.body[..])))
    }
}
