//! Function `physical_topic_name`.

use tfplugin::{Function, FunctionError, Parameters, model};

model! {
    /// The name of a topic on its cluster.
    ///
    /// It is made by the environment's naming template, which `data.orbit_kafka_environments` tells. Orbit checks the name when the topic is asked for; this
    /// only computes it.
    pub(crate) struct PhysicalTopicName {
        /// The environment's naming template, for example `{environment}.{workspace}.{name}`.
        naming_template: String,
        /// Slug of the workspace.
        workspace: String,
        /// Slug of the environment.
        environment: String,
        /// Name of the topic.
        name: String,
        /// Slug of the tenant, where the template has `{tenant}`.
        tenant: Vec<String>,
    }
}

impl Function for PhysicalTopicName {
    type Output = String;
    const NAME: &'static str = "physical_topic_name";

    fn parameters() -> Parameters<Self> {
        Parameters::new()
            .param(Self::naming_template)
            .param(Self::workspace)
            .param(Self::environment)
            .param(Self::name)
            .variadic(Self::tenant)
    }

    fn call(self) -> Result<String, FunctionError> {
        if self.tenant.len() > 1 {
            return Err(FunctionError::new(format!("one tenant is taken, not {}", self.tenant.len())).at(Self::tenant));
        }
        let wrong = |what: String| FunctionError::new(what).at(Self::naming_template);
        let mut made = String::new();
        let mut rest = self.naming_template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (field, after) = after
                .split_once('}')
                .ok_or_else(|| wrong(format!("`{}` opens a brace that it does not close", self.naming_template)))?;
            let value = match field {
                "workspace" => &self.workspace,
                "environment" => &self.environment,
                "name" => &self.name,
                "tenant" => self.tenant.first().ok_or_else(|| {
                    wrong("the template has {tenant}: give the tenant's slug as the last argument".to_owned())
                })?,
                other => {
                    return Err(wrong(format!(
                        "{{{other}}} is none of {{tenant}}, {{workspace}}, {{environment}} and {{name}}"
                    )));
                }
            };
            made.push_str(before);
            made.push_str(value);
            rest = after;
        }
        Ok(made + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(template: &str, tenant: &[&str]) -> Result<String, String> {
        let tenant = tenant.iter().map(|text| (*text).to_owned()).collect();
        let [workspace, environment, name] = ["payments", "prod", "orders"].map(str::to_owned);
        let call = PhysicalTopicName { naming_template: template.to_owned(), workspace, environment, name, tenant };
        call.call().map_err(|e| format!("{e:?}"))
    }

    #[test]
    fn a_template_makes_a_name() {
        assert_eq!(name("{environment}.{workspace}.{name}", &[]).unwrap(), "prod.payments.orders");
        assert_eq!(name("{name}", &[]).unwrap(), "orders");
        assert_eq!(name("{tenant}-{name}-x", &["acme"]).unwrap(), "acme-orders-x");
    }

    #[test]
    fn what_a_template_lacks_is_told() {
        assert!(name("{tenant}.{name}", &["acme", "other"]).unwrap_err().contains("one tenant is taken, not 2"));
        assert!(name("{tenant}.{name}", &[]).unwrap_err().contains("last argument"));
        assert!(name("{region}.{name}", &[]).unwrap_err().contains("{region} is none of"));
        assert!(name("{name", &[]).unwrap_err().contains("does not close"));
    }
}
