//! The words of reports for people, in Kazakh, Russian and English.

use crate::reconcile::breaks::{Acts, Category, Finding};
use crate::reconcile::matching::compare::{Field, differences};

/// A language of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Kk,
    Ru,
    En,
}

/// All of them, in the order of the law: the state language first.
pub(in crate::reconcile) const LANGUAGES: [Language; 3] =
    [Language::Kk, Language::Ru, Language::En];

/// One text in the three languages.
pub(in crate::reconcile) type Texts = [&'static str; 3];

impl Language {
    /// Its code (BCP 47).
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.of(["kk", "ru", "en"])
    }

    /// Its text of three.
    pub(in crate::reconcile) const fn of(self, texts: [&str; 3]) -> &str {
        let [kk, ru, en] = texts;
        match self {
            Self::Kk => kk,
            Self::Ru => ru,
            Self::En => en,
        }
    }

    /// A word of the tables.
    #[must_use]
    pub const fn word(self, word: Word) -> &'static str {
        self.of(match word {
            Word::Title => ["Салыстыру есебі", "Отчёт о сверке", "Statement of reconciliation"],
            Word::Journal => ["Шлюз журналы", "Журнал шлюза", "Gateway's journal"],
            Word::Register => ["Банк тізілімі", "Реестр банка", "Bank's register"],
            Word::Rows => ["жолдар", "строк", "rows"],
            Word::Tenge => ["теңге", "тенге", "tenge"],
            Word::Matched => ["Сәйкес келді", "Совпало", "Matched"],
            Word::Carried => ["Бұрыннан ашық", "Открыто ранее", "Open before"],
            Word::Breaks => ["Алшақтықтар", "Расхождения", "Breaks"],
            Word::Category => ["Санат", "Категория", "Category"],
            Word::Age => ["Операциялық күн", "Операционных дней", "Operating days"],
            Word::Count => ["Саны", "Количество", "Count"],
            Word::Sum => ["Сомасы, теңге", "Сумма, тенге", "Sum, tenge"],
            Word::Key => ["Төлем", "Платёж", "Payment"],
            Word::Why => ["Себебі", "Причина", "Why"],
            Word::Acts => ["Кім әрекет етеді", "Кто действует", "Who acts"],
            Word::First => [
                "Толық тізім breaks.csv және breaks.xlsx файлдарында.",
                "Полный список в breaks.csv и breaks.xlsx.",
                "All of them stand in breaks.csv and breaks.xlsx.",
            ],
            Word::Total => ["Барлығы", "Итого", "Total"],
            Word::Days => ["Күн", "Дней", "Days"],
            Word::Urgent => ["Ең маңыздылары", "Самые важные", "The most urgent"],
            Word::LeftOut => [
                "Бұл файлға сыймаған жолдар; толық тізім breaks.csv және pairs.csv файлдарында",
                "Строк не вошло в этот файл; полный список в breaks.csv и pairs.csv",
                "Rows left out here; all of them stand in breaks.csv and pairs.csv",
            ],
            Word::None => ["Алшақтық жоқ", "Расхождений нет", "No breaks"],
            Word::Overview => {
                ["Салыстырулар жиынтығы", "Сводка сверок", "Overview of reconciliations"]
            }
            Word::Bank => ["Банк", "Банк", "Bank"],
            Word::Date => ["Операциялық күн", "Операционный день", "Operating day"],
            Word::AtStake => {
                ["Даулы сома, теңге", "Сумма под вопросом, тенге", "Money at stake, tenge"]
            }
            Word::Oldest => ["Ең ескісі, күн", "Самое старое, дней", "Oldest, days"],
        })
    }

    /// A category for people.
    #[must_use]
    pub const fn category(self, category: Category) -> &'static str {
        self.of(match category {
            Category::MissingInBank => ["Банкте жоқ", "Нет в банке", "Missing in the bank"],
            Category::MissingInGateway => ["Шлюзде жоқ", "Нет в шлюзе", "Missing in the gateway"],
            Category::AmountMismatch => ["Сомасы басқа", "Другая сумма", "Another amount"],
            Category::StatusMismatch => ["Мәртебесі басқа", "Другой статус", "Another status"],
            Category::DuplicateInBank => {
                ["Банкте қайталанған", "Повтор в банке", "Twice in the bank"]
            }
            Category::DuplicateInGateway => {
                ["Шлюзде қайталанған", "Повтор в шлюзе", "Twice in the gateway"]
            }
            Category::DoublePaidCharge => {
                ["Есепшот екі рет төленген", "Начисление оплачено дважды", "Charge paid twice"]
            }
            Category::RequisiteMismatch => {
                ["Деректемелері басқа", "Другие реквизиты", "Other requisites"]
            }
            Category::LateCutoff => {
                ["Басқа операциялық күн", "Другой операционный день", "Another operating day"]
            }
            Category::LateCredit => {
                ["Мерзімінен кейін түскен", "Зачислено после срока", "Credited after expiry"]
            }
            Category::ReturnUnlinked => {
                ["Төлемі белгісіз қайтару", "Возврат без платежа", "Return without a payment"]
            }
            Category::FileIntegrity => ["Файл бүлінген", "Файл повреждён", "Broken file"],
        })
    }

    /// Why a row or a pair is a break, for people: what differs, or the rule that failed.
    #[must_use]
    pub fn why(self, finding: &Finding) -> String {
        if let (Some(journal), Some(register)) = (&finding.journal, &finding.register) {
            let fields = differences(journal, register).into_iter().map(|field| self.field(field));
            return fields.collect::<Vec<_>>().join(", ");
        }
        let line = finding.journal.as_ref().or(finding.register.as_ref());
        let is_loose = line.is_some_and(|line| line.row().e2e_id.is_empty());
        let is_again = matches!(
            finding.category,
            Some(Category::DuplicateInBank | Category::DuplicateInGateway)
        );
        let texts: Texts = match (is_again, is_loose) {
            (true, _) => ["нөмірі қайталанған", "номер повторяется", "the id occurs again"],
            (false, true) => [
                "нөмірі жоқ; құжаты, төлеушісі мен сомасы бойынша жалғыз жол табылмады",
                "без номера; по документу, плательщику и сумме единственная строка не найдена",
                "no id; document, payer and amount found no single row",
            ],
            (false, false) => [
                "нөмірі екінші жақта жоқ",
                "номера нет у другой стороны",
                "the other side does not have the id",
            ],
        };
        self.of(texts).to_owned()
    }

    const fn field(self, field: Field) -> &'static str {
        self.of(match field {
            Field::Amount => ["сомасы", "сумма", "amount"],
            Field::Currency => ["валютасы", "валюта", "currency"],
            Field::Status => ["мәртебесі", "статус", "status"],
            Field::Iin => ["төлеушінің ЖСН-і", "ИИН плательщика", "IIN of the payer"],
            Field::PayeeBin => ["алушының БСН-і", "БИН получателя", "BIN of the payee"],
            Field::Kbk => ["БСК", "КБК", "КБК"],
            Field::Knp => ["ТТК", "КНП", "КНП"],
            Field::ValueDate => ["валюталау күні", "дата валютирования", "value date"],
            Field::OperatingDay => ["операциялық күні", "операционный день", "operating day"],
        })
    }

    /// Who acts, for people.
    #[must_use]
    pub const fn acts(self, acts: Acts) -> &'static str {
        self.of(match acts {
            Acts::Bank => ["банк", "банк", "bank"],
            Acts::Gateway => ["шлюз", "шлюз", "gateway"],
            Acts::Both => ["екеуі де", "оба", "both"],
            Acts::Nobody => ["ешкім", "никто", "nobody"],
        })
    }
}

/// Words that stand in several places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Title,
    Journal,
    Register,
    Rows,
    Tenge,
    Matched,
    Carried,
    Breaks,
    Category,
    Age,
    Count,
    Sum,
    Key,
    Why,
    Acts,
    First,
    Total,
    Days,
    Urgent,
    LeftOut,
    None,
    Overview,
    Bank,
    Date,
    AtStake,
    Oldest,
}
