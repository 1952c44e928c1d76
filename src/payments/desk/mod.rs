//! The payments desk: what callers ask of charges, payments and refunds, decided in this process.
//!
//! It is the agency behind `house:payments`: the requests are those that its adapter writes, and the
//! answers go back the way any agency's do. It judges values, codes and states; money moves in
//! [`Payments`] alone. Whatever changes something is done once for the caller's key, and the same key
//! gets the same bytes again, also after a crash that the journal did not survive.

mod bank;
mod charges;
mod orders;
mod proofs;
mod terms;
mod view;

pub(crate) use bank::event_of;

use super::Payments;
use super::command::{Answered, Command, Key, Refusal, Reply};
use crate::config::settings;
use crate::journal::Why;
use crate::journal::down::JournalDown;
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa_adapters::payments::wire;
use qaqpa_kit::adapter::HttpOutgoing;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::hex;
use qaqpa_kit::refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Who asks, and under which name.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The caller's id in this installation.
    pub participant: &'a str,
    /// The caller's own name for this call; `None`: it gave none, so every call is one of its own.
    pub key: Option<&'a str>,
    /// Unix microseconds.
    pub at_us: i64,
    /// IIN and BIN must have the right check digits.
    pub check_digits: bool,
    /// SHA-256 of the message as it came, 64 hex digits.
    pub original_digest: &'a str,
}

/// What the desk answers, as an agency would over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
}

/// Why there is no answer of success.
#[derive(Debug)]
enum Unanswered {
    /// Nothing was done, and this is why.
    Refused(wire::Refusal),
    Fault(Fault),
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refusal> for Unanswered {
    fn from(refusal: Refusal) -> Self {
        refused(refusal.reason(), None)
    }
}

/// The store could not do it now, and may have done it: whoever asks again by the same key finds out.
impl From<JournalDown> for Unanswered {
    fn from(down: JournalDown) -> Self {
        Self::Fault(match down.why {
            // It was not even taken into the queue.
            Why::QueueFull => Fault::new(Code::GatewayOverloaded, Phase::Open, "payments_waiting")
                .retry_after_s(1)
                .because(down),
            _ => Fault::new(Code::GatewayJournalDown, Phase::Send, "payments_down").because(down),
        })
    }
}

fn refused(reason: &str, field: Option<&str>) -> Unanswered {
    Unanswered::Refused(wire::Refusal {
        reason: reason.to_owned(),
        field: field.map(str::to_owned),
    })
}

/// The desk of one node.
#[derive(Clone)]
pub struct Desk {
    pub payments: Payments,
    settings: Arc<settings::Payments>,
}

impl Desk {
    /// A desk over running payments.
    #[must_use]
    pub fn new(payments: Payments, settings: Arc<settings::Payments>) -> Self {
        Self { payments, settings }
    }

    /// Answers one request of the desk's adapter.
    ///
    /// # Errors
    /// `caller.conflict` for a key that was used with another body, `caller.forbidden` for a bank's
    /// request of somebody else, `gateway.journal_down` where the store does not answer: then it may
    /// have been done. `gateway.bug` for a request that the adapter does not write.
    pub async fn answer(&self, asker: &Asker<'_>, asked: &HttpOutgoing) -> Result<Told, Fault> {
        let told = match asked.path.strip_prefix('/').unwrap_or_default() {
            "PAY_ChargeRegister" => self.charge_register(asker, asked).await,
            "PAY_ChargesLoad" => self.charges_load(asker, asked).await,
            "PAY_ChargeInfo" => self.charge_info(asked).await,
            "PAY_ChargesOpen" => self.charges_open(asker, asked).await,
            "PAY_ChargeAnnul" => self.charge_annul(asker, asked).await,
            "PAY_PaymentCreate" => self.payment_create(asker, asked).await,
            "PAY_PaymentInfo" => self.payment_info(asked).await,
            "PAY_PaymentsFind" => self.payments_find(asked).await,
            "PAY_PaymentCancel" => self.payment_cancel(asker, asked).await,
            "PAY_Refund" => self.refund(asker, asked).await,
            "PAY_DutyFind" => self.duty_find(asker, asked).await,
            "PAY_DutyUse" => self.duty_use(asker, asked).await,
            "PAY_BankCheck" => self.bank_check(asker, asked).await,
            "PAY_BankPay" => self.bank_pay(asker, asked).await,
            "PAY_BankNotice" => self.bank_notice(asker, asked).await,
            _ => return Err(Fault::new(Code::GatewayBug, Phase::Encode, "desk_without_service")),
        };
        refusing(asked, told)
    }

    /// Answers a request for a receipt; `sign` makes the signed form of its JSON.
    ///
    /// # Errors
    /// As [`Desk::answer`], and those of `sign`.
    pub async fn receipt(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
        sign: &(dyn Fn(&[u8]) -> Result<String, Fault> + Sync),
    ) -> Result<Told, Fault> {
        refusing(asked, self.receipt_written(asker, asked, sign).await)
    }

    /// Does a command once for the caller's key; `told` makes the answer of what it led to.
    async fn once(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
        command: Command,
        told: impl Fn(&Reply) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Unanswered> {
        let Some(key) = asker.key else {
            return match self.payments.run(command).await? {
                Reply::Refused(refusal) => Err(refusal.into()),
                reply => Ok(told(&reply)),
            };
        };
        let key = Key {
            owner: format!("{}:{}", asker.participant, asked.path),
            key: key.to_owned(),
            digest: hex_sha256(&asked.body),
            at_us: asker.at_us,
        };
        match self.payments.run_once(key, Box::new(told), command).await? {
            Answered::Now(Reply::Refused(refusal), _) => Err(refusal.into()),
            Answered::Now(_, kept) => Ok(kept.unwrap_or_default()),
            Answered::Again(kept) => Ok(kept),
            Answered::OtherBody => {
                let reason = "idempotency_key_reused";
                Err(Fault::new(Code::CallerConflict, Phase::Open, reason).into())
            }
        }
    }
}

/// A refusal as an answer that says why.
fn refusing(asked: &HttpOutgoing, told: Result<Told, Unanswered>) -> Result<Told, Fault> {
    told.or_else(|unanswered| match unanswered {
        Unanswered::Fault(fault) => Err(fault),
        // A bank reads a verdict in every answer.
        Unanswered::Refused(refusal) if asked.path.starts_with("/PAY_Bank") => {
            Ok(bank::malformed(&refusal))
        }
        Unanswered::Refused(refusal) => {
            let status = refusal::find(&refusal.reason).map_or(422, |row| row.http_status);
            Ok(Told { status, body: json(&refusal) })
        }
    })
}

/// What the adapter wrote of the caller's request; it has been read by the same types before.
fn read<T: DeserializeOwned>(asked: &HttpOutgoing) -> Result<T, Unanswered> {
    serde_json::from_slice(&asked.body)
        .map_err(|_| Fault::new(Code::GatewayBug, Phase::Encode, "desk_cannot_read").into())
}

fn ok(value: &impl Serialize) -> Told {
    Told { status: 200, body: json(value) }
}

/// Texts, numbers and lists of them always serialise; were it not so, the empty body would be a broken
/// answer.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn hex_sha256(bytes: &[u8]) -> String {
    hex::lower(digest(&SHA256, bytes).as_ref())
}
