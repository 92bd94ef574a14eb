//! Where in a value something is.

use crate::proto::tfplugin6::{AttributePath, attribute_path};
use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// An attribute of an object.
    Attribute(String),
    /// An element of a map.
    Key(String),
    /// An element of a list.
    Index(u64),
}

/// The way from the root of a resource to an attribute: what a diagnostic points at.
///
/// ```
/// use tfplugin::Path;
/// let path = Path::attribute("config").key("retention.ms");
/// assert_eq!(path.to_string(), r#"config["retention.ms"]"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// The root itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// An attribute of the root.
    #[must_use]
    pub fn attribute(name: impl Into<String>) -> Self {
        Self::default().attr(name)
    }

    /// On to an attribute of the object here.
    #[must_use]
    pub fn attr(mut self, name: impl Into<String>) -> Self {
        self.0.push(Step::Attribute(name.into()));
        self
    }

    /// On to an element of the map here.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// On to an element of the list here.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index as u64));
        self
    }

    /// The steps from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The attribute that the path starts with.
    pub(crate) fn first(&self) -> Self {
        Self(self.0.iter().take(1).cloned().collect())
    }

    pub(crate) fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    pub(crate) fn prepend(&mut self, step: Step) {
        self.0.insert(0, step);
    }

    pub(crate) fn to_proto(&self) -> AttributePath {
        use attribute_path::step::Selector;
        let steps = self.0.iter().map(|step| attribute_path::Step {
            selector: Some(match step {
                Step::Attribute(name) => Selector::AttributeName(name.clone()),
                Step::Key(key) => Selector::ElementKeyString(key.clone()),
                Step::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
            }),
        });
        AttributePath { steps: steps.collect() }
    }

    pub(crate) fn from_proto(path: &AttributePath) -> Self {
        use attribute_path::step::Selector;
        let steps = path.steps.iter().filter_map(|step| match step.selector.as_ref()? {
            Selector::AttributeName(name) => Some(Step::Attribute(name.clone())),
            Selector::ElementKeyString(key) => Some(Step::Key(key.clone())),
            Selector::ElementKeyInt(index) => u64::try_from(*index).ok().map(Step::Index),
        });
        Self(steps.collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if n == 0 => write!(f, "{name}")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
