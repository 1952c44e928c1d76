//! Secret keys: signing in one time and by one path, with a nonce that no bad random source can repeat.

use super::PublicKey;
use super::curve::{CryptoPro, Curve, Tc26x256, Tc26x512};
use super::equation;
use super::layout::{limbs, octets, private, wrapped};
use crate::sign::algorithm::SignatureAlgorithm;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use crypto_bigint::Uint;
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of randomness that go into a nonce.
const RANDOM_BYTES: usize = 64;
/// Nonces that are tried; the second is needed once in 2^256 signatures.
const NONCES_MAX: u8 = 4;

/// A secret key; wiped when dropped.
pub struct SecretKey {
    algorithm: SignatureAlgorithm,
    /// Little-endian, of the curve's length.
    number: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SecretKey {
    /// Reads a PrivateKeyInfo (RFC 5208) with the country's OIDs.
    #[must_use]
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let (algorithm, number) = private(der)?;
        Self::new(algorithm, number)
    }

    /// Takes a little-endian number that is neither 0 nor above q.
    #[must_use]
    pub fn new(algorithm: SignatureAlgorithm, number: Zeroizing<Vec<u8>>) -> Option<Self> {
        let is_sound = match algorithm {
            SignatureAlgorithm::Gost2004 => is_scalar::<CryptoPro, 4>(&number),
            SignatureAlgorithm::Gost2015x256 => is_scalar::<Tc26x256, 4>(&number),
            SignatureAlgorithm::Gost2015x512 => is_scalar::<Tc26x512, 8>(&number),
            _ => false,
        };
        is_sound.then_some(Self { algorithm, number })
    }

    /// A fresh key.
    ///
    /// `None` where the random source fails or the algorithm is not ГОСТ.
    #[must_use]
    pub fn generate(algorithm: SignatureAlgorithm) -> Option<Self> {
        let random = SystemRandom::new();
        let mut number = Zeroizing::new(vec![0; super::layout::secret_length(algorithm)]);
        // The 256-bit order of 2015 lies just above 2^254: most numbers are above it.
        for _ in 0..256 {
            random.fill(&mut number).ok()?;
            if let Some(key) = Self::new(algorithm, number.clone()) {
                return Some(key);
            }
        }
        None
    }

    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// x‖y of its public key, little-endian.
    #[must_use]
    pub fn public_octets(&self) -> Option<Vec<u8>> {
        match self.algorithm {
            SignatureAlgorithm::Gost2004 => public::<CryptoPro, 4>(&self.number),
            SignatureAlgorithm::Gost2015x256 => public::<Tc26x256, 4>(&self.number),
            SignatureAlgorithm::Gost2015x512 => public::<Tc26x512, 8>(&self.number),
            _ => None,
        }
    }

    /// Whether its public key is the one inside this BIT STRING of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn has_public(&self, bit_string: &[u8]) -> bool {
        self.public_octets().is_some_and(|own| wrapped(bit_string) == Some(&own[..]))
    }

    /// Its public key.
    #[must_use]
    pub fn public(&self) -> Option<PublicKey> {
        PublicKey::parse(self.algorithm, &self.public_octets()?)
    }

    /// Its PrivateKeyInfo, the number in an OCTET STRING as the НУЦ's software writes it.
    #[must_use]
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let mut content = Zeroizing::new(vec![0x02, 0x01, 0x00]);
        content.extend_from_slice(&super::chain::identifier(self.algorithm));
        // At most 66 + 2 bytes: one length octet does everywhere.
        let length = u8::try_from(self.number.len()).unwrap_or(0);
        content.extend_from_slice(&[0x04, length + 2, 0x04, length]);
        content.extend_from_slice(&self.number);
        let mut der = Zeroizing::new(vec![0x30]);
        let total = u8::try_from(content.len()).unwrap_or(0);
        if total >= 0x80 {
            der.push(0x81);
        }
        der.push(total);
        der.extend_from_slice(&content);
        der
    }

    /// r‖s over a message, little-endian; `None` if the random source fails.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.sign_digest(self.algorithm.digest().digest(message).as_ref())
    }

    /// The same over a digest that is known already; `None` also for a digest of another length.
    #[must_use]
    pub fn sign_digest(&self, digest: &[u8]) -> Option<Vec<u8>> {
        match self.algorithm {
            SignatureAlgorithm::Gost2004 => self.sign_on::<CryptoPro, 4>(digest),
            SignatureAlgorithm::Gost2015x256 => self.sign_on::<Tc26x256, 4>(digest),
            SignatureAlgorithm::Gost2015x512 => self.sign_on::<Tc26x512, 8>(digest),
            _ => None,
        }
    }

    fn sign_on<C: Curve<L>, const L: usize>(&self, digest: &[u8]) -> Option<Vec<u8>> {
        let mut random = Zeroizing::new([0; RANDOM_BYTES]);
        SystemRandom::new().fill(random.as_mut_slice()).ok()?;
        let mut secret = Uint::from_words(limbs::<L>(&self.number)?);
        let signed = (0..NONCES_MAX).find_map(|attempt| {
            let mut nonce = self.nonce::<C, L>(digest, &random, attempt)?;
            let signed = equation::sign::<C, L>(&secret, limbs(digest)?, &nonce);
            nonce.zeroize();
            signed
        });
        secret.zeroize();
        signed.map(|(r, s)| octets(&r, &s))
    }

    /// The nonce: HMAC-SHA-512 under the secret of randomness and digest. It stays secret while either
    /// the randomness or the secret does, and no two digests share one even if the randomness repeats.
    fn nonce<C: Curve<L>, const L: usize>(
        &self,
        digest: &[u8],
        random: &[u8; RANDOM_BYTES],
        attempt: u8,
    ) -> Option<Uint<L>> {
        let key = hmac::Key::new(hmac::HMAC_SHA512, &self.number);
        let half = |half: u8| {
            let mut context = hmac::Context::with_key(&key);
            context.update(&[attempt, half]);
            context.update(random);
            context.update(digest);
            let mut bytes = Zeroizing::new([0; 64]);
            bytes.copy_from_slice(context.sign().as_ref());
            limbs::<L>(bytes.get(..8 * L)?)
        };
        let (mut low, mut high) = (half(0)?, half(1)?);
        let nonce = equation::nonce::<C, L>(low, high);
        low.zeroize();
        high.zeroize();
        Some(nonce)
    }
}

fn is_scalar<C: Curve<L>, const L: usize>(number: &[u8]) -> bool {
    limbs(number).and_then(equation::scalar::<C, L>).is_some()
}

fn public<C: Curve<L>, const L: usize>(number: &[u8]) -> Option<Vec<u8>> {
    let scalar = Zeroizing::new(limbs::<L>(number)?);
    let point = C::base().multiply(&scalar);
    Some(octets(&super::field::Field::limbs(point.x), &super::field::Field::limbs(point.y)))
}
