//! The messages of ЖТ МДҚ: types `message`, `person` and `dictionaries` of `*.persistence.interactive.nat`.
//!
//! Elements are unqualified and come in the order of the XSD. Only what the gateway reads and what the
//! simulator says is here; the rest passes through untouched.

use qaqpa_kit::payload::field;
use qaqpa_kit::xml::Element;
use qaqpa_kit::xml::writer::{push_element, push_nested};

/// `message.persistence.interactive.nat:Request`, the search keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub message_id: Option<String>,
    pub sender_code: Option<String>,
    pub iin: Option<String>,
    pub surname: Option<String>,
    pub name: Option<String>,
    /// `xsd:date`; the two others bound it where it is not known.
    pub birth_date: Option<String>,
    pub birth_date_from: Option<String>,
    pub birth_date_to: Option<String>,
    pub document_number: Option<String>,
}

impl Request {
    /// Reads a request; `None` when the element holds no search key, so is none.
    #[must_use]
    pub fn read(element: Element<'_>) -> Option<Self> {
        let request = Self {
            message_id: field(element, "messageId"),
            sender_code: field(element, "senderCode"),
            iin: field(element, "iin"),
            surname: field(element, "surname"),
            name: field(element, "name"),
            birth_date: field(element, "birthDate"),
            birth_date_from: field(element, "birthDateFrom"),
            birth_date_to: field(element, "birthDateTo"),
            document_number: field(element, "documentNumber"),
        };
        let keys = [&request.iin, &request.surname, &request.birth_date, &request.document_number];
        keys.iter().any(|key| key.is_some()).then_some(request)
    }

    /// Whether it can find someone without an IIN: full name and birth date, or a document.
    #[must_use]
    pub const fn is_search(&self) -> bool {
        let is_dated = self.birth_date.is_some()
            || (self.birth_date_from.is_some() && self.birth_date_to.is_some());
        (self.surname.is_some() && self.name.is_some() && is_dated)
            || self.document_number.is_some()
    }
}

/// `messageResult/code` of a response.
#[must_use]
pub fn result_code(element: Element<'_>) -> Option<String> {
    field(element.child("messageResult")?, "code")
}

/// An entry of a dictionary: sender, result, gender, country …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub code: &'a str,
    pub name_ru: &'a str,
    pub name_kz: &'a str,
}

impl Entry<'_> {
    fn write(&self, out: &mut String, name: &str) {
        push_nested(out, name, |out| {
            push_element(out, "code", self.code);
            push_element(out, "nameRu", self.name_ru);
            push_element(out, "nameKz", self.name_kz);
        });
    }
}

/// `person.persistence.interactive.nat:Person`, the part that every answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    pub iin: &'static str,
    pub surname: &'static str,
    pub name: &'static str,
    pub patronymic: &'static str,
    /// `YYYY-MM-DD`.
    pub birth_date: &'static str,
    pub gender: Entry<'static>,
    /// Number of the identity card (document type 002).
    pub card_number: &'static str,
}

const KAZAKHSTAN: Entry<'_> =
    Entry { code: "398", name_ru: "КАЗАХСТАН", name_kz: "ҚАЗАҚСТАН" };

impl Person {
    fn write(&self, out: &mut String) {
        push_nested(out, "person", |out| {
            push_element(out, "iin", self.iin);
            push_element(out, "surname", self.surname);
            push_element(out, "name", self.name);
            push_element(out, "patronymic", self.patronymic);
            push_element(out, "birthDate", self.birth_date);
            self.gender.write(out, "gender");
            Entry { code: "005", name_ru: "КАЗАХ", name_kz: "ҚАЗАҚ" }.write(out, "nationality");
            KAZAKHSTAN.write(out, "citizenship");
            Entry { code: "0", name_ru: "Нормальный", name_kz: "Қалыпты" }.write(out, "lifeStatus");
            push_nested(out, "birthPlace", |out| KAZAKHSTAN.write(out, "country"));
            push_nested(out, "documents", |out| self.write_card(out));
        });
    }

    fn write_card(&self, out: &mut String) {
        push_nested(out, "document", |out| {
            Entry {
                code: "002", name_ru: "УДОСТОВЕРЕНИЕ РК", name_kz: "ҚР ЖЕКЕ КУӘЛІГІ"
            }
            .write(out, "type");
            push_element(out, "number", self.card_number);
            push_element(out, "beginDate", "2020-01-10");
            push_element(out, "endDate", "2030-01-09");
            Entry { code: "001", name_ru: "МВД РК", name_kz: "ҚР ІІМ" }
                .write(out, "issueOrganization");
            Entry {
                code: "00", name_ru: "ДОКУМЕНТ ДЕЙСТВИТЕЛЕН", name_kz: "ҚҰЖАТ ЖАРАМДЫ"
            }
            .write(out, "status");
            push_element(out, "birthDate", self.birth_date);
        });
    }
}

/// `message.persistence.interactive.nat:Response`.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    pub message_id: &'a str,
    /// `xsd:dateTime`.
    pub message_date: &'a str,
    /// `messageId` of the request.
    pub request_id: &'a str,
    /// `senderCode` of the request.
    pub receiver_code: &'a str,
    pub result: Entry<'a>,
    pub person: Option<&'a Person>,
}

impl Response<'_> {
    /// The inside of `data`.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::new();
        push_element(&mut out, "messageId", self.message_id);
        push_element(&mut out, "messageDate", self.message_date);
        push_element(&mut out, "requestId", self.request_id);
        Entry { code: "GBDFL", name_ru: "ГБД ФЛ", name_kz: "ЖТ МДҚ" }.write(&mut out, "sender");
        let receiver = self.receiver_code;
        Entry { code: receiver, name_ru: receiver, name_kz: receiver }.write(&mut out, "receiver");
        self.result.write(&mut out, "messageResult");
        if let Some(person) = self.person {
            push_nested(&mut out, "persons", |out| person.write(out));
        }
        out
    }
}
