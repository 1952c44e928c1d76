//! A receipt on paper: one HTML page that needs nothing but itself, with a QR code drawn in it.

use super::document::{Coded, Receipt, Words};
use super::{Number, Standing};
use qaqpa_kit::fault::Language;
use qaqpa_kit::money::Tiyn;
use qrcode::{Color, EcLevel, QrCode};

/// Empty modules around a code (ISO/IEC 18004 §6.3.8).
const QUIET: usize = 4;

const STYLE: &str = "\
@page{size:A4;margin:18mm}\
body{font:11pt/1.45 system-ui,'Segoe UI','DejaVu Sans',sans-serif;color:#111;max-width:178mm;margin:8mm auto;padding:0 4mm}\
header{display:flex;justify-content:space-between;align-items:flex-start;gap:8mm;border-bottom:1.5pt solid #111;padding-bottom:5mm}\
h1{font-size:19pt;margin:0 0 2mm}\
.number{font:600 12.5pt ui-monospace,'DejaVu Sans Mono',monospace;white-space:nowrap}\
.qr{width:36mm;flex:none}\
.amount{font-size:17pt;font-weight:600;margin:5mm 0 1mm}\
.state{display:inline-block;border:1pt solid;border-radius:2mm;padding:.4mm 2.5mm}\
.void{color:#a00}\
table{border-collapse:collapse;width:100%;margin-top:5mm}\
th,td{text-align:left;vertical-align:top;padding:1.6mm 0;border-bottom:.4pt solid #bbb}\
th{width:42%;font-weight:400;color:#555;padding-right:5mm}\
td{overflow-wrap:anywhere}\
footer{margin-top:6mm;font-size:9.5pt;color:#444;overflow-wrap:anywhere}";

/// The words of the page in one language.
struct Labels {
    title: &'static str,
    number: &'static str,
    rows: [&'static str; 13],
    standing: [&'static str; 5],
    check: &'static str,
}

const KK: Labels = Labels {
    title: "Төлем туралы түбіртек",
    number: "Түбіртек нөмірі",
    rows: [
        "Төлеушінің ЖСН/БСН",
        "Кім үшін төленді, ЖСН/БСН",
        "Алушының БСН",
        "Алушының шоты (ЖСК)",
        "Бюджеттік сыныптама коды (БСК)",
        "Төлем мақсатының коды (ТМК)",
        "Төлемнің мақсаты",
        "Есептеу нөмірі",
        "Банк",
        "Банк құжатының нөмірі",
        "Төленген уақыты",
        "Операциялық күн",
        "Қайтарылды немесе қайтарылуда",
    ],
    standing: ["Төленді", "Бір бөлігі қайтарылды", "Қайтарылды", "Есептелмеген", "Даулы"],
    check: "Түбіртекті нөмірі мен ЖСН/БСН бойынша мына мекенжайда тексеруге болады:",
};

const RU: Labels = Labels {
    title: "Квитанция об оплате",
    number: "Номер квитанции",
    rows: [
        "ИИН/БИН плательщика",
        "За кого уплачено, ИИН/БИН",
        "БИН получателя",
        "Счёт получателя (ИИК)",
        "Код бюджетной классификации (КБК)",
        "Код назначения платежа (КНП)",
        "Назначение платежа",
        "Номер начисления",
        "Банк",
        "Номер документа банка",
        "Время оплаты",
        "Операционный день",
        "Возвращено или возвращается",
    ],
    standing: ["Оплачено", "Частично возвращено", "Возвращено", "Не зачтено", "Оспаривается"],
    check: "Квитанцию можно проверить по номеру и ИИН/БИН по адресу:",
};

const EN: Labels = Labels {
    title: "Receipt of payment",
    number: "Receipt number",
    rows: [
        "Payer's IIN/BIN",
        "Paid for, IIN/BIN",
        "Payee's BIN",
        "Payee's account (IBAN)",
        "Budget classification code (KBK)",
        "Purpose code (KNP)",
        "Purpose of payment",
        "Number of the charge",
        "Bank",
        "Bank's document number",
        "Time of payment",
        "Operating day",
        "Returned, or being returned",
    ],
    standing: ["Paid", "Partly returned", "Returned", "Not assigned", "Contested"],
    check: "The receipt can be checked by its number and IIN/BIN at:",
};

const fn labels(language: Language) -> &'static Labels {
    match language {
        Language::Kk => &KK,
        Language::Ru => &RU,
        Language::En => &EN,
    }
}

/// The page in one language. Every text that came from outside is escaped; there is no script.
#[must_use]
pub fn page(receipt: &Receipt, language: Language) -> String {
    let labels = labels(language);
    let [paid, partly, returned, unassigned, contested] = labels.standing;
    let standing = match receipt.state {
        Standing::Paid => paid,
        Standing::PartlyReturned => partly,
        Standing::Returned => returned,
        Standing::Unassigned => unassigned,
        Standing::Contested | Standing::NotFound => contested,
    };
    let class = if receipt.state.is_valid() { "state" } else { "state void" };
    let number = Number::parse(&receipt.number).map_or_else(|_| String::new(), |n| n.grouped());
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{} {number}</title><style>{STYLE}</style></head>\n<body><header><div><h1>{}</h1>\
         <div>{}</div><div class=\"number\">{number}</div>\
         <p class=\"amount\">{} ₸</p><span class=\"{class}\">{standing}</span></div>{}</header>\n<table>\n",
        language.word(),
        labels.title,
        labels.title,
        labels.number,
        spaced(receipt.amount_tiyn),
        printed_qr(receipt.look_up_url.as_deref().unwrap_or(&receipt.number)),
    );
    for (label, value) in labels.rows.into_iter().zip(values(receipt, language)) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let value = escape(&value);
            html += &format!("<tr><th scope=\"row\">{label}</th><td>{value}</td></tr>\n");
        }
    }
    html.push_str("</table>\n");
    if let Some(url) = &receipt.look_up_url {
        html += &format!("<footer>{} {}</footer>\n", labels.check, escape(url));
    }
    html.push_str("</body></html>\n");
    html
}

/// The rows in the order of the labels; what is absent or says nothing new is left out.
fn values(receipt: &Receipt, language: Language) -> [Option<String>; 13] {
    let coded = |coded: &Coded| match &coded.name {
        Some(name) => format!("{} — {}", coded.code, name.text(language)),
        None => coded.code.clone(),
    };
    let bank = receipt.bank.name.as_ref().map_or(&*receipt.bank.code, |name| name.text(language));
    let bank = match &receipt.bic {
        Some(bic) => format!("{bank}, {bic}"),
        None => bank.to_owned(),
    };
    let agency = receipt.agency.as_deref().unwrap_or_default();
    let time = |text: &String| text.replace('T', " ");
    [
        Some(receipt.payer.clone()),
        receipt.debtor.clone().filter(|debtor| *debtor != receipt.payer),
        Some(receipt.payee_bin.clone()),
        receipt.iban.clone(),
        Some(coded(&receipt.kbk)),
        receipt.knp.as_ref().map(coded),
        receipt.purpose.as_ref().map(|purpose: &Words| purpose.text(language).to_owned()),
        receipt.charge_number.as_ref().map(|number| format!("{number} ({agency})")),
        Some(bank),
        receipt.document_number.clone().or_else(|| receipt.txn_id.clone()),
        receipt.paid_at.as_ref().map(time),
        receipt.operating_day.clone(),
        (receipt.returned_tiyn > 0).then(|| format!("{} ₸", spaced(receipt.returned_tiyn))),
    ]
}

/// Tenge in groups of three, with two decimals: `19 875.00`.
fn spaced(tiyn: i64) -> String {
    let text = Tiyn::new(tiyn).to_string();
    let (tenge, fraction) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (place, digit) in tenge.chars().enumerate() {
        if place > 0 && (tenge.len() - place) % 3 == 0 {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{fraction}")
}

/// A QR code (ISO/IEC 18004, error correction M) as an SVG of one path; empty for a text that no code
/// can hold.
#[must_use]
pub fn printed_qr(text: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return String::new();
    };
    let width = code.width();
    let side = width + 2 * QUIET;
    let mut path = String::new();
    for (place, color) in code.into_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (place % width + QUIET, place / width + QUIET);
            path += &format!("M{x} {y}h1v1h-1z");
        }
    }
    format!(
        "<svg class=\"qr\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\" role=\"img\"><rect width=\"{side}\" height=\"{side}\" \
         fill=\"#fff\"/><path d=\"{path}\"/></svg>"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Characters that turn the direction of writing would let a text lie.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
