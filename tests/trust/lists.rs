//! Revocation lists as an authority may give them out: base and delta, holds, recordings, twenty megabytes.

use der::asn1::{BitString, ObjectIdentifier};
use der::{Decode as _, Encode as _};
use qaqpa::sign::Trust;
use qaqpa::sign::trust::Link;
use qaqpa::sign::trust::crl::CrlError;
use qaqpa::sign::trust::status::{Status, Why};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SigningKey, date_time_ymd,
};

/// 2026-11-22T05:00:00Z.
pub(crate) const NOW_UNIX_S: i64 = 1_795_323_600;

const ECDSA_SHA256: [u8; 12] = [0x30, 0x0a, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const DELTA_OF: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");

fn tlv(tag: u8, inside: &[u8]) -> Vec<u8> {
    let length = u32::try_from(inside.len()).unwrap().to_be_bytes();
    let mut out = vec![tag];
    match inside.len() {
        0..=127 => out.push(length[3]),
        _ => {
            out.push(0x84);
            out.extend(length);
        }
    }
    out.extend_from_slice(inside);
    out
}

/// The same with lengths as short as DER wants them.
fn sequence(inside: &[u8]) -> Vec<u8> {
    let mut out = vec![0x30];
    out.extend(der::Length::try_from(inside.len()).unwrap().to_der().unwrap());
    out.extend_from_slice(inside);
    out
}

fn time(unix_s: i64) -> Vec<u8> {
    let at = jiff::Timestamp::from_second(unix_s).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    tlv(0x17, at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
}

/// A list before it is signed.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) number: u8,
    pub(crate) delta_of: Option<u8>,
    pub(crate) from_unix_s: i64,
    pub(crate) until_unix_s: i64,
    /// Further extensions, each a whole SEQUENCE.
    pub(crate) more: Vec<u8>,
}

impl Draft {
    fn base(number: u8) -> Self {
        let from_unix_s = NOW_UNIX_S - 86_400 + i64::from(number);
        let until_unix_s = NOW_UNIX_S + 86_400;
        Self { number, delta_of: None, from_unix_s, until_unix_s, more: Vec::new() }
    }
}

/// An authority that signs whatever list it is given.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    key: KeyPair,
    name: Vec<u8>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2040, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let parsed = x509_cert::Certificate::from_der(certificate.der()).unwrap();
        let again = KeyPair::from_pem(&key.serialize_pem()).unwrap();
        Self {
            name: parsed.tbs_certificate.subject.to_der().unwrap(),
            pem: certificate.pem(),
            issuer: Issuer::new(params, again),
            key,
        }
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::load([("authority", &self.pem)]).unwrap()
    }

    pub(crate) fn issue(&self, params: &CertificateParams) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, &self.issuer).unwrap().der().to_vec()
    }

    fn leaf(&self, serial: u32) -> Link {
        let mut params = CertificateParams::default();
        params.serial_number = Some(u64::from(serial).into());
        Link::read(&self.issue(&params)).unwrap()
    }

    fn own(&self) -> Link {
        let blocks = qaqpa::sign::pem::blocks(self.pem.as_bytes()).unwrap();
        Link::read(&blocks[0].der).unwrap()
    }

    pub(crate) fn list(&self, revoked: &[(u32, u8)], number: u8) -> Vec<u8> {
        self.signed(&Draft::base(number), &entries(revoked))
    }

    pub(crate) fn signed(&self, draft: &Draft, entries: &[u8]) -> Vec<u8> {
        let integer = |value: u8| tlv(0x04, &tlv(0x02, &[value]));
        let extension = |id: ObjectIdentifier, critical: bool, value: Vec<u8>| {
            let mut inside = id.to_der().unwrap();
            if critical {
                inside.extend([1, 1, 0xff]);
            }
            inside.extend(value);
            sequence(&inside)
        };
        let mut extensions = extension(NUMBER, false, integer(draft.number));
        extensions.extend(
            draft.delta_of.map(|of| extension(DELTA_OF, true, integer(of))).unwrap_or_default(),
        );
        extensions.extend_from_slice(&draft.more);
        let extensions = sequence(&extensions);
        let mut tbs = vec![2, 1, 1];
        tbs.extend(ECDSA_SHA256);
        tbs.extend_from_slice(&self.name);
        tbs.extend(time(draft.from_unix_s));
        tbs.extend(time(draft.until_unix_s));
        if !entries.is_empty() {
            tbs.extend(sequence(entries));
        }
        tbs.push(0xa0);
        tbs.extend(der::Length::try_from(extensions.len()).unwrap().to_der().unwrap());
        tbs.extend(extensions);
        let tbs = sequence(&tbs);
        let signature = self.key.sign(&tbs).unwrap();
        let signature = BitString::from_bytes(&signature).unwrap().to_der().unwrap();
        sequence(&[&tbs[..], &ECDSA_SHA256, &signature].concat())
    }
}

fn entries(revoked: &[(u32, u8)]) -> Vec<u8> {
    let one = |(serial, reason): &(u32, u8)| {
        let mut octets = serial.to_be_bytes().to_vec();
        let spare = octets.windows(2).take_while(|pair| pair[0] == 0 && pair[1] < 0x80).count();
        octets.drain(..spare);
        let mut inside = tlv(0x02, &octets);
        inside.extend(time(NOW_UNIX_S - 1_000));
        let reason = [&[6, 3, 0x55, 0x1d, 0x15][..], &tlv(0x04, &[0x0a, 1, *reason])].concat();
        inside.extend(sequence(&sequence(&reason)));
        sequence(&inside)
    };
    revoked.iter().flat_map(one).collect()
}

fn status(trust: &Trust, authority: &Authority, serial: u32) -> Status {
    let found = trust.shelf().look_up(&authority.leaf(serial), &authority.own(), NOW_UNIX_S);
    found.map_or(Status::Unknown(Why::NoSource), |found| found.status)
}

#[test]
fn a_delta_ends_a_hold_and_begins_a_revocation_and_nothing_older_comes_back() {
    let authority = Authority::new("Lists");
    let trust = authority.trust();
    let shelve = |der: &[u8]| trust.shelve(der, NOW_UNIX_S).map(drop);
    assert_eq!(status(&trust, &authority, 1), Status::Unknown(Why::NoSource));
    shelve(&authority.list(&[(1, 6), (2, 1)], 5)).expect("a base");
    for (serial, word) in [(1, "revoked"), (2, "revoked"), (3, "good")] {
        assert_eq!(status(&trust, &authority, serial).word(), word, "{serial}");
    }
    // Numbers of deltas run apart: this one's is smaller than its base's.
    let delta = Draft { delta_of: Some(5), number: 2, ..Draft::base(9) };
    shelve(&authority.signed(&delta, &entries(&[(1, 8), (2, 8), (3, 4)]))).expect("a delta");
    for (serial, word) in [(1, "good"), (2, "revoked"), (3, "revoked"), (4, "good")] {
        assert_eq!(status(&trust, &authority, serial).word(), word, "{serial}, with the delta");
    }
    let older = Draft { from_unix_s: delta.from_unix_s + 1, number: 1, ..delta.clone() };
    assert_eq!(shelve(&authority.signed(&older, &[])), Err(CrlError::Replayed), "by its number");
    assert_eq!(shelve(&authority.list(&[], 4)), Err(CrlError::Replayed), "a base");
    let ended = Draft {
        number: 3,
        until_unix_s: NOW_UNIX_S - 1,
        from_unix_s: delta.from_unix_s + 2,
        ..delta
    };
    shelve(&authority.signed(&ended, &[])).expect("it can be read");
    assert_eq!(status(&trust, &authority, 4), Status::Unknown(Why::CrlStale), "a delta that ended");
    assert_eq!(status(&trust, &authority, 2).word(), "revoked", "what is revoked stays so");
}

#[test]
fn no_older_list_is_taken_after_a_restart_that_remembers() {
    let authority = Authority::new("Lists");
    let before = authority.trust();
    let shelve =
        |trust: &Trust, number| trust.shelve(&authority.list(&[], number), NOW_UNIX_S).map(drop);
    shelve(&before, 7).expect("a list");
    let marks = before.shelf().marks();
    assert_eq!(marks.lines().count(), 1, "{marks}");
    shelve(&authority.trust(), 6).expect("who remembers nothing takes any");
    let after = authority.trust();
    let strange = after.remember(&format!("{marks}no mark\n{}", marks.replace(' ', "  ")));
    assert_eq!((strange, after.shelf().marks()), (2, marks.clone()), "other text says nothing");
    assert_eq!(shelve(&after, 6), Err(CrlError::Replayed));
    shelve(&after, 7).expect("the same list");
    shelve(&after, 8).expect("a newer one");
    assert_eq!(after.remember(&marks), 0);
    assert_eq!(shelve(&after, 7), Err(CrlError::Replayed), "an old memory brings nothing back");
    // Another authority's numbers are its own.
    let other = Authority::new("Others");
    let trust = other.trust();
    assert_eq!(trust.remember(&marks), 0);
    trust.shelve(&other.list(&[], 1), NOW_UNIX_S).expect("its first list");
}

#[test]
fn a_list_is_believed_only_of_its_issuer_and_only_where_all_of_it_is_understood() {
    let (authority, stranger) = (Authority::new("Issuer"), Authority::new("Issuer"));
    let trust = authority.trust();
    let shelve = |der: &[u8]| trust.shelve(der, NOW_UNIX_S).map(drop);
    let forged = shelve(&stranger.list(&[], 1)).unwrap_err();
    assert_eq!(forged, CrlError::BadSignature);
    assert_eq!(shelve(&Authority::new("Nobody").list(&[], 1)), Err(CrlError::UnknownIssuer));
    let with = |more: &[u8]| Draft { more: more.to_vec(), ..Draft::base(1) };
    let indirect = [0x30, 0x0f, 6, 3, 0x55, 0x1d, 0x1c, 1, 1, 0xff, 4, 5, 0x30, 3, 0x84, 1, 0xff];
    assert_eq!(shelve(&authority.signed(&with(&indirect), &[])), Err(CrlError::Indirect));
    let unknown = [0x30, 0x0c, 6, 3, 0x55, 0x1d, 0x7f, 1, 1, 0xff, 4, 2, 5, 0];
    assert_eq!(shelve(&authority.signed(&with(&unknown), &[])), Err(CrlError::UnknownExtension));
    let users = [0x30, 0x0f, 6, 3, 0x55, 0x1d, 0x1c, 1, 1, 0xff, 4, 5, 0x30, 3, 0x81, 1, 0xff];
    shelve(&authority.signed(&with(&users), &entries(&[(7, 1)]))).expect("of leaves only");
    assert_eq!(status(&trust, &authority, 7).word(), "revoked");
    let above = trust.shelf().look_up(&authority.own(), &authority.own(), NOW_UNIX_S);
    assert_eq!(above, None, "it says nothing of authorities");
    let future = Draft { from_unix_s: NOW_UNIX_S + 3_600, ..Draft::base(2) };
    assert_eq!(shelve(&authority.signed(&future, &[])), Err(CrlError::FromFuture));
    let genuine = authority.list(&[(1, 1)], 3);
    for at in 0..genuine.len() {
        let mut changed = genuine.clone();
        changed[at] ^= 1 << (at % 8);
        let fresh = authority.trust();
        assert!(fresh.shelve(&changed, NOW_UNIX_S).is_err(), "byte {at}");
    }
}

/// The most bytes of this process in memory.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[test]
fn a_list_of_twenty_megabytes_is_read_in_less_memory_than_it_has_itself() {
    const ENTRIES: usize = 400_000;
    let authority = Authority::new("Large");
    let trust = authority.trust();
    let mut all = Vec::with_capacity(21 << 20);
    let when = time(NOW_UNIX_S - 1_000);
    let reason = sequence(&sequence(&[6, 3, 0x55, 0x1d, 0x15, 4, 3, 0x0a, 1, 1]));
    for number in 0..ENTRIES as u64 {
        // Serial numbers of twenty octets in no order, as those of the НУЦ.
        let mut octets = [0x11; 20];
        octets[1..9].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        all.extend(sequence(&[&tlv(2, &octets)[..], &when, &reason].concat()));
    }
    let list = authority.signed(&Draft::base(1), &all);
    drop(all);
    assert!(list.len() > 20_000_000, "{}", list.len());
    // The most so far is what made the list: from here on it is counted anew (proc(5), clear_refs).
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = resident_bytes();
    let begun = std::time::Instant::now();
    let crl = trust.shelve(&list, NOW_UNIX_S).expect("a list");
    let took = begun.elapsed();
    let more = resident_bytes().saturating_sub(before);
    println!("{} bytes, {} entries in {took:?}; {more} bytes more", list.len(), crl.entries());
    assert_eq!(crl.entries(), ENTRIES);
    assert!(more < list.len(), "{more} bytes for a list of {}", list.len());
}
