//! Secrets at rest: AES-256-GCM, the key's id beside each value, so that keys can change while values are in use.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use orbit_core::secret::Secret;
use std::collections::BTreeMap;

/// Why a secret could not be sealed or opened. Never holds one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// A key of another length.
    #[error("a key has {0} bytes: 32 are due, in base64")]
    Length(usize),
    /// No key at all.
    #[error("no encryption key is configured")]
    Empty,
    /// A value that was sealed under a key that is not here.
    #[error("a value was encrypted with key {0}, which is not configured")]
    UnknownKey(String),
    /// A value that was changed, or sealed for another place.
    #[error("a value cannot be decrypted with key {0}: it was changed, or belongs to another row")]
    Forged(String),
    /// The random source failed.
    #[error("no randomness")]
    Random,
}

/// A sealed value and the id of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key.
    pub key_id: String,
    /// Nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
}

/// The keys. New values are sealed with the current one; the others open what was sealed before.
pub struct Keyring {
    current: String,
    keys: BTreeMap<String, LessSafeKey>,
}

impl Keyring {
    /// A keyring of raw 256-bit keys by id. The last one given is the current one.
    pub fn new(keys: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, KeyringError> {
        let mut ring = Self { current: String::new(), keys: BTreeMap::new() };
        for (id, bytes) in keys {
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| KeyringError::Length(bytes.len()))?;
            ring.keys.insert(id.clone(), LessSafeKey::new(key));
            ring.current = id;
        }
        if ring.keys.is_empty() { Err(KeyringError::Empty) } else { Ok(ring) }
    }

    /// Seals `secret` for one place, named by `row`: moved elsewhere it cannot be opened.
    pub fn seal(&self, row: &str, secret: &Secret) -> Result<Sealed, KeyringError> {
        let key = self.keys.get(&self.current).ok_or(KeyringError::Empty)?;
        let mut nonce = [0_u8; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| KeyringError::Random)?;
        let mut sealed = secret.expose().as_bytes().to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(row), &mut sealed)
            .map_err(|_| KeyringError::Random)?;
        Ok(Sealed { key_id: self.current.clone(), bytes: [nonce.as_slice(), &sealed].concat() })
    }

    /// Opens what [`Self::seal`] sealed for the same place.
    pub fn open(&self, row: &str, sealed: &Sealed) -> Result<Secret, KeyringError> {
        let forged = || KeyringError::Forged(sealed.key_id.clone());
        let key = self.keys.get(&sealed.key_id).ok_or_else(|| KeyringError::UnknownKey(sealed.key_id.clone()))?;
        let (nonce, text) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or_else(forged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| forged())?;
        let mut text = text.to_vec();
        let plain = key.open_in_place(nonce, Aad::from(row), &mut text).map_err(|_| forged())?;
        String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_| forged())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(ids: &[(&str, u8)]) -> Keyring {
        Keyring::new(ids.iter().map(|(id, b)| ((*id).to_owned(), vec![*b; 32]))).unwrap()
    }

    #[test]
    fn a_secret_opens_only_in_its_place_and_with_its_key() {
        let secret = Secret::new("s3cret");
        let sealed = ring(&[("a", 1)]).seal("cluster:1", &secret).unwrap();
        assert!(!sealed.bytes.windows(6).any(|w| w == b"s3cret"));
        let both = ring(&[("a", 1), ("b", 2)]);
        assert_eq!(both.open("cluster:1", &sealed), Ok(secret.clone()));
        assert_eq!(both.open("cluster:2", &sealed), Err(KeyringError::Forged("a".into())));
        assert_eq!(ring(&[("b", 2)]).open("cluster:1", &sealed), Err(KeyringError::UnknownKey("a".into())));
        assert_eq!(both.seal("x", &secret).unwrap().key_id, "b");
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let r = ring(&[("a", 1)]);
        let secret = Secret::new("s3cret");
        assert_ne!(r.seal("x", &secret).unwrap().bytes, r.seal("x", &secret).unwrap().bytes);
    }

    #[test]
    fn a_short_key_is_told() {
        assert_eq!(Keyring::new([("a".to_owned(), vec![0; 16])]).err(), Some(KeyringError::Length(16)));
        assert_eq!(Keyring::new([]).err(), Some(KeyringError::Empty));
    }
}
