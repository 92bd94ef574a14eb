//! What the user reads: errors and warnings, each at an attribute where there is one.

use crate::{Path, ValueError, proto::tfplugin6 as wire};

/// Error or warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Terraform stops here.
    Error,
    /// Terraform goes on.
    Warning,
}

/// One message to the user.
///
/// ```
/// use tfplugin::{Diagnostic, Path};
/// let d = Diagnostic::error("Denied: exceeds platform limit of 50 partitions")
///     .detail("Ask for at most 50, or ask the platform team for an exception.")
///     .at(Path::attribute("partitions"));
/// assert!(d.to_string().starts_with("partitions: Denied: exceeds platform limit of 50 partitions\n"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One sentence; Terraform prints it after "Error: ".
    pub summary: String,
    /// Everything else, in paragraphs.
    pub detail: String,
    /// The attribute; Terraform shows the line of the configuration.
    pub path: Option<Path>,
}

impl Diagnostic {
    /// An error.
    pub fn error(summary: impl Into<String>) -> Self {
        Self::new(Severity::Error, summary.into())
    }

    /// A warning.
    pub fn warning(summary: impl Into<String>) -> Self {
        Self::new(Severity::Warning, summary.into())
    }

    fn new(severity: Severity, summary: String) -> Self {
        Self { severity, summary, detail: String::new(), path: None }
    }

    /// Adds the paragraphs below the summary.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = text.into();
        self
    }

    /// Points at an attribute: a [`Path`] or a field handle such as `Topic::partitions`.
    #[must_use]
    pub fn at(mut self, path: impl Into<Path>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Terraform 1.11 finds the line of a top-level attribute, but for a place inside one it shows the resource's first
    /// line and nothing else. So the path on the wire ends at the attribute, and the text says the rest.
    pub(crate) fn to_proto(&self) -> wire::Diagnostic {
        let path = self.path.as_ref().filter(|path| !path.steps().is_empty());
        let inside = path.filter(|path| path.steps().len() > 1);
        wire::Diagnostic {
            severity: match self.severity {
                Severity::Error => wire::diagnostic::Severity::Error.into(),
                Severity::Warning => wire::diagnostic::Severity::Warning.into(),
            },
            summary: self.summary.clone(),
            detail: match inside {
                Some(path) if self.detail.is_empty() => format!("At {path}."),
                Some(path) => format!("At {path}. {}", self.detail),
                None => self.detail.clone(),
            },
            attribute: path.map(|path| path.first().to_proto()),
        }
    }

    pub(crate) fn from_proto(diagnostic: &wire::Diagnostic) -> Self {
        Self {
            severity: match diagnostic.severity() {
                wire::diagnostic::Severity::Warning => Severity::Warning,
                _ => Severity::Error,
            },
            summary: diagnostic.summary.clone(),
            detail: diagnostic.detail.clone(),
            path: diagnostic.attribute.as_ref().map(Path::from_proto),
        }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.summary)?;
        if !self.detail.is_empty() {
            write!(f, "\n{}", self.detail)?;
        }
        Ok(())
    }
}

impl From<&str> for Diagnostic {
    /// An error with this summary.
    fn from(summary: &str) -> Self {
        Self::error(summary)
    }
}

impl From<String> for Diagnostic {
    /// An error with this summary.
    fn from(summary: String) -> Self {
        Self::error(summary)
    }
}

impl From<ValueError> for Diagnostic {
    fn from(e: ValueError) -> Self {
        let mut diagnostic = Self::error(e.what);
        diagnostic.path = Some(e.path).filter(|path| !path.steps().is_empty());
        diagnostic
    }
}

/// One or more messages: what a failed call returns. Give your client's error a `From` into it, and `?` does the rest:
///
/// ```
/// use tfplugin::{Diagnostic, Diagnostics, Path};
/// struct ApiError { title: String, fields: Vec<(String, String)> }
/// impl From<ApiError> for Diagnostics {
///     fn from(e: ApiError) -> Self {
///         if e.fields.is_empty() {
///             return Diagnostic::error(e.title).into();
///         }
///         e.fields.into_iter().map(|(name, text)| Diagnostic::error(text).at(Path::attribute(name))).collect()
///     }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Whether one of them is an error.
    #[must_use]
    pub fn has_error(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: impl Into<Diagnostic>) {
        self.0.push(diagnostic.into());
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An author's error must stop Terraform even if it says nothing.
    pub(crate) fn or_some_error(mut self) -> Self {
        if !self.has_error() {
            self.push(Diagnostic::error("The provider failed without saying why"));
        }
        self
    }

    /// The same, with these said first.
    pub(crate) fn after(self, first: Vec<Diagnostic>) -> Self {
        first.into_iter().chain(self).collect()
    }

    pub(crate) fn to_proto(&self) -> Vec<wire::Diagnostic> {
        self.0.iter().map(Diagnostic::to_proto).collect()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        self.0.extend(more);
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl From<ValueError> for Diagnostics {
    fn from(e: ValueError) -> Self {
        Diagnostic::from(e).into()
    }
}

impl From<String> for Diagnostics {
    fn from(summary: String) -> Self {
        Diagnostic::error(summary).into()
    }
}

impl From<&str> for Diagnostics {
    fn from(summary: &str) -> Self {
        Diagnostic::error(summary).into()
    }
}
