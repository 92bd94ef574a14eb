//! API tokens: 256 random bits, shown once, kept as their SHA-256. So much randomness needs no slow hash.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use orbit_core::secret::Secret;

/// What every token begins with, so that scanners find one that got loose.
pub const PREFIX: &str = "orbit_";

/// A fresh token. Fails only where the machine has no randomness.
pub fn mint() -> Result<Secret, aws_lc_rs::error::Unspecified> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
}

/// What the database keeps of it.
#[must_use]
pub fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_differ() {
        let (a, b) = (mint().unwrap(), mint().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(a.expose().len(), PREFIX.len() + 43);
        assert_eq!(hash("a").len(), 32);
    }
}
