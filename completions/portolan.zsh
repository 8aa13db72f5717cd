#compdef portolan

autoload -U is-at-least

_portolan() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_portolan_commands" \
"*::: :->portolan" \
&& ret=0
    case $state in
    (portolan)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:portolan-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'-o+[The format of the map]:FORMAT:((table\:"for people\: sets of workloads and what they may open to each other"
json\:"one row for each pair, or with --grouped sets and their connections"
csv\:"one record for each pair, with a header"
md\:"the same as a Markdown table, for a pull request"
dot\:"a Graphviz graph, workloads with the same connections drawn as one"
mermaid\:"a Mermaid flowchart, workloads with the same connections drawn as one"))' \
'--output=[The format of the map]:FORMAT:((table\:"for people\: sets of workloads and what they may open to each other"
json\:"one row for each pair, or with --grouped sets and their connections"
csv\:"one record for each pair, with a header"
md\:"the same as a Markdown table, for a pull request"
dot\:"a Graphviz graph, workloads with the same connections drawn as one"
mermaid\:"a Mermaid flowchart, workloads with the same connections drawn as one"))' \
'*-w+[Only what this workload, pod or service opens or takes; may be repeated]:NAME:_default' \
'*--workload=[Only what this workload, pod or service opens or takes; may be repeated]:NAME:_default' \
'-d+[Of the selected workloads, only what they open (egress) or take (ingress)]:WHICH:(egress ingress)' \
'--direction=[Of the selected workloads, only what they open (egress) or take (ingress)]:WHICH:(egress ingress)' \
'-p+[Only this port\: 7070, tcp/7070 or udp/53]:PORT:_default' \
'--port=[Only this port\: 7070, tcp/7070 or udp/53]:PORT:_default' \
'*--between=[Only between these two, both ways]:A:_default:A:_default' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--grouped[With \`-o json\`\: sets of workloads instead of pairs, which is what scales]' \
'--explain[Add the policies that decide]' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Files or directories of manifests, `-` for standard input \[default\: .\]:_files' \
&& ret=0
;;
(can)
_arguments "${_arguments_options[@]}" : \
'*-f+[Files or directories of manifests, \`-\` for standard input \[default\: .\]]:PATH:_files' \
'*--file=[Files or directories of manifests, \`-\` for standard input \[default\: .\]]:PATH:_files' \
'-p+[The port\: 7070, tcp/7070, udp/53 or a name; without it, whatever is allowed]:PORT:_default' \
'--port=[The port\: 7070, tcp/7070, udp/53 or a name; without it, whatever is allowed]:PORT:_default' \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-o+[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'--output=[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--fix[For a no\: print patches that would make it a yes, and all else that each would open]' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::ends -- Who calls, and who is called; the word `reach` may stand between them:_default' \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
'*-i+[A file or directory of intents, or \`builtin\:NAME\`; may be repeated]:FILE:_default' \
'*--intent=[A file or directory of intents, or \`builtin\:NAME\`; may be repeated]:FILE:_default' \
'--prove=[For which pods to prove it, whatever the intents say; \`off\` only reads them]:SCOPE:((off\:"Nothing"
existing\:"The pods that exist"
possible\:"Any pod that one could create"))' \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-b+[Also say what changed since this revision, such as \`origin/main...\`]:REV:_default' \
'--base=[Also say what changed since this revision, such as \`origin/main...\`]:REV:_default' \
'*--deny=[With \`--base\`, the changes to refuse \[default\: exposed\]]:WHAT:((none\:"None"
added\:"Something can be reached that could not, or perhaps"
removed\:"Something can no longer be reached, or perhaps not"
any\:"Anything"
exposed\:"Something can newly be reached from the internet"))' \
'--fail-on=[Fail on findings that are at least this bad]:SEVERITY:((error\:""
warning\:""
note\:""
never\:"Whatever there is"))' \
'--baseline=[What was there before, and does not count]:FILE:_files' \
'--write-baseline=[Write everything that counts now to a baseline, and pass]:FILE:_files' \
'--timing=[Whether to say how long each assertion took\: by default on a terminal only]:WHEN:(auto always never)' \
'-o+[The format of the answer]:FORMAT:((text\:"for people"
json\:"for machines; docs/schema/check.v1.json describes it"
md\:"a comment for a pull request\: the verdict, what changed, what was found"
sarif\:"SARIF 2.1.0, for code scanning"
github\:"annotations in GitHub Actions; the job summary too, where there is one"
gitlab\:"a GitLab Code Quality report"
junit\:"JUnit XML\: a test case for each assertion and each finding"))' \
'--output=[The format of the answer]:FORMAT:((text\:"for people"
json\:"for machines; docs/schema/check.v1.json describes it"
md\:"a comment for a pull request\: the verdict, what changed, what was found"
sarif\:"SARIF 2.1.0, for code scanning"
github\:"annotations in GitHub Actions; the job summary too, where there is one"
gitlab\:"a GitLab Code Quality report"
junit\:"JUnit XML\: a test case for each assertion and each finding"))' \
'*--also=[Write the answer to a file too, in a format\: \`sarif=portolan.sarif\`; may be repeated]:FORMAT=FILE:_default' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--lint[Also look for mistakes, as \`portolan lint\` does]' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Files or directories of manifests and intents, `-` for standard input \[default\: .\]:_files' \
&& ret=0
;;
(lint)
_arguments "${_arguments_options[@]}" : \
'*-s+[Report only these, by id or the beginning of one]:ID:_default' \
'*--select=[Report only these, by id or the beginning of one]:ID:_default' \
'*-i+[Do not report these]:ID:_default' \
'*--ignore=[Do not report these]:ID:_default' \
'*--severity=[How bad findings are\: \`NP010=error\`]:ID=SEVERITY:_default' \
'--config=[The configuration \[default\: portolan.yaml, if it is there\]]:FILE:_files' \
'--fail-on=[Fail on findings that are at least this bad]:SEVERITY:((error\:""
warning\:""
note\:""
never\:"Whatever there is"))' \
'-o+[The format of the answer]:FORMAT:((text\:"for people"
json\:"for machines; docs/schema/check.v1.json describes it"
md\:"a comment for a pull request\: the verdict, what changed, what was found"
sarif\:"SARIF 2.1.0, for code scanning"
github\:"annotations in GitHub Actions; the job summary too, where there is one"
gitlab\:"a GitLab Code Quality report"
junit\:"JUnit XML\: a test case for each assertion and each finding"))' \
'--output=[The format of the answer]:FORMAT:((text\:"for people"
json\:"for machines; docs/schema/check.v1.json describes it"
md\:"a comment for a pull request\: the verdict, what changed, what was found"
sarif\:"SARIF 2.1.0, for code scanning"
github\:"annotations in GitHub Actions; the job summary too, where there is one"
gitlab\:"a GitLab Code Quality report"
junit\:"JUnit XML\: a test case for each assertion and each finding"))' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--fix[Mend what can be mended for certain, in the files]' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Files or directories of manifests, `-` for standard input \[default\: .\]:_files' \
&& ret=0
;;
(exposure)
_arguments "${_arguments_options[@]}" : \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-o+[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'--output=[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Files or directories of manifests, `-` for standard input \[default\: .\]:_files' \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
'-b+[The revision to compare the paths with, such as \`origin/main\` or \`HEAD~1\`]:REV:_default' \
'--base=[The revision to compare the paths with, such as \`origin/main\` or \`HEAD~1\`]:REV:_default' \
'*--fail-on=[Exit with status 1 on these; may be repeated]:WHAT:((added\:"Something can be reached that could not, or perhaps"
removed\:"Something can no longer be reached, or perhaps not"
any\:"Anything"
exposed\:"Something can newly be reached from the internet"))' \
'-o+[The format of the answer]:FORMAT:((table\:"for people\: who can newly, or no longer, reach whom, and why"
json\:"for machines; docs/schema/diff.v1.json describes it"
csv\:"one record for each group, with a header"
md\:"a comment for a pull request\: a summary, a table, details folded"
mermaid\:"a Mermaid flowchart\: thick lines are added, dotted ones removed"))' \
'--output=[The format of the answer]:FORMAT:((table\:"for people\: who can newly, or no longer, reach whom, and why"
json\:"for machines; docs/schema/diff.v1.json describes it"
csv\:"one record for each group, with a header"
md\:"a comment for a pull request\: a summary, a table, details folded"
mermaid\:"a Mermaid flowchart\: thick lines are added, dotted ones removed"))' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- The old one and the new one; with `--base` what to compare \[default\: .\]:_files' \
&& ret=0
;;
(equiv)
_arguments "${_arguments_options[@]}" : \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-o+[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'--output=[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':first -- A file or directory of manifests, `-` for standard input:_files' \
':second -- The other:_files' \
&& ret=0
;;
(implies)
_arguments "${_arguments_options[@]}" : \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-o+[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'--output=[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':first -- A file or directory of manifests, `-` for standard input:_files' \
':second -- The other:_files' \
&& ret=0
;;
(redundant)
_arguments "${_arguments_options[@]}" : \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-o+[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'--output=[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Files or directories of manifests, `-` for standard input \[default\: .\]:_files' \
&& ret=0
;;
(compile)
_arguments "${_arguments_options[@]}" : \
'*--node=[A node to compile for; may be repeated]:NAME:_default' \
'-o+[Where to write, a directory]:DIR:_files' \
'--output=[Where to write, a directory]:DIR:_files' \
'--previous=[nft\: an earlier output, to write an update from it as well\: update1.nft to update3.nft]:DIR:_files' \
'--design=[nft\: how rules hold the peers of pods]:DESIGN:((auto\:"By identities where that is several times smaller, in sets elsewhere"
sets\:"In sets for each class of pods\: fewer look-ups for a packet"
identities\:"By identities\: each address once"))' \
'--target=[What the rules are for]:TARGET:((nft\:"nftables"
ebpf\:"An eBPF program with maps, for Linux 6.4 and later"))' \
'--addresses=[Where pods and nodes are, for input that does not say]:FILE:_files' \
'*--mode=[A decision that the API leaves open, such as \`pod-to-node=allow\`; may be repeated]:NAME=VALUE:_default' \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'(--node)--all-nodes[Compile for every node]' \
'--no-prove[Write without a proof; bundle.json says so]' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Files or directories of manifests, `-` for standard input \[default\: .\]:_files' \
&& ret=0
;;
(convert)
_arguments "${_arguments_options[@]}" : \
'--to=[The kind to write]:KIND:((cluster-network-policy\:"ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2"))' \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Files or directories of manifests, `-` for standard input \[default\: .\]:_files' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'--node=[The node whose rules they are; a file of a bundle says so itself]:NAME:_default' \
'--target=[What the rules are for]:TARGET:((nft\:"nftables"
ebpf\:"An eBPF program with maps, for Linux 6.4 and later"))' \
'--addresses=[Where pods and nodes are, for input that does not say]:FILE:_files' \
'*--mode=[A decision that the API leaves open, such as \`pod-to-node=allow\`; may be repeated]:NAME=VALUE:_default' \
'--rlimit=[How much work the solver may do for one question before it gives up \[default\: 200000000\]]:COUNT:_default' \
'-o+[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'--output=[The format of the answer]:FORMAT:((text\:"For people"
json\:"For machines"))' \
'-n+[The namespace of what has none, and of names without one]:NAME:_default' \
'--namespace=[The namespace of what has none, and of names without one]:NAME:_default' \
'*--pod-cidr=[A range that pods get their addresses from, for pods that have none yet; may be repeated]:CIDR:_default' \
'--host-network=[What hostNetwork pods are to policy]:WHAT:((node\:"Their node\: no selector matches them (what most CNIs do)"
pod\:"Pods like all others"))' \
'--ingress-controller=[The pods that serve Ingresses, such as \`ingress-nginx/app.kubernetes.io/name=ingress-nginx\`]:NAMESPACE/SELECTOR:_default' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'--live[Read the rules of this machine, with \`nft\` or \`bpftool\`]' \
'--strict[Fail when anything in the input was rejected or is not analysed]' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::names -- The rules, unless `--live`; then files or directories of manifests, `-` for standard input:_files' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'()--all=[Write the files of every shell and the man page into this directory]:DIR:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless NO_COLOR is set"
always\:""
never\:""))' \
'-q[Print the answer and errors only]' \
'--quiet[Print the answer and errors only]' \
'(-q --quiet)-v[Print warnings and notes in full]' \
'(-q --quiet)--verbose[Print warnings and notes in full]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::shell -- The shell:(bash elvish fish powershell zsh)' \
&& ret=0
;;
        esac
    ;;
esac
}

(( $+functions[_portolan_commands] )) ||
_portolan_commands() {
    local commands; commands=(
'list:Chart which workloads can open connections to which' \
'can:Say whether A can reach B, on what, and which lines decide it' \
'check:Check manifests\: what is wrong with them, whether what is intended holds, what a change does' \
'lint:Find mistakes in policies, Services and Ingresses, and mend those where that is certain' \
'exposure:Chart what can be reached from outside, from every namespace and by future pods' \
'diff:Show what a change opens and closes, and which line does it' \
'equiv:Prove that two sets of policies allow the same for all pods, or show a flow that differs' \
'implies:Prove that A allows no more than B for all pods, or show a flow that only A allows' \
'redundant:Find the policies, rules, peers and ports that change nothing, and what shadows them' \
'compile:Compile the policy of nodes to rules, and prove them before they are written' \
'convert:Write AdminNetworkPolicies as ClusterNetworkPolicies, proved to say the same' \
'verify:Prove that rules enforce the manifests, or show a packet that they treat differently' \
'completions:Print the completions of a shell, or write all of them and the man page' \
    )
    _describe -t commands 'portolan commands' commands "$@"
}
(( $+functions[_portolan__subcmd__can_commands] )) ||
_portolan__subcmd__can_commands() {
    local commands; commands=()
    _describe -t commands 'portolan can commands' commands "$@"
}
(( $+functions[_portolan__subcmd__check_commands] )) ||
_portolan__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'portolan check commands' commands "$@"
}
(( $+functions[_portolan__subcmd__compile_commands] )) ||
_portolan__subcmd__compile_commands() {
    local commands; commands=()
    _describe -t commands 'portolan compile commands' commands "$@"
}
(( $+functions[_portolan__subcmd__completions_commands] )) ||
_portolan__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'portolan completions commands' commands "$@"
}
(( $+functions[_portolan__subcmd__convert_commands] )) ||
_portolan__subcmd__convert_commands() {
    local commands; commands=()
    _describe -t commands 'portolan convert commands' commands "$@"
}
(( $+functions[_portolan__subcmd__diff_commands] )) ||
_portolan__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'portolan diff commands' commands "$@"
}
(( $+functions[_portolan__subcmd__equiv_commands] )) ||
_portolan__subcmd__equiv_commands() {
    local commands; commands=()
    _describe -t commands 'portolan equiv commands' commands "$@"
}
(( $+functions[_portolan__subcmd__exposure_commands] )) ||
_portolan__subcmd__exposure_commands() {
    local commands; commands=()
    _describe -t commands 'portolan exposure commands' commands "$@"
}
(( $+functions[_portolan__subcmd__implies_commands] )) ||
_portolan__subcmd__implies_commands() {
    local commands; commands=()
    _describe -t commands 'portolan implies commands' commands "$@"
}
(( $+functions[_portolan__subcmd__lint_commands] )) ||
_portolan__subcmd__lint_commands() {
    local commands; commands=()
    _describe -t commands 'portolan lint commands' commands "$@"
}
(( $+functions[_portolan__subcmd__list_commands] )) ||
_portolan__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'portolan list commands' commands "$@"
}
(( $+functions[_portolan__subcmd__redundant_commands] )) ||
_portolan__subcmd__redundant_commands() {
    local commands; commands=()
    _describe -t commands 'portolan redundant commands' commands "$@"
}
(( $+functions[_portolan__subcmd__verify_commands] )) ||
_portolan__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'portolan verify commands' commands "$@"
}

if [ "$funcstack[1]" = "_portolan" ]; then
    _portolan "$@"
else
    compdef _portolan portolan
fi
