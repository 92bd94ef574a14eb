//! What tells one object from another: attributes of the resource's own.

use super::{AttributeSpec, ForImport, object_type};
use crate::{
    proto::tfplugin6 as wire,
    value::{Type, Value},
};

/// The identity of a resource. Its version is not that of the state.
#[derive(Clone, Debug)]
pub(crate) struct IdentitySpec {
    pub(crate) version: u32,
    pub(crate) attributes: Vec<AttributeSpec>,
    pub(crate) ty: Type,
}

impl IdentitySpec {
    /// `None` if no attribute belongs to it.
    pub(crate) fn of(attributes: &[AttributeSpec], version: u32) -> Option<Self> {
        let attributes: Vec<_> = attributes.iter().filter(|spec| spec.identity.is_some()).cloned().collect();
        (!attributes.is_empty()).then(|| Self { version, ty: object_type(&attributes), attributes })
    }

    /// The identity of an object; null while a part of it is not set that every object has.
    pub(crate) fn read(&self, object: &Value) -> Value {
        let parts = self.attributes.iter().map(|spec| (spec.name.to_owned(), object.attribute(spec.name).clone()));
        let identity = Value::Object(parts.collect());
        let lacks = |spec: &AttributeSpec| {
            spec.identity == Some(ForImport::Required) && identity.attribute(spec.name).is_null()
        };
        if self.attributes.iter().any(lacks) { Value::Null } else { identity }
    }

    pub(crate) fn to_proto(&self) -> wire::ResourceIdentitySchema {
        let attributes = self.attributes.iter().map(|spec| wire::resource_identity_schema::IdentityAttribute {
            name: spec.name.to_owned(),
            r#type: spec.shape.ty().to_json().to_string().into_bytes(),
            required_for_import: spec.identity == Some(ForImport::Required),
            optional_for_import: spec.identity == Some(ForImport::Optional),
            description: spec.description.clone(),
        });
        wire::ResourceIdentitySchema { version: i64::from(self.version), identity_attributes: attributes.collect() }
    }
}
