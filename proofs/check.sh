#!/bin/sh
# Build every proof from a clean state and audit what it rests on. Exit status 0 only if all of it holds:
#   1. no forbidden word (unfinished proofs, axioms, disabled checks) in the sources;
#   2. every main theorem is in theorems.toml and the other way round;
#   3. both developments compile;
#   4. algebra: every theorem is closed under the global context; analysis: only the allowed axioms of the classical reals;
#   5. algebra: the independent checker coqchk accepts the compiled files and reports no axiom.
# Usage: check.sh [--keep DIR]   build in DIR (kept) instead of a temporary directory.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=
if [ "${1:-}" = --keep ]; then
    build=$2
    mkdir -p "$build"
else
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
fi
fail() { echo "proofs: $*" >&2; exit 1; }
for tool in coqc coq_makefile coqchk make python3; do
    command -v "$tool" >/dev/null || fail "$tool not found; run proofs/install.sh"
done

forbidden='Admitted|admit|give_up|Axiom|Parameter|Conjecture|Abort|bypass_check|Unset +(Guard|Positivity|Universe) +Checking|type-in-type'
if grep -nE "$forbidden" "$here"/algebra/*.v "$here"/analysis/*.v "$here"/algebra/_CoqProject "$here"/analysis/_CoqProject; then
    fail "forbidden word in the sources (above)"
fi
python3 "$here/index.py" check

for part in algebra analysis; do
    rm -rf "${build:?}/$part"
    mkdir -p "$build/$part"
    cp "$here/$part"/*.v "$here/$part/_CoqProject" "$build/$part/"
    python3 "$here/index.py" audit "$part" >"$build/$part/Audit.v"
    (
        cd "$build/$part"
        coq_makefile -f _CoqProject -o Makefile >/dev/null
        make -j1 >make.log 2>&1 || { tail -n 40 make.log >&2; fail "$part does not compile"; }
        # shellcheck disable=SC2046
        coqc $(grep -E '^-Q' _CoqProject) Audit.v >audit.log 2>&1 || { tail -n 40 audit.log >&2; fail "$part: Audit.v does not compile"; }
    ) || exit 1
    python3 "$here/index.py" assumptions "$part" "$build/$part/audit.log"
done

(
    cd "$build/algebra"
    # shellcheck disable=SC2046
    coqchk -silent -o $(grep -E '^-Q' _CoqProject) $(sed -n 's/^\(.*\)\.v$/SolvableAlgebra.\1/p' _CoqProject) >coqchk.log 2>&1 ||
        { tail -n 40 coqchk.log >&2; fail "coqchk rejects the compiled algebra"; }
    python3 "$here/index.py" coqchk coqchk.log
)
echo "proofs: all checks passed"
