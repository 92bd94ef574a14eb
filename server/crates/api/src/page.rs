//! Lists come in pages.

use serde::{Deserialize, Serialize};

/// One page of a list. `next_cursor` leads to the next one; absent on the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The objects.
    pub items: Vec<T>,
    /// Give it back as `?cursor=` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
