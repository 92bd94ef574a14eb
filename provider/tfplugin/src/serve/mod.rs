//! The process: from the handshake to the exit.

mod accept;
mod control;
mod handshake;
mod listen;
mod log;
mod panic;
mod reattach;
mod socket;
mod tls;

use crate::{
    Provider,
    proto::{
        plugin::{
            grpc_broker_server::GrpcBrokerServer, grpc_controller_server::GrpcControllerServer,
            grpc_stdio_server::GrpcStdioServer,
        },
        tfplugin6::provider_server::ProviderServer,
    },
    rpc::{Server, Stop},
};
use accept::Connections;
use futures::FutureExt as _;
use handshake::{Invitation, Refusal};
use listen::Place;
use std::{
    io::{self, Write as _},
    panic::AssertUnwindSafe,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

/// Terraform and Go's libraries cap at this; tonic's own default would refuse a state of 5 MB.
pub(crate) const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// Terraform has ten calls in flight, which wait more than they compute. A thread per core would be started for nothing.
const WORKERS: usize = 4;
/// How often to look whether the parent is still there.
const PARENT_CHECK: Duration = Duration::from_secs(1);
/// How long the provider gets to finish. go-plugin kills it two seconds after it asked it to end.
const LAST_WORD: Duration = Duration::from_secs(1);
/// How long the host gets to close its connection after it said goodbye.
const GOODBYE: Duration = Duration::from_millis(200);

/// Runs a provider: what `main` returns.
///
/// With the argument `-debug` it waits for a Terraform that is told of it: it prints what to set in the environment.
///
/// ```no_run
/// # use tfplugin::{Diagnostics, Host, Provider, Registry, Schema, View, model};
/// # model! {
/// #     /// Settings.
/// #     pub struct Settings {}
/// # }
/// # struct Ledger;
/// # impl Provider for Ledger {
/// #     type Config = Settings;
/// #     type Client = ();
/// #     const NAME: &'static str = "ledger";
/// #     const SOURCE: &'static str = "registry.terraform.io/example/ledger";
/// #     fn schema() -> Schema<Settings> { Schema::new() }
/// #     fn registry() -> Registry<()> { Registry::new() }
/// #     async fn configure(_: View<'_, Settings>, _: &Host) -> Result<(), Diagnostics> { Ok(()) }
/// # }
/// fn main() -> std::process::ExitCode {
///     tfplugin::serve::<Ledger>()
/// }
/// ```
#[must_use]
pub fn serve<P: Provider>() -> ExitCode {
    let debug = std::env::args_os().skip(1).any(|argument| argument == "-debug" || argument == "--debug");
    let invitation = match (debug, Invitation::from_env()) {
        (true, _) => None,
        (false, Ok(invitation)) => Some(invitation),
        (false, Err(refusal)) => return refuse::<P>(&refusal),
    };
    panic::install();
    log::install(P::NAME);
    // Other libraries of the provider find it as the process's default. It fails only if the author chose one before.
    let _chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail("cannot start", &e),
    };
    let result = runtime.block_on(async {
        match invitation {
            Some(invitation) => attend::<P>(invitation).await,
            None => debug_session::<P>().await,
        }
    });
    // At once: a handler that waits for something must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail("cannot serve", &e),
    }
}

#[expect(clippy::print_stderr, reason = "a person started the plugin by hand and reads this")]
fn refuse<P: Provider>(refusal: &Refusal) -> ExitCode {
    eprintln!("{}", refusal.hint(P::NAME));
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "the host prints what a plugin says before the handshake")]
fn fail(what: &str, e: &io::Error) -> ExitCode {
    eprintln!("The provider {what}: {e}");
    ExitCode::FAILURE
}

/// Serves the host that started us, until it is done with us or gone.
async fn attend<P: Provider>(mut invitation: Invitation) -> io::Result<()> {
    // Ctrl-C in a terminal reaches the whole process group. Terraform asks us to stop in its own way; obeying the
    // signal would lose every create in flight. The handler stays for the life of the process.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let parent = std::os::unix::process::parent_id();

    let identity = invitation.client_certificate.take().map(tls::Identity::pinned_to).transpose()?;
    let Place { listener, network, address, folder } = listen(&invitation, identity.is_some()).await?;
    let certificate = identity.as_ref().map(|identity| &identity.certificate);
    let line = invitation.answer((network, &address), certificate);
    let acceptor = identity.map(tls::Identity::into_acceptor);
    let connections = Connections::default();
    let shutdown = CancellationToken::new();
    let provider = Arc::new(Server::<P>::new(Arc::new(Stop::default())));
    let served = serve_on(Arc::clone(&provider), accept::incoming(listener, acceptor, connections.clone()), &shutdown);
    announce(&line)?;

    let ended = tokio::select! {
        served = served => served,
        () = goodbye(&shutdown, &connections) => Ok(()),
        _ = terminate.recv() => Ok(()),
        () = ignore(&mut interrupt) => Ok(()),
        () = orphaned(parent) => Ok(()),
        () = connections.gone() => Ok(()),
    };
    drop(folder);
    close(&provider).await;
    ended
}

/// Lets the provider finish, for as long as the host has patience.
async fn close<P: Provider>(provider: &Server<P>) {
    let finish = AssertUnwindSafe(provider.finish()).catch_unwind();
    match tokio::time::timeout(LAST_WORD, finish).await {
        Ok(Ok(())) => {}
        Ok(Err(_panic)) => tracing::error!("the provider panicked while it finished"),
        Err(_) => tracing::warn!("the provider did not finish in time"),
    }
}

/// Serves whoever is told of us, until the person who started us has enough.
async fn debug_session<P: Provider>() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let Place { listener, network, address, folder } = Place::private(None, None)?;
    let environment = reattach::environment(P::SOURCE, network, &address);
    let shutdown = CancellationToken::new();
    let provider = Arc::new(Server::<P>::new(Arc::new(Stop::default())));
    let served = serve_on(Arc::clone(&provider), accept::incoming(listener, None, Connections::default()), &shutdown);
    reattach::announce(&environment)?;
    let ended = tokio::select! {
        served = served => served,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        // The terminal was closed.
        _ = hangup.recv() => Ok(()),
    };
    drop(folder);
    close(&provider).await;
    ended
}

/// A socket; where none can be made, a port, if the host encrypts: only then is it safe from others on the machine.
async fn listen(invitation: &Invitation, encrypted: bool) -> io::Result<Place> {
    match Place::private(invitation.socket_directory.as_deref(), invitation.socket_group.as_deref()) {
        // A group that does not exist is a mistake to be told, no lack of sockets.
        Err(e) if encrypted && (invitation.socket_group.is_none() || e.kind() != io::ErrorKind::NotFound) => {
            tracing::warn!(error = %e, "no socket can be made: listening on a port");
            Place::port(invitation.ports.clone()).await
        }
        result => result,
    }
}

async fn serve_on<P: Provider>(
    provider: Arc<Server<P>>,
    incoming: ReceiverStream<io::Result<accept::Connection>>,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    let services = tonic::transport::Server::builder()
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(8 << 20)
        .add_service(
            ProviderServer::from_arc(provider)
                .max_decoding_message_size(MAX_MESSAGE_BYTES)
                .max_encoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(GrpcControllerServer::new(control::Controller::new(shutdown.clone())))
        .add_service(GrpcBrokerServer::new(control::Silent::new(shutdown.clone())))
        .add_service(GrpcStdioServer::new(control::Silent::new(shutdown.clone())));
    services.serve_with_incoming(incoming).await.map_err(io::Error::other)
}

/// The one line that belongs on stdout.
fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// The host asked us to end. It closes its connection next, which says that it has the answer.
async fn goodbye(shutdown: &CancellationToken, connections: &Connections) {
    shutdown.cancelled().await;
    let _closed_or_late = tokio::time::timeout(GOODBYE, connections.gone()).await;
}

async fn ignore(interrupt: &mut tokio::signal::unix::Signal) {
    while interrupt.recv().await.is_some() {
        tracing::debug!("interrupt ignored: the host decides what stops");
    }
    std::future::pending::<()>().await;
}

/// A host that was killed leaves no message; its children get another parent.
async fn orphaned(parent: u32) {
    let mut check = tokio::time::interval(PARENT_CHECK);
    while std::os::unix::process::parent_id() == parent {
        check.tick().await;
    }
}
