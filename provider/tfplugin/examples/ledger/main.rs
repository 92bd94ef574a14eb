//! A provider for a tiny object store in which changes may need approval. Its "server" is a file, which people and
//! tests edit to approve and reject. It is the proving ground of `tests/it`.

mod provider;

use std::process::ExitCode;

fn main() -> ExitCode {
    tfplugin::serve::<provider::Ledger>()
}
