//! The self-check of schemas: Terraform's rules, told to the author before Terraform tells the user.

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tfplugin::{
    AttributeType, Attributes, Computed, Diagnostics, Dynamic, Host, Nested, Provider, Registry, Schema, Type, Value,
    ValueError, View, WriteOnly, model, schema::Shape, testing::Core,
};

model! {
    /// A model.
    pub(crate) struct Model {
        /// Fine.
        name: String,
        /// A name of Terraform's own.
        count: u32,
        undocumented: Option<String>,
        /// Never defined.
        forgotten: Computed<String>,
        /// Nested.
        part: Option<Part>,
        /// With a default that its own check refuses.
        size: u32,
    }
}

model! {
    /// A part.
    pub(crate) struct Part {
        note: Option<String>,
    }
}

impl Nested for Part {
    fn attributes() -> Attributes<Self> {
        Attributes::new().attr(Self::note.optional())
    }
}

#[test]
fn everything_wrong_is_listed_at_once() {
    let too_small = |size: &u32| if *size > 5 { Ok(()) } else { Err("too small") };
    let schema = Schema::version(1)
        .attr(Model::name.required())
        .attr(Model::name.required())
        .attr(Model::count.required())
        .attr(Model::undocumented.optional())
        .attr(Model::part.optional())
        .attr(Model::size.default(1_u32).check(too_small));
    assert_eq!(
        schema.problems(),
        [
            "name: the schema defines it 2 times",
            "count: the name is Terraform's own",
            "forgotten: the schema does not define it",
            "undocumented: it has no doc comment",
            "part.note: it has no doc comment",
            "size: its default is refused by its own check: too small",
        ]
    );
}

#[test]
fn a_raw_identifier_is_the_attribute_without_its_prefix() {
    model! {
        /// A model.
        pub(crate) struct Raw {
            /// Its type.
            r#type: String,
        }
    }
    assert_eq!(Raw::r#type.name(), "type");
    assert_eq!(Schema::version(0).attr(Raw::r#type.required()).problems(), Vec::<String>::new());
}

#[test]
fn what_would_destroy_objects_over_nothing_is_refused() {
    model! {
        /// A model.
        pub(crate) struct Trap {
            /// Set by the provider where it is not given.
            place: Computed<String>,
            /// The same, but it keeps what it was.
            home: Computed<String>,
            /// Sets of anything, inside of something else.
            odd: Option<Vec<Anything>>,
        }
    }
    let schema = Schema::version(0)
        .attr(Trap::place.optional_computed().replace())
        .attr(Trap::home.optional_computed().keep().replace())
        .attr(Trap::odd.optional());
    assert_eq!(
        schema.problems(),
        [
            "place: it is computed and a change of it replaces, so it has to keep its value or have a default",
            "odd: a collection cannot hold values of dynamic type: make all of it one",
        ]
    );
}

#[test]
fn what_would_be_a_change_in_every_plan_or_crash_terraform_is_refused() {
    model! {
        /// A model.
        pub(crate) struct Restless {
            /// A part that is there unless another one is given, with something open.
            part: Numbered,
            /// A part that the provider fills in.
            filled: Computed<Numbered>,
            /// Values of any type.
            any: Option<BTreeMap<String, Dynamic>>,
            /// Parts with values of any type.
            parts: Option<Vec<Loose>>,
        }
    }
    model! {
        /// A part.
        pub(crate) struct Numbered {
            /// Its name.
            name: Option<String>,
            /// Its number.
            number: Computed<u64>,
        }
    }
    model! {
        /// A part.
        pub(crate) struct Loose {
            /// Anything.
            value: Option<Dynamic>,
        }
    }
    impl Nested for Numbered {
        fn attributes() -> Attributes<Self> {
            Attributes::new().attr(Self::name.optional()).attr(Self::number.computed())
        }
    }
    impl Nested for Loose {
        fn attributes() -> Attributes<Self> {
            Attributes::new().attr(Self::value.optional())
        }
    }
    let schema = Schema::version(0)
        .attr(Restless::part.default(Numbered { name: None, number: Computed::absent() }))
        .attr(Restless::filled.optional_computed())
        .attr(Restless::any.optional())
        .attr(Restless::parts.optional());
    assert_eq!(
        schema.problems(),
        [
            "part: its default leaves something open, so every plan would be a change",
            "filled: Terraform proposes nothing for it where the configuration has nothing, since not all in it is computed: let it keep its value",
            "any: a collection cannot hold values of dynamic type: make all of it one",
            "parts: a collection cannot hold values of dynamic type: make all of it one",
        ]
    );
}

#[test]
fn what_is_written_only_or_tells_objects_apart_has_rules_of_its_own() {
    model! {
        /// A model.
        pub(crate) struct Rules {
            /// Changes in place, so another object could come to have it.
            place: String,
            /// Shown to everybody.
            secret: String,
            /// No scalar.
            parts: BTreeMap<String, String>,
            /// Boxes in no order.
            heap: Option<BTreeSet<Boxed>>,
            /// The provider keeps it.
            id: Computed<String>,
            /// Would be stored, and should not be.
            leak: Option<WriteOnly<String>>,
            /// Replaces, but nobody sees a change.
            blind: WriteOnly<String>,
        }
    }
    let schema = Schema::version(0)
        .attr(Rules::leak.optional())
        .attr(Rules::blind.write_only().replace())
        .attr(Rules::place.required().identity())
        .attr(Rules::secret.required().replace().sensitive().identity())
        .attr(Rules::parts.required().replace().identity())
        .attr(Rules::heap.optional())
        .attr(Rules::id.computed().keep().identity());
    assert_eq!(
        schema.problems(),
        [
            "leak: its type is for write-only attributes, and it is none",
            "blind: it is write-only, so nobody can see that it changes: let its version replace the object",
            "place: it belongs to the identity, so a change of it has to replace the object, or the provider has to keep it",
            "secret: an identity is shown to everybody",
            "parts: an identity is made of strings, numbers and bools",
            "heap: a set cannot hold write-only attributes",
        ]
    );
}

model! {
    /// A box with a lock.
    #[derive(Eq, PartialOrd, Ord)]
    pub(crate) struct Boxed {
        /// Its number.
        number: u32,
        /// Its key.
        key: WriteOnly<String>,
    }
}

impl Nested for Boxed {
    fn attributes() -> Attributes<Self> {
        Attributes::new().attr(Self::number.required()).attr(Self::key.write_only())
    }
}

/// A set of values of any type, as a type of one's own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Anything;

impl AttributeType for Anything {
    type Known = Self;
    fn shape() -> Shape {
        Shape::Type(Type::Set(Box::new(Type::Dynamic)))
    }
    fn from_value(_: &Value) -> Result<Self, ValueError> {
        Ok(Self)
    }
    fn to_value(&self) -> Value {
        Value::Null
    }
}

model! {
    /// Settings of a provider.
    pub(crate) struct Settings {
        /// Terraform's own.
        alias: Option<String>,
        /// A resource may not have it, a provider may.
        connection: Option<String>,
    }
}

struct Reserved;

impl Provider for Reserved {
    type Config = Settings;
    type Client = ();
    const NAME: &'static str = "reserved";
    const SOURCE: &'static str = "local.example/test/reserved";
    fn schema() -> Schema<Settings> {
        Schema::new().attr(Settings::alias.optional()).attr(Settings::connection.optional())
    }
    fn registry() -> Registry<()> {
        Registry::new()
    }
    async fn configure(_: View<'_, Settings>, _: &Host) -> Result<(), Diagnostics> {
        Ok(())
    }
}

#[tokio::test]
#[should_panic(expected = "Invalid schema: provider: alias: the name is Terraform's own")]
async fn each_kind_of_block_has_names_of_terraforms_own() {
    Core::<Reserved>::start(json!({})).await;
}
