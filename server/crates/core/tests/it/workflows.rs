//! The fault suite for every workflow.

use orbit_core::{
    fault_suite,
    testing::{World, scenario},
    workflow::{Piece, Workflow},
};

fault_suite!(TopicProvisioning, scenario::topic_provisioning);
fault_suite!(TopicUpdate, scenario::topic_update);
fault_suite!(TopicDeletion, scenario::topic_deletion);
fault_suite!(Bundle, scenario::bundle);

#[test]
fn phases_never_fall_along_a_plan() {
    for scenario in [scenario::topic_provisioning(), scenario::topic_update(), scenario::topic_deletion()] {
        let world = World::new();
        (scenario.begin)(&world);
        let saga = world.saga();
        let plan = saga.pieces[0].plan();
        assert!(plan.is_sorted_by_key(|step| Piece::phase(*step)), "{}: {plan:?}", scenario.kind);
        assert_eq!(saga.steps.iter().map(|record| record.step).collect::<Vec<_>>(), plan);
    }
}
