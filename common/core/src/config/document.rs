//! A TOML text, section by section, with the place of everything in it.
//!
//! The reading code asks each section for the keys it knows; what nobody asked for is unknown. So
//! there is one list of keys, the code that reads them, and one run finds every mistake: serde's
//! derive would stop at the first.
#![forbid(unsafe_code)]

use super::errors::{At, Fault, Place, Position, Report};
use super::suggest;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The whole text.
pub(super) struct Document<'t> {
    file: &'t Path,
    text: &'t str,
    root: Spanned<DeTable<'t>>,
    known: RefCell<BTreeSet<String>>,
    unknown: RefCell<Vec<(Place, String)>>,
}

impl<'t> Document<'t> {
    /// Parses the text. None after an error of syntax: what the parser salvages would only lead to
    /// errors that are none.
    pub(super) fn parse(file: &'t Path, text: &'t str, report: &Report) -> Option<Document<'t>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let document =
            Document { file, text, root, known: RefCell::default(), unknown: RefCell::default() };
        document.report_syntax(&errors, report);
        errors.is_empty().then_some(document)
    }

    /// One error per line: the parser stumbles over the rest of a bad line too.
    fn report_syntax(&self, errors: &[toml::de::Error], report: &Report) {
        let mut first_in_line = BTreeMap::new();
        for error in errors {
            let place = self.place(&error.span().unwrap_or(0..0));
            let line = place.position.map(|position| position.line);
            let found = (place, error.message().trim().replace('\n', ", "));
            let first = first_in_line.entry(line).or_insert_with(|| found.clone());
            if found < *first {
                *first = found;
            }
        }
        for (place, message) in first_in_line.values() {
            report.error(place, format!("this is not TOML: {message}"), syntax_remedy(message));
        }
    }

    fn place(&self, span: &Range<usize>) -> Place {
        Place { file: self.file.to_owned(), position: Some(Position::of(self.text, span.start)) }
    }

    /// The part that no section header precedes.
    pub(super) fn root<'d>(&'d self, report: &'d Report) -> Section<'d, 't> {
        Section {
            document: self,
            report,
            path: String::new(),
            place: Place::file(self.file),
            table: Some(self.root.get_ref()),
            asked: BTreeSet::new(),
        }
    }

    /// Reports the keys nobody asked for. Only now are all keys known that one may have meant.
    pub(super) fn report_unknown_keys(&self, report: &Report) {
        let known = self.known.borrow();
        for (place, path) in self.unknown.borrow().iter() {
            let fault = suggest::unknown_key(path, &known);
            report.error(place, fault.problem, fault.remedy);
        }
    }

    /// Every key and section that was asked for, as `section.key`.
    #[cfg(test)]
    pub(super) fn known_keys(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }
}

/// A backslash in double quotes begins an escape; `DOMAIN\name` is written so by everybody once.
fn syntax_remedy(message: &str) -> &'static str {
    match message.contains("escape") || message.contains("unicode value") {
        true => {
            "write the text in single quotes, as in 'CORP\\svc-linux', or double the backslash: \"CORP\\\\svc-linux\""
        }
        false => "write `key = value`, text in quotes, lists as [\"a\", \"b\"], sections as [name]",
    }
}

/// Keys whose text is a time.
const TIMES: [&str; 5] = ["connect_timeout", "operation_timeout", "positive", "negative", "poll"];

/// One table of the document, or its absence: then every key is absent too.
pub(super) struct Section<'d, 't> {
    document: &'d Document<'t>,
    pub(super) report: &'d Report,
    path: String,
    /// The section's header; the file where there is none.
    pub(super) place: Place,
    table: Option<&'d DeTable<'t>>,
    asked: BTreeSet<String>,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl<'d, 't> Section<'d, 't> {
    /// The key's name with its sections, as messages have it.
    pub(super) fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn ask(&mut self, key: &str) -> Option<&'d Value<'t>> {
        self.asked.insert(key.to_owned());
        let known = self.path_of(key);
        self.document.known.borrow_mut().insert(known);
        self.table?.get(key)
    }

    fn wrong_type(&self, key: &str, value: &Value<'t>, wanted: &str, example: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a section",
        };
        self.report.error(
            &self.document.place(&value.span()),
            format!("{} must be {wanted}, not {found}", self.path_of(key)),
            format!("write it as in `{example}`"),
        );
    }

    /// Is the key there at all?
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Text that `parse` accepts.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<At<T>> {
        let value = self.ask(key)?;
        let Some(text) = value.get_ref().as_str() else {
            let example = match (TIMES.contains(&key), value.get_ref().as_integer()) {
                (true, Some(seconds)) => format!("{seconds}s"),
                (true, None) => "10s".to_owned(),
                (false, _) => "...".to_owned(),
            };
            self.wrong_type(key, value, "text", &format!("{key} = \"{example}\""));
            return None;
        };
        self.checked(key, value, parse(text))
    }

    fn checked<T>(&self, key: &str, value: &Value<'t>, result: Result<T, Fault>) -> Option<At<T>> {
        let place = self.document.place(&value.span());
        match result {
            Ok(value) => Some(At { value, place }),
            Err(fault) => {
                self.report.fault(&place, &self.path_of(key), fault);
                None
            }
        }
    }

    /// A list of texts that `parse` accepts, or one such text alone. None: the key is absent, or
    /// something in it was wrong and has been reported.
    pub(super) fn parsed_list<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<Vec<At<T>>> {
        let value = self.ask(key)?;
        self.list(key, value, parse)
    }

    fn list<T>(
        &self,
        key: &str,
        value: &Value<'t>,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<Vec<At<T>>> {
        let elements: Vec<&Value<'t>> = match value.get_ref() {
            DeValue::Array(array) => array.iter().collect(),
            _ => vec![value],
        };
        // Every element is read before any failure counts, so that all are reported.
        let read: Vec<Option<At<T>>> = elements
            .into_iter()
            .map(|element| {
                let Some(text) = element.get_ref().as_str() else {
                    let example = format!("{key} = [\"...\", \"...\"]");
                    self.wrong_type(key, element, "a list of texts", &example);
                    return None;
                };
                self.checked(key, element, parse(text))
            })
            .collect();
        read.into_iter().collect()
    }

    /// A whole number.
    pub(super) fn number(&mut self, key: &str) -> Option<At<u32>> {
        let value = self.ask(key)?;
        let Some(number) = value.get_ref().as_integer() else {
            // What stands there in quotes is what was meant, most likely.
            let meant = value.get_ref().as_str().and_then(|text| text.trim().parse::<u32>().ok());
            let example = meant.unwrap_or(if key.ends_with("_days") { 14 } else { 1000 });
            self.wrong_type(key, value, "a whole number", &format!("{key} = {example}"));
            return None;
        };
        let result = u32::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
            Fault::new(
                format!("{number} is out of range"),
                format!("write a number from 0 to {}", u32::MAX),
            )
        });
        self.checked(key, value, result)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.ask(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false", &format!("{key} = true"));
        }
        flag
    }

    /// The section `[key]` within this one.
    pub(super) fn section(&mut self, key: &str) -> Section<'d, 't> {
        let value = self.ask(key);
        self.section_from(key, value)
    }

    fn section_from(&self, key: &str, value: Option<&'d Value<'t>>) -> Section<'d, 't> {
        let path = self.path_of(key);
        let table = value.and_then(|value| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                self.wrong_type(key, value, "a section", &format!("[{path}]"));
            }
            table
        });
        Section {
            document: self.document,
            report: self.report,
            place: value
                .map_or_else(|| self.place.clone(), |value| self.document.place(&value.span())),
            path,
            table,
            asked: BTreeSet::new(),
        }
    }

    /// The keys that are the administrator's own words and have not been asked for.
    fn free_values(&mut self) -> Vec<(At<String>, &'d Value<'t>)> {
        let Some(table) = self.table else {
            return Vec::new();
        };
        table
            .iter()
            .filter(|(key, _)| !self.asked.contains(key.get_ref().as_ref()))
            .map(|(key, value)| {
                let name = At {
                    value: key.get_ref().to_string(),
                    place: self.document.place(&key.span()),
                };
                (name, value)
            })
            .collect()
    }

    /// All keys not asked for yet, each with the text it has.
    pub(super) fn free_texts<T>(
        &mut self,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Vec<(At<String>, Option<At<T>>)> {
        let mut found = Vec::new();
        for (name, value) in self.free_values() {
            self.asked.insert(name.value.clone());
            let parsed = match value.get_ref().as_str() {
                Some(text) => self.checked(&name.value, value, parse(text)),
                None => {
                    let example = format!("\"{}\" = \"...\"", name.value);
                    self.wrong_type(&name.value, value, "text", &example);
                    None
                }
            };
            found.push((name, parsed));
        }
        found
    }

    /// All keys not asked for yet, each with the list of texts it has.
    pub(super) fn free_lists<T>(
        &mut self,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Vec<(At<String>, Option<Vec<At<T>>>)> {
        let mut found = Vec::new();
        for (name, value) in self.free_values() {
            self.asked.insert(name.value.clone());
            let list = self.list(&name.value, value, &parse);
            found.push((name, list));
        }
        found
    }

    /// All sections within this one that have not been asked for. Keys that are no sections stay
    /// unknown.
    pub(super) fn free_sections(&mut self) -> Vec<(At<String>, Section<'d, 't>)> {
        let mut found = Vec::new();
        for (name, value) in self.free_values() {
            if !value.get_ref().is_table() {
                continue;
            }
            self.asked.insert(name.value.clone());
            let section = self.section_from(&name.value, Some(value));
            found.push((name, section));
        }
        found
    }

    /// Notes what nobody asked for; [`Document::report_unknown_keys`] reports it.
    pub(super) fn finish(mut self) {
        for (name, _) in self.free_values() {
            let path = self.path_of(&name.value);
            self.document.unknown.borrow_mut().push((name.place, path));
        }
    }
}
