//! A terminal that nobody sits at, and what a program has written to it.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Longest wait for what should be there in no time, on however busy a machine.
const LONG: Duration = Duration::from_secs(15);

/// Which of a program's outputs are the terminal; the others are pipes that are read as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Output,
    Errors,
    Neither,
}

/// A program that runs, and what it writes.
pub struct Running {
    child: Child,
    output: Heard,
    errors: Heard,
}

struct Heard {
    from: Receiver<Vec<u8>>,
    text: Vec<u8>,
}

impl Running {
    /// Starts it, with nothing to read.
    pub fn start(mut command: Command, on: On) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let control = openpt(flags).unwrap();
        grantpt(&control).unwrap();
        unlockpt(&control).unwrap();
        let name = ptsname(&control, Vec::new()).unwrap();
        let terminal = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let of = |is_it: bool| match is_it {
            true => Stdio::from(terminal.try_clone().unwrap()),
            false => Stdio::piped(),
        };
        let (output, errors) = (of(on == On::Output), of(on == On::Errors));
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let mut child = command.spawn().unwrap();
        // The command has descriptors of the terminal, which would keep it open.
        drop((command, terminal));
        let output = child.stdout.take().map(OwnedFd::from);
        let errors = child.stderr.take().map(OwnedFd::from);
        let mut control = Some(control);
        let mut of = |pipe: Option<OwnedFd>| match pipe.or_else(|| control.take()) {
            Some(end) => Heard::from(end),
            None => panic!("two terminals"),
        };
        let (output, errors) = (of(output), of(errors));
        // Where it is neither, it has to stay until here.
        drop(control);
        Self { child, output, errors }
    }

    /// Waits until the outputs together say so much.
    pub fn until(&mut self, what: &str, is_said: impl Fn(&str, &str) -> bool) {
        let end = Instant::now() + LONG;
        loop {
            let (output, errors) = (self.output.so_far(), self.errors.so_far());
            if is_said(&output, &errors) {
                return;
            }
            assert!(Instant::now() < end, "no {what}: {output:?}, {errors:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .unwrap();
    }

    /// How it ends, and all that it has written to standard output and standard error.
    pub fn end(mut self) -> (ExitStatus, String, String) {
        let status = self.child.wait().unwrap();
        (status, self.output.all(), self.errors.all())
    }

    /// Ends it, whatever it waits for.
    pub fn kill(mut self) -> (String, String) {
        self.child.kill().unwrap();
        let (_, output, errors) = self.end();
        (output, errors)
    }
}

impl From<OwnedFd> for Heard {
    fn from(end: OwnedFd) -> Self {
        let (tell, from) = channel();
        std::thread::spawn(move || {
            let (mut end, mut bytes) = (File::from(end), [0; 4096]);
            // A terminal that nobody has open any more is an error (EIO), and the end.
            while let Ok(read @ 1..) = end.read(&mut bytes) {
                let _ = tell.send(bytes[..read].to_vec());
            }
        });
        Self { from, text: Vec::new() }
    }
}

impl Heard {
    fn so_far(&mut self) -> String {
        self.text.extend(self.from.try_iter().flatten());
        String::from_utf8_lossy(&self.text).into_owned()
    }

    fn all(&mut self) -> String {
        loop {
            match self.from.recv_timeout(LONG) {
                Ok(bytes) => self.text.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => return self.so_far(),
                Err(RecvTimeoutError::Timeout) => panic!("its output does not end"),
            }
        }
    }
}
