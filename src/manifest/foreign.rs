//! Objects of kinds that are not read: which of them can change connectivity.

use super::kinds::KINDS;
use super::object::group_of;
use crate::model::nearest;
use crate::model::{Finding, NotAnalysed, Origin, Place, Severity};
use crate::source::{Route, Target};
use std::collections::BTreeMap;

/// An object of a kind that is not read.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) relevance: Relevance,
}

/// What a kind that is not read can do to connectivity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Relevance {
    /// It can change it, so the answer must say that it was not taken into account.
    NotAnalysed,
    /// It cannot, as far as is known.
    PassedOver,
}

/// Groups all kinds of which can change what connects to what.
const GROUPS: &[&str] = &[
    "policy.networking.k8s.io",
    "projectcalico.org",
    "crd.projectcalico.org",
    "policy.linkerd.io",
    "k8s.ovn.org",
    "crd.antrea.io",
    "security.antrea.io",
    "gateway.networking.k8s.io",
    "security.istio.io",
    "networking.istio.io",
    "kubeovn.io",
];

/// Single kinds of other groups that can.
const SINGLE_KINDS: &[(&str, &[&str])] = &[
    (
        "cilium.io",
        &[
            "CiliumNetworkPolicy",
            "CiliumClusterwideNetworkPolicy",
            "CiliumCIDRGroup",
            "CiliumLocalRedirectPolicy",
            "CiliumEgressGatewayPolicy",
            "CiliumEnvoyConfig",
            "CiliumClusterwideEnvoyConfig",
        ],
    ),
    (
        "k8s.cni.cncf.io",
        &["MultiNetworkPolicy", "NetworkAttachmentDefinition"],
    ),
    (
        "kubevirt.io",
        &[
            "VirtualMachine",
            "VirtualMachineInstance",
            "VirtualMachineInstanceReplicaSet",
            "VirtualMachinePool",
        ],
    ),
    ("pool.kubevirt.io", &["VirtualMachinePool"]),
    (
        "networking.gke.io",
        &[
            "FQDNNetworkPolicy",
            "NetworkLogging",
            "RemoteNode",
            "Network",
        ],
    ),
    (
        "networking.k8s.aws",
        &[
            "PolicyEndpoint",
            "ApplicationNetworkPolicy",
            "ClusterNetworkPolicy",
        ],
    ),
    (
        "network.openshift.io",
        &["EgressNetworkPolicy", "NetNamespace", "HostSubnet"],
    ),
    ("apps.openshift.io", &["DeploymentConfig"]),
    ("argoproj.io", &["Rollout"]),
    (
        "apps.kruise.io",
        &[
            "CloneSet",
            "StatefulSet",
            "DaemonSet",
            "AdvancedCronJob",
            "BroadcastJob",
        ],
    ),
    (
        "serving.knative.dev",
        &["Service", "Configuration", "Revision"],
    ),
    (
        "traefik.io",
        &["IngressRoute", "IngressRouteTCP", "IngressRouteUDP"],
    ),
    (
        "traefik.containo.us",
        &["IngressRoute", "IngressRouteTCP", "IngressRouteUDP"],
    ),
    ("projectcontour.io", &["HTTPProxy"]),
];

/// What an object of this apiVersion and kind, which KINDS does not have, can do.
pub(crate) fn relevance(api_version: &str, kind: &str) -> Relevance {
    let group = group_of(api_version);
    let in_group = GROUPS.contains(&group);
    let single = SINGLE_KINDS
        .iter()
        .any(|(of, kinds)| *of == group && kinds.contains(&kind));
    let policy = kind.to_ascii_lowercase().ends_with("networkpolicy");
    if in_group || single || policy || is_old_version(group, kind) {
        Relevance::NotAnalysed
    } else {
        Relevance::PassedOver
    }
}

/// Whether it is a kind that is read, in a version of its group that is not.
fn is_old_version(group: &str, kind: &str) -> bool {
    KINDS.iter().any(|known| {
        known.kind == kind && (group_of(known.api_version) == group || group == "extensions")
    })
}

/// The kind that was probably meant, and what to write: one that is read, spelt almost like
/// this, in the same apiVersion; or one of exactly this name in another.
pub(crate) fn probable_mistake(api_version: &str, kind: &str) -> Option<(&'static str, String)> {
    let same_version = KINDS
        .iter()
        .filter(|known| known.api_version == api_version)
        .map(|known| known.kind);
    if let Some(meant) = nearest(kind, same_version) {
        return Some((meant, format!("did you mean `kind: {meant}`?")));
    }
    // Built-in groups have no kind of that name, or it would be of their own.
    let builtin = matches!(
        api_version,
        "v1" | "apps/v1" | "batch/v1" | "networking.k8s.io/v1" | "discovery.k8s.io/v1"
    );
    let elsewhere = KINDS.iter().find(|known| known.kind == kind);
    match elsewhere {
        Some(known) if builtin => Some((
            known.kind,
            format!("write `apiVersion: {}`", known.api_version),
        )),
        _ => None,
    }
}

/// Whether the object tells kustomize what to render, and is not itself applied.
pub(crate) fn is_kustomization(api_version: &str, kind: &str) -> bool {
    group_of(api_version) == "kustomize.config.k8s.io"
        && matches!(kind, "Kustomization" | "Component")
}

/// What is said of objects of kinds that are not read.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Kinds that can change connectivity, by apiVersion and kind.
    pub(crate) not_analysed: Vec<NotAnalysed>,
    /// One finding (LD003) for each of them.
    pub(crate) findings: Vec<Finding>,
    /// How many objects there are of other kinds.
    pub(crate) other_kinds: BTreeMap<(String, String), usize>,
}

/// Kinds that are not analysed, with a finding for each; and the count of all others.
pub(crate) fn summarize(foreign: Vec<Foreign>) -> Summary {
    let mut summary = Summary::default();
    let mut relevant: BTreeMap<(String, String), Vec<Foreign>> = BTreeMap::new();
    for object in foreign {
        let key = (object.api_version.clone(), object.kind.clone());
        match object.relevance {
            Relevance::PassedOver => *summary.other_kinds.entry(key).or_insert(0) += 1,
            Relevance::NotAnalysed => relevant.entry(key).or_default().push(object),
        }
    }
    for ((api_version, kind), objects) in relevant {
        let count = objects.len();
        // By name, not by position, so that the order of files does not matter.
        let Some(first) = objects.into_iter().min_by(|a, b| {
            (&a.namespace, &a.name, &a.origin).cmp(&(&b.namespace, &b.name, &b.origin))
        }) else {
            continue;
        };
        summary
            .findings
            .push(finding(&api_version, &kind, count, &first.origin));
        summary.not_analysed.push(NotAnalysed {
            api_version,
            kind,
            count,
            first: first.origin,
        });
    }
    summary
}

fn finding(api_version: &str, kind: &str, count: usize, first: &Origin) -> Finding {
    let objects = match count {
        1 => "1 object".to_owned(),
        _ => format!("{count} objects"),
    };
    let current = KINDS.iter().find(|known| known.kind == kind).filter(|_| {
        let group = group_of(api_version);
        group == "extensions" || is_old_version(group, kind)
    });
    Finding {
        place: Place::Node {
            origin: Origin {
                document: first.document,
                route: kind_route(&first.route),
            },
            target: Target::Value,
        },
        id: "LD003",
        severity: Severity::Warning,
        message: format!(
            "{objects} of kind `{kind}` ({api_version}) not analysed: it can change connectivity, \
             and answers do not take it into account"
        ),
        help: current.map(|known| {
            format!(
                "write `apiVersion: {}`: current Kubernetes knows no other",
                known.api_version
            )
        }),
        related: Vec::new(),
    }
}

/// Where the kind of the object at `route` is written.
pub(crate) fn kind_route(route: &Route) -> Route {
    route.clone().key("kind")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ld003_kinds_that_can_change_connectivity() {
        use Relevance::{NotAnalysed, PassedOver};
        for (api_version, kind, expected) in [
            (
                "policy.networking.k8s.io/v1alpha2",
                "ClusterNetworkPolicy",
                NotAnalysed,
            ),
            (
                "policy.networking.k8s.io/v1alpha1",
                "AdminNetworkPolicy",
                NotAnalysed,
            ),
            ("cilium.io/v2", "CiliumNetworkPolicy", NotAnalysed),
            ("cilium.io/v2", "CiliumNode", PassedOver),
            ("projectcalico.org/v3", "NetworkPolicy", NotAnalysed),
            (
                "crd.projectcalico.org/v1",
                "GlobalNetworkPolicy",
                NotAnalysed,
            ),
            ("extensions/v1beta1", "Ingress", NotAnalysed),
            ("networking.k8s.io/v1beta1", "Ingress", NotAnalysed),
            ("apps/v1beta2", "Deployment", NotAnalysed),
            ("batch/v1beta1", "CronJob", NotAnalysed),
            ("k8s.cni.cncf.io/v1beta2", "MultiNetworkPolicy", NotAnalysed),
            (
                "k8s.cni.cncf.io/v1",
                "NetworkAttachmentDefinition",
                NotAnalysed,
            ),
            ("k8s.ovn.org/v1", "UserDefinedNetwork", NotAnalysed),
            ("kubevirt.io/v1", "VirtualMachineInstance", NotAnalysed),
            (
                "networking.gke.io/v1alpha1",
                "FQDNNetworkPolicy",
                NotAnalysed,
            ),
            ("networking.gke.io/v1", "ManagedCertificate", PassedOver),
            ("vendor.example/v1", "FancyNetworkPolicy", NotAnalysed),
            ("v1", "ConfigMap", PassedOver),
            ("rbac.authorization.k8s.io/v1", "Role", PassedOver),
            ("autoscaling/v2", "HorizontalPodAutoscaler", PassedOver),
            ("policy/v1", "PodDisruptionBudget", PassedOver),
            ("serving.knative.dev/v1", "Service", NotAnalysed),
        ] {
            assert_eq!(
                relevance(api_version, kind),
                expected,
                "{api_version} {kind}"
            );
        }
    }

    #[test]
    fn ld002_probable_mistakes_in_kind_and_api_version() {
        for (api_version, kind, expected) in [
            (
                "networking.k8s.io/v1",
                "Networkpolicy",
                Some("NetworkPolicy"),
            ),
            (
                "networking.k8s.io/v1",
                "NetworkPolicies",
                Some("NetworkPolicy"),
            ),
            ("v1", "Deployment", Some("apps/v1")),
            ("apps/v1", "NetworkPolicy", Some("networking.k8s.io/v1")),
            ("v1", "ConfigMap", None),
            ("v1", "ServiceAccount", None),
            ("apps/v1", "ControllerRevision", None),
            ("v1", "PodTemplate", None),
            ("networking.k8s.io/v1", "IPAddress", None),
            ("networking.k8s.io/v1", "ServiceCIDR", None),
        ] {
            let found = probable_mistake(api_version, kind);
            assert_eq!(
                found.is_some(),
                expected.is_some(),
                "{api_version} {kind} {found:?}"
            );
            if let (Some((_, found)), Some(expected)) = (found, expected) {
                assert!(found.contains(expected), "{found}");
            }
        }
    }
}
