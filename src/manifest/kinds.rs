//! The table of kinds that are read, one line each.

use super::object::Kind;
use super::{
    admin_network_policy, cluster_network_policy, cron_job, daemon_set, deployment, endpoint_slice,
    endpoints, ingress, ingress_class, job, namespace, network_policy, node, pod, replica_set,
    replication_controller, route, service, stateful_set,
};

/// Every kind that is read. A new one is a file of its own and a line here.
pub(crate) const KINDS: &[Kind] = &[
    namespace::KIND,
    node::KIND,
    cron_job::KIND,
    job::KIND,
    deployment::KIND,
    stateful_set::KIND,
    daemon_set::KIND,
    replica_set::KIND,
    replication_controller::KIND,
    pod::KIND,
    service::KIND,
    endpoints::KIND,
    endpoint_slice::KIND,
    ingress_class::KIND,
    ingress::KIND,
    route::KIND,
    network_policy::KIND,
    cluster_network_policy::KIND,
    cluster_network_policy::BETA,
    admin_network_policy::ADMIN,
    admin_network_policy::BASELINE,
];

/// The kind of that apiVersion and name.
pub(crate) fn find(api_version: &str, kind: &str) -> Option<(usize, &'static Kind)> {
    KINDS
        .iter()
        .enumerate()
        .find(|(_, known)| known.kind == kind && known.api_version == api_version)
}
