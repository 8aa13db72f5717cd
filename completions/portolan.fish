# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_portolan_global_optspecs
    string join \n color= q/quiet v/verbose h/help V/version
end

function __fish_portolan_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_portolan_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_portolan_using_subcommand
    set -l cmd (__fish_portolan_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c portolan -n "__fish_portolan_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_needs_command" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_needs_command" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_needs_command" -s V -l version -d 'Print version'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "list" -d 'Chart which workloads can open connections to which'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "can" -d 'Say whether A can reach B, on what, and which lines decide it'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "check" -d 'Check manifests: what is wrong with them, whether what is intended holds, what a change does'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "lint" -d 'Find mistakes in policies, Services and Ingresses, and mend those where that is certain'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "exposure" -d 'Chart what can be reached from outside, from every namespace and by future pods'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "diff" -d 'Show what a change opens and closes, and which line does it'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "equiv" -d 'Prove that two sets of policies allow the same for all pods, or show a flow that differs'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "implies" -d 'Prove that A allows no more than B for all pods, or show a flow that only A allows'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "redundant" -d 'Find the policies, rules, peers and ports that change nothing, and what shadows them'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "compile" -d 'Compile the policy of nodes to rules, and prove them before they are written'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "convert" -d 'Write AdminNetworkPolicies as ClusterNetworkPolicies, proved to say the same'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "verify" -d 'Prove that rules enforce the manifests, or show a packet that they treat differently'
complete -c portolan -n "__fish_portolan_needs_command" -f -a "completions" -d 'Print the completions of a shell, or write all of them and the man page'
complete -c portolan -n "__fish_portolan_using_subcommand list" -s o -l output -d 'The format of the map' -r -f -a "table\t'for people: sets of workloads and what they may open to each other'
json\t'one row for each pair, or with --grouped sets and their connections'
csv\t'one record for each pair, with a header'
md\t'the same as a Markdown table, for a pull request'
dot\t'a Graphviz graph, workloads with the same connections drawn as one'
mermaid\t'a Mermaid flowchart, workloads with the same connections drawn as one'"
complete -c portolan -n "__fish_portolan_using_subcommand list" -s w -l workload -d 'Only what this workload, pod or service opens or takes; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand list" -s d -l direction -d 'Of the selected workloads, only what they open (egress) or take (ingress)' -r -f -a "egress\t''
ingress\t''"
complete -c portolan -n "__fish_portolan_using_subcommand list" -s p -l port -d 'Only this port: 7070, tcp/7070 or udp/53' -r
complete -c portolan -n "__fish_portolan_using_subcommand list" -l between -d 'Only between these two, both ways' -r
complete -c portolan -n "__fish_portolan_using_subcommand list" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand list" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand list" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand list" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand list" -l grouped -d 'With `-o json`: sets of workloads instead of pairs, which is what scales'
complete -c portolan -n "__fish_portolan_using_subcommand list" -l explain -d 'Add the policies that decide'
complete -c portolan -n "__fish_portolan_using_subcommand list" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand list" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand list" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand can" -s f -l file -d 'Files or directories of manifests, `-` for standard input [default: .]' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand can" -s p -l port -d 'The port: 7070, tcp/7070, udp/53 or a name; without it, whatever is allowed' -r
complete -c portolan -n "__fish_portolan_using_subcommand can" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand can" -s o -l output -d 'The format of the answer' -r -f -a "text\t'For people'
json\t'For machines'"
complete -c portolan -n "__fish_portolan_using_subcommand can" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand can" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand can" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand can" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand can" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand can" -l fix -d 'For a no: print patches that would make it a yes, and all else that each would open'
complete -c portolan -n "__fish_portolan_using_subcommand can" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand can" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand can" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand can" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand check" -s i -l intent -d 'A file or directory of intents, or `builtin:NAME`; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand check" -l prove -d 'For which pods to prove it, whatever the intents say; `off` only reads them' -r -f -a "off\t'Nothing'
existing\t'The pods that exist'
possible\t'Any pod that one could create'"
complete -c portolan -n "__fish_portolan_using_subcommand check" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand check" -s b -l base -d 'Also say what changed since this revision, such as `origin/main...`' -r
complete -c portolan -n "__fish_portolan_using_subcommand check" -l deny -d 'With `--base`, the changes to refuse [default: exposed]' -r -f -a "none\t'None'
added\t'Something can be reached that could not, or perhaps'
removed\t'Something can no longer be reached, or perhaps not'
any\t'Anything'
exposed\t'Something can newly be reached from the internet'"
complete -c portolan -n "__fish_portolan_using_subcommand check" -l fail-on -d 'Fail on findings that are at least this bad' -r -f -a "error\t''
warning\t''
note\t''
never\t'Whatever there is'"
complete -c portolan -n "__fish_portolan_using_subcommand check" -l baseline -d 'What was there before, and does not count' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand check" -l write-baseline -d 'Write everything that counts now to a baseline, and pass' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand check" -l timing -d 'Whether to say how long each assertion took: by default on a terminal only' -r -f -a "auto\t''
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand check" -s o -l output -d 'The format of the answer' -r -f -a "text\t'for people'
json\t'for machines; docs/schema/check.v1.json describes it'
md\t'a comment for a pull request: the verdict, what changed, what was found'
sarif\t'SARIF 2.1.0, for code scanning'
github\t'annotations in GitHub Actions; the job summary too, where there is one'
gitlab\t'a GitLab Code Quality report'
junit\t'JUnit XML: a test case for each assertion and each finding'"
complete -c portolan -n "__fish_portolan_using_subcommand check" -l also -d 'Write the answer to a file too, in a format: `sarif=portolan.sarif`; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand check" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand check" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand check" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand check" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand check" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand check" -l lint -d 'Also look for mistakes, as `portolan lint` does'
complete -c portolan -n "__fish_portolan_using_subcommand check" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand check" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand check" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand lint" -s s -l select -d 'Report only these, by id or the beginning of one' -r
complete -c portolan -n "__fish_portolan_using_subcommand lint" -s i -l ignore -d 'Do not report these' -r
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l severity -d 'How bad findings are: `NP010=error`' -r
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l config -d 'The configuration [default: portolan.yaml, if it is there]' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l fail-on -d 'Fail on findings that are at least this bad' -r -f -a "error\t''
warning\t''
note\t''
never\t'Whatever there is'"
complete -c portolan -n "__fish_portolan_using_subcommand lint" -s o -l output -d 'The format of the answer' -r -f -a "text\t'for people'
json\t'for machines; docs/schema/check.v1.json describes it'
md\t'a comment for a pull request: the verdict, what changed, what was found'
sarif\t'SARIF 2.1.0, for code scanning'
github\t'annotations in GitHub Actions; the job summary too, where there is one'
gitlab\t'a GitLab Code Quality report'
junit\t'JUnit XML: a test case for each assertion and each finding'"
complete -c portolan -n "__fish_portolan_using_subcommand lint" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l fix -d 'Mend what can be mended for certain, in the files'
complete -c portolan -n "__fish_portolan_using_subcommand lint" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand lint" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand lint" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -s o -l output -d 'The format of the answer' -r -f -a "text\t'For people'
json\t'For machines'"
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand exposure" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand diff" -s b -l base -d 'The revision to compare the paths with, such as `origin/main` or `HEAD~1`' -r
complete -c portolan -n "__fish_portolan_using_subcommand diff" -l fail-on -d 'Exit with status 1 on these; may be repeated' -r -f -a "added\t'Something can be reached that could not, or perhaps'
removed\t'Something can no longer be reached, or perhaps not'
any\t'Anything'
exposed\t'Something can newly be reached from the internet'"
complete -c portolan -n "__fish_portolan_using_subcommand diff" -s o -l output -d 'The format of the answer' -r -f -a "table\t'for people: who can newly, or no longer, reach whom, and why'
json\t'for machines; docs/schema/diff.v1.json describes it'
csv\t'one record for each group, with a header'
md\t'a comment for a pull request: a summary, a table, details folded'
mermaid\t'a Mermaid flowchart: thick lines are added, dotted ones removed'"
complete -c portolan -n "__fish_portolan_using_subcommand diff" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand diff" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand diff" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand diff" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand diff" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand diff" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand diff" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand diff" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -s o -l output -d 'The format of the answer' -r -f -a "text\t'For people'
json\t'For machines'"
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand equiv" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand implies" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand implies" -s o -l output -d 'The format of the answer' -r -f -a "text\t'For people'
json\t'For machines'"
complete -c portolan -n "__fish_portolan_using_subcommand implies" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand implies" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand implies" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand implies" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand implies" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand implies" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand implies" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand implies" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand implies" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -s o -l output -d 'The format of the answer' -r -f -a "text\t'For people'
json\t'For machines'"
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand redundant" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l node -d 'A node to compile for; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand compile" -s o -l output -d 'Where to write, a directory' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l previous -d 'nft: an earlier output, to write an update from it as well: update1.nft to update3.nft' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l design -d 'nft: how rules hold the peers of pods' -r -f -a "auto\t'By identities where that is several times smaller, in sets elsewhere'
sets\t'In sets for each class of pods: fewer look-ups for a packet'
identities\t'By identities: each address once'"
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l target -d 'What the rules are for' -r -f -a "nft\t'nftables'
ebpf\t'An eBPF program with maps, for Linux 6.4 and later'"
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l addresses -d 'Where pods and nodes are, for input that does not say' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l mode -d 'A decision that the API leaves open, such as `pod-to-node=allow`; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand compile" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l all-nodes -d 'Compile for every node'
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l no-prove -d 'Write without a proof; bundle.json says so'
complete -c portolan -n "__fish_portolan_using_subcommand compile" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand compile" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand compile" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand compile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand convert" -l to -d 'The kind to write' -r -f -a "cluster-network-policy\t'ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2'"
complete -c portolan -n "__fish_portolan_using_subcommand convert" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand convert" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand convert" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand convert" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand convert" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand convert" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand convert" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand convert" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand convert" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand convert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l node -d 'The node whose rules they are; a file of a bundle says so itself' -r
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l target -d 'What the rules are for' -r -f -a "nft\t'nftables'
ebpf\t'An eBPF program with maps, for Linux 6.4 and later'"
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l addresses -d 'Where pods and nodes are, for input that does not say' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l mode -d 'A decision that the API leaves open, such as `pod-to-node=allow`; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l rlimit -d 'How much work the solver may do for one question before it gives up [default: 200000000]' -r
complete -c portolan -n "__fish_portolan_using_subcommand verify" -s o -l output -d 'The format of the answer' -r -f -a "text\t'For people'
json\t'For machines'"
complete -c portolan -n "__fish_portolan_using_subcommand verify" -s n -l namespace -d 'The namespace of what has none, and of names without one' -r
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l pod-cidr -d 'A range that pods get their addresses from, for pods that have none yet; may be repeated' -r
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l host-network -d 'What hostNetwork pods are to policy' -r -f -a "node\t'Their node: no selector matches them (what most CNIs do)'
pod\t'Pods like all others'"
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l ingress-controller -d 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`' -r
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l live -d 'Read the rules of this machine, with `nft` or `bpftool`'
complete -c portolan -n "__fish_portolan_using_subcommand verify" -l strict -d 'Fail when anything in the input was rejected or is not analysed'
complete -c portolan -n "__fish_portolan_using_subcommand verify" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand verify" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portolan -n "__fish_portolan_using_subcommand completions" -l all -d 'Write the files of every shell and the man page into this directory' -r -F
complete -c portolan -n "__fish_portolan_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t''
never\t''"
complete -c portolan -n "__fish_portolan_using_subcommand completions" -s q -l quiet -d 'Print the answer and errors only'
complete -c portolan -n "__fish_portolan_using_subcommand completions" -s v -l verbose -d 'Print warnings and notes in full'
complete -c portolan -n "__fish_portolan_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
