//! Ephemeral resource `ledger_token`.

use super::store::{Store, TokenRecord};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};
use tfplugin::{Computed, Cx, Diagnostics, EphemeralResource, Opened, Schema, model};

model! {
    /// A token for as long as a run takes.
    pub(crate) struct Token {
        /// Whom it is for.
        holder: String,
        /// After how many milliseconds it has to be renewed.
        renew_after_ms: Option<u64>,
        /// The token.
        secret: Computed<String>,
    }
}

/// Which token is open, and how long one renewal lasts.
#[derive(Serialize, Deserialize)]
struct Held {
    number: u32,
    renew_after_ms: Option<u64>,
}

impl EphemeralResource for Token {
    type Client = Store;
    const NAME: &'static str = "ledger_token";

    fn schema() -> Schema<Self> {
        Schema::new()
            .attr(Self::holder.required())
            .attr(Self::renew_after_ms.optional())
            .attr(Self::secret.computed().sensitive())
    }

    async fn open(cx: &Cx<Store>, query: Self) -> Result<Opened<Self>, Diagnostics> {
        let number = cx.client.with(|books| {
            let number = books.tokens.keys().next_back().map_or(1, |n| n + 1);
            let record = TokenRecord { holder: query.holder.clone(), renewals: 0, closed: false };
            books.tokens.insert(number, record);
            number
        })?;
        let held = Held { number, renew_after_ms: query.renew_after_ms };
        let renew_at = held.renew_at();
        cx.set_private(&held)?;
        let opened = Opened::from(Self { secret: format!("token-{number}").into(), ..query });
        Ok(match renew_at {
            Some(at) => opened.renew_at(at),
            None => opened,
        })
    }

    async fn renew(cx: &Cx<Store>) -> Result<Option<SystemTime>, Diagnostics> {
        let held = Held::of(cx)?;
        record(cx, held.number, |token| token.renewals += 1)?;
        Ok(held.renew_at())
    }

    async fn close(cx: &Cx<Store>) -> Result<(), Diagnostics> {
        record(cx, Held::of(cx)?.number, |token| token.closed = true)
    }
}

fn record(cx: &Cx<Store>, number: u32, work: impl FnOnce(&mut TokenRecord)) -> Result<(), Diagnostics> {
    cx.client.with(|books| books.tokens.get_mut(&number).map(work))?.ok_or_else(|| format!("no token {number}").into())
}

impl Held {
    fn of(cx: &Cx<Store>) -> Result<Self, Diagnostics> {
        cx.private()?.ok_or_else(|| "nothing is open".into())
    }

    #[expect(clippy::disallowed_methods, reason = "when to renew is a time of the real clock")]
    fn renew_at(&self) -> Option<SystemTime> {
        self.renew_after_ms.map(|after| SystemTime::now() + Duration::from_millis(after))
    }
}
