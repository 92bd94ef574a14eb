//! Authors' traits over models, as traits over values.

use crate::{
    Applied, Change, Cx, DataSource, Diagnostic, Diagnostics, EphemeralResource, Failure, Found, Function,
    FunctionError, JsonObject, ListResource, Model, MoveSource, Opened, Progress, ProviderAction, Resource, Value,
    View, list::Finds, plan::Planning, value::AttributeType as _,
};
use futures::future::{BoxFuture, FutureExt as _};
use std::{marker::PhantomData, time::SystemTime};

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
    fn import_by<'a>(&self, cx: &'a Cx<C>, identity: &'a Value) -> BoxFuture<'a, Result<Value, Diagnostics>>;
    fn move_from(&self, source: &MoveSource) -> Result<Option<Value>, Diagnostics>;
    fn upgrade(&self, from: u32, state: JsonObject) -> Result<JsonObject, Diagnostics>;
}

pub(crate) trait AnyDataSource<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics>;
    fn read<'a>(&self, cx: &'a Cx<C>, query: &'a Value) -> BoxFuture<'a, Result<Value, Diagnostics>>;
}

pub(crate) trait AnyEphemeral<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics>;
    fn open<'a>(&self, cx: &'a Cx<C>, query: &'a Value) -> BoxFuture<'a, Result<Opened<Value>, Diagnostics>>;
    fn renew<'a>(&self, cx: &'a Cx<C>) -> BoxFuture<'a, Result<Option<SystemTime>, Diagnostics>>;
    fn close<'a>(&self, cx: &'a Cx<C>) -> BoxFuture<'a, Result<(), Diagnostics>>;
}

pub(crate) trait AnyList<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics>;
    /// Warnings that no find has taken along come back.
    fn list<'a>(
        &self,
        cx: &'a Cx<C>,
        query: &'a Value,
        out: Finds,
    ) -> BoxFuture<'a, Result<Vec<Diagnostic>, Diagnostics>>;
}

pub(crate) trait AnyAction<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics>;
    fn plan<'a>(&self, cx: &'a Cx<C>, config: &'a Value) -> BoxFuture<'a, Result<(), Diagnostics>>;
    fn invoke<'a>(&self, cx: &'a Cx<C>, config: &'a Value, to: &'a Progress) -> BoxFuture<'a, Result<(), Diagnostics>>;
}

pub(crate) trait AnyFunction: Send + Sync {
    fn call(&self, arguments: &Value) -> Result<Value, FunctionError>;
}

/// Stands for a type of an author's.
pub(super) struct Of<M>(PhantomData<fn() -> M>);

impl<M> Of<M> {
    pub(super) const NEW: Self = Self(PhantomData);
}

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

    fn import_by<'a>(&self, cx: &'a Cx<R::Client>, identity: &'a Value) -> BoxFuture<'a, Result<Value, Diagnostics>> {
        async move { R::import_by(cx, View::new(identity)).await.map(|state| state.to_object()) }.boxed()
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Value>, Diagnostics> {
        Ok(R::move_from(source)?.map(|state| state.to_object()))
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

impl<E: EphemeralResource> AnyEphemeral<E::Client> for Of<E> {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics> {
        E::validate(View::new(config))
    }

    fn open<'a>(&self, cx: &'a Cx<E::Client>, query: &'a Value) -> BoxFuture<'a, Result<Opened<Value>, Diagnostics>> {
        async move {
            let Opened { value, renew_at } = E::open(cx, model(query)?).await?;
            Ok(Opened { value: value.to_object(), renew_at })
        }
        .boxed()
    }

    fn renew<'a>(&self, cx: &'a Cx<E::Client>) -> BoxFuture<'a, Result<Option<SystemTime>, Diagnostics>> {
        E::renew(cx).boxed()
    }

    fn close<'a>(&self, cx: &'a Cx<E::Client>) -> BoxFuture<'a, Result<(), Diagnostics>> {
        E::close(cx).boxed()
    }
}

impl<L: ListResource> AnyList<<L::Of as Resource>::Client> for Of<L> {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics> {
        L::validate(View::new(config))
    }

    fn list<'a>(
        &self,
        cx: &'a Cx<<L::Of as Resource>::Client>,
        query: &'a Value,
        out: Finds,
    ) -> BoxFuture<'a, Result<Vec<Diagnostic>, Diagnostics>> {
        async move {
            let mut found = Found::new(out);
            let listed = L::list(cx, model(query)?, &mut found).await;
            let untold = found.into_untold();
            match listed {
                Ok(()) => Ok(untold),
                Err(e) => Err(e.or_some_error().after(untold)),
            }
        }
        .boxed()
    }
}

impl<A: ProviderAction> AnyAction<A::Client> for Of<A> {
    fn validate(&self, config: &Value) -> Result<(), Diagnostics> {
        A::validate(View::new(config))
    }

    fn plan<'a>(&self, cx: &'a Cx<A::Client>, config: &'a Value) -> BoxFuture<'a, Result<(), Diagnostics>> {
        A::plan(cx, View::new(config)).boxed()
    }

    fn invoke<'a>(
        &self,
        cx: &'a Cx<A::Client>,
        config: &'a Value,
        to: &'a Progress,
    ) -> BoxFuture<'a, Result<(), Diagnostics>> {
        async move { A::invoke(cx, model(config)?, to).await }.boxed()
    }
}

impl<F: Function> AnyFunction for Of<F> {
    fn call(&self, arguments: &Value) -> Result<Value, FunctionError> {
        let read = F::from_object(arguments).map_err(|e| {
            let parameter = e.path.steps().first().and_then(|step| match step {
                crate::Step::Attribute(name) => F::FIELDS.iter().find(|field| *field == name).copied(),
                _ => None,
            });
            let index = e.path.steps().get(1).and_then(|step| match step {
                crate::Step::Index(index) => usize::try_from(*index).ok(),
                _ => None,
            });
            FunctionError { text: e.what, parameter, index: index.unwrap_or(0) }
        })?;
        F::call(read).map(|output| output.to_value())
    }
}
