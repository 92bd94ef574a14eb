//! go-plugin's invitation in the environment, and our answer on stdout.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use std::{env, ops::RangeInclusive, path::PathBuf};

const COOKIE_KEY: &str = "TF_PLUGIN_MAGIC_COOKIE";
/// Not a secret: it tells a person who starts the binary by hand from Terraform.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const PROTOCOL: &str = "6";

/// What the host asks for.
#[derive(Debug)]
pub(super) struct Invitation {
    /// Absent if the host wants no TLS.
    pub(super) client_certificate: Option<CertificateDer<'static>>,
    pub(super) socket_directory: Option<PathBuf>,
    pub(super) socket_group: Option<String>,
    /// Where to listen if not on a socket.
    pub(super) ports: RangeInclusive<u16>,
    /// Whether the host wants to know if several streams may share a connection.
    asks_for_multiplexing: bool,
}

/// Why we do not start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotAHost,
    Protocol(String),
    Certificate(String),
}

impl Invitation {
    pub(super) fn from_env() -> Result<Self, Refusal> {
        // What is no text stays something: a certificate that cannot be read must not pass for none.
        Self::read(|key| env::var_os(key).map(|value| value.to_string_lossy().into_owned()))
    }

    fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, Refusal> {
        if var(COOKIE_KEY).as_deref() != Some(COOKIE) {
            return Err(Refusal::NotAHost);
        }
        // Hosts from before negotiation do not say, and take what they get.
        if let Some(versions) = var("PLUGIN_PROTOCOL_VERSIONS")
            && !versions.split(',').any(|version| version.trim() == PROTOCOL)
        {
            return Err(Refusal::Protocol(versions));
        }
        let port = |key| var(key).and_then(|text| text.parse().ok());
        let certificate = var("PLUGIN_CLIENT_CERT").filter(|pem| !pem.is_empty());
        let certificate = certificate.map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()));
        Ok(Self {
            client_certificate: certificate.transpose().map_err(|e| Refusal::Certificate(e.to_string()))?,
            socket_directory: var("PLUGIN_UNIX_SOCKET_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from),
            socket_group: var("PLUGIN_UNIX_SOCKET_GROUP").filter(|group| !group.is_empty()),
            ports: port("PLUGIN_MIN_PORT").unwrap_or(10_000)..=port("PLUGIN_MAX_PORT").unwrap_or(25_000),
            asks_for_multiplexing: var("PLUGIN_MULTIPLEX_GRPC").is_some_and(|asked| !asked.is_empty()),
        })
    }

    /// The answer: core protocol, our protocol, network, address, transport, certificate; and, if asked, that every
    /// stream needs a connection of its own.
    pub(super) fn answer(&self, (network, address): (&str, &str), certificate: Option<&CertificateDer<'_>>) -> String {
        let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
        let multiplexing = if self.asks_for_multiplexing { "|false" } else { "" };
        format!("1|{PROTOCOL}|{network}|{address}|grpc|{certificate}{multiplexing}")
    }
}

impl Refusal {
    /// For a person.
    pub(super) fn hint(&self, name: &str) -> String {
        match self {
            Self::NotAHost => format!(
                "This is the Terraform provider \"{name}\". It is not run by hand: Terraform and OpenTofu start it.\n\
                 Name it in `required_providers` of a configuration and run `terraform init`."
            ),
            Self::Protocol(versions) => format!(
                "The provider \"{name}\" speaks plugin protocol {PROTOCOL}, the program that started it only {versions}.\n\
                 Terraform speaks it since version 1.0."
            ),
            Self::Certificate(e) => format!("The host's certificate for \"{name}\" cannot be read: {e}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation(vars: &[(&str, &str)]) -> Result<Invitation, Refusal> {
        Invitation::read(|key| vars.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn without_the_cookie_a_person_gets_a_hint() {
        let refusal = invitation(&[("PLUGIN_PROTOCOL_VERSIONS", "5,6")]).unwrap_err();
        assert_eq!(refusal, Refusal::NotAHost);
        assert!(refusal.hint("ledger").contains("terraform init"));
    }

    #[test]
    fn the_versions_come_in_any_order_and_must_hold_ours() {
        assert!(invitation(&[(COOKIE_KEY, COOKIE), ("PLUGIN_PROTOCOL_VERSIONS", "6,5")]).is_ok());
        assert!(invitation(&[(COOKIE_KEY, COOKIE)]).is_ok());
        let refusal = invitation(&[(COOKIE_KEY, COOKIE), ("PLUGIN_PROTOCOL_VERSIONS", "4,5")]).unwrap_err();
        assert!(refusal.hint("ledger").contains("only 4,5"));
    }

    #[test]
    fn a_broken_certificate_is_no_reason_to_serve_without_tls() {
        let refusal = invitation(&[(COOKIE_KEY, COOKIE), ("PLUGIN_CLIENT_CERT", "nonsense")]).unwrap_err();
        assert!(matches!(refusal, Refusal::Certificate(_)));
    }

    #[test]
    fn the_answer_has_six_fields_and_no_padding() {
        let der = CertificateDer::from(vec![1, 2, 3, 4]);
        let plain = invitation(&[(COOKIE_KEY, COOKIE)]).unwrap();
        assert_eq!(plain.answer(("unix", "/s"), Some(&der)), "1|6|unix|/s|grpc|AQIDBA");
        assert_eq!(plain.answer(("tcp", "127.0.0.1:10000"), None), "1|6|tcp|127.0.0.1:10000|grpc|");
        let asking = invitation(&[(COOKIE_KEY, COOKIE), ("PLUGIN_MULTIPLEX_GRPC", "true")]).unwrap();
        assert_eq!(asking.answer(("unix", "/s"), None), "1|6|unix|/s|grpc||false");
    }

    #[test]
    fn ports_and_group_are_the_hosts() {
        let told = [("PLUGIN_MIN_PORT", "11000"), ("PLUGIN_MAX_PORT", "11003"), ("PLUGIN_UNIX_SOCKET_GROUP", "staff")];
        let invitation = invitation(&[&[(COOKIE_KEY, COOKIE)], &told[..]].concat()).unwrap();
        assert_eq!((invitation.ports, invitation.socket_group.as_deref()), (11_000..=11_003, Some("staff")));
    }
}
