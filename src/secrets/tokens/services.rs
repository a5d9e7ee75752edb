//! Payment, work and everything else that one subscribes to.

use super::{Is, Of, Set, Token, token};

pub(super) static TABLE: &[Token] = &[
    token("stripe-key", "sk_live_", &[Of(Set::ALNUM, 24, 250)]).whole_run(),
    token("stripe-key", "rk_live_", &[Of(Set::ALNUM, 24, 250)]).whole_run(),
    token("stripe-test-key", "sk_test_", &[Of(Set::ALNUM, 24, 250)]).whole_run(),
    token("stripe-test-key", "rk_test_", &[Of(Set::ALNUM, 24, 250)]).whole_run(),
    token("stripe-webhook-secret", "whsec_", &[Of(Set::ALNUM, 32, 64)]),
    token("square-token", "sq0atp-", &[Of(Set::NAME, 22, 22)]),
    token("square-secret", "sq0csp-", &[Of(Set::NAME, 43, 43)]),
    token("square-token", "EAAA", &[Of(Set::NAME, 60, 60)]).alone(),
    token("facebook-token", "EAAC", &[Of(Set::ALNUM, 100, 400)]).alone(),
    token("facebook-token", "EAAM", &[Of(Set::ALNUM, 100, 400)]).alone(),
    token("flutterwave-key", "FLWSECK-", &[Of(Set::HEX, 32, 32), Is("-X")]),
    token("easypost-key", "EZAK", &[Of(Set::ALNUM, 54, 54)]),
    token("shippo-token", "shippo_live_", &[Of(Set::HEX, 40, 40)]),
    token("duffel-token", "duffel_live_", &[Of(Set::NAME, 43, 43)]),
    token("plaid-token", "access-production-", &[Of(Set::HEX, 8, 8), Is("-"), Of(Set::NAME, 27, 27)]),
    token("shopify-token", "shpat_", &[Of(Set::HEX_ANY, 32, 32)]),
    token("shopify-token", "shpca_", &[Of(Set::HEX_ANY, 32, 32)]),
    token("shopify-token", "shppa_", &[Of(Set::HEX_ANY, 32, 32)]),
    token("shopify-secret", "shpss_", &[Of(Set::HEX_ANY, 32, 32)]),
    token("linear-token", "lin_api_", &[Of(Set::ALNUM, 40, 40)]),
    token("linear-token", "lin_oauth_", &[Of(Set::HEX, 64, 64)]),
    token("notion-token", "ntn_", &[Of(Set::ALNUM, 46, 46)]),
    token("notion-token", "secret_", &[Of(Set::ALNUM, 43, 43)]),
    token("figma-token", "figd_", &[Of(Set::NAME, 40, 40)]),
    token("airtable-token", ".", &[Of(Set::HEX, 64, 64)]).behind(Set::ALNUM, 17, 17).checked(is_airtable),
    token("clickup-token", "pk_", &[Of(Set::DIGITS, 5, 12), Is("_"), Of(Set::UPPER, 32, 32)]),
    token("contentful-token", "CFPAT-", &[Of(Set::NAME, 43, 43)]),
    token("readme-key", "rdme_", &[Of(Set::LOWER, 70, 70)]),
    token("typeform-token", "tfp_", &[Of(Set::DOTTED, 59, 59)]),
    token("dropbox-token", "sl.", &[Of(Set::NAME, 130, 160)]).whole_run(),
    token("trello-token", "ATTA", &[Of(Set::HEX, 64, 64)]),
    token("mapbox-token", "sk.eyJ", &[Of(Set::NAME, 40, 120), Is("."), Of(Set::NAME, 22, 22)]).whole_run(),
];

fn is_airtable(token: &[u8]) -> bool {
    token.starts_with(b"pat")
}
