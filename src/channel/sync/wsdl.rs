//! `?wsdl` and its schemas, served with the gateway's own address so that a stock SOAP client loads them.

/// The document that this query string asks for, with `address` put in; `None` if there is none.
///
/// `?wsdl` is the binding; the documents name each other by `?wsdl=…` and `?xsd=…`.
#[must_use]
pub fn document(query: &str, address: &str) -> Option<String> {
    let template = match query.to_ascii_lowercase().as_str() {
        "wsdl" | "singlewsdl" => include_str!("wsdl/binding.wsdl"),
        "wsdl=interface" => include_str!("wsdl/interface.wsdl"),
        "xsd=channel" => include_str!("wsdl/channel.xsd"),
        "xsd=info" => include_str!("wsdl/info.xsd"),
        "xsd=request" => include_str!("wsdl/request.xsd"),
        "xsd=response" => include_str!("wsdl/response.xsd"),
        "xsd=common" => include_str!("wsdl/common.xsd"),
        _ => return None,
    };
    let mut escaped = String::new();
    qaqpa_kit::xml::writer::push_text(&mut escaped, address);
    Some(template.replace("@ADDRESS@", &escaped.replace('"', "&quot;")))
}

#[cfg(test)]
mod tests {
    use super::document;
    use qaqpa_kit::xml::{Document, Limits};

    #[test]
    fn every_document_is_well_formed_and_reaches_only_documents_that_exist() {
        let mut open = vec!["wsdl".to_owned()];
        let mut seen = Vec::new();
        while let Some(query) = open.pop() {
            let text = document(&query, "https://gate.example:8443/sync?a=1&b=2").expect(&query);
            assert!(!text.contains("@ADDRESS@"));
            let scanned = Document::scan(text.as_bytes(), &Limits::default()).expect(&query);
            for element in scanned.root().descendants() {
                for name in ["location", "schemaLocation"] {
                    let Some(attribute) = element.attribute("", name) else { continue };
                    let place = attribute.value().into_owned();
                    let Some((_, next)) = place.rsplit_once('?') else { continue };
                    if next.starts_with("a=") || seen.contains(&next.to_owned()) {
                        continue;
                    }
                    open.push(next.to_owned());
                }
            }
            seen.push(query);
        }
        assert!(seen.len() >= 7, "{seen:?}");
        assert!(document("wsdl=other", "x").is_none());
    }
}
