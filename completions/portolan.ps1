
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'portolan' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'portolan'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'portolan' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Chart which workloads can open connections to which')
            [CompletionResult]::new('can', 'can', [CompletionResultType]::ParameterValue, 'Say whether A can reach B, on what, and which lines decide it')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check manifests: what is wrong with them, whether what is intended holds, what a change does')
            [CompletionResult]::new('lint', 'lint', [CompletionResultType]::ParameterValue, 'Find mistakes in policies, Services and Ingresses, and mend those where that is certain')
            [CompletionResult]::new('exposure', 'exposure', [CompletionResultType]::ParameterValue, 'Chart what can be reached from outside, from every namespace and by future pods')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Show what a change opens and closes, and which line does it')
            [CompletionResult]::new('equiv', 'equiv', [CompletionResultType]::ParameterValue, 'Prove that two sets of policies allow the same for all pods, or show a flow that differs')
            [CompletionResult]::new('implies', 'implies', [CompletionResultType]::ParameterValue, 'Prove that A allows no more than B for all pods, or show a flow that only A allows')
            [CompletionResult]::new('redundant', 'redundant', [CompletionResultType]::ParameterValue, 'Find the policies, rules, peers and ports that change nothing, and what shadows them')
            [CompletionResult]::new('compile', 'compile', [CompletionResultType]::ParameterValue, 'Compile the policy of nodes to rules, and prove them before they are written')
            [CompletionResult]::new('convert', 'convert', [CompletionResultType]::ParameterValue, 'Write AdminNetworkPolicies as ClusterNetworkPolicies, proved to say the same')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Prove that rules enforce the manifests, or show a packet that they treat differently')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell, or write all of them and the man page')
            break
        }
        'portolan;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the map')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the map')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Only what this workload, pod or service opens or takes; may be repeated')
            [CompletionResult]::new('--workload', '--workload', [CompletionResultType]::ParameterName, 'Only what this workload, pod or service opens or takes; may be repeated')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Of the selected workloads, only what they open (egress) or take (ingress)')
            [CompletionResult]::new('--direction', '--direction', [CompletionResultType]::ParameterName, 'Of the selected workloads, only what they open (egress) or take (ingress)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Only this port: 7070, tcp/7070 or udp/53')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Only this port: 7070, tcp/7070 or udp/53')
            [CompletionResult]::new('--between', '--between', [CompletionResultType]::ParameterName, 'Only between these two, both ways')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--grouped', '--grouped', [CompletionResultType]::ParameterName, 'With `-o json`: sets of workloads instead of pairs, which is what scales')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Add the policies that decide')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;can' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Files or directories of manifests, `-` for standard input [default: .]')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Files or directories of manifests, `-` for standard input [default: .]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The port: 7070, tcp/7070, udp/53 or a name; without it, whatever is allowed')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The port: 7070, tcp/7070, udp/53 or a name; without it, whatever is allowed')
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'For a no: print patches that would make it a yes, and all else that each would open')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;check' {
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'A file or directory of intents, or `builtin:NAME`; may be repeated')
            [CompletionResult]::new('--intent', '--intent', [CompletionResultType]::ParameterName, 'A file or directory of intents, or `builtin:NAME`; may be repeated')
            [CompletionResult]::new('--prove', '--prove', [CompletionResultType]::ParameterName, 'For which pods to prove it, whatever the intents say; `off` only reads them')
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Also say what changed since this revision, such as `origin/main...`')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Also say what changed since this revision, such as `origin/main...`')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'With `--base`, the changes to refuse [default: exposed]')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Fail on findings that are at least this bad')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'What was there before, and does not count')
            [CompletionResult]::new('--write-baseline', '--write-baseline', [CompletionResultType]::ParameterName, 'Write everything that counts now to a baseline, and pass')
            [CompletionResult]::new('--timing', '--timing', [CompletionResultType]::ParameterName, 'Whether to say how long each assertion took: by default on a terminal only')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--also', '--also', [CompletionResultType]::ParameterName, 'Write the answer to a file too, in a format: `sarif=portolan.sarif`; may be repeated')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--lint', '--lint', [CompletionResultType]::ParameterName, 'Also look for mistakes, as `portolan lint` does')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;lint' {
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Report only these, by id or the beginning of one')
            [CompletionResult]::new('--select', '--select', [CompletionResultType]::ParameterName, 'Report only these, by id or the beginning of one')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Do not report these')
            [CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'Do not report these')
            [CompletionResult]::new('--severity', '--severity', [CompletionResultType]::ParameterName, 'How bad findings are: `NP010=error`')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [default: portolan.yaml, if it is there]')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Fail on findings that are at least this bad')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'Mend what can be mended for certain, in the files')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;exposure' {
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;diff' {
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'The revision to compare the paths with, such as `origin/main` or `HEAD~1`')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'The revision to compare the paths with, such as `origin/main` or `HEAD~1`')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Exit with status 1 on these; may be repeated')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;equiv' {
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;implies' {
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;redundant' {
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;compile' {
            [CompletionResult]::new('--node', '--node', [CompletionResultType]::ParameterName, 'A node to compile for; may be repeated')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write, a directory')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write, a directory')
            [CompletionResult]::new('--previous', '--previous', [CompletionResultType]::ParameterName, 'nft: an earlier output, to write an update from it as well: update1.nft to update3.nft')
            [CompletionResult]::new('--design', '--design', [CompletionResultType]::ParameterName, 'nft: how rules hold the peers of pods')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'What the rules are for')
            [CompletionResult]::new('--addresses', '--addresses', [CompletionResultType]::ParameterName, 'Where pods and nodes are, for input that does not say')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'A decision that the API leaves open, such as `pod-to-node=allow`; may be repeated')
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--all-nodes', '--all-nodes', [CompletionResultType]::ParameterName, 'Compile for every node')
            [CompletionResult]::new('--no-prove', '--no-prove', [CompletionResultType]::ParameterName, 'Write without a proof; bundle.json says so')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;convert' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'The kind to write')
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;verify' {
            [CompletionResult]::new('--node', '--node', [CompletionResultType]::ParameterName, 'The node whose rules they are; a file of a bundle says so itself')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'What the rules are for')
            [CompletionResult]::new('--addresses', '--addresses', [CompletionResultType]::ParameterName, 'Where pods and nodes are, for input that does not say')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'A decision that the API leaves open, such as `pod-to-node=allow`; may be repeated')
            [CompletionResult]::new('--rlimit', '--rlimit', [CompletionResultType]::ParameterName, 'How much work the solver may do for one question before it gives up [default: 200000000]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format of the answer')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of what has none, and of names without one')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'A range that pods get their addresses from, for pods that have none yet; may be repeated')
            [CompletionResult]::new('--host-network', '--host-network', [CompletionResultType]::ParameterName, 'What hostNetwork pods are to policy')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'The pods that serve Ingresses, such as `ingress-nginx/app.kubernetes.io/name=ingress-nginx`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Read the rules of this machine, with `nft` or `bpftool`')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail when anything in the input was rejected or is not analysed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'portolan;completions' {
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Write the files of every shell and the man page into this directory')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print the answer and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print warnings and notes in full')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
