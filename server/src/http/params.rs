//! Query parameters are what the API's document says: one that is no parameter of the route is refused, or a slip of the pen would list everything.

use super::{Failed, parse::Wrongs};
use crate::app::Refusal;
use axum::{
    extract::{MatchedPath, Query, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use utoipa::openapi::{
    OpenApi, RefOr,
    path::{Operation, Parameter, ParameterIn},
};

/// The names of the query parameters of each route.
#[derive(Clone)]
pub(super) struct Known(Arc<HashMap<(Method, String), BTreeSet<String>>>);

impl Known {
    pub(super) fn of(api: &OpenApi) -> Self {
        let mut known = HashMap::new();
        for (path, item) in &api.paths.paths {
            let operations = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
                (Method::PATCH, &item.patch),
            ];
            for (method, operation) in operations {
                let Some(operation) = operation else { continue };
                known.insert((method, path.clone()), names(operation));
            }
        }
        Self(Arc::new(known))
    }

    fn check(&self, request: &Request) -> Result<(), Refusal> {
        let Some(path) = request.extensions().get::<MatchedPath>() else { return Ok(()) };
        let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        let Some(known) = self.0.get(&(method, path.as_str().to_owned())) else { return Ok(()) };
        let mut wrong = Wrongs::default();
        let Ok(Query(given)) = Query::<Vec<(String, String)>>::try_from_uri(request.uri()) else { return Ok(()) };
        for (name, _) in given.iter().filter(|(name, _)| !known.contains(name)) {
            let all: Vec<_> = known.iter().map(String::as_str).collect();
            let remedy = match all.as_slice() {
                [] => "take it out: the route takes none".to_owned(),
                some => format!("take it out; known are: {}", some.join(", ")),
            };
            wrong.note(name, "unknown-parameter", "is no parameter of this route", None, &remedy);
        }
        wrong.done(|| Some(()))
    }
}

fn names(operation: &Operation) -> BTreeSet<String> {
    let of_query = |p: &RefOr<Parameter>| match p {
        RefOr::T(p) if matches!(p.parameter_in, ParameterIn::Query) => Some(p.name.clone()),
        _ => None,
    };
    operation.parameters.iter().flatten().filter_map(of_query).collect()
}

pub(super) async fn check(State(known): State<Known>, request: Request, next: Next) -> Response {
    match known.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => Failed::from(refusal).into_response(),
    }
}
