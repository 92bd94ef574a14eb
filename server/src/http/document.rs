//! What makes the OpenAPI document whole, beside what the handlers say: for every operation the same, so written once.
//!
//! Refusals are problems (RFC 9457); answers say what their status means; what is created links to what can be done with it; request bodies and the main
//! answers have examples (`examples.json`).

use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::openapi::{
    OpenApi, RefOr, Server,
    link::Link,
    path::{Operation, Parameter, PathItem},
    response::Response,
    schema::{ArrayItems, Ref, Schema, SchemaType, Type},
};

/// Examples by operation (of its request body) and by schema. A test calls every operation with its own, and reads every other back.
#[derive(serde::Deserialize)]
struct Examples {
    requests: BTreeMap<String, Value>,
    schemas: BTreeMap<String, Value>,
}

/// The document, whole.
pub(super) fn whole(mut api: OpenApi) -> OpenApi {
    let examples: Examples =
        serde_json::from_str(include_str!("examples.json")).expect("a committed file, and tests read it");
    let mut server = Server::new("/");
    server.description = Some("The server that serves this document.".to_owned());
    api.servers = Some(vec![server]);
    let links = links_of(&api);
    for (path, item) in &mut api.paths.paths {
        let deeper = links.get(path);
        for operation in operations(item) {
            complete(operation, &examples);
            if operation.operation_id.as_deref().is_some_and(|id| id.ends_with("_create"))
                && let Some(links) = deeper
            {
                link(operation, links);
            }
        }
    }
    name_pages(&mut api);
    let components = api.components.get_or_insert_default();
    for (name, example) in examples.schemas {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name) {
            object.examples = vec![example];
        }
    }
    api
}

/// Of the generic `Page<Topic>` the schema `TopicPage`, whose items are the `Topic` that is there: so generated clients have one type of it.
fn name_pages(api: &mut OpenApi) {
    let name_of = |page: &str| page.strip_prefix("Page_").map(|item| format!("{item}Page"));
    let components = api.components.get_or_insert_default();
    let schemas = std::mem::take(&mut components.schemas).into_iter();
    components.schemas = schemas
        .map(|(name, mut schema)| {
            if let (Some(item), RefOr::T(Schema::Object(page))) = (name.strip_prefix("Page_"), &mut schema)
                && let Some(RefOr::T(Schema::Array(array))) = page.properties.get_mut("items")
            {
                array.items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(item))));
            }
            (name_of(&name).unwrap_or(name), schema)
        })
        .collect();
    let responses = api.paths.paths.values_mut().flat_map(operations).flat_map(|o| o.responses.responses.values_mut());
    for response in
        responses.filter_map(|response| if let RefOr::T(response) = response { Some(response) } else { None })
    {
        for content in response.content.values_mut() {
            if let RefOr::T(content) = content
                && let Some(RefOr::Ref(reference)) = &mut content.schema
                && let Some(name) = reference.ref_location.rsplit('/').next().and_then(name_of)
            {
                *reference = Ref::from_schema_name(name);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch]
        .into_iter()
        .filter_map(Option::as_mut)
}

fn complete(operation: &mut Operation, examples: &Examples) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            never_null(parameter);
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            if response.description.is_empty() {
                meaning(status).clone_into(&mut response.description);
            }
            if status.starts_with(['4', '5']) {
                problems(response);
            }
        }
    }
    let id = operation.operation_id.as_deref().unwrap_or_default();
    if let (Some(RefOr::T(body)), Some(example)) = (&mut operation.request_body, examples.requests.get(id)) {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                content.example = Some(example.clone());
            }
        }
    }
}

/// What an optional field of ours is in JSON, a parameter is not: it is there or it is not.
fn never_null(parameter: &mut Parameter) {
    let Some(RefOr::T(schema)) = &mut parameter.schema else { return };
    match schema {
        Schema::Object(object) => {
            if let SchemaType::Array(types) = &object.schema_type
                && let [one] = types.iter().filter(|t| **t != Type::Null).collect::<Vec<_>>().as_slice()
            {
                object.schema_type = SchemaType::Type((*one).clone());
            }
        }
        Schema::OneOf(one_of) => {
            one_of.items.retain(
                |item| !matches!(item, RefOr::T(Schema::Object(o)) if o.schema_type == SchemaType::Type(Type::Null)),
            );
            if let [only] = one_of.items.as_slice() {
                parameter.schema = Some(only.clone());
            }
        }
        _ => {}
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "Done, or found.",
        "201" => "It is there. Where it can be seen: `Location`.",
        "202" => "Accepted: work is under way, or a person decides. Where to look: `Location`.",
        "204" => "Done, and there is nothing to show.",
        "503" => "Not able to answer now.",
        _ => "Refused. `code` says why, `errors` which fields, `remedy` what to do.",
    }
}

fn problems(response: &mut Response) {
    let content = std::mem::take(&mut response.content);
    response.content = content.into_values().map(|c| ("application/problem+json".to_owned(), c)).collect();
}

/// What can be done with an object of a collection, by the collection's path: operation and path parameter.
fn links_of(api: &OpenApi) -> BTreeMap<String, Vec<(String, String)>> {
    let mut links = BTreeMap::<_, Vec<_>>::new();
    for (path, item) in &api.paths.paths {
        let Some((collection, parameter)) = path.strip_suffix('}').and_then(|path| path.rsplit_once("/{")) else {
            continue;
        };
        let of = [&item.get, &item.patch, &item.delete].into_iter().flatten();
        let of = of.filter_map(|operation| operation.operation_id.clone());
        links.entry(collection.to_owned()).or_default().extend(of.map(|operation| (operation, parameter.to_owned())));
    }
    links
}

fn link(operation: &mut Operation, links: &[(String, String)]) {
    for status in ["201", "202"] {
        let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) else { continue };
        for (operation_id, parameter) in links {
            let link = Link::builder().operation_id(operation_id).parameter(parameter, "$response.body#/id").build();
            response.links.insert(operation_id.clone(), RefOr::T(link));
        }
    }
}
