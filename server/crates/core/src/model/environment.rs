//! Environments: what developers name instead of a cluster, and how a topic's physical name comes about there.

use crate::name::{Limited, NameError, PhysicalName, Slug, TopicName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a template may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Tenant,
    Workspace,
    Environment,
    Application,
    Name,
}

impl Part {
    const ALL: [(&'static str, Self); 5] = [
        ("tenant", Self::Tenant),
        ("workspace", Self::Workspace),
        ("environment", Self::Environment),
        ("application", Self::Application),
        ("name", Self::Name),
    ];
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Part(Part),
}

/// Why a naming template is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder that is none.
    #[error(
        "has the unknown placeholder {{{0}}}: {{tenant}}, {{workspace}}, {{environment}}, {{application}} and {{name}} are known"
    )]
    Unknown(String),
    /// A brace without its partner.
    #[error("has a brace without its partner")]
    Brace,
    /// The name does not stand in it exactly once.
    #[error("must hold {{name}} exactly once")]
    Name,
    /// A character that no topic name may have.
    #[error("has the character {0:?}: letters, digits, '.', '_' and '-' are allowed between placeholders")]
    Character(char),
    /// It begins like Kafka's own topics.
    #[error("must not begin with __: such names are Kafka's own topics")]
    Internal,
}

impl Limited for TemplateError {
    fn limit(&self) -> Option<usize> {
        None
    }
}

/// How a topic's physical name is made: text and `{tenant} {workspace} {environment} {application} {name}`.
///
/// The default is `{environment}.{workspace}.{name}`: the `.` after the workspace keeps prefixed ACLs from reaching a workspace whose slug only
/// begins alike. `{application}` stands for nothing where a topic has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamingTemplate(Vec<Piece>);

impl NamingTemplate {
    /// What an environment has that does not say.
    pub const DEFAULT: &'static str = "{environment}.{workspace}.{name}";

    /// The physical name of a topic. Fails where it gets longer than Kafka allows, or begins like Kafka's own topics: `_{name}` of `_orders` does.
    pub fn render(&self, names: &TemplateNames<'_>) -> Result<PhysicalName, NameError> {
        let mut text = String::new();
        for piece in &self.0 {
            text.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Part(Part::Tenant) => names.tenant.as_str(),
                Piece::Part(Part::Workspace) => names.workspace.as_str(),
                Piece::Part(Part::Environment) => names.environment.as_str(),
                Piece::Part(Part::Application) => names.application.map_or("", Slug::as_str),
                Piece::Part(Part::Name) => names.name.as_str(),
            });
        }
        text.parse::<PhysicalName>()?.not_internal()
    }
}

impl Default for NamingTemplate {
    fn default() -> Self {
        let text = |t: &str| Piece::Text(t.to_owned());
        Self(vec![
            Piece::Part(Part::Environment),
            text("."),
            Piece::Part(Part::Workspace),
            text("."),
            Piece::Part(Part::Name),
        ])
    }
}

/// What the placeholders stand for.
#[derive(Debug, Clone, Copy)]
pub struct TemplateNames<'a> {
    /// `{tenant}`
    pub tenant: &'a Slug,
    /// `{workspace}`
    pub workspace: &'a Slug,
    /// `{environment}`
    pub environment: &'a Slug,
    /// `{application}`
    pub application: Option<&'a Slug>,
    /// `{name}`
    pub name: &'a TopicName,
}

impl FromStr for NamingTemplate {
    type Err = TemplateError;
    fn from_str(s: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = s;
        while let Some((text, after)) = rest.split_once('{') {
            push_text(&mut pieces, text)?;
            let (name, after) = after.split_once('}').ok_or(TemplateError::Brace)?;
            let part = Part::ALL.iter().find(|(known, _)| *known == name);
            pieces.push(Piece::Part(part.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?.1));
            rest = after;
        }
        push_text(&mut pieces, rest)?;
        if pieces.iter().filter(|p| **p == Piece::Part(Part::Name)).count() != 1 {
            return Err(TemplateError::Name);
        }
        if matches!(pieces.first(), Some(Piece::Text(t)) if t.starts_with("__")) {
            return Err(TemplateError::Internal);
        }
        Ok(Self(pieces))
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) -> Result<(), TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::Brace);
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
        return Err(TemplateError::Character(bad));
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(())
}

impl fmt::Display for NamingTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Part(part) => {
                    let name = Part::ALL.iter().find(|(_, p)| p == part).map_or("", |(name, _)| name);
                    write!(f, "{{{name}}}")?;
                }
            }
        }
        Ok(())
    }
}
impl TryFrom<String> for NamingTemplate {
    type Error = TemplateError;
    fn try_from(s: String) -> Result<Self, TemplateError> {
        s.parse()
    }
}
impl From<NamingTemplate> for String {
    fn from(t: NamingTemplate) -> Self {
        t.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str) -> Result<String, NameError> {
        render_of(template, "orders")
    }
    fn render_of(template: &str, name: &str) -> Result<String, NameError> {
        let slug = |s: &str| s.parse::<Slug>().unwrap();
        let (tenant, workspace, environment, application) =
            (slug("acme"), slug("payments"), slug("prod"), slug("shop"));
        template
            .parse::<NamingTemplate>()
            .unwrap()
            .render(&TemplateNames {
                tenant: &tenant,
                workspace: &workspace,
                environment: &environment,
                application: Some(&application),
                name: &name.parse().unwrap(),
            })
            .map(String::from)
    }

    #[test]
    fn the_default_and_others_render() {
        assert_eq!(render(NamingTemplate::DEFAULT).unwrap(), "prod.payments.orders");
        assert_eq!(NamingTemplate::default().to_string(), NamingTemplate::DEFAULT);
        assert_eq!(render("{name}").unwrap(), "orders");
        assert_eq!(render("x-{tenant}_{application}.{name}-y").unwrap(), "x-acme_shop.orders-y");
        assert_eq!(
            render(&format!("{}{{name}}", "p".repeat(245))).unwrap_err(),
            NameError::TooLong { len: 251, limit: 249 }
        );
    }

    #[test]
    fn no_template_leads_to_a_name_of_kafkas_own() {
        assert_eq!(render_of("_{name}", "orders").unwrap(), "_orders");
        let internal = render_of("_{name}", "_consumer_offsets").unwrap_err();
        assert!(matches!(internal, NameError::Reserved { name, .. } if name == "__consumer_offsets"));
    }

    #[test]
    fn what_cannot_be_a_template_says_why() {
        let error = |s: &str| s.parse::<NamingTemplate>().unwrap_err();
        assert_eq!(error("{nam}.{name}"), TemplateError::Unknown("nam".into()));
        assert_eq!(error("{name"), TemplateError::Brace);
        assert_eq!(error("{workspace}"), TemplateError::Name);
        assert_eq!(error("{name}{name}"), TemplateError::Name);
        assert_eq!(error("a b{name}"), TemplateError::Character(' '));
        assert_eq!(error("__{name}"), TemplateError::Internal);
    }
}
