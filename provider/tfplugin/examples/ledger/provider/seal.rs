//! Resource `ledger_seal`: a secret that is stored nowhere, an identity, timeouts, and a move from other types.

use super::store::{SealRecord, Store};
use std::time::Duration;
use tfplugin::{
    Applied, Attr, Computed, Cx, Diagnostic, Diagnostics, Failure, JsonText, MoveSource, Outcome, Resource, Schema,
    Timed, Timeouts, View, WriteOnly, model,
};

model! {
    /// A seal, made with a key that only the ledger keeps.
    pub(crate) struct Seal {
        /// The room that it hangs in.
        room: String,
        /// Its number there.
        number: u32,
        /// The key.
        key_wo: WriteOnly<String>,
        /// Raise it to hand over another key.
        key_wo_version: u32,
        /// Its weight in grams. One that gets lighter is made anew.
        weight: Option<u32>,
        /// What was agreed on it, as JSON.
        terms: Option<JsonText>,
        /// How long it may take to press it.
        timeouts: Option<Timeouts>,
        /// How many characters the ledger got as the key.
        key_length: Computed<u64>,
    }
}

/// How long pressing takes at most, unless the user says otherwise.
const PATIENCE: Duration = Duration::from_mins(20);

impl Resource for Seal {
    type Client = Store;
    const NAME: &'static str = "ledger_seal";

    fn schema() -> Schema<Self> {
        let lighter = |before, planned| matches!((before, planned), (Attr::Known(was), Attr::Known(now)) if now < was);
        Schema::version(0)
            .attr(Self::room.required().replace().identity())
            .attr(Self::number.required().replace().identity())
            .attr(Self::key_wo.write_only_required().check(|key| match key.len() {
                0..4 => Err("a key has four characters or more"),
                _ => Ok(()),
            }))
            .attr(Self::key_wo_version.default(1_u32))
            .attr(Self::weight.optional().replace_if(lighter))
            .attr(Self::terms.optional())
            .attr(Self::timeouts.optional())
            .attr(Self::key_length.computed())
    }

    async fn read(cx: &Cx<Store>, now: Self) -> Result<Option<Self>, Diagnostics> {
        let books = cx.client.look()?;
        Ok(books.seals.get(&now.place()).map(|record| Self {
            weight: record.weight,
            key_length: record.key_length.into(),
            terms: record.terms.clone().map(JsonText::from),
            ..now
        }))
    }

    async fn create(cx: &Cx<Store>, want: Self) -> Outcome<Self> {
        press(cx, want, None, Timed::Create).await
    }

    async fn update(cx: &Cx<Store>, was: Self, want: Self) -> Outcome<Self> {
        // The key comes with every apply; only its version says that it is another one.
        let kept = (was.key_wo_version == want.key_wo_version).then_some(*was.key_length.require()?);
        press(cx, want, kept, Timed::Update).await
    }

    async fn delete(cx: &Cx<Store>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        cx.client.with(|books| books.seals.remove(&was.place()))?;
        Ok(Applied::Done(()))
    }

    async fn import(_cx: &Cx<Store>, id: String) -> Result<Self, Diagnostics> {
        let parts = id.split_once('/').and_then(|(room, number)| Some((room, number.parse().ok()?)));
        let (room, number) = parts.ok_or_else(|| format!("ROOM/NUMBER expected, got {id}"))?;
        Ok(Self::at(room, number))
    }

    async fn import_by(_cx: &Cx<Store>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        match (identity.get(Self::room), identity.get(Self::number)) {
            (Attr::Known(room), Attr::Known(number)) => Ok(Self::at(&room, number)),
            _ => Err("an identity has room and number".into()),
        }
    }

    fn move_from(source: &MoveSource) -> Result<Option<Self>, Diagnostics> {
        if source.type_name != "terraform_data" {
            return Ok(None);
        }
        let input = source.state.get("input").and_then(|input| input.get("value")).and_then(|value| value.as_str());
        let place = input.and_then(|text| text.split_once('/')).and_then(|(r, n)| Some((r, n.parse().ok()?)));
        let (room, number) = place.ok_or("only data whose input is ROOM/NUMBER can become a seal")?;
        Ok(Some(Self::at(room, number)))
    }
}

impl Seal {
    /// A seal of which no more is known than where it hangs.
    pub(crate) fn at(room: &str, number: u32) -> Self {
        Self {
            room: room.to_owned(),
            number,
            key_wo: WriteOnly::absent(),
            key_wo_version: 1,
            weight: None,
            terms: None,
            timeouts: None,
            key_length: Computed::absent(),
        }
    }

    fn place(&self) -> String {
        format!("{}/{}", self.room, self.number)
    }
}

/// Presses a seal, with the key of the configuration, or with the one that the ledger has.
async fn press(cx: &Cx<Store>, want: Seal, kept: Option<u64>, call: Timed) -> Outcome<Seal> {
    let patience = Timeouts::of(want.timeouts.as_ref(), call, PATIENCE);
    // Nothing heavier than a kilogram comes to its end.
    if want.weight.is_some_and(|grams| grams > 1_000) {
        tokio::select! {
            () = tokio::time::sleep(patience) => {
                return Err(Diagnostic::error(format!("Seal {} was not pressed within {patience:?}", want.place()))
                    .detail("Set `timeouts = { create = \"30m\" }` to wait for longer.")
                    .at(Seal::timeouts)
                    .into());
            }
            () = cx.stopping() => return Err("stopped".into()),
        }
    }
    let given = want.key_wo.get().map(|key| key.chars().count() as u64);
    let key_length = kept.or(given).ok_or("a seal needs a key")?;
    let terms = want.terms.as_ref().map(|terms| terms.get().clone());
    let record = SealRecord { weight: want.weight, key_length, terms: terms.clone() };
    cx.client.with(|books| books.seals.insert(want.place(), record))?;
    Ok(Applied::Done(Seal { key_length: key_length.into(), terms: terms.map(JsonText::from), ..want }))
}
