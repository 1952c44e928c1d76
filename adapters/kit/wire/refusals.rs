//! What the three languages refuse, with reason and place; and what they keep.

use super::*;
use crate::xml::{Document, Limits};
use serde::Deserialize;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    iin: Iin,
    #[serde(rename = "other", default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Inner>,
    note: Option<String>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inner {
    #[serde(rename = "@lang", skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    #[serde(rename = "#text", skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<Flag>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<String>,
    #[serde(flatten)]
    more: More,
}

fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, (&'static str, String)> {
    let tree = Tree::read(text).and_then(T::deserialize);
    tree.map_err(|error| (error.reason, error.place))
}

fn xml<T: DeserializeOwned>(source: &str) -> Result<T, (&'static str, String)> {
    let document = Document::scan(source.as_bytes(), &Limits::default()).expect(source);
    from_element(document.root()).map_err(|error| (error.reason, error.place))
}

#[test]
fn json_that_two_readers_might_read_differently_is_refused_at_its_place() {
    for (text, reason, place) in [
        (r#"{"iin":"1","iin":"2"}"#, "duplicate_key", "/iin"),
        (r#"{"iin":"1","i\u0069n":"2"}"#, "duplicate_key", "/iin"),
        (r#"{"other":[{},{"~/":1,"~/":2}]}"#, "duplicate_key", "/other/1/~0~1"),
        (r#"{"iin":"1\u0000"}"#, "forbidden_character", "/iin"),
        (r#"{"other":["a","\ufffe"]}"#, "forbidden_character", "/other/1"),
        (r#"{"\u0001":1}"#, "forbidden_character", "/\u{1}"),
        (r#"{"iin":"\ud800"}"#, "json_unreadable", "/iin"),
        (r#"{"iin":1e999}"#, "json_unreadable", "/iin"),
        (r#"{"iin":NaN}"#, "json_unreadable", "/iin"),
        (r#"{"iin":"1"} {}"#, "json_unreadable", ""),
        ("\u{feff}{}", "json_unreadable", ""),
        ("{\"iin\":\"1\",}", "json_unreadable", ""),
        ("{'iin':'1'}", "json_unreadable", ""),
        ("{\"iin\":\"1\"/**/}", "json_unreadable", ""),
        ("", "json_unreadable", ""),
    ] {
        assert_eq!(json::<Asked>(text.as_bytes()), Err((reason, place.to_owned())), "{text}");
    }
    assert_eq!(json::<Asked>(b"{\"iin\":\"\xff\"}"), Err(("json_not_utf8", String::new())));
}

#[test]
fn json_of_another_shape_is_refused_at_its_place() {
    for (text, reason, place) in [
        (r#"{"iin":"1","inn":"1"}"#, "unknown_field", "/inn"),
        ("{}", "field_missing", "/iin"),
        (r#"{"iin":null}"#, "wrong_type", "/iin"),
        (r#"{"iin":850312300121}"#, "wrong_type", "/iin"),
        (r#"{"iin":true}"#, "wrong_type", "/iin"),
        (r#"{"iin":["1"]}"#, "wrong_type", "/iin"),
        (r#"{"iin":{}}"#, "wrong_type", "/iin"),
        (r#"["1"]"#, "wrong_type", ""),
        (r#""1""#, "wrong_type", ""),
        ("null", "wrong_type", ""),
        (r#"{"iin":"1","other":{}}"#, "wrong_type", "/other"),
        (r#"{"iin":"1","other":[{},"x"]}"#, "wrong_type", "/other/1"),
        (r#"{"iin":"1","other":[{"flag":7}]}"#, "wrong_type", "/other/0/flag"),
    ] {
        assert_eq!(json::<Asked>(text.as_bytes()), Err((reason, place.to_owned())), "{text}");
    }
    let asked = json::<Asked>(br#"{"note":null,"iin":" 1 "}"#).expect("null is absent");
    assert_eq!(asked, Asked { iin: " 1 ".into(), ..Asked::default() });
}

#[test]
fn json_is_capped_in_depth_and_values_and_the_fault_is_too_large() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Tree::read(deep(DEPTH_MAX).as_bytes()).is_ok());
    let many = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
    assert!(Tree::read(many(VALUES_MAX).as_bytes()).is_ok());
    for (bomb, reason) in [
        (deep(DEPTH_MAX + 1), "json_limit_depth"),
        (deep(1_000_000), "json_limit_depth"),
        (r#"{"a":"#.repeat(100_000), "json_limit_depth"),
        (many(VALUES_MAX + 1), "json_limit_values"),
    ] {
        let fault = from_json::<Asked>(bomb.as_bytes()).expect_err(reason);
        assert_eq!((fault.code, fault.phase), (Code::CallerTooLarge, Phase::Receive));
        assert_eq!(fault.reason, reason);
    }
}

#[test]
fn a_fault_tells_the_place_and_the_byte_but_no_value() {
    let secret = r#"{"iin": "secret-1", "other": "secret-2", "850312300121": 1}"#;
    let fault = from_json::<Asked>(secret.as_bytes()).expect_err("a list is due");
    assert_eq!(fault.to_string(), "caller.malformed: wrong_type (phase receive): at \"/other\"");
    let fault = from_json::<Asked>(br#"{"850312300121":"1"}"#).expect_err("unknown");
    assert_eq!(fault.cause.as_deref(), Some("at \"/8503****0121\""));
    let fault = from_json::<Asked>(b"{\n\"iin\": \"\xd2\x9b\", x}").expect_err("no JSON");
    assert_eq!((fault.reason, fault.at), ("json_unreadable", Some(15)));
    let long = format!("{{\"{}\":1}}", "k".repeat(100_000));
    let fault = from_json::<Asked>(long.as_bytes()).expect_err("unknown");
    assert!(fault.cause.is_some_and(|cause| cause.len() < 300));
}

#[test]
fn xml_that_does_not_fit_is_refused_at_its_place() {
    for (source, reason, place) in [
        ("<d><iin>1</iin><iin>1</iin></d>", "repeated_element", "/iin"),
        ("<d><iin>1</iin><iin xmlns='urn:x'>2</iin></d>", "repeated_element", "/iin"),
        ("<d><iin><b/></iin></d>", "element_in_value", "/iin"),
        ("<d><x/></d>", "field_missing", "/iin"),
        ("<d><iin/><other><flag>1</flag><flag/></other></d>", "wrong_type", "/other/flag"),
    ] {
        assert_eq!(xml::<Asked>(source), Err((reason, place.to_owned())), "{source}");
    }
}

#[test]
fn xml_is_read_by_local_names_whatever_stands_beside() {
    let source = "<p:d xmlns:p='urn:p' xmlns:x='urn:x'>
        <x:Signature>AA==</x:Signature> <!-- 1 --><p:other lang='kk' x:lang='no'>
        a<!-- -->b<x:c>deep</x:c><![CDATA[<&]]></p:other><p:iin><![CDATA[1]]>&#x32;<!-- 3 --></p:iin>
        <other/><other><flag>true</flag></other></p:d>";
    let asked = xml::<Asked>(source).expect("fits");
    let other = |lang: Option<&str>, text: Option<&str>, flag| Inner {
        lang: lang.map(str::to_owned),
        text: text.map(str::to_owned),
        flag,
    };
    let others = vec![
        other(Some("kk"), Some("\n        ab<&"), None),
        other(None, None, None),
        other(None, None, Some(Flag::Known(true))),
    ];
    assert_eq!(asked, Asked { iin: "12".into(), others, note: None });
}

#[test]
fn an_open_type_keeps_what_it_does_not_know() {
    let source = "<d a='1' xmlns:x='urn:x' x:b='2'>t<known>k</known><u/><v>1</v><x:v><w c='3'>4</w><w/></x:v></d>";
    let open = xml::<Open>(source).expect("fits");
    let told = String::from_utf8(to_json(&open).expect("JSON")).expect("UTF-8");
    assert_eq!(told, r##"{"known":"k","#text":"t","@a":"1","u":"","v":["1",{"w":["4",""]}]}"##);
    assert_eq!(json::<Open>(told.as_bytes()), Ok(open));
}

#[test]
fn elements_are_written_in_the_order_of_the_fields_and_what_xml_cannot_hold_is_refused() {
    let inner = Inner {
        lang: Some("\"<\n".to_owned()),
        text: Some(" a&b\r".to_owned()),
        flag: Some(Flag::Other("1".to_owned())),
    };
    let asked = Asked { iin: "1".into(), others: vec![inner, Inner::default()], note: None };
    assert_eq!(
        inside(&asked).expect("XML"),
        "<iin>1</iin><other lang=\"&quot;&lt;&#xA;\"> a&amp;b&#xD;<flag>1</flag></other><other></other>"
    );
    let list = |items: Vec<Unlisted>| Unlisted::Many(items);
    let text = |text: &str| Unlisted::Text(text.to_owned());
    for (key, value, reason, place) in [
        ("a", text("\u{1}"), "forbidden_character", "/a"),
        ("a", list(vec![text(""), text("\u{ffff}")]), "forbidden_character", "/a"),
        ("a", list(vec![list(vec![])]), "list_in_list", "/a"),
        ("a b", text(""), "wrong_name", "/a b"),
        ("", text(""), "wrong_name", "/"),
        ("x:a", text(""), "wrong_name", "/x:a"),
        ("a><b", text(""), "wrong_name", "/a><b"),
        ("@a", text(""), "wrong_name", "/@a"),
        ("#text", list(vec![]), "wrong_type", "/#text"),
    ] {
        let open = Open { known: None, more: More::from([(key.to_owned(), value)]) };
        let error = inside(&open).expect_err(key);
        assert_eq!((error.reason, error.place.as_str()), (reason, place));
    }
    let mut out = String::new();
    let attribute = More::from([("@xmlns".to_owned(), text("urn:x"))]);
    let open =
        Open { known: None, more: More::from([("a".to_owned(), Unlisted::Inside(attribute))]) };
    assert_eq!(push_wrapped(&mut out, "d", "", &open).expect_err("declared").reason, "wrong_name");
    assert!(inside(&1.5).is_err() && inside(&"text").is_err() && inside(&vec![1]).is_err());
}

#[test]
fn schemas_stand_alone_and_an_answer_is_never_null() {
    #[derive(Serialize, Deserialize, schemars::JsonSchema)]
    struct Told {
        iin: Option<Iin>,
        removed: Option<Flag>,
        #[serde(flatten)]
        more: More,
    }
    let answer = schema_of_answer::<Told>();
    let text = answer.to_string();
    assert!(
        !text.contains("null") && !text.contains("$ref") && !text.contains("$schema"),
        "{text}"
    );
    assert_eq!(answer.pointer("/properties/iin/pattern"), Some(&Value::from("^[0-9]{12}$")));
    assert!(answer.get("additionalProperties").is_some_and(|more| more != &Value::from(false)));
    let request = schema_of_request::<Told>().to_string();
    assert!(request.contains("null") && !request.contains("$ref"), "{request}");
}
