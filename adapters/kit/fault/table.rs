//! The one table of faults: HTTP status, the ШЭП's `errorCode`, resend advice and texts.

use super::{Code, Language, Origin, Resend};

/// What the gateway answers for one code.
#[derive(Debug)]
pub struct Row {
    /// `origin.kind`, the public name.
    pub word: &'static str,
    /// Whose failure it is, and so who acts.
    pub origin: Origin,
    /// HTTP status on REST; SyncChannel answers 500 for every fault (SOAP 1.1 §6.2).
    pub http_status: u16,
    /// The ШЭП's own `errorCode` where one is known.
    pub shep_code: Option<&'static str>,
    /// Whether the caller may resend.
    pub resend: Resend,
    /// Text in Kazakh.
    pub kk: &'static str,
    /// Text in Russian.
    pub ru: &'static str,
    /// Text in English.
    pub en: &'static str,
}

impl Row {
    /// The text for people in the language asked for.
    #[must_use]
    pub const fn text(&self, language: Language) -> &'static str {
        match language {
            Language::Kk => self.kk,
            Language::Ru => self.ru,
            Language::En => self.en,
        }
    }
}

/// The text of a failure that is not the agency's and leaves the outcome Unknown all the same.
pub(super) const fn unclear(language: Language) -> &'static str {
    match language {
        Language::Kk => {
            "Сұраудың мекемедегі нәтижесі белгісіз. Қайта жібермес бұрын нәтижесін сұраңыз."
        }
        Language::Ru => {
            "Исход запроса в ведомстве неизвестен. Прежде чем повторять, запросите исход."
        }
        Language::En => {
            "What became of the call at the agency is unknown. Ask for it before resending."
        }
    }
}

impl Code {
    /// Every code, in the order of the table.
    pub const ALL: [Self; 26] = [
        Self::CallerMalformed,
        Self::CallerTooLarge,
        Self::CallerUnknown,
        Self::CallerForbidden,
        Self::CallerUnknownService,
        Self::CallerUnsigned,
        Self::CallerBadSignature,
        Self::CallerStale,
        Self::CallerTooFast,
        Self::CallerTwin,
        Self::CallerInProgress,
        Self::CallerConflict,
        Self::GatewayOverloaded,
        Self::GatewayDraining,
        Self::GatewayJournalDown,
        Self::GatewayBug,
        Self::PkiUnavailable,
        Self::PkiRevoked,
        Self::PkiUnknownStatus,
        Self::AgencyUnreachable,
        Self::AgencyBreakerOpen,
        Self::AgencyClosed,
        Self::AgencyTimeout,
        Self::AgencyBrokenAnswer,
        Self::AgencyBadSignature,
        Self::AgencyUnlistedCode,
    ];

    /// `origin.kind`, the public name.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// What is answered on SyncChannel as `errorCode`: the ШЭП's own code where known, else ours.
    #[must_use]
    pub fn error_code(self) -> &'static str {
        self.row().shep_code.unwrap_or(self.row().word)
    }

    /// The code of that public name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.row().word == word)
    }

    /// The code's row in the table.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        match self {
            Self::CallerMalformed => &CALLER_MALFORMED,
            Self::CallerTooLarge => &CALLER_TOO_LARGE,
            Self::CallerUnknown => &CALLER_UNKNOWN,
            Self::CallerForbidden => &CALLER_FORBIDDEN,
            Self::CallerUnknownService => &CALLER_UNKNOWN_SERVICE,
            Self::CallerUnsigned => &CALLER_UNSIGNED,
            Self::CallerBadSignature => &CALLER_BAD_SIGNATURE,
            Self::CallerStale => &CALLER_STALE,
            Self::CallerTooFast => &CALLER_TOO_FAST,
            Self::CallerTwin => &CALLER_TWIN,
            Self::CallerInProgress => &CALLER_IN_PROGRESS,
            Self::CallerConflict => &CALLER_CONFLICT,
            Self::GatewayOverloaded => &GATEWAY_OVERLOADED,
            Self::GatewayDraining => &GATEWAY_DRAINING,
            Self::GatewayJournalDown => &GATEWAY_JOURNAL_DOWN,
            Self::GatewayBug => &GATEWAY_BUG,
            Self::PkiUnavailable => &PKI_UNAVAILABLE,
            Self::PkiRevoked => &PKI_REVOKED,
            Self::PkiUnknownStatus => &PKI_UNKNOWN_STATUS,
            Self::AgencyUnreachable => &AGENCY_UNREACHABLE,
            Self::AgencyBreakerOpen => &AGENCY_BREAKER_OPEN,
            Self::AgencyClosed => &AGENCY_CLOSED,
            Self::AgencyTimeout => &AGENCY_TIMEOUT,
            Self::AgencyBrokenAnswer => &AGENCY_BROKEN_ANSWER,
            Self::AgencyBadSignature => &AGENCY_BAD_SIGNATURE,
            Self::AgencyUnlistedCode => &AGENCY_UNLISTED_CODE,
        }
    }
}

const CALLER_MALFORMED: Row = Row {
    word: "caller.malformed",
    origin: Origin::Caller,
    http_status: 400,
    shep_code: Some("SCE001"),
    resend: Resend::Never,
    kk: "Хабарлама пішімге сәйкес келмейді. Көрсетілген орынды түзетіп, қайта жіберіңіз.",
    ru: "Сообщение не соответствует формату. Исправьте указанное место и отправьте снова.",
    en: "The message does not match the format. Correct the place named and send again.",
};
const CALLER_TOO_LARGE: Row = Row {
    word: "caller.too_large",
    origin: Origin::Caller,
    http_status: 413,
    shep_code: Some("SCE001"),
    resend: Resend::Never,
    kk: "Хабарлама рұқсат етілген көлемнен асады. Оны бөліңіз немесе файл қоймасын пайдаланыңыз.",
    ru: "Сообщение превышает допустимый размер. Разделите его или используйте файловое хранилище.",
    en: "The message exceeds a limit. Split it or use the file store.",
};
const CALLER_UNKNOWN: Row = Row {
    word: "caller.unknown",
    origin: Origin::Caller,
    http_status: 401,
    shep_code: None,
    resend: Resend::Never,
    kk: "Жіберуші тіркелмеген немесе құпиясөз қате. senderId мен сертификатты тексеріңіз.",
    ru: "Отправитель не зарегистрирован или пароль неверен. Проверьте senderId и сертификат.",
    en: "The sender is not registered or the password is wrong. Check senderId and certificate.",
};
const CALLER_FORBIDDEN: Row = Row {
    word: "caller.forbidden",
    origin: Origin::Caller,
    http_status: 403,
    shep_code: None,
    resend: Resend::Never,
    kk: "Бұл сертификатпен немесе бұл сервиске рұқсат жоқ. Шлюз операторына хабарласыңыз.",
    ru: "Нет права на этот сервис или сертификат принадлежит другому. Обратитесь к оператору шлюза.",
    en: "No right to this service, or the certificate belongs to another. Ask the gateway's operator.",
};
const CALLER_UNKNOWN_SERVICE: Row = Row {
    word: "caller.unknown_service",
    origin: Origin::Caller,
    http_status: 404,
    shep_code: Some("SCE004"),
    resend: Resend::Never,
    kk: "Мұндай сервис жоқ. serviceId және routeId мәндерін тексеріңіз (бас әріптер маңызды).",
    ru: "Такого сервиса нет. Проверьте serviceId и routeId (регистр букв важен).",
    en: "There is no such service. Check serviceId and routeId (letter case matters).",
};
const CALLER_UNSIGNED: Row = Row {
    word: "caller.unsigned",
    origin: Origin::Caller,
    http_status: 401,
    shep_code: Some("SCE007"),
    resend: Resend::Never,
    kk: "Хабарламада көліктік қолтаңба жоқ. soap:Body элементіне WS-Security қолтаңбасын қойыңыз.",
    ru: "Сообщение не подписано транспортной подписью. Подпишите soap:Body по WS-Security.",
    en: "The message bears no transport signature. Sign soap:Body by WS-Security.",
};
const CALLER_BAD_SIGNATURE: Row = Row {
    word: "caller.bad_signature",
    origin: Origin::Caller,
    http_status: 401,
    shep_code: Some("SCE006"),
    resend: Resend::Never,
    kk: "Көліктік қолтаңба дұрыс емес. Себебін қараңыз: қол қойылғаннан кейін хабарлама өзгермеуі тиіс.",
    ru: "Не верная транспортная подпись. См. причину: после подписания сообщение меняться не должно.",
    en: "The transport signature is wrong. See the reason: nothing may change after signing.",
};
const CALLER_STALE: Row = Row {
    word: "caller.stale",
    origin: Origin::Caller,
    http_status: 401,
    shep_code: Some("SCE005"),
    resend: Resend::Never,
    kk: "Сертификаттың мерзімі өткен немесе хабарлама ескірген. Сертификатты және сағатты тексеріңіз.",
    ru: "Сертификат не действует сейчас или сообщение устарело. Проверьте сертификат и часы.",
    en: "The certificate is not valid now or the message is too old. Check certificate and clock.",
};
const CALLER_TOO_FAST: Row = Row {
    word: "caller.too_fast",
    origin: Origin::Caller,
    http_status: 429,
    shep_code: None,
    resend: Resend::Later,
    kk: "Сұраулар шегі асып кетті. Көрсетілген уақыттан кейін қайталаңыз.",
    ru: "Превышена квота запросов. Повторите после указанного времени.",
    en: "The quota is used up. Send again after the time named.",
};
const CALLER_TWIN: Row = Row {
    word: "caller.twin",
    origin: Origin::Caller,
    http_status: 409,
    shep_code: None,
    resend: Resend::Never,
    kk: "Бұл messageId басқа мазмұнмен қолданылған. Жаңа messageId беріңіз.",
    ru: "Этот messageId уже использован с другим содержанием. Возьмите новый messageId.",
    en: "This messageId was used with other content. Take a new messageId.",
};
const CALLER_IN_PROGRESS: Row = Row {
    word: "caller.in_progress",
    origin: Origin::Caller,
    http_status: 409,
    shep_code: None,
    resend: Resend::Later,
    kk: "Осындай сұрау қазір орындалуда. Жауабын күтіп, кейін қайталаңыз.",
    ru: "Такой же запрос ещё выполняется. Дождитесь ответа и повторите позже.",
    en: "The same call is still under way. Wait for its answer and ask again later.",
};
const CALLER_CONFLICT: Row = Row {
    word: "caller.conflict",
    origin: Origin::Caller,
    http_status: 409,
    shep_code: None,
    resend: Resend::Never,
    kk: "Осы кілтпен басқа мазмұн жіберілген. Жаңа кілт алыңыз.",
    ru: "С этим ключом уже было другое содержание. Возьмите новый ключ.",
    en: "This key was used with another content. Take a new key.",
};
const GATEWAY_OVERLOADED: Row = Row {
    word: "gateway.overloaded",
    origin: Origin::Gateway,
    http_status: 503,
    shep_code: None,
    resend: Resend::Later,
    kk: "Шлюз жүктемесі шекке жетті. Сәл кейінірек қайталаңыз.",
    ru: "Шлюз загружен до предела. Повторите немного позже.",
    en: "The gateway is at its limit. Send again a little later.",
};
const GATEWAY_DRAINING: Row = Row {
    word: "gateway.draining",
    origin: Origin::Gateway,
    http_status: 503,
    shep_code: None,
    resend: Resend::Later,
    kk: "Шлюздің бұл торабы тоқтатылуда. Сұрауды қайта жіберіңіз.",
    ru: "Этот узел шлюза останавливается. Отправьте запрос снова.",
    en: "This node of the gateway is stopping. Send the call again.",
};
const GATEWAY_JOURNAL_DOWN: Row = Row {
    word: "gateway.journal_down",
    origin: Origin::Gateway,
    http_status: 503,
    shep_code: None,
    resend: Resend::Later,
    kk: "Журналға жазу мүмкін емес. Дәл осы сұрауды кейінірек қайталаңыз.",
    ru: "Журнал недоступен. Повторите этот же запрос позже.",
    en: "The journal is not available. Send the same call again later.",
};
const GATEWAY_BUG: Row = Row {
    word: "gateway.bug",
    origin: Origin::Gateway,
    http_status: 500,
    shep_code: Some("SCE909"),
    resend: Resend::Later,
    kk: "Шлюздің ішкі қатесі. Жазба нөмірін шлюз операторына хабарлаңыз.",
    ru: "Внутренняя ошибка шлюза. Сообщите номер записи оператору шлюза.",
    en: "Internal error of the gateway. Tell its operator the number of the entry.",
};
const PKI_UNAVAILABLE: Row = Row {
    word: "pki.unavailable",
    origin: Origin::Pki,
    http_status: 503,
    shep_code: None,
    resend: Resend::Later,
    kk: "Сертификатты тексеру қызметі қолжетімсіз. Кейінірек қайталаңыз.",
    ru: "Служба проверки сертификатов недоступна. Повторите позже.",
    en: "The certificate checking service is not available. Send again later.",
};
const PKI_REVOKED: Row = Row {
    word: "pki.revoked",
    origin: Origin::Pki,
    http_status: 401,
    shep_code: Some("SCE005"),
    resend: Resend::Never,
    kk: "Сертификат кері қайтарылған. Жаңа сертификат алыңыз.",
    ru: "Сертификат отозван. Получите новый сертификат.",
    en: "The certificate is revoked. Obtain a new one.",
};
const PKI_UNKNOWN_STATUS: Row = Row {
    word: "pki.unknown_status",
    origin: Origin::Pki,
    http_status: 503,
    shep_code: Some("SCE005"),
    resend: Resend::Later,
    kk: "Сертификаттың күйі белгісіз. Кейінірек қайталаңыз немесе операторға хабарласыңыз.",
    ru: "Статус сертификата неизвестен. Повторите позже или обратитесь к оператору.",
    en: "The certificate's status is not known. Send again later or ask the operator.",
};
const AGENCY_UNREACHABLE: Row = Row {
    word: "agency.unreachable",
    origin: Origin::Agency,
    http_status: 502,
    shep_code: None,
    resend: Resend::Later,
    kk: "Мекеменің жүйесіне қосылу мүмкін болмады, ештеңе жіберілген жоқ. Кейінірек қайталаңыз.",
    ru: "Система ведомства недоступна, ничего не отправлено. Повторите позже.",
    en: "The agency's system cannot be reached; nothing was sent. Send again later.",
};
const AGENCY_BREAKER_OPEN: Row = Row {
    word: "agency.breaker_open",
    origin: Origin::Agency,
    http_status: 503,
    shep_code: None,
    resend: Resend::Later,
    kk: "Мекеменің жүйесі жауап бермей тұр, сұрау жіберілген жоқ. Көрсетілген уақыттан кейін қайталаңыз.",
    ru: "Система ведомства не отвечает, запрос не отправлен. Повторите после указанного времени.",
    en: "The agency's system is failing; the call was not sent. Send again after the time named.",
};
const AGENCY_CLOSED: Row = Row {
    word: "agency.closed",
    origin: Origin::Agency,
    http_status: 503,
    shep_code: None,
    resend: Resend::Later,
    kk: "Мекеменің жүйесі қазір жабық. Ашылу уақытынан кейін қайталаңыз.",
    ru: "Система ведомства сейчас закрыта. Повторите после времени открытия.",
    en: "The agency's system is closed now. Send again after its opening time.",
};
const AGENCY_TIMEOUT: Row = Row {
    word: "agency.timeout",
    origin: Origin::Agency,
    http_status: 504,
    shep_code: None,
    resend: Resend::AskFirst,
    kk: "Мекеме уақытында жауап бермеді, нәтиже белгісіз. Қайта жібермес бұрын нәтижені сұраңыз.",
    ru: "Ведомство не ответило вовремя, исход неизвестен. Прежде чем повторять, запросите исход.",
    en: "The agency did not answer in time; the outcome is unknown. Ask for it before resending.",
};
const AGENCY_BROKEN_ANSWER: Row = Row {
    word: "agency.broken_answer",
    origin: Origin::Agency,
    http_status: 502,
    shep_code: None,
    resend: Resend::AskFirst,
    kk: "Мекеменің жауабы түсініксіз, нәтиже белгісіз. Қайта жібермес бұрын нәтижені сұраңыз.",
    ru: "Ответ ведомства нечитаем, исход неизвестен. Прежде чем повторять, запросите исход.",
    en: "The agency's answer cannot be read; the outcome is unknown. Ask for it before resending.",
};
const AGENCY_BAD_SIGNATURE: Row = Row {
    word: "agency.bad_signature",
    origin: Origin::Agency,
    http_status: 502,
    shep_code: None,
    resend: Resend::AskFirst,
    kk: "Мекеме жауабының қолтаңбасы дұрыс емес, нәтиже белгісіз. Нәтижені сұраңыз.",
    ru: "Подпись ответа ведомства неверна, исход неизвестен. Запросите исход.",
    en: "The signature on the agency's answer is wrong; the outcome is unknown. Ask for it.",
};
const AGENCY_UNLISTED_CODE: Row = Row {
    word: "agency.unlisted_code",
    origin: Origin::Agency,
    http_status: 502,
    shep_code: None,
    resend: Resend::AskFirst,
    kk: "Мекеме келісімде жоқ код қайтарды, нәтиже белгісіз. Нәтижені сұраңыз.",
    ru: "Ведомство вернуло код, которого нет в договорённости, исход неизвестен. Запросите исход.",
    en: "The agency returned a code that is not agreed on; the outcome is unknown. Ask for it.",
};
