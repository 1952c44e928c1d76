//! `payments.toml` checked: banks and their operating days, budget codes, fees and duties.

use super::dialect;
use super::inspector::Inspector;
use super::notices;
use super::services::{Offer, instead};
use crate::config::document::Document;
use crate::config::finding::Place;
use crate::config::raw;
use crate::config::settings::{
    Agency, Bank, Participant, Payments, Rate, Receipt, Store, Tariff, TariffKind,
};
use jiff::civil::{Date, Time, Weekday};
use qaqpa_kit::bank::Placement;
use qaqpa_kit::ids::{Bic, IdError, Kbe, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use toml::value::Datetime;

const DATE_CURE: &str = "write a date such as 2026-01-31";

/// What the rest of the installation says.
pub(super) struct Known<'k> {
    pub(super) gateway: &'k Document<raw::Gateway>,
    pub(super) journal: &'k Store,
    pub(super) participants: &'k HashMap<String, Arc<Participant>>,
    pub(super) offer: &'k Offer,
}

/// The reference data, and the store that `gateway.toml` names.
pub(super) fn check(
    inspector: &mut Inspector<'_>,
    document: &Document<raw::Payments>,
    known: &Known<'_>,
) -> Payments {
    let (raw, top) = (&document.raw, document.source.top());
    let Known { gateway, journal, .. } = known;
    let limits = &gateway.raw.payments;
    let placements = dialect::placements(inspector, &top.key("placement"), &raw.placement);
    let banks = raw.bank.iter().filter_map(|(id, one)| {
        let place = top.key("bank").key(id);
        let profiles = (&raw.placement, &placements);
        let placement = dialect::placement(inspector, &place, one, profiles);
        let bank = bank(inspector, &place, (id, one), known)?;
        Some((id.clone(), Arc::new(Bank { placement, ..bank })))
    });
    let banks = banks.collect();
    let recipients = notices::recipients(inspector, document, known);
    let kbk = codes(inspector, &top.key("kbk"), &raw.kbk, Kbk::parse, "six digits, e.g. 108125");
    let knp = codes(inspector, &top.key("knp"), &raw.knp, Knp::parse, "three digits, e.g. 911");
    let kbe = codes(inspector, &top.key("kbe"), &raw.kbe, Kbe::parse, "two digits, e.g. 11");
    let tariffs = raw.tariff.iter().filter_map(|(id, raw_tariff)| {
        let place = top.key("tariff").key(id);
        tariff(inspector, &place, id, (raw_tariff, raw)).map(|tariff| (id.clone(), tariff))
    });
    let tariffs = tariffs.collect();
    Payments {
        store: store(inspector, gateway, journal),
        group_max: limits.group_max,
        inquiry_pause_max: Duration::from_millis(limits.inquiry_pause_ms_max),
        not_found_min: limits.not_found_min,
        quiet: Duration::from_secs(limits.quiet_s),
        receipt: receipt(inspector, &top.key("receipt"), &raw.receipt),
        notice_pauses: notices::pauses(inspector, gateway),
        keys_kept: Duration::from_secs(limits.keys_kept_s),
        recipients,
        banks,
        kbk,
        knp,
        kbe,
        tariffs,
    }
}

fn receipt(inspector: &mut Inspector<'_>, place: &Place<'_>, raw: &raw::Receipt) -> Receipt {
    let url = raw.url.trim_end_matches('/');
    let url = (!url.is_empty() && inspector.url(&place.key("url"), url).is_some()).then_some(url);
    Receipt { url: url.map(str::to_owned) }
}

/// A file of its own beside an embedded journal; the journal's own cluster otherwise.
fn store(
    inspector: &mut Inspector<'_>,
    gateway: &Document<raw::Gateway>,
    journal: &Store,
) -> Store {
    let Store::Embedded { path: journal } = journal else { return journal.clone() };
    let place = gateway.source.top().key("payments").key("path");
    let file = &gateway.raw.payments.path;
    inspector.demand(&place, file, "name the SQLite file");
    let path = place.path(file);
    if path == *journal {
        inspector.error(&place, "this is the journal's own file", "name another file");
    }
    Store::Embedded { path }
}

fn bank(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    (id, raw): (&str, &raw::Bank),
    known: &Known<'_>,
) -> Option<Bank> {
    inspector.id(place, id);
    let (participant, agency) = partners(inspector, place, raw, known);
    let name = inspector.name(&place.key("name"), &raw.name);
    let bic_place = place.key("bic");
    let bic = Bic::parse(&raw.bic).ok();
    if inspector.demand(&bic_place, &raw.bic, "write the bank's BIC") && bic.is_none() {
        let cure = "write 8 or 11 capital letters and digits, e.g. KKMFKZ2A";
        inspector.error(&bic_place, format!("{:?} is no BIC", raw.bic), cure);
    }
    let cut_off = time(&raw.cut_off);
    if cut_off.is_none() {
        let wrong = format!("{:?} is no time of day", raw.cut_off);
        inspector.error(&place.key("cut_off"), wrong, "write e.g. \"16:00\"");
    }
    let rest_days: Vec<Weekday> = raw.rest_days.iter().map(|day| weekday(*day)).collect();
    if Weekday::Sunday.cycle_forward().take(7).all(|day| rest_days.contains(&day)) {
        let wrong = "the bank would have no operating day at all";
        inspector.error(&place.key("rest_days"), wrong, "leave a day of the week out");
    }
    let holidays = dates(inspector, &place.key("holidays"), &raw.holidays);
    let working_days = dates(inspector, &place.key("working_days"), &raw.working_days);
    if let Some(both) = holidays.intersection(&working_days).next() {
        let wrong = format!("{both} is a holiday too");
        inspector.error(&place.key("working_days"), wrong, "keep it in one list");
    }
    let (bic, cut_off, id) = (bic?, cut_off?, id.to_owned());
    let dialect = dialect::dialect(inspector, place, raw);
    Some(Bank {
        id,
        name,
        bic,
        participant,
        agency,
        dialect,
        placement: Placement::default(),
        cut_off,
        rest_days,
        holidays,
        working_days,
    })
}

/// Who calls as this bank, and who takes our orders; each of them may be nobody.
fn partners(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &raw::Bank,
    known: &Known<'_>,
) -> (Option<String>, Option<String>) {
    let agency = &place.key("agency");
    let takes_orders = |agency: &Agency| agency.adapter.teller().is_some();
    let wrong = "its adapter has no way to give a bank an order";
    let agency = (!raw.agency.is_empty())
        .then(|| notices::way(inspector, agency, &raw.agency, (known.offer, &takes_orders, wrong)))
        .flatten();
    let participant = raw.participant.as_str();
    if !participant.is_empty() {
        notices::participant(inspector, &place.key("participant"), participant, known);
    }
    ((!participant.is_empty()).then(|| participant.to_owned()), agency)
}

/// `HH:MM`.
pub(super) fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

pub(super) const fn weekday(day: raw::Weekday) -> Weekday {
    match day {
        raw::Weekday::Monday => Weekday::Monday,
        raw::Weekday::Tuesday => Weekday::Tuesday,
        raw::Weekday::Wednesday => Weekday::Wednesday,
        raw::Weekday::Thursday => Weekday::Thursday,
        raw::Weekday::Friday => Weekday::Friday,
        raw::Weekday::Saturday => Weekday::Saturday,
        raw::Weekday::Sunday => Weekday::Sunday,
    }
}

pub(super) fn dates(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &[Datetime],
) -> BTreeSet<Date> {
    let dates = raw.iter().enumerate();
    dates.filter_map(|(at, raw)| date(inspector, &place.item(at), raw)).collect()
}

/// A date alone, without a time of day.
fn date(inspector: &mut Inspector<'_>, place: &Place<'_>, raw: &Datetime) -> Option<Date> {
    let date = raw.date.filter(|_| raw.time.is_none() && raw.offset.is_none()).and_then(|date| {
        let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
        Date::new(i16::try_from(date.year).ok()?, month, day).ok()
    });
    if date.is_none() {
        inspector.error(place, format!("{raw} is no date alone"), DATE_CURE);
    }
    date
}

fn codes<C: Ord>(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &BTreeMap<String, raw::Code>,
    parse: fn(&str) -> Result<C, IdError>,
    shape: &str,
) -> BTreeMap<C, Name> {
    let mut codes = BTreeMap::new();
    for (text, code) in raw {
        let place = place.key(text);
        let name = inspector.name(&place.key("name"), &code.name);
        match parse(text) {
            Ok(code) => drop(codes.insert(code, name)),
            Err(_) => {
                let cure = format!("write {shape}");
                inspector.error(&place, format!("{text:?} is no code of this table"), cure);
            }
        }
    }
    codes
}

fn tariff(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    id: &str,
    (raw, file): (&raw::Tariff, &raw::Payments),
) -> Option<Tariff> {
    inspector.id(place, id);
    let name = inspector.name(&place.key("name"), &raw.name);
    if raw.kind.is_none() {
        inspector.demand(&place.key("kind"), "", "write \"fee\" or \"duty\"");
    }
    let kbk = known(inspector, &place.key("kbk"), &raw.kbk, &file.kbk);
    let knp = known(inspector, &place.key("knp"), &raw.knp, &file.knp);
    let rates = rates(inspector, &place.key("rate"), &raw.rate);
    Some(Tariff {
        kind: match raw.kind? {
            raw::TariffKind::Fee => TariffKind::Fee,
            raw::TariffKind::Duty => TariffKind::Duty,
        },
        name,
        kbk: Kbk::parse(kbk?).ok()?,
        knp: Knp::parse(knp?).ok()?,
        rates,
    })
}

/// A code that the reference table of this file holds.
fn known<'r>(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    code: &'r str,
    table: &BTreeMap<String, raw::Code>,
) -> Option<&'r str> {
    let cure = "name a code of the reference table of this file";
    if !inspector.demand(place, code, cure) {
        return None;
    }
    if !table.contains_key(code) {
        let known: Vec<&str> = table.keys().map(String::as_str).collect();
        let wrong = format!("the reference table has no code {code:?}");
        inspector.error(place, wrong, instead(code, &known, cure));
        return None;
    }
    Some(code)
}

fn rates(inspector: &mut Inspector<'_>, list: &Place<'_>, raw: &[raw::Rate]) -> Vec<Rate> {
    if raw.is_empty() {
        inspector.error(list, "nothing says what it costs", "add a [[tariff.ID.rate]] table");
    }
    let mut rates: Vec<Rate> = Vec::new();
    for (at, raw) in raw.iter().enumerate() {
        let place = list.item(at);
        let Some(rate) = rate(inspector, &place, raw) else { continue };
        let overlaps = |other: &Rate| {
            rate.until.is_none_or(|until| other.from < until)
                && other.until.is_none_or(|until| rate.from < until)
        };
        if rates.iter().any(overlaps) {
            let wrong = "another rate is valid on some of these days too";
            inspector.error(&place, wrong, "end one span where the other begins");
        }
        rates.push(rate);
    }
    rates.sort_by_key(|rate| rate.from);
    rates
}

fn rate(inspector: &mut Inspector<'_>, place: &Place<'_>, raw: &raw::Rate) -> Option<Rate> {
    let amount_place = place.key("amount");
    let amount = Amount::parse(&raw.amount);
    let cure = "write tenge with at most two decimals in quotes, more than 0";
    if inspector.demand(&amount_place, &raw.amount, cure) && amount.is_err() {
        inspector.error(&amount_place, format!("{:?} is no amount", raw.amount), cure);
    }
    let Some(from) = &raw.from else {
        inspector.demand(&place.key("from"), "", DATE_CURE);
        return None;
    };
    let from = date(inspector, &place.key("from"), from);
    let until = match &raw.until {
        Some(until) => Some(date(inspector, &place.key("until"), until)?),
        None => None,
    };
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        let wrong = "the span ends before it begins";
        inspector.error(&place.key("until"), wrong, "write a day after `from`");
    }
    Some(Rate { amount: amount.ok()?, from: from?, until })
}
