//! How brokers are connected to.

use orbit_core::{
    model::cluster::{Connection, Credentials, SaslMechanism},
    ports::{KafkaError, KafkaErrorKind},
};
use rsasl::config::SASLConfig;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt;
use std::{fmt::Display, sync::Arc};

/// Read once from a cluster's connection and credentials.
pub(super) struct Access {
    /// `host:port` of some brokers.
    pub(super) servers: Vec<String>,
    /// Where the connection is encrypted.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Where a user name is due.
    pub(super) sasl: Option<Sasl>,
}

/// A user name and a password, and how they are shown.
#[derive(Clone)]
pub(super) struct Sasl {
    pub(super) mechanism: SaslMechanism,
    pub(super) config: Arc<SASLConfig>,
}

fn unusable(user: &str, operator: String) -> KafkaError {
    KafkaError { kind: KafkaErrorKind::Invalid, user: user.to_owned(), operator }
}

fn bad_pem<E: Display>(error: E) -> KafkaError {
    const SENTENCE: &str = "A certificate or key of the connection cannot be used: is each one in PEM form and without a passphrase, and does the key belong to the certificate?";
    unusable(SENTENCE, error.to_string())
}

impl Access {
    /// The connection was found complete before.
    pub(super) fn new(connection: &Connection, credentials: &Credentials) -> Result<Self, KafkaError> {
        let security = connection.security_protocol;
        let tls = if security.uses_tls() { Some(Arc::new(tls(connection, credentials)?)) } else { None };
        let sasl = if security.uses_sasl() { sasl(connection, credentials)? } else { None };
        Ok(Self { servers: connection.bootstrap_servers.clone(), tls, sasl })
    }
}

fn sasl(connection: &Connection, credentials: &Credentials) -> Result<Option<Sasl>, KafkaError> {
    let parts = (connection.sasl_mechanism, &connection.sasl_username, &credentials.sasl_password);
    let (Some(mechanism), Some(user), Some(password)) = parts else { return Ok(None) };
    let config = SASLConfig::with_credentials(None, user.clone(), password.expose().to_owned());
    // Without what the library says of it: nothing of a password may reach a log.
    let config = config
        .map_err(|_| unusable("The user name or the password cannot be used.", "SASL refuses them".to_owned()))?;
    Ok(Some(Sasl { mechanism, config }))
}

fn tls(connection: &Connection, credentials: &Credentials) -> Result<ClientConfig, KafkaError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(bad_pem)?;
    let verified = match &connection.ca_certificate_pem {
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.add(certificate.map_err(bad_pem)?).map_err(bad_pem)?;
            }
            builder.with_root_certificates(roots)
        }
        None => builder.with_platform_verifier().map_err(bad_pem)?,
    };
    match (&connection.client_certificate_pem, &credentials.client_key_pem) {
        (Some(chain), Some(key)) => {
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
            let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(bad_pem)?;
            verified.with_client_auth_cert(chain.map_err(bad_pem)?, key).map_err(bad_pem)
        }
        _ => Ok(verified.with_no_client_auth()),
    }
}
