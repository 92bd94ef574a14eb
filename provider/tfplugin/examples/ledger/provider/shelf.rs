//! Resource `ledger_shelf`: every shape that an attribute can have, kept nowhere but in the state.

use super::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use tfplugin::{
    Action, Applied, Attributes, Change, Computed, Cx, Diagnostics, Dynamic, Failure, Nested, Number, Outcome,
    Resource, Schema, model, value::Refinement,
};

model! {
    /// A shelf, of which nobody keeps a record.
    pub(crate) struct Shelf {
        /// Changing it puts up another shelf.
        room: Computed<String>,
        /// Width in metres.
        width: Option<f64>,
        /// How many grains of dust are on it.
        dust: Option<Number>,
        /// Whether it stands.
        standing: bool,
        /// Names of its boards, in order.
        boards: Option<Vec<String>>,
        /// Who may take from it.
        readers: Option<BTreeSet<String>>,
        /// Pairs of notes.
        notes: Option<BTreeMap<String, Vec<String>>>,
        /// A secret drawer.
        drawer: Option<String>,
        /// A hook at its side.
        hook: Option<bool>,
        /// Anything at all that is to be known of it.
        facts: Option<Dynamic>,
        /// The box at the bottom.
        base: Option<Item>,
        /// The boxes in order.
        row: Option<Vec<Item>>,
        /// The boxes in no order.
        heap: Option<BTreeSet<Item>>,
        /// The boxes by name.
        named: Option<BTreeMap<String, Item>>,
        /// How many boxes there are.
        count_of_items: Computed<u64>,
        /// Where it can be looked at: `shelf://`, and more.
        url: Computed<String>,
    }
}

model! {
    /// A box.
    #[derive(Eq, PartialOrd, Ord)]
    pub(crate) struct Item {
        /// What is written on it.
        label: String,
        /// Its size.
        size: u32,
        /// Its material. Changing it replaces the shelf.
        material: Option<String>,
        /// Its serial number.
        serial: Computed<String>,
    }
}

impl Nested for Item {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::label.required().check(
                |label| {
                    if label.is_empty() { Err("a label is not empty") } else { Ok(()) }
                },
            ))
            .attr(Self::size.default(1_u32))
            .attr(Self::material.optional().replace())
            .attr(Self::serial.computed().keep())
    }
}

impl Resource for Shelf {
    type Client = Store;
    const NAME: &'static str = "ledger_shelf";

    fn schema() -> Schema<Self> {
        Schema::version(0)
            .attr(Self::room.optional_computed().keep().replace())
            .attr(Self::width.optional())
            .attr(Self::dust.optional())
            .attr(Self::standing.default(true))
            .attr(Self::boards.optional())
            .attr(Self::readers.optional())
            .attr(Self::notes.optional())
            .attr(Self::drawer.optional().sensitive())
            .attr(Self::hook.optional().deprecated("Shelves have no hooks any more."))
            .attr(Self::facts.optional())
            .attr(Self::base.optional())
            .attr(Self::row.optional())
            .attr(Self::heap.optional())
            .attr(Self::named.optional())
            .attr(Self::count_of_items.computed())
            .attr(Self::url.computed().keep())
    }

    async fn plan(_cx: &Cx<Store>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        if change.action() == Action::Create {
            change.promise(Self::url, Refinement { prefix: Some("shelf://".to_owned()), ..Refinement::default() });
        }
        Ok(())
    }

    async fn read(_cx: &Cx<Store>, now: Self) -> Result<Option<Self>, Diagnostics> {
        Ok(Some(now))
    }

    async fn create(_cx: &Cx<Store>, want: Self) -> Outcome<Self> {
        Ok(Applied::Done(want.numbered()))
    }

    async fn update(_cx: &Cx<Store>, _was: Self, want: Self) -> Outcome<Self> {
        Ok(Applied::Done(want.numbered()))
    }

    async fn delete(_cx: &Cx<Store>, _was: Self) -> Result<Applied<()>, Failure<Self>> {
        Ok(Applied::Done(()))
    }
}

impl Shelf {
    /// With everything set that the provider decides.
    fn numbered(mut self) -> Self {
        let mut count = 0;
        let mut number = |mut item: Item| {
            count += 1;
            if item.serial.get().is_none() {
                item.serial = format!("{}-{}", item.label, item.size).into();
            }
            item
        };
        self.base = self.base.map(&mut number);
        self.row = self.row.map(|row| row.into_iter().map(&mut number).collect());
        self.heap = self.heap.map(|heap| heap.into_iter().map(&mut number).collect());
        self.named = self.named.map(|named| named.into_iter().map(|(k, item)| (k, number(item))).collect());
        self.count_of_items = count.into();
        if self.room.get().is_none() {
            self.room = "hall".to_owned().into();
        }
        if self.url.get().is_none() {
            // A provider that does not keep what its plan promised, for once.
            let scheme = if self.room.get().is_some_and(|room| room == "cellar") { "http" } else { "shelf" };
            self.url = format!("{scheme}://{}", self.room.get().map_or("", String::as_str)).into();
        }
        self
    }
}
