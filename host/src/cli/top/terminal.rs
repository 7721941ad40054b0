//! The terminal as `host top` needs it: a screen of its own, keys without a line end; given back as it was.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, Read as _, Stdout, Write as _, stdin, stdout};
use std::thread;

/// Another screen, without a cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
/// The cursor and the screen of before.
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";

/// Given back when dropped.
pub(super) struct Terminal {
    out: Stdout,
    /// None: standard input is no terminal, and there are no keys.
    before: Option<Termios>,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It can't be written to.
    pub(super) fn take() -> io::Result<Self> {
        let before = tcgetattr(stdin()).ok();
        let mut terminal = Self { out: stdout(), before };
        if let Some(before) = &terminal.before {
            let mut modes = before.clone();
            // Signals stay keys: Ctrl-C.
            modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        }
        terminal.out.write_all(ENTER)?;
        Ok(terminal)
    }

    /// Puts lines in the place of those before.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn draw(&mut self, lines: &str) -> io::Result<()> {
        let mut screen = String::from("\x1b[H");
        for (i, line) in lines.lines().enumerate() {
            if i > 0 {
                screen.push_str("\r\n");
            }
            screen.push_str(line);
            screen.push_str("\x1b[K");
        }
        screen.push_str("\x1b[J");
        self.out.write_all(screen.as_bytes())?;
        self.out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nobody is left to tell when it is gone.
        if let Some(before) = &self.before {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
        drop(self.out.write_all(LEAVE).and_then(|()| self.out.flush()));
    }
}

/// Tells each key, on a thread that ends with the process, until `tell` has enough.
///
/// # Errors
/// The system gives no thread.
pub(super) fn listen(tell: impl Fn(u8) -> bool + Send + 'static) -> io::Result<()> {
    let listen = move || {
        let mut key = [0];
        while stdin().read_exact(&mut key).is_ok() && tell(key[0]) {}
    };
    thread::Builder::new().name("keys".to_owned()).spawn(listen).map(drop)
}

/// Columns and rows; none: standard output is no terminal.
pub(super) fn size() -> Option<(usize, usize)> {
    let size = tcgetwinsize(stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col.into(), size.ws_row.into()))
}
