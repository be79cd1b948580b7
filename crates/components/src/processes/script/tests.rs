//! Tests of the process `script`: settings, decisions, sockets.
