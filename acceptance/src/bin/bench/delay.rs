//! A network that takes its time: everything arrives half a round trip later.

use crate::Result;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

/// Ends with the value.
pub(crate) struct Delay {
    pub(crate) url: String,
    _runs: JoinSet<()>,
}

impl Delay {
    /// Between whoever asks here and the server at this address.
    pub(crate) async fn before(url: &str, round_trip: Duration) -> Result<Self> {
        let server = url.strip_prefix("http://").ok_or("the server's address begins with http://")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut runs = JoinSet::new();
        runs.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let server = server.clone();
                connections.spawn(async move {
                    if let Ok(far) = TcpStream::connect(&server).await {
                        let _nodelay = (near.set_nodelay(true), far.set_nodelay(true));
                        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                        tokio::join!(late(near_in, far_out, round_trip / 2), late(far_in, near_out, round_trip / 2));
                    }
                });
            }
        });
        Ok(Self { url, _runs: runs })
    }
}

/// Passes on, so much later. What is under way does not wait for what went before it.
async fn late(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, by: Duration) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reads = async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(n @ 1..) = from.read(&mut buffer).await {
            if sender.send((Instant::now() + by, buffer.iter().take(n).copied().collect())).is_err() {
                return;
            }
        }
    };
    let writes = async move {
        while let Some((at, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(at.into()).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _closed = to.shutdown().await;
    };
    tokio::join!(reads, writes);
}
