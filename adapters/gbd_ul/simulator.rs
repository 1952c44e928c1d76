//! A stand-in for ЗТ МДҚ: three invented organisations, and a BIN for each way an agency can answer.
//!
//! | BIN | answer | outcome |
//! |---|---|---|
//! | 171140001235 | «Үлгі» ЖШС | Done |
//! | 190540007715 | «Сынақ Банк» АҚ | Done |
//! | 150841000221 | a branch of «Үлгі» | Done |
//! | 500140000017 | status SCSE001, no data | Refused |
//! | 500140000027 | access closed, `Status/Code` 004 | Refused |
//! | 500140000037 | SOAP fault SCE909 | Unknown |
//! | any other | not found, `Status/Code` 003 | Refused |
//!
//! The answer stands in `data` as the request did: as elements or as text. The signature of the request
//! is not checked; the three BIN of 2050 belong to nobody.

use super::wire::{self, Entry, Organization, Person, Request, Response};
use qaqpa_kit::adapter::{SimulatedAnswer, SimulatedRequest, Simulator, WrittenAnswer};
use qaqpa_kit::payload::{self, said};
use qaqpa_kit::xml::writer::push_text;

/// Code and names of a directory's entry.
type Names = [&'static str; 3];

const FOUND: Names = ["002", "Запрос обработан успешно", "Сұрау сәтті өңделді"];
const NOT_FOUND: Names = ["003", "Организация не найдена", "Ұйым табылмады"];
const CLOSED: Names = ["004", "Доступ к сведениям закрыт", "Мәліметтер жабық"];

const PARTNERSHIP: Names = ["22", "ТОО", "ЖШС"];
const COMPANY: Names = ["14", "АО", "АҚ"];
const BRANCH: Names = ["2", "Филиал", "Филиал"];

/// What is invented of an organisation; the rest is the same for all.
#[derive(Debug)]
pub struct Invented {
    pub bin: &'static str,
    pub registration_date: &'static str,
    pub full_name_ru: &'static str,
    pub full_name_kz: &'static str,
    form: Names,
    pub leader_iin: &'static str,
}

/// Every organisation that the simulator knows.
pub const ORGANIZATIONS: [Invented; 3] = [
    Invented {
        bin: "171140001235",
        registration_date: "2017-11-20+06:00",
        full_name_ru: "ТОО «Үлгі»",
        full_name_kz: "«Үлгі» ЖШС",
        form: PARTNERSHIP,
        leader_iin: "850312300121",
    },
    Invented {
        bin: "190540007715",
        registration_date: "2019-05-14+06:00",
        full_name_ru: "АО «Сынақ Банк»",
        full_name_kz: "«Сынақ Банк» АҚ",
        form: COMPANY,
        leader_iin: "991130400100",
    },
    Invented {
        bin: "150841000221",
        registration_date: "2015-08-03+06:00",
        full_name_ru: "Филиал ТОО «Үлгі» в городе Алматы",
        full_name_kz: "«Үлгі» ЖШС Алматы қаласындағы филиалы",
        form: BRANCH,
        leader_iin: "010702600344",
    },
];

/// The simulator.
pub struct Organizations;

impl Simulator for Organizations {
    fn answer(&self, request: &SimulatedRequest<'_>) -> SimulatedAnswer {
        let SimulatedRequest::Envelope(call) = request else {
            return SimulatedAnswer::unreadable();
        };
        let Ok(asked) = payload::of_call(call, Request::asks) else {
            return SimulatedAnswer::unreadable();
        };
        let bin = said(asked.bin.as_ref()).unwrap_or_default();
        let response = match (bin, ORGANIZATIONS.iter().find(|known| known.bin == bin)) {
            ("500140000017", _) => return SimulatedAnswer::nothing_found(),
            ("500140000027", _) => response(CLOSED, None),
            ("500140000037", _) => {
                return SimulatedAnswer::fault("SCE909", "Ішкі қате / Внутренняя ошибка");
            }
            (_, Some(found)) => response(FOUND, Some(found)),
            (_, None) => response(NOT_FOUND, None),
        };
        // Strings in structs always become XML; were it not so, the empty data would be a broken answer.
        let mut data = wire::document("responseDataType", &response).unwrap_or_default();
        if call.data.is_some_and(payload::is_text) {
            let document = std::mem::take(&mut data);
            push_text(&mut data, &document);
        }
        SimulatedAnswer::Envelope(WrittenAnswer::processed(data))
    }
}

/// A request and its answer, for the documentation of the JSON form.
#[must_use]
pub fn example() -> (Request, Response) {
    let asked = Request {
        requestor_bin: Some("190540007715".into()),
        bin: Some("171140001235".into()),
        ..Request::default()
    };
    (asked, response(FOUND, ORGANIZATIONS.first()))
}

fn response(status: Names, organization: Option<&Invented>) -> Response {
    Response { status: entry(status), organization: organization.map(whole), ..Response::default() }
}

fn entry([code, name_ru, name_kz]: Names) -> Option<Entry> {
    Some(Entry::new(code, name_ru, name_kz))
}

fn whole(invented: &Invented) -> Organization {
    let leader = Person { iin: Some(invented.leader_iin.into()), ..Person::default() };
    Organization {
        bin: Some(invented.bin.into()),
        reg_status: entry(["1", "Зарегистрирован", "Тіркелген"]),
        creation_method: entry(["1", "Создание", "Құру"]),
        registration_date: Some(invented.registration_date.into()),
        full_name_ru: Some(invented.full_name_ru.to_owned()),
        full_name_kz: Some(invented.full_name_kz.to_owned()),
        org_form: entry(invented.form),
        organization_leader: Some(leader),
        ..Organization::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gbd_ul::GbdUl;
    use crate::trial::outcome;
    use qaqpa_kit::fault::Outcome;
    use qaqpa_kit::ids::{Bin, BinUnit, Iin};

    #[test]
    fn invented_organisations_are_what_their_bin_says() {
        for organization in &ORGANIZATIONS {
            let bin = Bin::parse(organization.bin, true).expect(organization.bin);
            let is_branch = bin.unit() == Some(BinUnit::Branch);
            assert_eq!(is_branch, organization.form == BRANCH, "{bin}");
            let registered = organization.registration_date.replace('-', "");
            assert_eq!(registered.get(2..6), organization.bin.get(..4), "{bin}");
            assert!(Iin::parse(organization.leader_iin, true).is_ok(), "{bin}");
        }
    }

    #[test]
    fn each_bin_of_the_table_ends_as_the_table_says_in_both_forms() {
        for (bin, expected) in [
            ("171140001235", Outcome::Done),
            ("190540007715", Outcome::Done),
            ("150841000221", Outcome::Done),
            ("500140000017", Outcome::Refused),
            ("500140000027", Outcome::Refused),
            ("500140000037", Outcome::Unknown),
            ("500140000047", Outcome::Refused),
        ] {
            let adapter = GbdUl::new().expect("manifest");
            let document = format!("<r:Request xmlns:r='urn:r'><BIN>{bin}</BIN></r:Request>");
            let mut text = String::new();
            push_text(&mut text, &document);
            for inside in [document, text] {
                let data = format!("<data>{inside}</data>");
                assert_eq!(outcome(&adapter, "GbdulInfoByBin_v2", &data), expected, "{bin}");
            }
        }
    }

    #[test]
    fn an_answer_stands_in_data_as_the_request_did() {
        let adapter = GbdUl::new().expect("manifest");
        for (request, start) in [
            ("<data><Request><BIN>171140001235</BIN></Request></data>", "<g:responseDataType"),
            ("<data>&lt;Request>&lt;BIN>171140001235&lt;/BIN>&lt;/Request></data>", "&lt;g:resp"),
        ] {
            let answer = crate::trial::ask(&adapter, "GbdulInfoByBin_v2", request);
            let SimulatedAnswer::Envelope(answer) = answer else { panic!("an envelope") };
            assert!(answer.data_xml.expect("data").starts_with(start));
        }
    }
}
