//! Keys that everybody has: those with which GnuTLS, Dovecot and Go test themselves, and which stand in their libraries or sources.
//!
//! They open nothing, and whoever keeps to them has no secret in the first place.

use crate::oci::Digest;

/// Digests of the keys as they stand there, sorted.
const KEYS: &[&str] = &[
    "293216817f0d585f0b54f225582f59e7b2e2a795b5f8002e2d71c5e3d49ce9b0",
    "4e88d22f03437cfe46ef760e37490b6e40be43bebed10f0ef469938c23ea7bcd",
    "5a09eb5df3674472eda0077d83cbccef72692c3d052ab393368ac57295439c58",
    "7c4c63ee462e0e700cd9e29c8e0f730b3f1b484c4abdd83f1e69fcd477c061fa",
    "91ea1699ff6b1a34b4a1d500a9c75a808441e47b9ea68da6fb0195e01ce1dc61",
    "934b3e9bfd9936c5e30c7f0ed7d36a05e2044f755c0aa433e1d6bef6a68d1391",
    "a0b9679665e29ac220dfb0b366317e1b9dd5fe31e9def8b2e511669a041389ae",
    "a3f46e15e8220fc2910e4d486ed8e5d84f394af4c985bb8bae90a255d64538a8",
    "a4d138d7ef9748464117b44fb9c0a4b5b85a1599a127d02690abaa96d03c16e6",
    "d039c8119a029ab9f9c83c04d67002d887b6bc6026c4264402ab27cdf24cf138",
    "ef237ea8db4f2ae9ee100e8ced96d29b5dceb0e6a948443e6b8a00b1791f9ec9",
    "f8766749b0c6f9b5661364568226af0ba7ae8d87c0073df24e440de4417521cd",
    "fa0b06a72461ec0a963dcfccb8d5b61bd88a6074fc7271573bff68ab86b8c1af",
    "fc44fb15e87a51076330af4063daa120f53691a939099f9b3ebe96b0c89a4793",
    "fed7079dd4491609e4c996e232f366ac434fa4cc9df19df363391d079d470964",
];

/// Whether what was found is no secret because it is published.
pub(super) fn is_known(secret: &Digest) -> bool {
    KEYS.binary_search(&secret.hex().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::KEYS;

    #[test]
    fn digests_are_sorted_and_whole() {
        assert!(KEYS.is_sorted());
        assert!(KEYS.iter().all(|key| format!("sha256:{key}").parse::<crate::oci::Digest>().is_ok()));
    }
}
