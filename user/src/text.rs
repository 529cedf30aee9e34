//! Programs about text and bytes.

pub mod cat;
pub mod clear;
pub mod constant;
pub mod echo;
pub mod grep;
pub mod head;
pub mod hexdump;
pub mod less;
mod pager;
mod pattern;
pub mod printf;
mod reader;
pub mod seq;
pub mod tail;
pub mod test;
pub mod wc;
pub mod yes;
