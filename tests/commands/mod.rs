//! The commands as a user meets them: what they say, where they say it, and how they end.

mod frontend;
mod graphs;
mod hostile_specs;
mod release_in_ci;
