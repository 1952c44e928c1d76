//! Two texts that are one but for a slip of the hand or a field that was too short.

/// Bytes of an id below which it is no sign that another begins like it.
const CUT_BYTES_MIN: usize = 8;

/// One of the two ids ends where the other goes on.
pub(super) fn is_cut(one: &[u8], other: &[u8]) -> bool {
    let short = one.len().min(other.len());
    short >= CUT_BYTES_MIN && (one.starts_with(other) || other.starts_with(one))
}

/// Equal, or one byte more, less or other, or two neighbours exchanged (Damerau and Levenshtein, at most 1).
pub(super) fn is_one_slip(one: &[u8], other: &[u8]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (short.get(same..), long.get(same..));
    let (short, long) = (short.unwrap_or_default(), long.unwrap_or_default());
    match long.len() - short.len() {
        0 => match (short, long) {
            ([], _) => true,
            ([_, rest @ ..], [_, rest_of_other @ ..]) if rest == rest_of_other => true,
            ([a, b, rest @ ..], [c, d, rest_of_other @ ..]) => {
                a == d && b == c && rest == rest_of_other
            }
            _ => false,
        },
        1 => long.get(1..) == Some(short),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_slip_is_what_it_says(text in "[ab]{0,6}", at in 0_usize..6, how in 0_u8..4) {
            let mut other: Vec<u8> = text.clone().into_bytes();
            let at = at.min(other.len());
            match how {
                0 => other.insert(at, b'c'),
                1 if at < other.len() => { other.remove(at); }
                2 if at < other.len() => other[at] = b'c',
                3 if at + 1 < other.len() => other.swap(at, at + 1),
                _ => {}
            }
            prop_assert!(is_one_slip(text.as_bytes(), &other));
            prop_assert!(is_one_slip(&other, text.as_bytes()));
            let more = [&other[..], b"zz"].concat();
            prop_assert!(!is_one_slip(text.as_bytes(), &[&more[..], b"z"].concat()));
        }
    }
}
