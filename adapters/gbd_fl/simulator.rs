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

use super::wire::{
    BirthPlace, Document, Documents, Entry, Person, Persons as Found, Request, Response,
};
use qaqpa_kit::adapter::{Call, SimulatedAnswer, SimulatedRequest, Simulator, WrittenAnswer};
use qaqpa_kit::payload::{self, said};
use qaqpa_kit::wire::inside;

/// Code and names of a dictionary's entry.
type Names = [&'static str; 3];

const MALE: Names = ["1", "Мужской", "Еркек"];
const FEMALE: Names = ["2", "Женский", "Әйел"];
const KAZAKHSTAN: Names = ["398", "КАЗАХСТАН", "ҚАЗАҚСТАН"];
const FOUND: Names = ["00000", "Успешно", "Сәтті"];
const NOT_FOUND: Names = ["00001", "Лицо не найдено", "Тұлға табылмады"];
const CLOSED: Names = ["00002", "Доступ к сведениям закрыт", "Мәліметтер жабық"];

/// What is invented of a person; the rest is the same for all.
#[derive(Debug)]
pub struct Invented {
    pub iin: &'static str,
    pub surname: &'static str,
    pub name: &'static str,
    pub patronymic: &'static str,
    pub birth_date: &'static str,
    gender: Names,
    /// Number of the identity card.
    pub card_number: &'static str,
}

/// Everyone whom the simulator knows.
pub const PERSONS: [Invented; 3] = [
    Invented {
        iin: "850312300121",
        surname: "ҮЛГІЛІ",
        name: "АРМАН",
        patronymic: "СЫНАҚҰЛЫ",
        birth_date: "1985-03-12",
        gender: MALE,
        card_number: "000000001",
    },
    Invented {
        iin: "010702600344",
        surname: "СЫНАҚОВА",
        name: "ДАНА",
        patronymic: "ҮЛГІЛІҚЫЗЫ",
        birth_date: "2001-07-02",
        gender: FEMALE,
        card_number: "000000002",
    },
    Invented {
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
            return SimulatedAnswer::unreadable();
        };
        let Ok(asked) = payload::of_call(call, Request::asks) else {
            return SimulatedAnswer::unreadable();
        };
        let (result, person) = match said(asked.iin.as_ref()) {
            Some("990101500016") => return SimulatedAnswer::nothing_found(),
            Some("990101500026") => (CLOSED, None),
            Some("990101500036") => {
                return SimulatedAnswer::fault("SCE909", "Ішкі қате / Внутренняя ошибка");
            }
            _ => match PERSONS.iter().find(|person| is_meant(person, &asked)) {
                Some(person) => (FOUND, Some(person)),
                None => (NOT_FOUND, None),
            },
        };
        let response = response(call, &asked, result, person);
        // Strings in structs always become XML; were it not so, the empty data would be a broken answer.
        let data = inside(&response).unwrap_or_default();
        SimulatedAnswer::Envelope(WrittenAnswer::processed(data))
    }
}

/// A request and its answer, for the documentation of the JSON form.
#[must_use]
pub fn example() -> (Request, Response) {
    let asked = Request {
        message_id: Some("m-1".to_owned()),
        message_date: Some("2025-03-11T10:15:30+05:00".into()),
        sender_code: Some("DEMO".to_owned()),
        iin: Some("850312300121".into()),
        ..Request::default()
    };
    let call = Call {
        service: "",
        message_id: "",
        session_id: "",
        received_at: "2025-03-11T10:15:30+05:00",
        data: None,
    };
    let answer = response(&call, &asked, FOUND, PERSONS.first());
    (asked, answer)
}

fn is_meant(person: &Invented, asked: &Request) -> bool {
    fn fits<T: AsRef<str>>(key: Option<&T>, value: &str) -> bool {
        said(key).is_none_or(|key| key == value)
    }
    fits(asked.iin.as_ref(), person.iin)
        && fits(asked.surname.as_ref(), person.surname)
        && fits(asked.name.as_ref(), person.name)
        && fits(asked.birth_date.as_ref(), person.birth_date)
        && fits(asked.document_number.as_ref(), person.card_number)
        && said(asked.birth_date_from.as_ref()).is_none_or(|from| from <= person.birth_date)
        && said(asked.birth_date_to.as_ref()).is_none_or(|to| person.birth_date <= to)
}

fn response(
    call: &Call<'_>,
    asked: &Request,
    result: Names,
    person: Option<&Invented>,
) -> Response {
    let request_id = said(asked.message_id.as_ref()).unwrap_or(call.message_id);
    let receiver = said(asked.sender_code.as_ref()).unwrap_or_default();
    Response {
        message_id: Some(format!("gbdfl-{request_id}")),
        message_date: Some(call.received_at.into()),
        request_id: Some(request_id.to_owned()),
        sender: entry(["GBDFL", "ГБД ФЛ", "ЖТ МДҚ"]),
        receiver: Some(Entry::new(receiver, receiver, receiver)),
        message_result: entry(result),
        persons: person.map(|person| Found { person: vec![whole(person)], ..Found::default() }),
        ..Response::default()
    }
}

fn entry([code, name_ru, name_kz]: Names) -> Option<Entry> {
    Some(Entry::new(code, name_ru, name_kz))
}

fn whole(invented: &Invented) -> Person {
    let text = |text: &str| Some(text.to_owned());
    let country = entry(KAZAKHSTAN);
    let card = Document {
        kind: entry(["002", "УДОСТОВЕРЕНИЕ РК", "ҚР ЖЕКЕ КУӘЛІГІ"]),
        number: text(invented.card_number),
        begin_date: Some("2020-01-10".into()),
        end_date: Some("2030-01-09".into()),
        issue_organization: entry(["001", "МВД РК", "ҚР ІІМ"]),
        status: entry(["00", "ДОКУМЕНТ ДЕЙСТВИТЕЛЕН", "ҚҰЖАТ ЖАРАМДЫ"]),
        birth_date: Some(invented.birth_date.into()),
        ..Document::default()
    };
    Person {
        iin: Some(invented.iin.into()),
        surname: text(invented.surname),
        name: text(invented.name),
        patronymic: text(invented.patronymic),
        birth_date: Some(invented.birth_date.into()),
        gender: entry(invented.gender),
        nationality: entry(["005", "КАЗАХ", "ҚАЗАҚ"]),
        citizenship: country.clone(),
        life_status: entry(["0", "Нормальный", "Қалыпты"]),
        birth_place: Some(BirthPlace { country, ..BirthPlace::default() }),
        documents: Some(Documents { document: vec![card], ..Documents::default() }),
        ..Person::default()
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
