//! Writing a message: its bytes, and the same message in another form.

mod encode;
