//! A stand-in for the payments desk: it knows one invented charge, and judges nothing.
//!
//! | request | answer | outcome |
//! |---|---|---|
//! | `charge_id`, `payment_id` or `account` ending in `404` | no such charge or payment | Refused |
//! | `charge_id` or `account` ending in `409` | the charge is held | Refused |
//! | any other | the example of its service | Done |

use super::wire::{
    BankCheck, BankNotice, BankPay, BankTold, Charge, ChargeName, ChargeRegister, Charges,
    ChargesLoad, ChargesLoaded, ChargesOpen, Duties, Duty, DutyFind, DutyUse, Notice, Payment,
    PaymentCreate, PaymentName, Payments, Purpose, Receipt, ReceiptAsk, Refund, Refusal,
};
use qaqpa_kit::adapter::{SimulatedAnswer, SimulatedRequest, Simulator};
use qaqpa_kit::refusal;
use qaqpa_kit::wire::to_example;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const CHARGE: &str = "019aca00-0000-7000-8000-000000000001";
const PAYMENT: &str = "019aca00-0000-7000-8000-000000000002";
const REFUND: &str = "019aca00-0000-7000-8000-000000000003";
const RECEIPT: &str = "00SNJG0000000000000000002S";
const END_TO_END: &str = "GW019aca00000070008000000000000002";
const PAYER: &str = "850312300121";
const PAYEE: &str = "190540007715";
const AMOUNT_TIYN: i64 = 534_700;

fn text(text: &str) -> String {
    text.to_owned()
}

fn purpose() -> Purpose {
    Purpose {
        kk: text("Некені бұзуды тіркеу"),
        ru: text("Регистрация расторжения брака"),
        en: text("Registration of divorce"),
    }
}

fn registration() -> ChargeRegister {
    ChargeRegister {
        number: Some(text("2026-000001")),
        payer_iin: Some(PAYER.into()),
        payee_bin: PAYEE.into(),
        kbk: Some(text("108125")),
        knp: Some(text("911")),
        amount_tiyn: Some(AMOUNT_TIYN),
        due_date: Some("2026-12-31".into()),
        purpose: Some(purpose()),
        ..ChargeRegister::default()
    }
}

fn charge() -> Charge {
    Charge {
        charge_id: text(CHARGE),
        state: text("open"),
        amount_tiyn: AMOUNT_TIYN,
        agency: text("demo_portal"),
        number: text("2026-000001"),
        payer: PAYER.into(),
        payee_bin: PAYEE.into(),
        kbk: text("108125"),
        knp: text("911"),
        kbe: text("11"),
        iban: text("KZ24070105KSN0000000"),
        due_date: Some("2026-12-31".into()),
        purpose: purpose(),
        registered_at: "2026-11-28T10:15:30.000+05:00".into(),
        ..Charge::default()
    }
}

fn payment() -> Payment {
    Payment {
        payment_id: text(PAYMENT),
        charge_id: Some(text(CHARGE)),
        state: text("reserved"),
        claim: Some(text("expected")),
        amount_tiyn: AMOUNT_TIYN,
        bank: text("demo_bank"),
        payer: PAYER.into(),
        end_to_end_id: text(END_TO_END),
        opened_at: "2026-11-28T10:15:30.000+05:00".into(),
        ..Payment::default()
    }
}

fn duty() -> Duty {
    Duty {
        receipt: text(RECEIPT),
        payment_id: text(PAYMENT),
        tariff: text("duty_05"),
        amount_tiyn: AMOUNT_TIYN,
        paid_at: "2026-11-28T10:15:30.000+05:00".into(),
    }
}

fn told() -> BankTold {
    BankTold {
        verdict: text("ok"),
        txn_id: text("1234567"),
        amount_tiyn: Some(AMOUNT_TIYN),
        ..BankTold::default()
    }
}

fn pair(asked: &impl Serialize, told: &impl Serialize) -> (Value, Value) {
    (to_example(asked), to_example(told))
}

/// A request and its answer, for the documentation of the JSON form; nulls for a service of others.
#[must_use]
pub fn example(service: &str) -> (Value, Value) {
    let charge_name = ChargeName { charge_id: text(CHARGE) };
    let payment_name = PaymentName { payment_id: text(PAYMENT) };
    let (bank, txn_id, account) = (text("demo_bank"), text("1234567"), text(CHARGE));
    match service {
        "PAY_ChargeRegister" => pair(&registration(), &charge()),
        "PAY_ChargesLoad" => pair(
            &ChargesLoad { charges: vec![registration()] },
            &ChargesLoaded { charges: vec![charge()] },
        ),
        "PAY_ChargeInfo" => pair(&charge_name, &charge()),
        "PAY_ChargeAnnul" => {
            let annulled_at = Some("2026-11-28T11:00:00.000+05:00".into());
            pair(&charge_name, &Charge { state: text("annulled"), annulled_at, ..charge() })
        }
        "PAY_ChargesOpen" => {
            let asked = ChargesOpen { payer: PAYER.into(), limit: Some(10) };
            pair(&asked, &Charges { charges: vec![charge()] })
        }
        "PAY_PaymentCreate" => {
            let asked = PaymentCreate { charge_id: text(CHARGE), ..PaymentCreate::default() };
            pair(&asked, &payment())
        }
        "PAY_PaymentInfo" => pair(&payment_name, &payment()),
        "PAY_PaymentCancel" => {
            pair(&payment_name, &Payment { state: text("cancelled"), claim: None, ..payment() })
        }
        "PAY_PaymentsFind" => pair(&charge_name, &Payments { payments: vec![payment()] }),
        "PAY_Refund" => {
            let (amount_tiyn, reason) = (100_000, text("paid twice"));
            let reverses = Some(text(PAYMENT));
            let refund = Payment { payment_id: text(REFUND), amount_tiyn, reverses, ..payment() };
            let refund = Payment { charge_id: None, reason: Some(reason.clone()), ..refund };
            pair(&Refund { payment_id: text(PAYMENT), amount_tiyn, reason }, &refund)
        }
        "PAY_Receipt" | "PAY_DutyFind" | "PAY_DutyUse" => example_of_proof(service),
        "PAY_BankCheck" => {
            let purpose = Some(purpose().ru);
            let told = BankTold { payee_bin: Some(PAYEE.into()), purpose, ..told() };
            pair(&BankCheck { bank, txn_id, account }, &told)
        }
        "PAY_BankPay" => {
            let asked = BankPay { bank, txn_id, account, amount_tiyn: AMOUNT_TIYN, ..pay() };
            pair(&asked, &BankTold { end_to_end_id: Some(text(END_TO_END)), ..told() })
        }
        "PAY_BankNotice" => {
            let notice = Notice {
                event_id: text("event-1"),
                end_to_end_id: Some(text(END_TO_END)),
                said: text("posted"),
                ..Notice::default()
            };
            let told = BankTold { txn_id: String::new(), amount_tiyn: None, ..told() };
            pair(&BankNotice { bank, notices: vec![notice] }, &told)
        }
        _ => (Value::Null, Value::Null),
    }
}

fn example_of_proof(service: &str) -> (Value, Value) {
    match service {
        "PAY_Receipt" => pair(
            &ReceiptAsk { payment_id: text(PAYMENT), page: None },
            &Receipt {
                number: text(RECEIPT),
                state: text("paid"),
                signed: text("eyJhbGciOiJFUzI1NiJ9.eyJudW1iZXIiOiIifQ.AA"),
                look_up_url: Some(format!("https://gateway.example.kz/receipts/{RECEIPT}")),
                page: None,
            },
        ),
        "PAY_DutyFind" => {
            let asked = DutyFind { payer: PAYER.into(), tariff: text("duty_05"), payee_bin: None };
            pair(&asked, &Duties { duties: vec![duty()] })
        }
        "PAY_DutyUse" => {
            let (receipt, tariff) = (text(RECEIPT), text("duty_05"));
            pair(&DutyUse { receipt, payer: PAYER.into(), tariff, payee_bin: None }, &duty())
        }
        _ => (Value::Null, Value::Null),
    }
}

fn pay() -> BankPay {
    BankPay { paid_at: Some(text("2026-11-28T10:15:30")), ..BankPay::default() }
}

/// The simulator.
pub struct Desk;

/// The ids by which a request may ask for a refusal.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    charge_id: String,
    payment_id: String,
    account: String,
}

impl Simulator for Desk {
    fn answer(&self, request: &SimulatedRequest<'_>) -> SimulatedAnswer {
        let SimulatedRequest::Http { method: "POST", path, body } = request else {
            return json(404, &Value::Null);
        };
        let service = path.strip_prefix('/').unwrap_or_default();
        let named: Named = serde_json::from_slice(body).unwrap_or_default();
        let ends = |end: &str| {
            [&named.charge_id, &named.payment_id, &named.account].iter().any(|id| id.ends_with(end))
        };
        let reason = match () {
            () if ends("404") && named.payment_id.is_empty() => "no_such_charge",
            () if ends("404") => "no_such_payment",
            () if ends("409") => "charge_held",
            () => {
                let status = if service.ends_with("Register") { 201 } else { 200 };
                return json(status, &example(service).1);
            }
        };
        let status = refusal::find(reason).map_or(500, |row| row.http_status);
        if service.starts_with("PAY_Bank") {
            let verdict = if status == 404 { "no_charge" } else { "already_paid" };
            return json(status, &BankTold { verdict: text(verdict), ..told() });
        }
        json(status, &Refusal { reason: text(reason), field: None })
    }
}

fn json(status: u16, value: &impl Serialize) -> SimulatedAnswer {
    // Strings and numbers in a struct always serialise; were it not so, the empty body would be a
    // broken answer.
    let body = serde_json::to_vec(value).unwrap_or_default();
    SimulatedAnswer::Http { status, content_type: "application/json", body }
}

#[cfg(test)]
mod tests {
    use crate::payments::Payments;
    use crate::trial::outcome;
    use qaqpa_kit::fault::Outcome;

    #[test]
    fn each_row_of_the_table_ends_as_the_table_says() {
        let adapter = Payments::new().expect("manifest");
        for (service, data, expected) in [
            ("PAY_ChargeInfo", "<charge_id>1</charge_id>", Outcome::Done),
            ("PAY_ChargeInfo", "<charge_id>404</charge_id>", Outcome::Refused),
            ("PAY_ChargeAnnul", "<charge_id>409</charge_id>", Outcome::Refused),
            ("PAY_PaymentInfo", "<payment_id>404</payment_id>", Outcome::Refused),
        ] {
            let data = format!("<data>{data}</data>");
            assert_eq!(outcome(&adapter, service, &data), expected, "{service} {data}");
        }
    }
}
