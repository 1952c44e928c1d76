//! The values of a request, each held against its form, its check digit or its table; pure.

use super::{Asker, Unanswered, refused};
use crate::config::settings;
use crate::payments::calendar::{ASTANA, OperatingDay};
use crate::payments::record::{Id, Party, Terms};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use qaqpa_adapters::payments::wire::{ChargeRegister, Purpose};
use qaqpa_kit::ids::{Bin, Iban, IdError, Iin, Kbe, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;
use std::collections::BTreeMap;

/// The account of the budget, the same for every payee (facts of the Treasury).
const TREASURY_IBAN: &str = "KZ24070105KSN0000000";
/// The side of the central government.
const TREASURY_KBE: &str = "11";
/// Characters of one language of a purpose: what fits a bank's payment order with room.
const PURPOSE_CHARS_MAX: usize = 500;
/// Characters of a charge's number, a key or an id of others.
pub(super) const NAME_CHARS_MAX: usize = 100;
/// So much can be owed at once: a billion tenge times a thousand, far below what sums can hold.
const AMOUNT_TIYN_MAX: i64 = 100_000_000_000_000;

/// What a charge costs and what it is for.
struct Price {
    kbk: Kbk,
    knp: Knp,
    amount: Amount,
    purpose: Name,
}

/// The terms of a new charge.
pub(super) fn of_charge(
    settings: &settings::Payments,
    asker: &Asker<'_>,
    id: &Id,
    asked: ChargeRegister,
) -> Result<Terms, Unanswered> {
    let payer = payer(&asked, asker.check_digits)?;
    let payee = Bin::parse(&asked.payee_bin.0, asker.check_digits)
        .map_err(|error| wrong("payee_bin", error))?;
    let price = match &asked.tariff {
        Some(tariff) => by_tariff(settings, asker, tariff, &asked)?,
        None => by_hand(settings, &asked)?,
    };
    let kbe = asked.kbe.as_deref().unwrap_or(TREASURY_KBE);
    let kbe = listed("kbe", Kbe::parse(kbe), &settings.kbe)?;
    let iban = Iban::parse(asked.iban.as_deref().unwrap_or(TREASURY_IBAN))
        .map_err(|error| wrong("iban", error))?;
    let due_day = match &asked.due_date {
        Some(date) => Some(day("due_date", &date.0)?.0),
        None => None,
    };
    let number = match asked.number {
        Some(number) => name("number", number)?,
        None => id.text().to_owned(),
    };
    Ok(Terms {
        agency: asker.participant.to_owned(),
        number,
        payer,
        payee,
        kbk: price.kbk,
        knp: price.knp,
        kbe,
        iban,
        amount: price.amount,
        purpose: price.purpose,
        due_day,
    })
}

fn payer(asked: &ChargeRegister, checked: bool) -> Result<Party, Unanswered> {
    match (&asked.payer_iin, &asked.payer_bin, &asked.payer) {
        (Some(iin), None, None) => {
            Iin::parse(&iin.0, checked).map(Party::from).map_err(|error| wrong("payer_iin", error))
        }
        (None, Some(bin), None) => {
            Bin::parse(&bin.0, checked).map(Party::from).map_err(|error| wrong("payer_bin", error))
        }
        (None, None, Some(either)) => party("payer", &either.0, checked),
        (None, None, None) => Err(refused("field_missing", Some("payer_iin"))),
        _ => Err(refused("fields_exclude_each_other", Some("payer"))),
    }
}

/// An IIN or a BIN.
pub(super) fn party(field: &str, text: &str, checked: bool) -> Result<Party, Unanswered> {
    Party::read(text, checked).map_err(|error| wrong(field, error))
}

/// What a fee or a duty costs on the day of asking.
fn by_tariff(
    settings: &settings::Payments,
    asker: &Asker<'_>,
    id: &str,
    asked: &ChargeRegister,
) -> Result<Price, Unanswered> {
    let has_own = asked.kbk.is_some() || asked.knp.is_some() || asked.amount_tiyn.is_some();
    if has_own {
        return Err(refused("fields_exclude_each_other", Some("tariff")));
    }
    let tariff = settings.tariffs.get(id);
    let tariff = tariff.ok_or_else(|| refused("tariff_unknown", Some("tariff")))?;
    let amount = tariff.amount_on(today(asker.at_us));
    let purpose = match &asked.purpose {
        Some(written) => purpose(written)?,
        None => tariff.name.clone(),
    };
    Ok(Price {
        kbk: tariff.kbk,
        knp: tariff.knp,
        amount: amount.ok_or_else(|| refused("tariff_not_valid", Some("tariff")))?,
        purpose,
    })
}

fn by_hand(settings: &settings::Payments, asked: &ChargeRegister) -> Result<Price, Unanswered> {
    let kbk = present("kbk", asked.kbk.as_deref())?;
    let knp = present("knp", asked.knp.as_deref())?;
    Ok(Price {
        kbk: listed("kbk", Kbk::parse(kbk), &settings.kbk)?,
        knp: listed("knp", Knp::parse(knp), &settings.knp)?,
        amount: amount("amount_tiyn", *present("amount_tiyn", asked.amount_tiyn.as_ref())?)?,
        purpose: purpose(present("purpose", asked.purpose.as_ref())?)?,
    })
}

fn present<'a, T: ?Sized>(field: &str, value: Option<&'a T>) -> Result<&'a T, Unanswered> {
    value.ok_or_else(|| refused("field_missing", Some(field)))
}

fn listed<C: Ord>(
    field: &str,
    code: Result<C, IdError>,
    table: &BTreeMap<C, Name>,
) -> Result<C, Unanswered> {
    let code = code.map_err(|error| wrong(field, error))?;
    if table.contains_key(&code) { Ok(code) } else { Err(refused("code_unknown", Some(field))) }
}

pub(super) fn amount(field: &str, tiyn: i64) -> Result<Amount, Unanswered> {
    match Amount::new(tiyn) {
        Ok(amount) if tiyn <= AMOUNT_TIYN_MAX => Ok(amount),
        Ok(_) => Err(refused("amount_too_large", Some(field))),
        Err(error) => Err(refused(error.reason(), Some(field))),
    }
}

fn purpose(written: &Purpose) -> Result<Name, Unanswered> {
    let part = |field: &str, text: &str| match text.trim() {
        text if is_text(text, PURPOSE_CHARS_MAX) => Ok(text.to_owned()),
        _ => Err(refused("text_malformed", Some(&format!("purpose/{field}")))),
    };
    Ok(Name {
        kk: part("kk", &written.kk)?,
        ru: part("ru", &written.ru)?,
        en: part("en", &written.en)?,
    })
}

/// A text that others call something by: short and without control characters.
pub(super) fn name(field: &str, text: String) -> Result<String, Unanswered> {
    if is_text(&text, NAME_CHARS_MAX) {
        Ok(text)
    } else {
        Err(refused("text_malformed", Some(field)))
    }
}

fn is_text(text: &str, chars_max: usize) -> bool {
    !text.is_empty() && !text.contains(char::is_control) && text.chars().count() <= chars_max
}

/// `YYYY-MM-DD`, a day of the calendar.
pub(super) fn day(field: &str, text: &str) -> Result<OperatingDay, Unanswered> {
    let date: Option<Date> = text.parse().ok().filter(|_| text.len() == 10);
    date.map(OperatingDay::of).ok_or_else(|| refused("date_malformed", Some(field)))
}

/// A bank's moment: RFC 3339, or without a zone by the rules of the country on that day.
pub(super) fn moment(field: &str, text: &str) -> Result<i64, Unanswered> {
    let local = || ASTANA.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    let moment = text.parse::<Timestamp>().ok().or_else(local);
    let moment = moment.ok_or_else(|| refused("date_malformed", Some(field)))?;
    Ok(moment.as_microsecond())
}

/// The date in Astana at this moment.
fn today(at_us: i64) -> Date {
    let now = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH);
    now.to_zoned(ASTANA.clone()).date()
}

fn wrong(field: &str, error: IdError) -> Unanswered {
    refused(error.reason(), Some(field))
}
