//! Chat, mail, telephone.

use super::{Is, Of, Part, Set, Token, token};
use crate::secrets::checksum;

/// The number of a team, a user or an app of Slack.
const TEAM: Part = Of(Set::DIGITS, 9, 14);

pub(super) static TABLE: &[Token] = &[
    token("slack-token", "xoxb-", &[Of(Set::DIGITS, 8, 14), Is("-"), Of(Set::ALNUM, 18, 26)]),
    token("slack-token", "xoxb-", &[TEAM, Is("-"), TEAM, Is("-"), Of(Set::ALNUM, 24, 24)]),
    token("slack-token", "xoxp-", &[TEAM, Is("-"), TEAM, Is("-"), TEAM, Is("-"), Of(Set::ALNUM, 28, 34)]),
    token("slack-token", "xoxa-", &[Of(Set::DIGITS, 1, 14), Is("-"), Of(Set::NAME, 20, 90)]).whole_run(),
    token("slack-token", "xoxr-", &[Of(Set::DIGITS, 1, 14), Is("-"), Of(Set::NAME, 20, 90)]).whole_run(),
    token("slack-token", "xoxs-", &[Of(Set::DIGITS, 9, 14), Is("-"), Of(Set::NAME, 20, 90)]).whole_run(),
    token("slack-token", "xoxc-", &[Of(Set::DIGITS, 9, 14), Is("-"), Of(Set::NAME, 40, 120)]).whole_run(),
    token("slack-token", "xoxe-1-", &[Of(Set::ALNUM, 140, 170)]).whole_run(),
    token("slack-token", "xoxe.xoxp-1-", &[Of(Set::ALNUM, 150, 180)]).whole_run(),
    token("slack-token", "xoxe.xoxb-1-", &[Of(Set::ALNUM, 150, 180)]).whole_run(),
    token(
        "slack-app-token",
        "xapp-1-",
        &[Of(Set::UPPER, 9, 13), Is("-"), Of(Set::DIGITS, 9, 14), Is("-"), Of(Set::HEX, 60, 70)],
    )
    .whole_run(),
    token("telegram-bot-token", ":AA", &[Of(Set::NAME, 33, 33)]).behind(Set::DIGITS, 8, 10),
    // The first 24 to 28 characters end with the first dot: six more, the second dot, and a run.
    token("discord-bot-token", ".", &[Of(Set::NAME, 6, 6), Is("."), Of(Set::NAME, 27, 38)])
        .behind(Set::NAME, 23, 28)
        .checked(checksum::discord),
    token("twilio-key", "SK", &[Of(Set::HEX, 32, 32)]),
    token("sendgrid-key", "SG.", &[Of(Set::NAME, 22, 22), Is("."), Of(Set::NAME, 43, 43)]),
    token("mailgun-key", "key-", &[Of(Set::HEX, 32, 32)]),
    token("mailgun-key", "-", &[Of(Set::HEX, 8, 8), Is("-"), Of(Set::HEX, 8, 8)]).behind(Set::HEX, 32, 32),
    token("mailchimp-key", "-us", &[Of(Set::DIGITS, 1, 2)]).behind(Set::HEX, 32, 32),
    token("brevo-key", "xkeysib-", &[Of(Set::HEX, 64, 64), Is("-"), Of(Set::ALNUM, 16, 16)]),
    token("brevo-key", "xsmtpsib-", &[Of(Set::HEX, 64, 64), Is("-"), Of(Set::ALNUM, 16, 16)]),
    token("mailersend-token", "mlsn.", &[Of(Set::HEX, 64, 64)]),
    token("resend-key", "re_", &[Of(Set::ALNUM, 8, 8), Is("_"), Of(Set::ALNUM, 24, 24)]),
    token("firebase-messaging-key", ":APA91b", &[Of(Set::NAME, 134, 134)]).behind(Set::NAME, 11, 11),
];
