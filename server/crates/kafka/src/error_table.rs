//! One table: every error code of Kafka's and librdkafka's → what kind of refusal it is, and what is said of it.

use crate::native::Code;
use orbit_core::ports::KafkaErrorKind as Kind;
use rdkafka::types::RDKafkaErrorCode as C;

/// What the user reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// "Kafka refuses to …: " and the broker's own message, or this where it sent none.
    Refuses(&'static str),
    /// "Kafka could not … just now: " and this.
    NotNow(&'static str),
    /// This sentence.
    Sentence(&'static str),
    /// The right and the resource.
    MissingRight,
    /// That the topic is there.
    Exists,
    /// That the topic is not there.
    Missing,
}

const UNREACHABLE: Says = Says::Sentence("No broker of this Kafka cluster can be reached.");
const CREDENTIALS: Says = Says::Sentence(
    "The Kafka cluster refuses Orbit's credentials: the platform team must mend the cluster's connection in Orbit.",
);
/// For codes that no administrative call answers: if one comes, the cluster speaks another protocol than this build.
const UNEXPECTED: Says = Says::Refuses("its answer makes no sense for this request");

/// The table. A code that it does not have (a newer broker's) is passing, so that it is tried again, boundedly.
pub(crate) const TABLE: &[(Kind, Says, &[C])] = &[
    // Connections
    (
        Kind::Unreachable,
        UNREACHABLE,
        &[C::BrokerTransportFailure, C::AllBrokersDown, C::BrokerDestroy, C::DestroyBroker],
    ),
    (Kind::Unreachable, UNREACHABLE, &[C::UnknownBroker, C::RebootstrapRequired]),
    (Kind::Unreachable, Says::Sentence("The names of the Kafka cluster's brokers cannot be resolved."), &[C::Resolve]),
    (
        Kind::Authentication,
        Says::Sentence(
            "The TLS handshake with the Kafka cluster fails: the platform team must mend its connection in Orbit.",
        ),
        &[C::SSL],
    ),
    (Kind::Authentication, CREDENTIALS, &[C::Authentication, C::SaslAuthenticationFailed, C::UnsupportedSASLMechanism]),
    (Kind::Authentication, CREDENTIALS, &[C::IllegalSASLState]),
    // A reply that did not arrive
    (
        Kind::Passing,
        Says::NotNow("no reply arrived in time"),
        &[C::OperationTimedOut, C::TimedOutQueue, C::RequestTimedOut],
    ),
    (
        Kind::Passing,
        Says::NotNow("the connection broke off"),
        &[C::NetworkException, C::Interrupted, C::Partial, C::Retry],
    ),
    (Kind::Passing, Says::NotNow("the reply could not be read"), &[C::BadMessage, C::Underflow, C::Fail]),
    (Kind::Passing, Says::NotNow("Orbit's client was short of something"), &[C::CriticalSystemResource]),
    (Kind::Passing, Says::NotNow("Orbit's client was busy"), &[C::InProgress, C::PreviousInProgress, C::WaitCache]),
    (Kind::Passing, Says::NotNow("Orbit's client was closing"), &[C::PurgeQueue, C::PurgeInflight, C::Outdated]),
    // A passing state of the cluster
    (
        Kind::Passing,
        Says::NotNow("the controller is changing"),
        &[C::NotController, C::StaleControllerEpoch, C::StaleBrokerEpoch],
    ),
    (Kind::Passing, Says::NotNow("a broker is not available"), &[C::BrokerNotAvailable, C::ReplicaNotAvailable]),
    (
        Kind::Passing,
        Says::NotNow("a partition has no leader"),
        &[
            C::LeaderNotAvailable,
            C::NotLeaderForPartition,
            C::ListenerNotFound,
            C::PreferredLeaderNotAvailable,
            C::EligibleLeadersNotAvailable,
            C::FencedLeaderEpoch,
            C::UnknownLeaderEpoch,
            C::OffsetNotAvailable,
            // Of ListOffsets: "No leaders found".
            C::NoEnt,
        ],
    ),
    (
        Kind::Passing,
        Says::NotNow("too few replicas are in sync"),
        &[C::NotEnoughReplicas, C::NotEnoughReplicasAfterAppend],
    ),
    (
        Kind::Passing,
        Says::NotNow("a coordinator is changing"),
        &[C::CoordinatorLoadInProgress, C::CoordinatorNotAvailable, C::NotCoordinator, C::WaitingForCoordinator],
    ),
    (Kind::Passing, Says::NotNow("partitions are being moved"), &[C::ReassignmentInProgress]),
    // Held back: nothing was done
    (
        Kind::Busy,
        Says::NotNow("it limits how fast topics are made and changed (controller_mutation_rate), and Orbit waits"),
        &[C::ThrottlingQuotaExceeded],
    ),
    (Kind::Busy, Says::NotNow("Orbit has more to ask than this cluster's rate of requests allows"), &[C::QueueFull]),
    (Kind::Passing, Says::NotNow("a broker's disk failed"), &[C::KafkaStorageError]),
    (Kind::Passing, Says::NotNow("it was not tried"), &[C::OperationNotAttempted]),
    (Kind::Passing, Says::NotNow("the broker failed without saying why"), &[C::Unknown]),
    (Kind::Passing, Says::NotNow("transactions overlap"), &[C::ConcurrentTransactions]),
    (Kind::Passing, Says::NotNow("a group is rebalancing"), &[C::RebalanceInProgress, C::UnstableOffsetCommit]),
    // Already so
    (Kind::AlreadyExists, Says::Exists, &[C::TopicAlreadyExists]),
    (
        Kind::NotFound,
        Says::Missing,
        &[C::UnknownTopicOrPartition, C::UnknownTopic, C::UnknownPartition, C::UnknownTopicId],
    ),
    // Rights
    (Kind::Forbidden, Says::MissingRight, &[C::TopicAuthorizationFailed, C::ClusterAuthorizationFailed]),
    (
        Kind::Forbidden,
        Says::MissingRight,
        &[C::GroupAuthorizationFailed, C::TransactionalIdAuthorizationFailed, C::DelegationTokenAuthorizationFailed],
    ),
    (
        Kind::Forbidden,
        Says::Refuses("its own principals cannot be passed on between brokers"),
        &[C::PrincipalDeserializationFailure],
    ),
    // What was asked is refused
    (Kind::Invalid, Says::Refuses("a setting is unknown, or its value is not allowed"), &[C::InvalidConfig]),
    (
        Kind::Invalid,
        Says::Refuses("the replication factor must be at least 1 and at most the number of brokers"),
        &[C::InvalidReplicationFactor],
    ),
    (Kind::Invalid, Says::Refuses("the number of partitions is not possible"), &[C::InvalidPartitions]),
    (Kind::Invalid, Says::Refuses("the cluster's own policy forbids it"), &[C::PolicyViolation]),
    (Kind::Invalid, Says::Refuses("the name is not allowed"), &[C::InvalidTopic]),
    (Kind::Invalid, Says::Refuses("the replicas cannot be placed so"), &[C::InvalidReplicaAssignment]),
    (
        Kind::Invalid,
        Says::Refuses("the cluster does not allow topics to be deleted (delete.topic.enable)"),
        &[C::TopicDeletionDisabled],
    ),
    (
        Kind::Invalid,
        Says::Refuses("the cluster is too old, or does not offer this"),
        &[C::UnsupportedVersion, C::UnsupportedFeature, C::NotImplemented],
    ),
    (
        Kind::Invalid,
        Says::Refuses("the request is not well formed"),
        &[C::InvalidRequest, C::InvalidArgument, C::DuplicateResource],
    ),
    (Kind::Invalid, Says::Refuses("it has no authorizer"), &[C::SecurityDisabled]),
    (
        Kind::Invalid,
        Says::Refuses("it would change nothing"),
        &[C::ElectionNotNeeded, C::NoReassignmentInProgress, C::Noop],
    ),
    (Kind::Invalid, Says::Refuses("something that it names is not there"), &[C::ResourceNotFound, C::LogDirNotFound]),
    (
        Kind::Invalid,
        Says::Refuses("the credential is not acceptable"),
        &[C::UnacceptableCredential, C::InvalidPrincipalType],
    ),
    // What belongs to producers, consumers and brokers among themselves
    (
        Kind::Invalid,
        UNEXPECTED,
        &[
            C::BadCompression,
            C::MessageTimedOut,
            C::PartitionEOF,
            C::FileSystem,
            C::ISRInsufficient,
            C::NodeUpdate,
            C::UnknownGroup,
            C::ExistingSubscription,
            C::AssignPartitions,
            C::RevokePartitions,
            C::Conflict,
            C::State,
            C::UnknownProtocol,
            C::NoOffset,
            C::KeySerialization,
            C::ValueSerialization,
            C::KeyDeserialization,
            C::ValueDeserialization,
            C::ReadOnly,
            C::InvalidType,
            C::Fatal,
            C::Inconsistent,
            C::GaplessGuarantee,
            C::PollExceeded,
            C::NotConfigured,
            C::Fenced,
            C::Application,
            C::AssignmentLost,
            C::AutoOffsetReset,
            C::LogTruncation,
            C::InvalidDifferentRecord,
            C::OffsetOutOfRange,
            C::InvalidMessage,
            C::InvalidMessageSize,
            C::MessageSizeTooLarge,
            C::OffsetMetadataTooLarge,
            C::MessageBatchTooLarge,
            C::InvalidRequiredAcks,
            C::IllegalGeneration,
            C::InconsistentGroupProtocol,
            C::InvalidGroupId,
            C::UnknownMemberId,
            C::InvalidSessionTimeout,
            C::InvalidCommitOffsetSize,
            C::InvalidTimestamp,
            C::UnsupportedForMessageFormat,
            C::OutOfOrderSequenceNumber,
            C::DuplicateSequenceNumber,
            C::InvalidProducerEpoch,
            C::InvalidTransactionalState,
            C::InvalidProducerIdMapping,
            C::InvalidTransactionTimeout,
            C::TransactionCoordinatorFenced,
            C::UnknownProducerId,
            C::DelegationTokenAuthDisabled,
            C::DelegationTokenNotFound,
            C::DelegationTokenOwnerMismatch,
            C::DelegationTokenRequestNotAllowed,
            C::DelegationTokenExpired,
            C::NonEmptyGroup,
            C::GroupIdNotFound,
            C::FetchSessionIdNotFound,
            C::InvalidFetchSessionEpoch,
            C::UnsupportedCompressionType,
            C::MemberIdRequired,
            C::GroupMaxSizeReached,
            C::FencedInstanceId,
            C::GroupSubscribedToTopic,
            C::InvalidRecord,
            C::ProducerFenced,
            C::InconsistentVoterSet,
            C::InvalidUpdateVersion,
            C::FeatureUpdateFailed,
            C::FencedMemberEpoch,
            C::UnreleasedInstanceId,
            C::UnsupportedAssignor,
            C::StaleMemberEpoch,
            C::UnknownSubscriptionId,
            C::TelemetryTooLarge,
        ],
    ),
];

pub(crate) fn row(code: Code) -> (Kind, Says) {
    let found = TABLE.iter().find(|(_, _, codes)| codes.iter().any(|known| *known as Code == code));
    found.map_or((Kind::Passing, Says::NotNow("the broker's answer is unknown to Orbit")), |(kind, says, _)| {
        (*kind, *says)
    })
}
