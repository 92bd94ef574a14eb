//! Nothing here: what is measured is in `benches/`.
