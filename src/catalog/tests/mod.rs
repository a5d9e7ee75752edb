//! What is found in what, and what does no harm.
