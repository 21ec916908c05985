//! A moment in a configuration file: a TOML date and time, kept as seconds since 1970.

use serde::{Deserialize, Deserializer, de::Error};
use toml::value::{Datetime, Offset};

use crate::keys::Described;

/// A moment, in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UtcTime(pub i64);

impl UtcTime {
    /// Converts a TOML date and time; one without an offset counts as UTC, one without a time is refused.
    pub fn from_toml(at: &Datetime) -> Option<Self> {
        let (date, time) = (at.date?, at.time?);
        let minutes = match at.offset {
            None | Some(Offset::Z) => 0,
            Some(Offset::Custom { minutes }) => i64::from(minutes),
        };
        let seconds = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
        let days = days_from_civil(i64::from(date.year), i64::from(date.month), i64::from(date.day));
        Some(Self(days * 86_400 + seconds - minutes * 60))
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let at = Datetime::deserialize(de)?;
        Self::from_toml(&at).ok_or_else(|| {
            D::Error::custom(format!(
                "invalid value: {at}, expected a date with a time, as 2026-01-31T20:00:00Z"
            ))
        })
    }
}

impl Described for UtcTime {
    fn kind() -> String {
        "date and time".to_owned()
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// Days since 1970-01-01 of a day of the Gregorian calendar (the well-known era arithmetic: years begin in March).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toml_moment_becomes_unix_seconds() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-01-31T20:00:00+02:00", 1_769_882_400),
            ("2024-02-29T12:30:15", 1_709_209_815),
        ] {
            let at: Datetime = text.parse().unwrap();
            assert_eq!(UtcTime::from_toml(&at), Some(UtcTime(want)), "{text}");
        }
        assert_eq!(UtcTime::from_toml(&"2024-02-29".parse().unwrap()), None);
    }
}
