//! Every reason for which a document is refused, with the byte it points at; and what looks wrong but is not.

use super::{Document, Limits, XmlError};

fn scan(source: &[u8]) -> Result<Document<'_>, XmlError> {
    Document::scan(source, &Limits::default())
}

/// Each source is refused for that reason at that byte, as a broken rule.
fn refused(reason: &'static str, sources: &[(&str, usize)]) {
    for (source, at) in sources {
        let expected = XmlError { reason, at: *at, is_limit: false };
        assert_eq!(scan(source.as_bytes()).map(drop), Err(expected), "{source}");
    }
}

fn accepted(sources: &[&str]) {
    for source in sources {
        if let Err(error) = scan(source.as_bytes()) {
            panic!("{source}: {error:?}");
        }
    }
}

#[test]
fn an_encoding_other_than_utf8_is_refused() {
    let utf16: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let sources: [(&[u8], usize); 9] = [
        (b"<a>\xFF</a>", 3),
        (b"<a>\xC0\x80</a>", 3),
        (b"<a>\xE0\x80\xBC</a>", 3),
        (b"<a>\xED\xA0\x80</a>", 3),
        (b"<a>\xD2", 3),
        (&utf16, 0),
        (b"\xFF\xFE<\0a\0/\0>\0", 0),
        (b"\0\0\0<\0\0\0a", 0),
        (b"<?xml version='1.0' encoding='us-ascii'?><a>\xD2\x9B</a>", 30),
    ];
    for (source, at) in sources {
        let expected = XmlError { reason: "encoding", at, is_limit: false };
        assert_eq!(scan(source).map(drop), Err(expected), "{source:?}");
    }
    refused(
        "encoding",
        &[
            ("<?xml version='1.0' encoding='UTF-16'?><a/>", 30),
            ("<?xml version='1.0' encoding='UTF-7'?><a/>", 30),
            ("<?xml version='1.0' encoding='windows-1251'?><a/>", 30),
            ("<?xml version='1.0' encoding=''?><a/>", 30),
        ],
    );
}

#[test]
fn a_byte_order_mark_is_skipped_once_and_counted() {
    let document = scan("\u{FEFF}<?xml version='1.0'?><a>b</a>".as_bytes()).unwrap();
    assert_eq!(document.root().span_str(), "<a>b</a>");
    assert_eq!(document.root().span().start, 3 + 21);
    refused("content_outside_root", &[("\u{FEFF}\u{FEFF}<a/>", 3), ("<a/>\u{FEFF}", 4)]);
    refused("misplaced_declaration", &[("\u{FEFF} <?xml version='1.0'?><a/>", 4)]);
}

#[test]
fn a_forbidden_character_is_refused_wherever_it_stands() {
    refused(
        "forbidden_character",
        &[
            ("<abcd>\0</abcd>", 6),
            ("<a b='\u{1}'/>", 6),
            ("<!--\u{B}--><a/>", 4),
            ("<a><?p \u{1F}?></a>", 7),
            ("<a><![CDATA[\u{FFFE}]]></a>", 12),
            ("<a>\u{FFFF}</a>", 3),
            ("<a>&#0;</a>", 3),
            ("<a>&#xD800;</a>", 3),
            ("<a b='&#xFFFF;'/>", 6),
        ],
    );
    accepted(&["<a>\t\r\n\u{7F}\u{85}\u{2028}\u{FFFD}\u{1FFFE}&#x9;&#xD;&#x10FFFF;</a>"]);
}

#[test]
fn a_document_type_is_refused_unread() {
    refused(
        "doctype_forbidden",
        &[
            ("<!DOCTYPE a><a/>", 0),
            ("<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", 22),
            ("<!DOCTYPE a [<!ENTITY b 'c'>", 0),
            ("<!doctype a><a/>", 0),
            ("<a><!DOCTYPE a></a>", 3),
            ("<a/><!DOCTYPE a>", 4),
        ],
    );
}

#[test]
fn a_declaration_stands_first_and_says_what_the_standard_lets_it_say() {
    refused(
        "malformed_declaration",
        &[
            ("<?xml?><a/>", 0),
            ("<?xml ?><a/>", 0),
            ("<?xml encoding='UTF-8'?><a/>", 0),
            ("<?xml version='1.0'encoding='UTF-8'?><a/>", 0),
            ("<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>", 0),
            ("<?xml version='1.0' version='1.0'?><a/>", 0),
            ("<?xml version='1.0' other='1'?><a/>", 0),
            ("<?xml version=1.0?><a/>", 0),
            ("<?xml version='1.0\"?><a/>", 0),
            ("<?xml version='1.0' standalone='YES'?><a/>", 32),
        ],
    );
    refused("version", &[("<?xml version='1.1'?><a/>", 15), ("<?xml version=' 1.0'?><a/>", 15)]);
    refused(
        "misplaced_declaration",
        &[(" <?xml version='1.0'?><a/>", 1), ("<a><?xml version='1.0'?></a>", 3)],
    );
    accepted(&[
        "<?xml version='1.0'?><a/>",
        "<?xml version=\"1.0\" encoding='utf-8' standalone = 'no' ?><a/>",
        "<?xml\tversion\n=\r'1.0'\nencoding='US-ASCII'?><a/>",
    ]);
}

#[test]
fn there_is_one_root_and_nothing_but_space_comments_and_instructions_around_it() {
    refused("root_missing", &[("", 0), (" \n", 2), ("<!-- a -->", 10)]);
    refused(
        "content_outside_root",
        &[
            ("<a/><b/>", 4),
            ("<a></a><a>", 7),
            ("<a/> x", 5),
            ("x<a/>", 0),
            ("<a/>&#32;", 4),
            ("&amp;<a/>", 0),
            ("<a/><![CDATA[]]>", 4),
        ],
    );
    accepted(&[" \t\r\n<!-- a --><?p?> <a/> <!-- b --> <?q?>\n"]);
}

#[test]
fn tags_match_and_markup_ends() {
    refused("unclosed_element", &[("<a>", 0), ("<a><b></b>", 0), ("<a><b>", 3)]);
    refused(
        "mismatched_tag",
        &[
            ("</a>", 0),
            ("<a></b>", 3),
            ("<a></ab>", 3),
            ("<ab></a>", 4),
            ("<a></a b=''>", 3),
            ("<a></ a>", 3),
            ("<a><b></a></b>", 6),
            ("<p:a xmlns:p='u' xmlns:q='u'></q:a>", 29),
            ("<a/></a>", 4),
        ],
    );
    refused(
        "malformed_markup",
        &[
            ("<a", 0),
            ("<a b='>", 0),
            ("<a><!-- ", 3),
            ("<a><!-></a>", 3),
            ("<a><![CDATA[</a>", 3),
            ("<a><![cdata[]]></a>", 3),
            ("<a><?p></a>", 3),
            ("<a><?></a>", 3),
            ("<!ELEMENT a><a/>", 0),
            ("<", 0),
        ],
    );
    accepted(&["<a ></a\n>", "<a\t/>", "<a b='>'>></a>"]);
}

#[test]
fn names_are_qualified_names() {
    refused(
        "malformed_name",
        &[
            ("<1a/>", 1),
            ("<-a/>", 1),
            ("< a/>", 1),
            ("<>", 1),
            ("<:a/>", 1),
            ("<a:/>", 1),
            ("<a:b:c/>", 1),
            ("<a:1/>", 1),
            ("<a xmlns:=''/>", 3),
            ("<a \u{D7}=''/>", 3),
            ("<a =''/>", 3),
        ],
    );
    accepted(&["<қақпа ЭҮШ=''/>", "<_.-1/>", "<p:a xmlns:p='u' p:_-.9='' xml:lang='kk'/>"]);
}

#[test]
fn attributes_are_separated_quoted_and_free_of_markup() {
    refused(
        "malformed_attribute",
        &[
            ("<a b='1'c='2'/>", 8),
            ("<a b/>", 4),
            ("<a b=/>", 5),
            ("<a b=1/>", 5),
            ("<a b c=''/>", 5),
            ("<a/b=''>", 2),
            ("<a b=''/ >", 7),
            ("<aқ\u{D7} b=''/>", 4),
        ],
    );
    refused("less_than_in_value", &[("<a b='<'/>", 6), ("<a xmlns='<'/>", 10)]);
    accepted(&["<a b = '\"' c\n=\n\"'\" />", "<a b='>]]>'/>"]);
}

#[test]
fn no_element_has_two_attributes_of_one_name() {
    refused(
        "duplicate_attribute",
        &[
            ("<a b='' b=''/>", 8),
            ("<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", 34),
            ("<a p:b='' q:b='' xmlns:p='u' xmlns:q='u'/>", 10),
            ("<a xmlns:p='u'><b xmlns:q='&#117;' p:c='' q:c=''/></a>", 42),
            ("<a xmlns='u' xmlns='v'/>", 13),
            ("<a xmlns:p='u' xmlns:p='u'/>", 15),
        ],
    );
    accepted(&[
        "<a xmlns='u' xmlns:p='u' b='' p:b=''/>",
        "<a xmlns:p='u' xmlns:q='v' p:b='' q:b=''/>",
        "<a xmlns:p='u' xmlns:q='v'><b xmlns:q='w' p:b='' q:b=''/><c p:b='' q:b=''/></a>",
        "<a xmlns:p='u'><b xmlns:p='v'/><b xmlns:p='v'/></a>",
    ]);
}

#[test]
fn every_prefix_is_declared_and_none_is_abused() {
    refused(
        "undeclared_prefix",
        &[
            ("<p:a/>", 1),
            ("<a p:b=''/>", 3),
            ("<a><b xmlns:p='u'/><p:c/></a>", 20),
            ("<a><b xmlns:p='u'></b><c p:d=''/></a>", 25),
            ("<XML:a/>", 1),
        ],
    );
    refused(
        "reserved_namespace",
        &[
            ("<a xmlns:xml='u'/>", 3),
            ("<a xmlns:xmlns='u'/>", 3),
            ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", 3),
            ("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", 3),
            ("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", 3),
            ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", 3),
            ("<a xmlns='http://www.w3.org/2000/xmln&#115;/'/>", 3),
            ("<xmlns:a/>", 1),
        ],
    );
    refused("empty_namespace", &[("<a xmlns:p=''/>", 3)]);
    accepted(&[
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:id='1'/>",
        "<a xmlns='u'><b xmlns=''/></a>",
        "<p:a p:b='' xmlns:p='u'/>",
    ]);
}

#[test]
fn references_are_closed_known_and_outside_markup() {
    refused(
        "malformed_reference",
        &[
            ("<a>&</a>", 3),
            ("<a>& b</a>", 3),
            ("<a>&amp</a>", 3),
            ("<a>&#;</a>", 3),
            ("<a>b&#x;</a>", 4),
            ("<a>&amp;&lt</a>", 8),
            ("<a b='&'/>", 6),
            ("<a b='&amp'/>", 6),
            ("<a b='&#X41;'/>", 6),
        ],
    );
    refused("unknown_entity", &[("<a>&nbsp;</a>", 3), ("<a b='&lol;'/>", 6)]);
    accepted(&["<a b='&lt;&gt;&amp;&quot;&apos;&#9;'>&lt;&gt;&amp;&quot;&apos;&#x41;</a>"]);
}

#[test]
fn text_comments_and_instructions_keep_their_end_marks_to_themselves() {
    refused(
        "section_end_in_text",
        &[("<a>]]></a>", 3), ("<a>b]]]></a>", 5), ("<a>&lt;]]></a>", 7)],
    );
    refused(
        "hyphens_in_comment",
        &[("<!-- a -- b --><a/>", 0), ("<a><!-----></a>", 3), ("<a><!--a---></a>", 3)],
    );
    refused(
        "malformed_instruction",
        &[
            ("<a><??></a>", 3),
            ("<a><? p?></a>", 3),
            ("<a><?p:q?></a>", 3),
            ("<a><?1?></a>", 3),
            ("<a><?XML version='1.0'?></a>", 3),
            ("<?xMl?><a/>", 0),
            ("<a><?p+?></a>", 3),
        ],
    );
    accepted(&[
        "<a>]]&gt; ]] > ]]<![CDATA[]]]]><![CDATA[>]]></a>",
        "<a><!----><!-- - <b> & --><?p?><?p ?><?xml-a b?? <c> & ?></a>",
    ]);
}
