//! Changes of a structure.
