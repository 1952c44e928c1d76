//! The words around an explanation in three languages; reasons and hints have their own.

use qaqpa_kit::fault::Language;

/// One language's words. The facts' names are of one width, so that the facts stand below each other.
pub(super) struct Labels {
    pub transport: &'static str,
    pub business: &'static str,
    pub document: &'static str,
    pub envelope: &'static str,
    /// With the form's name in the place of `@`.
    pub other_form: &'static str,
    pub good: &'static str,
    /// With byte, line and column.
    pub place: [&'static str; 4],
    pub covers: &'static str,
    pub covers_nothing: &'static str,
    pub canonical_bytes: &'static str,
    pub digest_right: &'static str,
    pub digest_wrong: &'static str,
    pub signer: &'static str,
    pub issuer: &'static str,
    pub valid: &'static str,
    pub trust: &'static str,
    pub trusted: &'static str,
    pub not_judged: &'static str,
    pub difference: &'static str,
    pub no_difference: &'static str,
    pub not_comparable: &'static str,
    pub file: &'static str,
    pub other: &'static str,
}

const EN: Labels = Labels {
    transport: "transport signature",
    business: "business signature",
    document: "document",
    envelope: "envelope",
    other_form: "@ signature",
    good: "good",
    place: [" at byte ", " (line ", ", column ", ")"],
    covers: "covers   ",
    covers_nothing: "no element of that Id",
    canonical_bytes: "canonical bytes",
    digest_right: "digest right",
    digest_wrong: "digest wrong",
    signer: "signer   ",
    issuer: "issuer   ",
    valid: "valid    ",
    trust: "trust    ",
    trusted: "trusted",
    not_judged: "not judged (no --trust)",
    difference: "first difference at canonical byte",
    no_difference: "no difference, canonical bytes:",
    not_comparable: "one of the two covers nothing that could be compared",
    file: "file     ",
    other: "other    ",
};

const RU: Labels = Labels {
    transport: "транспортная подпись",
    business: "подпись документа",
    document: "документ",
    envelope: "конверт",
    other_form: "подпись @",
    good: "верна",
    place: [" в байте ", " (строка ", ", столбец ", ")"],
    covers: "покрывает",
    covers_nothing: "такого Id нет ни у одного элемента",
    canonical_bytes: "канонических байт",
    digest_right: "хеш верен",
    digest_wrong: "хеш неверен",
    signer: "подписал ",
    issuer: "издатель ",
    valid: "действует",
    trust: "доверие  ",
    trusted: "есть",
    not_judged: "не проверялось (нет --trust)",
    difference: "первое различие в каноническом байте",
    no_difference: "различий нет, канонических байт:",
    not_comparable: "одна из двух подписей не покрывает ничего, что можно сравнить",
    file: "файл     ",
    other: "другой   ",
};

const KK: Labels = Labels {
    transport: "көліктік қолтаңба",
    business: "құжат қолтаңбасы",
    document: "құжат",
    envelope: "конверт",
    other_form: "@ қолтаңбасы",
    good: "дұрыс",
    place: [", байт ", " (жол ", ", баған ", ")"],
    covers: "қамтиды   ",
    covers_nothing: "мұндай Id ешбір элементте жоқ",
    canonical_bytes: "канондық байт",
    digest_right: "хеш дұрыс",
    digest_wrong: "хеш қате",
    signer: "қол қойған",
    issuer: "беруші    ",
    valid: "мерзімі   ",
    trust: "сенім     ",
    trusted: "бар",
    not_judged: "тексерілмеді (--trust жоқ)",
    difference: "бірінші айырмашылық, канондық байт",
    no_difference: "айырмашылық жоқ, канондық байт:",
    not_comparable: "екеуінің бірі салыстыруға болатын ештеңені қамтымайды",
    file: "файл      ",
    other: "екінші    ",
};

impl Labels {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Ru => &RU,
            Language::Kk => &KK,
        }
    }

    /// What kind of signature it is, or what keeps us from any.
    pub(super) fn part(&self, word: &str) -> String {
        match word {
            "transport" => self.transport.to_owned(),
            "business" => self.business.to_owned(),
            "document" => self.document.to_owned(),
            "envelope" => self.envelope.to_owned(),
            form => self.other_form.replace('@', &form.to_uppercase()),
        }
    }
}
