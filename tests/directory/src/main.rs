//! The test directory as a program: the standard population, until it is killed.
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use test_directory::{Directory, Error, Options, SERVICE_ACCOUNT, SERVICE_PASSWORD, TestDirectory};
use tokio::signal::unix::{SignalKind, signal};

/// An LDAPS server shaped like Active Directory, with made-up people (password Secret.123) and a CA of its own.
#[derive(Parser)]
struct Arguments {
    /// The port to listen on; 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where to write ca.pem, the service account's password (secret) and a line for each bind (binds).
    #[arg(long)]
    dir: PathBuf,
    /// The address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Lock an account after so many wrong passwords; 0 never does.
    #[arg(long, default_value_t = 0)]
    lockout: u32,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("test-directory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let mut directory = Directory::corp_example();
    directory.set_policy("lockoutThreshold", i64::from(arguments.lockout));
    let binds = arguments.dir.join("binds");
    let bind_log = File::create(&binds)
        .map_err(|error| Error::Io(format!("write {}", binds.display()), error))?;
    let options = Options {
        address: arguments.listen,
        port: arguments.port,
        bind_log: Some(bind_log),
        ..Options::default()
    };
    let mut server = TestDirectory::start(directory, options)?;
    let ca = server.pki().write_ca(&arguments.dir)?;
    let secret = arguments.dir.join("secret");
    write_secret(&secret)
        .map_err(|error| Error::Io(format!("write {}", secret.display()), error))?;
    let ready = || {
        println!(
            "ready: ldaps://{}:{} at {}, CA {}, {SERVICE_ACCOUNT} with the password in {}",
            server.url_host(),
            server.port(),
            server.address().ip(),
            ca.display(),
            secret.display()
        );
    };
    wait_for_the_end(ready)?;
    server.stop();
    Ok(())
}

/// Writes the service account's password with the mode that ldapsd wants to see.
fn write_secret(path: &Path) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)?;
    // The mode above is for a new file only.
    file.set_permissions(Permissions::from_mode(0o640))?;
    file.write_all(SERVICE_PASSWORD.as_bytes())
}

/// Says it is ready once a signal can no longer kill it half-way, and returns at SIGTERM or SIGINT.
fn wait_for_the_end(ready: impl FnOnce()) -> Result<(), Error> {
    let io = |error| Error::Io("wait for signals".to_owned(), error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(io)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(io)?;
        ready();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
