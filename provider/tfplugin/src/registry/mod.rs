//! What a provider offers, by type name, with the Rust types erased: once, here.

mod erased;

pub(crate) use erased::{AnyAction, AnyDataSource, AnyEphemeral, AnyFunction, AnyList, AnyResource, Failed, Stored};

use crate::{
    DataSource, EphemeralResource, Function, ListResource, Model, Provider, ProviderAction, Resource,
    function::ParameterSpec,
    schema::{Kind, SchemaSpec, clean_doc, described},
    value::{AttributeType, Type},
};
use erased::Of;
use std::collections::BTreeMap;

/// The resources, data sources, functions and so on of a provider.
#[must_use]
pub struct Registry<C> {
    pub(crate) resources: Entries<dyn AnyResource<C>>,
    pub(crate) data_sources: Entries<dyn AnyDataSource<C>>,
    pub(crate) ephemerals: Entries<dyn AnyEphemeral<C>>,
    pub(crate) lists: Entries<dyn AnyList<C>>,
    pub(crate) actions: Entries<dyn AnyAction<C>>,
    pub(crate) functions: BTreeMap<&'static str, FunctionEntry>,
    problems: Vec<String>,
}

type Entries<A> = BTreeMap<&'static str, Entry<A>>;

pub(crate) struct Entry<A: ?Sized> {
    pub(crate) schema: SchemaSpec,
    pub(crate) handler: Box<A>,
}

/// A function with what Terraform is told of it.
pub(crate) struct FunctionEntry {
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) deprecated: Option<&'static str>,
    pub(crate) parameters: Vec<ParameterSpec>,
    pub(crate) variadic: Option<ParameterSpec>,
    pub(crate) output: Type,
    pub(crate) handler: Box<dyn AnyFunction>,
}

impl<C: Send + Sync + 'static> Registry<C> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            lists: BTreeMap::new(),
            actions: BTreeMap::new(),
            functions: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// A resource more.
    pub fn resource<R: Resource<Client = C>>(mut self) -> Self {
        let schema = self.inspect(Kind::Resource, R::NAME, R::schema());
        let entry = Entry { schema, handler: Box::new(Of::<R>::NEW) as Box<dyn AnyResource<C>> };
        let twice = self.resources.insert(R::NAME, entry).is_some();
        self.once(Kind::Resource, R::NAME, twice)
    }

    /// A data source more.
    pub fn data_source<D: DataSource<Client = C>>(mut self) -> Self {
        let schema = self.inspect(Kind::DataSource, D::NAME, D::schema());
        let entry = Entry { schema, handler: Box::new(Of::<D>::NEW) as Box<dyn AnyDataSource<C>> };
        let twice = self.data_sources.insert(D::NAME, entry).is_some();
        self.once(Kind::DataSource, D::NAME, twice)
    }

    /// An ephemeral resource more.
    pub fn ephemeral<E: EphemeralResource<Client = C>>(mut self) -> Self {
        let schema = self.inspect(Kind::Ephemeral, E::NAME, E::schema());
        let entry = Entry { schema, handler: Box::new(Of::<E>::NEW) as Box<dyn AnyEphemeral<C>> };
        let twice = self.ephemerals.insert(E::NAME, entry).is_some();
        self.once(Kind::Ephemeral, E::NAME, twice)
    }

    /// A list resource more. It bears the name of the resource that it finds.
    pub fn list<L: ListResource>(mut self) -> Self
    where
        L::Of: Resource<Client = C>,
    {
        let name = L::Of::NAME;
        let schema = self.inspect(Kind::List, name, L::schema());
        let entry = Entry { schema, handler: Box::new(Of::<L>::NEW) as Box<dyn AnyList<C>> };
        let twice = self.lists.insert(name, entry).is_some();
        self.once(Kind::List, name, twice)
    }

    /// An action more.
    pub fn action<A: ProviderAction<Client = C>>(mut self) -> Self {
        let schema = self.inspect(Kind::Action, A::NAME, A::schema());
        let entry = Entry { schema, handler: Box::new(Of::<A>::NEW) as Box<dyn AnyAction<C>> };
        let twice = self.actions.insert(A::NAME, entry).is_some();
        self.once(Kind::Action, A::NAME, twice)
    }

    /// A function more.
    pub fn function<F: Function>(mut self) -> Self {
        let (parameters, variadic) = F::parameters().into_specs();
        let named: Vec<_> = parameters.iter().chain(&variadic).map(|parameter| parameter.name).collect();
        let mut wrong = |what: String| self.problems.push(format!("function {}: {what}", F::NAME));
        let is_legal = F::NAME.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !is_legal || !F::NAME.starts_with(|c: char| c.is_ascii_lowercase()) {
            wrong("a name has lower-case letters, digits and underscores, a letter first".to_owned());
        }
        if named != F::FIELDS {
            wrong(format!("its parameters are {named:?}, its fields {:?}", F::FIELDS));
        }
        for parameter in parameters.iter().chain(&variadic).filter(|parameter| parameter.description.is_empty()) {
            wrong(format!("{}: it has no doc comment", parameter.name));
        }
        let doc = clean_doc(F::DOC);
        if doc.is_empty() {
            wrong("the model has no doc comment".to_owned());
        }
        let summary = doc.lines().next().unwrap_or_default().to_owned();
        let (description, deprecated) = (described(&doc, F::DEPRECATED), F::DEPRECATED);
        let output = F::Output::shape().ty();
        let handler = Box::new(Of::<F>::NEW);
        let entry = FunctionEntry { summary, description, deprecated, parameters, variadic, output, handler };
        if self.functions.insert(F::NAME, entry).is_some() {
            self.problems.push(format!("function {}: registered twice", F::NAME));
        }
        self
    }

    fn once(mut self, kind: Kind, name: &str, twice: bool) -> Self {
        if twice {
            self.problems.push(format!("{} {name}: registered twice", kind.word()));
        }
        self
    }

    fn inspect<M: Model>(&mut self, kind: Kind, name: &str, schema: crate::Schema<M>) -> SchemaSpec {
        let what = kind.word();
        self.problems.extend(schema.problems_as(kind).into_iter().map(|p| format!("{what} {name}: {p}")));
        schema.into_spec(kind)
    }

    /// Everything that is wrong with the schemas of a provider: of its block, its resources and all the rest.
    pub(crate) fn problems<P: Provider<Client = C>>(&self) -> Vec<String> {
        let own = P::schema().problems_as(Kind::Provider).into_iter().map(|p| format!("provider: {p}"));
        let prefix = format!("{}_", P::NAME);
        let names = self.resources.keys().chain(self.data_sources.keys());
        let names = names.chain(self.ephemerals.keys()).chain(self.actions.keys());
        let strangers = names.filter(|name| !name.starts_with(&prefix) && **name != P::NAME);
        let strangers = strangers.map(|name| format!("{name}: the name does not start with {prefix}"));
        let identified =
            |name: &str| self.resources.get(name).is_some_and(|resource| resource.schema.identity.is_some());
        let lists = self.lists.keys().filter(|name| !identified(name));
        let lists = lists.map(|name| format!("list resource {name}: no resource of that name has an identity"));
        own.chain(self.problems.iter().cloned()).chain(strangers).chain(lists).collect()
    }
}

impl<C: Send + Sync + 'static> Default for Registry<C> {
    fn default() -> Self {
        Self::new()
    }
}
