//! What the compiler does not check: sizes, fences between folders, leftovers, links, and that each test
//! guest and each deliberate bug has a test.

mod bugs;
mod fences;
mod guests;
mod leftovers;
mod links;
mod settings;
mod size;
