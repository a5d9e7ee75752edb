//! Real images and projects, and what other tools find in them: Debian's own, those of the languages, and syft.

mod debian;
mod differences;
mod images;
mod installed;
mod languages;
mod projects;
mod syft;
