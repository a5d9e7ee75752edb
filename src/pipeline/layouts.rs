//! Images of OCI layouts on disk.
