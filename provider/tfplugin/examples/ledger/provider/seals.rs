//! List resource `ledger_seal`.

use super::{seal::Seal, store::Store};
use tfplugin::{Cx, Diagnostics, Found, ListResource, Schema, model};

model! {
    /// The seals of the ledger.
    pub(crate) struct Seals {
        /// Only those of this room.
        room: Option<String>,
    }
}

impl ListResource for Seals {
    type Of = Seal;

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::room.optional())
    }

    async fn list(cx: &Cx<Store>, query: Self, found: &mut Found<Seal>) -> Result<(), Diagnostics> {
        for (place, record) in cx.client.look()?.seals {
            let Some((room, number)) = place.split_once('/').and_then(|(r, n)| Some((r, n.parse().ok()?))) else {
                continue;
            };
            if query.room.as_deref().is_some_and(|only| only != room) {
                continue;
            }
            if found.is_full() {
                break;
            }
            let seal = Seal { weight: record.weight, key_length: record.key_length.into(), ..Seal::at(room, number) };
            found.found(format!("seal {number} in the {room}"), seal).await?;
        }
        Ok(())
    }
}
