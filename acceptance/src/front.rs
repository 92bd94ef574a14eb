//! What stands between clients and Orbit in a company's network: TLS with a certificate of the company's own authority, and a proxy that lets out.

use crate::{
    authority::{Authority, Signed},
    orbit::{new_folder, write},
    proxy::listen,
};
use rcgen::ExtendedKeyUsagePurpose;
use std::{
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// Speaks TLS for a port of this machine.
#[derive(Debug)]
pub struct TlsFront {
    folder: TempDir,
    port: u16,
    runs: JoinSet<()>,
}

impl TlsFront {
    /// In front of a port, under these names, with a certificate of an authority that nobody knows yet.
    #[must_use]
    pub async fn before(to: u16, names: &[&str]) -> Self {
        let folder = new_folder();
        let (authority, config) = certified(names);
        write(&folder.path().join("ca.pem"), &authority);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (port, runs) = serve(move |client| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
                let _either_hung_up = copy_bidirectional(&mut client, &mut server).await;
            }
        })
        .await;
        Self { folder, port, runs }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority's certificate, as PEM.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.runs.abort_all();
    }
}

/// A proxy that is asked by `CONNECT HOST:PORT`, and leads every name to one port of this machine.
#[derive(Debug)]
pub struct ConnectProxy {
    port: u16,
    asked: Arc<AtomicUsize>,
    runs: JoinSet<()>,
}

impl ConnectProxy {
    /// Leads to this port, where it is asked for this host.
    #[must_use]
    pub async fn leads(host: &str, to: u16) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, wanted) = (asked.clone(), format!("CONNECT {host}:443 "));
        let (port, runs) = serve(move |client| {
            let (count, wanted) = (count.clone(), wanted.clone());
            async move {
                let mut client = BufReader::new(client);
                let mut line = String::new();
                let mut is_wanted = None;
                // The head, line by line, to the empty one.
                while client.read_line(&mut line).await.is_ok_and(|read| read > 2) {
                    is_wanted.get_or_insert(line.starts_with(&wanted));
                    line.clear();
                }
                if is_wanted != Some(true) {
                    let _it_hung_up = client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
                let _it_hung_up = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let _either_hung_up = copy_bidirectional(&mut client, &mut server).await;
            }
        })
        .await;
        Self { port, asked, runs }
    }

    /// Its address, as `HTTPS_PROXY` takes it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many connections went through it.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.runs.abort_all();
    }
}

/// Something that is not the Orbit that a client was made for: every call gets the same answer.
#[derive(Debug)]
pub struct Canned {
    port: u16,
    runs: JoinSet<()>,
}

impl Canned {
    /// Says that it is of this version, and this JSON.
    #[must_use]
    pub async fn answers(version: &str, json: &'static str) -> Self {
        let version = version.to_owned();
        let answer = move || async move {
            ([("orbit-version", version), ("content-type", "application/json".to_owned())], json)
        };
        let (listener, port) = listen().await;
        let mut runs = JoinSet::new();
        runs.spawn(async move {
            let served = axum::serve(listener, axum::Router::new().fallback(answer)).await;
            served.unwrap_or_else(|e| panic!("it could not be served: {e}"));
        });
        Self { port, runs }
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.runs.abort_all();
    }
}

/// Takes connections, each served by itself.
async fn serve<Served: Future<Output = ()> + Send + 'static>(
    each: impl Fn(TcpStream) -> Served + Send + 'static,
) -> (u16, JoinSet<()>) {
    let (listener, port) = listen().await;
    let mut runs = JoinSet::new();
    runs.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            connections.spawn(each(client));
        }
    });
    (port, runs)
}

/// An authority, as PEM, and a server's side with a certificate of it.
fn certified(names: &[&str]) -> (String, ServerConfig) {
    let authority = Authority::new();
    let Signed { certificate, key } = authority.signs(names, ExtendedKeyUsagePurpose::ServerAuth);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key);
    (authority.pem(), config.unwrap_or_else(|e| panic!("the certificate does not fit its key: {e}")))
}
