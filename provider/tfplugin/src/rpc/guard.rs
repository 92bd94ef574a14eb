//! One call's span, and the net below it.

use crate::{Diagnostic, Diagnostics};
use futures::FutureExt as _;
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU64, Ordering},
};
use tracing::Instrument as _;

/// Runs a call; a panic in it becomes a diagnostic, and the process lives on for the other calls in flight.
pub(super) async fn guarded<T>(
    rpc: &'static str,
    of: &str,
    work: impl Future<Output = Result<T, Diagnostics>>,
) -> Result<T, Diagnostics> {
    let id = next_id();
    // Of the highest level, so that whatever is logged in the call bears its id.
    let span = tracing::error_span!("rpc", tf_rpc = rpc, tf_type = of, tf_req_id = id);
    // Values in flight are dropped with the call; what calls share is behind locks that are never held over a panic.
    let work = AssertUnwindSafe(async {
        tracing::trace!("call starts");
        let result = work.await;
        tracing::trace!("call ends");
        result
    });
    let work = REQUEST.scope(id.clone(), work.catch_unwind().instrument(span));
    work.await.unwrap_or_else(|panic| {
        let summary = format!("The provider panicked in {rpc} of {of}: {}", text(&*panic));
        let detail = format!(
            "This is a bug in the provider, please report it. Its log has the place (TF_LOG=DEBUG): call {id}."
        );
        Err(Diagnostic::error(summary).detail(detail).into())
    })
}

tokio::task_local! {
    static REQUEST: String;
}

/// Tells calls apart, in this process and among those that a command starts.
fn next_id() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(1);
    format!("{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed))
}

/// The id of the call that this runs in.
pub(crate) fn request_id() -> String {
    REQUEST.try_with(Clone::clone).unwrap_or_default()
}

fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
