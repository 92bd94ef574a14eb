//! Lists, page after page.

use crate::{
    Orbit,
    orbit::{ask, nowhere},
};
use orbit_api::{
    Topic,
    client::{ClientError, PageQuery, TopicQuery},
};
use tfplugin::{Cx, Diagnostics};

/// The largest page that Orbit gives.
pub(crate) const PAGE: u32 = 500;

/// Every page of a list.
pub(crate) async fn all<T, Call: Future<Output = Result<orbit_api::Page<T>, ClientError>>>(
    cx: &Cx<Orbit>,
    what: &str,
    call: impl Fn(PageQuery) -> Call,
) -> Result<Vec<T>, Diagnostics> {
    let mut all = Vec::new();
    let mut page = PageQuery { limit: Some(PAGE), cursor: None };
    loop {
        let got = ask(cx, call(page.clone())).await.map_err(|e| e.tell(what, &nowhere))?;
        all.extend(got.items);
        // A server that leads in a circle must not keep us for ever.
        if got.next_cursor.is_none() || got.next_cursor == page.cursor {
            return Ok(all);
        }
        page.cursor = got.next_cursor;
    }
}

/// Every topic that fits.
pub(crate) async fn topics(cx: &Cx<Orbit>, which: TopicQuery) -> Result<Vec<Topic>, Diagnostics> {
    let client = cx.client.client()?;
    all(cx, "the topics", |page| {
        let which = TopicQuery { page, ..which.clone() };
        async move { client.topic_list(&which).await }
    })
    .await
}
