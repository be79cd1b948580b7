//! Restarts at every stop.
