#!/bin/sh
# Installs packages with their maintainer scripts. kiln runs it as root in a new Debian system, or in one that is there
# already, and shows it this folder: `plan` with what is to be done in which order, `options` for dpkg, `debs`, and
# `programs` that stand in for what has no place in an image.
#
# What it says of itself begins with `kiln: `. It ends with 71 where there is no dpkg, with 72 where the sandbox has one
# user only, with 73 where a package failed, and with 74 where scripts left a secret.
set -euf
umask 022
here=${0%/*}
state=/var/lib/dpkg
told=$state/.kiln-told
began=$state/.kiln-began
policy=/usr/sbin/policy-rc.d

say() { printf 'kiln: %s\n' "$*"; }

day() { echo $(($(date +%s) / 86400)); }

prepare() {
    if ! command -v dpkg > /dev/null; then
        say "there is no dpkg in this file system"
        exit 71
    fi
    mkdir -p $state
    : > $told
    if ! chown 1:1 $told 2> /dev/null; then
        rm -f $told
        say "this sandbox has a single user, and packages have files of several"
        exit 72
    fi
    first_day=$(day)
    [ -e $state/status ] || : > $state/status
    own_policy=no
    if [ ! -e $policy ]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' > $policy
        chmod 755 $policy
    fi
    export PATH="$here/programs:$PATH"
    : > $began
    # What is written within the same tick of the clock must be newer.
    sleep 0.05
}

# Every line of the plan is one call of dpkg.
carry_out() {
    while read -r what packages; do
        case $what in
            force-unpack) dpkg_on "$packages" --force-depends --unpack ;;
            force-configure) dpkg_on "$packages" --force-depends --configure ;;
            unpack) dpkg_on "$packages" --unpack ;;
            configure) dpkg_on "$packages" --configure ;;
        esac
    done < "$here/plan"
    dpkg_on --pending --configure
    # shellcheck disable=SC2016
    left=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n -E 's/^(unpacked|half-.*|triggers-.*) //p')
    if [ -n "$left" ]; then
        for package in $left; do say "failed: $package: it is not configured"; done
        exit 73
    fi
}

# What follows the first argument, with kiln's options before and the packages of the first argument behind it.
dpkg_on() {
    packages=$1
    shift
    cd "$here/debs"
    # shellcheck disable=SC2046,SC2086
    if ! dpkg --status-fd 3 $(cat "$here/options") "$@" $packages 3> $told < /dev/null; then
        sed -n -e 's|^status: \([^:/_ ]*\)_[^:/ ]*\.deb : error : |kiln: failed: \1: |p' \
            -e 's|^status: \([^:/ ]*\)[^ ]* : error : |kiln: failed: \1: |p' $told
        exit 73
    fi
    cd /
}

# Traces of when and where this ran.
tidy() {
    [ $own_policy = no ] || rm -f $policy
    find /var/log -xdev -type f -size +0 -newer $began -delete
    find /tmp /var/tmp -xdev -depth -mindepth 1 -cnewer $began -delete
    find /run -xdev -depth -mindepth 1 ! -type d -cnewer $began -delete
    find $state /var/cache/debconf -xdev -maxdepth 1 -type f -name '*-old' -delete 2> /dev/null || :
    find /etc -xdev -maxdepth 1 -type f \( -name 'passwd-' -o -name 'group-' -o -name 'shadow-' -o -name 'gshadow-' \
        -o -name 'subuid-' -o -name 'subgid-' \) -cnewer $began -delete
    [ ! -d /var/cache/man ] || find /var/cache/man -xdev -depth -mindepth 1 -newer $began ! -type d -delete
    rm -f /var/cache/ldconfig/aux-cache
    while read -r link; do
        [ ! -L "$link" ] || rm -f "$link"
    done < "$here/links"
    while read -r folder; do
        [ ! -d "$folder" ] || find "$folder" -xdev -depth -mindepth 1 -type d -empty -cnewer $began -delete
    done < "$here/folders"
    if [ -e /etc/shadow ]; then
        sed -i -E "s/^([^:]*:[^:]*:)($first_day|$(day)):/\1$((SOURCE_DATE_EPOCH / 86400)):/" /etc/shadow
    fi
    perl "$here/keystore" /etc/ssl/certs/java/cacerts
}

# What tells one machine from all others has no place in an image.
drop_secrets() {
    drop "its host keys: make them where it runs, with \`ssh-keygen -A\`" \
        $(made /etc/ssh -name 'ssh_host_*_key*')
    drop "the number of this machine: systemd makes one where it starts" \
        $(made /etc/machine-id) $(made /var/lib/dbus/machine-id -type f)
    drop "a key and a certificate made here: make them where it runs, with \`make-ssl-cert generate-default-snakeoil\`" \
        $(made /etc/ssl/private -name 'ssl-cert-snakeoil.key') $(made /etc/ssl/certs -name 'ssl-cert-snakeoil.pem') \
        $(made /etc/ssl/certs -type l -lname '*ssl-cert-snakeoil.pem')
    drop "random data" $(made /var/lib/systemd/random-seed) $(made /var/lib/systemd/credential.secret)
    left=$(find / -xdev -type f -newer $began -size -2048k -exec \
        grep -l -e '^-----BEGIN [A-Z ]*PRIVATE KEY-----' {} + || :)
    if [ -n "$left" ]; then
        for path in $left; do say "secret: $path"; done
        exit 74
    fi
}

made() { find "$@" -newer $began 2> /dev/null || :; }

drop() {
    why=$1
    shift
    for path; do
        say "left out $path, $why"
        rm -f "$path"
    done
}

prepare
carry_out
drop_secrets
tidy
rm -f $told $began
