use super::*;
use uuid::Uuid;

fn spec(partitions: u32, config: &[(&str, &str)]) -> TopicSpec {
    TopicSpec {
        partitions: Some(partitions),
        config: config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..TopicSpec::default()
    }
}

fn observed(partitions: u32, configs: &[(&str, &str)]) -> Observed {
    Observed {
        topic: Some(TopicDescription {
            id: KafkaTopicId::from_uuid(Uuid::from_u128(1)),
            partitions,
            replication_factor: 1,
            configs: configs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        }),
    }
}

#[test]
fn a_setting_given_twice_with_different_values_is_told() {
    let mut s = spec(1, &[("retention.ms", "1000")]);
    s.retention_ms = Some(1000);
    assert_eq!(s.settings().unwrap().len(), 1);
    s.retention_ms = Some(2000);
    assert_eq!(
        s.settings().unwrap_err().to_string(),
        "retention.ms is given twice: as retention_ms = 2000 and in config = 1000; keep one of them"
    );
}

#[test]
fn none_is_kafkas_uncompressed() {
    let s = TopicSpec { compression: Some(Compression::None), ..TopicSpec::default() };
    assert_eq!(s.folded()["compression.type"], "uncompressed");
    assert_eq!(s.pointer("compression.type"), "/compression");
    assert_eq!(s.pointer("segment.ms"), "/config/segment.ms");
}

#[test]
fn broker_defaults_are_no_drift_and_equal_meaning_is_none_either() {
    let s = spec(6, &[("cleanup.policy", "compact,delete")]);
    let seen = observed(6, &[("cleanup.policy", "delete,compact"), ("min.insync.replicas", "1")]);
    assert!(!Drift::between(&s, None, &seen).is_some());
}

#[test]
fn drift_names_exactly_what_differs() {
    let s = spec(6, &[("retention.ms", "1000"), ("segment.ms", "5")]);
    let Drift::Fields(fields) = Drift::between(&s, None, &observed(6, &[("retention.ms", "2000")])) else { panic!() };
    let told: Vec<_> = fields.iter().map(|d| (d.field.as_str(), d.before.as_deref(), d.after.as_deref())).collect();
    assert_eq!(told, [("/config/retention.ms", Some("1000"), Some("2000")), ("/config/segment.ms", Some("5"), None)]);
}

#[test]
fn a_field_drifts_under_its_own_name() {
    let s = TopicSpec { retention_ms: Some(1000), replication_factor: Some(3), ..spec(6, &[]) };
    let Drift::Fields(fields) = Drift::between(&s, None, &observed(7, &[("retention.ms", "2000")])) else { panic!() };
    let told: Vec<_> = fields.iter().map(|d| d.field.as_str()).collect();
    assert_eq!(told, ["/partitions", "/replication_factor", "/retention_ms"]);
}

#[test]
fn a_topic_made_again_by_somebody_else_is_not_ours() {
    let ours = KafkaTopicId::from_uuid(Uuid::from_u128(9));
    let drift = Drift::between(&spec(1, &[]), Some(ours), &observed(1, &[]));
    assert_eq!(drift, Drift::Recreated { found: KafkaTopicId::from_uuid(Uuid::from_u128(1)) });
    assert_eq!(Drift::between(&spec(1, &[]), Some(ours), &Observed { topic: None }), Drift::Missing);
}

#[test]
fn tags_are_told_apart_also_where_they_read_alike() {
    let tagged =
        |tags: &[&str]| TopicSpec { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..TopicSpec::default() };
    let differ = |a: &[&str], b: &[&str]| !tagged(a).differences(&tagged(b)).is_empty();
    assert!(differ(&["a, b"], &["a", "b"]) && differ(&[], &["a"]));
    assert!(!differ(&["a", "b"], &["b", "a"]));
    let told = tagged(&["pii"]).differences(&tagged(&["gdpr", "pii"]));
    assert_eq!(
        told,
        [Difference { field: "/tags".into(), before: Some("pii".into()), after: Some("gdpr, pii".into()) }]
    );
}

#[test]
fn the_same_setting_as_a_field_or_in_config_is_no_difference() {
    let a = spec(1, &[("retention.ms", "1000")]);
    let b = TopicSpec { partitions: Some(1), retention_ms: Some(1000), ..TopicSpec::default() };
    assert!(!a.differs_on_cluster(&b));
    assert_eq!(a.differences(&b), []);
}

#[test]
fn the_state_machine_is_this_table() {
    use TopicEvent as E;
    let events = [
        E::CreateFiled,
        E::CreateAccepted,
        E::CreateRejected,
        E::CreateWithdrawn,
        E::CreateExpired,
        E::Provisioned,
        E::ProvisioningFailed,
        E::DeleteAccepted,
        E::DeleteFailed,
    ];
    let mut table = String::new();
    for status in std::iter::once(None).chain(TopicStatus::ALL.map(Some)) {
        let name = status.map_or("-", TopicStatus::as_str);
        let row: Vec<_> = events
            .iter()
            .filter_map(|e| transition(status, *e).ok().map(|to| format!("{e:?}={}", to.as_str())))
            .collect();
        table.extend([name, ": ", &row.join(" "), "\n"]);
    }
    assert_eq!(
        table,
        "-: CreateFiled=pending-approval CreateAccepted=provisioning\n\
         pending-approval: CreateFiled=pending-approval CreateAccepted=provisioning CreateRejected=rejected \
         CreateWithdrawn=withdrawn CreateExpired=expired\n\
         provisioning: Provisioned=active ProvisioningFailed=failed\n\
         active: CreateAccepted=provisioning DeleteAccepted=deleting\n\
         failed: CreateFiled=pending-approval CreateAccepted=provisioning DeleteAccepted=deleting\n\
         deleting: DeleteFailed=active\n\
         rejected: CreateFiled=pending-approval CreateAccepted=provisioning\n\
         withdrawn: CreateFiled=pending-approval CreateAccepted=provisioning\n\
         expired: CreateFiled=pending-approval CreateAccepted=provisioning\n"
    );
}
