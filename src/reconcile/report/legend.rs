//! What each column of the tables means, in Kazakh, Russian and English.

/// The column's name, and its meaning in the order of the law.
pub(super) const LEGEND: [(&str, [&str; 3]); 27] = [
    (
        "id",
        [
            "Алшақтықтың нөмірі, әр қайталауда бірдей",
            "Номер расхождения, один и тот же при каждом повторе",
            "Number of the break, the same at every run",
        ],
    ),
    ("category", ["Санат", "Категория", "Category"]),
    (
        "side",
        ["Жолы бар тарап", "Сторона, у которой есть строка", "Side whose row names the break"],
    ),
    ("key", ["Төлемнің белгісі", "Признак платежа", "What the payment is known by"]),
    (
        "since",
        [
            "Алғаш табылған операциялық күн",
            "Операционный день обнаружения",
            "Operating day of the find",
        ],
    ),
    ("age_days", ["Жасы, операциялық күн", "Возраст, операционных дней", "Age in operating days"]),
    ("age", ["Жас тобы", "Группа возраста", "Bucket of ages"]),
    (
        "priority",
        ["Маңыздылығы: сома × жас", "Важность: сумма × возраст", "Priority: amount × age"],
    ),
    ("state", ["Күйі", "Состояние", "State"]),
    ("owner", ["Кімнің үстелінде", "На чьём столе", "Desk that it lies on"]),
    ("acts", ["Кім әрекет етеді", "Кто действует", "Who acts"]),
    ("rule", ["Жұпты тапқан ереже", "Правило, нашедшее пару", "Rule that found the pair"]),
    ("why", ["Орындалмаған шарт", "Что не сошлось", "What failed"]),
    ("candidates", ["Ең жақын жолдар", "Ближайшие строки", "Nearest rows of the other side"]),
    (
        "e2e_id",
        [
            "Төлемнің екі жаққа ортақ нөмірі",
            "Номер платежа, общий для обеих сторон",
            "Id of the payment on both sides",
        ],
    ),
    (
        "receipt",
        ["Банк құжатының нөмірі", "Номер документа банка", "Number of the bank's document"],
    ),
    ("iin", ["Төлеушінің ЖСН-і", "ИИН плательщика", "IIN of the payer"]),
    ("payee_bin", ["Алушының БСН-і", "БИН получателя", "BIN of the payee"]),
    ("kbk", ["БСК", "КБК", "Budget classification code"]),
    ("knp", ["ТТК", "КНП", "Code of the payment's purpose"]),
    ("amount", ["Сома, теңге", "Сумма, тенге", "Amount in tenge"]),
    ("ccy", ["Валюта", "Валюта", "Currency"]),
    ("status", ["Мәртебе", "Статус", "Status"]),
    (
        "posted_at",
        ["Өткізілген уақыты (Астана)", "Время проводки (Астана)", "Time of posting (Astana)"],
    ),
    ("value_date", ["Валюталау күні", "Дата валютирования", "Value date"]),
    ("rail", ["Төлем жүйесі", "Платёжная система", "Settlement rail"]),
    (
        "journal_…, register_…",
        [
            "Журналдың жолы; банк тізілімінің жолы",
            "Строка журнала; строка реестра банка",
            "Row of the journal; row of the register",
        ],
    ),
];
