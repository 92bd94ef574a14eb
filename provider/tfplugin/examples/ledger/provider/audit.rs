//! Action `ledger_audit`.

use super::store::Store;
use tfplugin::{Attr, Cx, Diagnostic, Diagnostics, Progress, ProviderAction, Schema, View, model};

model! {
    /// Counts what is in the ledger.
    pub(crate) struct Audit {
        /// Who counts.
        auditor: String,
        /// How many objects there should be.
        expected: Option<u32>,
    }
}

impl ProviderAction for Audit {
    type Client = Store;
    const NAME: &'static str = "ledger_audit";

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::auditor.default("nobody")).attr(Self::expected.optional())
    }

    async fn plan(_cx: &Cx<Store>, config: View<'_, Self>) -> Result<(), Diagnostics> {
        match config.get(Self::auditor) {
            Attr::Known(auditor) if auditor == "thief" => {
                Err(Diagnostic::error("A thief does not count").at(Self::auditor).into())
            }
            _ => Ok(()),
        }
    }

    async fn invoke(cx: &Cx<Store>, config: Self, progress: &Progress) -> Result<(), Diagnostics> {
        let books = cx.client.look()?;
        let mut count = 0;
        for object in books.objects.values() {
            count += 1;
            progress.tell(format!("{}: {} is there", config.auditor, object.spec.name));
        }
        cx.client.with(|books| books.audits += 1)?;
        match config.expected {
            Some(expected) if expected != count => {
                Err(Diagnostic::error(format!("{expected} objects expected, {count} are there"))
                    .at(Self::expected)
                    .into())
            }
            _ => Ok(()),
        }
    }
}
