//! The command `tokenlapse`.

fn main() {}
