//! One Temporal server for the tests in which it makes no difference whose it is. To start one each time is most of the
//! work that such a test makes.

use std::sync::OnceLock;
use std::sync::mpsc::channel;

use tokenlapse::lab::temporal::{Backend as _, BinarySources, Dev};
use tokenlapse::lab::worker::Launcher;

/// Its address. It ends with this process: whoever minds it hears when the process is gone.
pub(crate) fn temporal() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| {
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let launcher = Launcher { executable: env!("CARGO_BIN_EXE_tokenlapse").into() };
                let dev = Dev { binary: BinarySources::of_caller(None) };
                let server = dev.start(&launcher, "shared").await.unwrap_or_else(|error| panic!("{error}"));
                tell.send(server.address().to_string()).expect("somebody waits for it");
                std::future::pending::<()>().await;
            });
        });
        told.recv().expect("it starts")
    })
}
