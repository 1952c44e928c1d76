//! The messages of ЗТ МДҚ, service `GbdulInfoByBin_v2`, namespace `http://gbdulinfobybin_v2.egp.gbdul.tamur.kz`.
//!
//! Roots are qualified, what is in them is not, and comes in the order of the XSD. Only what the
//! gateway reads and what the simulator says is here; the rest passes through untouched.

use qaqpa_kit::payload::field;
use qaqpa_kit::xml::Element;
use qaqpa_kit::xml::writer::{push_element, push_nested};

/// `Request`: who asks, and about whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub requestor_bin: Option<String>,
    pub bin: String,
}

impl Request {
    /// Reads a request; `None` when the element names no BIN, so is none.
    #[must_use]
    pub fn read(element: Element<'_>) -> Option<Self> {
        Some(Self { requestor_bin: field(element, "RequestorBIN"), bin: field(element, "BIN")? })
    }
}

/// `Status/Code` of a response.
#[must_use]
pub fn result_code(element: Element<'_>) -> Option<String> {
    field(element.child("Status")?, "Code")
}

/// An entry of a directory: status, state of registration, way of creation …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub code: &'a str,
    pub name_ru: &'a str,
    pub name_kz: &'a str,
}

impl Entry<'_> {
    fn write(&self, out: &mut String, name: &str) {
        push_nested(out, name, |out| {
            push_element(out, "Code", self.code);
            push_element(out, "NameRu", self.name_ru);
            push_element(out, "NameKz", self.name_kz);
        });
    }
}

/// `Organization`, the part that every answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Organization {
    pub bin: &'static str,
    /// `xsd:date` with zone, as the register writes it.
    pub registration_date: &'static str,
    pub full_name_ru: &'static str,
    pub full_name_kz: &'static str,
    pub form: Entry<'static>,
    pub leader_iin: &'static str,
}

impl Organization {
    fn write(&self, out: &mut String) {
        push_nested(out, "Organization", |out| {
            push_element(out, "BIN", self.bin);
            Entry {
                code: "1", name_ru: "Зарегистрирован", name_kz: "Тіркелген"
            }
            .write(out, "RegStatus");
            Entry { code: "1", name_ru: "Создание", name_kz: "Құру" }.write(out, "CreationMethod");
            push_element(out, "RegistrationDate", self.registration_date);
            push_element(out, "FullNameRu", self.full_name_ru);
            push_element(out, "FullNameKz", self.full_name_kz);
            self.form.write(out, "OrgForm");
            push_nested(out, "OrganizationLeader", |out| {
                push_element(out, "IIN", self.leader_iin);
            });
        });
    }
}

/// `responseDataType`.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    pub status: Entry<'a>,
    pub organization: Option<&'a Organization>,
}

impl Response<'_> {
    /// The whole document, its namespace declared in it.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::from(
            r#"<g:responseDataType xmlns:g="http://gbdulinfobybin_v2.egp.gbdul.tamur.kz">"#,
        );
        self.status.write(&mut out, "Status");
        if let Some(organization) = self.organization {
            organization.write(&mut out);
        }
        out.push_str("</g:responseDataType>");
        out
    }
}
