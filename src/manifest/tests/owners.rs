//! Who owns whom, and which pods there are (N16).

use super::{lines, loaded};

/// An object in flow style with an owner and whatever else.
fn object(kind: &str, name: &str, owner: Option<(&str, &str)>, rest: &str) -> String {
    let api_version = match kind {
        "Pod" => "v1",
        "Job" | "CronJob" => "batch/v1",
        _ => "apps/v1",
    };
    let owner = owner.map_or(String::new(), |(kind, name)| {
        let api_version = match kind {
            "Job" | "CronJob" => "batch/v1",
            "Node" => "v1",
            "Rollout" => "argoproj.io/v1alpha1",
            _ => "apps/v1",
        };
        format!(
            ", ownerReferences: [{{apiVersion: {api_version}, kind: {kind}, name: {name}, uid: u, \
             controller: true}}]"
        )
    });
    format!("{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: {name}{owner}}}{rest}}}")
}

/// Workloads with their pods: `Deployment/web: web-1 *`, `*` being the pods of a template.
fn workloads(objects: &[String]) -> Vec<String> {
    let loaded = loaded(&objects.join("\n---\n"));
    let errors: Vec<_> = loaded
        .findings
        .iter()
        .filter(|finding| finding.id != "LD003")
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let cluster = &loaded.cluster;
    cluster
        .workloads_with_ids()
        .map(|(id, workload)| {
            let pods = cluster
                .pods_of(id)
                .map(|(_, pod)| format!(" {}", pod.name.as_deref().unwrap_or("*")));
            format!(
                "{}/{}:{}",
                workload.kind,
                workload.name,
                pods.collect::<String>()
            )
        })
        .collect()
}

#[test]
fn n16_pods_count_for_their_top_most_owner_in_the_input() {
    let deployment = object("Deployment", "web", None, "");
    let set = object("ReplicaSet", "web-1", Some(("Deployment", "web")), "");
    let old = object(
        "ReplicaSet",
        "web-0",
        Some(("Deployment", "web")),
        ", spec: {replicas: 0}",
    );
    let pod = |name| object("Pod", name, Some(("ReplicaSet", "web-1")), "");
    let cron = object("CronJob", "tick", None, "");
    let job = object("Job", "tick-1", Some(("CronJob", "tick")), "");
    let job_pod = object("Pod", "tick-1-x", Some(("Job", "tick-1")), "");
    for (objects, expected) in [
        (vec![deployment.clone()], &["Deployment/web: *"][..]),
        (
            vec![deployment.clone(), set.clone()],
            &["Deployment/web: *"],
        ),
        (
            vec![
                pod("b"),
                deployment.clone(),
                pod("a"),
                set.clone(),
                old.clone(),
            ],
            &["Deployment/web: a b"],
        ),
        // The ReplicaSet is not there, so nothing leads to the Deployment.
        (
            vec![pod("a"), deployment.clone()],
            &["Deployment/web: *", "ReplicaSet/web-1: a"],
        ),
        (vec![pod("a"), set.clone()], &["ReplicaSet/web-1: a"]),
        (vec![pod("a"), pod("b")], &["ReplicaSet/web-1: a b"]),
        (vec![set.clone()], &["ReplicaSet/web-1: *"]),
        // An old revision of something that is not in the input.
        (vec![old.clone()], &[]),
        (
            vec![object("ReplicaSet", "x", None, ", spec: {replicas: 0}")],
            &["ReplicaSet/x: *"],
        ),
        (
            vec![object("Deployment", "x", None, ", spec: {replicas: 0}")],
            &["Deployment/x: *"],
        ),
        (vec![cron.clone()], &["CronJob/tick: *"]),
        (vec![cron.clone(), job.clone()], &["CronJob/tick: *"]),
        (
            vec![job_pod.clone(), job.clone(), cron],
            &["CronJob/tick: tick-1-x"],
        ),
        (vec![job_pod.clone(), job], &["Job/tick-1: tick-1-x"]),
        (vec![job_pod], &["Job/tick-1: tick-1-x"]),
        (vec![object("Pod", "bare", None, "")], &["Pod/bare: bare"]),
        // Static pods belong to their node, and to nothing that they share.
        (
            vec![
                object("Pod", "etcd-n1", Some(("Node", "n1")), ""),
                object("Pod", "api-n1", Some(("Node", "n1")), ""),
            ],
            &["Pod/api-n1: api-n1", "Pod/etcd-n1: etcd-n1"],
        ),
        // Another API's kind of the same name is not the owner.
        (
            vec![
                object("Pod", "a", Some(("Rollout", "web")), ""),
                deployment.clone(),
            ],
            &["Deployment/web: *", "Rollout/web: a"],
        ),
        // A circle of owners ends.
        (
            vec![
                object("ReplicaSet", "a", Some(("ReplicaSet", "b")), ""),
                object("ReplicaSet", "b", Some(("ReplicaSet", "a")), ""),
            ],
            &["ReplicaSet/a: *", "ReplicaSet/b: *"],
        ),
    ] {
        assert_eq!(workloads(&objects), expected, "{objects:#?}");
        let mut reversed = objects.clone();
        reversed.reverse();
        assert_eq!(workloads(&reversed), expected, "{reversed:#?}");
    }
    assert_eq!(loaded(&old).old_revisions, 1);
}

#[test]
fn n16_terminated_pods_and_finished_jobs_are_left_out_and_counted() {
    for phase in ["Succeeded", "Failed"] {
        let pod = object("Pod", "a", None, &format!(", status: {{phase: {phase}}}"));
        let loaded = loaded(&pod);
        assert_eq!(
            (loaded.cluster.pods.len(), loaded.cluster.terminated_pods),
            (0, 1)
        );
        assert_eq!(loaded.cluster.workloads.len(), 0);
    }
    for phase in ["Pending", "Running", "Unknown"] {
        let pod = object("Pod", "a", None, &format!(", status: {{phase: {phase}}}"));
        assert_eq!(loaded(&pod).cluster.pods.len(), 1);
    }
    let finished = |condition: &str| {
        let status = format!(", status: {{conditions: [{{type: {condition}, status: 'True'}}]}}");
        loaded(&object("Job", "j", None, &status))
    };
    for condition in ["Complete", "Failed"] {
        let loaded = finished(condition);
        assert_eq!(
            (loaded.cluster.workloads.len(), loaded.finished_jobs),
            (0, 1)
        );
    }
    assert_eq!(finished("Suspended").cluster.workloads.len(), 1);
    // An owner whose pods have all ended will make others.
    let dead = object(
        "Pod",
        "a",
        Some(("Deployment", "web")),
        ", status: {phase: Failed}",
    );
    let objects = [object("Deployment", "web", None, ""), dead];
    assert_eq!(workloads(&objects), ["Deployment/web: *"]);
}

#[test]
fn an_owner_without_a_kind_is_taken_for_a_pod() {
    let text = "{apiVersion: v1, kind: Pod, metadata: {name: a, ownerReferences: [{name: owner, \
                controller: true}]}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: b, \
                ownerReferences: [{name: owner, controller: true}]}}";
    let loaded = loaded(text);
    assert_eq!(loaded.cluster.workloads.len(), 1);
    assert_eq!(loaded.cluster.workloads[0].kind.0, "Pod");
    assert_eq!(loaded.cluster.workloads[0].name, "owner");
    assert_eq!(loaded.cluster.pods.len(), 2);
    assert_eq!(
        lines(text),
        ["NP001 warning @metadata.ownerReferences[0] metadata.ownerReferences[0].kind: Invalid \
          value: \"\": kind must not be empty"; 2]
    );
    // An owner that is not the controller does not count.
    let text = text.replace("controller: true", "controller: false");
    assert_eq!(super::loaded(&text).cluster.workloads.len(), 2);
}
