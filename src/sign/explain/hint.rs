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
        "The document is no well-formed XML 1.0, or brings a DOCTYPE. Sign and send what a strict parser accepts, in UTF-8.",
        "Документ не является корректным XML 1.0 или содержит DOCTYPE. Подписывайте и отправляйте то, что принимает строгий парсер, в UTF-8.",
        "Құжат дұрыс XML 1.0 емес немесе ішінде DOCTYPE бар. Қатаң парсер қабылдайтын құжатқа UTF-8-де қол қойып, соны жіберіңіз.";
    Encoding = "encoding":
        "The document is not in UTF-8, or says that it is not. Write it in UTF-8 with encoding=\"UTF-8\" or none (in .NET not by a StringWriter), and sign that.",
        "Документ не в UTF-8 или объявляет другую кодировку. Запишите его в UTF-8 с encoding=\"UTF-8\" или без (в .NET не через StringWriter) и подпишите.",
        "Құжат UTF-8-де емес немесе басқа кодтауды көрсетеді. Оны UTF-8-де, encoding=\"UTF-8\" деп жазып не оны жазбай сақтап (.NET-те StringWriter қолданбай), соған қол қойыңыз.";
    NoEnvelope = "no_envelope":
        "It is no SOAP envelope with one Body: Envelope, Header and Body stand in the namespace of SOAP 1.1 (or 1.2), in this order.",
        "Это не конверт SOAP с одним Body: Envelope, Header и Body должны стоять в этом порядке в пространстве имён SOAP 1.1 (или 1.2).",
        "Бұл бір Body-і бар SOAP конверті емес: Envelope, Header, Body осы ретпен, SOAP 1.1 (не 1.2) атаулар кеңістігінде тұруы тиіс.";
    PrefixLost = "prefix_lost":
        "A namespace declaration was lost: a prefix is used that nothing declares. Do not cut elements out as text.",
        "Потеряно объявление пространства имён: префикс используется, но не объявлен. Не вырезайте элементы как текст.",
        "Атаулар кеңістігінің жариялануы жоғалған: префикс қолданылған, бірақ жарияланбаған. Элементті мәтін ретінде қиып алмаңыз.";
    NotSigned = "not_signed":
        "There is no signature where it is looked for. Sign last, and put the signature where the profile says.",
        "Подписи нет там, где её ищут. Подписывайте последним шагом и помещайте подпись туда, где её требует профиль.",
        "Қолтаңба тиісті орнында жоқ. Қолтаңбаны соңғы қадамда қойып, профиль талап ететін орынға салыңыз.";
    Misplaced = "misplaced":
        "A part of the message stands where it may not: a second Body, header or signature, text or an instruction between them. Build one message from one template.",
        "Часть сообщения стоит не на месте: второй Body, заголовок или подпись, текст или инструкция между ними. Собирайте сообщение по одному шаблону.",
        "Хабарламаның бөлігі орнында емес: екінші Body, тақырып не қолтаңба, араларында мәтін не нұсқау бар. Хабарламаны бір үлгімен құрыңыз.";
    WrongId = "wrong_id":
        "The reference names an Id that no element bears exactly; write the same value into URI and Id.",
        "Ссылка называет Id, которого нет ни у одного элемента. Запишите одно и то же значение в URI и Id.",
        "Сілтеме көрсеткен Id ешбір элементте жоқ. URI мен Id ішіне бірдей мән жазыңыз.";
    WrongNamespace = "wrong_namespace":
        "An Id or an element of the signature stands in another namespace than its standard gives it. Check what wsu, wsse and ds are bound to.",
        "Id или элемент подписи стоит не в том пространстве имён, которое задаёт стандарт. Проверьте, с чем связаны префиксы wsu, wsse и ds.",
        "Id немесе қолтаңба элементі стандартта көрсетілген атаулар кеңістігінде емес. wsu, wsse, ds префикстері неге байланғанын тексеріңіз.";
    Remote = "remote_reference":
        "A reference leads out of the document (a URL, a file, an attachment), and nothing outside is fetched. Name an Id of the same document: #Id.",
        "Ссылка ведёт за пределы документа (URL, файл, вложение), а снаружи ничего не загружается. Ссылайтесь на Id этого же документа: #Id.",
        "Сілтеме құжаттан тыс жерге апарады (URL, файл, тіркеме), ал сырттан ештеңе жүктелмейді. Осы құжаттың Id-іне сілтеңіз: #Id.";
    DuplicateId = "duplicate_id":
        "The Id that is signed stands twice in the document; make a new one for each message.",
        "Подписанный Id встречается в документе дважды. Создавайте новый для каждого сообщения.",
        "Қол қойылған Id құжатта екі рет кездеседі. Әр хабарлама үшін жаңасын жасаңыз.";
    WrongElement = "wrong_element":
        "Another element was signed than the reference names, such as the content of the Body in place of the Body.",
        "Подписан не тот элемент, который назван в ссылке: например, содержимое Body вместо самого Body.",
        "Сілтемеде аталған элементке емес, басқасына қол қойылған: мысалы, Body-дің өзіне емес, мазмұнына.";
    WhiteSpace = "white_space":
        "White space changed after signing: the document was indented or trimmed. Send exactly the bytes that were signed.",
        "После подписания изменились пробелы: документ отформатировали или обрезали по краям. Отправляйте ровно подписанные байты.",
        "Қол қойылғаннан кейін бос орындар өзгерген: құжат пішімделген не шеттері кесілген. Дәл қол қойылған байттарды жіберіңіз.";
    LineEnds = "line_ends":
        "Line ends changed between signing and sending (CR LF and LF). Keep one kind, or sign what you send.",
        "Концы строк изменились между подписанием и отправкой (CR LF и LF). Используйте один вид или подписывайте то, что отправляете.",
        "Жол соңы белгілері қол қою мен жіберу арасында өзгерген (CR LF және LF). Бір түрін қолданыңыз немесе жіберетініңізге қол қойыңыз.";
    WrongCanonicalization = "wrong_c14n":
        "It was signed with another canonicalization than it names, or names one or a transform that is not taken here. Use exclusive without comments in an envelope, in a document enveloped and one canonicalization.",
        "Подписано не с той канонизацией, которая указана, либо указанная (или преобразование) здесь не принимается. В конверте: exclusive без комментариев; в документе: enveloped и одна канонизация.",
        "Көрсетілгеннен басқа канондаумен қол қойылған немесе мұнда қабылданбайтын канондау не түрлендіру көрсетілген. Конвертте: түсініктемесіз exclusive; құжатта: enveloped пен бір канондау.";
    NotCanonicalized = "not_canonicalized":
        "The digest is of the text as written, not of its canonical form. Let a library for XML signatures make it.",
        "Хеш посчитан от исходного текста, а не от канонической формы. Используйте библиотеку XML-подписи.",
        "Хеш канондық пішімнен емес, бастапқы мәтіннен есептелген. XML қолтаңба кітапханасын қолданыңыз.";
    FieldAdded = "field_added":
        "A field was added after signing (sessionId, password, a header). Fill in everything first, then sign.",
        "После подписания добавлено поле (sessionId, password, заголовок). Сначала заполните всё, затем подписывайте.",
        "Қол қойылғаннан кейін өріс қосылған (sessionId, password, тақырып). Алдымен бәрін толтырып, содан соң қол қойыңыз.";
    DigestAlgorithm = "digest_algorithm":
        "The digest value belongs to another algorithm than DigestMethod names, such as SHA-1, or is hexadecimal text. Name the right one; write base64.",
        "Значение хеша посчитано не тем алгоритмом, который указан в DigestMethod (а, например, SHA-1), или это hex-текст. Укажите верный; пишите base64.",
        "Хеш мәні DigestMethod көрсеткеннен басқа алгоритмге жатады (мысалы, SHA-1) немесе hex мәтін. Дұрысын көрсетіп, base64 жазыңыз.";
    SignatureAlgorithm = "signature_algorithm":
        "It was signed with another algorithm than SignatureMethod names. Name the one that was used, of the family of the certificate's key.",
        "Подписано не тем алгоритмом, который указан в SignatureMethod. Укажите тот, которым подписано, из семейства ключа сертификата.",
        "SignatureMethod көрсеткеннен басқа алгоритммен қол қойылған. Сертификат кілтіне сай, шынымен қолданылған алгоритмді көрсетіңіз.";
    OldAlgorithm = "old_algorithm":
        "The algorithm is not taken (SHA-1, MD5, HMAC, DSA, PSS, none, Russian ГОСТ). Use RSA or ECDSA with SHA-256 and above; in XML and CMS also the ГОСТ of Kazakhstan.",
        "Алгоритм не принимается (SHA-1, MD5, HMAC, DSA, PSS, none, российский ГОСТ). Используйте RSA или ECDSA с SHA-256 и выше, в XML и CMS также казахстанский ГОСТ.",
        "Алгоритм қабылданбайды (SHA-1, MD5, HMAC, DSA, PSS, none, Ресей ГОСТ-ы). SHA-256 не одан жоғарымен RSA не ECDSA, XML мен CMS-те Қазақстан ГОСТ-ын да қолданыңыз.";
    ValueForm = "value_form":
        "The value is right but packed otherwise: ECDSA is r and s side by side, not ASN.1; ГОСТ is little-endian.",
        "Значение верное, но упаковано иначе: для ECDSA нужны r и s подряд, а не ASN.1; для ГОСТ порядок байт little-endian.",
        "Мән дұрыс, бірақ басқаша салынған: ECDSA үшін r мен s қатар тұруы керек, ASN.1 емес; ГОСТ үшін байт реті little-endian.";
    WrongKey = "wrong_key":
        "The value is not of the certificate's key over what stands here. Sign with the key of that certificate, and change nothing of what was signed afterwards.",
        "Значение подписи создано не ключом этого сертификата или не над этими данными. Подписывайте ключом этого сертификата и после подписания ничего не меняйте.",
        "Қолтаңба мәні осы сертификаттың кілтімен емес немесе осы деректерге жасалмаған. Осы сертификаттың кілтімен қол қойып, содан кейін ештеңені өзгертпеңіз.";
    Changed = "changed":
        "The content changed after signing. Compare what was signed with what was sent: qaqpa explain FILE OTHER.",
        "Содержимое изменилось после подписания. Сравните подписанное с отправленным: qaqpa explain FILE OTHER.",
        "Мазмұн қол қойылғаннан кейін өзгерген. Қол қойылғанын жіберілгенмен салыстырыңыз: qaqpa explain FILE OTHER.";
    Base64 = "base64":
        "A value is no clean base64: line ends as text (\\r\\n, %0D%0A, &amp;#13;), a comment or a tag in it. Write base64 alone.",
        "Значение содержит не только base64: концы строк в виде текста (\\r\\n, %0D%0A, &amp;#13;), комментарий или тег. Пишите только base64.",
        "Мәнде base64-тен басқа да бар: мәтін түріндегі жол соңы (\\r\\n, %0D%0A, &amp;#13;), түсініктеме не тег. Тек base64 жазыңыз.";
    WrongClock = "wrong_clock":
        "The times do not fit: check the clock (UTC and time zone) and the Timestamp, which counts five minutes or until its Expires.",
        "Время не сходится: проверьте часы (UTC и часовой пояс) и Timestamp, который действует пять минут или до своего Expires.",
        "Уақыт сәйкес емес: сағатты (UTC мен уақыт белдеуін) және Timestamp-ті тексеріңіз: ол бес минут немесе Expires-ке дейін жарамды.";
    CertificateDays = "certificate_days":
        "The certificate, or one above it, is past its last day or before its first. Get a new one; where its days are right, check the clock.",
        "Срок сертификата или одного из вышестоящих истёк либо ещё не начался. Получите новый; если срок верный, проверьте часы.",
        "Сертификаттың не оның үстіндегінің мерзімі өткен немесе әлі басталмаған. Жаңасын алыңыз; мерзімі дұрыс болса, сағатты тексеріңіз.";
    KeyInfo = "key_info":
        "Bring exactly one certificate of the signer (with its chain at most), not a bare key, a name or an address; its key RSA, ECDSA on P-256 or P-384, or ГОСТ with Kazakhstan's OIDs.",
        "Нужен ровно один сертификат подписавшего (допустима его цепочка), а не ключ, имя или адрес; ключ RSA, ECDSA на P-256 или P-384 либо ГОСТ с казахстанскими OID.",
        "Қол қоюшының дәл бір сертификаты керек (тізбегі қоса жүруі мүмкін), жалаң кілт, атау не мекенжай емес; кілті RSA, P-256 не P-384 ECDSA немесе Қазақстан OID-тері бар ГОСТ.";
    UnknownIssuer = "unknown_issuer":
        "The certificate is of no authority that is trusted here, or its chain is broken: test and production certificates may be mixed up. Sign with one of a trusted authority.",
        "Сертификат выдан центром, которому здесь не доверяют, или его цепочка нарушена: возможно, спутаны тестовый и боевой. Подпишите сертификатом доверенного центра.",
        "Сертификатты мұнда сенім білдірілмеген орталық берген немесе тізбегі бұзылған: сынақ пен жұмыс сертификаттары шатасқан болар. Сенімді орталық бергенімен қол қойыңыз.";
    WrongCertificate = "wrong_certificate":
        "It is the wrong certificate for this: an authentication key in place of a signing one, a key of another family than the algorithm, or a weak key. Sign with one issued for signing.",
        "Сертификат не для этого: ключ аутентификации вместо ключа подписи, ключ не того семейства, что алгоритм, или слабый ключ. Подпишите сертификатом, выданным для подписи.",
        "Сертификат бұған арналмаған: қол қою кілтінің орнына аутентификация кілті, алгоритмге сай емес топтағы кілт немесе әлсіз кілт. Қол қою сертификатын қолданыңыз.";
    WrongSigner = "wrong_signer":
        "The signer is not whom the service demands: the certificate lacks the role, or its IIN or BIN is not the one in the signed field. Let the right person sign.",
        "Подписал не тот, кого требует услуга: в сертификате нет нужной роли либо ИИН или БИН не совпадает с подписанным полем. Подписать должно нужное лицо.",
        "Қызмет талап ететін тұлға қол қоймаған: сертификатта қажетті рөл жоқ не ЖСН, БСН қол қойылған өріске сәйкес емес. Тиісті тұлға қол қоюы керек.";
    NotAllCovered = "not_all_covered":
        "The signature covers only a part: sign the whole Body and the Timestamp, where there is one; or the whole document with the enveloped transform.",
        "Подпись покрывает лишь часть: подписывайте весь Body и Timestamp, если он есть, или весь документ с преобразованием enveloped.",
        "Қолтаңба тек бөлігін қамтиды: бүкіл Body-ға және бар болса Timestamp-ке немесе enveloped түрлендіруімен бүкіл құжатқа қол қойыңыз.";
    Profile = "profile":
        "The signature has a part that the profile does not know (Object, Manifest, further elements, a document inside of its signature). Leave it out.",
        "В подписи есть то, чего профиль не знает (Object, Manifest, лишние элементы, документ внутри подписи). Уберите это.",
        "Қолтаңбада профиль білмейтін бөлік бар (Object, Manifest, артық элементтер, қолтаңба ішіндегі құжат). Оны алып тастаңыз.";
    Incomplete = "incomplete":
        "The signature lacks a part: SignedInfo, SignatureValue and KeyInfo stand in it once each, in this order, with all that they hold. Let a library for XML signatures write it.",
        "В подписи нет обязательной части: SignedInfo, SignatureValue и KeyInfo стоят по одному разу в этом порядке со всем содержимым. Используйте библиотеку XML-подписи.",
        "Қолтаңбаның міндетті бөлігі жоқ: SignedInfo, SignatureValue, KeyInfo осы ретпен бір реттен, толық тұруы тиіс. XML қолтаңба кітапханасын қолданыңыз.";
    References = "references":
        "There are other references than are taken: in an envelope to Body, Timestamp and token, each once at most; in a document exactly one. Sign nothing else.",
        "Набор ссылок не тот: в конверте на Body, Timestamp и токен, не более одной на каждый; в документе ровно одна. Не подписывайте ничего другого.",
        "Сілтемелер жиыны дұрыс емес: конвертте Body, Timestamp және токеннің әрқайсысына ең көбі бір сілтеме, құжатта дәл біреу болуы тиіс. Басқасына қол қоймаңыз.";
    NoForm = "no_form":
        "What is signed has no canonical form: a namespace is named by a relative URI, or xml:base stands upon xml:base. Name namespaces by absolute URIs (urn:…, http://…).",
        "У подписанного нет канонической формы: пространство имён названо относительным URI или xml:base стоит на xml:base. Используйте абсолютные URI (urn:…, http://…).",
        "Қол қойылғанның канондық пішімі жоқ: атаулар кеңістігі салыстырмалы URI-мен аталған не xml:base үстінде xml:base тұр. Абсолют URI жазыңыз (urn:…, http://…).";
    Nothing = "nothing_hashed":
        "The digest is the one of an empty text: the signer hashed nothing, because its reference found no element or its canonicalization failed. Mend that and sign anew.",
        "Хеш посчитан от пустого текста: при подписании ссылка не нашла элемент или не удалась канонизация. Исправьте это и подпишите заново.",
        "Хеш бос мәтіннен есептелген: қол қойғанда сілтеме элементті таппаған немесе канондау сәтсіз аяқталған. Мұны түзетіп, қайта қол қойыңыз.";
    TooLarge = "too_large":
        "The document is beyond a limit (depth, attributes, namespaces, nodes, length of a value). The reason names it; send less.",
        "Документ превышает ограничение (вложенность, атрибуты, пространства имён, узлы, длина значения). Оно названо в причине; отправляйте меньше.",
        "Құжат шектен асады (тереңдік, атрибуттар, атаулар кеңістігі, түйіндер, мән ұзындығы). Шек себепте аталған; азырақ жіберіңіз.";
    CmsForm = "cms_form":
        "It is no CMS SignedData over plain data with one to eight signers. Send DER, PEM or base64; not S/MIME, and not only encrypted or digested data.",
        "Это не CMS SignedData над обычными данными с одним–восемью подписавшими. Отправляйте DER, PEM или base64, а не S/MIME и не зашифрованные данные.",
        "Бұл қарапайым деректерге бірден сегізге дейін адам қол қойған CMS SignedData емес. DER, PEM не base64 жіберіңіз: S/MIME де, шифрланған деректер де жарамайды.";
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
        "The timestamp is not over this signature's value, or not by a key for timestamps alone of an authority that is trusted here. Ask such an authority for a new one.",
        "Метка времени не над значением этой подписи или сделана не ключом доверенного здесь центра, предназначенным только для меток. Получите новую у такого центра.",
        "Уақыт белгісі осы қолтаңба мәніне қойылмаған не мұнда сенімді орталықтың тек белгілерге арналған кілтімен жасалмаған. Сондай орталықтан жаңасын алыңыз.";
    JwsForm = "jws_form":
        "It is no compact JWS: three parts of base64url without padding, a header that names nothing twice, no critical field but b64. JSON forms are not taken.",
        "Это не компактный JWS: три части base64url без дополнения, заголовок без повторов и критичных полей, кроме b64. JSON-формы не принимаются.",
        "Бұл ықшам JWS емес: толтырусыз үш base64url бөлігі, қайталауы жоқ тақырып, b64-тен басқа критикалық өріс жоқ. JSON пішіндері қабылданбайды.";
    HttpForm = "http_form":
        "Signature-Input and Signature must be one signature under one label, with created, without parameters on components (RFC 9421), on an HTTP/1.1 request.",
        "Signature-Input и Signature должны быть одной подписью под одной меткой, с created, без параметров у компонентов (RFC 9421), у запроса HTTP/1.1.",
        "Signature-Input пен Signature бір белгідегі бір қолтаңба болуы тиіс: created бар, құрамдастарда параметр жоқ (RFC 9421), HTTP/1.1 сұрауында.";
    Component = "component":
        "Sign all that gives the call its meaning: method, target with its query, Content-Digest, Content-Type, Idempotency-Key; in a JWS htm, htu, iat and, where they are sent, idempotency-key, route-id, correlation-id and payment-receipt.",
        "Подписывайте всё, что задаёт смысл вызова: метод, адрес с запросом, Content-Digest, Content-Type, Idempotency-Key; в JWS htm, htu, iat и, если отправляются, idempotency-key, route-id, correlation-id и payment-receipt.",
        "Шақырудың мәнін беретіннің бәріне қол қойыңыз: әдіс, сұрауы бар мекенжай, Content-Digest, Content-Type, Idempotency-Key; JWS-те htm, htu, iat және жіберілсе idempotency-key, route-id, correlation-id, payment-receipt.";
    Replayed = "replayed":
        "This signature was used before. Sign each call anew; to repeat one safely, send an Idempotency-Key and sign it too.",
        "Эта подпись уже использована. Подписывайте каждый вызов заново; для безопасного повтора отправляйте и подписывайте Idempotency-Key.",
        "Бұл қолтаңба бұрын пайдаланылған. Әр шақыруға қайта қол қойыңыз; қауіпсіз қайталау үшін Idempotency-Key жіберіп, оған да қол қойыңыз.";
    SignerField = "signer_field":
        "The field that must name the signer is missing, stands there twice, or is not signed. Put the IIN or BIN into it once, then sign.",
        "Поле, которое должно называть подписавшего, отсутствует, повторяется или не подписано. Запишите в него ИИН или БИН один раз, затем подпишите.",
        "Қол қоюшыны атауға тиіс өріс жоқ, екі рет тұр немесе оған қол қойылмаған. Оған ЖСН не БСН-ді бір рет жазып, содан соң қол қойыңыз.";
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
        Reason::RefUnresolved => Hint::WrongId,
        Reason::WrongNamespace => Hint::WrongNamespace,
        Reason::RemoteReferenceForbidden => Hint::Remote,
        Reason::DuplicateId => Hint::DuplicateId,
        Reason::RefTargetNotBody | Reason::RefTargetNotRoot => Hint::WrongElement,
        Reason::BodyNotSigned | Reason::ContentNotSigned | Reason::TimestampNotSigned => {
            Hint::NotAllCovered
        }
        Reason::UnexpectedNodeInValue | Reason::ValueNotBase64 => Hint::Base64,
        Reason::DigestMismatch => Hint::Changed,
        Reason::BadSignature => Hint::WrongKey,
        Reason::KeyinfoAmbiguous | Reason::KeyTypeForbidden => Hint::KeyInfo,
        Reason::MessageExpired | Reason::MessageFromFuture | Reason::TimestampMalformed => {
            Hint::WrongClock
        }
        Reason::CertExpired | Reason::CertNotYetValid => Hint::CertificateDays,
        Reason::CertUnknown | Reason::CertPath => Hint::UnknownIssuer,
        Reason::CertUsage | Reason::KeyTooWeak | Reason::AlgKeyMismatch => Hint::WrongCertificate,
        Reason::CertRole | Reason::SignerNotField => Hint::WrongSigner,
        Reason::SignedDocumentNotXml => Hint::NotXml,
        Reason::UnexpectedObject | Reason::ManifestForbidden => Hint::Profile,
        Reason::SignatureIncomplete => Hint::Incomplete,
        Reason::ReferenceLimit | Reason::DuplicateReference => Hint::References,
        Reason::C14nError => Hint::NoForm,
        Reason::DigestOfNothing => Hint::Nothing,
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
        | "unexpected_text"
        | "instruction_outside_data"
        | "unknown_wrapper"
        | "duplicate_field" => Hint::Misplaced,
        "body_missing" | "no_envelope" | "soap_version" => Hint::NoEnvelope,
        "no_http_request" => Hint::HttpForm,
        "encoding" => Hint::Encoding,
        _ if word.starts_with("xml_limit") => Hint::TooLarge,
        _ => Hint::NotXml,
    }
}
