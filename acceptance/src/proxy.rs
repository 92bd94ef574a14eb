//! A network between a client and Orbit that loses an answer.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// Passes everything on, but the answer to one call. Once that has been lost, nobody listens any more.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    lost: Arc<AtomicUsize>,
    runs: JoinSet<()>,
}

impl Proxy {
    /// Passes on to a port of this machine. The answer to the first call whose head begins with `call` (`POST /v1/topics `) is lost.
    #[must_use]
    pub async fn loses_the_answer_to(call: &str, port: u16) -> Self {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listening.unwrap_or_else(|e| panic!("the proxy cannot listen: {e}"));
        let own = listener.local_addr().unwrap_or_else(|e| panic!("the proxy has no address: {e}")).port();
        let (lost, mut runs) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
        let (call, count) = (call.to_owned(), lost.clone());
        runs.spawn(async move { serve(listener, port, &call, &count).await });
        Self { port: own, lost, runs }
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many answers it has lost.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.runs.abort_all();
    }
}

/// Serves until an answer is lost; then listener and connections go.
async fn serve(listener: TcpListener, to: u16, call: &str, lost: &AtomicUsize) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                let call = call.to_owned();
                connections.spawn(async move { pass(client, to, &call).await });
            }
            Some(ended) = connections.join_next() => {
                if matches!(ended, Ok(Ended::AnswerLost)) {
                    lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
        }
    }
}

enum Ended {
    ByThemselves,
    AnswerLost,
}

async fn pass(client: TcpStream, to: u16, call: &str) -> Ended {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return Ended::ByThemselves };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let (mut called, mut asked, mut answer) = (false, Vec::new(), vec![0; 1 << 16]);
    let mut buffer = vec![0; 1 << 16];
    loop {
        tokio::select! {
            read = read(&mut from_client, &mut buffer) => {
                let Some(bytes) = read else { return Ended::ByThemselves };
                // The head may come in pieces.
                asked.extend_from_slice(bytes);
                called |= find(&asked, call.as_bytes());
                if !write(&mut to_server, bytes).await { return Ended::ByThemselves }
            }
            read = read(&mut from_server, &mut answer) => {
                let Some(bytes) = read else { return Ended::ByThemselves };
                if called { return Ended::AnswerLost }
                asked.clear();
                if !write(&mut to_client, bytes).await { return Ended::ByThemselves }
            }
        }
    }
}

async fn read<'b>(from: &mut OwnedReadHalf, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    match from.read(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(count) => Some(&buffer[..count]),
    }
}

async fn write(to: &mut OwnedWriteHalf, bytes: &[u8]) -> bool {
    to.write_all(bytes).await.is_ok()
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
