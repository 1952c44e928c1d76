//! Mutations of seeds: flips, cuts, doublings, pieces of other seeds, and words that readers trip over.

use crate::documents::Dice;

/// Words of XML, signatures, DER, JSON and structured fields.
const WORDS: [&[u8]; 40] = [
    b"<",
    b">",
    b"&",
    b"\"",
    b"'",
    b"</",
    b"/>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?x ",
    b"?>",
    b"<!DOCTYPE a>",
    b"&amp;",
    b"&#x0;",
    b"&#13;",
    b"&lt;",
    b" xmlns=\"\"",
    b" xmlns:a=\"urn:a\"",
    b" Id=\"body\"",
    b"URI=\"\"",
    b"URI=\"#body\"",
    b"#WithComments",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\x30\x80",
    b"\x24\x80",
    b"\0\0",
    b"\x30\x84\xff\xff\xff\xff",
    b"\xa0\x03",
    b"\x02\x01\x00",
    b"{}",
    b"[]",
    b"\"b64\":false",
    b";created=1",
    b":AAAA:",
];

/// One input.
pub(crate) fn mutated(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = seeds[dice.roll(seeds.len())].clone();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(input.len() + 1);
        let end = (at + 1 + dice.roll(40)).min(input.len());
        match dice.roll(9) {
            0 if at < input.len() => input[at] ^= 1 << dice.roll(8),
            1 if at < input.len() => input[at] = u8::try_from(dice.roll(256)).expect("a byte"),
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].to_vec();
                let to = dice.roll(input.len() + 1);
                input.splice(to..to, piece);
            }
            4 | 5 => {
                let word = WORDS[dice.roll(WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
            6 => {
                let word = WORDS[dice.roll(WORDS.len())];
                input.splice(at..end, word.iter().copied());
            }
            7 => {
                let other = &seeds[dice.roll(seeds.len())];
                let from = dice.roll(other.len() + 1);
                let to = (from + dice.roll(200)).min(other.len());
                let piece = other[from..to].to_vec();
                input.splice(at..at, piece);
            }
            _ => input.truncate(at.max(input.len() / 2)),
        }
    }
    input
}
