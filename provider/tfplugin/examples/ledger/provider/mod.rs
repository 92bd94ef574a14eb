//! The provider `ledger`: one file per thing that it offers.

mod audit;
mod mark;
mod object;
mod objects;
mod seal;
mod seals;
mod shelf;
pub(crate) mod store;
mod token;

use std::env;
use store::Store;
use tfplugin::{Diagnostic, Diagnostics, Host, Provider, Registry, Schema, View, model};

model! {
    /// Where the ledger is.
    pub(crate) struct Settings {
        /// Path of the ledger's file. Also `LEDGER_PATH`.
        path: Option<String>,
    }
}

pub(crate) struct Ledger;

impl Provider for Ledger {
    type Config = Settings;
    type Client = Store;
    const NAME: &'static str = "ledger";
    const SOURCE: &'static str = "local.example/test/ledger";

    fn schema() -> Schema<Settings> {
        Schema::new().attr(Settings::path.optional())
    }

    fn registry() -> Registry<Store> {
        Registry::new()
            .resource::<object::Object>()
            .resource::<seal::Seal>()
            .resource::<shelf::Shelf>()
            .data_source::<objects::Objects>()
            .ephemeral::<token::Token>()
            .list::<seals::Seals>()
            .action::<audit::Audit>()
            .function::<mark::Mark>()
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

    async fn close(store: &Store) {
        if env::var_os("LEDGER_TELLS_ITS_END").is_some() {
            store.tell_the_end();
        }
    }
}
