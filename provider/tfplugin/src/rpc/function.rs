//! Calls of functions.

use super::{Server, decode, encode};
use crate::{
    Diagnostics, FunctionError, Provider, Value, function::ParameterSpec, proto::tfplugin6 as wire,
    registry::FunctionEntry,
};

impl<P: Provider> Server<P> {
    pub(super) fn call(
        &self,
        request: &wire::call_function::Request,
    ) -> Result<wire::call_function::Response, Diagnostics> {
        let entry = super::find(&self.offer().registry.functions, &request.name)?;
        let arguments = match arguments(entry, &request.arguments) {
            Ok(arguments) => arguments,
            Err((n, e)) => return Ok(failure(&summary(&e), i64::try_from(n).ok())),
        };
        match entry.handler.call(&arguments) {
            Ok(output) => {
                Ok(wire::call_function::Response { result: Some(encode(&output, &entry.output)?), error: None })
            }
            Err(FunctionError { text, parameter, index }) => {
                let place = parameter.and_then(|name| place(entry, name, index));
                Ok(failure(&text, place))
            }
        }
    }
}

/// The arguments as an object of the parameters; or the number of one that is wrong, and why.
fn arguments(entry: &FunctionEntry, given: &[wire::DynamicValue]) -> Result<Value, (usize, Diagnostics)> {
    let mut object = std::collections::BTreeMap::new();
    let mut rest = Vec::new();
    for (n, argument) in given.iter().enumerate() {
        let read = |spec: &ParameterSpec| decode(Some(argument), &spec.ty).map_err(|e| (n, e));
        match (entry.parameters.get(n), &entry.variadic) {
            (Some(spec), _) => drop(object.insert(spec.name.to_owned(), read(spec)?)),
            (None, Some(spec)) => rest.push(read(spec)?),
            (None, None) => return Err((n, "there are fewer parameters".into())),
        }
    }
    if let Some(spec) = &entry.variadic {
        object.insert(spec.name.to_owned(), Value::List(rest));
    }
    Ok(Value::Object(object))
}

/// Terraform counts arguments, the variadic ones too.
fn place(entry: &FunctionEntry, name: &str, index: usize) -> Option<i64> {
    let is_variadic = entry.variadic.as_ref().is_some_and(|spec| spec.name == name);
    let mut parameters = entry.parameters.iter().chain(&entry.variadic);
    let first = parameters.position(|spec| spec.name == name)?;
    i64::try_from(if is_variadic { first + index } else { first }).ok()
}

fn summary(e: &Diagnostics) -> String {
    e.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

pub(super) fn failure(text: &str, argument: Option<i64>) -> wire::call_function::Response {
    let error = wire::FunctionError { text: text.to_owned(), function_argument: argument };
    wire::call_function::Response { result: None, error: Some(error) }
}

/// What went wrong beside the function itself.
pub(super) fn broken(e: &Diagnostics) -> wire::call_function::Response {
    failure(&summary(e), None)
}
