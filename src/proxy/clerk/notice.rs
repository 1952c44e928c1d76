//! One participant's notices: signed SyncChannel requests, in order per payment, until each is acknowledged.

use super::super::Gateway;
use super::super::identify::is_pinned;
use super::super::trace::Trace;
use super::Desk;
use super::entry::{About, End, Entry, now_us};
use crate::config::settings::Agency;
use crate::journal::entry::EntryId;
use crate::ops::clerk::NoticeFigures;
use crate::payments::Payments;
use crate::payments::command::{Command, Reply, Telling};
use crate::payments::record::{Notice, Order};
use crate::sign::{Reason, wsse};
use crate::trial;
use crate::upstream::{UpstreamAnswer, UpstreamRequest};
use bytes::Bytes;
use qaqpa_kit::envelope::write::{RequestHead, request};
use qaqpa_kit::envelope::{Answer as Received, AnswerBody};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::Document;
use qaqpa_kit::xml::writer::{push_element, push_nested};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The service that takes a notice.
const SERVICE: &str = "PAY_Notice";
/// What acknowledges it.
const ACKNOWLEDGED: &str = "SCSS001";
/// Beyond an exchange's own deadline, before another node takes it for lost.
const MARGIN: Duration = Duration::from_secs(5);

/// The clerk of one participant that is told.
pub(super) struct NoticeClerk {
    gate: Arc<Gateway>,
    payments: Payments,
    recipient: String,
    agency: Arc<Agency>,
    figures: Arc<NoticeFigures>,
}

impl Desk for NoticeClerk {
    type Piece = Notice;

    fn name(notice: &Notice) -> &str {
        &notice.id
    }

    async fn due(&self, pieces_max: usize) -> Vec<Notice> {
        let limit = u32::try_from(pieces_max).unwrap_or(u32::MAX);
        let due = self.payments.notices_due(&self.recipient, now_us(), limit).await;
        due.unwrap_or_else(|down| {
            tracing::debug!(%down, recipient = self.recipient, "notices cannot be looked at");
            Vec::new()
        })
    }

    fn room(&self) -> usize {
        super::room(&self.gate, &self.agency)
    }

    async fn carry(&self, notice: Notice) {
        let until_us = now_us().saturating_add(
            i64::try_from((self.agency.deadline + MARGIN).as_micros()).unwrap_or(i64::MAX),
        );
        let Ok(Some(order)) = self.payments.order(&notice.order_id).await else { return };
        let Some(begun) = self.tell(&notice, Telling::Begin { until_us }).await else { return };
        trial::point("notice.begun");
        let told = self.exchange(&begun, &order).await;
        trial::point("notice.acknowledged");
        match told {
            Ok(()) => {
                self.figures.told.inc();
                self.tell(&begun, Telling::Told).await;
                trial::point("notice.told");
            }
            Err(fault) => {
                self.figures.failed.inc();
                let after = self.tell(&begun, Telling::Failed).await;
                let is_dead = after.is_some_and(|notice| notice.dead_at_us.is_some());
                let (event, recipient) = (begun.event_id(), &self.recipient);
                if is_dead {
                    self.figures.dead.inc();
                    tracing::error!(%fault, event, recipient, "a notice is a dead letter");
                } else {
                    tracing::info!(%fault, event, recipient, "a notice was not taken");
                }
            }
        }
    }
}

impl NoticeClerk {
    pub(super) fn new(
        gate: &Arc<Gateway>,
        payments: &Payments,
        (recipient, agency): (&str, &Arc<Agency>),
        figures: Arc<NoticeFigures>,
    ) -> Self {
        Self {
            gate: Arc::clone(gate),
            payments: payments.clone(),
            recipient: recipient.to_owned(),
            agency: Arc::clone(agency),
            figures,
        }
    }

    async fn tell(&self, notice: &Notice, telling: Telling) -> Option<Notice> {
        let (id, version) = (notice.id.clone(), notice.version);
        let command = Command::Tell { notice: id, version, telling, at_us: now_us() };
        match self.payments.run(command).await {
            Ok(Reply::Notice(notice)) => Some(*notice),
            Ok(_) => None,
            Err(down) => {
                tracing::warn!(%down, notice = notice.id, "a notice is left as it is");
                None
            }
        }
    }

    /// Sends it once; whoever hears it again knows it by its event.
    async fn exchange(&self, notice: &Notice, order: &Order) -> Result<(), Fault> {
        let id = EntryId::at(now_us());
        let event = notice.event_id();
        let head = RequestHead {
            message_id: &event,
            correlation_id: order.id.text(),
            service_id: SERVICE,
            message_date: &Trace::date(now_us()),
            route_id: "",
            sender_id: &self.gate.settings.node.id,
            password: "",
            session_id: &id.0.as_braced().to_string(),
        };
        let unsigned = request(&head, &data(notice, order));
        let signed = wsse::sign(unsigned.as_bytes(), self.gate.signers.outgoing())
            .map_err(|error| error.fault(Code::GatewayBug, Phase::Encode))?;
        let request = UpstreamRequest::soap(Bytes::from(signed));
        let about = About {
            service: SERVICE,
            message_id: &event,
            order: order.id.text(),
            is_idempotent: true,
        };
        let opened = Entry::open(&self.gate, (id, &self.agency), &about, &request).await;
        let mut entry = opened.map_err(|down| {
            Fault::new(Code::GatewayJournalDown, Phase::Open, down.why.word()).because(down)
        })?;
        let deadline = Instant::now() + self.agency.deadline;
        let sent = self.gate.upstreams.send(&self.agency, request, deadline).await;
        entry.mark(Phase::Send);
        let (body, http_status, read) = match sent {
            Ok(answer) => {
                let read = self.acknowledged(&answer);
                (answer.body, answer.status, read)
            }
            Err(failed) => (Bytes::new(), 0, Err(failed.fault)),
        };
        entry.mark(Phase::Decode);
        let fault = read.as_ref().err();
        let outcome = fault.map_or(Outcome::Done, Fault::outcome);
        entry.close(End { outcome, fault, answer: &body, http_status }).await;
        read
    }

    /// Whether the agency has it now, by its own signed word.
    fn acknowledged(&self, answer: &UpstreamAnswer) -> Result<(), Fault> {
        let broken = |reason| Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason);
        let document = Document::scan(&answer.body, &self.gate.settings.limits.xml)
            .map_err(|error| broken(error.reason))?;
        let envelope = Envelope::read(&document).map_err(|error| broken(error.reason))?;
        if envelope.security.is_some() || self.agency.answer_signed {
            self.check_signer(&envelope)?;
        }
        let received = Received::read(envelope.payload).map_err(|fault| broken(fault.reason))?;
        match received.body {
            AnswerBody::Response { status_code, .. }
                if answer.status == 200 && status_code == ACKNOWLEDGED =>
            {
                Ok(())
            }
            _ => Err(Fault::new(Code::AgencyUnlistedCode, Phase::Decode, "not_acknowledged")),
        }
    }

    fn check_signer(&self, envelope: &Envelope<'_>) -> Result<(), Fault> {
        let (trust, known) = (&self.gate.trust, &self.agency.answer_certificates);
        let now_unix_s = now_us() / 1_000_000;
        let signed = wsse::verify(envelope, known, trust.certificates(), now_unix_s)
            .map_err(|refusal| refusal.of_agency())?;
        if !is_pinned(known, &signed.certificate, now_unix_s) {
            let reason = "cert_not_bound_to_sender";
            return Err(Fault::new(Code::AgencyBadSignature, Phase::Decode, reason));
        }
        let judged = trust.judge(&signed.certificate, now_unix_s).map_err(Reason::of_agency)?;
        if self.gate.revocation.is_known_revoked(&judged, now_unix_s) {
            return Err(Reason::CertRevoked.of_agency());
        }
        Ok(())
    }
}

/// The inside of `data`: what changed, and of which payment. Amounts are whole tiyn.
fn data(notice: &Notice, order: &Order) -> String {
    let mut data = String::with_capacity(1024);
    push_nested(&mut data, "paymentNotice", |out| {
        let number = |number: i64| number.to_string();
        let optional = |text: &Option<String>| text.clone().unwrap_or_default();
        let charge = order.charge.as_ref().map(|id| id.text().to_owned());
        let reverses = order.reverses.as_ref().map(|id| id.text().to_owned());
        let claim = match notice.claim {
            Some(crate::payments::ledger::Claim::Suspense) => "suspense",
            Some(_) => "payee",
            None => "",
        };
        for (name, text) in [
            ("eventId", notice.event_id()),
            ("version", number(notice.order_version)),
            ("paymentId", order.id.text().to_owned()),
            ("endToEndId", order.end_to_end_id.clone()),
            ("chargeId", optional(&charge)),
            ("reverses", optional(&reverses)),
            ("state", notice.state.word().to_owned()),
            ("moneyLies", claim.to_owned()),
            ("cause", notice.cause.clone()),
            ("changedAt", Trace::date(notice.changed_at_us)),
            ("bank", order.bank.clone()),
            ("amountTiyn", number(order.amount_tiyn)),
            ("payer", order.payer.digits().to_owned()),
            ("payee", order.payee.digits().to_owned()),
            ("kbk", order.kbk.clone()),
            ("documentNumber", optional(&order.document_number)),
            ("postedAt", order.posted_at_us.map(Trace::date).unwrap_or_default()),
        ] {
            if !text.is_empty() {
                push_element(out, name, &text);
            }
        }
    });
    data
}
