//! One file per action.

pub(crate) mod wait_for_approval;
