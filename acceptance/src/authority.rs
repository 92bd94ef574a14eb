//! A certificate authority that nobody knows yet, as a company has one.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, Error, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};

/// The authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What it signed, with its key.
pub(crate) struct Signed {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

impl Authority {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let made = || {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(DnType::CommonName, "An authority of the tests");
            CertifiedIssuer::self_signed(params, KeyPair::generate()?)
        };
        Self(settled(made()))
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a host of these names, or a client of this one.
    #[track_caller]
    pub(crate) fn signs(&self, names: &[&str], usage: ExtendedKeyUsagePurpose) -> Signed {
        let made = || {
            let mut params = CertificateParams::new(names.iter().copied().map(str::to_owned).collect::<Vec<_>>())?;
            params.distinguished_name.push(DnType::CommonName, names[0]);
            params.extended_key_usages = vec![usage];
            let key = KeyPair::generate()?;
            Ok(Signed { certificate: params.signed_by(&key, &self.0)?, key })
        };
        settled(made())
    }
}

#[track_caller]
fn settled<T>(made: Result<T, Error>) -> T {
    made.unwrap_or_else(|e| panic!("no certificate could be made: {e}"))
}
