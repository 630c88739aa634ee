//! Checks on hand-written journals, good beside bad.

mod effects;
mod gallery;
mod identity;
mod lateness;
mod leaks;
mod load;
mod outcome;
mod properties;
mod reads;
mod refused_reuse;
mod support;
mod verdicts;
mod waiting;
