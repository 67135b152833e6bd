#!/bin/bash
# The life of the package in a root of its own: this machine's, with a layer above it that is thrown away.
#
#   unshare --mount in_root.sh FOLDER PACKAGE NEWER_PACKAGE
#
# Ends with 77 where such a root cannot be made.
set -euo pipefail

folder="$1" package="$2" newer="$3"
root="$folder/root"
settings=/etc/taskboard/taskboard.conf
token=/etc/taskboard/admin-token
state=/var/lib/taskboard
wanted=/etc/systemd/system/multi-user.target.wants/taskboardd.service
server=""

say() {
    printf '%s\n' "-- $*"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    if [[ -e "$folder/log" ]]; then
        tail -n 20 "$folder/log" >&2
    fi
    exit 1
}

# --- the root ---

end() {
    if [[ -n "$server" ]]; then
        kill "$server"
    fi
}
trap end EXIT

make_root() {
    mkdir -p "$folder/layer" "$root"
    mount -t tmpfs none "$folder/layer" || return 1
    mkdir "$folder/layer/upper" "$folder/layer/work"
    mount -t overlay none -o "lowerdir=/,upperdir=$folder/layer/upper,workdir=$folder/layer/work" "$root" || return 1
    mount -t proc none "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs none "$root/tmp" && mount -t tmpfs none "$root/run"
}

there_run=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)

in_root() {
    "${there_run[@]}" "$@"
}

# Nobody reads manuals there, and nothing there must outlive a power cut.
dpkg_in_root() {
    in_root dpkg --no-triggers --force-unsafe-io "$@"
}

# --- the board ---

start() {
    : >"$folder/log"
    "${there_run[@]}" taskboardd --config "$settings" --data "$state" --token-file "$token" --user taskboard --port 0 >"$folder/log" 2>&1 &
    server=$!
    for _ in {1..1000}; do
        port="$(sed -n 's/.*listening on [^ ]*:\([0-9]*\)".*/\1/p' "$folder/log")"
        if [[ -n "$port" ]]; then
            return
        fi
        kill -0 "$server" 2>/dev/null || fail "the server ended"
        sleep 0.01 # looked at a thousand times at most
    done
    fail "the server does not listen"
}

stop() {
    kill "$server"
    wait "$server" || fail "the server ended with $?"
    server=""
}

client() {
    in_root taskboard --url "http://127.0.0.1:$port" --token-file "$token" "$@"
}

# expect_tasks TITLE...
expect_tasks() {
    local titles
    start
    titles="$(client ls --json | jq --raw-output '.tasks | map(.title) | sort | join(" ")')"
    stop
    [[ "$titles" == "$*" ]] || fail "there is '$titles' where '$*' should be"
}

# --- what must be there ---

there() {
    local path
    for path in "$@"; do
        [[ -e "$root$path" || -L "$root$path" ]] || fail "$path is not there"
    done
}

gone() {
    local path
    for path in "$@"; do
        [[ ! -e "$root$path" && ! -L "$root$path" ]] || fail "$path is still there"
    done
}

programs=(/usr/bin/taskboardd /usr/bin/taskboard)
others=(
    /usr/lib/systemd/system/taskboardd.service /usr/lib/sysusers.d/taskboard.conf
    /usr/share/man/man1/taskboard.1.gz /usr/share/man/man5/taskboard.conf.5.gz /usr/share/man/man8/taskboardd.8.gz
    /usr/share/bash-completion/completions/taskboard
    /usr/share/taskboard/prometheus/alerts.yaml /usr/share/taskboard/grafana/taskboard.json
    /usr/share/doc/taskboard/copyright /usr/share/doc/taskboard/OPERATIONS.md.gz
)

# A machine that has it installed tells nothing.
if [[ -e /usr/bin/taskboardd ]] || ! make_root; then
    echo "no root of its own can be made here"
    exit 77
fi
cp "$package" "$root/tmp/package.deb"
cp "$newer" "$root/tmp/newer.deb"

say "install"
dpkg_in_root --install /tmp/package.deb
there "${programs[@]}" "${others[@]}" "$settings" "$token" "$wanted"
gone "$state"
[[ "$(in_root getent passwd taskboard | cut -d: -f6,7)" == "$state:/usr/sbin/nologin" ]] || fail "the user is not as it should be"
[[ "$(in_root stat --format='%U %a' "$token")" == "root 600" ]] || fail "others may read the token"
[[ "$(in_root wc --bytes <"$root$token")" -ge 40 ]] || fail "the token is short"
first_token="$(cat "$root$token")"
in_root taskboardd --check --config "$settings"
start
client add "before the upgrade" >/dev/null
stop
[[ "$(in_root stat --format='%U %a' "$state")" == "taskboard 700" ]] || fail "the board is not the user's alone"

say "upgrade"
echo "drain-seconds = 3 # of the operator" >>"$root$settings"
dpkg_in_root --install /tmp/newer.deb
in_root dpkg --audit
[[ "$(in_root dpkg-query --show taskboard | cut --fields=2)" == 99.0 ]] || fail "the newer one is not installed"
grep --quiet "of the operator" "$root$settings" || fail "the operator's settings are lost"
[[ "$(cat "$root$token")" == "$first_token" ]] || fail "the token is another one"
there "${programs[@]}" "$wanted"
expect_tasks "before the upgrade"

say "the operator disables the service: an upgrade leaves it so"
rm "$root$wanted"
dpkg_in_root --install /tmp/newer.deb
gone "$wanted"

say "remove"
dpkg_in_root --remove taskboard
gone "${programs[@]}" "${others[@]}"
there "$settings" "$token" "$state/data.mdb"

say "install again"
dpkg_in_root --install /tmp/package.deb
[[ "$(cat "$root$token")" == "$first_token" ]] || fail "the token is another one"
grep --quiet "of the operator" "$root$settings" || fail "the operator's settings are lost"
expect_tasks "before the upgrade"

say "purge"
dpkg_in_root --purge taskboard
gone "${programs[@]}" "${others[@]}" /etc/taskboard "$state" "$wanted" /etc/systemd/system/taskboardd.service
[[ -z "$(in_root dpkg --get-selections taskboard 2>/dev/null)" ]] || fail "dpkg still knows it"

say "install on the cleaned machine"
dpkg_in_root --install /tmp/package.deb
[[ "$(cat "$root$token")" != "$first_token" ]] || fail "the old token came back"
expect_tasks ""
dpkg_in_root --purge taskboard
echo "the package came and went as it should"
