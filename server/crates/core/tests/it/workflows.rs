//! The fault suite for every workflow.

use orbit_core::{fault_suite, testing::scenario};

fault_suite!(TopicProvisioning, scenario::topic_provisioning);
fault_suite!(TopicUpdate, scenario::topic_update);
fault_suite!(TopicDeletion, scenario::topic_deletion);
