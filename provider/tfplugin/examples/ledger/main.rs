//! A provider for a tiny object store in which changes may need approval. Its "server" is a file, which people and
//! tests edit to approve and reject. It is the proving ground of `tests/it`.

mod object;
mod objects;
mod shelf;
mod store;

use std::{env, process::ExitCode};
use store::Store;
use tfplugin::{Diagnostic, Diagnostics, Host, Provider, Registry, Schema, View, model};

model! {
    /// Where the ledger is.
    pub(crate) struct Settings {
        /// Path of the ledger's file. Also `LEDGER_PATH`.
        path: Option<String>,
    }
}

struct Ledger;

impl Provider for Ledger {
    type Config = Settings;
    type Client = Store;
    const NAME: &'static str = "ledger";

    fn schema() -> Schema<Settings> {
        Schema::new().attr(Settings::path.optional())
    }

    fn registry() -> Registry<Store> {
        Registry::new().resource::<object::Object>().resource::<shelf::Shelf>().data_source::<objects::Objects>()
    }

    async fn configure(config: View<'_, Settings>, host: &Host) -> Result<Store, Diagnostics> {
        tracing::info!(terraform = host.version, "configured");
        let path = config.get(Settings::path).known().or_else(|| env::var("LEDGER_PATH").ok());
        path.map(Store::new).ok_or_else(|| {
            Diagnostic::error("The ledger's path is not known")
                .detail("Set `path` or LEDGER_PATH.")
                .at(Settings::path)
                .into()
        })
    }
}

fn main() -> ExitCode {
    tfplugin::serve::<Ledger>()
}
