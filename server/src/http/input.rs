//! What comes in: bodies, idempotency keys, run ids, pages. Every error of a body is told at once.

use super::{Failed, parse::Wrongs};
use crate::{
    app::{Call, Code, Once, Refusal},
    auth::Identity,
};
use aws_lc_rs::digest::{Context, SHA256};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use orbit_api::FieldProblem;
use orbit_store::PageOf;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// The body of a call, and under which key and in which run it was asked.
#[derive(Debug)]
pub(crate) struct Asked<T> {
    body: T,
    wrong: Vec<FieldProblem>,
    once: Option<Once>,
    run: Option<String>,
}

/// A call without a body.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

impl<T> Asked<T> {
    /// The call, its body, and what is wrong with the body's shape. Where something is, the body is mended with stand-ins, so that the handler can
    /// tell of the other fields too; [`Wrongs::done`] refuses it.
    pub(crate) fn by(self, who: Identity) -> (Call, T, Wrongs) {
        (Call { who, once: self.once, run: self.run }, self.body, Wrongs::of_shape(self.wrong))
    }
}

impl Asked<NoBody> {
    /// The call.
    pub(crate) fn bare(self, who: Identity) -> Result<Call, Refusal> {
        let (call, _, wrong) = self.by(who);
        wrong.done(|| Some(call))
    }
}

const KEY_MAX: usize = 200;

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequest<S> for Asked<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        let headers = request.headers().clone();
        let what = format!("{} {}", request.method(), request.uri());
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refusal::new(Code::TooLarge, "the body is larger than the server takes")
                    .remedy("send less at once; server.body_limit_bytes is the limit")
            } else {
                Refusal::new(Code::Malformed, "the body did not arrive whole").remedy("send it again")
            }
        })?;
        let body = if bytes.is_empty() { Value::Object(serde_json::Map::new()) } else { json(&headers, &bytes)? };
        refuse_nul(&body)?;
        let (body, wrong) = shape(body).map_err(Refusal::fields)?;
        Ok(Self { body, wrong, once: once(&headers, &what, &bytes)?, run: short(&headers, "orbit-run-id")? })
    }
}

fn json(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(kind.as_str(), "application/json" | "application/merge-patch+json") {
        return Err(Refusal::new(Code::MediaType, format!("the body is {kind}")).remedy("send application/json"));
    }
    serde_json::from_slice(bytes).map_err(|e| {
        let at = format!("line {}, column {}", e.line(), e.column());
        Refusal::new(Code::Malformed, format!("the body is no JSON: {at}")).remedy("mend the JSON there")
    })
}

/// The character NUL: PostgreSQL keeps it in no text, and nobody needs it in one.
fn refuse_nul(body: &Value) -> Result<(), Refusal> {
    const MOST: usize = 50;
    let mut found = Vec::new();
    find_nul(body, "", &mut found);
    if found.is_empty() {
        return Ok(());
    }
    let told = |pointer: String| FieldProblem {
        pointer,
        code: "character".to_owned(),
        detail: "has the character NUL".to_owned(),
        limit: None,
        value: None,
        remedy: Some("take the character out".to_owned()),
        rule: None,
    };
    Err(Refusal::fields(found.into_iter().take(MOST).map(told).collect()))
}

fn find_nul(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains('\0') => found.push(pointer.to_owned()),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                find_nul(item, &format!("{pointer}/{i}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                if name.contains('\0') {
                    found.push(pointer.to_owned());
                }
                find_nul(field, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
}

fn once(headers: &HeaderMap, what: &str, body: &[u8]) -> Result<Option<Once>, Refusal> {
    let Some(key) = short(headers, "idempotency-key")? else { return Ok(None) };
    let mut hash = Context::new(&SHA256);
    hash.update(what.as_bytes());
    hash.update(&[0]);
    hash.update(body);
    Ok(Some(Once { key, hash: hash.finish().as_ref().to_vec() }))
}

fn short(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if (1..=KEY_MAX).contains(&text.len()) => Ok(Some(text.to_owned())),
        _ => Err(Refusal::new(Code::Malformed, format!("the header {name} takes 1 to {KEY_MAX} visible characters"))
            .remedy("send a shorter one")),
    }
}

/// Reads a body and tells every field of a wrong type, missing or unknown, not only the first: what is wrong is told and mended, and the rest is
/// read again. Answers the body, mended, with what was wrong; or only that, where it cannot be mended. Bounded by the number of rounds.
fn shape<T: DeserializeOwned>(mut body: Value) -> Result<(T, Vec<FieldProblem>), Vec<FieldProblem>> {
    const ROUNDS: usize = 100;
    // serde would take a list for an object's fields in their order.
    if !body.is_object() {
        return Err(vec![told("", "invalid type: no object, expected an object")]);
    }
    let mut wrong: Vec<FieldProblem> = Vec::new();
    for _ in 0..ROUNDS {
        let error = match serde_path_to_error::deserialize::<_, T>(&body) {
            Ok(read) => return Ok((read, wrong)),
            Err(error) => error,
        };
        let (mut path, text) = (pointer(error.path()), error.inner().to_string());
        let missing = missing(&text);
        if let Some(name) = missing {
            path = format!("{path}/{name}");
        }
        // What stands in for something is not the caller's.
        let within =
            |told: &FieldProblem| path.strip_prefix(&told.pointer).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        if !wrong.iter().any(within) {
            wrong.push(told(&path, &text));
        }
        let mended = if missing.is_some() || is_of_a_list(&body, &path) {
            stand_in::<T>(&mut body, &path)
        } else {
            take_out(&mut body, &path)
        };
        if !mended {
            return Err(wrong);
        }
    }
    Err(wrong)
}

/// serde's words name Rust types.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative, and not too large",
        "i8" | "i16" | "i32" | "i64" => "a whole number that is not too large",
        "a string" | "string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "" => "another value",
        other if other.starts_with("struct ") || other.starts_with("a map") => "an object",
        other => other,
    }
}

/// The field that serde misses.
fn missing(text: &str) -> Option<&str> {
    text.strip_prefix("missing field `").and_then(|t| t.split('`').next())
}

/// Whether a pointer leads to an item of a list: to take it out would move those behind it.
fn is_of_a_list(body: &Value, pointer: &str) -> bool {
    pointer.rsplit_once('/').is_some_and(|(parent, _)| body.pointer(parent).is_some_and(Value::is_array))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(part).collect()
}

/// What is wrong, in JSON's words. What was given is not told back: it may be a secret in the wrong place.
fn told(pointer: &str, text: &str) -> FieldProblem {
    let text = text.split(" at line ").next().unwrap_or(text);
    let expected = text.rsplit_once("expected ").map_or("", |(_, expected)| expected).replace('`', "");
    let (code, detail, remedy) = if text.starts_with("missing field") {
        ("missing", "is missing".to_owned(), "give it".to_owned())
    } else if text.starts_with("unknown field") {
        let known = expected.trim_start_matches("one of ");
        ("unknown-field", "is no field that Orbit knows".to_owned(), format!("take it out; known are: {known}"))
    } else if text.starts_with("unknown variant") {
        let words = expected.trim_start_matches("one of ");
        ("type", format!("is none of: {words}"), "give one of them".to_owned())
    } else {
        let kind = in_words(&expected);
        ("type", format!("is of another type: {kind} is expected"), format!("give {kind}"))
    };
    FieldProblem {
        pointer: if pointer.is_empty() { "/".to_owned() } else { pointer.to_owned() },
        code: code.to_owned(),
        detail,
        limit: None,
        value: None,
        remedy: Some(remedy),
        rule: None,
    }
}

/// Takes a field out, so that the rest can be read.
fn take_out(body: &mut Value, pointer: &str) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return false };
    let name = name.replace("~1", "/").replace("~0", "~");
    match body.pointer_mut(parent) {
        Some(Value::Object(fields)) => fields.remove(&name).is_some(),
        _ => false,
    }
}

/// Puts something of the right type where a field is missing or an item of a list is wrong, so that the rest can be read. What it is does not matter:
/// the body is refused anyhow.
fn stand_in<T: DeserializeOwned>(body: &mut Value, pointer: &str) -> bool {
    let mut tries = vec![
        Value::Object(serde_json::Map::new()),
        Value::Array(vec![]),
        Value::from(false),
        Value::from(0),
        Value::from(""),
    ];
    while let Some(value) = tries.pop() {
        let is_object = value.is_object();
        if !put(body, pointer, value) {
            return false;
        }
        let Err(error) = serde_path_to_error::deserialize::<_, T>(&*body) else { return true };
        let (at, text) = (self::pointer(error.path()), error.inner().to_string());
        // A text that is none of the words of an enum: the error names them.
        if at == pointer && text.starts_with("unknown variant `") {
            let word = text.split_once("expected ").and_then(|(_, words)| words.split('`').nth(1));
            tries.extend(word.map(Value::from));
        } else if !at.starts_with(pointer) || (is_object && missing(&text).is_some()) {
            return true;
        }
    }
    take_out(body, pointer)
}

/// Puts a value where a pointer leads: a field, or an item that is there.
fn put(body: &mut Value, pointer: &str, value: Value) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return false };
    match body.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.insert(name.replace("~1", "/").replace("~0", "~"), value)),
        Some(Value::Array(items)) => match name.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
            Some(item) => *item = value,
            None => return false,
        },
        _ => return false,
    }
    true
}

/// Query parameters; what is wrong with them is told as a problem.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failed;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(read)) => Ok(Self(read)),
            Err(rejection) => {
                let text = rejection.body_text();
                // "Failed to deserialize query string: limit: invalid digit found in string"
                let why = text.split_once("query string: ").map_or(text.as_str(), |(_, why)| why);
                Err(Refusal::new(Code::Malformed, format!("the query cannot be read: {why}"))
                    .remedy("GET /v1/openapi.json tells what each parameter takes")
                    .into())
            }
        }
    }
}

/// `?limit=` and `?cursor=` of a list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// At most so many: 1 to 500, default 100.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 500;

impl Paging {
    /// The page asked for, by a key that is a text.
    pub(crate) fn by_text(&self) -> Result<PageOf<String>, Refusal> {
        let after = match &self.cursor {
            None => None,
            Some(cursor) => {
                let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                Some(text.filter(|t| !t.contains('\0')).ok_or_else(bad_cursor)?)
            }
        };
        Ok(PageOf { after, limit: self.limit()? })
    }
    /// The page asked for, by a key that is an id.
    pub(crate) fn by_id(&self) -> Result<PageOf<uuid::Uuid>, Refusal> {
        let page = self.by_text()?;
        let after = page.after.map(|text| text.parse().map_err(|_| bad_cursor())).transpose()?;
        Ok(PageOf { after, limit: page.limit })
    }
    fn limit(&self) -> Result<u32, Refusal> {
        match self.limit.unwrap_or(LIMIT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            other => Err(Refusal::fields(vec![FieldProblem {
                pointer: "limit".to_owned(),
                code: "range".to_owned(),
                detail: format!("is {other}"),
                limit: Some(LIMIT_MAX.to_string()),
                value: Some(other.to_string()),
                remedy: Some(format!("give 1 to {LIMIT_MAX}")),
                rule: None,
            }])),
        }
    }
}

fn bad_cursor() -> Refusal {
    Refusal::new(Code::Malformed, "the cursor is none that a list gave").remedy("begin without a cursor")
}

/// A page as it goes out: a full one leads on by the key of its last row.
pub(crate) fn page<T, K: ToString>(items: Vec<(K, T)>, limit: u32) -> orbit_api::Page<T> {
    let full = items.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = items.last().filter(|_| full).map(|(key, _)| cursor(key));
    orbit_api::Page { items: items.into_iter().map(|(_, item)| item).collect(), next_cursor: next }
}

/// What leads on after a row of this key.
pub(crate) fn cursor(key: &impl ToString) -> String {
    URL_SAFE_NO_PAD.encode(key.to_string())
}

/// `If-Match`: the revision that the caller read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Failed;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let revision = value.to_str().ok().and_then(|v| match v.trim().trim_matches('"') {
            "*" => Some(None),
            number => number.parse().ok().map(Some),
        });
        let bad =
            || Refusal::new(Code::Malformed, "If-Match holds no ETag of Orbit's").remedy("send the ETag that you read");
        Ok(Self(revision.ok_or_else(bad)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orbit_api::TopicCreate;
    use serde_json::json;

    fn wrong(body: Value) -> Vec<(String, String)> {
        shape::<TopicCreate>(body)
            .map_or_else(|wrong| wrong, |(_, wrong)| wrong)
            .into_iter()
            .map(|f| (f.pointer, f.code))
            .collect()
    }

    #[test]
    fn a_field_that_has_to_be_there_and_is_of_another_type_is_told_once() {
        let body = json!({ "workspace": 7, "environment": "e", "name": ["n"], "tags": [1, "a", 2] });
        let due = [("/workspace", "type"), ("/name", "type"), ("/tags/0", "type"), ("/tags/2", "type")];
        let mut due = due.map(|(p, c)| (p.to_owned(), c.to_owned())).to_vec();
        let mut told = wrong(body);
        due.sort();
        told.sort();
        assert_eq!(told, due);
    }

    #[test]
    fn what_is_missing_in_an_item_does_not_hide_the_others() {
        let item = json!({ "action": "shred", "topic": { "workspace": "w" } });
        let (_, told) = shape::<orbit_api::TopicEvaluate>(json!({ "items": [item, 7], "more": 1 })).unwrap();
        let mut told: Vec<_> = told.into_iter().map(|f| f.pointer).collect();
        told.sort();
        let due = ["/items/0/action", "/items/0/topic/environment", "/items/0/topic/name", "/items/1", "/more"];
        assert_eq!(told, due);
    }

    #[test]
    fn every_field_of_a_wrong_shape_is_told_at_once() {
        let body = json!({ "workspace": "w", "partitions": "six", "colour": "blue", "config": { "a": 1 }, "cleanup_policy": "shred" });
        let mut told = wrong(body);
        told.sort();
        let due = [
            ("/cleanup_policy", "type"),
            ("/colour", "unknown-field"),
            ("/config/a", "type"),
            ("/environment", "missing"),
            ("/name", "missing"),
            ("/partitions", "type"),
        ];
        assert_eq!(told, due.map(|(p, c)| (p.to_owned(), c.to_owned())));
    }

    #[test]
    fn a_body_that_is_no_object_is_told_once() {
        assert_eq!(wrong(json!([1, 2])).len(), 1);
        assert_eq!(wrong(json!("x")).len(), 1);
    }

    #[test]
    fn a_full_page_leads_on() {
        let out = page(vec![("a", 1), ("b", 2)], 2);
        let paging = Paging { limit: Some(2), cursor: out.next_cursor };
        assert_eq!(paging.by_text().unwrap().after.as_deref(), Some("b"));
        assert_eq!(page(vec![("a", 1)], 2).next_cursor, None);
    }
}
