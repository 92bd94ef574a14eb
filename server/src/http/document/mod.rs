//! What makes the OpenAPI document whole, beside what the handlers say: for every operation the same, so written once.
//!
//! Refusals are problems (RFC 9457); answers say what their status means; what is created links to what can be done with it; request bodies and the main
//! answers have examples (`examples.json`).

mod limits;

use limits::Limits;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::{
    OpenApi, RefOr, Required, Server,
    header::Header,
    link::Link,
    path::{Operation, Parameter, PathItem},
    response::Response,
    schema::{ArrayItems, Object, Ref, Schema, SchemaType, Type},
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
    let limits = Limits::read();
    let deeds = deeds(&api);
    for (path, item) in &mut api.paths.paths {
        for operation in operations(item) {
            complete(operation, &examples, &limits);
            fail_too(operation);
            link(operation, path, &deeds);
        }
    }
    join_parts(&mut api);
    bodies_that_may_be_left_out(&mut api);
    name_pages(&mut api);
    drop_unused(&mut api);
    let tagged = with_revision(&api);
    for (path, item) in &mut api.paths.paths {
        for operation in operations(item).filter(|_| path.starts_with("/v1/")) {
            headers(operation, &tagged);
        }
    }
    let components = api.components.get_or_insert_default();
    for (name, schema) in &mut components.schemas {
        limits.of_schema(name, schema);
    }
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

fn complete(operation: &mut Operation, examples: &Examples, limits: &Limits) {
    let id = operation.operation_id.clone().unwrap_or_default();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            never_null(parameter);
            limits.of_parameter(&id, parameter);
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
    if let (Some(RefOr::T(body)), Some(example)) = (&mut operation.request_body, examples.requests.get(&id)) {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                content.example = Some(example.clone());
            }
        }
    }
}

/// What is refused as a problem can fail as one.
fn fail_too(operation: &mut Operation) {
    let refused = operation.responses.responses.get("4XX").cloned();
    if let Some(RefOr::T(mut response)) = refused {
        meaning("5XX").clone_into(&mut response.description);
        operation.responses.responses.entry("5XX".to_owned()).or_insert(RefOr::T(response));
    }
}

/// Schemas of objects that count their changes: their answers bear an ETag.
fn with_revision(api: &OpenApi) -> BTreeSet<String> {
    // A policy counts versions.
    let counts = |name: &str, schema: &RefOr<Schema>| {
        let revision = matches!(schema, RefOr::T(Schema::Object(object)) if object.properties.contains_key("revision"));
        revision || name == "TopicPolicy"
    };
    let schemas = api.components.iter().flat_map(|components| &components.schemas);
    let those = schemas.filter(|(name, schema)| counts(name, schema));
    those.map(|(name, _)| format!("#/components/schemas/{name}")).collect()
}

/// The headers that answers bear.
fn headers(operation: &mut Operation, tagged: &BTreeSet<String>) {
    const EVERY: [(&str, &str, Type); 4] = [
        (
            "Orbit-Version",
            "The version of the server: a client that does not understand it can say which is older.",
            Type::String,
        ),
        ("X-Request-Id", "Names the call in the server's log, and in a problem.", Type::String),
        ("RateLimit-Policy", "How many calls the principal may make, and how fast that fills up again.", Type::String),
        ("RateLimit", "How many calls are left, and when there are more.", Type::String),
    ];
    let deletes = operation.operation_id.as_deref().is_some_and(|id| id.ends_with("_delete"));
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let is_tagged = response.content.values().any(|content| match content {
            RefOr::T(content) => matches!(&content.schema, Some(RefOr::Ref(of)) if tagged.contains(&of.ref_location)),
            RefOr::Ref(_) => false,
        });
        let own = match status.as_str() {
            "201" | "202" => Some((
                "Location",
                "Where what was made can be seen, or the work or the request that it waits for.",
                Type::String,
            )),
            "4XX" | "5XX" | "503" => Some((
                "Retry-After",
                "After how many seconds to call again, where that helps: with 429 and 503.",
                Type::Integer,
            )),
            _ => None,
        };
        let etag = Some(("ETag", "The revision of the object: If-Match of a change takes it.", Type::String));
        let etag = etag.filter(|_| is_tagged && !deletes);
        for (name, text, kind) in EVERY.into_iter().chain(own).chain(etag) {
            let mut header = Header::new(Object::with_type(kind));
            header.description = Some(text.to_owned());
            response.headers.entry(name.to_owned()).or_insert(RefOr::T(header));
        }
    }
}

fn drop_unused(api: &mut OpenApi) {
    let text = serde_json::to_string(api).expect("the document is JSON");
    let used = |name: &str| text.contains(&format!("\"#/components/schemas/{name}\""));
    api.components.get_or_insert_default().schemas.retain(|name, _| used(name));
}

/// A body of which nothing is due may be left out: it is taken as `{}`.
fn bodies_that_may_be_left_out(api: &mut OpenApi) {
    let schemas = &api.components.get_or_insert_default().schemas;
    let nothing_is_due = |schema: &RefOr<Schema>| {
        let RefOr::Ref(reference) = schema else { return false };
        let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
        matches!(schemas.get(name), Some(RefOr::T(Schema::Object(object))) if object.required.is_empty())
    };
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        let Some(RefOr::T(body)) = &mut operation.request_body else { continue };
        let optional = body
            .content
            .values()
            .all(|content| matches!(content, RefOr::T(content) if content.schema.as_ref().is_some_and(nothing_is_due)));
        body.required = Some(if optional { Required::False } else { Required::True });
    }
}

/// A type that takes in the fields of another is one object, not `allOf` two: that other may take no unknown fields where it stands alone, and generated
/// clients get one plain type.
fn join_parts(api: &mut OpenApi) {
    let schemas = &mut api.components.get_or_insert_default().schemas;
    let alone = schemas.clone();
    let object_of = |part: &RefOr<Schema>| match part {
        RefOr::T(Schema::Object(object)) => Some(object.clone()),
        RefOr::Ref(reference) => match alone.get(reference.ref_location.rsplit('/').next()?) {
            Some(RefOr::T(Schema::Object(object))) => Some(object.clone()),
            _ => None,
        },
        RefOr::T(_) => None,
    };
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::AllOf(all)) = schema else { continue };
        let Some(parts) = all.items.iter().map(object_of).collect::<Option<Vec<_>>>() else { continue };
        let mut whole = Object::new();
        whole.description.clone_from(&all.description);
        for part in parts {
            whole.required.extend(part.required);
            whole.properties.extend(part.properties);
        }
        *schema = RefOr::T(Schema::Object(whole));
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
        "5XX" => "Not able to answer now, or Orbit failed: call again.",
        _ => "Refused. `code` says why, `errors` which fields, `remedy` what to do.",
    }
}

fn problems(response: &mut Response) {
    let content = std::mem::take(&mut response.content);
    response.content = content.into_values().map(|c| ("application/problem+json".to_owned(), c)).collect();
}

/// Where one can go from an answer: a place in it, and the path whose one parameter that fills.
const LEADS: [(&str, &str, &str); 3] = [
    ("topic_create", "operation/id", "/v1/operations/{operation}"),
    ("topic_create", "request/id", "/v1/requests/{request}"),
    ("request_create", "operation_id", "/v1/operations/{operation}"),
];

/// What can be done with an object, by the path that names it.
type Deeds = BTreeMap<String, Vec<(String, String)>>;

/// Operation and path parameter of everything at or below a path with one parameter.
fn deeds(api: &OpenApi) -> Deeds {
    let mut deeds = Deeds::new();
    for (path, item) in &api.paths.paths {
        let Some((collection, rest)) = path.split_once("/{") else { continue };
        let Some((parameter, deeper)) = rest.split_once('}') else { continue };
        if deeper.contains('{') {
            continue;
        }
        let of = [&item.get, &item.put, &item.post, &item.patch, &item.delete].into_iter().flatten();
        let of = of.filter_map(|operation| Some((operation.operation_id.clone()?, parameter.to_owned())));
        deeds.entry(format!("{collection}/{{{parameter}}}")).or_default().extend(of);
    }
    deeds
}

/// Leads from what an operation answers to what can be done with it.
fn link(operation: &mut Operation, collection: &str, deeds: &Deeds) {
    let Some(id) = operation.operation_id.clone().filter(|id| id.ends_with("_create")) else { return };
    let own = deeds.keys().filter(|path| path.strip_prefix(collection).is_some_and(|rest| rest.starts_with("/{")));
    let own = own.map(|path| ("id", path.as_str()));
    let further = LEADS.iter().filter(|(from, ..)| *from == id).map(|(_, at, path)| (*at, *path));
    let leads: Vec<_> = own.chain(further).collect();
    for status in ["201", "202"] {
        let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) else { continue };
        for (at, path) in &leads {
            for (deed, parameter) in deeds.get(*path).into_iter().flatten() {
                let value = format!("$response.body#/{at}");
                let link = Link::builder().operation_id(deed).parameter(parameter, value).build();
                response.links.insert(deed.clone(), RefOr::T(link));
            }
        }
    }
}
