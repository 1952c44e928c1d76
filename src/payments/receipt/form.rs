//! Where people look a receipt up: a page that asks for the IIN or BIN and sends nothing of it but a digest.

use super::Number;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa_kit::fault::Language;
use std::sync::LazyLock;

const STYLE: &str = "\
body{font:12pt/1.5 system-ui,'Segoe UI','DejaVu Sans',sans-serif;color:#111;max-width:34rem;margin:2.5rem auto;padding:0 1rem}\
.number{font:600 1.05rem ui-monospace,'DejaVu Sans Mono',monospace;overflow-wrap:anywhere}\
input,button{font:inherit;padding:.45rem .7rem;border:1px solid #767676;border-radius:.4rem}\
button{background:#0b57a4;border-color:#0b57a4;color:#fff}\
label{display:block;margin:1rem 0 .3rem}\
output{display:block;margin-top:1.2rem;font-size:1.15rem;font-weight:600}";

/// Runs in a secure context only (https, or this machine), where browsers have SHA-256.
const SCRIPT: &str = "\
const form=document.forms[0],out=form.querySelector('output'),words=JSON.parse(form.dataset.words);\
form.addEventListener('submit',async event=>{event.preventDefault();out.value='…';\
try{const text=form.dataset.number+':'+form.elements.party.value;\
const sum=await crypto.subtle.digest('SHA-256',new TextEncoder().encode(text));\
const hex=[...new Uint8Array(sum)].map(byte=>byte.toString(16).padStart(2,'0')).join('');\
const answer=await fetch(location.pathname+'?digest='+hex,{headers:{accept:'application/json'}});\
out.value=answer.status===429?words.too_fast:answer.ok?words[(await answer.json()).state]:words.down;\
}catch{out.value=words.down}});";

/// What the page may do: run its own script, ask its own address, and nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let source = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()).as_ref());
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(SCRIPT),
        source(STYLE)
    )
});

struct Labels {
    title: &'static str,
    party: &'static str,
    ask: &'static str,
    /// paid, partly_returned, returned, unassigned, contested, not_found, too_fast, down
    words: [&'static str; 8],
}

const KK: Labels = Labels {
    title: "Түбіртекті тексеру",
    party: "Төлеушінің ЖСН немесе БСН",
    ask: "Тексеру",
    words: [
        "Түбіртек жарамды: төленді",
        "Түбіртек жарамды: бір бөлігі қайтарылды",
        "Түбіртек жарамсыз: ақша қайтарылды",
        "Ақша қабылданды, бірақ есептелмеді",
        "Төлем тексерілуде",
        "Мұндай түбіртек табылмады",
        "Сұрау тым жиі. Сәл кейін қайталаңыз",
        "Қазір тексеру мүмкін емес. Кейінірек қайталаңыз",
    ],
};

const RU: Labels = Labels {
    title: "Проверка квитанции",
    party: "ИИН или БИН плательщика",
    ask: "Проверить",
    words: [
        "Квитанция действительна: оплачено",
        "Квитанция действительна: часть возвращена",
        "Квитанция недействительна: деньги возвращены",
        "Деньги приняты, но не зачтены",
        "Платёж проверяется",
        "Такая квитанция не найдена",
        "Слишком много запросов. Повторите немного позже",
        "Сейчас проверить нельзя. Повторите позже",
    ],
};

const EN: Labels = Labels {
    title: "Check a receipt",
    party: "Payer's IIN or BIN",
    ask: "Check",
    words: [
        "The receipt is valid: paid",
        "The receipt is valid: a part was returned",
        "The receipt is not valid: the money was returned",
        "The money was taken, but pays no charge",
        "The payment is being examined",
        "No such receipt was found",
        "Too many requests. Try again a little later",
        "It cannot be checked now. Try again later",
    ],
};

const KEYS: [&str; 8] = [
    "paid",
    "partly_returned",
    "returned",
    "unassigned",
    "contested",
    "not_found",
    "too_fast",
    "down",
];

/// The page for one receipt.
#[must_use]
pub fn form(number: &Number, language: Language) -> String {
    let Labels { title, party, ask, words } = match language {
        Language::Kk => &KK,
        Language::Ru => &RU,
        Language::En => &EN,
    };
    let words: serde_json::Map<_, _> =
        KEYS.iter().zip(words).map(|(key, word)| ((*key).to_owned(), (*word).into())).collect();
    let words = serde_json::Value::Object(words).to_string().replace('\'', "&#39;");
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body><h1>{title}</h1><p class=\"number\">{}</p>\n\
         <form data-number=\"{number}\" data-words='{words}'><label for=\"party\">{party}</label>\
         <input id=\"party\" name=\"party\" inputmode=\"numeric\" pattern=\"[0-9]{{12}}\" \
         maxlength=\"12\" autocomplete=\"off\" required> <button>{ask}</button>\
         <output aria-live=\"polite\"></output></form>\n<script>{SCRIPT}</script></body></html>\n",
        language.word(),
        number.grouped(),
    )
}

/// The page's Content-Security-Policy.
#[must_use]
pub fn form_policy() -> &'static str {
    &POLICY
}
