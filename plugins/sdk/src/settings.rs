//! Settings: keys of `[plugin.settings]` in `game.toml` as the fields of a struct.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::manifest::Setting;
use crate::types::Value;

/// A struct whose fields are settings. [`derive(Settings)`](macro@crate::Settings) writes it.
pub trait Settings: Sized + 'static {
    /// Name, type, default, bounds and help of each.
    fn describe() -> Vec<Setting>;

    /// As they are now: the host is asked for each.
    fn read() -> Self;

    /// As they are now; the host is asked once after each change.
    fn current() -> Rc<Self>;
}

/// What a setting can be.
pub trait SettingType: Sized {
    /// As the interface has it.
    fn into_value(self) -> Value;
    /// None: a value of another type.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! setting_types {
    ($($type:ty: $case:ident;)*) => {$(
        impl SettingType for $type {
            fn into_value(self) -> Value {
                Value::$case(self.into())
            }

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$case(value) => value.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

setting_types! {
    i64: Int;
    i32: Int;
    u32: Int;
    u8: Int;
    f64: Real;
    bool: Flag;
    String: Text;
    Vec<String>: Texts;
    Vec<u8>: Bytes;
}

/// What the host has for a setting, or its default. The host answers only with what the manifest allows; anything else, of a
/// test or of a later version, is the default too.
#[doc(hidden)]
pub fn value<T: SettingType>(name: &str, default: T) -> T {
    crate::host::settings::get(name).and_then(T::from_value).unwrap_or(default)
}

thread_local! {
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

/// Settings have changed: what [`Settings::current`] remembers is old.
#[doc(hidden)]
pub fn changed() {
    CHANGES.set(CHANGES.get().wrapping_add(1));
}

/// What [`Settings::current`] remembers, and since which change.
#[doc(hidden)]
#[derive(Debug)]
pub struct Remembered<T>(RefCell<Option<(u64, Rc<T>)>>);

impl<T: Settings> Remembered<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// The settings as they are now.
    pub fn get(&self) -> Rc<T> {
        let changes = CHANGES.get();
        if let Some((since, settings)) = &*self.0.borrow()
            && *since == changes
        {
            return Rc::clone(settings);
        }
        let settings = Rc::new(T::read());
        *self.0.borrow_mut() = Some((changes, Rc::clone(&settings)));
        settings
    }
}

impl<T: Settings> Default for Remembered<T> {
    fn default() -> Self {
        Self::new()
    }
}
