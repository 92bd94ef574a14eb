//! Objects that exist, found by what a user asks for: `list` blocks of `terraform query`.

use crate::{Cx, Diagnostic, Diagnostics, Model, Resource, Schema, Severity, Value, View, schema::IdentitySpec};
use std::marker::PhantomData;
use tokio::sync::mpsc;

/// A list resource: how objects of a [`Resource`] are found, with or without Terraform managing them. Its fields are
/// what `config` of a `list` block is set to. The resource must have an identity. Terraform 1.14 and newer.
pub trait ListResource: Model {
    /// What it finds.
    type Of: Resource;

    /// The attributes of `config`: required or optional.
    fn schema() -> Schema<Self>;

    /// Rules over several attributes of the configuration.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn validate(_config: View<'_, Self>) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Finds them: hands each over as it comes, and ends when no more are [wanted](Found::is_full). When Terraform hangs
    /// up, [`Cx::stopping`] completes.
    fn list(
        cx: &Cx<<Self::Of as Resource>::Client>,
        query: Self,
        found: &mut Found<Self::Of>,
    ) -> impl Future<Output = Result<(), Diagnostics>> + Send;
}

/// What is found goes here, to Terraform.
#[derive(Debug)]
pub struct Found<R> {
    out: Finds,
    of: PhantomData<fn() -> R>,
}

/// The same without the Rust type.
#[derive(Clone, Debug)]
pub(crate) struct Finds {
    pub(crate) sender: mpsc::Sender<Find>,
    pub(crate) identity: IdentitySpec,
    pub(crate) left: usize,
    pub(crate) with_objects: bool,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// One find on its way.
#[derive(Debug)]
pub(crate) struct Find {
    pub(crate) display_name: String,
    pub(crate) identity: Value,
    pub(crate) object: Option<Value>,
    /// What is to be told with it.
    pub(crate) warnings: Vec<Diagnostic>,
}

impl<R: Resource> Found<R> {
    pub(crate) fn new(out: Finds) -> Self {
        Self { out, of: PhantomData }
    }

    /// What was to be told with a find that never came.
    pub(crate) fn into_untold(self) -> Vec<Diagnostic> {
        self.out.warnings
    }

    /// How many more Terraform takes.
    #[must_use]
    pub fn wanted(&self) -> usize {
        if self.out.sender.is_closed() { 0 } else { self.out.left }
    }

    /// Whether Terraform takes no more, or has gone.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.wanted() == 0
    }

    /// Whether whole objects are asked for. If not, [`found`](Self::found) needs no more than the identity of one.
    #[must_use]
    pub fn with_objects(&self) -> bool {
        self.out.with_objects
    }

    /// Tells the user something, with the next find or at the end: Terraform that has enough listens to nothing any more.
    pub fn warn(&mut self, warning: impl Into<Diagnostic>) {
        let warning = Diagnostic { severity: Severity::Warning, ..warning.into() };
        self.out.warnings.push(warning);
    }

    /// Hands one over, with what people call it. Does nothing once Terraform takes no more.
    ///
    /// # Errors
    /// If the object has no identity, which is a bug in the provider.
    pub async fn found(&mut self, display_name: impl Into<String>, object: R) -> Result<(), Diagnostics> {
        if self.is_full() {
            return Ok(());
        }
        let display_name = display_name.into();
        let object = object.to_object();
        let identity = self.out.identity.read(&object);
        if !identity.is_wholly_known() || identity.is_null() {
            return Err(Diagnostic::error(format!("The provider lists {display_name} without its identity"))
                .detail("This is a bug in the provider, please report it.")
                .into());
        }
        self.out.left -= 1;
        let object = self.out.with_objects.then(|| object.unknown_as_null());
        // Terraform that hangs up has enough: no error.
        let warnings = std::mem::take(&mut self.out.warnings);
        let _hung_up = self.out.sender.send(Find { display_name, identity, object, warnings }).await;
        Ok(())
    }
}
