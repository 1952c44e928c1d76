//! A stand-in for the register of addresses: two invented addresses, and a code for each way to answer.
//!
//! | РКА | answer | outcome |
//! |---|---|---|
//! | 0201300012345678 | an address in Astana | Done |
//! | 0201300087654321 | an address in Almaty | Done |
//! | 0201300000000422 | 422, the address is archived | Refused |
//! | 0201300000000500 | 500, no JSON | Unknown |
//! | any other | 404, not found | Refused |

use super::wire::{Address, Refusal, Request};
use qaqpa_kit::adapter::{SimulatedAnswer, SimulatedRequest, Simulator};
use serde::Serialize;

/// Code, classifier, names and postcode of every address that the simulator knows.
const ADDRESSES: [(&str, &str, &str, &str, Option<&str>); 2] = [
    (
        "0201300012345678",
        "710000000",
        "Астана қаласы, Үлгі көшесі, 1-үй",
        "город Астана, улица Улги, дом 1",
        Some("Z00A0A0"),
    ),
    (
        "0201300087654321",
        "750000000",
        "Алматы қаласы, Сынақ көшесі, 2-үй",
        "город Алматы, улица Сынак, дом 2",
        None,
    ),
];

fn address_of(rka: &str) -> Option<Address> {
    let found = ADDRESSES.iter().find(|address| address.0 == rka)?;
    let (rka, kato, name_kz, name_ru, postcode) = *found;
    let [rka, kato, name_kz, name_ru] = [rka, kato, name_kz, name_ru].map(str::to_owned);
    Some(Address { rka, kato, name_kz, name_ru, postcode: postcode.map(str::to_owned) })
}

/// A request and its answer, for the documentation of the JSON form.
#[must_use]
pub fn example() -> (Request, Option<Address>) {
    let rka = "0201300012345678";
    (Request { rka: rka.to_owned() }, address_of(rka))
}

/// The simulator.
pub struct Addresses;

impl Simulator for Addresses {
    fn answer(&self, request: &SimulatedRequest<'_>) -> SimulatedAnswer {
        let rka = match request {
            SimulatedRequest::Http { method: "GET", path, .. } => path.strip_prefix("/addresses/"),
            _ => None,
        };
        match rka {
            None => refuse(400, "BAD_REQUEST", "Сұрау түсініксіз / Запрос непонятен"),
            Some("0201300000000422") => {
                refuse(422, "ADDRESS_ARCHIVED", "Мекенжай мұрағатта / Адрес в архиве")
            }
            Some("0201300000000500") => SimulatedAnswer::Http {
                status: 500,
                content_type: "text/plain",
                body: b"internal error".to_vec(),
            },
            Some(rka) => match address_of(rka) {
                Some(address) => json(200, &address),
                None => refuse(404, "ADDRESS_NOT_FOUND", "Мекенжай табылмады / Адрес не найден"),
            },
        }
    }
}

fn refuse(status: u16, code: &str, message: &str) -> SimulatedAnswer {
    json(status, &Refusal { code: code.into(), message: message.into() })
}

fn json(status: u16, value: &impl Serialize) -> SimulatedAnswer {
    // Strings in a struct always serialise; were it not so, the empty body would be a broken answer.
    let body = serde_json::to_vec(value).unwrap_or_default();
    SimulatedAnswer::Http { status, content_type: "application/json", body }
}

#[cfg(test)]
mod tests {
    use crate::address_register::AddressRegister;
    use crate::trial::outcome;
    use qaqpa_kit::fault::Outcome;

    #[test]
    fn each_code_of_the_table_ends_as_the_table_says() {
        for (rka, expected) in [
            ("0201300012345678", Outcome::Done),
            ("0201300087654321", Outcome::Done),
            ("0201300000000422", Outcome::Refused),
            ("0201300000000500", Outcome::Unknown),
            ("0201300000000404", Outcome::Refused),
        ] {
            let adapter = AddressRegister::new().expect("manifest");
            let data = format!("<data><rka>{rka}</rka></data>");
            assert_eq!(outcome(&adapter, "AR_AddressByRka", &data), expected, "{rka}");
        }
    }
}
