//! Function `subject_name`.

use tfplugin::{Function, FunctionError, Parameters, model};

model! {
    /// The subject of a topic's keys or values in a schema registry.
    ///
    /// It is the topic's name on the cluster with `-key` or `-value` behind it: what Confluent's clients call the `TopicNameStrategy`, and use by themselves.
    pub(crate) struct SubjectName {
        /// Name of the topic on its cluster: `orbit_kafka_topic.orders.physical_name`.
        physical_name: String,
        /// `key` or `value`.
        part: String,
    }
}

impl Function for SubjectName {
    type Output = String;
    const NAME: &'static str = "subject_name";

    fn parameters() -> Parameters<Self> {
        Parameters::new().param(Self::physical_name).param(Self::part)
    }

    fn call(self) -> Result<String, FunctionError> {
        match self.part.as_str() {
            "key" | "value" => Ok(format!("{}-{}", self.physical_name, self.part)),
            other => Err(FunctionError::new(format!("`key` or `value` expected, got `{other}`")).at(Self::part)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_the_topic_and_the_part() {
        let subject =
            |part: &str| SubjectName { physical_name: "prod.payments.orders".to_owned(), part: part.to_owned() }.call();
        assert_eq!(subject("value").unwrap(), "prod.payments.orders-value");
        assert_eq!(subject("key").unwrap(), "prod.payments.orders-key");
        assert!(subject("header").is_err());
    }
}
