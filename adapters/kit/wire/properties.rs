//! Properties of the wire forms: nothing is lost on the way through the others, and nothing panics.

use super::*;
use crate::xml::{Document, Limits};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    many: Vec<String>,
    #[serde(flatten)]
    more: More,
}

/// Any text that XML can hold.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ \t\r\na-zқ<>&\"'\\]]{0,12}",
        any::<String>().prop_map(|text| text
            .chars()
            .filter(|c| crate::xml::is_text(c.encode_utf8(&mut [0; 4])))
            .collect()),
    ]
}

/// What an element without a type may hold, as its reading would have it.
fn unlisted() -> impl Strategy<Value = Unlisted> {
    let leaf = text().prop_map(Unlisted::Text);
    leaf.prop_recursive(4, 32, 4, |inner| {
        let one = prop_oneof![
            text().prop_map(Unlisted::Text),
            (inner.clone(), btree_map("[a-z@][a-z]{1,3}", inner, 0..4)).prop_map(
                |(first, mut rest)| {
                    rest.retain(|key, value| {
                        !key.starts_with('@') || matches!(value, Unlisted::Text(_))
                    });
                    rest.insert("first".to_owned(), first);
                    Unlisted::Inside(rest)
                }
            ),
        ];
        prop_oneof![one.clone(), vec(one, 2..4).prop_map(Unlisted::Many)]
    })
    // A list stands where an element may be repeated, so never in a list.
    .prop_filter("list in list", is_flat)
}

fn is_flat(value: &Unlisted) -> bool {
    match value {
        Unlisted::Text(_) => true,
        Unlisted::Many(items) => {
            items.iter().all(|item| !matches!(item, Unlisted::Many(_)) && is_flat(item))
        }
        Unlisted::Inside(more) => more.values().all(is_flat),
    }
}

fn open() -> impl Strategy<Value = Open> {
    let more = btree_map("[a-z]{1,3}", unlisted(), 0..5);
    (proptest::option::of(text()), vec(text(), 0..4), more).prop_map(|(known, many, more)| Open {
        known,
        many,
        more,
    })
}

fn read_xml(inside: &str) -> Open {
    let source = format!("<data>{inside}</data>");
    let document = Document::scan(source.as_bytes(), &Limits::default()).expect("well-formed");
    from_element(document.root()).expect("fits")
}

proptest! {
    #[test]
    fn a_value_comes_back_from_xml_and_from_json_to_the_letter(open in open()) {
        let xml = inside(&open).expect("XML");
        prop_assert_eq!(&read_xml(&xml), &open);
        prop_assert_eq!(inside(&read_xml(&xml)).expect("XML"), xml);
        let json = to_json(&open).expect("JSON");
        let again: Open = from_json(&json).expect("fits");
        prop_assert_eq!(&again, &open);
        prop_assert_eq!(to_json(&again).expect("JSON"), json);
    }

    #[test]
    fn no_bytes_panic_and_what_is_read_serde_json_reads_too(
        bytes in prop_oneof![
            vec(any::<u8>(), 0..64),
            "[\\[\\]{}:,\"a0\\\\u -]{0,32}".prop_map(String::into_bytes),
        ]
    ) {
        let stranger = serde_json::from_slice::<Value>(&bytes);
        prop_assert!(Tree::read(&bytes).is_err() || stranger.is_ok());
        prop_assert!(from_json::<Open>(&bytes).is_err() || stranger.is_ok_and(|value| value.is_object()));
    }

    #[test]
    fn any_document_is_read_by_an_open_type_or_refused_by_name(
        parts in vec("<a>|</a>|<known>|</known>|<b c='1'>|</b>|x| |&#x9;|<![CDATA[y]]>|<!-- z -->", 0..24)
    ) {
        let source = format!("<data>{}</data>", parts.concat());
        let Ok(document) = Document::scan(source.as_bytes(), &Limits::default()) else { return Ok(()) };
        match from_element::<Open>(document.root()) {
            Ok(open) => {
                let again = read_xml(&inside(&open).expect("XML"));
                prop_assert_eq!(again, open);
            }
            Err(error) => prop_assert!(
                ["repeated_element", "element_in_value"].contains(&error.reason), "{}", error
            ),
        }
    }
}
