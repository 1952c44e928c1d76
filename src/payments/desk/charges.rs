//! Charges: registered one by one or many at once, looked up, annulled.

use super::{Asker, Desk, Told, Unanswered, json, ok, read, refused, terms, view};
use crate::payments::command::{CHARGES_MAX, Command, Refusal, Reply};
use crate::payments::record::{Charge, Id};
use qaqpa_adapters::payments::wire::{
    ChargeName, ChargeRegister, Charges, ChargesLoad, ChargesLoaded, ChargesOpen,
};
use qaqpa_kit::adapter::HttpOutgoing;

/// Open charges told at once where the caller names no number.
const OPEN_DEFAULT: i64 = 100;
/// Orders of one charge told at most; more than a few are somebody's mistake.
pub(super) const ORDERS_MAX: u32 = 1_000;

impl Desk {
    pub(super) async fn charge_register(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let charge = self.new_charge(asker, read(asked)?)?;
        let body = json(&view::charge(&charge, &[]));
        let told = move |_: &Reply| body.clone();
        let body = self.once(asker, asked, Command::Register(vec![charge]), told).await?;
        Ok(Told { status: 201, body })
    }

    pub(super) async fn charges_load(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let load: ChargesLoad = read(asked)?;
        if !(1..=CHARGES_MAX).contains(&load.charges.len()) {
            return Err(refused("too_many", Some("charges")));
        }
        let mut charges = Vec::with_capacity(load.charges.len());
        for (at, charge) in load.charges.into_iter().enumerate() {
            let charge = self.new_charge(asker, charge);
            charges.push(charge.map_err(|unanswered| within(unanswered, at))?);
        }
        let loaded = charges.iter().map(|charge| view::charge(charge, &[])).collect();
        let body = json(&ChargesLoaded { charges: loaded });
        let told = move |_: &Reply| body.clone();
        let body = self.once(asker, asked, Command::Register(charges), told).await?;
        Ok(Told { status: 201, body })
    }

    fn new_charge(&self, asker: &Asker<'_>, asked: ChargeRegister) -> Result<Charge, Unanswered> {
        let id = Id::at(asker.at_us);
        let terms = terms::of_charge(&self.settings, asker, &id, asked)?;
        Ok(Charge::new(id, terms, asker.at_us))
    }

    pub(super) async fn charge_info(&self, asked: &HttpOutgoing) -> Result<Told, Unanswered> {
        let asked: ChargeName = read(asked)?;
        let charge = self.charge(&asked.charge_id).await?;
        let orders = self.payments.orders_of_charge(&charge.id, ORDERS_MAX).await?;
        Ok(ok(&view::charge(&charge, &orders)))
    }

    pub(super) async fn charges_open(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let asked: ChargesOpen = read(asked)?;
        let payer = terms::party("payer", &asked.payer.0, asker.check_digits)?;
        let limit = u32::try_from(asked.limit.unwrap_or(OPEN_DEFAULT)).ok();
        let limit = limit.filter(|limit| (1..=ORDERS_MAX).contains(limit));
        let limit = limit.ok_or_else(|| refused("number_out_of_range", Some("limit")))?;
        let charges = self.payments.charges_open(&payer, limit).await?;
        let charges = charges.iter().map(|charge| view::charge(charge, &[])).collect();
        Ok(ok(&Charges { charges }))
    }

    pub(super) async fn charge_annul(
        &self,
        asker: &Asker<'_>,
        asked: &HttpOutgoing,
    ) -> Result<Told, Unanswered> {
        let name: ChargeName = read(asked)?;
        let charge = self.charge(&name.charge_id).await?;
        let agency = asker.participant.to_owned();
        let annul = Command::Annul { charge: charge.id.clone(), agency, at_us: asker.at_us };
        let at_us = charge.annulled_at_us.or(Some(asker.at_us));
        let body = json(&view::charge(&Charge { annulled_at_us: at_us, ..charge }, &[]));
        let told = move |_: &Reply| body.clone();
        let body = self.once(asker, asked, annul, told).await?;
        Ok(Told { status: 200, body })
    }

    /// The charge of that id; a text that is no id names no charge.
    pub(super) async fn charge(&self, id: &str) -> Result<Charge, Unanswered> {
        let id: Id = id.parse().map_err(|_| Refusal::NoCharge)?;
        let charge = self.payments.charge(&id).await?;
        charge.ok_or_else(|| Refusal::NoCharge.into())
    }
}

/// A refusal of one of many.
fn within(unanswered: Unanswered, at: usize) -> Unanswered {
    match unanswered {
        Unanswered::Refused(mut refusal) => {
            let field = refusal.field.unwrap_or_default();
            refusal.field = Some(format!("charges/{at}/{field}"));
            Unanswered::Refused(refusal)
        }
        fault @ Unanswered::Fault(_) => fault,
    }
}
