//! The self-check of schemas: Terraform's rules, told to the author before Terraform tells the user.

use tfplugin::{Attributes, Computed, Nested, Schema, model};

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
