//! The command `mock-idp`.

// What tokens took that have expired goes back to the system, which the allocator of glibc keeps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    mock_idp::cli::main()
}
