//! What a sender usually did, in three languages.

use crate::sign::reason::{Reason, Refusal};
use qaqpa_kit::fault::Language;

/// One list for variants, words and texts, so that none can lag behind.
macro_rules! hints {
    ($($name:ident = $word:literal: $en:literal, $ru:literal, $kk:literal;)*) => {
        /// A mistake that senders make.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Hint {
            $(#[doc = $en] $name,)*
        }

        impl Hint {
            /// All of them.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$name),*];

            /// The snake_case word in JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The advice for people.
            #[must_use]
            pub const fn text(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::En) => $en,
                      (Self::$name, Language::Ru) => $ru,
                      (Self::$name, Language::Kk) => $kk,)*
                }
            }
        }
    };
}

hints! {
    NotXml = "not_xml":
        "The document is not well-formed XML; sign and send what a parser accepts, in UTF-8 and without a DOCTYPE.",
        "Документ не является корректным XML: отправляйте то, что принимает парсер, в UTF-8 и без DOCTYPE.",
        "Құжат дұрыс XML емес: парсер қабылдайтын мәтінді UTF-8 кодтауында, DOCTYPE-сыз жіберіңіз.";
    PrefixLost = "prefix_lost":
        "A namespace declaration was lost: a prefix is used that nothing declares. Do not cut elements out as text.",
        "Потеряно объявление пространства имён: префикс используется, но не объявлен. Не вырезайте элементы как текст.",
        "Атаулар кеңістігінің жариялануы жоғалған: префикс қолданылған, бірақ жарияланбаған. Элементті мәтін ретінде қиып алмаңыз.";
    NotSigned = "not_signed":
        "There is no signature where it is looked for. Sign last, and put the signature where the profile says.",
        "Подписи нет там, где её ищут. Подписывайте последним шагом и кладите подпись, куда велит профиль.",
        "Қолтаңба тиісті орнында жоқ. Қолтаңбаны соңғы қадамда қойып, профиль көрсеткен орынға салыңыз.";
    Misplaced = "misplaced":
        "A part of the message stands where it may not: a second Body, header or signature. Build one message from one template.",
        "Часть сообщения стоит не на месте: второй Body, заголовок или подпись. Собирайте сообщение по одному шаблону.",
        "Хабарламаның бөлігі орнында емес: екінші Body, тақырып немесе қолтаңба. Хабарламаны бір үлгімен құрыңыз.";
    WrongId = "wrong_id":
        "The reference names an Id that no element bears exactly; write the same value into URI and Id.",
        "Ссылка называет Id, которого нет ни у одного элемента. Запишите одно и то же значение в URI и Id.",
        "Сілтеме көрсеткен Id ешбір элементте жоқ. URI мен Id ішіне бірдей мән жазыңыз.";
    DuplicateId = "duplicate_id":
        "The Id that is signed stands twice in the document; make a new one for each message.",
        "Подписанный Id встречается в документе дважды. Создавайте новый для каждого сообщения.",
        "Қол қойылған Id құжатта екі рет кездеседі. Әр хабарлама үшін жаңасын жасаңыз.";
    WrongElement = "wrong_element":
        "Another element was signed than the reference names, such as the content of the Body in place of the Body.",
        "Подписан не тот элемент, который назван в ссылке: например, содержимое Body вместо самого Body.",
        "Сілтемеде аталған элементке емес, басқасына қол қойылған: мысалы, Body орнына оның ішіне.";
    WhiteSpace = "white_space":
        "White space changed after signing: the document was indented or trimmed. Send exactly the bytes that were signed.",
        "После подписания изменились пробелы: документ отформатировали или обрезали. Отправляйте ровно подписанные байты.",
        "Қол қойылғаннан кейін бос орындар өзгерген: құжат пішімделген немесе қиылған. Дәл қол қойылған байттарды жіберіңіз.";
    LineEnds = "line_ends":
        "Line ends changed between signing and sending (CR LF and LF). Keep one kind, or sign what you send.",
        "Концы строк изменились между подписанием и отправкой (CR LF и LF). Используйте один вид или подписывайте отправляемое.",
        "Жол соңы белгілері қол қою мен жіберу арасында өзгерген (CR LF және LF). Бір түрін қолданыңыз.";
    WrongCanonicalization = "wrong_c14n":
        "It was signed with another canonicalization than it names, or one that is not taken here. Use the profile's.",
        "Подписано с другой канонизацией, чем указана, или с недопустимой здесь. Используйте канонизацию профиля.",
        "Көрсетілгеннен басқа немесе мұнда қабылданбайтын канондаумен қол қойылған. Профильдегісін қолданыңыз.";
    NotCanonicalized = "not_canonicalized":
        "The digest is of the text as written, not of its canonical form. Let a library for XML signatures make it.",
        "Хеш посчитан от исходного текста, а не от канонической формы. Используйте библиотеку XML-подписи.",
        "Хеш канондық пішімнен емес, бастапқы мәтіннен есептелген. XML қолтаңба кітапханасын қолданыңыз.";
    FieldAdded = "field_added":
        "A field was added after signing (sessionId, password, a header). Fill in everything first, then sign.",
        "После подписания добавлено поле (sessionId, password, заголовок). Сначала заполните всё, затем подписывайте.",
        "Қол қойылғаннан кейін өріс қосылған (sessionId, password, тақырып). Алдымен бәрін толтырып, содан соң қол қойыңыз.";
    DigestAlgorithm = "digest_algorithm":
        "The digest value belongs to another algorithm than DigestMethod names, such as SHA-1, or is hexadecimal text.",
        "Значение хеша относится к другому алгоритму, чем указан в DigestMethod (например, SHA-1), или это hex-текст.",
        "Хеш мәні DigestMethod көрсеткеннен басқа алгоритмге жатады (мысалы, SHA-1) немесе hex мәтін.";
    SignatureAlgorithm = "signature_algorithm":
        "It was signed with another algorithm than SignatureMethod names. Take the one of the certificate's key.",
        "Подписано другим алгоритмом, чем указан в SignatureMethod. Возьмите алгоритм ключа сертификата.",
        "SignatureMethod көрсеткеннен басқа алгоритммен қол қойылған. Сертификат кілтінің алгоритмін алыңыз.";
    OldAlgorithm = "old_algorithm":
        "The algorithm is not taken any more, or never was (SHA-1, MD5, HMAC). Use SHA-256 and above, or ГОСТ 2015.",
        "Алгоритм больше не принимается или не принимался (SHA-1, MD5, HMAC). Используйте SHA-256 и выше или ГОСТ 2015.",
        "Алгоритм енді қабылданбайды немесе қабылданбаған (SHA-1, MD5, HMAC). SHA-256 не одан жоғары немесе ГОСТ 2015 қолданыңыз.";
    ValueForm = "value_form":
        "The value is right but packed otherwise: ECDSA is r and s side by side, not ASN.1; ГОСТ is little-endian.",
        "Значение верное, но упаковано иначе: ECDSA это r и s подряд, а не ASN.1; ГОСТ в порядке little-endian.",
        "Мән дұрыс, бірақ басқаша салынған: ECDSA үшін r мен s қатар, ASN.1 емес; ГОСТ little-endian ретімен.";
    WrongKey = "wrong_key":
        "The value was made with another key than the certificate's. Sign with the key that belongs to it.",
        "Значение создано другим ключом, не ключом сертификата. Подписывайте ключом этого сертификата.",
        "Мән сертификат кілтінен басқа кілтпен жасалған. Осы сертификаттың кілтімен қол қойыңыз.";
    Changed = "changed":
        "The content changed after signing. Compare what was signed with what was sent: qaqpa explain FILE OTHER.",
        "Содержимое изменилось после подписания. Сравните подписанное с отправленным: qaqpa explain FILE OTHER.",
        "Мазмұн қол қойылғаннан кейін өзгерген. Қол қойылғанын жіберілгенмен салыстырыңыз: qaqpa explain FILE OTHER.";
    Base64 = "base64":
        "A value is no clean base64: line ends as text (\\r\\n, %0D%0A, &amp;#13;), a comment or a tag in it. Write base64 alone.",
        "Значение не чистый base64: внутри концы строк текстом (\\r\\n, %0D%0A, &amp;#13;), комментарий или тег. Пишите только base64.",
        "Мән таза base64 емес: ішінде мәтін түріндегі жол соңы (\\r\\n, %0D%0A, &amp;#13;), түсініктеме не тег бар. Тек base64 жазыңыз.";
    WrongClock = "wrong_clock":
        "The times do not fit: check the clock (UTC and time zone), the Timestamp, and the certificate's days.",
        "Время не сходится: проверьте часы (UTC и часовой пояс), Timestamp и срок сертификата.",
        "Уақыт сәйкес емес: сағатты (UTC мен уақыт белдеуін), Timestamp пен сертификат мерзімін тексеріңіз.";
    KeyInfo = "key_info":
        "KeyInfo must bring exactly one certificate of the signer, not a bare key, a name or an address.",
        "KeyInfo должен содержать ровно один сертификат подписавшего, а не ключ, имя или адрес.",
        "KeyInfo ішінде қол қоюшының дәл бір сертификаты болуы тиіс, кілт, атау немесе мекенжай емес.";
    UnknownIssuer = "unknown_issuer":
        "The certificate is of no authority that is trusted here: test and production certificates may be mixed up.",
        "Сертификат выдан не доверенным здесь центром: возможно, перепутаны тестовый и боевой сертификаты.",
        "Сертификатты мұнда сенім білдірілмеген орталық берген: сынақ және жұмыс сертификаттары шатасқан болуы мүмкін.";
    WrongCertificate = "wrong_certificate":
        "It is the wrong certificate for this: an authentication key in place of a signing one, another family, or a weak key.",
        "Сертификат не для этого: ключ аутентификации вместо подписи, другое семейство или слабый ключ.",
        "Сертификат бұған арналмаған: қол қою орнына аутентификация кілті, басқа алгоритм тобы немесе әлсіз кілт.";
    NotAllCovered = "not_all_covered":
        "The signature covers only a part: sign the whole Body, or the whole document with the enveloped transform.",
        "Подпись покрывает лишь часть: подписывайте весь Body или весь документ с преобразованием enveloped.",
        "Қолтаңба тек бөлігін қамтиды: бүкіл Body-ға немесе enveloped түрлендіруімен бүкіл құжатқа қол қойыңыз.";
    Profile = "profile":
        "The signature has a part that the profile does not know (Object, Manifest, further transforms). Leave it out.",
        "В подписи есть то, чего профиль не знает (Object, Manifest, лишние преобразования). Уберите это.",
        "Қолтаңбада профиль білмейтін бөлік бар (Object, Manifest, артық түрлендірулер). Оны алып тастаңыз.";
}

/// The usual mistake behind a broken rule.
#[must_use]
pub fn of_reason(reason: Reason) -> Option<Hint> {
    Some(match reason {
        Reason::SignatureMissing | Reason::DocumentAmbiguous => Hint::NotSigned,
        Reason::SignatureCount | Reason::DuplicateTimestamp | Reason::SignedinfoCount => {
            Hint::Misplaced
        }
        Reason::C14nForbidden | Reason::TransformForbidden => Hint::WrongCanonicalization,
        Reason::AlgForbidden => Hint::OldAlgorithm,
        Reason::RefUnresolved | Reason::WrongNamespace => Hint::WrongId,
        Reason::DuplicateId => Hint::DuplicateId,
        Reason::RefTargetNotBody | Reason::RefTargetNotRoot => Hint::WrongElement,
        Reason::BodyNotSigned | Reason::ContentNotSigned | Reason::TimestampNotSigned => {
            Hint::NotAllCovered
        }
        Reason::UnexpectedNodeInValue | Reason::ValueNotBase64 => Hint::Base64,
        Reason::DigestMismatch => Hint::Changed,
        Reason::BadSignature => Hint::WrongKey,
        Reason::KeyinfoAmbiguous | Reason::KeyTypeForbidden | Reason::RemoteReferenceForbidden => {
            Hint::KeyInfo
        }
        Reason::MessageExpired
        | Reason::MessageFromFuture
        | Reason::TimestampMalformed
        | Reason::CertExpired
        | Reason::CertNotYetValid => Hint::WrongClock,
        Reason::CertUnknown | Reason::CertPath => Hint::UnknownIssuer,
        Reason::CertUsage
        | Reason::KeyTooWeak
        | Reason::AlgKeyMismatch
        | Reason::CertRole
        | Reason::SignerNotField => Hint::WrongCertificate,
        Reason::SignedDocumentNotXml => Hint::NotXml,
        Reason::UnexpectedObject
        | Reason::ManifestForbidden
        | Reason::SignatureIncomplete
        | Reason::ReferenceLimit
        | Reason::DuplicateReference
        | Reason::C14nError
        | Reason::DigestOfNothing => Hint::Profile,
        _ => return None,
    })
}

/// The same for a refusal, where there is one.
pub(super) fn of_refusal(refused: Option<Refusal>) -> Vec<Hint> {
    refused.and_then(|refusal| of_reason(refusal.reason)).into_iter().collect()
}

/// The usual mistake behind a document that is no XML or no envelope.
#[must_use]
pub fn of_word(word: &str) -> Hint {
    match word {
        "undeclared_prefix" => Hint::PrefixLost,
        "duplicate_body"
        | "header_count"
        | "nested_envelope"
        | "security_header_count"
        | "signature_misplaced"
        | "unexpected_object"
        | "ref_target_not_body"
        | "unexpected_element"
        | "body_child_count"
        | "unexpected_text" => Hint::Misplaced,
        "body_missing" | "no_envelope" => Hint::NotSigned,
        _ => Hint::NotXml,
    }
}
