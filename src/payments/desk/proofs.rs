//! Payments as proofs: receipts, and duties that an operator finds and uses.

use super::{Asker, Desk, Told, Unanswered, json, ok, read, refused, terms, view};
use crate::config::settings::{Paid, Price};
use crate::payments::command::{Command, Redeeming, Refusal};
use crate::payments::proof::{Found, Kind, price_paid};
use crate::payments::receipt::{Facts, Number, Receipt, page};
use crate::payments::record::{Charge, Id, Order, Party};
use qaqpa_adapters::payments::wire::{self, Duties, Duty, DutyFind, DutyUse, ReceiptAsk};
use qaqpa_kit::adapter::HttpOutgoing;
use qaqpa_kit::fault::{Fault, Language};
use qaqpa_kit::wire::Bin;

/// Proofs that one question may find.
const PROOFS_MAX: u32 = 100;

impl Desk {
    pub(super) async fn receipt_written(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
        sign: &(dyn Fn(&[u8]) -> Result<String, Fault> + Sync),
    ) -> Result<Told, Unanswered> {
        let wanted: ReceiptAsk = read(asked)?;
        let language = match wanted.page.as_deref() {
            None => None,
            Some("kk") => Some(Language::Kk),
            Some("ru") => Some(Language::Ru),
            Some("en") => Some(Language::En),
            Some(_) => return Err(refused("code_unknown", Some("page"))),
        };
        let order = self.order(&wanted.payment_id).await?;
        let charge = self.charge_paid(&order).await?;
        let facts = Facts {
            order: &order,
            charge: charge.as_ref(),
            settings: &self.settings,
            issued_at_us: asker.at_us,
        };
        let receipt = Receipt::of(&facts).ok_or(Refusal::NotConfirmed(order.state))?;
        Ok(ok(&wire::Receipt {
            number: receipt.number.clone(),
            state: receipt.state.word().to_owned(),
            signed: sign(&receipt.json())?,
            look_up_url: receipt.look_up_url.clone(),
            page: language.map(|language| page(&receipt, language)),
        }))
    }

    pub(super) async fn duty_find(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let wanted: DutyFind = read(asked)?;
        let payer = terms::party("payer", &wanted.payer.0, asker.check_digits)?;
        let tariff = self.settings.tariffs.get(&wanted.tariff);
        let tariff = tariff.ok_or_else(|| refused("tariff_unknown", Some("tariff")))?;
        let paid = paid(&wanted.tariff, wanted.payee_bin.as_ref(), asker)?;
        let kind = (tariff.kbk.to_string(), wanted.tariff.as_str());
        let found = self.payments.proofs(&payer, (&kind.0, kind.1), PROOFS_MAX).await?;
        let mut duties = Vec::new();
        for Found { order, kind } in &found {
            if price_paid(order, Some(kind), &paid, &self.settings.tariffs).is_some() {
                duties.extend(duty(order, &wanted.tariff));
            }
        }
        Ok(ok(&Duties { duties }))
    }

    pub(super) async fn duty_use(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let wanted: DutyUse = read(asked)?;
        let payer = terms::party("payer", &wanted.payer.0, asker.check_digits)?;
        if !self.settings.tariffs.contains_key(&wanted.tariff) {
            return Err(refused("tariff_unknown", Some("tariff")));
        }
        let number = Number::parse(&wanted.receipt).map_err(|_| Refusal::NoOrder)?;
        let id = number.order().ok_or(Refusal::NoOrder)?;
        let (order, charge) = self.order_of(&id, &payer).await?;
        let told = duty(&order, &wanted.tariff).ok_or(Refusal::NotConfirmed(order.state))?;
        let paid = paid(&wanted.tariff, wanted.payee_bin.as_ref(), asker)?;
        let price = price_paid(&order, Some(&Kind::from(&charge)), &paid, &self.settings.tariffs);
        let price = price.ok_or(Refusal::OtherTerms)?;
        let redeem = Command::Redeem(Redeeming {
            order: id,
            call: format!("{}:{}", asker.participant, asker.key.unwrap_or_default()),
            participant: asker.participant.to_owned(),
            service: format!("PAY_DutyUse:{}", wanted.tariff),
            kbk: price.0.to_string(),
            amount: price.1,
            at_us: asker.at_us,
        });
        let body = self.once(asker, asked, redeem, move |_| json(&told)).await?;
        Ok(Told { status: 200, body })
    }

    /// The payment, if it is this person's: what is another's is not there.
    async fn order_of(&self, id: &Id, payer: &Party) -> Result<(Order, Charge), Unanswered> {
        let order = self.payments.order(id).await?.ok_or(Refusal::NoOrder)?;
        let charge = self.charge_paid(&order).await?;
        let charge = charge.filter(|charge| charge.payer == *payer).ok_or(Refusal::NoOrder)?;
        Ok((order, charge))
    }

    async fn charge_paid(&self, order: &Order) -> Result<Option<Charge>, Unanswered> {
        match &order.charge {
            Some(id) => Ok(self.payments.charge(id).await?),
            None => Ok(None),
        }
    }
}

/// The fee or duty that is asked for, and whom it must have been paid to.
fn paid(tariff: &str, payee: Option<&Bin>, asker: &Asker<'_>) -> Result<Paid, Unanswered> {
    let payee = payee.map(|bin| terms::bin("payee_bin", &bin.0, asker.check_digits));
    Ok(Paid { price: Price::Tariff(tariff.to_owned()), payee: payee.transpose()? })
}

fn duty(order: &Order, tariff: &str) -> Option<Duty> {
    Some(Duty {
        receipt: Number::of(&order.id)?.text().to_owned(),
        payment_id: order.id.to_string(),
        tariff: tariff.to_owned(),
        amount_tiyn: order.amount_tiyn,
        paid_at: view::moment(order.posted_at_us?),
    })
}
