//! OpenPGP keys of every quality, made when a test runs.

use super::Keyring;
use p256::elliptic_curve::rand_core::OsRng;
use pgp::composed::{ArmorOptions, CleartextSignedMessage, Deserializable, KeyType, SignedKeyDetails};
use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, PubKeyInner, PublicKey, PublicSubkey, SecretKey, SecretSubkey, Signature, SignatureConfig, SignatureType,
    Subpacket, SubpacketData, UserId,
};
use pgp::types::{Duration, KeyVersion, PacketHeaderVersion, Password, SignedUser, SigningKey, Timestamp};

/// A key that signs package sources in tests; change the fields before [`TestKey::keyring`] for worse ones.
pub(crate) struct TestKey {
    primary: SecretKey,
    subkey: Option<SecretSubkey>,
    /// When the key and its self-signatures were made.
    pub created: u32,
    /// How long the primary key lasts, 0 for ever.
    pub lasts: u32,
    /// How long the subkey lasts, 0 for ever.
    pub subkey_lasts: u32,
    pub signing: bool,
    pub subkey_signing: bool,
    pub back_signature: bool,
    pub revoked: bool,
    pub subkey_revoked: bool,
    /// The hash of its self-signatures.
    pub hash: HashAlgorithm,
}

/// The time at which the test keys were made: in the middle of 2025.
pub(crate) const CREATED: u32 = 1_751_328_000;

impl TestKey {
    pub fn new() -> Self {
        Self::of_kind(KeyType::Ed25519Legacy)
    }

    pub fn of_kind(kind: KeyType) -> Self {
        let (public, secret) = kind.generate(OsRng).unwrap();
        let created = Timestamp::from_secs(CREATED);
        let inner = PubKeyInner::new(KeyVersion::V4, kind.to_alg(), created, None, public).unwrap();
        let primary = SecretKey::new(PublicKey::from_inner(inner).unwrap(), secret).unwrap();
        TestKey {
            primary,
            subkey: None,
            created: CREATED,
            lasts: 0,
            subkey_lasts: 0,
            signing: true,
            subkey_signing: true,
            back_signature: true,
            revoked: false,
            subkey_revoked: false,
            hash: HashAlgorithm::Sha256,
        }
    }

    /// Adds a subkey, which signs from now on.
    pub fn with_subkey(mut self) -> Self {
        let kind = KeyType::Ed25519Legacy;
        let (public, secret) = kind.generate(OsRng).unwrap();
        let created = Timestamp::from_secs(CREATED);
        let inner = PubKeyInner::new(KeyVersion::V4, kind.to_alg(), created, None, public).unwrap();
        self.subkey = Some(SecretSubkey::new(PublicSubkey::from_inner(inner).unwrap(), secret).unwrap());
        self
    }

    pub fn keyring(&self) -> Keyring {
        Keyring::parse(self.certificate().as_bytes()).unwrap()
    }

    /// The certificate without armor.
    pub fn binary_certificate(&self) -> Vec<u8> {
        let (certificate, _) = SignedPublicKey::from_string(&self.certificate()).unwrap();
        pgp::ser::Serialize::to_bytes(&certificate).unwrap()
    }

    /// The armored certificate.
    pub fn certificate(&self) -> String {
        let public = self.primary.public_key();
        let user = UserId::from_str(PacketHeaderVersion::New, "Test Archive <test@example.com>").unwrap();
        let mut config = self.config(SignatureType::CertPositive, &self.primary, self.lasts, Some(self.signing));
        config.hash_alg = self.hash;
        let signature = config
            .sign_certification(&self.primary, public, &Password::empty(), pgp::types::Tag::UserId, &user)
            .unwrap();
        let mut revocations = vec![];
        if self.revoked {
            let config = self.config(SignatureType::KeyRevocation, &self.primary, 0, None);
            revocations.push(config.sign_key(&self.primary, &Password::empty(), public).unwrap());
        }
        let details = SignedKeyDetails::new(revocations, vec![], vec![SignedUser::new(user, vec![signature])], vec![]);
        let subkeys = self.subkey.iter().map(|subkey| self.bind(subkey)).collect();
        SignedPublicKey::new(public.clone(), details, subkeys).to_armored_string(ArmorOptions::default()).unwrap()
    }

    fn bind(&self, subkey: &SecretSubkey) -> SignedPublicSubKey {
        let (public, none) = (subkey.public_key().clone(), Password::empty());
        let mut config =
            self.config(SignatureType::SubkeyBinding, &self.primary, self.subkey_lasts, Some(self.subkey_signing));
        if self.back_signature {
            let back = self.config(SignatureType::KeyBinding, subkey, 0, None);
            let back = back.sign_primary_key_binding(subkey, &public, &none, self.primary.public_key()).unwrap();
            let packet = SubpacketData::EmbeddedSignature(Box::new(back));
            config.hashed_subpackets.push(Subpacket::regular(packet).unwrap());
        }
        let sign = |config: SignatureConfig| {
            config.sign_subkey_binding(&self.primary, self.primary.public_key(), &none, &public).unwrap()
        };
        let mut signatures = vec![sign(config)];
        if self.subkey_revoked {
            signatures.push(sign(self.config(SignatureType::SubkeyRevocation, &self.primary, 0, None)));
        }
        SignedPublicSubKey::new(public, signatures)
    }

    fn config(&self, kind: SignatureType, by: &impl SigningKey, lasts: u32, signing: Option<bool>) -> SignatureConfig {
        let mut config = SignatureConfig::v4(kind, by.algorithm(), HashAlgorithm::Sha256);
        let mut add = |data| config.hashed_subpackets.push(Subpacket::regular(data).unwrap());
        add(SubpacketData::SignatureCreationTime(Timestamp::from_secs(self.created)));
        add(SubpacketData::IssuerFingerprint(by.fingerprint()));
        if lasts > 0 {
            add(SubpacketData::KeyExpirationTime(Duration::from_secs(lasts)));
        }
        if let Some(signing) = signing {
            let mut flags = KeyFlags::default();
            flags.set_certify(true);
            flags.set_sign(signing);
            add(SubpacketData::KeyFlags(flags));
        }
        config
    }

    /// Signs a text in place, with the subkey where there is one.
    pub fn sign(&self, text: &str) -> String {
        self.sign_with(text, HashAlgorithm::Sha256, 0)
    }

    /// Signs with some hash; the signature runs out after `lasts` seconds, where that is not 0.
    pub fn sign_with(&self, text: &str, hash: HashAlgorithm, lasts: u32) -> String {
        let message = CleartextSignedMessage::new_many(text.strip_suffix('\n').unwrap_or(text), |text| {
            Ok(vec![self.signature(text, hash, lasts)])
        });
        message.unwrap().to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// Two keys sign the same text.
    pub fn sign_together(&self, other: &TestKey, text: &str) -> String {
        let message = CleartextSignedMessage::new_many(text.strip_suffix('\n').unwrap_or(text), |text| {
            Ok(vec![self.signature(text, HashAlgorithm::Sha256, 0), other.signature(text, HashAlgorithm::Sha512, 0)])
        });
        message.unwrap().to_armored_string(ArmorOptions::default()).unwrap()
    }

    fn signature(&self, text: &str, hash: HashAlgorithm, lasts: u32) -> Signature {
        let none = Password::empty();
        let finish = |mut config: SignatureConfig| {
            config.hash_alg = hash;
            if lasts > 0 {
                let packet = SubpacketData::SignatureExpirationTime(Duration::from_secs(lasts));
                config.hashed_subpackets.push(Subpacket::regular(packet).unwrap());
            }
            config
        };
        match &self.subkey {
            Some(subkey) => {
                finish(self.config(SignatureType::Text, subkey, 0, None)).sign(subkey, &none, text.as_bytes()).unwrap()
            }
            None => finish(self.config(SignatureType::Text, &self.primary, 0, None))
                .sign(&self.primary, &none, text.as_bytes())
                .unwrap(),
        }
    }
}
