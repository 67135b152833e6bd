#!/bin/bash
# Makes the package, and a newer one, of a build and tries them: run.sh BUILD. Ends with 77 where that is not possible.
set -euo pipefail

build="$(cd "$1" && pwd)"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [[ $EUID -ne 0 ]]; then
    echo "only root can make a root"
    exit 77
fi
folder="$(mktemp --directory --tmpdir taskboard-package-XXXXXX)"
trap 'rm --recursive --force --one-file-system "$folder"' EXIT

# pack VERSION [DEFINITION]
pack() {
    cpack -G DEB --config "$build/CPackConfig.cmake" -B "$folder/$1" -D CPACK_DEBIAN_PACKAGE_VERSION="$1" >"$folder/cpack.log" 2>&1 ||
        { cat "$folder/cpack.log" && exit 1; }
    ls "$folder/$1"/*.deb
}

package="$(pack 0.0.1)"
newer="$(pack 99.0)"
if command -v lintian >/dev/null; then
    # Our version is ours alone, and the changelog is the project's history.
    lintian --allow-root --fail-on error,warning --suppress-tags no-copyright-file,bad-distribution-in-changes-file "$package"
fi
unshare --mount --propagation private bash "$here/in_root.sh" "$folder" "$package" "$newer"
