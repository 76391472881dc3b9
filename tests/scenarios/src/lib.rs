//! What the scenarios and the benchmarks stand on: the container engine, the images, a domain
//! controller, a host, the product on it.

#![forbid(unsafe_code)]

pub mod dc;
pub mod engine;
pub mod host;
pub mod images;
pub mod options;
pub mod outcome;
pub mod package_file;
pub mod product;
