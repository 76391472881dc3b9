//! A frame of any bytes is an error or a message.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ldaps_core::fuzzing::read_frames(bytes));
