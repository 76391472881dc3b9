//! Questions at a terminal. Unattended, none is put, and what is missing is an error that names the
//! option.
#![forbid(unsafe_code)]

use crate::output::{print, print_error};
use ldaps_core::secret::Password;
use std::io::{self, BufRead, IsTerminal};
use zeroize::Zeroizing;

/// Whoever sits at the terminal, if anybody does.
pub struct Asker {
    can_ask: bool,
}

impl Asker {
    /// Nobody is asked when told so, or where there is no terminal.
    pub fn new(unattended: bool) -> Self {
        Self { can_ask: !unattended && io::stdin().is_terminal() }
    }

    /// Whether there is somebody to ask.
    pub fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// Asks for a text, until there is one. `question` says what is wanted and gives an example.
    ///
    /// # Errors
    /// `missing`, where nobody can be asked.
    pub fn text(
        &self,
        question: &str,
        default: Option<&str>,
        missing: &str,
    ) -> Result<String, String> {
        let shown = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        loop {
            let answer = self.line(&format!("{question}{shown}: "), missing)?;
            match (answer.trim(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => {
                    print("  An answer is needed here; Ctrl-C ends this, and nothing is changed.\n")
                }
                (answer, _) => return Ok(answer.to_owned()),
            }
        }
    }

    /// Asks a question of yes or no; `default` where nobody can be asked, too.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn yes(&self, question: &str, default: bool) -> Result<bool, String> {
        if !self.can_ask {
            return Ok(default);
        }
        let choice = if default { "[Y/n]" } else { "[y/N]" };
        loop {
            match self.line(&format!("{question} {choice} "), "")?.trim().to_lowercase().as_str() {
                "" => return Ok(default),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => print("  y or n.\n"),
            }
        }
    }

    /// Asks for a password, without showing it, until there is one that can be used.
    ///
    /// # Errors
    /// `missing`, where nobody can be asked.
    pub fn password(&self, question: &str, missing: &str) -> Result<Password, String> {
        if !self.can_ask {
            return Err(missing.to_owned());
        }
        loop {
            let typed = rpassword::prompt_password(format!("{question} (not shown): "));
            let typed =
                typed.map_err(|error| format!("The terminal gave no password: {error}."))?;
            match Password::parse(Zeroizing::new(typed).as_bytes()) {
                Ok(password) => return Ok(password),
                Err(problem) => print_error(&format!("  It cannot be used: {problem}.\n")),
            }
        }
    }

    fn line(&self, prompt: &str, missing: &str) -> Result<String, String> {
        if !self.can_ask {
            return Err(missing.to_owned());
        }
        print(prompt);
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(0) => Err("The terminal was closed. Nothing was changed.".to_owned()),
            Ok(_) => Ok(answer),
            Err(error) => {
                Err(format!("The terminal gave no answer: {error}. Nothing was changed."))
            }
        }
    }
}
