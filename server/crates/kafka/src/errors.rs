//! A refusal as the port answers it: its kind by the [`table`](crate::error_table), a text for the user and one for the operator.

use crate::{
    error_table::{Says, row},
    native::{Code, Refusal, Right},
};
use orbit_core::ports::{KafkaError, KafkaErrorKind as Kind};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

/// Where a platform team reads what to do about a connection.
pub(crate) const CONNECTING: &str = "docs/connecting-a-cluster.md";

/// What was asked of the cluster: an error names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    Cluster,
    BrokerConfigs,
    TopicsList,
    Describe(&'a str),
    Configs(&'a str),
    Create(&'a str),
    Delete(&'a str),
    ConfigsChange(&'a str),
    Grow(&'a str),
    EndOffsets(&'a str),
}

impl<'a> Asked<'a> {
    /// Completes "Kafka could not …".
    fn doing(self) -> String {
        match self {
            Self::Cluster => "describe the cluster".to_owned(),
            Self::BrokerConfigs => "tell a broker's settings".to_owned(),
            Self::TopicsList => "list the topics".to_owned(),
            Self::Describe(topic) => format!("describe topic {topic:?}"),
            Self::Configs(topic) => format!("tell the settings of topic {topic:?}"),
            Self::Create(topic) => format!("create topic {topic:?}"),
            Self::Delete(topic) => format!("delete topic {topic:?}"),
            Self::ConfigsChange(topic) => format!("change the settings of topic {topic:?}"),
            Self::Grow(topic) => format!("add partitions to topic {topic:?}"),
            Self::EndOffsets(topic) => format!("tell the end of topic {topic:?}"),
        }
    }
    pub(crate) fn topic(self) -> Option<&'a str> {
        match self {
            Self::Cluster | Self::BrokerConfigs | Self::TopicsList => None,
            Self::Describe(topic)
            | Self::Configs(topic)
            | Self::Create(topic)
            | Self::Delete(topic)
            | Self::ConfigsChange(topic)
            | Self::Grow(topic)
            | Self::EndOffsets(topic) => Some(topic),
        }
    }
    /// What Kafka wants for it.
    fn right(self) -> Right {
        match self {
            Self::Cluster | Self::TopicsList | Self::Describe(_) | Self::EndOffsets(_) => Right::Describe,
            Self::BrokerConfigs | Self::Configs(_) => Right::DescribeConfigs,
            Self::Create(_) => Right::Create,
            Self::Delete(_) => Right::Delete,
            Self::ConfigsChange(_) => Right::AlterConfigs,
            Self::Grow(_) => Right::Alter,
        }
    }
    fn missing_right(self) -> String {
        let right = self.right().as_str();
        let on = match (self, self.topic()) {
            (Self::Create(topic), _) => format!("topic {topic:?} (or on the cluster)"),
            (_, Some(topic)) => format!("topic {topic:?}"),
            (_, None) => "the cluster".to_owned(),
        };
        format!("Orbit's principal lacks {right} on {on}: grant it, see {CONNECTING}.")
    }
}

/// The code's name and number, for the log.
fn name(code: Code) -> String {
    match RDKafkaRespErr::try_from(code) {
        Ok(known) => format!("{:?} ({code})", RDKafkaErrorCode::from(known)),
        Err(_) => format!("code {code}"),
    }
}

/// The broker's own message, where it sent one: librdkafka puts its name of the code in the place of a missing one, marked by who found it.
fn own_words(text: &str) -> Option<&str> {
    let text = text.trim().trim_end_matches('.');
    (!text.is_empty() && !text.starts_with("Broker: ") && !text.starts_with("Local: ")).then_some(text)
}

impl Refusal {
    /// What kind of refusal it is.
    pub(crate) fn kind(&self) -> Kind {
        row(self.code).0
    }
    /// As the port answers it.
    pub(crate) fn of(&self, asked: Asked<'_>) -> KafkaError {
        let (kind, says) = row(self.code);
        let doing = asked.doing();
        let topic = asked.topic().unwrap_or_default();
        let user = match says {
            Says::Refuses(why) => format!("Kafka refuses to {doing}: {}.", own_words(&self.text).unwrap_or(why)),
            Says::NotNow(why) => format!("Kafka could not {doing} just now: {why}."),
            Says::Sentence(sentence) => sentence.to_owned(),
            Says::MissingRight => asked.missing_right(),
            Says::Exists => format!("Topic {topic:?} already exists on the cluster."),
            Says::Missing => format!("Topic {topic:?} does not exist on the cluster."),
        };
        KafkaError { kind, user, operator: format!("{doing}: {}: {}", name(self.code), self.text) }
    }
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
