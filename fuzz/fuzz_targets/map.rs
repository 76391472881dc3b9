//! A shared map of any bytes is read without a crash.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ldaps_core::map::fuzzing::look_up_in(bytes));
