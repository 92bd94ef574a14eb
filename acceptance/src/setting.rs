//! What the machine offers, as `scripts/test.sh` hands it on.

use std::{
    env,
    hash::{BuildHasher as _, RandomState},
    path::{Path, PathBuf},
};

/// A setting; a test without it fails.
#[track_caller]
pub(crate) fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: the acceptance tests need the real parts; `make test` starts them and sets it")
    })
}

/// One of Orbit's programs, as it was just built.
#[must_use]
#[track_caller]
pub fn bin(name: &str) -> PathBuf {
    let path = Path::new(&setting("ORBIT_TEST_BIN_DIR")).join(name);
    assert!(path.exists(), "{} is not there: `make test` builds it first", path.display());
    path
}

/// Something that generates clients of the API, or tests it.
#[must_use]
#[track_caller]
pub fn generator(name: &str) -> PathBuf {
    let path = Path::new(&setting("ORBIT_TEST_CLIENT_TOOLS")).join(name);
    assert!(path.exists(), "{} is not there: `make setup` installs it", path.display());
    path
}

/// The provider of another vendor's, of which Orbit takes topics over.
#[must_use]
#[track_caller]
pub fn mongeys_provider() -> PathBuf {
    PathBuf::from(setting("ORBIT_TEST_MONGEY"))
}

/// The folder of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.to_owned(), Path::to_owned)
}

/// A short name that no other test has, and no other run on the same cluster: `t` and hexadecimal digits.
#[must_use]
pub fn fresh() -> String {
    let random = RandomState::new().hash_one(std::process::id());
    format!("t{:010x}", random & 0xff_ffff_ffff)
}
