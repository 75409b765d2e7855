//! The program as its users meet it: each command as a process of its own, what it says, what it sends
//! and how it ends. Network traffic stays on the loopback interface.
#![cfg(unix)]

mod cargo;
mod commands;
mod common;
mod libraries;
mod new_plugin;
mod run;
mod send_monitor;
mod terminal;
