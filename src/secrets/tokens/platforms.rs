//! Clouds, hosts and databases.

use super::{Is, Of, Set, Token, token};
use crate::secrets::checksum;

pub(super) static TABLE: &[Token] = &[
    token("aws-access-key-id", "AKIA", &[Of(Set::BASE32, 16, 16)]).checked(checksum::aws_key_id),
    token("aws-access-key-id", "ASIA", &[Of(Set::BASE32, 16, 16)]).checked(checksum::aws_key_id),
    token("aws-access-key-id", "ABIA", &[Of(Set::BASE32, 16, 16)]).checked(checksum::aws_key_id),
    token("aws-access-key-id", "ACCA", &[Of(Set::BASE32, 16, 16)]).checked(checksum::aws_key_id),
    token("amazon-mws-token", "amzn.mws.", UUID),
    token("google-api-key", "AIza", &[Of(Set::NAME, 35, 35)]),
    token("google-oauth-secret", "GOCSPX-", &[Of(Set::NAME, 28, 28)]),
    token("google-oauth-token", "ya29.", &[Of(Set::NAME, 40, 1000)]).whole_run(),
    token("google-refresh-token", "1//0", &[Of(Set::NAME, 60, 200)]).whole_run(),
    token("alibaba-access-key-id", "LTAI", &[Of(Set::ALNUM, 20, 20)]),
    token("tencent-secret-id", "AKID", &[Of(Set::ALNUM, 32, 32)]),
    token("digitalocean-token", "dop_v1_", &[Of(Set::HEX, 64, 64)]),
    token("digitalocean-token", "doo_v1_", &[Of(Set::HEX, 64, 64)]),
    token("digitalocean-token", "dor_v1_", &[Of(Set::HEX, 64, 64)]),
    token("heroku-key", "HRKU-AA", &[Of(Set::NAME, 58, 58)]),
    token("cloudflare-origin-key", "v1.0-", &[Of(Set::HEX, 24, 24), Is("-"), Of(Set::HEX, 146, 146)]),
    token("databricks-token", "dapi", &[Of(Set::HEX, 32, 32)]),
    token("fly-token", "fm1r_", &[Of(Set::BASE64_ANY, 100, 2000)]).whole_run(),
    token("fly-token", "fm2_", &[Of(Set::BASE64_ANY, 100, 2000)]).whole_run(),
    token("netlify-token", "nfp_", &[Of(Set::ALNUM, 36, 36)]),
    token("render-key", "rnd_", &[Of(Set::ALNUM, 32, 32)]),
    token("supabase-token", "sbp_", &[Of(Set::HEX, 40, 40)]),
    token("supabase-token", "sb_secret_", &[Of(Set::NAME, 31, 31)]),
    token("planetscale-password", "pscale_pw_", &[Of(Set::DOTTED, 32, 64)]),
    token("planetscale-token", "pscale_tkn_", &[Of(Set::DOTTED, 32, 64)]),
    token("planetscale-token", "pscale_oauth_", &[Of(Set::DOTTED, 32, 64)]),
    token("mongodb-atlas-secret", "mdb_sa_sk_", &[Of(Set::NAME, 40, 40)]),
    token("cockroachdb-key", "CCDB1_", &[Of(Set::ALNUM, 22, 22), Is("_"), Of(Set::ALNUM, 40, 40)]),
];

const UUID: &[super::Part] = &[
    Of(Set::HEX, 8, 8),
    Is("-"),
    Of(Set::HEX, 4, 4),
    Is("-"),
    Of(Set::HEX, 4, 4),
    Is("-"),
    Of(Set::HEX, 4, 4),
    Is("-"),
    Of(Set::HEX, 12, 12),
];
