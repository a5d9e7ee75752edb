//! Files made up for tests.
