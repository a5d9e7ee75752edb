//! Secrets that stand where everybody can read them: in files, archives, variables and command lines.
