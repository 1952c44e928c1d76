//! A stand-in for ЖТ МДҚ: three invented people, and an IIN for each way an agency can answer.
//!
//! | IIN | answer | outcome |
//! |---|---|---|
//! | 850312300121 | АРМАН ҮЛГІЛІ | Done |
//! | 010702600344 | ДАНА СЫНАҚОВА | Done |
//! | 991130400100 | МӘДИНА ҮЛГІЛІ | Done |
//! | 990101500016 | status SCSE001, no data | Refused |
//! | 990101500026 | access closed, `messageResult` 00002 | Refused |
//! | 990101500036 | SOAP fault SCE909 | Unknown |
//! | any other, or a search that fits none | not found, `messageResult` 00001 | Refused |
//!
//! The three IIN of 2099 belong to nobody alive.

use super::wire::{Entry, Person, Request, Response};
use qaqpa_kit::adapter::{Call, SimulatedAnswer, SimulatedRequest, Simulator, WrittenAnswer};
use qaqpa_kit::payload;

const MALE: Entry<'_> = Entry { code: "1", name_ru: "Мужской", name_kz: "Еркек" };
const FEMALE: Entry<'_> = Entry { code: "2", name_ru: "Женский", name_kz: "Әйел" };
const FOUND: Entry<'_> = Entry { code: "00000", name_ru: "Успешно", name_kz: "Сәтті" };
const NOT_FOUND: Entry<'_> =
    Entry {
        code: "00001", name_ru: "Лицо не найдено", name_kz: "Тұлға табылмады"
    };
const CLOSED: Entry<'_> =
    Entry {
        code: "00002", name_ru: "Доступ к сведениям закрыт", name_kz: "Мәліметтер жабық"
    };

/// Everyone whom the simulator knows.
pub const PERSONS: [Person; 3] = [
    Person {
        iin: "850312300121",
        surname: "ҮЛГІЛІ",
        name: "АРМАН",
        patronymic: "СЫНАҚҰЛЫ",
        birth_date: "1985-03-12",
        gender: MALE,
        card_number: "000000001",
    },
    Person {
        iin: "010702600344",
        surname: "СЫНАҚОВА",
        name: "ДАНА",
        patronymic: "ҮЛГІЛІҚЫЗЫ",
        birth_date: "2001-07-02",
        gender: FEMALE,
        card_number: "000000002",
    },
    Person {
        iin: "991130400100",
        surname: "ҮЛГІЛІ",
        name: "МӘДИНА",
        patronymic: "СЫНАҚҚЫЗЫ",
        birth_date: "1999-11-30",
        gender: FEMALE,
        card_number: "000000003",
    },
];

/// The simulator.
pub struct Persons;

impl Simulator for Persons {
    fn answer(&self, request: &SimulatedRequest<'_>) -> SimulatedAnswer {
        let SimulatedRequest::Envelope(call) = request else {
            return fault("SCE001", "SOAP күтілді / Ожидался SOAP");
        };
        let Ok(asked) = payload::of_call(call, Request::read) else {
            return fault("SCE001", "Хабарлама пішімі дұрыс емес / Неверный формат сообщения");
        };
        match asked.iin.as_deref() {
            Some("990101500016") => SimulatedAnswer::Envelope(WrittenAnswer::new(
                "SCSE001",
                "Деректер табылмады / Данные не найдены",
                None,
            )),
            Some("990101500026") => respond(call, &asked, CLOSED, None),
            Some("990101500036") => fault("SCE909", "Ішкі қате / Внутренняя ошибка"),
            _ => match PERSONS.iter().find(|person| is_meant(person, &asked)) {
                Some(person) => respond(call, &asked, FOUND, Some(person)),
                None => respond(call, &asked, NOT_FOUND, None),
            },
        }
    }
}

fn is_meant(person: &Person, asked: &Request) -> bool {
    let fits = |key: &Option<String>, value: &str| key.as_deref().is_none_or(|key| key == value);
    fits(&asked.iin, person.iin)
        && fits(&asked.surname, person.surname)
        && fits(&asked.name, person.name)
        && fits(&asked.birth_date, person.birth_date)
        && fits(&asked.document_number, person.card_number)
        && asked.birth_date_from.as_deref().is_none_or(|from| from <= person.birth_date)
        && asked.birth_date_to.as_deref().is_none_or(|to| person.birth_date <= to)
}

fn respond(
    call: &Call<'_>,
    asked: &Request,
    result: Entry<'_>,
    person: Option<&Person>,
) -> SimulatedAnswer {
    let request_id = asked.message_id.as_deref().unwrap_or(call.message_id);
    let response = Response {
        message_id: &format!("gbdfl-{request_id}"),
        message_date: call.received_at,
        request_id,
        receiver_code: asked.sender_code.as_deref().unwrap_or_default(),
        result,
        person,
    };
    SimulatedAnswer::Envelope(WrittenAnswer::new(
        "SCSS001",
        "Message has been processed successfully",
        Some(response.write()),
    ))
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
    use crate::gbd_fl::GbdFl;
    use crate::trial::outcome;
    use qaqpa_kit::fault::Outcome;
    use qaqpa_kit::ids::{Iin, Sex};

    #[test]
    fn invented_people_are_what_their_iin_says() {
        for person in &PERSONS {
            let iin = Iin::parse(person.iin, true).expect(person.name);
            assert_eq!(iin.birth_date().as_deref(), Some(person.birth_date));
            let is_male = iin.sex() == Some(Sex::Male);
            assert_eq!(person.gender, if is_male { MALE } else { FEMALE });
        }
    }

    #[test]
    fn each_iin_of_the_table_ends_as_the_table_says() {
        for (iin, expected) in [
            ("850312300121", Outcome::Done),
            ("010702600344", Outcome::Done),
            ("991130400100", Outcome::Done),
            ("990101500016", Outcome::Refused),
            ("990101500026", Outcome::Refused),
            ("990101500036", Outcome::Unknown),
            ("200211500458", Outcome::Refused),
        ] {
            assert_eq!(ask(&format!("<iin>{iin}</iin>")), expected, "{iin}");
        }
    }

    #[test]
    fn a_search_finds_by_name_and_date_or_by_document() {
        for (keys, expected) in [
            (
                "<surname>ҮЛГІЛІ</surname><name>АРМАН</name><birthDate>1985-03-12</birthDate>",
                Outcome::Done,
            ),
            (
                "<surname>ҮЛГІЛІ</surname><name>АРМАН</name><birthDate>1985-03-13</birthDate>",
                Outcome::Refused,
            ),
            ("<documentNumber>000000002</documentNumber>", Outcome::Done),
            ("<documentNumber>999999999</documentNumber>", Outcome::Refused),
        ] {
            assert_eq!(ask(keys), expected, "{keys}");
        }
    }

    fn ask(keys: &str) -> Outcome {
        let adapter = GbdFl::new().expect("manifest");
        let data = format!("<data><messageId>1</messageId>{keys}</data>");
        outcome(&adapter, "GBDFL_UniversalServiceSync", &data)
    }
}
