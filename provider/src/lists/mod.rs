//! One file per list resource.

pub(crate) mod topics;
