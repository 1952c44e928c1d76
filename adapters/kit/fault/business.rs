//! What a fault says where it is about the business signature in `data` and not about the transport's.

use super::{Code, Fault, Language, Outcome};

/// The ШЭП's `errorCode` and the texts of one code.
pub(super) struct Words {
    shep_code: &'static str,
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

impl Words {
    pub(super) const fn text(&self, language: Language) -> &'static str {
        match language {
            Language::Kk => self.kk,
            Language::Ru => self.ru,
            Language::En => self.en,
        }
    }
}

impl Fault {
    /// What is answered on SyncChannel as `errorCode`.
    #[must_use]
    pub fn error_code(&self) -> &'static str {
        self.business().map_or_else(|| self.code.error_code(), |words| words.shep_code)
    }

    pub(super) fn business(&self) -> Option<&'static Words> {
        let is_told = self.is_business && self.outcome() == Outcome::Refused;
        words(self.code).filter(|_| is_told)
    }
}

/// The words for a code; `None` where it says the same of every signature.
const fn words(code: Code) -> Option<&'static Words> {
    match code {
        Code::CallerUnsigned => Some(&UNSIGNED),
        Code::CallerBadSignature => Some(&BAD),
        Code::CallerStale | Code::PkiRevoked | Code::PkiUnknownStatus => Some(&STALE),
        _ => None,
    }
}

const STALE: Words = Words {
    shep_code: "SCE015",
    kk: "Деректердегі ЭЦҚ сертификаты қазір жарамсыз. Жарамды сертификатпен қайта қол қойыңыз.",
    ru: "Сертификат ЭЦП бизнес-данных сейчас недействителен. Подпишите действующим сертификатом.",
    en: "The certificate of the signature in data is not valid now. Sign again with a valid one.",
};
const BAD: Words = Words {
    shep_code: "SCE016",
    kk: "Деректердегі ЭЦҚ дұрыс емес немесе талап етілген тұлғаның қолтаңбасы емес. Себебін қараңыз.",
    ru: "Неверная ЭЦП бизнес-данных, или подписал не тот, кто должен. См. причину.",
    en: "The signature in data is wrong, or not of whoever has to sign. See the reason.",
};
const UNSIGNED: Words = Words {
    shep_code: "SCE017",
    kk: "Деректерде сервис талап ететін ЭЦҚ жоқ. Деректерге қол қойып, қайта жіберіңіз.",
    ru: "В бизнес-данных нет ЭЦП, которой требует сервис. Подпишите данные и отправьте снова.",
    en: "The data bears no signature, and the service demands one. Sign the data and send again.",
};

#[cfg(test)]
mod tests {
    use super::super::Phase;
    use super::*;

    #[test]
    fn a_business_signature_has_codes_and_texts_of_its_own() {
        for (code, shep_code) in [
            (Code::CallerStale, "SCE015"),
            (Code::CallerBadSignature, "SCE016"),
            (Code::CallerUnsigned, "SCE017"),
        ] {
            let plain = Fault::new(code, Phase::Verify, "any");
            let fault = plain.clone().of_business();
            assert_eq!(fault.error_code(), shep_code);
            assert_ne!(plain.error_code(), shep_code);
            assert!(fault.public_line().contains("business signature"), "{fault}");
            for language in [Language::Kk, Language::Ru, Language::En] {
                assert_ne!(fault.text(language), plain.text(language));
                assert!(fault.text(language).chars().count() <= 250, "SyncChannel caps texts");
            }
        }
        let other = Fault::new(Code::GatewayBug, Phase::Verify, "any").of_business();
        assert_eq!(other.error_code(), "SCE909");
    }
}
