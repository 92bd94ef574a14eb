//! Data source `ledger_objects`.

use super::store::Store;
use tfplugin::{Computed, Cx, DataSource, Diagnostics, Schema, model};

model! {
    /// The names of the objects in the ledger.
    pub(crate) struct Objects {
        /// Only names that start so.
        prefix: Option<String>,
        /// The names, sorted.
        names: Computed<Vec<String>>,
    }
}

impl DataSource for Objects {
    type Client = Store;
    const NAME: &'static str = "ledger_objects";

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::prefix.optional()).attr(Self::names.computed())
    }

    async fn read(cx: &Cx<Store>, query: Self) -> Result<Self, Diagnostics> {
        let prefix = query.prefix.clone().unwrap_or_default();
        let books = cx.client.look()?;
        let names = books.objects.values().map(|object| object.spec.name.clone());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(&prefix)).collect();
        names.sort();
        Ok(Self { names: names.into(), ..query })
    }
}
