//! The keyring, as it is configured; for development a key file beside the database, made at first use.

use super::{Config, Key};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use orbit_store::{Keyring, KeyringError};
use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Why there is no keyring.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or variable that cannot be read.
    #[error("key {id} cannot be read from {from}: {why}")]
    Read {
        /// Which key.
        id: String,
        /// From where.
        from: String,
        /// Why not.
        why: String,
    },
    /// Not what a key looks like.
    #[error("{0}")]
    Keyring(#[from] KeyringError),
    /// None is configured, and this is not for development.
    #[error(
        "no encryption key is configured: give [[encryption.keys]] with id and file or env; make a key with: head -c 32 /dev/urandom | base64"
    )]
    None,
}

/// The keys that are configured. With `dev` and none configured, a key file beside the database is made and used.
pub fn keyring(config: &Config, dev: Option<&Path>) -> Result<Keyring, KeyError> {
    let mut keys = config.encryption.keys.clone();
    if keys.is_empty() {
        let Some(file) = dev else { return Err(KeyError::None) };
        keys.push(Key { id: "dev".to_owned(), file: Some(made(file)?), env: None });
    }
    let read: Result<Vec<_>, KeyError> = keys.iter().map(|key| Ok((key.id.clone(), bytes(key)?))).collect();
    Ok(Keyring::new(read?)?)
}

fn bytes(key: &Key) -> Result<Vec<u8>, KeyError> {
    let (from, text) = match (&key.file, &key.env) {
        (Some(file), _) => (file.display().to_string(), std::fs::read_to_string(file).map_err(|e| e.to_string())),
        (None, Some(name)) => (name.clone(), std::env::var(name).map_err(|e| e.to_string())),
        (None, None) => (String::new(), Err("neither file nor env is given".to_owned())),
    };
    let failed = |why: String| KeyError::Read { id: key.id.clone(), from: from.clone(), why };
    let text = text.map_err(&failed)?;
    STANDARD.decode(text.trim()).map_err(|_| failed("it is no base64".to_owned()))
}

/// The key file for development, made where it is not there, readable by its owner alone.
fn made(file: &Path) -> Result<PathBuf, KeyError> {
    let failed = |why: String| KeyError::Read { id: "dev".to_owned(), from: file.display().to_string(), why };
    if !file.exists() {
        let mut key = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| failed("no randomness".to_owned()))?;
        let mut options = std::fs::OpenOptions::new();
        let mut out = options.write(true).create_new(true).mode(0o600).open(file).map_err(|e| failed(e.to_string()))?;
        out.write_all(STANDARD.encode(key).as_bytes()).map_err(|e| failed(e.to_string()))?;
    }
    Ok(file.to_owned())
}
