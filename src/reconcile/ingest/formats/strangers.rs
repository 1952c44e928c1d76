//! Files as strangers write them: every honest one is read, and one that is not what it says is refused.

use super::super::{Taken, neutral as neutral_rows};
use super::corrupted::{CAMT, MT102, MT940, ONE_C, forms, read};
use super::{Format, Forms, Payments};
use aws_lc_rs::digest::{SHA256, digest};
use encoding_rs::{KOI8_R, WINDOWS_1251};
use qaqpa_kit::register::Columns;

fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn hex(bytes: &[u8]) -> String {
    qaqpa_kit::hex::lower(digest(&SHA256, bytes).as_ref())
}

/// The neutral form of one row, written by an encoder.
fn neutral(name: &str, end: &str, encode: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let head = format!("#register;v=1;bank=B;opdate=2026-11-22;count=1;sum=250;enc={name}{end}");
    let row = "GW17;47;;;;;250;KZT;POSTED;2026-11-22T14:30:05+05:00;2026-11-22;КЛИРИНГ";
    let mut bytes = encode(&format!("{head}{row}{end}"));
    let trailer = format!("#end;sha256={}{end}", hex(&bytes));
    bytes.extend(encode(&trailer));
    bytes
}

fn said(taken: Result<Taken, super::super::IngestError>) -> Result<(u64, i128), String> {
    taken.map(|taken| (taken.rows, taken.sum_tiyn)).map_err(|error| error.to_string())
}

#[test]
fn a_neutral_file_is_one_file_in_every_encoding_and_with_every_end_of_lines() {
    let folder = tempfile::tempdir().unwrap();
    let cyrillic = |text: &str| WINDOWS_1251.encode(text).0.into_owned();
    let utf8 = |text: &str| text.as_bytes().to_vec();
    let little = |text: &str| wide(text, u16::to_le_bytes);
    let big = |text: &str| wide(text, u16::to_be_bytes);
    for (name, bytes) in [
        ("utf-8", neutral("utf-8", "\n", utf8)),
        ("crlf", neutral("utf-8", "\r\n", utf8)),
        ("cr", neutral("utf8", "\r", utf8)),
        ("windows-1251", neutral("windows-1251", "\r\n", cyrillic)),
        ("utf-16le", neutral("utf-16", "\n", little)),
        ("utf-16be", neutral("utf-16be", "\r\n", big)),
    ] {
        let taken =
            read(folder.path(), &bytes, &Forms::default()).map_err(|error| error.to_string());
        let identity = taken.as_ref().map(|taken| taken.inputs[0].digest.to_vec());
        assert_eq!(identity, Ok(digest(&SHA256, &bytes).as_ref().to_vec()), "{name}");
        assert_eq!(taken.map(|taken| (taken.rows, taken.sum_tiyn)), Ok((1, 250)), "{name}");
        let mut changed = bytes.clone();
        let at = bytes.len() / 2;
        changed[at] ^= 1;
        assert!(read(folder.path(), &changed, &Forms::default()).is_err(), "{name}");
    }
    let refused = neutral("koi8-r", "\n", utf8);
    let reason = said(read(folder.path(), &refused, &Forms::default())).unwrap_err();
    assert!(reason.contains("enc is none of"), "{reason}");
}

#[test]
fn a_text_of_any_form_may_come_in_utf_16_with_its_mark_or_without() {
    let folder = tempfile::tempdir().unwrap();
    for text in [CAMT, MT940, MT102, ONE_C] {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{text}");
            for bytes in [wide(&text, u16::to_le_bytes), wide(&text, u16::to_be_bytes)] {
                let taken = said(read(folder.path(), &bytes, &Forms::default()));
                assert_eq!(taken, Ok((1, 250)), "{text}");
            }
        }
    }
}

/// A camt.053 with a batch of two payments, and what its entry and its statement say of them.
fn batch(btch: &str, summary: &str) -> String {
    let payment = |id: u32, sum: &str| {
        format!(
            "<TxDtls><Refs><EndToEndId>GW{id}</EndToEndId></Refs><Amt Ccy=\"KZT\">{sum}</Amt></TxDtls>"
        )
    };
    format!(
        "<Document><BkToCstmrStmt><GrpHdr><CreDtTm>2026-11-22T23:00:00+05:00</CreDtTm></GrpHdr><Stmt>\
         <TxsSummry><TtlNtries>{summary}</TtlNtries></TxsSummry><Ntry><Amt Ccy=\"KZT\">2.50</Amt>\
         <CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><NtryDtls><Btch>{btch}</Btch>{}{}</NtryDtls></Ntry>\
         </Stmt></BkToCstmrStmt></Document>",
        payment(1, ".5"),
        payment(2, "2")
    )
}

#[test]
fn what_a_batch_and_a_statement_say_of_their_numbers_is_held_against_them() {
    let folder = tempfile::tempdir().unwrap();
    let count = |number: &str| format!("<NbOfNtries>{number}</NbOfNtries>");
    let net = "<TtlNetNtry><Amt>2.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry>";
    let early = "<TtlNetNtryAmt>2.50</TtlNetNtryAmt><CdtDbtInd>CRDT</CdtDbtInd>";
    let good = batch("<NbOfTxs>2</NbOfTxs><TtlAmt Ccy=\"KZT\">2.50</TtlAmt>", &count("1"));
    let direct = good.replace("<NtryDtls>", "").replace("</NtryDtls>", "");
    for text in [&good, &direct, &batch("", net), &batch("", early)] {
        let taken = read(folder.path(), text.as_bytes(), &Forms::default()).unwrap();
        // Without a day of booking it is of the day on which the message was written.
        assert_eq!(
            (taken.rows, taken.inputs[0].header.day.to_string().as_str()),
            (2, "2026-11-22")
        );
    }
    for (text, reason) in [
        (batch("<NbOfTxs>3</NbOfTxs>", ""), "Btch/NbOfTxs"),
        (batch("<TtlAmt Ccy=\"KZT\">2.51</TtlAmt>", ""), "Btch/TtlAmt"),
        (batch("", &count("x")), "NbOfNtries"),
        (batch("", &net.replace("2.50", "2.51")), "TtlNetNtry"),
        (batch("", &early.replace("CRDT", "DBIT")), "TtlNetNtry"),
        (format!("{good}more"), "outside the root"),
        (format!("{good}\0"), "outside the root"),
    ] {
        let refused = said(read(folder.path(), text.as_bytes(), &Forms::default())).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn a_table_without_a_description_is_read_by_the_names_of_the_neutral_form() {
    let folder = tempfile::tempdir().unwrap();
    let text = |sum: &str| format!("e2e_id|amount|posted_at\nGW17|{sum}|2026-11-22 14:30:05\n");
    for (bytes, sum_tiyn) in [
        (text("2.50"), 250),
        (text("2,5"), 250),
        (text("1 234,50"), 123_450),
        (text("1,234.50"), 123_450),
        (text("1,234,567"), 123_456_700),
        (text("2.50").replace('|', ","), 250),
        (text("2.50").replace('|', "\t"), 250),
        (text("2.50").replace(' ', "T").replace("05\n", "05+05:00\n"), 250),
    ] {
        assert_eq!(
            said(read(folder.path(), bytes.as_bytes(), &Forms::default())),
            Ok((1, sum_tiyn)),
            "{bytes}"
        );
    }
    for (bytes, reason) in [
        (text(""), "empty"),
        ("e2e_id;amount\nGW17;2.50\n".to_owned(), "no day"),
        ("e2e_id;amount;ccy;value_date\nGW17;2.50;usd;2026-11-22\n".to_owned(), "ccy"),
        (text("1,23.50"), "marks"),
        (text("1.234,50"), "marks"),
        (text("1,2345"), "marks"),
        (format!("{}GW18|1", text("2.50")), "fewer cells"),
        (text("2.50").replace("GW17", "\"GW17"), "never closed"),
    ] {
        let refused = said(read(folder.path(), bytes.as_bytes(), &Forms::default())).unwrap_err();
        assert!(refused.contains(reason), "{bytes}: {refused}");
    }
}

#[test]
fn a_1c_file_is_read_with_parted_thousands_and_around_what_dos_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let form = forms(Some(Format::OneC));
    let parted = ONE_C.replace("=2.50", "=1\u{a0}234.50").replace("=3.50", "=1 235.50");
    assert_eq!(said(read(folder.path(), parted.as_bytes(), &form)), Ok((1, 123_450)));
    let framed = format!("\r\n{ONE_C}\u{1a}");
    assert_eq!(said(read(folder.path(), framed.as_bytes(), &form)), Ok((1, 250)));
    let refused = said(read(folder.path(), ONE_C.replace("22.11", "31.11").as_bytes(), &form));
    assert!(refused.unwrap_err().contains("ДатаДокумента"));
    let (koi8, ..) = KOI8_R.encode(ONE_C);
    let refused = said(read(folder.path(), &koi8, &form)).unwrap_err();
    let reason = "register:2: no word of this form: the encoding is none of windows-1251, cp866";
    assert!(refused.contains(reason), "{refused}");
    let cut_off = ONE_C.split_inclusive('\n').take(2).collect::<String>();
    let refused = said(read(folder.path(), cut_off.as_bytes(), &form)).unwrap_err();
    assert!(refused.contains("no КонецФайла"), "{refused}");
}

/// A statement of one account: its head, its entries, its end.
fn mt940(entries: &str, closing: &str) -> String {
    format!(":20:A\n:25:KZ1\n:28C:1/1\n:60F:C261122KZT0,00\n{entries}:62F:C261122{closing}\n-\n")
}

const CREDIT: &str = ":61:2611221122C2,50NTRFGW17//B1\n";

#[test]
fn a_statement_of_mt940_is_read_with_what_banks_add_and_refused_with_what_they_lose() {
    let folder = tempfile::tempdir().unwrap();
    let good = mt940(CREDIT, "KZT2,50");
    let page = |entry: &str, number: &str, opened: &str, closed: &str| {
        format!(":20:A\n:25:KZ1\n:28C:{number}\n:60{opened}\n{entry}:62{closed}\n-\n")
    };
    let first = page(CREDIT, "7/1", "F:C261122KZT0,00", "M:C261122KZT2,50");
    let other = mt940(CREDIT, "KZT2,50").replace("KZ1", "KZ2");
    let two_pages = |second: &str| {
        first.clone() + &page(CREDIT, second, "M:C261122KZT2,50", "F:C261122KZT5,00")
    };
    let in_one_message = two_pages("7/2").replace("-\n:20:A\n:25:KZ1\n:28C:7/2\n", "");
    for (text, rows) in [
        (good.replace(":25:", ":21:REL\n:25:"), (1, 250)),
        (good.replace("NTRFGW17//B1", ""), (1, 250)),
        (good.replace("GW17//B1", "NONREF//B1\n:86:177?20EREF: GW17?21MREF: M"), (1, 250)),
        (two_pages("7/2"), (2, 500)),
        (two_pages("7/2").replace("/1\n", "\n").replace("/2\n", "\n"), (2, 500)),
        (in_one_message, (2, 500)),
        (two_pages("7/2").replacen("-\n", &format!("-\n{other}"), 1), (3, 750)),
    ] {
        assert_eq!(
            said(read(folder.path(), text.as_bytes(), &Forms::default())),
            Ok(rows),
            "{text}"
        );
    }
    for (text, reason) in [
        (good.replace("NTRF", "TRF"), "no kind of four characters"),
        (two_pages("7/3"), ":28C: 7/3 follows 7/1: a page is missing"),
        (two_pages("7/1"), ":28C: 7/1 follows 7/1: a page is missing"),
        (two_pages("8/2"), ":60M: of :28C: 8 follows :62M: of :28C: 7"),
        (two_pages("7/2").replace("M:C261122KZT2,50\n:61", "F:C261122KZT2,50\n:61"), ":60F: where"),
        (two_pages("7/2").replace(&first, ""), ":60M: of page 2, and no page with :62M: before"),
        (first.clone(), "register:6: the statement goes on after :62M:"),
        (first.clone() + &other, "register:6: the statement goes on after :62M:"),
        (two_pages("7/2").replace("62F", "62M"), "register:13: the statement goes on after :62M:"),
        (mt940(CREDIT, "USD2,50"), "of two currencies"),
    ] {
        let refused = said(read(folder.path(), text.as_bytes(), &Forms::default())).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn money_that_goes_back_is_told_as_that_whatever_the_form() {
    let folder = tempfile::tempdir().unwrap();
    let camt = batch("", "<NbOfNtries>1</NbOfNtries>");
    let went = mt940(&CREDIT.replace('C', "D"), "KZT2,50").replace(":62F:C", ":62F:D");
    let credits = Forms { payments: Payments::Credits, ..Forms::default() };
    let columns = "statuses = { Refund = 'RETURNED' }\n[columns]\namount = 'amount'\n\
         value_date = 'day'\nstatus = 'status'\n";
    let columns = Some(Columns::parse(columns).unwrap());
    let described = Forms { columns, ..Forms::default() };
    for (text, forms, status) in [
        (camt.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>"), Forms::default(), "REVERSED"),
        (camt.replace("</TxDtls>", "<RtrInf/></TxDtls>"), Forms::default(), "RETURNED"),
        (mt940(&CREDIT.replace('C', "RD"), "KZT2,50"), Forms::default(), "REVERSED"),
        (went.replace("1122D", "1122RC"), Forms::default(), "REVERSED"),
        (went.clone(), credits, "RETURNED"),
        (went, Forms::default(), "POSTED"),
        ("amount;day;status\n2.50;2026-11-22;Refund\n".to_owned(), described, "RETURNED"),
    ] {
        let taken = read(folder.path(), text.as_bytes(), &forms).unwrap();
        let told = folder.path().join("told");
        neutral_rows(&taken, &told).unwrap();
        let told = std::fs::read_to_string(told).unwrap();
        let rows: Vec<&str> = told.lines().filter(|line| !line.starts_with('#')).collect();
        let is_told = |row: &&str| row.contains(&format!(";KZT;{status};"));
        assert!(!rows.is_empty() && rows.iter().all(is_told), "{told}");
    }
}

#[test]
fn what_stands_twice_where_it_may_stand_once_is_no_guess_of_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let camt = batch("", "<NbOfNtries>1</NbOfNtries>");
    let amount = "<Amt Ccy=\"KZT\">2.50</Amt>";
    let batch_of_two = "{2:I102SCLEAR000000U3003}{4:\n:20:B\n:21:GW1\n:32B:KZT1,00\n:21:GW2\n\
        :32B:KZT1,50\n:32A:261122KZT2,50\n-}\n";
    let one_c = |more: &str| ONE_C.replace("КонецДокумента", &format!("{more}\nКонецДокумента"));
    for (text, reason) in [
        (camt.replace(amount, &amount.repeat(2)), "Amt stands twice"),
        (
            camt.replace("<CdtDbtInd>CRDT</CdtDbtInd>", &"<CdtDbtInd>CRDT</CdtDbtInd>".repeat(2)),
            "CdtDbtInd stands twice",
        ),
        (
            camt.replace("</EndToEndId>", "</EndToEndId><EndToEndId>X</EndToEndId>"),
            "EndToEndId stands twice",
        ),
        (camt.replace("<Sts>", "<RvslInd>TRUE</RvslInd><Sts>"), "RvslInd: neither true nor false"),
        (camt.replace("<Ntry><Amt Ccy=\"KZT\">", "<Ntry><Amt>"), "Amt: no Ccy"),
        (
            camt.replace("</NtryDtls>", "<Ntry/></NtryDtls>"),
            "a Ntry outside of a statement, or inside another",
        ),
        (batch_of_two.replace(":32B:KZT1,50", ":32B:KZT1,50\n:32B:KZT1,50"), ":32B: stands twice"),
        (batch_of_two.replace(":32A:", ":32A:261122KZT1,00\n:32A:"), ":32A: stands twice"),
        (batch_of_two.replace(":32B:KZT1,50", ":32B:USD1,50"), "in another currency than :32A:"),
        (one_c("СуммаРасход=1.00"), "in one document"),
        (one_c("Сумма=2.51"), "Сумма is another"),
    ] {
        let refused = said(read(folder.path(), text.as_bytes(), &Forms::default())).unwrap_err();
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
    for text in [camt, batch_of_two.to_owned(), one_c("СуммаРасход=0"), one_c("Сумма=2.50")]
    {
        assert!(read(folder.path(), text.as_bytes(), &Forms::default()).is_ok(), "{text}");
    }
}
