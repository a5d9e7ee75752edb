//! One file a node: what it means as data, and how it is read.

pub(super) mod account;
pub(super) mod annotation;
pub(super) mod apt;
pub(super) mod arg;
pub(super) mod base;
pub(super) mod command;
pub(super) mod copy;
pub(super) mod env;
pub(super) mod file;
pub(super) mod healthcheck;
pub(super) mod image;
pub(super) mod label;
pub(super) mod layers;
pub(super) mod mkdir;
pub(super) mod packages;
pub(super) mod platform;
pub(super) mod port;
pub(super) mod remove;
pub(super) mod sign;
pub(super) mod source;
pub(super) mod stop_signal;
pub(super) mod symlink;
pub(super) mod template;
pub(super) mod volume;
pub(super) mod workdir;
