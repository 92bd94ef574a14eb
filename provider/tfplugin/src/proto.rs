//! What `build.rs` generates from `proto/`. Nothing outside `rpc`, `serve`, `testing` and the conversions sees it.

macro_rules! generated {
    ($(#[$doc:meta])* $name:ident, $package:literal) => {
        $(#[$doc])*
        #[expect(
            clippy::all,
            clippy::pedantic,
            clippy::allow_attributes,
            unused_qualifications,
            unreachable_pub,
            reason = "generated code"
        )]
        pub(crate) mod $name {
            tonic::include_proto!($package);
        }
    };
}

generated!(
    /// Terraform's own services and messages.
    tfplugin6,
    "tfplugin6"
);
generated!(
    /// The services of go-plugin.
    plugin,
    "plugin"
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// A wrong number would not fail to compile: it would silently drop a field on the wire.
    #[test]
    fn every_field_number_is_the_one_in_the_fact_table() {
        let ours: BTreeSet<&str> = include_str!(concat!(env!("OUT_DIR"), "/fields.txt")).lines().collect();
        let facts: BTreeSet<&str> = include_str!("../proto/facts.txt").lines().collect();
        assert_eq!(ours.difference(&facts).collect::<Vec<_>>(), Vec::<&&str>::new());
        assert!(ours.len() > 100, "the descriptor lost messages: {}", ours.len());
    }
}
