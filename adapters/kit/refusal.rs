//! Why the payments desk refuses, in one table: the word, the HTTP status, and what people are told.
//!
//! A refusal is an answer and no fault: the request was understood, and nothing was done.

use crate::fault::Language;

/// One reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The public word, snake_case; stands behind `urn:qaqpa:refusal:`.
    pub word: &'static str,
    /// On the resources of REST: 404 for what is not there, 409 for a state that forbids it, 422 for a
    /// value that cannot be taken.
    pub http_status: u16,
    pub kk: &'static str,
    pub ru: &'static str,
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

    /// For a status message that is read in either language of the country.
    #[must_use]
    pub fn message(&self) -> String {
        format!("{} / {}", self.kk, self.ru)
    }
}

/// The row of a word.
#[must_use]
pub fn find(word: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.word == word)
}

macro_rules! table {
    ($($word:literal $http_status:literal $kk:literal $ru:literal $en:literal)*) => {
        /// Every reason there is.
        pub const TABLE: &[Row] = &[$(Row {
            word: $word, http_status: $http_status, kk: $kk, ru: $ru, en: $en,
        }),*];
    };
}

table! {
    "no_such_charge" 404 "Мұндай есептеу жоқ" "Такого начисления нет" "There is no such charge"
    "no_such_payment" 404 "Мұндай төлем жоқ" "Такого платежа нет" "There is no such payment"
    "no_such_bank" 422 "Мұндай банк жоқ" "Такого банка нет" "There is no such bank"
    "already_there" 409
        "Мұндай нөмір басқа шарттармен бар"
        "Такой номер уже есть, с другими условиями"
        "Such a number is there already, with other terms"
    "charge_annulled" 409 "Есептеу жойылған" "Начисление аннулировано" "The charge was annulled"
    "charge_held" 409
        "Есептеу төленуде немесе төленген"
        "Начисление оплачивается или уже оплачено"
        "The charge is being paid or was paid"
    "not_in_this_state" 409
        "Төлемнің қазіргі күйінде бұл мүмкін емес"
        "В нынешнем состоянии платежа это невозможно"
        "This cannot be done in the present state of the payment"
    "attempt_outdated" 409
        "Кейінгі әрекет басталып қойған"
        "Уже начата следующая попытка"
        "A later attempt has begun"
    "not_due" 409 "Уақыты келген жоқ" "Время ещё не пришло" "Its time has not come"
    "deadline_passed" 409 "Мерзімі өтіп кеткен" "Срок истёк" "Its deadline has passed"
    "refunds_exceed_payment" 409
        "Қайтарымдар төлемнен асады"
        "Возвраты превысили бы платёж"
        "Refunds would exceed the payment"
    "not_refundable" 409
        "Бұл төлем бойынша қайтаратын ақша жоқ"
        "По этому платежу нечего возвращать"
        "There is no money of this payment to give back"
    "payment_not_confirmed" 409
        "Төлем расталмаған немесе есептелмеген"
        "Платёж не подтверждён или не зачтён"
        "The payment is not confirmed, or pays no charge"
    "payment_used" 409
        "Төлем бұрын пайдаланылған"
        "Платёж уже использован"
        "The payment was used already"
    "payment_returned" 409
        "Ақша қайтарылған немесе қайтарылуда"
        "Деньги возвращены или возвращаются"
        "The money went back, or is on its way back"
    "payment_of_other_terms" 409
        "Басқа сома, код, төлем түрі немесе алушы бойынша төленген"
        "Оплачена другая сумма, другой код, другой вид платежа или другому получателю"
        "Another amount, code, kind or payee was paid"
    "payment_not_in_suspense" 409
        "Төлемнің анықталмаған ақшасы жоқ"
        "У платежа нет невыясненных денег"
        "The payment has no money in suspense"
    "charge_of_other_amount" 409
        "Есептеудің сомасы төлемдікінен өзге: тек бірдей сома жіберіледі"
        "Сумма начисления не равна сумме платежа: зачесть можно только равную"
        "The amount of the charge is not that of the payment, and only all of it can be applied"
    "charge_of_other_payee" 409
        "Есептеудің алушысы немесе коды басқа"
        "У начисления другой получатель или код"
        "The charge has another payee or code"
    "reason_missing" 422 "Себебі көрсетілмеген" "Не указана причина" "No reason is given"
    "text_malformed" 422
        "Мәтін бос, тым ұзын немесе рұқсат етілмеген таңбасы бар"
        "Текст пуст, слишком длинен или содержит недопустимый знак"
        "A text is empty, too long, or holds a character that is not allowed"
    "field_missing" 422
        "Міндетті өріс толтырылмаған"
        "Не заполнено обязательное поле"
        "A field is missing that must be there"
    "fields_exclude_each_other" 422
        "Өрістер бірін-бірі жоққа шығарады"
        "Поля исключают друг друга"
        "Fields exclude each other"
    "id_not_twelve_digits" 422
        "ЖСН немесе БСН он екі цифрдан тұрмайды"
        "ИИН или БИН не состоит из двенадцати цифр"
        "An IIN or BIN does not have twelve digits"
    "id_wrong_shape" 422
        "Нөмір немесе код пішіні дұрыс емес"
        "Неверный вид номера или кода"
        "A number or code has the wrong shape"
    "id_wrong_kind" 422
        "Мұндай нөмір берілмейді"
        "Такие номера не выдаются"
        "Such a number is not issued"
    "id_wrong_check_digit" 422
        "Бақылау цифры дұрыс емес"
        "Неверная контрольная цифра"
        "The check digit is wrong"
    "code_unknown" 422
        "Код анықтамалықта жоқ"
        "Кода нет в справочнике"
        "The code is not in the reference table"
    "tariff_unknown" 422 "Мұндай тариф жоқ" "Такого тарифа нет" "There is no such tariff"
    "tariff_not_valid" 422
        "Тариф бұл күні қолданылмайды"
        "Тариф в этот день не действует"
        "The tariff is not valid on this day"
    "amount_not_positive" 422
        "Сома нөлден үлкен болуы керек"
        "Сумма должна быть больше нуля"
        "The amount must be more than zero"
    "amount_too_large" 422 "Сома тым үлкен" "Сумма слишком велика" "The amount is too large"
    "date_malformed" 422
        "Күн немесе уақыт дұрыс жазылмаған"
        "Дата или время записаны неверно"
        "A date or a time is not written as it should be"
    "number_out_of_range" 422
        "Сан рұқсат етілген шектен тыс"
        "Число вне допустимых пределов"
        "A number is out of its range"
    "too_many" 422 "Тым көп" "Слишком много" "There are too many"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_stands_once_with_a_status_of_its_own_and_three_texts() {
        let words: BTreeSet<_> = TABLE.iter().map(|row| row.word).collect();
        assert_eq!(words.len(), TABLE.len());
        for row in TABLE {
            assert_eq!(find(row.word), Some(row));
            assert!([404, 409, 422].contains(&row.http_status), "{}", row.word);
            let texts = [Language::Kk, Language::Ru, Language::En].map(|l| row.text(l));
            assert_eq!(BTreeSet::from(texts).len(), 3, "{}", row.word);
            assert!(row.message().chars().count() <= 250, "{}", row.word);
        }
    }
}
