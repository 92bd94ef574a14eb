//! The plan engine: from Terraform's proposal to a plan that Terraform accepts.

mod change;
pub(crate) mod consistency;
mod set;
pub(crate) mod steps;
mod view;

pub use change::{Action, Change};
pub use view::View;

use crate::{
    Diagnostic, Diagnostics, Path, Value,
    schema::{AttributeSpec, SchemaSpec, Shape},
};
use std::collections::BTreeSet;

/// One change on its way through the engine.
pub(crate) struct Planning {
    pub(crate) config: Value,
    pub(crate) prior: Value,
    pub(crate) planned: Value,
    /// Sorted, and without repetitions, by its nature.
    pub(crate) requires_replace: BTreeSet<Path>,
    pub(crate) diagnostics: Diagnostics,
}

impl Planning {
    /// Everything that needs no author: defaults, unknown computed values, kept values, replacement.
    pub(crate) fn start(schema: &SchemaSpec, prior: Value, proposed: Value, config: Value) -> Self {
        let attributes = &schema.attributes;
        let mut planned = proposed;
        let requires_replace = BTreeSet::new();
        if !planned.is_null() {
            steps::defaults(attributes, &mut planned, &config);
            steps::forget_write_only(attributes, &mut planned);
            steps::keep_whole(attributes, &mut planned, &config, &prior);
            steps::keep_spelling(attributes, &mut planned, &prior);
            if planned != prior {
                steps::mark_unknown(attributes, &mut planned, &config);
                steps::keep(attributes, &mut planned, &config, &prior);
            }
        }
        let mut planning = Self { config, prior, planned, requires_replace, diagnostics: Diagnostics::default() };
        planning.find_replacement(schema);
        planning
    }

    fn find_replacement(&mut self, schema: &SchemaSpec) {
        let Self { config, prior, planned, requires_replace, .. } = self;
        if !planned.is_null() && !prior.is_null() {
            let whole = steps::Three { prior, config, planned };
            steps::replace(&schema.attributes, whole, &Path::root(), requires_replace);
            // What the author has set back to what it was replaces nothing.
            requires_replace.retain(|path| prior.part(path) != planned.part(path));
        }
    }

    /// Whether what exists is to be made anew.
    pub(crate) fn is_replacement(&self) -> bool {
        self.requires_replace.iter().any(|path| self.prior.part(path) != self.planned.part(path))
    }

    /// What must hold after the author had a say.
    pub(crate) fn finish(mut self, schema: &SchemaSpec) -> Self {
        if self.config.is_null() {
            self.planned = Value::Null;
            self.requires_replace.clear();
            return self;
        }
        // What the author planned may replace the object as well.
        self.find_replacement(schema);
        if !self.diagnostics.has_error() {
            let wrong = consistency::plan(&schema.attributes, &self.prior, &self.config, &self.planned);
            self.diagnostics.extend(wrong.into_iter().map(consistency::provider_bug));
        }
        self
    }
}

/// A configuration with defaults, and with what the provider decides left open: the input of whoever has no plan.
pub(crate) fn complete(attributes: &[AttributeSpec], config: &Value) -> Value {
    let mut complete = config.clone();
    steps::defaults(attributes, &mut complete, config);
    steps::mark_unknown(attributes, &mut complete, config);
    complete
}

/// The least that a configuration has to say for a state to come of it.
pub(crate) fn generate(attributes: &[AttributeSpec], state: &Value) -> Value {
    let mut config = state.clone();
    strip(attributes, &mut config);
    config
}

fn strip(attributes: &[AttributeSpec], value: &mut Value) {
    match value {
        Value::Object(object) => {
            for spec in attributes {
                let Some(value) = object.get_mut(spec.name) else { continue };
                let is_settable = spec.required || spec.optional && !spec.write_only && spec.deprecated.is_none();
                if !is_settable || spec.default.as_ref() == Some(value) {
                    *value = Value::Null;
                } else if let Shape::Nested(_, nested) = &spec.shape {
                    strip(nested, value);
                }
            }
        }
        Value::List(items) => strip_each(attributes, items),
        Value::Map(items) => strip_each(attributes, items.values_mut()),
        Value::Set(items) => {
            strip_each(attributes, items.iter_mut());
            *value = Value::set(std::mem::take(items));
        }
        _ => {}
    }
}

fn strip_each<'v>(attributes: &[AttributeSpec], items: impl IntoIterator<Item = &'v mut Value>) {
    for item in items {
        strip(attributes, item);
    }
}

/// Where a configuration sets what is only written.
pub(crate) fn write_only_in(attributes: &[AttributeSpec], config: &Value, at: &Path) -> Vec<Path> {
    let mut found = Vec::new();
    for spec in attributes {
        let (value, path) = (config.attribute(spec.name), at.clone().attr(spec.name));
        if spec.write_only && !value.is_null() {
            found.push(path);
        } else if let Shape::Nested(_, nested) = &spec.shape {
            for (path, element) in steps::elements(value, &path) {
                found.extend(write_only_in(nested, element, &path));
            }
        }
    }
    found
}

/// Runs every attribute's checks over a configuration. What is not wholly known is left for later.
pub(crate) fn validate(attributes: &[AttributeSpec], config: &Value, at: &Path, found: &mut Diagnostics) {
    for attribute in attributes {
        let value = config.attribute(attribute.name);
        let path = at.clone().attr(attribute.name);
        if value.is_null() {
            continue;
        }
        // Terraform shows in its schema what is deprecated, and leaves it to the provider to say so.
        if let Some(text) = attribute.deprecated {
            found.push(Diagnostic::warning(format!("{path} is deprecated")).detail(text).at(path.clone()));
        }
        if value.is_unknown() {
            continue;
        }
        if let Shape::Nested(_, nested) = &attribute.shape {
            for (path, element) in steps::elements(value, &path) {
                validate(nested, element, &path, found);
            }
        }
        if !value.is_wholly_known() || found.has_error() && matches!(attribute.shape, Shape::Nested(..)) {
            continue;
        }
        // A check of nested attributes sees them as create will: defaults filled in, computed values absent.
        let object = Value::Object([(attribute.name.to_owned(), value.clone())].into());
        let object = complete(std::slice::from_ref(attribute), &object);
        let value = object.attribute(attribute.name);
        // The first check converts; the author's own would only repeat what it says.
        let failed = attribute.checks.iter().enumerate().find_map(|(n, check)| Some((n, check(value).err()?)));
        if let Some((n, e)) = failed {
            // The conversion quotes what it got; an author's own rule says what it likes.
            let is_quoted = n == 0 && (attribute.sensitive || attribute.write_only);
            let what = if is_quoted { "its value does not fit; it is not shown here".to_owned() } else { e.what };
            let path = e.path.steps().iter().cloned().fold(path, Path::step);
            found.push(Diagnostic::error(what).at(path));
        }
    }
}
