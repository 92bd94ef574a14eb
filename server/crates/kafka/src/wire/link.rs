//! One connection to one broker.

use super::{
    NoAnswer,
    access::{Access, Sasl},
    no_ids,
};
use crate::native::Refusal;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiVersionsRequest, RequestHeader, ResponseHeader, SaslAuthenticateRequest, SaslHandshakeRequest},
    protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes},
};
use rdkafka::types::RDKafkaErrorCode as C;
use rsasl::prelude::{Mechname, SASLClient, State};
use rustls::pki_types::ServerName;
use std::{collections::HashMap, io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;

/// How long one address may take to be resolved and connected to: where it swallows packets, there is time for the next.
const CONNECTS_WITHIN: Duration = Duration::from_millis(1_500);
/// Brokers close what is idle (`connections.max.idle.ms`, ten minutes), firewalls sooner.
const IDLE: Duration = Duration::from_mins(1);
/// No answer is longer: 250 topics with all their settings are some megabytes.
const LONGEST_ANSWER: usize = 64 << 20;
/// More rounds has no mechanism.
const SASL_ROUNDS: usize = 8;

const API_VERSIONS: i16 = 3;
const SASL_HANDSHAKE: i16 = 1;
/// With the lifetime of the session (KIP-368).
const SASL_AUTHENTICATE: i16 = 1;

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A connection that is through with TLS and SASL.
pub(super) struct Link {
    stream: Box<dyn Stream>,
    /// Highest version of each request that the broker knows.
    versions: HashMap<i16, i16>,
    number: i32,
    used: Instant,
    /// When the broker wants the user name again.
    ends: Option<Instant>,
}

impl Link {
    /// Connects.
    pub(super) async fn open(access: &Access, address: &str, until: Instant) -> Result<Self, Refusal> {
        let stream = dial(access, address, until).await?;
        let now = Instant::now();
        let mut link = Self { stream, versions: HashMap::new(), number: 0, used: now, ends: None };
        link.ask_versions(until).await?;
        if let Some(sasl) = &access.sasl {
            link.authenticate(sasl, until).await?;
        }
        Ok(link)
    }

    /// Whether the broker takes this request in this version.
    pub(super) fn knows<Q: Request>(&self, version: i16) -> Result<(), Refusal> {
        if self.versions.get(&Q::KEY).is_some_and(|highest| *highest >= version) { Ok(()) } else { Err(no_ids()) }
    }

    /// Whether it can be used once more: not idle for long, its session not at its end, and the broker has neither closed it nor said what nobody asked.
    pub(super) async fn is_good(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.used) > IDLE || self.ends.is_some_and(|end| now >= end) {
            return false;
        }
        // That the broker hung up meanwhile is known once the runtime has looked.
        tokio::task::yield_now().await;
        let mut byte = [0];
        futures::poll!(std::pin::pin!(self.stream.read(&mut byte))).is_pending()
    }

    /// One request and its answer. After an error the connection is of no use.
    pub(super) async fn call<Q: Request>(
        &mut self,
        version: i16,
        ask: &Q,
        until: Instant,
    ) -> Result<Q::Response, NoAnswer> {
        let frame = self.frame(version, ask)?;
        let sent = timeout_at(until, async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        });
        // A frame that did not leave as a whole is carried out by nobody.
        let unsent = |text: String| NoAnswer::not_sent(C::BrokerTransportFailure, text);
        let sent = sent.await.map_err(|_| unsent("the broker took nothing in time".to_owned()))?;
        sent.map_err(|error| unsent(error.to_string()))?;
        let mut answer = match timeout_at(until, self.answer()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(NoAnswer::unsure(C::NetworkException, error.to_string())),
            Err(_) => return Err(NoAnswer::unsure(C::OperationTimedOut, "no answer arrived in time")),
        };
        self.used = Instant::now();
        let garbled = |error: String| NoAnswer::unsure(C::BadMessage, error);
        let header = ResponseHeader::decode(&mut answer, Q::Response::header_version(version))
            .map_err(|error| garbled(error.to_string()))?;
        if header.correlation_id != self.number {
            return Err(garbled("the answer is to another request".to_owned()));
        }
        Q::Response::decode(&mut answer, version).map_err(|error| garbled(error.to_string()))
    }

    fn frame<Q: Request>(&mut self, version: i16, ask: &Q) -> Result<BytesMut, NoAnswer> {
        self.number = self.number.wrapping_add(1);
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        let header = RequestHeader::default()
            .with_request_api_key(Q::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.number)
            .with_client_id(Some(StrBytes::from_static_str("orbit")));
        let written =
            header.encode(&mut frame, Q::header_version(version)).and_then(|()| ask.encode(&mut frame, version));
        written.map_err(|error| NoAnswer::not_sent(C::InvalidArgument, error.to_string()))?;
        let long = |_| NoAnswer::not_sent(C::InvalidArgument, "the request is too long");
        let length = i32::try_from(frame.len() - size_of::<i32>()).map_err(long)?;
        frame[..size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
        Ok(frame)
    }

    async fn answer(&mut self) -> io::Result<Bytes> {
        let mut length = [0; size_of::<i32>()];
        self.stream.read_exact(&mut length).await?;
        let length = usize::try_from(i32::from_be_bytes(length)).ok().filter(|length| *length <= LONGEST_ANSWER);
        let length = length.ok_or_else(|| io::Error::other("this is no answer of the Kafka protocol"))?;
        let mut answer = BytesMut::new();
        let mut rest = (&mut self.stream).take(length as u64);
        while answer.len() < length {
            if rest.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(answer.freeze())
    }

    async fn ask_versions(&mut self, until: Instant) -> Result<(), Refusal> {
        let ask = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("orbit"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let told = self.call(API_VERSIONS, &ask, until).await.map_err(hung_up)?;
        if told.error_code != 0 {
            return Err(Refusal { code: told.error_code.into(), text: String::new() });
        }
        self.versions = told.api_keys.iter().map(|api| (api.api_key, api.max_version)).collect();
        Ok(())
    }

    async fn authenticate(&mut self, sasl: &Sasl, until: Instant) -> Result<(), Refusal> {
        let ask = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(sasl.mechanism.as_str()));
        let told = self.call(SASL_HANDSHAKE, &ask, until).await.map_err(hung_up)?;
        if told.error_code != 0 {
            let offered: Vec<&str> = told.mechanisms.iter().map(StrBytes::as_str).collect();
            let text = format!("the broker's supported mechanisms: {}", offered.join(", "));
            return Err(Refusal { code: told.error_code.into(), text });
        }
        // The library's words may quote what was said, which may hold the password.
        let refused = || Refusal::new(C::Authentication, "the broker's part of the authentication is wrong");
        let name = Mechname::parse(sasl.mechanism.as_str().as_bytes()).map_err(|_| refused())?;
        let mut session = SASLClient::new(sasl.config.clone()).start_suggested(&[name]).map_err(|_| refused())?;
        let mut heard: Option<Vec<u8>> = None;
        for _ in 0..SASL_ROUNDS {
            let mut say = Vec::new();
            let state = session.step(heard.as_deref(), &mut say).map_err(|_| refused())?;
            if matches!(state, State::Finished(_)) && say.is_empty() {
                return Ok(());
            }
            let ask = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(say));
            let told = self.call(SASL_AUTHENTICATE, &ask, until).await.map_err(hung_up)?;
            if told.error_code != 0 {
                let text = told.error_message.map(|text| text.to_string()).unwrap_or_default();
                return Err(Refusal { code: told.error_code.into(), text });
            }
            self.ends = session_end(told.session_lifetime_ms);
            if matches!(state, State::Finished(_)) {
                return Ok(());
            }
            heard = Some(told.auth_bytes.to_vec());
        }
        Err(refused())
    }
}

/// A session of a lifetime is left before its end.
fn session_end(lifetime_ms: i64) -> Option<Instant> {
    let lifetime = u64::try_from(lifetime_ms).ok().filter(|lifetime| *lifetime > 0)?;
    Instant::now().checked_add(Duration::from_millis(lifetime) * 4 / 5)
}

/// Before anything is asked, a broker that does not answer is one that cannot be reached.
fn hung_up(no: NoAnswer) -> Refusal {
    let (NoAnswer::NotSent(refusal) | NoAnswer::Unsure(refusal)) = no;
    Refusal::new(C::BrokerTransportFailure, refusal.text)
}

async fn dial(access: &Access, address: &str, until: Instant) -> Result<Box<dyn Stream>, Refusal> {
    let away = |error: String| Refusal::new(C::BrokerTransportFailure, format!("{address}: {error}"));
    let tcp = timeout(CONNECTS_WITHIN, TcpStream::connect(address)).await.map_err(|_| away("timed out".to_owned()))?;
    let tcp = tcp.map_err(|error| away(error.to_string()))?;
    tcp.set_nodelay(true).map_err(|error| away(error.to_string()))?;
    let Some(tls) = &access.tls else { return Ok(Box::new(tcp)) };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|error| away(error.to_string()))?;
    match timeout_at(until, TlsConnector::from(tls.clone()).connect(name, tcp)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(Refusal::new(C::SSL, format!("{address}: {error}"))),
        Err(_) => Err(away("the TLS handshake timed out".to_owned())),
    }
}
