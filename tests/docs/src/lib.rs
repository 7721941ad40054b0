//! Runs what the documentation tells a reader to run. The blocks of one page are a session: one folder, one `host`, one
//! broker. What a block is, the word behind its language says; no renderer shows it.
//!
//! | block | what happens |
//! | --- | --- |
//! | `sh` | is run, and must succeed, or end with `exits=CODE` |
//! | `sh again` | is run until it succeeds, and prints what the next block shows |
//! | `sh background` | one command that goes on; at the end of the page Ctrl-C must end it well |
//! | `sh by-hand` | is not run; only programs of [`page::BY_HAND`] may stand there |
//! | `text output` | the block before has printed these lines in this order; `…` stands for anything |
//! | `LANGUAGE file=PATH` | is written to a file of the session |
//! | `LANGUAGE from=PATH` | stands so in this file of the repository |
//!
//! Other languages are only shown. A block without a language, and a shell by another name, are refused: a command
//! could hide there. `localhost:9092` and `127.0.0.1:9464` become ports of the session.

pub mod page;
pub mod session;
pub mod settings;
