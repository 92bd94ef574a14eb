//! What the document says of limits: how long, how many, of which form. What enforces them stands in the handlers; `schemathesis` compares, in both directions.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::openapi::{
    RefOr,
    path::Parameter,
    schema::{AdditionalProperties, Schema, SchemaType, Type},
};

/// The one character that no name and no text of Orbit's has.
const WITHOUT_NUL: &str = "^[^\\u0000]*$";

type Rules = BTreeMap<String, Value>;

/// By name; what is said of one operation or one schema goes before.
#[derive(serde::Deserialize)]
pub(super) struct Limits {
    parameters: Rules,
    parameters_of: BTreeMap<String, Rules>,
    fields: Rules,
    fields_of: BTreeMap<String, Rules>,
}

impl Limits {
    pub(super) fn read() -> Self {
        serde_json::from_str(include_str!("limits.json")).expect("a committed file, and tests read it")
    }

    pub(super) fn of_parameter(&self, operation: &str, parameter: &mut Parameter) {
        let own = self.parameters_of.get(operation).and_then(|rules| rules.get(&parameter.name));
        let rule = own.or(self.parameters.get(&parameter.name));
        let Some(schema) = &mut parameter.schema else { return };
        limit(schema, rule);
        if rule.is_none()
            && let RefOr::T(Schema::Object(object)) = schema
            && object.schema_type == SchemaType::Type(Type::String)
            && object.enum_values.is_none()
        {
            object.pattern = Some(WITHOUT_NUL.to_owned());
        }
    }

    /// Of what goes in, which takes no unknown fields. What comes out is as it is.
    pub(super) fn of_schema(&self, name: &str, schema: &mut RefOr<Schema>) {
        let RefOr::T(Schema::Object(object)) = schema else { return };
        if !matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false))) {
            return;
        }
        let own = self.fields_of.get(name);
        for (field, schema) in &mut object.properties {
            limit(schema, own.and_then(|rules| rules.get(field)).or(self.fields.get(field)));
        }
    }
}

/// Whole numbers are as large as the server can hold, where nothing else is said.
const FORMATS: [(&str, i64, i64); 2] = [("int32", i32::MIN as i64, i32::MAX as i64), ("int64", i64::MIN, i64::MAX)];

fn limit(schema: &mut RefOr<Schema>, rule: Option<&Value>) {
    let Ok(Value::Object(mut told)) = serde_json::to_value(&*schema) else { return };
    if let Some((_, least, most)) = FORMATS.iter().find(|(format, ..)| told.get("format").is_some_and(|f| f == format))
    {
        told.entry("minimum").or_insert((*least).into());
        told.entry("maximum").or_insert((*most).into());
    }
    if let Some(Value::Object(rule)) = rule {
        merge(&mut told, rule);
    }
    // A set is taken as a list: what stands there twice counts once.
    told.remove("uniqueItems");
    *schema = serde_json::from_value(Value::Object(told)).expect("a schema with limits is a schema");
}

fn merge(into: &mut Map<String, Value>, rule: &Map<String, Value>) {
    for (key, value) in rule {
        match (into.get_mut(key), value) {
            (Some(Value::Object(there)), Value::Object(more)) => merge(there, more),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}
