//! Cities: the lobby's channels. City *n* is `CY0000000n-00`, generic fields 1 and 2^n at level 32, 224 players; the client looks
//! for it by these masks and makes it where it is not (captures uya_ps2_enter_city_aquatos, _to_aridia, _to_novalis and
//! _to_tyhrranosis, which also tell the names; the games have no more cities in any source).

use medley_plugin::CreateChannelRequest;

/// MaxPlayers of a city, as the client asks for it.
pub const PLAYERS: i32 = 224;
/// GenericFieldLevel: the first two fields are compared.
const LEVEL: i32 = 32;
const NAMES: [&str; 4] = ["Aquatos", "Aridia", "Novalis", "Tyhrranosis"];

/// A city by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct City(pub u8);

impl City {
    /// All that are known.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..NAMES.len() as u8).map(Self)
    }

    /// The city that a channel of this name is.
    pub fn of_channel(name: &[u8]) -> Option<Self> {
        let number = name.strip_prefix(b"CY")?.strip_suffix(b"-00")?;
        let number = std::str::from_utf8(number).ok().filter(|digits| digits.len() == 8)?;
        number.parse().ok().filter(|number| *number < 32).map(Self)
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("an unknown city")
    }

    /// Its channel's name.
    pub fn channel(self) -> String {
        format!("CY{:08}-00", self.0)
    }

    /// Its channel's generic fields.
    pub fn fields(self) -> [i32; 4] {
        [1, 1i32.wrapping_shl(self.0.into()), 0, 0]
    }

    /// The channel as the client would ask for it.
    pub fn as_asked(self) -> CreateChannelRequest {
        CreateChannelRequest {
            name: self.channel().into(),
            max_players: PLAYERS,
            generic_fields: self.fields().into(),
            generic_field_level: LEVEL,
            ..CreateChannelRequest::default()
        }
    }

    /// A request for this city that nobody else can find it by is put right: fields and level are those that clients search for.
    pub fn put_right(self, asked: &CreateChannelRequest) -> Option<CreateChannelRequest> {
        let right = CreateChannelRequest { password: asked.password.clone(), ..self.as_asked() };
        (*asked != right).then_some(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_is_known_by_its_channel() {
        assert_eq!(City::of_channel(b"CY00000002-00"), Some(City(2)));
        assert_eq!(City(2).name(), "Novalis");
        for name in ["CY2-00", "CY00000002-01", "CY0000000x-00", "CY00000040-00", "General"] {
            assert_eq!(City::of_channel(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn what_the_client_asked_for_in_a_capture_is_right() {
        // uya_ps2_to_novalis, line 5.
        let asked = CreateChannelRequest {
            name: "CY00000002-00".into(),
            max_players: 224,
            generic_fields: vec![1, 4, 0, 0],
            generic_field_level: 32,
            ..CreateChannelRequest::default()
        };
        assert_eq!(City(2).put_right(&asked), None);
        let odd = CreateChannelRequest { max_players: 1, generic_fields: vec![9, 9, 9, 9], ..asked.clone() };
        assert_eq!(City(2).put_right(&odd), Some(asked));
    }
}
