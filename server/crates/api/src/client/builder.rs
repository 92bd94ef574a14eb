//! What a client needs to know before its first call.

use super::{Client, outage::Outage, pace::Pace, retry::Retry};
use http::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Certificate, Url};
use std::{
    fmt, fs,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};
use tokio::sync::Semaphore;

/// Why a client cannot be built. Names the setting, never the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The endpoint is no address of a server.
    #[error("the endpoint `{endpoint}` is not usable: {cause}")]
    Endpoint {
        /// What was given, without what may be secret in it.
        endpoint: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The token has characters that no token has.
    #[error("the token has characters that cannot be sent, such as a line break: was it read from a file?")]
    Token,
    /// The run id cannot be sent.
    #[error("the run id `{0}` is not usable: 1 to 200 printable ASCII characters")]
    RunId(String),
    /// The file with certificate authorities cannot be read, or holds none.
    #[error("the certificate authorities in {file} are not usable: {cause}")]
    Ca {
        /// The file, or what stands for it.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// Builds a [`Client`]. Building connects to nothing.
#[must_use]
pub struct Builder {
    endpoint: String,
    token: Option<String>,
    ca_file: Option<PathBuf>,
    ca_pem: Option<Vec<u8>>,
    run_id: Option<String>,
    run_url: Option<String>,
    user_agent: Option<String>,
    retry: Retry,
    at_once: usize,
}

/// So many calls are under way at once; more wait for their turn.
const AT_ONCE: usize = 64;

/// What the clones of a client share.
pub(super) struct Shared {
    pub(super) endpoint: String,
    pub(super) base: Url,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) run_id: Option<String>,
    pub(super) run_url: Option<String>,
    pub(super) retry: Retry,
    pub(super) pace: Pace,
    /// Calls under way, but for those that the server may hold back: whoever runs Terraform with a hundred workers shall not be a burden on others.
    pub(super) slots: Semaphore,
    /// Whether Orbit itself has answered anything yet.
    pub(super) reached: AtomicBool,
    pub(super) outage: Outage,
    user_agent: String,
    ca: Vec<Certificate>,
    /// Made at the first call: loading the system's certificate authorities takes longer than the rest of a Terraform plan.
    http: OnceLock<Result<reqwest::Client, String>>,
    proxies: OnceLock<Matcher>,
}

impl Shared {
    /// Who calls, and of which version: the first product of the user agent.
    pub(super) fn caller(&self) -> String {
        self.user_agent.split(' ').next().unwrap_or_default().replace('/', " ")
    }
}

impl Builder {
    pub(super) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            token: None,
            ca_file: None,
            ca_pem: None,
            run_id: None,
            run_url: None,
            user_agent: None,
            retry: Retry::default(),
            at_once: AT_ONCE,
        }
    }

    /// Says who calls.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Trusts the certificate authorities in this PEM file, beside the system's.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Trusts these certificate authorities (PEM), beside the system's.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// The Terraform or CI run that the calls belong to: its requests form a group that approvers see together.
    pub fn run_id(mut self, id: impl Into<String>) -> Self {
        self.run_id = Some(id.into());
        self
    }

    /// Where that run can be seen, for those who decide.
    pub fn run_url(mut self, url: impl Into<String>) -> Self {
        self.run_url = Some(url.into());
        self
    }

    /// What calls, for the server's log: `terraform-provider-orbit/1.2.3`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    #[cfg(test)]
    pub(super) fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    #[cfg(test)]
    pub(super) fn at_once(mut self, calls: usize) -> Self {
        self.at_once = calls;
        self
    }

    /// The client.
    pub fn build(self) -> Result<Client, BuildError> {
        let base = parse_endpoint(&self.endpoint)?;
        let authorization = self.token.as_deref().map(bearer).transpose()?;
        let sendable = |id: &str| (1..=200).contains(&id.len()) && id.bytes().all(|b| (0x20..0x7f).contains(&b));
        if let Some(id) = self.run_id.clone().filter(|id| !sendable(id)) {
            return Err(BuildError::RunId(id));
        }
        let mut ca = Vec::new();
        if let Some(path) = &self.ca_file {
            let file = path.display().to_string();
            match fs::read(path) {
                Ok(pem) => ca.extend(parse_ca(&file, &pem)?),
                Err(e) => {
                    return Err(BuildError::Ca { file, cause: e.to_string() });
                }
            }
        }
        if let Some(pem) = &self.ca_pem {
            ca.extend(parse_ca("the PEM text", pem)?);
        }
        let own = concat!("orbit-api/", env!("CARGO_PKG_VERSION"));
        let shared = Shared {
            endpoint: self.endpoint.trim_end_matches('/').to_owned(),
            base,
            authorization,
            run_id: self.run_id,
            run_url: self.run_url,
            retry: self.retry,
            pace: Pace::default(),
            slots: Semaphore::new(self.at_once),
            reached: AtomicBool::new(false),
            outage: Outage::default(),
            user_agent: self.user_agent.map_or_else(|| own.to_owned(), |product| format!("{product} {own}")),
            ca,
            http: OnceLock::new(),
            proxies: OnceLock::new(),
        };
        Ok(Client { shared: Arc::new(shared) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("run_id", &self.run_id).finish_non_exhaustive()
    }
}

impl Shared {
    /// Orbit itself has answered.
    pub(super) fn answered(&self) {
        self.reached.store(true, Relaxed);
        self.outage.ends();
    }

    /// The proxy that the environment puts before an address, without its password: by the rules by which the connections are made.
    pub(super) fn proxy_before(&self, url: &Url) -> Option<String> {
        let matcher = self.proxies.get_or_init(Matcher::from_system);
        let intercept = matcher.intercept(&url.as_str().parse().ok()?)?;
        let proxy = intercept.uri();
        let port = proxy.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{}{port}", proxy.scheme_str()?, proxy.host()?))
    }

    /// The connections.
    pub(super) fn http(&self) -> Result<&reqwest::Client, &str> {
        let made = self.http.get_or_init(|| {
            let plain = self.base.scheme() == "http";
            let builder = reqwest::Client::builder()
                .user_agent(&self.user_agent)
                .connect_timeout(self.retry.connect)
                // A redirect would turn a POST into a GET, and leads nowhere good: it is told instead.
                .redirect(reqwest::redirect::Policy::none());
            // Without TLS the system's certificate authorities are not needed; not every container has some.
            let builder = if plain {
                builder.tls_certs_only(self.ca.clone())
            } else if self.ca.is_empty() {
                builder
            } else {
                builder.tls_certs_merge(self.ca.clone())
            };
            builder.build().map_err(|e| super::error::cause_of(&e))
        });
        made.as_ref().map_err(String::as_str)
    }
}

fn parse_endpoint(endpoint: &str) -> Result<Url, BuildError> {
    let wrong = |endpoint: &str, cause: &str| {
        Err(BuildError::Endpoint { endpoint: endpoint.to_owned(), cause: cause.to_owned() })
    };
    let url = match Url::parse(endpoint) {
        Ok(url) => url,
        Err(e) => return wrong(endpoint, &format!("{e}; an example is https://orbit.example.com")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("(hidden)", "it holds a user name or password; only the token says who calls");
    }
    if !matches!(url.scheme(), "http" | "https") {
        return wrong(endpoint, "it does not begin with https:// or http://");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(endpoint, "it has a query or a fragment");
    }
    Ok(url)
}

fn bearer(token: &str) -> Result<HeaderValue, BuildError> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| BuildError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

fn parse_ca(file: &str, pem: &[u8]) -> Result<Vec<Certificate>, BuildError> {
    let wrong = |cause: String| BuildError::Ca { file: file.to_owned(), cause };
    match Certificate::from_pem_bundle(pem) {
        Ok(found) if found.is_empty() => Err(wrong("there is no PEM certificate in it".to_owned())),
        Ok(found) => Ok(found),
        Err(e) => Err(wrong(super::error::cause_of(&e))),
    }
}
