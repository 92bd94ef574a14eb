//! What comes in: bodies, idempotency keys, run ids, pages. Every error of a body is told at once.

use super::{
    Failed,
    parse::Wrongs,
    shape::{missing, shape, told},
};
use crate::{
    app::{Call, Code, Once, Refusal, Run},
    auth::Identity,
};
use aws_lc_rs::digest::{Context, SHA256};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use orbit_api::FieldProblem;
use orbit_store::{Direction, PageOf};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The body of a call, and under which key and in which run it was asked.
#[derive(Debug)]
pub(crate) struct Asked<T> {
    body: T,
    wrong: Vec<FieldProblem>,
    once: Option<Once>,
    run: Option<Run>,
}

/// A call without a body.
#[derive(Debug, Default, Serialize, Deserialize)]
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

impl<S: Send + Sync, T: DeserializeOwned + Serialize + Send> FromRequest<S> for Asked<T> {
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
        let nul = nuls(&body);
        let (body, mut wrong) = shape(body).map_err(Refusal::fields)?;
        wrong.extend(nul);
        Ok(Self { body, wrong, once: once(&headers, &what, &bytes)?, run: run(&headers)? })
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
fn nuls(body: &Value) -> Vec<FieldProblem> {
    const MOST: usize = 50;
    let mut found = Vec::new();
    find_nul(body, "", &mut found);
    let told = |pointer: String| FieldProblem {
        pointer,
        code: "character".to_owned(),
        detail: "has the character NUL".to_owned(),
        limit: None,
        value: None,
        remedy: Some("take the character out".to_owned()),
        rule: None,
    };
    found.into_iter().take(MOST).map(told).collect()
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

/// The run that a call belongs to, and where that can be seen. An address without an id says nothing.
fn run(headers: &HeaderMap) -> Result<Option<Run>, Refusal> {
    const LONGEST: usize = 2_000;
    let id = short(headers, "orbit-run-id")?;
    let Some(value) = headers.get("orbit-run-url") else { return Ok(id.map(|id| Run { id, url: None })) };
    let url = value
        .to_str()
        .ok()
        .filter(|url| url.len() <= LONGEST && (url.starts_with("https://") || url.starts_with("http://")));
    let bad = || {
        Refusal::new(Code::Malformed, "the header orbit-run-url is no address")
            .remedy("send http:// or https:// and at most 2,000 characters, or leave it out")
    };
    let url = url.ok_or_else(bad)?.to_owned();
    Ok(id.map(|id| Run { id, url: Some(url) }))
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
        Ok(text) if (1..=KEY_MAX).contains(&text.len()) && !text.contains('\t') => Ok(Some(text.to_owned())),
        _ => Err(Refusal::new(Code::Malformed, format!("the header {name} takes 1 to {KEY_MAX} characters of ASCII"))
            .remedy("send a shorter one")),
    }
}

/// Query parameters; what is wrong with them is told as a problem.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failed;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        const ROUNDS: usize = 20;
        let unread = |why: &str| {
            Refusal::new(Code::Malformed, format!("the query cannot be read: {why}"))
                .remedy("GET /v1/openapi.json tells what each parameter takes")
        };
        let text = match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(read)) => return Ok(Self(read)),
            Err(rejection) => rejection.body_text(),
        };
        // What is wrong is told and mended, and the rest is read again: every parameter is told of at once.
        let mut text = text;
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let mut pairs = pairs.map_err(|e| unread(&e.body_text()))?.0;
        let mut wrong = Vec::new();
        for _ in 0..ROUNDS {
            // "Failed to deserialize query string: limit: invalid digit found in string"
            let why = text.split_once("query string: ").map_or(text.as_str(), |(_, why)| why);
            if let Some(name) = missing(why) {
                pairs.push((name.to_owned(), "-".to_owned()));
                wrong.push(told(name, why));
            } else if let Some((name, why)) =
                why.split_once(": ").filter(|(name, _)| pairs.iter().any(|p| p.0 == *name))
            {
                pairs.retain(|pair| pair.0 != name);
                wrong.push(told(name, &in_words(why)));
            } else {
                return Err(unread(why).into());
            }
            text = match mended(&pairs).map(|uri| axum::extract::Query::<T>::try_from_uri(&uri)) {
                Some(Err(rejection)) => rejection.body_text(),
                Some(Ok(_)) | None => break,
            };
        }
        Err(Refusal::fields(wrong).into())
    }
}

/// What the parsers of numbers say, as [`told`] takes it.
fn in_words(why: &str) -> String {
    let number =
        why.starts_with("invalid digit") || why.starts_with("number too") || why.starts_with("cannot parse integer");
    if number { "invalid value, expected u32".to_owned() } else { why.to_owned() }
}

/// An address whose query says so.
fn mended(pairs: &[(String, String)]) -> Option<Uri> {
    let url = reqwest::Url::parse_with_params("http://orbit.invalid/", pairs).ok()?;
    url.as_str().parse().ok()
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

/// `?sort=` of a list whose order is one of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum TimeSort {
    #[serde(rename = "created_at")]
    OldestFirst,
    #[serde(rename = "-created_at")]
    NewestFirst,
}

/// In which order such a list goes: newest first, where nothing else is said.
pub(crate) fn by_time(sort: Option<TimeSort>) -> Direction {
    if sort == Some(TimeSort::OldestFirst) { Direction::Up } else { Direction::Down }
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
        // One row more than asked for: where there is one, something follows.
        Ok(PageOf { after, limit: self.limit()? + 1 })
    }
    /// The page asked for, by a key that is an id.
    pub(crate) fn by_id(&self) -> Result<PageOf<uuid::Uuid>, Refusal> {
        let page = self.by_text()?;
        let after = page.after.map(|text| text.parse().map_err(|_| bad_cursor())).transpose()?;
        Ok(PageOf { after, limit: page.limit })
    }
    /// The page asked for, by a name and, among those of one name, an id: as the cursor has them, `ID NAME`.
    pub(crate) fn by_name(&self) -> Result<(PageOf<uuid::Uuid>, Option<String>), Refusal> {
        let page = self.by_text()?;
        let Some(cursor) = page.after else { return Ok((PageOf { after: None, limit: page.limit }, None)) };
        let (id, name) = cursor.split_once(' ').ok_or_else(bad_cursor)?;
        let after = Some(id.parse().map_err(|_| bad_cursor())?);
        Ok((PageOf { after, limit: page.limit }, Some(name.to_owned())))
    }
    /// The page asked for, by a key that is a number.
    pub(crate) fn by_number(&self) -> Result<PageOf<i64>, Refusal> {
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

/// A page as it goes out. Where all the rows were found that were looked for, the last one only says that something follows, and stays behind.
pub(crate) fn page<T, K: ToString>(mut rows: Vec<(K, T)>, looked_for: u32) -> orbit_api::Page<T> {
    let leads_on = rows.len() == usize::try_from(looked_for).unwrap_or(usize::MAX);
    if leads_on {
        rows.pop();
    }
    let next_cursor = rows.last().filter(|_| leads_on).map(|(key, _)| URL_SAFE_NO_PAD.encode(key.to_string()));
    orbit_api::Page { items: rows.into_iter().map(|(_, item)| item).collect(), next_cursor }
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

    #[test]
    fn a_page_leads_on_where_something_follows() {
        let paging = Paging { limit: Some(2), cursor: None };
        let looked_for = paging.by_text().unwrap().limit;
        let out = page(vec![("a", 1), ("b", 2), ("c", 3)], looked_for);
        assert_eq!(out.items, [1, 2]);
        let next = Paging { limit: Some(2), cursor: out.next_cursor };
        assert_eq!(next.by_text().unwrap().after.as_deref(), Some("b"));
        let last = page(vec![("c", 3), ("d", 4)], looked_for);
        assert_eq!((last.items, last.next_cursor), (vec![3, 4], None));
    }
}
