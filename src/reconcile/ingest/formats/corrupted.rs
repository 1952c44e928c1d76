//! Every truncation and every changed byte of a small file of each form: read or refused, never a panic.

use super::super::{IngestError, Reading, Side, Taken, take};
use super::{Format, Forms, camt};
use crate::reconcile::ingest::day::Calendar;
use crate::reconcile::matching::fingerprint::{KEY_BYTES, Secret};
use qaqpa_kit::register::Columns;
use std::path::Path;

pub(super) const CAMT: &str = "<?xml version=\"1.0\"?>\n<Document><BkToCstmrStmt><Stmt><ElctrncSeqNb>1</ElctrncSeqNb>\
    <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"KZT\">1</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>\
    <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"KZT\">3.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>\
    <Ntry><Amt Ccy=\"KZT\">2.5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
    <BookgDt><Dt>2026-11-22</Dt></BookgDt><NtryDtls><TxDtls><Refs><EndToEndId>A&amp;1</EndToEndId></Refs>\
    <RmtInf><Ustrd><![CDATA[/KNP/911]]></Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>";
pub(super) const MT940: &str = "{1:F01X}{2:I940XN}{4:\r\n:20:S\r\n:25:KZ84\r\n:28C:1/1\r\n:60F:C261122KZT1,00\r\n\
    :61:2611221122CK2,50NTRFGW17//47\r\n:86:?20EREF+GW18SVWZ+x\r\n/KNP/911\r\n:62F:C261122KZT3,50\r\n-}\r\n";
pub(super) const MT102: &str = "{1:F01K}{2:I102SCLEAR}{4:\n:20:B1\n:52B:BANKKZ9A\n:21:GW17\n:32B:KZT2,50\n\
    :50:/D/KZ77\n/IDN/900101300017\n:59:KZ24\n/IDN/990140000017\n:70:/NUM/17\n/KNP/911\n/BCLASS/108125\n\
    :32A:261122KZT2,50\n-}\n";
pub(super) const ONE_C: &str = "1CClientBankExchange\r\nКодировка=UTF8\r\nСекцияРасчСчет\r\nНачальныйОстаток=1.00\r\n\
    ВсегоПоступило=2.50\r\nВсегоСписано=0\r\nКонечныйОстаток=3.50\r\nКонецРасчСчет\r\nСекцияДокумент=В\r\n\
    НомерДокумента=17\r\nДатаДокумента=22.11.2026\r\nПлательщикИНН=900101300017\r\nСуммаПриход=2.50\r\n\
    КонецДокумента\r\nКонецФайла\r\n";
const CSV: &str = "e2e_id;amount;value_date\r\n\"GW17\";\"2,5\";22.11.26\r\nTotal;2,5;\r\n";
const DESCRIPTION: &str = "decimal = ','\nvalue_form = 'DD.MM.YY'\n[columns]\ne2e_id = 1\namount = 'amount'\n\
    value_date = 3\n[footer]\nbegins = 'Total'\nsum = 2\n";

pub(super) fn forms(format: Option<Format>) -> Forms {
    let columns = Columns::parse(DESCRIPTION).unwrap();
    Forms { format, columns: Some(columns), ..Forms::default() }
}

pub(super) fn read(folder: &Path, bytes: &[u8], forms: &Forms) -> Result<Taken, IngestError> {
    let path = folder.join("register");
    std::fs::write(&path, bytes).unwrap();
    let calendar = Calendar::EveryDate { cut_off: jiff::civil::time(16, 0, 0, 0) };
    let reading = Reading {
        secret: &Secret::new(&[7; KEY_BYTES]),
        calendar: &calendar,
        scratch: folder,
        open: &[],
        forms,
        window: None,
        blank: [false; 4],
        is_survey: false,
        progress: &|_| {},
    };
    take(Side::Register, &[path], &reading)
}

fn workbook() -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        (
            "_rels/.rels",
            "<Relationships><Relationship Id=\"w\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            "<workbook xmlns:r=\"r\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"a\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"a\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/s.xml\"/></Relationships>",
        ),
        (
            "xl/worksheets/s.xml",
            "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>e2e_id</t></is></c>\
          <c t=\"inlineStr\"><is><t>amount</t></is></c></row><row><c t=\"inlineStr\"><is><t>=GW17</t></is></c>\
          <c><v>2.5</v></c><c t=\"d\"><v>2026-11-22</v></c></row><row><c t=\"inlineStr\"><is><t>Total</t></is></c>\
          <c><v>2.5</v></c></row></sheetData></worksheet>",
        ),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_small_file_of_each_form_is_one_row_and_no_damage_of_it_panics() {
    let folder = tempfile::tempdir().unwrap();
    let files: [(Format, Vec<u8>); 6] = [
        (Format::Camt, CAMT.into()),
        (Format::Mt940, MT940.into()),
        (Format::Mt102, MT102.into()),
        (Format::OneC, ONE_C.into()),
        (Format::Csv, CSV.into()),
        (Format::Xlsx, workbook()),
    ];
    for (format, whole) in files {
        assert_eq!(Format::of(&whole), format);
        let word = format.word();
        let taken = read(folder.path(), &whole, &forms(None)).map_err(|error| error.to_string());
        let taken = taken.map(|taken| (taken.rows, taken.sum_tiyn));
        assert_eq!(taken, Ok((1, 250)), "{word}");
        let forced = forms(Some(format));
        let mut read_all = 0;
        for at in 0..whole.len() {
            let cut = read(folder.path(), whole.get(..at).unwrap(), &forced);
            // A text is whole without the end of its last line.
            let tail = whole.get(at..).unwrap().trim_ascii();
            let is_end = matches!(tail, b"" | b"-}" | b"}");
            read_all += u32::from(cut.is_ok() && !is_end);
            let mut changed = whole.clone();
            *changed.get_mut(at).unwrap() ^= [0x01, 0x20, 0xff, 0x80].get(at % 4).unwrap();
            let _refused_or_read = read(folder.path(), &changed, &forced);
        }
        // The last zero of a sum, or an empty cell behind it, can be missed by nobody.
        let harmless = matches!(format, Format::Mt940 | Format::Mt102 | Format::Csv);
        assert_eq!(read_all, u32::from(harmless), "{word}");
    }
}

#[test]
fn what_grows_without_end_is_refused_and_what_is_odd_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("<Document>{}", "<a>".repeat(100_000));
    let long = format!("<Document><{}>", "a".repeat(1 << 20));
    let text = format!("<Document><BkToCstmrStmt>{}", " ".repeat(1 << 20));
    for (format, bytes) in [
        (Format::Camt, deep.into_bytes()),
        (Format::Camt, long.into_bytes()),
        (Format::Camt, text.into_bytes()),
        (Format::Camt, CAMT.replace("2.5<", &format!("{}<", "9".repeat(500))).into_bytes()),
        (Format::Camt, CAMT.replace("A&amp;1", "A\0B").into_bytes()),
        (Format::Mt940, MT940.replace("2,50N", &format!("{}N", "9".repeat(500))).into_bytes()),
        (Format::Mt940, MT940.replace("/KNP/911", &"x\r\n".repeat(1 << 16)).into_bytes()),
        (Format::Mt940, "x".repeat(1 << 20).into_bytes()),
        (Format::OneC, ONE_C.replace("=2.50\r\nКонецД", "=2.505\r\nКонецД").into_bytes()),
        (Format::OneC, ONE_C.replace("НомерД", &"y".repeat(1 << 20)).into_bytes()),
        (Format::Csv, CSV.replace("\"GW17\"", &format!("\"{}", "z".repeat(1 << 20))).into_bytes()),
        (Format::Csv, ";".repeat(10_000).into_bytes()),
        (Format::Xlsx, b"PK\x03\x04".to_vec()),
    ] {
        let word = format.word();
        assert!(read(folder.path(), &bytes, &forms(Some(format))).is_err(), "{word}");
    }
    let mixed = ONE_C.replacen("\r\n", "\n", 3).replacen("\r\n", "\r", 3);
    for bytes in [mixed.as_bytes(), b"\xef\xbb\xbf", "\u{feff}".repeat(3).as_bytes(), b"\0\0\0"] {
        let _refused_or_read = read(folder.path(), bytes, &forms(None));
    }
    assert!(read(folder.path(), mixed.as_bytes(), &forms(None)).is_ok());
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(CAMT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(folder.path(), &utf16, &forms(None)).map(|taken| taken.rows).ok(), Some(1));
}

#[test]
fn what_is_plain_of_a_damaged_document_is_read_as_a_general_reader_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let forms = forms(Some(Format::Camt));
    let told = |bytes: &[u8], is_general: bool| {
        camt::GENERAL.set(is_general);
        let taken = read(folder.path(), bytes, &forms).map_err(|error| error.to_string());
        taken.map(|taken| (taken.rows, taken.digests, taken.inputs.first().unwrap().found.clone()))
    };
    let odd = CAMT
        .replace("A&amp;1", "A&#65;<!-- > --> 1")
        .replace("Amt Ccy=\"KZT\">2.5", "n:Amt x='>' Ccy = 'KZT'\n>2.5")
        .replace("2.5</Amt>", "2.5</n:Amt >")
        .replace("<Sts>", "<Қ>ш</Қ>\n<Other/><a b=\"/\"/><Sts>");
    for (at, letter) in (0..odd.len()).flat_map(|at| b"<>&;/\" \nx\xff".map(|letter| (at, letter)))
    {
        // One letter in five, another five for each place.
        if (at + usize::from(letter)) % 5 > 0 {
            continue;
        }
        let mut changed = odd.clone().into_bytes();
        *changed.get_mut(at).unwrap() = letter;
        assert_eq!(told(&changed, false), told(&changed, true), "{letter} at {at}");
    }
    assert_eq!(told(odd.as_bytes(), false).map(|(rows, ..)| rows), Ok(1));
    for at in 0..odd.len() {
        let cut = odd.as_bytes().get(..at).unwrap();
        assert_eq!(told(cut, false), told(cut, true), "cut off at {at}");
    }
    camt::GENERAL.set(false);
}
