//! Paths by names and groups, and what is said about wrong ones.
