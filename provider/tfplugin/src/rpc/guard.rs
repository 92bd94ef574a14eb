//! One call's span, and the net below it.

use crate::{Diagnostic, Diagnostics};
use futures::FutureExt as _;
use std::{any::Any, panic::AssertUnwindSafe};
use tracing::Instrument as _;

/// Runs a call; a panic in it becomes a diagnostic, and the process lives on for the other calls in flight.
pub(super) async fn guarded<T>(
    rpc: &'static str,
    of: &str,
    work: impl Future<Output = Result<T, Diagnostics>>,
) -> Result<T, Diagnostics> {
    let span = tracing::debug_span!("rpc", tf_rpc = rpc, tf_type = of);
    // Values in flight are dropped with the call; what calls share is behind locks that are never held over a panic.
    let work = AssertUnwindSafe(async {
        tracing::trace!("call starts");
        let result = work.await;
        tracing::trace!("call ends");
        result
    });
    work.catch_unwind().instrument(span).await.unwrap_or_else(|panic| {
        let summary = format!("The provider panicked in {rpc} of {of}: {}", text(&*panic));
        let detail = "This is a bug in the provider, please report it. Its log has the place (TF_LOG=DEBUG).";
        Err(Diagnostic::error(summary).detail(detail).into())
    })
}

fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
