//! Small shops as manifests, made as they should be, or with one mistake in them.

use proptest::prelude::*;

/// Who calls whom, and how the file is written.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    /// For each application the earlier ones that it calls.
    calls: Vec<Vec<usize>>,
    ports: Vec<u16>,
    has_comments: bool,
    has_dns: bool,
    has_ingress: bool,
}

/// Something that is wrong, and can be mended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mistake {
    QuotedPort,
    Misspelled,
    ImplicitTypes,
    HostBits,
    NamespaceName,
    HalfDns,
    ServicePort,
}

impl Mistake {
    pub(crate) const ALL: [Mistake; 7] = [
        Mistake::QuotedPort,
        Mistake::Misspelled,
        Mistake::ImplicitTypes,
        Mistake::HostBits,
        Mistake::NamespaceName,
        Mistake::HalfDns,
        Mistake::ServicePort,
    ];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Mistake::QuotedPort => "NP001",
            Mistake::Misspelled => "NP002",
            Mistake::ImplicitTypes => "NP004",
            Mistake::HostBits => "NP006",
            Mistake::NamespaceName => "NP013",
            Mistake::HalfDns => "NP041",
            Mistake::ServicePort => "NP050",
        }
    }
}

pub(crate) fn any_shop() -> impl Strategy<Value = Shop> {
    let size = 2usize..6;
    size.prop_flat_map(|size| {
        let calls: Vec<_> = (0..size)
            .map(|nth| proptest::sample::subsequence((0..nth).collect::<Vec<_>>(), 0..=nth))
            .collect();
        let ports = proptest::collection::vec(1024u16..9000, size);
        (calls, ports, any::<[bool; 3]>())
    })
    .prop_map(
        |(calls, ports, [has_comments, has_dns, has_ingress])| Shop {
            calls,
            ports,
            has_comments,
            has_dns,
            has_ingress,
        },
    )
}

impl Shop {
    /// The manifests, with or without a mistake in the policies of the last application.
    pub(crate) fn text(&self, mistake: Option<Mistake>) -> String {
        let mut text = String::from(
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n\
             apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n",
        );
        if self.has_dns {
            text.push_str(
                "---\napiVersion: apps/v1\nkind: Deployment\n\
                 metadata: {name: coredns, namespace: kube-system}\nspec:\n  \
                 selector: {matchLabels: {k8s-app: kube-dns}}\n  template:\n    \
                 metadata: {labels: {k8s-app: kube-dns}}\n    spec:\n      containers:\n        \
                 - name: coredns\n          ports:\n            \
                 - {name: dns, containerPort: 53, protocol: UDP}\n            \
                 - {name: dns-tcp, containerPort: 53, protocol: TCP}\n",
            );
        }
        if self.has_ingress {
            text.push_str(
                "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: public}\n\
                 spec: {controller: traefik.io/ingress-controller}\n\
                 ---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: traefik, namespace: traefik}\nspec:\n  \
                 selector: {matchLabels: {app.kubernetes.io/name: traefik}}\n  template:\n    \
                 metadata: {labels: {app.kubernetes.io/name: traefik}}\n    spec:\n      containers:\n        \
                 - name: traefik\n          ports: [{name: web, containerPort: 8000}]\n\
                 ---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop, namespace: shop}\nspec:\n  \
                 ingressClassName: public\n  rules:\n    - host: shop.example.com\n      http:\n        paths:\n          \
                 - path: /\n            pathType: Prefix\n            backend: {service: {name: app0, port: {number: 80}}}\n",
            );
        }
        let last = self.calls.len() - 1;
        for nth in 0..self.calls.len() {
            let own = mistake.filter(|_| nth == last);
            text.push_str(&self.application(nth, own));
        }
        text
    }

    fn application(&self, nth: usize, mistake: Option<Mistake>) -> String {
        let is = |wanted| mistake == Some(wanted);
        let port = self.ports[nth];
        let note = |what: &str| match self.has_comments {
            true => format!("  # {what}"),
            false => String::new(),
        };
        let mut text = format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app{nth}, namespace: shop}}\n\
             spec:\n  selector: {{matchLabels: {{app: app{nth}}}}}\n  template:\n    metadata: {{labels: {{app: app{nth}}}}}\n    \
             spec:\n      containers:\n        - name: main\n          ports: [{{name: http, containerPort: {port}}}]\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: app{nth}, namespace: shop}}\nspec:\n  \
             selector: {{app: app{nth}}}\n  ports: [{{port: 80, targetPort: http}}]\n"
        );
        text.push_str(&format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: app{nth}{}\n  namespace: shop\nspec:\n",
            note("one for each application")
        ));
        text.push_str(&format!(
            "  podSelector:\n    matchLabels:\n      app: app{nth}\n"
        ));
        if !is(Mistake::ImplicitTypes) {
            text.push_str(&format!(
                "  policyTypes: [Ingress, Egress]{}\n",
                note("both")
            ));
        }
        let ingress = if is(Mistake::Misspelled) {
            "ingres"
        } else {
            "ingress"
        };
        text.push_str(&format!("  {ingress}:{}\n", note("who may call")));
        for (caller, _) in self
            .calls
            .iter()
            .enumerate()
            .filter(|(_, calls)| calls.contains(&nth))
        {
            text.push_str(&rule("from", caller, &port.to_string(), &note("calls")));
        }
        if self.has_ingress && nth == 0 {
            text.push_str(&format!(
                "    - from:\n        - namespaceSelector:\n            matchLabels:\n              \
                 kubernetes.io/metadata.name: traefik\n      ports:\n        - port: http{}\n          protocol: TCP\n",
                note("from outside")
            ));
        }
        let number = match mistake {
            Some(Mistake::QuotedPort) => format!("\"{port}\""),
            Some(Mistake::ServicePort) => "80".to_owned(),
            _ => port.to_string(),
        };
        let blocks = if is(Mistake::HostBits) {
            "10.1.2.3/16"
        } else {
            "10.1.0.0/16"
        };
        text.push_str(&format!(
            "    - from:\n        - ipBlock:\n            cidr: {blocks}{}\n      ports:\n        - port: {number}\n          protocol: TCP\n",
            note("the office")
        ));
        text.push_str("  egress:\n");
        for &called in &self.calls[nth] {
            text.push_str(&rule(
                "to",
                called,
                &self.ports[called].to_string(),
                &note("is called"),
            ));
        }
        let label = match mistake {
            Some(Mistake::NamespaceName) => "name",
            _ => "kubernetes.io/metadata.name",
        };
        text.push_str(&format!(
            "    - to:\n        - namespaceSelector:\n            matchLabels:\n              {label}: kube-system{}\n          \
             podSelector:\n            matchLabels:\n              k8s-app: kube-dns\n      ports:\n        - protocol: UDP\n          port: 53\n",
            note("names")
        ));
        if !is(Mistake::HalfDns) {
            text.push_str("        - protocol: TCP\n          port: 53\n");
        }
        text
    }
}

fn rule(field: &str, app: usize, port: &str, note: &str) -> String {
    format!(
        "    - {field}:\n        - podSelector:\n            matchLabels:\n              app: app{app}{note}\n      \
         ports:\n        - protocol: TCP\n          port: {port}\n"
    )
}
