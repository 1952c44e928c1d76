//! One day's register written in every form that a bank may send.

use crate::day::Row;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

/// `19875.00` of tiyn.
fn money(tiyn: &str, mark: char) -> String {
    let tiyn: u64 = tiyn.parse().unwrap();
    format!("{}{mark}{:02}", tiyn / 100, tiyn % 100)
}

fn total(rows: &[Row], is_debit: bool) -> u64 {
    let rows = rows.iter().filter(|row| is_return(row) == is_debit);
    rows.map(|row| row[6].parse::<u64>().unwrap()).sum()
}

fn is_return(row: &Row) -> bool {
    row[8] == "RETURNED"
}

fn local(moment: &str) -> &str {
    moment.split_at(10).0
}

/// `22.11.2026` of `2026-11-22`.
fn dotted(day: &str) -> String {
    let parts: Vec<&str> = day.split('-').collect();
    format!("{}.{}.{}", parts[2], parts[1], parts[0])
}

/// `261122` of `2026-11-22`.
fn short(day: &str) -> String {
    day.split_at(2).1.replace('-', "")
}

/// camt.053 of a version, with balances and a summary; or camt.054 without.
pub fn camt(rows: &[Row], message: &str, version: u32) -> Vec<u8> {
    let (root, statement) = match message {
        "camt.053" => ("BkToCstmrStmt", "Stmt"),
        _ => ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    };
    let (came, went) = (total(rows, false), total(rows, true));
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document \
         xmlns=\"urn:iso:std:iso:20022:tech:xsd:{message}.001.{version:02}\"><{root}>\n\
         <GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-22T18:00:00+05:00</CreDtTm></GrpHdr>\n\
         <{statement}><Id>S1</Id><ElctrncSeqNb>7</ElctrncSeqNb>\
         <Acct><Id><IBAN>KZ84999S000000000042</IBAN></Id></Acct>\n"
    );
    if message == "camt.053" {
        let closed = 100_000_000 + came - went;
        for (code, amount) in [("OPBD", 100_000_000), ("CLBD", closed)] {
            let amount = money(&amount.to_string(), '.');
            writeln!(
                text,
                "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"KZT\">{amount}\
                 </Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-22</Dt></Dt></Bal>"
            )
            .unwrap();
        }
        let sum = money(&(came + went).to_string(), '.');
        let count = rows.len();
        writeln!(
            text,
            "<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries><Sum>{sum}</Sum></TtlNtries>\
             </TxsSummry>"
        )
        .unwrap();
    }
    for row in rows {
        entry(&mut text, row, version);
    }
    write!(text, "</{statement}></{root}></Document>").unwrap();
    text.into_bytes()
}

fn entry(text: &mut String, row: &Row, version: u32) {
    let [e2e_id, receipt, iin, payee, kbk, knp, tiyn, currency, _, posted, value, _] = row;
    let amount = money(tiyn, '.');
    let way = if is_return(row) { "DBIT" } else { "CRDT" };
    let (open, close) = if version >= 8 { ("<Cd>", "</Cd>") } else { ("", "") };
    let (party, end) = if version >= 8 { ("<Pty>", "</Pty>") } else { ("", "") };
    let money = if version >= 4 {
        format!("<Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>")
    } else {
        format!("<AmtDtls><TxAmt><Amt Ccy=\"{currency}\">{amount}</Amt></TxAmt></AmtDtls>")
    };
    let mut more = String::new();
    for (code, before, after) in [
        (iin, format!("<Dbtr>{party}<Id><PrvtId><Othr><Id>"), "</Id></Othr></PrvtId></Id>"),
        (payee, format!("<Cdtr>{party}<Id><OrgId><Othr><Id>"), "</Id></Othr></OrgId></Id>"),
    ] {
        let name = if before.starts_with("<Dbtr") { "</Dbtr>" } else { "</Cdtr>" };
        write!(more, "{before}{code}{after}{end}{name}").unwrap();
    }
    let returned = if is_return(row) { "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" } else { "" };
    writeln!(
        text,
        "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>\
         <Sts>{open}BOOK{close}</Sts><BookgDt><DtTm>{posted}</DtTm></BookgDt>\
         <ValDt><Dt>{value}</Dt></ValDt><AcctSvcrRef>{receipt}</AcctSvcrRef><NtryDtls><TxDtls>\
         <Refs><EndToEndId>{e2e_id}</EndToEndId></Refs>{money}<RltdPties>{more}</RltdPties>\
         <Purp><Prtry>{knp}</Prtry></Purp><RmtInf><Ustrd>a &amp; b /KBK/{kbk}/</Ustrd></RmtInf>\
         {returned}</TxDtls></NtryDtls></Ntry>"
    )
    .unwrap();
}

/// MT940 of two pages, in the blocks of SWIFT.
pub fn mt940(rows: &[Row]) -> Vec<u8> {
    let mut text = String::new();
    let mut balance: i64 = 10_000_000_000;
    let half = rows.len() / 2;
    for (page, rows) in [&rows[..half], &rows[half..]].into_iter().enumerate() {
        let (opens, closes) = [("60F", "62M"), ("60M", "62F")][page];
        let page = page + 1;
        write!(text, "{{1:F01BANKKZ9AXXXX0000000001}}{{2:I940QAQPKZ2AXXXXN}}{{4:\r\n").unwrap();
        write!(text, ":20:STMT261122\r\n:25:KZ84999S000000000042\r\n:28C:326/{page}\r\n").unwrap();
        write!(text, ":{opens}:C261122KZT{}\r\n", money(&balance.to_string(), ',')).unwrap();
        for row in rows {
            let amount: i64 = row[6].parse().unwrap();
            let mark = if is_return(row) { "D" } else { "C" };
            balance += if is_return(row) { -amount } else { amount };
            let (value, posted) = (short(&row[10]), short(local(&row[9])));
            let (amount, entry) = (money(&row[6], ','), posted.get(2..).unwrap());
            let (e2e_id, receipt, kbk, knp) = (&row[0], &row[1], &row[4], &row[5]);
            write!(text, ":61:{value}{entry}{mark}{amount}NTRF{e2e_id}//{receipt}\r\n").unwrap();
            write!(text, ":86:State duty /KNP/{knp}/KBK/\r\n{kbk}/\r\n").unwrap();
        }
        write!(text, ":{closes}:C261122KZT{}\r\n-}}\r\n", money(&balance.to_string(), ','))
            .unwrap();
    }
    text.into_bytes()
}

/// One MT102 for each value date.
pub fn mt102(rows: &[Row]) -> Vec<u8> {
    let mut days: Vec<&str> = rows.iter().map(|row| row[10].as_str()).collect();
    days.sort_unstable();
    days.dedup();
    let mut text = String::new();
    for (number, day) in days.into_iter().enumerate() {
        write!(text, "{{1:F01K099900000000010000001}}{{2:I102SCLEAR000000U3003}}{{4:\r\n").unwrap();
        write!(text, ":20:BATCH{number}\r\n:52B:BANKKZ9A\r\n:57B:KKMFKZ2A\r\n").unwrap();
        let rows: Vec<&Row> = rows.iter().filter(|row| row[10] == day).collect();
        let mut sum = 0;
        for row in &rows {
            sum += row[6].parse::<u64>().unwrap();
            let amount = money(&row[6], ',');
            let (iin, payee) = (&row[2], &row[3]);
            write!(text, ":21:{}\r\n:32B:KZT{amount}\r\n", row[0]).unwrap();
            write!(text, ":50:/D/KZ77999A000000000001\r\n/NAME/PAYER\r\n/IDN/{iin}\r\n").unwrap();
            write!(text, ":59:KZ24070105KSN0000000\r\n/NAME/OFFICE\r\n/IDN/{payee}\r\n").unwrap();
            write!(text, ":70:/NUM/{}\r\n/KNP/{}\r\n/BCLASS/{}\r\n", row[1], row[5], row[4])
                .unwrap();
            write!(text, "/ASSIGN/State duty\r\n").unwrap();
        }
        let sum = money(&sum.to_string(), ',');
        write!(text, ":32A:{}KZT{sum}\r\n-}}\r\n", short(day)).unwrap();
    }
    text.into_bytes()
}

/// 1CClientBankExchange as UTF-8 text.
pub fn one_c(rows: &[Row]) -> String {
    let (came, went) = (total(rows, false), total(rows, true));
    let closed = 100_000 + came - went;
    let money = |tiyn: u64| money(&tiyn.to_string(), '.');
    let mut text = format!(
        "1CClientBankExchange\r\nВерсияФормата=2.00\r\nКодировка=Windows\r\nРасчСчет=KZ84\r\n\
         СекцияРасчСчет\r\nНачальныйОстаток={}\r\nВсегоПоступило={}\r\nВсегоСписано={}\r\n\
         КонечныйОстаток={}\r\nКонецРасчСчет\r\n",
        money(100_000),
        money(came),
        money(went),
        money(closed)
    );
    for row in rows {
        let [_, receipt, iin, payee, kbk, knp, tiyn, currency, _, posted, value, _] = row;
        let name = if is_return(row) { "СуммаРасход" } else { "СуммаПриход" };
        let (day, value) = (dotted(local(posted)), dotted(value));
        let amount = money(tiyn.parse().unwrap());
        write!(
            text,
            "СекцияДокумент=\"Выписка\"\r\nНомерДокумента={receipt}\r\nДатаДокумента={day}\r\n\
             ДатаОперации={day}\r\nДатаВалютирования={value}\r\n\
             ПлательщикНаименование=\"ТОО \"\"Пример\"\"\"\r\nПлательщикБИН_ИИН={iin}\r\n\
             ПолучательБИН_ИИН={payee}\r\n{name}={amount}\r\nКодНазначенияПлатежа={knp}\r\n\
             КодБК={kbk}\r\nНазначениеПлатежа=Пошлина за услугу,\r\nвторая строка\r\n\
             Валюта={currency}\r\nКонецДокумента\r\n"
        )
        .unwrap();
    }
    text.push_str("КонецФайла\r\n");
    text
}

/// The same text in windows-1251.
pub fn windows_1251(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| match letter {
            'А'..='я' => (letter as u32 - 'А' as u32 + 0xc0) as u8,
            _ => u8::try_from(letter).unwrap(),
        })
        .collect()
}

/// The same text in cp866.
pub fn cp866(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| match letter {
            'А'..='п' => (letter as u32 - 'А' as u32 + 0x80) as u8,
            'р'..='я' => (letter as u32 - 'р' as u32 + 0xe0) as u8,
            _ => u8::try_from(letter).unwrap(),
        })
        .collect()
}

/// What the columns of [`columns`] and [`workbook`] mean.
pub const DESCRIPTION: &str = "decimal = ','\nposted_form = 'YYYY-MM-DDThh:mm:ss+05:00'\n\
    [columns]\ne2e_id = 'Id'\nreceipt = 'Doc'\niin = 3\npayee_bin = 4\nkbk = 5\nknp = 6\n\
    amount = 'Sum'\ncurrency = 8\nstatus = 'State'\nposted_at = 10\nvalue_date = 11\nrail = 12\n\
    [statuses]\nPOSTED = 'POSTED'\nRETURNED = 'RETURNED'\n\
    [footer]\nbegins = 'Total'\ncount = 'Doc'\nsum = 'Sum'\n";
const HEADS: [&str; 12] =
    ["Id", "Doc", "IIN", "BIN", "KBK", "KNP", "Sum", "Ccy", "State", "At", "Value", "Rail"];

/// Columns of a bank's own, as text with thousands parted and cells quoted.
pub fn columns(rows: &[Row]) -> Vec<u8> {
    let mut text = format!("{}\r\n", HEADS.join(";"));
    for row in rows {
        let mut cells: Vec<String> = row.iter().map(|cell| format!("\"{cell}\"")).collect();
        let amount = money(&row[6], ',');
        cells[6] = match amount.split_at_checked(amount.len().saturating_sub(6)) {
            Some((thousands, rest)) if !thousands.is_empty() => format!("{thousands} {rest}"),
            _ => amount,
        };
        write!(text, "{}\r\n", cells.join(";")).unwrap();
    }
    let sum = money(&(total(rows, false) + total(rows, true)).to_string(), ',');
    write!(text, "Total;{};;;;;{sum};;;;;\r\n", rows.len()).unwrap();
    text.into_bytes()
}

/// The same in a workbook: ids as text, amounts and codes as numbers, days as texts.
pub fn workbook(rows: &[Row]) -> Vec<u8> {
    let mut sheet = String::from(
        "<?xml version=\"1.0\"?><worksheet \
         xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>",
    );
    let words = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let number = |text: &str| match text {
        "" => "<c/>".to_owned(),
        _ => format!("<c><v>{}</v></c>", text.trim_start_matches('0')),
    };
    let heads: String = HEADS.iter().map(|head| words(head)).collect();
    write!(sheet, "<row>{heads}</row>").unwrap();
    for row in rows {
        let cells: String = (0..)
            .zip(row)
            .map(|(at, cell)| match at {
                2..=5 => number(cell),
                6 => format!(
                    "<c><v>{}</v></c>",
                    money(cell, '.').trim_end_matches('0').trim_end_matches('.')
                ),
                _ => words(cell),
            })
            .collect();
        write!(sheet, "<row>{cells}</row>").unwrap();
    }
    let sum = money(&(total(rows, false) + total(rows, true)).to_string(), '.');
    let cells = [words("Total"), number(&rows.len().to_string()), "<c/>".repeat(4)].concat();
    write!(sheet, "<row>{cells}<c><f>SUM(G2:G9)</f><v>{sum}</v></c></row>").unwrap();
    sheet.push_str("</sheetData></worksheet>");
    archive(&sheet)
}

/// A workbook around a sheet.
pub fn archive(sheet: &str) -> Vec<u8> {
    book(&[sheet])
}

/// A workbook around sheets.
pub fn book(sheets: &[&str]) -> Vec<u8> {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let (mut names, mut targets) = (String::new(), String::new());
    for number in 1..=sheets.len() {
        write!(names, "<sheet name=\"Sheet{number}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>")
            .unwrap();
        write!(
            targets,
            "<Relationship Id=\"rId{number}\" Type=\"{office}/worksheet\" \
             Target=\"worksheets/sheet{number}.xml\"/>"
        )
        .unwrap();
    }
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{names}</sheets></workbook>"
    );
    let relations =
        format!("<Relationships xmlns=\"{package}/relationships\">{targets}</Relationships>");
    let root = format!(
        "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"rId1\" \
         Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        ("[Content_Types].xml", format!("<Types xmlns=\"{package}/content-types\"/>").as_str()),
        ("_rels/.rels", &root),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &relations),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    for (number, sheet) in (1..).zip(sheets) {
        zip.start_file(format!("xl/worksheets/sheet{number}.xml"), options).unwrap();
        zip.write_all(sheet.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
