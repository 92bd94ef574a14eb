//! Lists, page after page.

use crate::{
    Orbit,
    orbit::{ask, nowhere},
};
use orbit_api::{
    Topic,
    client::{ClientError, PageQuery, TopicQuery},
};
use tfplugin::{Cx, Diagnostic, Diagnostics};

/// The largest page that Orbit gives.
pub(crate) const PAGE: u32 = 500;

/// A list has no more pages: a server that leads in a circle must not keep us for ever.
const MOST_PAGES: u32 = 2_000;

/// Every page of a list.
pub(crate) async fn all<T, Call: Future<Output = Result<orbit_api::Page<T>, ClientError>>>(
    cx: &Cx<Orbit>,
    what: &str,
    call: impl Fn(PageQuery) -> Call,
) -> Result<Vec<T>, Diagnostics> {
    let mut all = Vec::new();
    let mut page = PageQuery { limit: Some(PAGE), cursor: None };
    for _ in 0..MOST_PAGES {
        let got = ask(cx, call(page.clone())).await.map_err(|e| e.tell(what, &nowhere))?;
        all.extend(got.items);
        if got.next_cursor.is_none() {
            return Ok(all);
        }
        page.cursor = got.next_cursor;
    }
    let most = u64::from(PAGE) * u64::from(MOST_PAGES);
    Err(Diagnostic::error(format!("Orbit's list of {what} does not end"))
        .detail(format!("It went on after {most} of them."))
        .into())
}

/// Every topic that fits.
pub(crate) async fn topics(cx: &Cx<Orbit>, which: TopicQuery) -> Result<Vec<Topic>, Diagnostics> {
    let client = cx.client.client()?;
    all(cx, "topics", |page| {
        let which = TopicQuery { page, ..which.clone() };
        async move { client.topic_list(&which).await }
    })
    .await
}
