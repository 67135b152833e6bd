# Bash completion of taskboard(1). To be installed as /usr/share/bash-completion/completions/taskboard.

_taskboard() {
    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD - 1]}"
    local common="--url --token-file --ca-file --agent --timeout --retry --json --quiet --color --help"
    local commands="add plan ls show note claim heartbeat done fail release cancel retry why watch work fleet token backup pause resume summary health help version"
    local command="" options="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ "${COMP_WORDS[i]}" == -- ]]; then
            mapfile -t COMPREPLY < <(compgen -c -f -- "$current")
            return
        fi
        if [[ -z "$command" && " $commands " == *" ${COMP_WORDS[i]} "* ]]; then
            command="${COMP_WORDS[i]}"
        fi
    done
    case "$previous" in
    --color) options="auto always never" ;;
    --status) [[ "$command" == fleet ]] && options="running paused stopped" || options="open in_progress in_review blocked done" ;;
    --order) options="created updated rank" ;;
    --type) [[ "$command" == note ]] && options="finding blocker question update" ;;
    --topic) options="board registry feed" ;;
    --outcome) options="failed cancelled" ;;
    --role) [[ "$command" == token ]] && options="viewer worker coordinator admin" || options="infra lieutenant worker golden custom" ;;
    --token-file | --ca-file | --description-file | --payload-file | --result-file | --out)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    if [[ -n "$options" ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi
    case "$command" in
    "") options="$commands $common" ;;
    add) options="--description --description-file --tag --depends-on --priority --payload --payload-file --assignee --unique-key --parent --not-before --delay --max-attempts $common" ;;
    ls) options="--status --tag --assignee --created-by --parent --search --ready --order --limit --cursor --full $common" ;;
    show) options="--attempts --history $common" ;;
    note) options="--type $common" ;;
    claim) options="--tag --any-tag --vm --lease --wait --max $common" ;;
    heartbeat) options="--lease --percent --message $common" ;;
    "done") options="--result --result-file --summary --review $common" ;;
    fail) options="--final --delay $common" ;;
    release) options="--reason $common" ;;
    cancel) options="--reason --force $common" ;;
    retry) options="--all --tag --assignee --created-by --parent --outcome --max $common" ;;
    why) options="--for --vm $common" ;;
    watch) options="--topic --type --task --tag --by --since --count $common" ;;
    work) options="--tag --any-tag --concurrency --lease --wait --timeout --grace --delay --once --until-empty --max-tasks --vm --vm-address $common" ;;
    fleet) options="--role --status --service $common" ;;
    token) options="create list revoke --role --for --expires --out $common" ;;
    backup) options="--force $common" ;;
    pause) options="--tag --reason $common" ;;
    resume) options="--tag $common" ;;
    help) options="$commands $common" ;;
    *) options="$common" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    case "$command" in
    plan | backup) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;;
    esac
}

complete -F _taskboard taskboard
