//! A stand-in for the payment gateway, by the simulated profile: invented payees and payments, without a memory.
//!
//! | asked | answer | outcome |
//! |---|---|---|
//! | requisites of BIN 990140000017 or 171140001235 with any КБК of theirs | the requisites | Done |
//! | requisites of anybody else | 1001 | Refused |
//! | registration of an amount that ends in `.01` | 1002 | Refused |
//! | registration of an amount that ends in `.02` | SOAP fault SCE909 | Unknown |
//! | registration of any other | the number `PS-` and the payment's id | Done |
//! | anything about a number that begins otherwise | 1003 | Refused |
//! | annulment of a number that ends in 9 | 1004, it is confirmed | Refused |
//! | any other confirmation, receipt or annulment | done | Done |

use super::wire::{
    self, AnnulRequest, Answer, ConfirmRequest, Outcome, Receipt, ReceiptRequest, RegisterRequest,
    Requisites, RequisitesRequest,
};
use qaqpa_kit::adapter::{SimulatedAnswer, SimulatedRequest, Simulator, WrittenAnswer};
use qaqpa_kit::payload;
use qaqpa_kit::wire::{inside, to_example};
use serde_json::Value;

type Names = [&'static str; 3];

const DONE: Names = ["0000", "Орындалды", "Выполнено"];
const NO_REQUISITES: Names = ["1001", "Деректемелер табылмады", "Реквизиты не найдены"];
const NOT_TAKEN: Names = ["1002", "Төлем қабылданбайды", "Платёж не принимается"];
const NO_PAYMENT: Names = ["1003", "Төлем табылмады", "Платёж не найден"];
const NOT_NOW: Names = ["1004", "Төлем расталған", "Платёж подтверждён"];

/// BIN and name of every payee, all invented.
const PAYEES: [(&str, &str); 2] =
    [("990140000017", "ҮЛГІЛІ САЛЫҚ ОРГАНЫ"), ("171140001235", "СЫНАҚ МЕМЛЕКЕТТІК ОРГАНЫ")];

/// The simulator.
pub struct PaymentGateway;

impl Simulator for PaymentGateway {
    fn answer(&self, request: &SimulatedRequest<'_>) -> SimulatedAnswer {
        let SimulatedRequest::Envelope(call) = request else {
            return SimulatedAnswer::unreadable();
        };
        let answer = match call.service {
            wire::REQUISITES => payload::of_call(call, |_| true).map(|asked| requisites(&asked)),
            wire::REGISTER => match payload::of_call::<RegisterRequest>(call, |_| true) {
                Ok(asked) if asked.amount.ends_with(".02") => {
                    return SimulatedAnswer::fault("SCE909", "Ішкі қате / Внутренняя ошибка");
                }
                asked => asked.map(|asked| register(&asked)),
            },
            wire::CONFIRM => payload::of_call(call, |_| true).map(|asked| confirm(&asked)),
            wire::RECEIPT => payload::of_call(call, |_| true).map(|asked| receipt(&asked)),
            wire::ANNUL => payload::of_call(call, |_| true).map(|asked| annul(&asked)),
            _ => return SimulatedAnswer::unreadable(),
        };
        let Ok(answer) = answer else { return SimulatedAnswer::unreadable() };
        // Strings in structs always become XML; were it not so, the empty data would be a broken answer.
        let data = inside(&answer).unwrap_or_default();
        SimulatedAnswer::Envelope(WrittenAnswer::processed(data))
    }
}

fn requisites(asked: &RequisitesRequest) -> Answer {
    let payee = PAYEES.iter().find(|(bin, _)| *bin == asked.payee_bin.as_ref());
    let Some((bin, name)) = payee else { return told(NO_REQUISITES) };
    let text = |text: &str| Some(text.to_owned());
    let requisites = Requisites {
        payee_name: text(name),
        payee_bin: Some((*bin).into()),
        iban: text("KZ24070105KSN0000000"),
        bic: text("KKMFKZ2A"),
        kbk: text(&asked.kbk),
        knp: text("911"),
        kbe: text("11"),
        ..Requisites::default()
    };
    Answer { requisites: Some(requisites), ..told(DONE) }
}

fn register(asked: &RegisterRequest) -> Answer {
    if asked.amount.ends_with(".01") {
        return told(NOT_TAKEN);
    }
    state(&format!("PS-{}", asked.payment_id), "registered")
}

fn confirm(asked: &ConfirmRequest) -> Answer {
    of_payment(&asked.payment_number, |number| state(number, "confirmed"))
}

fn receipt(asked: &ReceiptRequest) -> Answer {
    of_payment(&asked.payment_number, |number| {
        let receipt = Receipt {
            number: Some(format!("R-{number}")),
            document_number: Some("47000001".to_owned()),
            paid_at: Some("2025-03-11T10:15:30+05:00".into()),
            ..Receipt::default()
        };
        Answer { receipt: Some(receipt), ..state(number, "confirmed") }
    })
}

fn annul(asked: &AnnulRequest) -> Answer {
    of_payment(&asked.payment_number, |number| {
        if number.ends_with('9') { told(NOT_NOW) } else { state(number, "annulled") }
    })
}

fn of_payment(number: &str, answer: impl FnOnce(&str) -> Answer) -> Answer {
    if number.starts_with("PS-") { answer(number) } else { told(NO_PAYMENT) }
}

fn state(number: &str, state: &str) -> Answer {
    let (number, state) = (Some(number.to_owned()), Some(state.to_owned()));
    Answer { payment_number: number, state, ..told(DONE) }
}

fn told([code, name_kz, name_ru]: Names) -> Answer {
    let text = |text: &str| Some(text.to_owned());
    let result = Outcome {
        code: text(code),
        name_kz: text(name_kz),
        name_ru: text(name_ru),
        ..Outcome::default()
    };
    Answer { result: Some(result), ..Answer::default() }
}

/// A request and its answer, for the documentation of the JSON form.
#[must_use]
pub fn example(service: &str) -> Option<(Value, Answer)> {
    let payment_number = "PS-GW0199c3d2a9a77b558a0e1c2d3e4f5a6b".to_owned();
    let [payee_bin, kbk] = ["990140000017", "108125"];
    Some(match service {
        wire::REQUISITES => {
            let asked = RequisitesRequest { payee_bin: payee_bin.into(), kbk: kbk.to_owned() };
            (to_example(&asked), requisites(&asked))
        }
        wire::REGISTER => {
            let asked = RegisterRequest {
                payment_id: "GW0199c3d2a9a77b558a0e1c2d3e4f5a6b".to_owned(),
                charge_number: Some("DEMO-17".to_owned()),
                payer: "850312300121".into(),
                payee_bin: payee_bin.into(),
                kbk: kbk.to_owned(),
                knp: "911".to_owned(),
                amount: "19875.00".to_owned(),
                bank: "BANKKZ9A".to_owned(),
                purpose: "Мемлекеттік баж / Государственная пошлина".to_owned(),
            };
            (to_example(&asked), register(&asked))
        }
        wire::CONFIRM => {
            let asked = ConfirmRequest {
                payment_number,
                document_number: "47000001".to_owned(),
                amount: "19875.00".to_owned(),
                paid_at: "2025-03-11T10:15:30+05:00".into(),
            };
            (to_example(&asked), confirm(&asked))
        }
        wire::RECEIPT => {
            let asked = ReceiptRequest { payment_number };
            (to_example(&asked), receipt(&asked))
        }
        wire::ANNUL => {
            let asked =
                AnnulRequest { payment_number, reason: "Қате тіркелді".to_owned() };
            (to_example(&asked), annul(&asked))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::pshep::Pshep;
    use crate::trial::outcome;
    use qaqpa_kit::fault::Outcome;

    #[test]
    fn each_row_of_the_table_ends_as_the_table_says() {
        let adapter = Pshep::new().expect("manifest");
        let payment = |amount: &str| {
            format!(
                "<data><paymentId>GW1</paymentId><payer>850312300121</payer><payeeBin>990140000017\
                 </payeeBin><kbk>108125</kbk><knp>911</knp><amount>{amount}</amount><bank>BANKKZ9A\
                 </bank><purpose>x</purpose></data>"
            )
        };
        let annulment = |number: &str| {
            format!("<data><paymentNumber>{number}</paymentNumber><reason>x</reason></data>")
        };
        let requisites =
            |bin: &str| format!("<data><payeeBin>{bin}</payeeBin><kbk>108125</kbk></data>");
        for (service, data, expected) in [
            ("PSHEP_Requisites", requisites("990140000017"), Outcome::Done),
            ("PSHEP_Requisites", requisites("171140001235"), Outcome::Done),
            ("PSHEP_PaymentRegister", payment("19875.00"), Outcome::Done),
            ("PSHEP_PaymentRegister", payment("19875.01"), Outcome::Refused),
            ("PSHEP_PaymentRegister", payment("19875.02"), Outcome::Unknown),
            ("PSHEP_PaymentAnnul", annulment("PS-1"), Outcome::Done),
            ("PSHEP_PaymentAnnul", annulment("PS-9"), Outcome::Refused),
            ("PSHEP_PaymentAnnul", annulment("XX-1"), Outcome::Refused),
        ] {
            assert_eq!(outcome(&adapter, service, &data), expected, "{service}: {data}");
        }
    }
}
