//! Typed handles and what is said through them.

use super::{AttributeSpec, IdentitySpec, Kind, Model, Replace, SchemaSpec, clean_doc, object_type};
use crate::value::{Attr, AttributeType, Computed, Path, Value, WriteOnly, same_text};
use std::{marker::PhantomData, sync::Arc};

/// A handle on one attribute of `M`: schema, plan view and diagnostics all go through it.
pub struct Field<M, T> {
    name: &'static str,
    doc: &'static str,
    of: PhantomData<fn() -> (M, T)>,
}

impl<M, T> Clone for Field<M, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T> Copy for Field<M, T> {}

impl<M, T> Field<M, T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, doc: &'static str) -> Self {
        Self { name, doc, of: PhantomData }
    }

    /// The attribute's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    pub(crate) const fn doc(self) -> &'static str {
        self.doc
    }

    /// The path to the attribute, to go on from: `Topic::config.path().key("retention.ms")`.
    #[must_use]
    pub fn path(self) -> Path {
        Path::attribute(self.name)
    }
}

impl<M, T> From<Field<M, T>> for Path {
    fn from(field: Field<M, T>) -> Self {
        field.path()
    }
}

/// A field with its rules.
#[must_use]
pub struct Attribute<M, T> {
    spec: AttributeSpec,
    of: PhantomData<fn() -> (M, T)>,
}

impl<M, T: AttributeType> Field<M, T> {
    fn define(self, set: impl FnOnce(&mut AttributeSpec)) -> Attribute<M, T> {
        let mut spec = AttributeSpec {
            name: self.name,
            description: clean_doc(self.doc),
            shape: T::shape(),
            required: false,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            holds_write_only: T::WRITE_ONLY,
            deprecated: None,
            keep: false,
            replace: None,
            identity: None,
            nullable: T::NULLABLE,
            means_the_same: T::MEANS_THE_SAME,
            default: None,
            checks: vec![Arc::new(|value| {
                T::Known::from_value(value).and_then(|read| same_text(value, &read.to_value()))
            })],
        };
        set(&mut spec);
        Attribute { spec, of: PhantomData }
    }
}

impl<M, T: AttributeType<Known = T>> Field<M, T> {
    /// The configuration must set it.
    pub fn required(self) -> Attribute<M, T> {
        self.define(|spec| spec.required = true)
    }

    /// The configuration may set it; otherwise it is this.
    pub fn default(self, value: impl Into<T>) -> Attribute<M, T> {
        let default = value.into().to_value();
        self.define(|spec| {
            spec.optional = true;
            // Terraform lets a provider plan a value that the configuration lacks only where it is computed.
            spec.computed = true;
            spec.default = Some(default);
        })
    }
}

/// Only an [`Option`] can be optional: anything else does not compile.
///
/// ```compile_fail
/// tfplugin::model! {
///     /// A thing.
///     pub struct Thing {
///         /// Its name.
///         name: String,
///     }
/// }
/// let name = Thing::name.optional();
/// ```
impl<M, T: AttributeType> Field<M, Option<T>> {
    /// The configuration may set it; otherwise it is null.
    pub fn optional(self) -> Attribute<M, Option<T>> {
        self.define(|spec| spec.optional = true)
    }
}

impl<M, T: AttributeType> Field<M, Computed<T>> {
    /// The provider decides.
    pub fn computed(self) -> Attribute<M, Computed<T>> {
        self.define(|spec| spec.computed = true)
    }

    /// The configuration may set it; otherwise the provider decides.
    pub fn optional_computed(self) -> Attribute<M, Computed<T>> {
        self.define(|spec| {
            spec.optional = true;
            spec.computed = true;
        })
    }
}

impl<M, T: AttributeType> Field<M, WriteOnly<T>> {
    /// The configuration may set it; it reaches create and update, and is in no plan and no state. Terraform 1.11 and
    /// newer. Since nobody can see whether it has changed, give it a companion such as `password_wo_version`.
    pub fn write_only(self) -> Attribute<M, WriteOnly<T>> {
        self.define(|spec| {
            spec.optional = true;
            spec.write_only = true;
        })
    }

    /// The same, and the configuration must set it.
    pub fn write_only_required(self) -> Attribute<M, WriteOnly<T>> {
        self.define(|spec| {
            spec.required = true;
            spec.write_only = true;
        })
    }
}

impl<M, T: AttributeType> Attribute<M, Computed<T>> {
    /// Once known it stays: a change elsewhere does not make it "known after apply" again. For ids. In a list, what stays is
    /// what was at that place: for what belongs to an element, take a map.
    pub fn keep(mut self) -> Self {
        self.spec.keep = true;
        self
    }
}

impl<M, T: AttributeType> Attribute<M, T> {
    /// A change of it cannot be made in place: the object is destroyed and created anew. In a nested object, also when that
    /// comes or goes with a value here; in a list or a map, where the element was there before and still is; in a set never,
    /// since what changes there is another element.
    pub fn replace(mut self) -> Self {
        self.spec.replace = Some(Replace::Always);
        self
    }

    /// Some changes of it cannot be made in place: those of which this says so, given the value before and the planned
    /// one. It must not depend on anything else: Terraform plans twice. While the planned value is not known yet, the object
    /// is planned to be made anew, and will be: Terraform lets no update become that.
    pub fn replace_if(mut self, rule: impl Fn(Attr<T::Known>, Attr<T::Known>) -> bool + Send + Sync + 'static) -> Self {
        let rule = move |before: &Value, planned: &Value| rule(Attr::read(before), Attr::read(planned));
        self.spec.replace = Some(Replace::If(Arc::new(rule)));
        self
    }

    /// It belongs to the identity of the object: what Terraform 1.12 and newer keep beside the state, and what an
    /// `import` block can give instead of an id. An identity never changes in the life of an object.
    pub fn identity(mut self) -> Self {
        self.spec.identity = Some(ForImport::Required);
        self
    }

    /// The same, and an `import` block may leave it out.
    pub fn identity_optional(mut self) -> Self {
        self.spec.identity = Some(ForImport::Optional);
        self
    }

    /// Terraform hides it in its output. It is still in the state.
    pub fn sensitive(mut self) -> Self {
        self.spec.sensitive = true;
        self
    }

    /// Using it warns. The text says what to use instead.
    pub fn deprecated(mut self, text: &'static str) -> Self {
        self.spec.deprecated = Some(text);
        self
    }

    /// A rule for values in the configuration, checked as soon as they are known. The error says what would be right.
    pub fn check<E: std::fmt::Display>(
        mut self,
        rule: impl Fn(&T::Known) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.spec.checks.push(Arc::new(move |value| {
            let known = T::Known::from_value(value)?;
            rule(&known).map_err(|e| crate::ValueError::new(e.to_string()))
        }));
        self
    }
}

/// Whether an `import` block must give a part of the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForImport {
    Required,
    Optional,
}

/// The attributes of a nested model, in the order of the documentation.
#[derive(Debug)]
#[must_use]
pub struct Attributes<M> {
    specs: Vec<AttributeSpec>,
    of: PhantomData<fn() -> M>,
}

impl<M: Model> Attributes<M> {
    /// None yet.
    pub fn new() -> Self {
        Self { specs: Vec::new(), of: PhantomData }
    }

    /// One more.
    pub fn attr<T>(mut self, attribute: Attribute<M, T>) -> Self {
        self.specs.push(attribute.spec);
        self
    }

    pub(crate) fn into_specs(self) -> Vec<AttributeSpec> {
        self.specs
    }
}

impl<M: Model> Default for Attributes<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// The schema of a resource, of anything else that has attributes, or of the provider: version and attributes.
#[derive(Debug)]
#[must_use]
pub struct Schema<M> {
    version: u32,
    identity_version: u32,
    deprecated: Option<&'static str>,
    attributes: Attributes<M>,
}

impl<M: Model> Schema<M> {
    /// A schema without a version: for data sources and the provider, whose values are never stored for long.
    pub fn new() -> Self {
        Self::version(0)
    }

    /// A schema of this version. States of older versions go through [`Resource::upgrade`](crate::Resource::upgrade).
    pub fn version(version: u32) -> Self {
        Self { version, identity_version: 0, deprecated: None, attributes: Attributes::new() }
    }

    /// The version of the identity, which is not that of the state: count it up when the attributes that
    /// [`Attribute::identity`] marks become others. An identity of another version is read part by part; where one is
    /// missing, the next read brings it.
    pub fn identity_version(mut self, version: u32) -> Self {
        self.identity_version = version;
        self
    }

    /// One more attribute.
    pub fn attr<T>(mut self, attribute: Attribute<M, T>) -> Self {
        self.attributes = self.attributes.attr(attribute);
        self
    }

    /// Using it at all warns. The text says what to use instead.
    pub fn deprecated(mut self, text: &'static str) -> Self {
        self.deprecated = Some(text);
        self
    }

    /// What is wrong with it as a resource's, in words for the author; empty if nothing is. Run at start-up and by the
    /// test harness.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.problems_as(Kind::Resource)
    }

    pub(crate) fn problems_as(&self, kind: Kind) -> Vec<String> {
        super::check(kind, M::FIELDS, M::DOC, &self.attributes.specs)
    }

    pub(crate) fn into_spec(self, kind: Kind) -> SchemaSpec {
        let attributes = self.attributes.into_specs();
        SchemaSpec {
            kind,
            identity: IdentitySpec::of(&attributes, self.identity_version),
            version: self.version,
            description: clean_doc(M::DOC),
            deprecated: self.deprecated,
            ty: object_type(&attributes),
            attributes,
        }
    }
}

impl<M: Model> Default for Schema<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// A default is stored as a value; used by the self-check.
pub(super) fn default_fits(spec: &AttributeSpec, default: &Value) -> Result<(), crate::ValueError> {
    spec.checks.iter().try_for_each(|check| check(default))
}
