//! Payments as proofs: receipts, and duties that an operator finds and uses.

use super::{Asker, Desk, Told, Unanswered, json, ok, read, refused, terms, view};
use crate::payments::command::{Command, Redeeming, Refusal};
use crate::payments::receipt::{Facts, Number, Receipt, page};
use crate::payments::record::{Charge, Id, Order, Party, price_paid};
use qaqpa_adapters::payments::wire::{self, Duties, Duty, DutyFind, DutyUse, ReceiptAsk};
use qaqpa_kit::adapter::HttpOutgoing;
use qaqpa_kit::fault::{Fault, Language};
use qaqpa_kit::ids::Kbk;
use qaqpa_kit::money::Amount;

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
        let kbk = tariff.kbk.to_string();
        let found = self.payments.proofs(&payer, &kbk, PROOFS_MAX).await?;
        let mut duties = Vec::new();
        for order in &found {
            if self.is_of_kind(&wanted.tariff, order).await? {
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
        let price = self.price(&wanted.tariff, &order, Some(&charge)).ok_or(Refusal::OtherTerms)?;
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

    /// Whether the payment is for this fee or duty; its charge is read only where its own day had another
    /// price.
    async fn is_of_kind(&self, tariff: &str, order: &Order) -> Result<bool, Unanswered> {
        let is_paid = |charge| {
            let price = self.price(tariff, order, charge);
            price.is_some_and(|(_, amount)| amount.tiyn() == order.amount_tiyn)
        };
        Ok(is_paid(None) || is_paid(self.charge_paid(order).await?.as_ref()))
    }

    async fn charge_paid(&self, order: &Order) -> Result<Option<Charge>, Unanswered> {
        match &order.charge {
            Some(id) => Ok(self.payments.charge(id).await?),
            None => Ok(None),
        }
    }

    fn price(&self, tariff: &str, order: &Order, charge: Option<&Charge>) -> Option<(Kbk, Amount)> {
        let tariff = self.settings.tariffs.get(tariff)?;
        price_paid(order, charge, |day| Some((tariff.kbk, tariff.amount_on(day)?)))
    }
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
