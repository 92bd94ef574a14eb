//! Panics in the words that the host looks for.

use crate::rpc::request_id;
use std::{
    io::{self, Write as _},
    panic::PanicHookInfo,
};

/// The host collects what follows a line that begins with `panic: ` and shows it if the command fails.
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info| {
        // One write, so that the lines of two panics do not mix. There is nobody to tell if stderr is closed.
        let _nobody_listens = io::stderr().lock().write_all(report(info).as_bytes());
    }));
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let text = info.payload_as_str().unwrap_or("no text");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let call = request_id();
    let call = if call.is_empty() { String::new() } else { format!(", call {call}") };
    let backtrace = std::backtrace::Backtrace::capture();
    format!("panic: {text}\n\n{place} in thread {thread}{call}\n{backtrace}\n")
}
