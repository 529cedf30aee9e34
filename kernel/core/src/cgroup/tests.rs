//! The tree's promises, with a freezer that only takes notes.

mod fake;
mod group_type;
mod member;
mod name;
mod request;
mod state;
