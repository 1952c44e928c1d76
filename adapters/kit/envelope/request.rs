//! Reading `SendMessage`: the head fields of a call and the place of its `data`.

use super::{field, malformed, ns, only};
use crate::fault::Fault;
use crate::xml::Element;
use std::borrow::Cow;

/// How the request is wrapped; all but the first are deviations of live clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// `{…/Types}SendMessage` with `request`: forwarded as it came.
    SendMessage,
    /// Another wrapper's name, or no `request` inside: rebuilt before it is sent on.
    Renamed,
    /// `{…/Types/Request}syncSendMessageRequest` without a SOAP envelope: rebuilt too.
    Bare,
}

/// The head of one SyncChannel request; texts are trimmed, absent optional ones are empty.
#[derive(Clone, Debug)]
pub struct Request<'d> {
    pub wrapper: Wrapper,
    /// The Body's single child (or the root of the bare form).
    pub payload: Element<'d>,
    pub request_info: Element<'d>,
    pub message_id: Cow<'d, str>,
    pub correlation_id: Cow<'d, str>,
    pub service_id: Cow<'d, str>,
    pub message_date: Cow<'d, str>,
    pub route_id: Cow<'d, str>,
    /// Empty only in the bare form.
    pub sender_id: Cow<'d, str>,
    pub password: Cow<'d, str>,
    pub password_element: Option<Element<'d>>,
    pub session_element: Option<Element<'d>>,
    /// `requestData/data`, where present.
    pub data: Option<Element<'d>>,
}

impl<'d> Request<'d> {
    /// Reads the payload of a SOAP Body, or the root of the bare form.
    ///
    /// # Errors
    /// `caller.malformed` with the offset: an unknown wrapper, a field missing, twice, or not text.
    pub fn read(payload: Element<'d>) -> Result<Self, Fault> {
        let (wrapper, request) = unwrap(payload)?;
        let at = request.span().start;
        let request_info =
            only(request, "requestInfo")?.ok_or_else(|| malformed("request_info_missing", at))?;
        let request_data =
            only(request, "requestData")?.ok_or_else(|| malformed("request_data_missing", at))?;
        let sender = only(request_info, "sender")?;
        let in_sender = |local| match sender {
            Some(sender) => field(sender, local),
            None => Ok(Cow::Borrowed("")),
        };
        let read = Self {
            wrapper,
            payload,
            request_info,
            message_id: field(request_info, "messageId")?,
            correlation_id: field(request_info, "correlationId")?,
            service_id: field(request_info, "serviceId")?,
            message_date: field(request_info, "messageDate")?,
            route_id: field(request_info, "routeId")?,
            sender_id: in_sender("senderId")?,
            password: in_sender("password")?,
            password_element: match sender {
                Some(sender) => only(sender, "password")?,
                None => None,
            },
            session_element: only(request_info, "sessionId")?,
            data: only(request_data, "data")?,
        };
        read.check()?;
        Ok(read)
    }

    /// The value of a property of `requestInfo`; `None` where it is absent or empty.
    ///
    /// # Errors
    /// `caller.malformed` (`property_twice`): two readers could each take another.
    pub fn property(&self, key: &str) -> Result<Option<Cow<'d, str>>, Fault> {
        let is_it = |property: &Element<'d>| {
            property.local() == "properties"
                && property.child("key").is_some_and(|found| found.text().trim() == key)
        };
        let mut found = self.request_info.children().filter(is_it);
        let first = found.next();
        if found.next().is_some() {
            return Err(malformed("property_twice", self.request_info.span().start));
        }
        let value = first.and_then(|property| property.child("value")).map(|value| value.text());
        Ok(value.filter(|text| !text.trim().is_empty()))
    }

    fn check(&self) -> Result<(), Fault> {
        let at = self.request_info.span().start;
        if self.message_id.is_empty() {
            return Err(malformed("message_id_missing", at));
        }
        if self.service_id.is_empty() {
            return Err(malformed("service_id_missing", at));
        }
        if self.sender_id.is_empty() && self.wrapper != Wrapper::Bare {
            return Err(malformed("sender_id_missing", at));
        }
        if !is_date_time(&self.message_date) {
            return Err(malformed("message_date", at));
        }
        let heads = [
            &self.message_id,
            &self.correlation_id,
            &self.service_id,
            &self.message_date,
            &self.route_id,
            &self.sender_id,
        ];
        if heads.iter().any(|text| text.len() > HEAD_FIELD_BYTES_MAX) {
            return Err(malformed("head_field_too_long", at));
        }
        Ok(())
    }
}

/// Heads travel into the journal, also those of a caller whom nobody knows: longer ones are refused.
const HEAD_FIELD_BYTES_MAX: usize = 256;

fn unwrap(payload: Element<'_>) -> Result<(Wrapper, Element<'_>), Fault> {
    let at = payload.span().start;
    if payload.is(ns::REQUEST, "syncSendMessageRequest") {
        return Ok((Wrapper::Bare, payload));
    }
    let is_known = payload.is(ns::TYPES, "SendMessage")
        || payload.local() == "SendMessageRequest"
        || payload.is(ns::CONSENT, "sendMessageRequest");
    if !is_known {
        return Err(malformed("unknown_wrapper", at));
    }
    match only(payload, "request")? {
        Some(request) if payload.is(ns::TYPES, "SendMessage") => {
            Ok((Wrapper::SendMessage, request))
        }
        Some(request) => Ok((Wrapper::Renamed, request)),
        None => Ok((Wrapper::Renamed, payload)),
    }
}

/// `xsd:dateTime` as live clients write it: `Z`, `+06:00`, `+0600`, no zone, any fraction.
fn is_date_time(text: &str) -> bool {
    let Some((head, tail)) = text.split_at_checked(19) else { return false };
    let shape = b"0000-00-00T00:00:00";
    let is_head = head.bytes().zip(shape).all(|(byte, &form)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    });
    let zone = match tail.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => tail,
    };
    is_head && is_zone(zone)
}

fn is_zone(zone: &str) -> bool {
    match zone.as_bytes() {
        [] | [b'Z'] => true,
        [b'+' | b'-', digits @ ..] => {
            let plain: Vec<u8> = digits.iter().copied().filter(|byte| *byte != b':').collect();
            plain.len() == 4
                && plain.iter().all(u8::is_ascii_digit)
                && (digits.len() == 4 || digits.get(2) == Some(&b':') && digits.len() == 5)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Document, Limits};

    #[test]
    fn no_head_field_is_longer_than_a_journal_column_should_be() {
        let info = "<messageId>m</messageId><correlationId>c</correlationId><serviceId>S</serviceId>\
             <messageDate>2025-03-11T10:15:30.1</messageDate><routeId>r</routeId>\
             <sender><senderId>d</senderId></sender>";
        for field in
            ["messageId", "correlationId", "serviceId", "messageDate", "routeId", "senderId"]
        {
            let end = format!("</{field}>");
            for (bytes, is_read) in
                [(HEAD_FIELD_BYTES_MAX - 21, true), (HEAD_FIELD_BYTES_MAX, false)]
            {
                let long = info.replace(&end, &format!("{}{end}", "1".repeat(bytes)));
                let source = format!(
                    "<r:syncSendMessageRequest xmlns:r=\"{}\"><requestInfo>{long}</requestInfo>\
                     <requestData/></r:syncSendMessageRequest>",
                    ns::REQUEST
                );
                let document = Document::scan(source.as_bytes(), &Limits::default()).expect(field);
                let read = Request::read(document.root());
                let reason = read.err().map(|fault| fault.reason);
                assert_eq!(reason.is_none(), is_read, "{field} {bytes}");
                assert!(is_read || reason == Some("head_field_too_long"), "{field}: {reason:?}");
            }
        }
    }

    #[test]
    fn dates_are_accepted_as_live_clients_write_them() {
        for date in [
            "2025-03-11T10:15:30",
            "2025-03-11T10:15:30Z",
            "2025-03-11T10:15:30.125+05:00",
            "2025-03-11T10:15:30.123456789+06:00",
            "2025-03-11T10:15:30.125+0600",
        ] {
            assert!(is_date_time(date), "{date}");
        }
        for date in [
            "",
            "2025-03-11",
            "2025-03-11 10:15:30",
            "2025-03-11T10:15:30.Z",
            "x",
            "2025-03-11T10:15:30+6",
        ] {
            assert!(!is_date_time(date), "{date}");
        }
    }
}
