//! What a sender usually did, in three languages.

use crate::sign::reason::Reason;
use qaqpa_kit::fault::{Code, Fault, Language};

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
    Encoding = "encoding":
        "The document is not in UTF-8, or says that it is not. Write it in UTF-8 with encoding=\"UTF-8\" or none (in .NET not by a StringWriter), and sign that.",
        "Документ не в UTF-8 или объявляет другую кодировку. Запишите его в UTF-8 с encoding=\"UTF-8\" или без (в .NET не через StringWriter) и подпишите.",
        "Құжат UTF-8 емес немесе басқа кодтауды жариялайды. Оны encoding=\"UTF-8\" бар не онсыз UTF-8-де жазып (.NET-те StringWriter-сіз), соған қол қойыңыз.";
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
        "The algorithm is not taken (SHA-1, MD5, HMAC, DSA, PSS, none, Russian ГОСТ). Use RSA or ECDSA with SHA-256 and above; in XML and CMS also the ГОСТ of Kazakhstan.",
        "Алгоритм не принимается (SHA-1, MD5, HMAC, DSA, PSS, none, российский ГОСТ). Используйте RSA или ECDSA с SHA-256 и выше, в XML и CMS также казахстанский ГОСТ.",
        "Алгоритм қабылданбайды (SHA-1, MD5, HMAC, DSA, PSS, none, Ресей ГОСТ-ы). SHA-256 не одан жоғарымен RSA не ECDSA, XML мен CMS-те Қазақстан ГОСТ-ын да қолданыңыз.";
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
        "Bring exactly one certificate of the signer (with its chain at most), not a bare key, a name or an address; its key RSA, ECDSA on P-256 or P-384, or ГОСТ with Kazakhstan's OIDs.",
        "Нужен ровно один сертификат подписавшего (допустима его цепочка), а не ключ, имя или адрес; ключ RSA, ECDSA на P-256 или P-384 либо ГОСТ с казахстанскими OID.",
        "Қол қоюшының дәл бір сертификаты керек (тізбегімен болады), кілт, атау не мекенжай емес; кілті RSA, P-256 не P-384 ECDSA немесе Қазақстан OID-тері бар ГОСТ.";
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
        "The signature has a part that the profile does not know (Object, Manifest, further transforms, a document inside of its signature). Leave it out.",
        "В подписи есть то, чего профиль не знает (Object, Manifest, лишние преобразования, документ внутри подписи). Уберите это.",
        "Қолтаңбада профиль білмейтін бөлік бар (Object, Manifest, артық түрлендірулер, қолтаңба ішіндегі құжат). Оны алып тастаңыз.";
    TooLarge = "too_large":
        "The document is beyond a limit (depth, attributes, namespaces, nodes, length of a value). The reason names it; send less.",
        "Документ превышает ограничение (вложенность, атрибуты, пространства имён, узлы, длина значения). Оно названо в причине; отправляйте меньше.",
        "Құжат шектен асады (тереңдік, атрибуттар, атаулар кеңістігі, түйіндер, мән ұзындығы). Шек себепте аталған; азырақ жіберіңіз.";
    CmsForm = "cms_form":
        "It is no CMS SignedData over plain data with one to eight signers. Send DER, PEM or base64; not S/MIME, and not only encrypted or digested data.",
        "Это не CMS SignedData над обычными данными с одним–восемью подписавшими. Отправляйте DER, PEM или base64, а не S/MIME и не просто зашифрованные данные.",
        "Бұл бір–сегіз қол қоюшысы бар, қарапайым деректерге жасалған CMS SignedData емес. DER, PEM не base64 жіберіңіз, S/MIME не тек шифрланған деректер емес.";
    Cades = "cades":
        "Attributes of CAdES-BES are missing or not in DER: contentType, messageDigest and signingCertificateV2, each once. With openssl: cms -sign -cades.",
        "Нет атрибутов CAdES-BES или они не в DER: contentType, messageDigest и signingCertificateV2, по одному. В openssl: cms -sign -cades.",
        "CAdES-BES атрибуттары жоқ немесе DER түрінде емес: contentType, messageDigest және signingCertificateV2, әрқайсысы бір рет. openssl-де: cms -sign -cades.";
    Content = "content":
        "Exactly one content must be at hand: inside of an attached signature, or beside a detached one (--content FILE), never both.",
        "Содержимое должно быть ровно одно: внутри присоединённой подписи или рядом с отсоединённой (--content FILE), но не оба.",
        "Мазмұн дәл біреу болуы тиіс: қосылған қолтаңбаның ішінде немесе бөлек қолтаңбаның жанында (--content FILE), екеуі бірдей емес.";
    CertificateAbsent = "certificate_absent":
        "The signer's certificate is not in the message: put it in (x5c, certificates of the CMS, Signature-Certificate), or name it by --cert.",
        "В сообщении нет сертификата подписавшего: вложите его (x5c, сертификаты CMS, Signature-Certificate) или укажите через --cert.",
        "Хабарламада қол қоюшының сертификаты жоқ: оны салыңыз (x5c, CMS сертификаттары, Signature-Certificate) немесе --cert арқылы көрсетіңіз.";
    CertificateOther = "certificate_other":
        "Another certificate stands beside the signature than the one that it names as its signer's. Send that one; do not exchange it after signing.",
        "Рядом с подписью не тот сертификат, который в ней назван. Отправляйте именно его и не заменяйте после подписания.",
        "Қолтаңба жанында онда аталғаннан басқа сертификат тұр. Дәл соны жіберіңіз, қол қойғаннан кейін ауыстырмаңыз.";
    CertificateBroken = "certificate_broken":
        "The certificate cannot be read: it must be one X.509 certificate of at most 16 KiB in DER, here as base64.",
        "Сертификат не читается: нужен один сертификат X.509 не длиннее 16 КиБ в DER, здесь в base64.",
        "Сертификат оқылмайды: DER түріндегі 16 КиБ-тан аспайтын бір X.509 сертификаты, мұнда base64 түрінде болуы керек.";
    Stamp = "stamp":
        "The timestamp is not over this signature's value, or not by a key for timestamps alone of an authority that is trusted here.",
        "Метка времени сделана не над значением этой подписи или не ключом доверенного здесь центра, предназначенным только для меток.",
        "Уақыт белгісі осы қолтаңбаның мәніне емес немесе мұнда сенім білдірілген орталықтың тек белгілерге арналған кілтімен жасалмаған.";
    JwsForm = "jws_form":
        "It is no compact JWS: three parts of base64url without padding, a header that names nothing twice, no critical field but b64. JSON forms are not taken.",
        "Это не компактный JWS: три части base64url без дополнения, заголовок без повторов и критичных полей, кроме b64. JSON-формы не принимаются.",
        "Бұл ықшам JWS емес: толтырусыз үш base64url бөлігі, қайталауы жоқ тақырып, b64-тен басқа критикалық өріс жоқ. JSON пішіндері қабылданбайды.";
    HttpForm = "http_form":
        "Signature-Input and Signature must be one signature under one label, with created, without parameters on components (RFC 9421), on an HTTP/1.1 request.",
        "Signature-Input и Signature должны быть одной подписью под одной меткой, с created, без параметров у компонентов (RFC 9421), у запроса HTTP/1.1.",
        "Signature-Input пен Signature бір белгідегі бір қолтаңба болуы тиіс: created бар, құрамдастарда параметр жоқ (RFC 9421), HTTP/1.1 сұрауында.";
    Component = "component":
        "Sign all that gives the call its meaning: method, target with its query, Content-Digest, Content-Type, Idempotency-Key; in a JWS htm, htu and iat.",
        "Подписывайте всё, что задаёт смысл вызова: метод, адрес с запросом, Content-Digest, Content-Type, Idempotency-Key; в JWS htm, htu и iat.",
        "Шақырудың мәнін беретіннің бәріне қол қойыңыз: әдіс, сұрауы бар мекенжай, Content-Digest, Content-Type, Idempotency-Key; JWS-те htm, htu және iat.";
    Replayed = "replayed":
        "This signature was used before. Sign each call anew; to repeat one safely, send an Idempotency-Key and sign it too.",
        "Эта подпись уже использована. Подписывайте каждый вызов заново; для безопасного повтора отправляйте и подписывайте Idempotency-Key.",
        "Бұл қолтаңба бұрын пайдаланылған. Әр шақыруға қайта қол қойыңыз; қауіпсіз қайталау үшін Idempotency-Key жіберіп, оған да қол қойыңыз.";
    SignerField = "signer_field":
        "The field that must name the signer is missing, stands there twice, or is not signed. Put the IIN or BIN into it once, then sign.",
        "Поле, которое должно назвать подписавшего, отсутствует, повторяется или не подписано. Запишите в него ИИН или БИН один раз, затем подпишите.",
        "Қол қоюшыны атауы тиіс өріс жоқ, екі рет тұр немесе оған қол қойылмаған. ЖСН не БСН-ді бір рет жазып, содан соң қол қойыңыз.";
    Revoked = "revoked":
        "The certificate was revoked by its authority. Get a new one; what was signed with it before is proved by a timestamp only.",
        "Сертификат отозван центром. Получите новый; подписанное раньше подтверждает только метка времени.",
        "Сертификатты оны берген орталық қайтарып алған. Жаңасын алыңыз; бұрын қол қойылғанды тек уақыт белгісі дәлелдейді.";
    RevocationUnknown = "revocation_unknown":
        "Nobody could say whether the certificate was revoked: its authority's list is missing or old. Take the current one, and its delta.",
        "Неизвестно, отозван ли сертификат: список его центра отсутствует или устарел. Возьмите текущий список и его дельту.",
        "Сертификаттың қайтарылып алынғаны белгісіз: орталығының тізімі жоқ немесе ескірген. Ағымдағы тізім мен оның дельтасын алыңыз.";
}

/// The usual mistake behind a broken rule.
#[must_use]
pub const fn of_reason(reason: Reason) -> Hint {
    match reason {
        Reason::SignatureMissing => Hint::NotSigned,
        Reason::SignatureCount
        | Reason::DuplicateTimestamp
        | Reason::SignedinfoCount
        | Reason::DocumentAmbiguous => Hint::Misplaced,
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
        Reason::CmsMalformed => Hint::CmsForm,
        Reason::AttributesNotDer | Reason::SignedAttributeMissing => Hint::Cades,
        Reason::ContentMissing | Reason::ContentAmbiguous => Hint::Content,
        Reason::SignerCertificateMissing => Hint::CertificateAbsent,
        Reason::SigningCertificateMismatch => Hint::CertificateOther,
        Reason::CertMalformed => Hint::CertificateBroken,
        Reason::TimestampInvalid => Hint::Stamp,
        Reason::JwsMalformed => Hint::JwsForm,
        Reason::HttpSignatureMalformed => Hint::HttpForm,
        Reason::ComponentNotSigned => Hint::Component,
        Reason::Replayed => Hint::Replayed,
        Reason::SignerFieldMissing => Hint::SignerField,
        Reason::CertRevoked => Hint::Revoked,
    }
}

/// The same for a fault; `None` where its sender can do nothing about it.
#[must_use]
pub fn of_fault(fault: &Fault) -> Option<Hint> {
    match (Reason::from_word(fault.reason), fault.code) {
        (Some(reason), _) => Some(of_reason(reason)),
        (None, Code::PkiUnknownStatus) => Some(Hint::RevocationUnknown),
        (None, Code::CallerMalformed | Code::CallerTooLarge | Code::CallerBadSignature) => {
            Some(of_word(fault.reason))
        }
        (None, _) => None,
    }
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
        "no_http_request" => Hint::HttpForm,
        "encoding" => Hint::Encoding,
        _ if word.starts_with("xml_limit") => Hint::TooLarge,
        _ => Hint::NotXml,
    }
}
