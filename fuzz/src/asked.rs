//! The packages that databases are asked for.

/// One of each way in which a package URL becomes a name, a release and a version.
pub const PACKAGES: [&str; 14] = [
    "pkg:deb/debian/libssl3@3.0.1-1?distro=debian-13&upstream=openssl%403.0.1-1",
    "pkg:deb/debian/openssl@3.0.9-1?distro=debian-12",
    "pkg:deb/ubuntu/openssl@1?distro=ubuntu-22.04",
    "pkg:apk/alpine/libcrypto3@3.1-r0?distro=alpine-3.20.1&upstream=openssl",
    "pkg:rpm/redhat/openssl-libs@3.0.1-1.el9?epoch=1&distro=rhel-9.3&upstream=openssl-3.0.1-1.el9.src.rpm",
    "pkg:rpm/opensuse/openssl@1.2?distro=opensuse-leap-15.6",
    "pkg:cargo/a@1.0.0",
    "pkg:golang/example.com/a@v1.6.0",
    "pkg:npm/a@1.2.3",
    "pkg:pypi/a@1",
    "pkg:maven/org.example/a@2.0",
    "pkg:composer/a/a@1",
    "pkg:nuget/a@1",
    "pkg:gem/a@7",
];
