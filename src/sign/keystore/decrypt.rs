//! Decryption by a password: PBES2 (RFC 8018) and the older ways of PKCS#12 (RFC 7292 appendices B, C).

use super::identifier;
use crate::sign::algorithm::oid;
use crate::sign::key::KeyError;
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{digest, pbkdf2};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, InnerIvInit as _, KeyIvInit as _};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Reader as _};
use std::num::NonZeroU32;
use zeroize::{Zeroize as _, Zeroizing};

/// Rounds of key derivation that a file may demand; some seconds of work.
pub const ITERATIONS_MAX: u32 = 10_000_000;

const PBES2: ObjectIdentifier = oid("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");
const SHA1_3DES_3: ObjectIdentifier = oid("1.2.840.113549.1.12.1.3");
const SHA1_3DES_2: ObjectIdentifier = oid("1.2.840.113549.1.12.1.4");
const SHA1_RC2_128: ObjectIdentifier = oid("1.2.840.113549.1.12.1.5");
const SHA1_RC2_40: ObjectIdentifier = oid("1.2.840.113549.1.12.1.6");
const HMAC_SHA1: ObjectIdentifier = oid("1.2.840.113549.2.7");
const HMAC_SHA256: ObjectIdentifier = oid("1.2.840.113549.2.9");
const HMAC_SHA384: ObjectIdentifier = oid("1.2.840.113549.2.10");
const HMAC_SHA512: ObjectIdentifier = oid("1.2.840.113549.2.11");
const DES_EDE3_CBC: ObjectIdentifier = oid("1.2.840.113549.3.7");
const AES_128_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.2");
const AES_192_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.22");
const AES_256_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.42");

/// Decrypts what an AlgorithmIdentifier says was encrypted under a password.
///
/// # Errors
/// `WrongPassword` where the padding does not come out, else what is not supported or broken.
pub(super) fn decrypt(
    algorithm: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    data: &[u8],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let parameters = parameters.ok_or(KeyError::Container)?;
    let mut buffer = Zeroizing::new(data.to_vec());
    let plain = match algorithm {
        PBES2 => pbes2(parameters, password, &mut buffer)?,
        SHA1_3DES_3 | SHA1_3DES_2 | SHA1_RC2_128 | SHA1_RC2_40 => {
            pkcs12(algorithm, parameters, password, &mut buffer)?
        }
        other => return Err(KeyError::Unsupported(other.to_string())),
    };
    Ok(Zeroizing::new(plain.to_vec()))
}

fn pbes2<'b>(
    parameters: AnyRef<'_>,
    password: &str,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], KeyError> {
    let ((derivation, derived), (cipher, iv)) =
        parameters.sequence(|inner| Ok((identifier(inner)?, identifier(inner)?)))?;
    let (Some(derived), Some(iv)) = (derived, iv) else { return Err(KeyError::Container) };
    if derivation != PBKDF2 {
        return Err(KeyError::Unsupported(derivation.to_string()));
    }
    let key_length = match cipher {
        AES_128_CBC => 16,
        AES_192_CBC | DES_EDE3_CBC => 24,
        AES_256_CBC => 32,
        other => return Err(KeyError::Unsupported(other.to_string())),
    };
    let (salt, iterations, prf) = derived.sequence(|inner| {
        let salt = OctetStringRef::decode(inner)?.as_bytes();
        let iterations = u32::decode(inner)?;
        // keyLength says nothing that the cipher does not.
        Option::<u32>::decode(inner)?;
        let prf = if inner.is_finished() { HMAC_SHA1 } else { identifier(inner)?.0 };
        Ok((salt, iterations, prf))
    })?;
    let prf = match prf {
        HMAC_SHA1 => pbkdf2::PBKDF2_HMAC_SHA1,
        HMAC_SHA256 => pbkdf2::PBKDF2_HMAC_SHA256,
        HMAC_SHA384 => pbkdf2::PBKDF2_HMAC_SHA384,
        HMAC_SHA512 => pbkdf2::PBKDF2_HMAC_SHA512,
        other => return Err(KeyError::Unsupported(other.to_string())),
    };
    let iterations = within_limit(iterations)?;
    let mut key = Zeroizing::new(vec![0; key_length]);
    pbkdf2::derive(prf, iterations, salt, password.as_bytes(), &mut key);
    let iv = iv.decode_as::<OctetStringRef<'_>>()?.as_bytes();
    if cipher == DES_EDE3_CBC {
        return des3(&key, iv, buffer);
    }
    aes(&key, iv, buffer)
}

fn within_limit(iterations: u32) -> Result<NonZeroU32, KeyError> {
    let found = NonZeroU32::new(iterations).filter(|count| count.get() <= ITERATIONS_MAX);
    found.ok_or(KeyError::Container)
}

fn aes<'b>(key: &[u8], iv: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], KeyError> {
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        _ => &AES_256,
    };
    let iv: [u8; 16] = iv.try_into().map_err(|_| KeyError::Container)?;
    let key = UnboundCipherKey::new(algorithm, key)
        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
        .map_err(|_| KeyError::Container)?;
    let plain = key.decrypt(buffer, DecryptionContext::Iv128(FixedLength::from(iv)));
    plain.map(|plain| &*plain).map_err(|_| KeyError::WrongPassword)
}

fn des3<'b>(key: &[u8], iv: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], KeyError> {
    let mode = cbc::Decryptor::<des::TdesEde3>::new_from_slices(key, iv);
    unpadded(mode.map_err(|_| KeyError::Container)?, buffer)
}

fn unpadded(mode: impl BlockModeDecrypt, buffer: &mut [u8]) -> Result<&[u8], KeyError> {
    mode.decrypt_padded::<Pkcs7>(buffer).map_err(|_| KeyError::WrongPassword)
}

/// The older ways: keys of SHA-1, with 3DES or RC2.
fn pkcs12<'b>(
    algorithm: ObjectIdentifier,
    parameters: AnyRef<'_>,
    password: &str,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], KeyError> {
    let (salt, iterations) = parameters
        .sequence(|inner| Ok((OctetStringRef::decode(inner)?.as_bytes(), u32::decode(inner)?)))?;
    let iterations = within_limit(iterations)?;
    let password = bmp(password);
    let derived =
        |purpose, length| derive(&Hash::SHA1, purpose, (&password, salt), iterations, length);
    let iv = derived(Purpose::Iv, 8);
    match algorithm {
        SHA1_3DES_3 => des3(&derived(Purpose::Key, 24), &iv, buffer),
        SHA1_3DES_2 => {
            let mut key = derived(Purpose::Key, 16);
            let first = Zeroizing::new(key.iter().take(8).copied().collect::<Vec<_>>());
            key.extend_from_slice(&first);
            des3(&key, &iv, buffer)
        }
        other => {
            let (length, bits) = if other == SHA1_RC2_40 { (5, 40) } else { (16, 128) };
            let key = derived(Purpose::Key, length);
            let cipher = rc2::Rc2::new_with_eff_key_len(&key, bits);
            let mode = cbc::Decryptor::inner_iv_slice_init(cipher, &iv);
            unpadded(mode.map_err(|_| KeyError::Container)?, buffer)
        }
    }
}

/// A password as PKCS#12 derives keys from it: UTF-16, most significant byte first, with a final zero.
pub(super) fn bmp(password: &str) -> Zeroizing<Vec<u8>> {
    let units = password.encode_utf16().chain([0]);
    Zeroizing::new(units.flat_map(u16::to_be_bytes).collect())
}

/// What a derived key is for (RFC 7292 §B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// A hash with the length of its blocks.
pub(super) struct Hash {
    pub(super) algorithm: &'static digest::Algorithm,
    block: usize,
}

impl Hash {
    pub(super) const SHA1: Self = Self { algorithm: &digest::SHA1_FOR_LEGACY_USE_ONLY, block: 64 };
    pub(super) const SHA256: Self = Self { algorithm: &digest::SHA256, block: 64 };
    pub(super) const SHA384: Self = Self { algorithm: &digest::SHA384, block: 128 };
    pub(super) const SHA512: Self = Self { algorithm: &digest::SHA512, block: 128 };
}

/// The key derivation of PKCS#12 (RFC 7292 §B.2).
pub(super) fn derive(
    hash: &Hash,
    purpose: Purpose,
    (password, salt): (&[u8], &[u8]),
    iterations: NonZeroU32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = hash.block;
    let filled = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().cycle().take(bytes.len().div_ceil(block) * block).copied().collect()
    };
    let mut input = Zeroizing::new([filled(salt), filled(password)].concat());
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    while out.len() < length {
        let mut context = digest::Context::new(hash.algorithm);
        context.update(&vec![purpose as u8; block]);
        context.update(&input);
        let mut value = Zeroizing::new(context.finish().as_ref().to_vec());
        for _ in 1..iterations.get() {
            let next = digest::digest(hash.algorithm, &value);
            value.zeroize();
            value.extend_from_slice(next.as_ref());
        }
        let missing = length - out.len();
        out.extend(value.iter().take(missing));
        // Each block of the input becomes itself plus the value plus one.
        let added: Vec<u8> = value.iter().cycle().take(block).copied().collect();
        for chunk in input.chunks_mut(block) {
            let mut carry = 1_u16;
            for (byte, added) in chunk.iter_mut().zip(&added).rev() {
                let sum = u16::from(*byte) + u16::from(*added) + carry;
                *byte = sum.to_le_bytes()[0];
                carry = sum >> 8;
            }
        }
    }
    out
}
