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

use super::wire::{Entry, Organization, Request, Response};
use qaqpa_kit::adapter::{SimulatedAnswer, SimulatedRequest, Simulator, WrittenAnswer};
use qaqpa_kit::payload;
use qaqpa_kit::xml::writer::push_text;

const FOUND: Entry<'_> =
    Entry {
        code: "002", name_ru: "Запрос обработан успешно", name_kz: "Сұрау сәтті өңделді"
    };
const NOT_FOUND: Entry<'_> =
    Entry {
        code: "003", name_ru: "Организация не найдена", name_kz: "Ұйым табылмады"
    };
const CLOSED: Entry<'_> =
    Entry {
        code: "004", name_ru: "Доступ к сведениям закрыт", name_kz: "Мәліметтер жабық"
    };

const PARTNERSHIP: Entry<'_> = Entry { code: "22", name_ru: "ТОО", name_kz: "ЖШС" };
const COMPANY: Entry<'_> = Entry { code: "14", name_ru: "АО", name_kz: "АҚ" };
const BRANCH: Entry<'_> = Entry { code: "2", name_ru: "Филиал", name_kz: "Филиал" };

/// Every organisation that the simulator knows.
pub const ORGANIZATIONS: [Organization; 3] = [
    Organization {
        bin: "171140001235",
        registration_date: "2017-11-20+06:00",
        full_name_ru: "ТОО «Үлгі»",
        full_name_kz: "«Үлгі» ЖШС",
        form: PARTNERSHIP,
        leader_iin: "850312300121",
    },
    Organization {
        bin: "190540007715",
        registration_date: "2019-05-14+06:00",
        full_name_ru: "АО «Сынақ Банк»",
        full_name_kz: "«Сынақ Банк» АҚ",
        form: COMPANY,
        leader_iin: "991130400100",
    },
    Organization {
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
            return fault("SCE001", "SOAP күтілді / Ожидался SOAP");
        };
        let Ok(asked) = payload::of_call(call, Request::read) else {
            return fault("SCE001", "Хабарлама пішімі дұрыс емес / Неверный формат сообщения");
        };
        let found = ORGANIZATIONS.iter().find(|organization| organization.bin == asked.bin);
        let response = match (asked.bin.as_str(), found) {
            ("500140000017", _) => {
                return SimulatedAnswer::Envelope(WrittenAnswer::new(
                    "SCSE001",
                    "Деректер табылмады / Данные не найдены",
                    None,
                ));
            }
            ("500140000027", _) => Response { status: CLOSED, organization: None },
            ("500140000037", _) => return fault("SCE909", "Ішкі қате / Внутренняя ошибка"),
            (_, Some(_)) => Response { status: FOUND, organization: found },
            (_, None) => Response { status: NOT_FOUND, organization: None },
        };
        let document = response.write();
        let data = if call.data.is_some_and(payload::is_text) {
            let mut text = String::new();
            push_text(&mut text, &document);
            text
        } else {
            document
        };
        SimulatedAnswer::Envelope(WrittenAnswer::new(
            "SCSS001",
            "Message has been processed successfully",
            Some(data),
        ))
    }
}

fn fault(error_code: &str, error_message: &str) -> SimulatedAnswer {
    SimulatedAnswer::Fault {
        error_code: error_code.to_owned(),
        error_message: error_message.to_owned(),
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
