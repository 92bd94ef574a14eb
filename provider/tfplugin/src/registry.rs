//! What a provider offers, by type name, with the Rust types erased: once, here.

use crate::{
    Applied, Change, Cx, DataSource, Diagnostic, Diagnostics, Failure, JsonObject, Model, Provider, Resource, Value,
    View,
    plan::Planning,
    schema::{Kind, SchemaSpec},
};
use futures::future::{BoxFuture, FutureExt as _};
use std::{collections::BTreeMap, marker::PhantomData};

/// The resources and data sources of a provider.
#[must_use]
pub struct Registry<C> {
    pub(crate) resources: BTreeMap<&'static str, Entry<dyn AnyResource<C>>>,
    pub(crate) data_sources: BTreeMap<&'static str, Entry<dyn AnyDataSource<C>>>,
    problems: Vec<String>,
}

pub(crate) struct Entry<A: ?Sized> {
    pub(crate) schema: SchemaSpec,
    pub(crate) handler: Box<A>,
}

impl<C: Send + Sync + 'static> Registry<C> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { resources: BTreeMap::new(), data_sources: BTreeMap::new(), problems: Vec::new() }
    }

    /// A resource more.
    pub fn resource<R: Resource<Client = C>>(mut self) -> Self {
        let schema = self.inspect(Kind::Resource, R::NAME, R::schema());
        let handler = Box::new(Of::<R>(PhantomData));
        if self.resources.insert(R::NAME, Entry { schema, handler }).is_some() {
            self.problems.push(format!("resource {}: registered twice", R::NAME));
        }
        self
    }

    /// A data source more.
    pub fn data_source<D: DataSource<Client = C>>(mut self) -> Self {
        let schema = self.inspect(Kind::DataSource, D::NAME, D::schema());
        let handler = Box::new(Of::<D>(PhantomData));
        if self.data_sources.insert(D::NAME, Entry { schema, handler }).is_some() {
            self.problems.push(format!("data source {}: registered twice", D::NAME));
        }
        self
    }

    fn inspect<M: Model>(&mut self, kind: Kind, name: &str, schema: crate::Schema<M>) -> SchemaSpec {
        let what = if kind == Kind::DataSource { "data source" } else { "resource" };
        self.problems.extend(schema.problems_as(kind).into_iter().map(|p| format!("{what} {name}: {p}")));
        schema.into_spec()
    }

    /// Everything that is wrong with the schemas of a provider: of its block, its resources and its data sources.
    pub(crate) fn problems<P: Provider<Client = C>>(&self) -> Vec<String> {
        let own = P::schema().problems_as(Kind::Provider).into_iter().map(|p| format!("provider: {p}"));
        let prefix = format!("{}_", P::NAME);
        let names = self.resources.keys().chain(self.data_sources.keys());
        let strangers = names.filter(|name| !name.starts_with(&prefix) && **name != P::NAME);
        let strangers = strangers.map(|name| format!("{name}: the name does not start with {prefix}"));
        own.chain(self.problems.iter().cloned()).chain(strangers).collect()
    }
}

impl<C: Send + Sync + 'static> Default for Registry<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// A success with its state, and a warning if it is not quite done.
pub(crate) type Stored = (Value, Option<Diagnostic>);
/// A failure with the state that its author wants kept.
pub(crate) type Failed = (Diagnostics, Option<Value>);

pub(crate) trait AnyResource<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics>;
    fn plan<'a>(&self, cx: &'a Cx<C>, planning: &'a mut Planning) -> BoxFuture<'a, Result<(), Diagnostics>>;
    fn read<'a>(&self, cx: &'a Cx<C>, now: &'a Value) -> BoxFuture<'a, Result<Option<Value>, Diagnostics>>;
    fn create<'a>(&self, cx: &'a Cx<C>, want: &'a Value) -> BoxFuture<'a, Result<Stored, Failed>>;
    fn update<'a>(&self, cx: &'a Cx<C>, was: &'a Value, want: &'a Value) -> BoxFuture<'a, Result<Stored, Failed>>;
    fn delete<'a>(&self, cx: &'a Cx<C>, was: &'a Value) -> BoxFuture<'a, Result<Stored, Failed>>;
    fn import<'a>(&self, cx: &'a Cx<C>, id: String) -> BoxFuture<'a, Result<Value, Diagnostics>>;
    fn upgrade(&self, from: u32, state: JsonObject) -> Result<JsonObject, Diagnostics>;
}

pub(crate) trait AnyDataSource<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics>;
    fn read<'a>(&self, cx: &'a Cx<C>, query: &'a Value) -> BoxFuture<'a, Result<Value, Diagnostics>>;
}

struct Of<M>(PhantomData<fn() -> M>);

fn model<M: Model>(value: &Value) -> Result<M, Diagnostics> {
    M::from_object(value).map_err(Diagnostics::from)
}

fn stored<M: Model>(applied: Applied<M>) -> Stored {
    match applied {
        Applied::Done(state) => (state.to_object(), None),
        Applied::Pending(state, warning) => (state.to_object(), Some(warning)),
    }
}

fn failed<M: Model>(failure: Failure<M>) -> Failed {
    let (diagnostics, state) = failure.into_parts();
    (diagnostics, state.map(|state| state.to_object()))
}

impl<R: Resource> AnyResource<R::Client> for Of<R> {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics> {
        R::validate(View::new(config))
    }

    fn plan<'a>(&self, cx: &'a Cx<R::Client>, planning: &'a mut Planning) -> BoxFuture<'a, Result<(), Diagnostics>> {
        async move { R::plan(cx, &mut Change::new(planning)).await }.boxed()
    }

    fn read<'a>(&self, cx: &'a Cx<R::Client>, now: &'a Value) -> BoxFuture<'a, Result<Option<Value>, Diagnostics>> {
        async move {
            let found = R::read(cx, model(now)?).await?;
            Ok(found.map(|state| state.to_object()))
        }
        .boxed()
    }

    fn create<'a>(&self, cx: &'a Cx<R::Client>, want: &'a Value) -> BoxFuture<'a, Result<Stored, Failed>> {
        async move {
            let want = model(want).map_err(|e| (e, None))?;
            R::create(cx, want).await.map(stored).map_err(failed)
        }
        .boxed()
    }

    fn update<'a>(
        &self,
        cx: &'a Cx<R::Client>,
        was: &'a Value,
        want: &'a Value,
    ) -> BoxFuture<'a, Result<Stored, Failed>> {
        async move {
            let (was, want) = (model(was).map_err(|e| (e, None))?, model(want).map_err(|e| (e, None))?);
            R::update(cx, was, want).await.map(stored).map_err(failed)
        }
        .boxed()
    }

    fn delete<'a>(&self, cx: &'a Cx<R::Client>, was: &'a Value) -> BoxFuture<'a, Result<Stored, Failed>> {
        async move {
            let was = model(was).map_err(|e| (e, None))?;
            match R::delete(cx, was).await {
                Ok(Applied::Done(())) => Ok((Value::Null, None)),
                Ok(Applied::Pending((), warning)) => Ok((Value::Null, Some(warning))),
                Err(failure) => Err(failed(failure)),
            }
        }
        .boxed()
    }

    fn import<'a>(&self, cx: &'a Cx<R::Client>, id: String) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        async move { R::import(cx, id).await.map(|state| state.to_object()) }.boxed()
    }

    fn upgrade(&self, from: u32, state: JsonObject) -> Result<JsonObject, Diagnostics> {
        R::upgrade(from, state)
    }
}

impl<D: DataSource> AnyDataSource<D::Client> for Of<D> {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics> {
        D::validate(View::new(config))
    }

    fn read<'a>(&self, cx: &'a Cx<D::Client>, query: &'a Value) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        async move {
            let answer = D::read(cx, model(query)?).await?;
            Ok(answer.to_object())
        }
        .boxed()
    }
}
