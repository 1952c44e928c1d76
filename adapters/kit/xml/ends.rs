//! Where text and markup end: each search goes forward once, so that no input is read over and over.

use memchr::{memchr, memchr3};

/// So many bytes are looked at eight at a time; what is longer is worth a call of [`memchr3`].
const NEAR_BYTES: usize = 32;

/// Offset of the first of three ASCII bytes at or after `from`.
#[inline]
pub(super) fn first_of(three: [u8; 3], bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < from + NEAR_BYTES {
        let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { break };
        if let Some(found) = first_in(u64::from_le_bytes(*eight), three) {
            #[cfg(test)]
            tests::looked_at(at + found - from);
            return Some(at + found);
        }
        at += eight.len();
    }
    let rest = bytes.get(at..)?;
    let [one, two, three] = three;
    let found = memchr3(one, two, three, rest);
    #[cfg(test)]
    tests::looked_at(at - from + found.unwrap_or(rest.len()));
    Some(at + found?)
}

/// Place of the first of three ASCII bytes among eight, the first of which is the lowest.
#[inline]
fn first_in(eight: u64, three: [u8; 3]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // Of a byte below 0x80 only equality borrows from its high bit, and then from bytes above it, which
    // may be found in vain: the lowest found is equal.
    let borrowed = three.iter().fold(0, |borrowed, byte| {
        borrowed | (eight ^ (ONES * u64::from(*byte))).wrapping_sub(ONES)
    });
    let equal = borrowed & !eight & HIGHS;
    (equal != 0).then_some(equal.trailing_zeros() as usize / 8)
}

/// How often a mark begins where another ends. A block at a time, whose count fits a byte, so that the
/// compiler compares sixteen at once.
pub(super) fn touching(bytes: &[u8]) -> usize {
    const BLOCK: usize = u8::MAX as usize;
    let next = bytes.get(1..).unwrap_or_default();
    let blocks = bytes.chunks(BLOCK).zip(next.chunks(BLOCK));
    let count = |(here, next): (&[u8], &[u8])| {
        let pairs = here.iter().zip(next);
        pairs.fold(0_u8, |sum, (one, two)| sum + u8::from((*one == b'>') & (*two == b'<')))
    };
    blocks.map(|block| usize::from(count(block))).sum()
}

/// Offset of the first such byte at or after `from`.
#[inline]
fn first(byte: u8, bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let found = memchr(byte, rest);
    #[cfg(test)]
    tests::looked_at(found.unwrap_or(rest.len()));
    Some(from + found?)
}

/// Offset after the first such mark at or after `from`.
pub(super) fn after(mark: &[u8], bytes: &[u8], from: usize) -> Option<usize> {
    let byte = *mark.first()?;
    let mut at = from;
    loop {
        at = first(byte, bytes, at)?;
        if bytes.get(at..).is_some_and(|rest| rest.starts_with(mark)) {
            return Some(at + mark.len());
        }
        at += 1;
    }
}

/// Where a run of character data ends, before `<`, `&` or the end of all, and whether no `>` is in it.
///
/// # Errors
/// The offset of a `]]>` in it.
#[inline]
pub(super) fn text(bytes: &[u8], from: usize) -> Result<(usize, bool), usize> {
    let (mut at, mut is_plain) = (from, true);
    while let Some(found) = first_of([b'<', b'&', b'>'], bytes, at) {
        if bytes.get(found) != Some(&b'>') {
            return Ok((found, is_plain));
        }
        if bytes.get(from..found).is_some_and(|before| before.ends_with(b"]]")) {
            return Err(found - 2);
        }
        (at, is_plain) = (found + 1, false);
    }
    Ok((bytes.len(), is_plain))
}

/// Where a comment ends whose content begins at `from`, and whether no two hyphens stand in it.
pub(super) fn comment(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let mut at = from;
    loop {
        at = first(b'-', bytes, at)?;
        match bytes.get(at + 1..) {
            Some([b'-', b'>', ..]) => return Some((at + 3, true)),
            Some([b'-', ..]) => return Some((after(b"-->", bytes, at)?, false)),
            _ => at += 1,
        }
    }
}

/// Where the tag ends that begins at `from`: after the first `>` outside quotes.
///
/// This alone tells a refused tag from one that never ends; a tag that is accepted is read once.
pub(super) fn tag(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at = first_of([b'>', b'\'', b'"'], bytes, at)?;
        match bytes.get(at) {
            Some(quote @ (b'\'' | b'"')) => at = first(*quote, bytes, at + 1)? + 1,
            _ => return Some(at + 1),
        }
    }
}

/// Whether the reference at `from` (which is `&`) has its semicolon before other markup.
pub(super) fn is_reference_closed(bytes: &[u8], from: usize) -> bool {
    let end = first_of([b';', b'&', b'<'], bytes, from + 1);
    end.is_some_and(|at| bytes.get(at) == Some(&b';'))
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Limits};
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts the bytes that a search went over, one for the search itself.
    pub(super) fn looked_at(bytes: usize) {
        LOOKED_AT.with(|sum| sum.set(sum.get() + bytes + 1));
    }

    #[test]
    fn the_first_of_three_bytes_is_found_wherever_it_stands() {
        let others: Vec<u8> =
            (0..=u8::MAX).filter(|b| !b"<&]".contains(b)).cycle().take(300).collect();
        for start in 0..others.len() {
            assert_eq!(first_of(*b"<&]", &others, start), None, "from {start}");
            for (before, byte) in (0..80).zip(b"<&]".iter().cycle()) {
                let mut bytes = others[start..(start + before).min(others.len())].to_vec();
                let at = bytes.len();
                bytes.extend([*byte, b'=', b'\'', b'<', b'^', b'&']);
                bytes.extend(&others[..start % 20]);
                assert_eq!(first_of(*b"<&]", &bytes, 0), Some(at), "{before} from {start}");
            }
        }
        assert_eq!(first_of(*b"<&]", b"<", 2), None);
    }

    #[test]
    fn marks_that_touch_are_counted_across_blocks() {
        for before in (0..300).chain(500..520) {
            let bytes = ["a".repeat(before), "><a><<>> <".to_owned(), "><".repeat(400)].concat();
            assert_eq!(touching(bytes.as_bytes()), 2 + 400, "after {before}");
        }
        assert_eq!((touching(b""), touching(b">"), touching(b"<>")), (0, 0, 0));
    }

    #[test]
    fn text_ends_before_markup_and_references_and_holds_no_section_end() {
        for (source, end) in [
            ("", Ok((0, true))),
            ("<", Ok((0, true))),
            ("a", Ok((1, true))),
            ("a&", Ok((1, true))),
            ("]", Ok((1, true))),
            ("]]", Ok((2, true))),
            ("]] > ]>]<", Ok((8, false))),
            ("]]&>", Ok((2, true))),
            ("]]<>", Ok((2, true))),
            (">]]<", Ok((3, false))),
            ("]]>", Err(0)),
            ("a]]]]>", Err(3)),
            ("a] ]]><", Err(3)),
        ] {
            assert_eq!(text(source.as_bytes(), 0), end, "{source}");
        }
        assert_eq!(text(b"]]>a<", 2), Ok((4, false)));
    }

    #[test]
    fn a_comment_ends_at_its_first_mark_and_tells_of_hyphens_before_it() {
        for (content, end) in [
            ("-->", Some((3, true))),
            (" - a -->-->", Some((8, true))),
            ("--->", Some((4, false))),
            ("a--b-->c", Some((7, false))),
            ("-- ->-->", Some((8, false))),
            ("->", None),
            ("--", None),
            ("a -- b", None),
            ("", None),
        ] {
            assert_eq!(comment(content.as_bytes(), 0), end, "{content}");
        }
    }

    #[test]
    fn a_mark_is_found_whole_and_not_before_its_offset() {
        assert_eq!(after(b"]]>", b"]] >]]]>]]>", 0), Some(8));
        assert_eq!(after(b"]]>", b"]]>]]>", 1), Some(6));
        assert_eq!(after(b"?>", b"??>", 0), Some(3));
        assert_eq!(after(b"?>", b">? >?", 0), None);
        assert_eq!(after(b"?>", b"?>", 3), None);
    }

    #[test]
    fn a_tag_ends_outside_its_quotes() {
        for (source, end) in [
            ("<a>b>", Some(3)),
            ("<a b='>'>", Some(9)),
            ("<a b=\"'>\" c='\"'>", Some(16)),
            ("<a ''''>", Some(8)),
            ("<a b='>", None),
            ("<a b='\">", None),
            ("<a", None),
            ("<", None),
        ] {
            assert_eq!(tag(source.as_bytes(), 0), end, "{source}");
        }
    }

    #[test]
    fn a_reference_is_closed_by_its_own_semicolon() {
        for (source, is_closed) in
            [("&a;", true), ("& b c;", true), ("&&a;", false), ("&a<;", false), ("&a", false)]
        {
            assert_eq!(is_reference_closed(source.as_bytes(), 0), is_closed, "{source}");
        }
    }

    #[test]
    fn no_input_is_searched_more_than_a_few_times_over() {
        let marks = [
            "<",
            ">",
            "&",
            "]",
            "]]",
            "-",
            "--",
            "?",
            "'",
            "\"",
            "/",
            "=",
            "<!",
            "<!--",
            "<!--->",
            "<!---->",
            "<![CDATA[",
            "<![CDATA[]]>",
            "<?",
            "<?p",
            "<?p?>",
            "&amp",
            "&amp;",
            "&#65;",
            "<a b='",
            "<a b=\"'",
            "</a",
            "<a",
            "<a>",
            "<a/>",
            "<a b=''/>",
            "a=''",
            " a='&amp;'",
            "]>",
            "- -",
            "? ?",
            "]&amp;",
            "' '",
            "a",
            " ",
        ];
        let heads = ["", "<a>", "<a b='", "<a ", "<a><!--", "<a><![CDATA[", "<a><?p ", "</"];
        for (head, mark) in heads.iter().flat_map(|head| marks.map(|mark| (head, mark))) {
            for tail in ["", "'", "'>", "-->", "]]>", "?></a>"] {
                let source = format!("{head}{}{tail}", mark.repeat((1 << 12) / mark.len()));
                LOOKED_AT.with(|sum| sum.set(0));
                let limits = Limits { value_bytes_max: usize::MAX, ..Limits::default() };
                drop(Document::scan(source.as_bytes(), &limits));
                let looked_at = LOOKED_AT.with(Cell::get);
                assert!(looked_at <= 4 * source.len(), "{head}{mark}…{tail}: {looked_at}");
            }
        }
    }
}
