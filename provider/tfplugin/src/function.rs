//! Functions of the provider.

use crate::{
    Field, Model,
    schema::clean_doc,
    value::{AttributeType, Type},
};
use std::marker::PhantomData;

/// A function: `provider::ledger::shelf_mark("a", 7)`. It is pure, needs no configured provider, and works at `validate`.
/// Its model's fields are its parameters, its model's doc comment is its description. Terraform 1.8 and newer,
/// `OpenTofu` 1.7 and newer.
///
/// An [`Option`] parameter can be null; for any other, null is an error of Terraform's. Arguments are always known: with
/// one that is not, Terraform knows that the result is not either.
pub trait Function: Model {
    /// What it returns.
    type Output: AttributeType;
    /// Its name, without the provider's.
    const NAME: &'static str;
    /// What to use instead, where it should not be used any more. Its documentation says so, and editors do; Terraform does
    /// not warn.
    const DEPRECATED: Option<&'static str> = None;

    /// The parameters, in order.
    fn parameters() -> Parameters<Self>;

    /// Computes the result.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    fn call(self) -> Result<Self::Output, FunctionError>;
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    pub(crate) text: String,
    pub(crate) parameter: Option<&'static str>,
    /// Which of the arguments that the last parameter takes.
    pub(crate) index: usize,
}

impl FunctionError {
    /// One sentence.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), parameter: None, index: 0 }
    }

    /// Points at an argument.
    #[must_use]
    pub fn at<M, T>(mut self, parameter: Field<M, T>) -> Self {
        self.parameter = Some(parameter.name());
        self
    }

    /// Points at one of the arguments of a variadic parameter, counted from 0.
    #[must_use]
    pub fn at_index<M, T>(mut self, parameter: Field<M, Vec<T>>, index: usize) -> Self {
        self.index = index;
        self.at(parameter)
    }
}

impl From<String> for FunctionError {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for FunctionError {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// The parameters of a function.
#[derive(Debug)]
#[must_use]
pub struct Parameters<M> {
    specs: Vec<ParameterSpec>,
    variadic: Option<ParameterSpec>,
    of: PhantomData<fn() -> M>,
}

/// One parameter, without its Rust type.
#[derive(Clone, Debug)]
pub(crate) struct ParameterSpec {
    pub(crate) name: &'static str,
    pub(crate) description: String,
    pub(crate) ty: Type,
    pub(crate) nullable: bool,
}

impl<M: Model> Parameters<M> {
    /// None yet.
    pub fn new() -> Self {
        Self { specs: Vec::new(), variadic: None, of: PhantomData }
    }

    /// One more.
    pub fn param<T: AttributeType>(mut self, field: Field<M, T>) -> Self {
        self.specs.push(ParameterSpec::of(field, T::shape().ty(), T::NULLABLE));
        self
    }

    /// The last one, which takes all further arguments.
    pub fn variadic<T: AttributeType>(mut self, field: Field<M, Vec<T>>) -> Self {
        self.variadic = Some(ParameterSpec::of(field, T::shape().ty(), T::NULLABLE));
        self
    }

    pub(crate) fn into_specs(self) -> (Vec<ParameterSpec>, Option<ParameterSpec>) {
        (self.specs, self.variadic)
    }
}

impl<M: Model> Default for Parameters<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl ParameterSpec {
    fn of<M, T>(field: Field<M, T>, ty: Type, nullable: bool) -> Self {
        Self { name: field.name(), description: clean_doc(field.doc()), ty, nullable }
    }
}
