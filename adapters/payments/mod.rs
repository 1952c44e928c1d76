//! The payments desk: charges, payments and refunds, for callers of every face and for banks.
//!
//! The agency is the gateway's own process: what `encode` writes is handed to the desk as an HTTP
//! request, and its answer comes back here. The adapter knows shapes alone; values, codes and states
//! are the desk's to judge.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{
    Adapter, Answer, Call, Content, DataXml, HttpAnswer, HttpOutgoing, Json, JsonCall, JsonSchema,
    Outgoing, Reply, Simulator, WrittenAnswer,
};
use qaqpa_kit::bank::{About, Ask, Told};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::manifest::{Manifest, ManifestError};
use qaqpa_kit::money::Amount;
use qaqpa_kit::refusal;
use qaqpa_kit::wire::{
    from_element, from_json, inside, push_wrapped, schema_of_answer, schema_of_request, to_json,
};
use qaqpa_kit::xml::Element;
use qaqpa_kit::{payload, wire::WireError};
use schemars::JsonSchema as Described;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simulator::{Desk, example};
use wire::{BankCheck, BankNotice, BankPay, BankTold, Notice, Refusal, Refused};
pub use wire::{from_word, word_of};

/// The element in `data` that says why nothing was done.
const REFUSAL: &str = "refusal";

/// The status message of what a bank asked in vain.
const NOT_TAKEN: &str = "Қабылданбады / Не принято";

/// The translation for the desk.
pub struct Payments {
    manifest: Manifest,
}

impl Payments {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }

    fn forms(&self, service: &str, phase: Phase) -> Result<Forms, Fault> {
        self.manifest.offered(service, phase)?;
        forms(service).ok_or(Fault::new(Code::GatewayBug, phase, "service_without_forms"))
    }
}

/// The four ways in which one service's messages are written anew.
#[derive(Clone, Copy)]
struct Forms {
    /// `data` as the body that the desk gets.
    asked: fn(&Call<'_>) -> Result<Vec<u8>, Fault>,
    /// A caller's JSON as the inside of `data`.
    in_xml: fn(&[u8]) -> Result<String, Fault>,
    /// The desk's body as the inside of `data`.
    told: fn(&[u8]) -> Result<String, Fault>,
    /// The `data` of an answer as JSON.
    in_json: fn(Element<'_>) -> Result<Vec<u8>, Fault>,
    schema: fn(&str) -> JsonSchema,
    /// A refusal has the shape of an answer: a bank reads the verdict in it.
    has_verdict: bool,
}

impl Forms {
    fn of<A, T>() -> Self
    where
        A: DeserializeOwned + Serialize + Described,
        T: DeserializeOwned + Serialize + Described,
    {
        Self {
            asked: |call| to_json(&payload::of_call::<A>(call, |_| true)?),
            in_xml: |json| Ok(inside(&from_json::<A>(json)?)?),
            told: |body| {
                let told: T = read(body)?;
                inside(&told).map_err(|error| unwritable(&error))
            },
            in_json: |data| payload::json_of_answer(data, |_: &T| true),
            schema: |service| {
                let (request_example, answer_example) = example(service);
                JsonSchema {
                    request: schema_of_request::<A>(),
                    answer: with_refusal(schema_of_answer::<T>()),
                    request_example,
                    answer_example,
                }
            },
            has_verdict: false,
        }
    }

    fn of_bank<A: DeserializeOwned + Serialize + Described>() -> Self {
        Self { has_verdict: true, ..Self::of::<A, BankTold>() }
    }
}

fn forms(service: &str) -> Option<Forms> {
    Some(match service {
        "PAY_ChargeRegister" => Forms::of::<wire::ChargeRegister, wire::Charge>(),
        "PAY_ChargesLoad" => Forms::of::<wire::ChargesLoad, wire::ChargesLoaded>(),
        "PAY_ChargeInfo" | "PAY_ChargeAnnul" => Forms::of::<wire::ChargeName, wire::Charge>(),
        "PAY_ChargesOpen" => Forms::of::<wire::ChargesOpen, wire::Charges>(),
        "PAY_PaymentCreate" => Forms::of::<wire::PaymentCreate, wire::Payment>(),
        "PAY_PaymentInfo" | "PAY_PaymentCancel" => Forms::of::<wire::PaymentName, wire::Payment>(),
        "PAY_PaymentsFind" => Forms::of::<wire::ChargeName, wire::Payments>(),
        "PAY_Refund" => Forms::of::<wire::Refund, wire::Payment>(),
        "PAY_Receipt" => Forms::of::<wire::ReceiptAsk, wire::Receipt>(),
        "PAY_DutyFind" => Forms::of::<wire::DutyFind, wire::Duties>(),
        "PAY_DutyUse" => Forms::of::<wire::DutyUse, wire::Duty>(),
        "PAY_BankCheck" => Forms::of_bank::<BankCheck>(),
        "PAY_BankPay" => Forms::of_bank::<BankPay>(),
        "PAY_BankNotice" => Forms::of_bank::<BankNotice>(),
        _ => return None,
    })
}

/// A service's answer says either what was done or why nothing was.
fn with_refusal(answer: Value) -> Value {
    json!({ "anyOf": [answer, schema_of_answer::<Refused>()] })
}

impl Adapter for Payments {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
        let forms = self.forms(call.service, Phase::Encode)?;
        Ok(Outgoing::Http(HttpOutgoing {
            method: "POST",
            path: format!("/{}", call.service),
            content_type: Some("application/json"),
            body: (forms.asked)(call)?,
        }))
    }

    fn decode(&self, call: &Call<'_>, answer: &Answer<'_>) -> Result<Reply, Fault> {
        let forms = self.forms(call.service, Phase::Decode)?;
        let Answer::Http(answer) = answer else {
            return Err(Fault::new(Code::GatewayBug, Phase::Decode, "answer_not_http"));
        };
        let outcome =
            self.manifest.offered(call.service, Phase::Decode)?.status_outcome(answer.status)?;
        let content = match outcome {
            Outcome::Done => WrittenAnswer::processed((forms.told)(answer.body)?),
            _ if forms.has_verdict => {
                WrittenAnswer::new("SCSE002", NOT_TAKEN, Some((forms.told)(answer.body)?))
            }
            _ => refused(answer)?,
        };
        Ok(Reply { outcome, content: Content::Written(content) })
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(&Desk)
    }

    fn json(&self) -> Option<&dyn Json> {
        Some(self)
    }
}

impl Json for Payments {
    fn request(&self, call: &JsonCall<'_>) -> Result<DataXml, Fault> {
        let forms = self.forms(call.service, Phase::Receive)?;
        Ok(DataXml { attributes: String::new(), inside: (forms.in_xml)(call.body)? })
    }

    fn answer(&self, service: &str, data: Element<'_>) -> Result<Vec<u8>, Fault> {
        let forms = self.forms(service, Phase::Decode)?;
        match refusal_in(data) {
            Some(refusal) => to_json(&Refused { refusal }),
            None => (forms.in_json)(data),
        }
    }

    fn schema(&self, service: &str) -> Option<JsonSchema> {
        self.manifest.service(service)?;
        Some((forms(service)?.schema)(service))
    }
}

/// Why nothing was done, where the `data` of an answer says so.
fn refusal_in(data: Element<'_>) -> Option<Refusal> {
    let refusal = data.children().find(|child| child.local() == REFUSAL)?;
    from_element(refusal).ok()
}

fn refused(answer: &HttpAnswer<'_>) -> Result<WrittenAnswer, Fault> {
    let refusal: Refusal = read(answer.body)?;
    let row = refusal::find(&refusal.reason).ok_or_else(|| broken("refusal_unknown"))?;
    let mut data = String::new();
    push_wrapped(&mut data, REFUSAL, "", &refusal).map_err(|error| unwritable(&error))?;
    let code = if row.http_status == 404 { "SCSE001" } else { "SCSE002" };
    Ok(WrittenAnswer::new(code, &row.message(), Some(data)))
}

/// What serde says of a value may quote it, so only the place goes into the log.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| {
        broken("json_unreadable").because(format_args!(
            "{:?} at {}:{}",
            error.classify(),
            error.line(),
            error.column()
        ))
    })
}

const fn broken(reason: &'static str) -> Fault {
    Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason)
}

fn unwritable(error: &WireError) -> Fault {
    broken(error.reason).because(error.cause())
}

/// A bank's request as a call of the desk: the service, and what stands in `data`.
///
/// # Errors
/// `caller.malformed` for a text that XML cannot carry.
pub fn call_of(bank: &str, ask: &Ask) -> Result<(&'static str, DataXml), Fault> {
    let bank = bank.to_owned();
    let (service, inside) = match ask {
        Ask::Check { txn_id, account } => {
            let (txn_id, account) = (txn_id.clone(), account.clone());
            ("PAY_BankCheck", inside(&BankCheck { bank, txn_id, account }))
        }
        Ask::Pay(pay) => {
            let pay = BankPay {
                bank,
                txn_id: pay.txn_id.clone(),
                account: pay.account.clone(),
                amount_tiyn: pay.amount.tiyn(),
                paid_at: pay.paid_at.clone(),
                document_number: pay.document_number.clone(),
                payer: pay.payer.as_deref().map(Into::into),
                payee_bin: pay.to.payee.as_deref().map(Into::into),
                iban: pay.to.iban.as_deref().map(plain),
                kbk: pay.to.kbk.clone(),
            };
            ("PAY_BankPay", inside(&pay))
        }
        Ask::Notice(notices) => {
            let notices = notices.iter().map(notice_of).collect();
            ("PAY_BankNotice", inside(&BankNotice { bank, notices }))
        }
    };
    let malformed = |error: WireError| {
        Fault::new(Code::CallerMalformed, Phase::Receive, error.reason).because(error.cause())
    };
    Ok((service, DataXml { attributes: String::new(), inside: inside.map_err(malformed)? }))
}

/// An account without the groups that people write it in.
fn plain(iban: &str) -> String {
    iban.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase()
}

/// A bank's word as the desk reads it.
#[must_use]
pub fn notice_of(notice: &qaqpa_kit::bank::Notice) -> Notice {
    let (end_to_end_id, about_txn_id) = match &notice.about {
        About::EndToEnd(id) => (Some(id.clone()), None),
        About::Txn(id) => (None, Some(id.clone())),
    };
    let word = &notice.word;
    Notice {
        event_id: notice.event_id.clone(),
        end_to_end_id,
        about_txn_id,
        said: word_of(&word.said),
        amount_tiyn: word.amount.map(Amount::tiyn),
        document_number: word.document_number.clone(),
        txn_id: word.txn_id.clone(),
        posted_at: word.posted_at.clone(),
        note: Some(word.note.clone()).filter(|note| !note.is_empty()),
    }
}

/// What a bank is told, from the JSON of the desk's answer.
///
/// # Errors
/// `agency.broken_answer`: the answer is none of the desk's.
pub fn told_in(json: &[u8]) -> Result<Told, Fault> {
    let told: BankTold = serde_json::from_slice(json).map_err(|_| broken("json_unreadable"))?;
    Ok(Told {
        verdict: from_word(&told.verdict).ok_or_else(|| broken("verdict_unknown"))?,
        txn_id: told.txn_id,
        end_to_end_id: told.end_to_end_id,
        amount: told.amount_tiyn.and_then(|tiyn| Amount::new(tiyn).ok()),
        payee_bin: told.payee_bin.map(|bin| bin.0),
        purpose: told.purpose,
        comment: told.comment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::bank::{Destination, Pay, Said, Word};
    use qaqpa_kit::samples::{self, Failures};
    use qaqpa_kit::xml::{Document, Limits};

    #[test]
    fn every_sample_is_translated_as_written() -> Result<(), Failures> {
        let adapter = Payments::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/payments/samples"))
    }

    #[test]
    fn every_service_of_the_manifest_has_its_forms() {
        let adapter = Payments::new().expect("manifest");
        for service in &adapter.manifest.services {
            assert!(forms(&service.id).is_some(), "{}", service.id);
            assert!(example(&service.id).0.is_object(), "{}", service.id);
        }
        assert!(forms("PAY_Other").is_none());
    }

    #[test]
    fn what_a_bank_asks_is_the_call_that_its_service_reads() {
        let adapter = Payments::new().expect("manifest");
        let pay = Pay {
            txn_id: "77 <&>".to_owned(),
            account: "charge".to_owned(),
            amount: Amount::new(150).expect("positive"),
            paid_at: None,
            document_number: Some("D-1".to_owned()),
            payer: None,
            to: Destination {
                payee: None,
                iban: Some("kz24 0701 05KS N000 0000".to_owned()),
                kbk: Some("108125".to_owned()),
            },
        };
        let word = Word { amount: Amount::new(7).ok(), ..Word::of(Said::NotFound) };
        let about = About::Txn("t".to_owned());
        let notice = qaqpa_kit::bank::Notice { event_id: "e".to_owned(), about, word };
        for (ask, body) in [
            (
                Ask::Check { txn_id: "1".to_owned(), account: "c".to_owned() },
                r#"{"bank":"b","txn_id":"1","account":"c"}"#,
            ),
            (
                Ask::Pay(pay),
                r#"{"bank":"b","txn_id":"77 <&>","account":"charge","amount_tiyn":150,"document_number":"D-1","iban":"KZ24070105KSN0000000","kbk":"108125"}"#,
            ),
            (
                Ask::Notice(vec![notice]),
                r#"{"bank":"b","notices":[{"event_id":"e","about_txn_id":"t","said":"not_found","amount_tiyn":7}]}"#,
            ),
        ] {
            let (service, data) = call_of("b", &ask).expect("a call");
            let data = format!("<data{}>{}</data>", data.attributes, data.inside);
            let document = Document::scan(data.as_bytes(), &Limits::default()).expect("XML");
            let sent = adapter.encode(&crate::trial::call(service, &document)).expect("sent");
            let Outgoing::Http(sent) = sent else { panic!("HTTP") };
            assert_eq!(String::from_utf8_lossy(&sent.body), body, "{service}");
        }
    }

    #[test]
    fn every_verdict_and_every_word_survives_the_way() {
        use qaqpa_kit::bank::Verdict as V;
        for verdict in [
            V::Ok,
            V::InProgress,
            V::Temporary,
            V::NoCharge,
            V::Annulled,
            V::AlreadyPaid,
            V::OtherTerms,
            V::Malformed,
            V::Forbidden,
        ] {
            let told = BankTold { verdict: word_of(&verdict), ..BankTold::default() };
            let json = serde_json::to_vec(&told).expect("JSON");
            assert_eq!(told_in(&json).expect("told").verdict, verdict);
        }
        assert_eq!(from_word::<Said>("posted"), Some(Said::Posted));
        assert_eq!(from_word::<Said>("paid"), None);
    }
}
