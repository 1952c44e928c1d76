//! What a receipt says: one value, written as JSON, signed as it is written, and printed.

use super::{Number, Standing};
use crate::config::settings::{self, Bank};
use crate::payments::calendar::country_time;
use crate::payments::record::{Charge, Order};
use qaqpa_kit::fault::Language;
use qaqpa_kit::ids::{Kbk, Knp};
use qaqpa_kit::manifest::Name;
use serde::Serialize;

/// From what a receipt is made.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    pub order: &'f Order,
    /// `None` only where the order has none.
    pub charge: Option<&'f Charge>,
    pub settings: &'f settings::Payments,
    /// Unix microseconds: when the receipt is written.
    pub issued_at_us: i64,
}

/// A text in the three languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    pub kk: String,
    pub ru: String,
    pub en: String,
}

impl Words {
    /// In one language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Kk => &self.kk,
            Language::Ru => &self.ru,
            Language::En => &self.en,
        }
    }

    /// What a charge is for.
    fn of_purpose(charge: &Charge) -> Self {
        Self {
            kk: charge.purpose_kk.clone(),
            ru: charge.purpose_ru.clone(),
            en: charge.purpose_en.clone(),
        }
    }
}

impl From<&Name> for Words {
    fn from(name: &Name) -> Self {
        Self { kk: name.kk.clone(), ru: name.ru.clone(), en: name.en.clone() }
    }
}

/// A code of a reference table, with its name where the table still has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coded {
    pub code: String,
    pub name: Option<Words>,
}

/// A receipt. It bears the payer's full IIN or BIN: it is the payer's own paper.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// 26 letters; see [`Number`].
    pub number: String,
    pub state: Standing,
    /// The order's id, and the charge's.
    pub payment_id: String,
    pub charge_id: Option<String>,
    /// Who registered the charge, and under which number of its own.
    pub agency: Option<String>,
    pub charge_number: Option<String>,
    /// IIN or BIN of who paid, and of whose charge it is.
    pub payer: String,
    pub debtor: Option<String>,
    pub payee_bin: String,
    pub iban: Option<String>,
    pub kbk: Coded,
    pub knp: Option<Coded>,
    pub purpose: Option<Words>,
    pub amount_tiyn: i64,
    /// Given back, or on its way back.
    pub returned_tiyn: i64,
    /// ISO 4217.
    pub currency: &'static str,
    pub bank: Coded,
    pub bic: Option<String>,
    /// The bank's number of the payment document, and its own id of the payment.
    pub document_number: Option<String>,
    pub txn_id: Option<String>,
    /// RFC 3339, the country's zone.
    pub paid_at: Option<String>,
    pub operating_day: Option<String>,
    pub issued_at: String,
    /// Where anybody can look the receipt up.
    pub look_up_url: Option<String>,
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Receipt {
    /// The receipt of a payment; `None` where there is nothing to prove.
    #[must_use]
    pub fn of(facts: &Facts<'_>) -> Option<Self> {
        let Facts { order, charge, settings, issued_at_us } = *facts;
        let state = Standing::of(order);
        let number = Number::of(&order.id).filter(|_| state.has_receipt())?;
        let bank = settings.banks.get(&order.bank);
        let bank_name = bank.map(|bank: &std::sync::Arc<Bank>| Words::from(&bank.name));
        let kbk_name = Kbk::parse(&order.kbk).ok().and_then(|kbk| settings.kbk.get(&kbk));
        let knp = charge.map(|charge| Coded {
            code: charge.knp.clone(),
            name: Knp::parse(&charge.knp)
                .ok()
                .and_then(|knp| settings.knp.get(&knp))
                .map(Words::from),
        });
        Some(Self {
            state,
            payment_id: order.id.to_string(),
            charge_id: charge.map(|charge| charge.id.to_string()),
            agency: charge.map(|charge| charge.agency.clone()),
            charge_number: charge.map(|charge| charge.number.clone()),
            payer: order.payer.digits().to_owned(),
            debtor: charge.map(|charge| charge.payer.digits().to_owned()),
            payee_bin: order.payee.digits().to_owned(),
            iban: charge.map(|charge| charge.iban.clone()),
            kbk: Coded { code: order.kbk.clone(), name: kbk_name.map(Words::from) },
            knp,
            purpose: charge.map(Words::of_purpose),
            amount_tiyn: order.amount_tiyn,
            returned_tiyn: order.returned_tiyn,
            currency: "KZT",
            bank: Coded { code: order.bank.clone(), name: bank_name },
            bic: bank.map(|bank| bank.bic.to_string()),
            document_number: order.document_number.clone(),
            txn_id: order.txn_id.clone(),
            paid_at: order.posted_at_us.map(country_time),
            operating_day: order.operating_day.map(|day| day.to_string()),
            issued_at: country_time(issued_at_us),
            look_up_url: settings.receipt.url.as_ref().map(|url| format!("{url}/{number}")),
            number: number.text().to_owned(),
        })
    }

    /// The bytes that are signed: JSON without a space, fields in the order of this type.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        // Texts and numbers only: it cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
