//! The struct behind a schema.

use super::Attributes;
use crate::value::{AttributeType, Value, ValueError};

/// A struct whose fields are attributes. Written by [`model!`](crate::model).
pub trait Model: Sized + Clone + std::fmt::Debug + Send + Sync + 'static {
    /// The names of the attributes.
    const FIELDS: &'static [&'static str];
    /// The doc comment: the description in the schema.
    const DOC: &'static str;
    /// Reads the struct from an object.
    ///
    /// # Errors
    /// Names the attribute that does not fit.
    fn from_object(value: &Value) -> Result<Self, ValueError>;
    /// Writes the struct as an object.
    fn to_object(&self) -> Value;
}

/// A model that is an attribute of another: a nested attribute, alone or in a list, set or map.
pub trait Nested: Model {
    /// The rules of its attributes.
    fn attributes() -> Attributes<Self>;
}

#[doc(hidden)]
pub fn read_field<T: AttributeType>(object: &Value, name: &'static str) -> Result<T, ValueError> {
    if object.as_object().is_none() {
        return crate::value::convert::unfit("an object", object);
    }
    let step = || crate::Step::Attribute(name.to_owned());
    T::from_value(object.attribute(name)).map_err(|e| e.within(step()))
}

/// `r#type` is the attribute `type`.
#[doc(hidden)]
#[must_use]
pub const fn attribute_name(ident: &'static str) -> &'static str {
    match ident.as_bytes() {
        [b'r', b'#', ..] => ident.split_at(2).1,
        _ => ident,
    }
}

/// Makes a struct, its codec and a typed handle on each field. The doc comments are the documentation that users read.
///
/// ```
/// use std::collections::BTreeMap;
/// use tfplugin::{Computed, model};
/// model! {
///     /// A Kafka topic owned by a workspace.
///     pub struct Topic {
///         /// Name inside the environment.
///         name: String,
///         /// Settings that are managed here; what is absent is left to the broker.
///         config: Option<BTreeMap<String, String>>,
///         /// Id of the topic.
///         id: Computed<String>,
///     }
/// }
/// assert_eq!(Topic::name.name(), "name");
/// ```
#[macro_export]
macro_rules! model {
    ($(#[doc = $doc:literal])* $(#[derive($($derive:path),* $(,)?)])? $vis:vis struct $model:ident {
        $($(#[doc = $field_doc:literal])* $field:ident : $ty:ty),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq $($(, $derive)*)?)]
        $vis struct $model {
            $($(#[doc = $field_doc])* $vis $field: $ty),*
        }

        #[expect(non_upper_case_globals, reason = "a handle is named like its attribute")]
        impl $model {
            $(
                $(#[doc = $field_doc])*
                $vis const $field: $crate::Field<$model, $ty> = $crate::Field::new(
                    $crate::schema::attribute_name(stringify!($field)),
                    concat!($($field_doc, "\n",)*),
                );
            )*
        }

        impl $crate::Model for $model {
            const FIELDS: &'static [&'static str] = &[$($crate::schema::attribute_name(stringify!($field))),*];
            const DOC: &'static str = concat!($($doc, "\n",)*);

            fn from_object(value: &$crate::Value) -> ::std::result::Result<Self, $crate::ValueError> {
                Ok(Self {
                    $($field: $crate::schema::read_field(
                        value,
                        $crate::schema::attribute_name(stringify!($field)),
                    )?),*
                })
            }

            fn to_object(&self) -> $crate::Value {
                $crate::Value::Object([
                    $((
                        $crate::schema::attribute_name(stringify!($field)).to_owned(),
                        $crate::AttributeType::to_value(&self.$field),
                    )),*
                ].into())
            }
        }
    };
}
