//! The hidden subcommands by which the executable serves itself.

use std::process::ExitCode;

/// Does what a hidden subcommand of this folder says, if the first argument of this process is one, else returns
/// `None` at once. To be called early in `main`, before there are threads.
pub fn take_over_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    match args.next()?.to_str()? {
        #[cfg(feature = "docker")]
        super::keeper::SUBCOMMAND => Some(super::keeper::main()),
        #[cfg(feature = "download")]
        super::download::SUBCOMMAND => Some(super::download::main(args.next())),
        _ => None,
    }
}
