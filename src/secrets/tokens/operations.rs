//! Watching, deploying, keeping secrets.

use super::{Is, Of, Set, Token, token};
use crate::secrets::checksum;

pub(super) static TABLE: &[Token] = &[
    token("vault-token", "hvs.", &[Of(Set::NAME, 24, 200)]).whole_run(),
    token("vault-token", "hvb.", &[Of(Set::NAME, 100, 300)]).whole_run(),
    token("vault-token", "hvr.", &[Of(Set::NAME, 24, 200)]).whole_run(),
    token("terraform-cloud-token", ".atlasv1.", &[Of(Set::NAME, 60, 70)]).behind(Set::ALNUM, 14, 14),
    token("doppler-token", "dp.pt.", &[Of(Set::ALNUM, 40, 44)]),
    token("doppler-token", "dp.ct.", &[Of(Set::ALNUM, 40, 44)]),
    token("doppler-token", "dp.sa.", &[Of(Set::ALNUM, 40, 44)]),
    token("doppler-token", "dp.st.", &[Of(Set::ALNUM, 40, 44)]),
    token("doppler-token", "dp.st.dev.", &[Of(Set::ALNUM, 40, 44)]),
    token("doppler-token", "dp.st.prd.", &[Of(Set::ALNUM, 40, 44)]),
    token("doppler-token", "dp.scim.", &[Of(Set::ALNUM, 40, 44)]),
    token("doppler-token", "dp.audit.", &[Of(Set::ALNUM, 40, 44)]),
    token("age-secret-key", "AGE-SECRET-KEY-1", &[Of(Set::UPPER, 58, 58)]).anywhere().checked(checksum::bech32),
    token("one-password-service-token", "ops_eyJ", &[Of(Set::NAME, 200, 1500)]).whole_run(),
    token(
        "one-password-secret-key",
        "A3-",
        &[
            Of(Set::UPPER, 6, 6),
            Is("-"),
            Of(Set::UPPER, 6, 6),
            Is("-"),
            Of(Set::UPPER, 5, 5),
            Is("-"),
            Of(Set::UPPER, 5, 5),
            Is("-"),
            Of(Set::UPPER, 5, 5),
        ],
    ),
    token("tailscale-key", "tskey-auth-", &[Of(Set::ALNUM, 10, 24), Is("-"), Of(Set::ALNUM, 20, 50)]),
    token("tailscale-key", "tskey-api-", &[Of(Set::ALNUM, 10, 24), Is("-"), Of(Set::ALNUM, 20, 50)]),
    token("tailscale-key", "tskey-client-", &[Of(Set::ALNUM, 10, 24), Is("-"), Of(Set::ALNUM, 20, 50)]),
    token("grafana-token", "glsa_", &[Of(Set::ALNUM, 32, 32), Is("_"), Of(Set::HEX_ANY, 8, 8)]),
    token("grafana-token", "glc_", &[Of(Set::BASE64, 32, 400)]).whole_run().checked(checksum::json_payload),
    token("grafana-key", "eyJrIjoi", &[Of(Set::BASE64, 70, 400)]).whole_run(),
    token("sentry-token", "sntrys_", &[Of(Set::BASE64, 80, 400), Is("_"), Of(Set::BASE64_ANY, 43, 44)])
        .whole_run()
        .checked(checksum::json_payload),
    token("sentry-token", "sntryu_", &[Of(Set::HEX, 64, 64)]),
    token("new-relic-key", "NRAK-", &[Of(Set::UPPER, 27, 27)]),
    token("new-relic-key", "NRII-", &[Of(Set::NAME, 32, 32)]),
    token("new-relic-licence", "NRAL", &[]).behind(Set::HEX_ANY, 36, 36),
    token("dynatrace-token", "dt0c01.", &[Of(Set::UPPER, 24, 24), Is("."), Of(Set::UPPER, 64, 64)]),
    token("posthog-key", "phx_", &[Of(Set::ALNUM, 40, 52)]),
    token("honeycomb-key", "hcaik_", &[Of(Set::LOWER, 58, 58)]),
    token("honeycomb-key", "hcxik_", &[Of(Set::LOWER, 58, 58)]),
];
