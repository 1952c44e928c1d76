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
    let payee = bin("payee_bin", &asked.payee_bin.0, asker.check_digits)?;
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
        tariff: asked.tariff,
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

pub(super) fn bin(field: &str, text: &str, checked: bool) -> Result<Bin, Unanswered> {
    Bin::parse(text, checked).map_err(|error| wrong(field, error))
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
    // A date alone is no moment: midnight would be a guess.
    let is_whole = text.contains('T');
    let local = || ASTANA.to_timestamp(text.parse::<DateTime>().ok().filter(|_| is_whole)?).ok();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{Rate, Tariff, TariffKind};
    use serde_json::{Value, json};

    /// 2026-11-25T05:00:00Z, ten in the morning in Astana.
    const AT_US: i64 = 1_795_582_800_000_000;

    fn text(text: &str) -> Name {
        Name { kk: text.to_owned(), ru: text.to_owned(), en: text.to_owned() }
    }

    fn settings() -> settings::Payments {
        let mut settings = settings::Payments::embedded("unused".into());
        settings.kbk.insert(Kbk::parse("108125").expect("a code"), text("duty"));
        settings.knp.insert(Knp::parse("911").expect("a code"), text("tax"));
        settings.kbe.insert(Kbe::parse("11").expect("a code"), text("government"));
        let rate = Rate {
            amount: Amount::new(534_700).expect("an amount"),
            from: jiff::civil::date(2026, 1, 1),
            until: Some(jiff::civil::date(2027, 1, 1)),
        };
        let tariff = Tariff {
            kind: TariffKind::Duty,
            name: text("divorce"),
            kbk: Kbk::parse("108125").expect("a code"),
            knp: Knp::parse("911").expect("a code"),
            rates: vec![rate],
        };
        settings.tariffs.insert("duty_05".to_owned(), tariff);
        settings
    }

    fn terms_at(at_us: i64, asked: Value) -> Result<Terms, (String, Option<String>)> {
        let asker = Asker {
            participant: "agency",
            key: None,
            at_us,
            check_digits: true,
            original_digest: "",
        };
        let asked = serde_json::from_value(asked).expect("a registration");
        of_charge(&settings(), &asker, &Id::at(at_us), asked).map_err(|unanswered| match unanswered
        {
            Unanswered::Refused(refusal) => (refusal.reason, refusal.field),
            Unanswered::Fault(fault) => (fault.reason.to_owned(), None),
        })
    }

    fn by_hand() -> Value {
        json!({
            "payer_iin": "900101300017", "payee_bin": "990140000017", "kbk": "108125",
            "knp": "911", "amount_tiyn": 534_707, "due_date": "2026-12-31",
            "purpose": { "kk": " Баж ", "ru": "Пошлина", "en": "Duty" },
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut asked = by_hand();
        let fields = asked.as_object_mut().expect("an object");
        if value.is_null() {
            fields.remove(field)
        } else {
            fields.insert(field.to_owned(), value)
        };
        asked
    }

    #[test]
    fn what_is_left_out_is_the_treasurys_and_the_texts_are_trimmed() {
        let terms = terms_at(AT_US, by_hand()).expect("good terms");
        assert_eq!(Some(terms.iban), Iban::parse(TREASURY_IBAN).ok());
        assert_eq!((terms.kbe.to_string().as_str(), &*terms.purpose.kk), (TREASURY_KBE, "Баж"));
        assert_eq!(terms.number.len(), 36, "without a number its own id is one");
        assert_eq!(terms.agency, "agency");
    }

    #[test]
    fn every_field_is_held_against_its_form_and_its_table() {
        let wrong = |field, value, reason: &str, blamed: &str| {
            let told = terms_at(AT_US, with(field, value)).expect_err(field);
            assert_eq!(told, (reason.to_owned(), Some(blamed.to_owned())), "{field}");
        };
        wrong("payer_iin", Value::Null, "field_missing", "payer_iin");
        wrong("payer_bin", json!("990140000017"), "fields_exclude_each_other", "payer");
        wrong("kbk", Value::Null, "field_missing", "kbk");
        wrong("kbk", json!("108126"), "code_unknown", "kbk");
        wrong("knp", json!("912"), "code_unknown", "knp");
        wrong("kbe", json!("19"), "code_unknown", "kbe");
        wrong("amount_tiyn", json!(AMOUNT_TIYN_MAX + 1), "amount_too_large", "amount_tiyn");
        wrong("due_date", json!("2026-02-29"), "date_malformed", "due_date");
        wrong("due_date", json!("2026-2-1"), "date_malformed", "due_date");
        wrong("number", json!("a\nb"), "text_malformed", "number");
        wrong("number", json!("n".repeat(NAME_CHARS_MAX + 1)), "text_malformed", "number");
        let purpose = json!({ "kk": "a", "ru": "  ", "en": "b" });
        wrong("purpose", purpose, "text_malformed", "purpose/ru");
        for (field, value) in [
            ("payer_iin", json!("900101300018")),
            ("payee_bin", json!("990140000018")),
            ("iban", json!("KZ25070105KSN0000000")),
            ("amount_tiyn", json!(0)),
            ("amount_tiyn", json!(-1)),
        ] {
            let (_, blamed) = terms_at(AT_US, with(field, value)).expect_err(field);
            assert_eq!(blamed.as_deref(), Some(field));
        }
    }

    #[test]
    fn a_tariff_costs_what_it_does_on_the_day_in_astana_and_excludes_terms_of_ones_own() {
        let by_tariff = json!({
            "payer_bin": "990140000017", "payee_bin": "990140000017", "tariff": "duty_05",
        });
        let terms = terms_at(AT_US, by_tariff.clone()).expect("good terms");
        assert_eq!((terms.amount.tiyn(), &*terms.purpose.en), (534_700, "divorce"));
        // 2026-12-31T19:00:00Z is the first of January in Astana.
        let new_year_us = 1_798_743_600_000_000;
        assert!(terms_at(new_year_us - 1, by_tariff.clone()).is_ok());
        let (reason, _) = terms_at(new_year_us, by_tariff.clone()).expect_err("not valid");
        assert_eq!(reason, "tariff_not_valid");
        for (field, value, reason) in [
            ("tariff", json!("duty_99"), "tariff_unknown"),
            ("kbk", json!("108125"), "fields_exclude_each_other"),
            ("amount_tiyn", json!(1), "fields_exclude_each_other"),
        ] {
            let mut asked = by_tariff.clone();
            asked[field] = value;
            assert_eq!(terms_at(AT_US, asked).expect_err(field).0, reason);
        }
    }

    #[test]
    fn a_moment_without_a_zone_is_the_countrys_on_that_day() {
        let moments = [
            ("2026-11-25T10:00:00", Some(AT_US)),
            ("2026-11-25T10:00:00+05:00", Some(AT_US)),
            ("2026-11-25T05:00:00Z", Some(AT_US)),
            ("2024-02-29T12:00:00", Some(1_709_186_400_000_000)),
            ("2026-11-25", None),
            ("yesterday", None),
        ];
        for (text, expected) in moments {
            assert_eq!(moment("posted_at", text).ok(), expected, "{text}");
        }
    }
}
