//! Device and user codes (RFC 8628).

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;

use super::{Authentication, Expiring, LIMIT, Logins, millis};
use crate::error::{Cause, OAuthError};
use crate::idp::WaitingDevice;

/// RFC 8628 §6.1: no vowels, so that no words arise, and nothing that looks like something else.
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// So long after its end a device code is still known, so that whoever asks late is told so.
const REMEMBERED: Duration = Duration::from_secs(600);

/// RFC 8628 §3.5: what `slow_down` adds to the interval.
const SLOWER: Duration = Duration::from_secs(5);

/// RFC 8628 §5.1: so many wrong user codes are taken in [`WINDOW`], from everybody together.
const WRONG_CODES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);

/// Too many wrong user codes were entered: none is taken for so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MostWrongCodes(pub(crate) i64);

/// A device that asks for tokens.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) client: String,
    pub(crate) scopes: Vec<String>,
    expires_ms: i64,
    interval: Duration,
    asked_ms: Option<i64>,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Pending,
    Approved(Authentication),
    Denied,
}

/// What a device that asks is given.
#[derive(Debug)]
pub(crate) struct Approval {
    pub(crate) scopes: Vec<String>,
    pub(crate) authentication: Authentication,
}

/// What is told to a device at first (RFC 8628 §3.2).
#[derive(Debug)]
pub(crate) struct Poll {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    pub(crate) expires_in_s: u64,
    pub(crate) interval_s: u64,
}

/// All devices.
#[derive(Clone)]
pub(super) struct Devices {
    /// By device code.
    devices: Expiring<String, Device>,
    /// Device codes by user code.
    by_user_code: BTreeMap<String, String>,
    window_ms: i64,
    wrong: u32,
}

impl Default for Devices {
    fn default() -> Self {
        Self { devices: Expiring::new(LIMIT), by_user_code: BTreeMap::new(), window_ms: 0, wrong: 0 }
    }
}

impl Devices {
    fn pending(&mut self, user_code: &str, now_ms: i64) -> Option<&mut Device> {
        let code = self.by_user_code.get(&letters(user_code))?;
        let device = self.devices.get_mut(code, now_ms)?;
        (now_ms < device.expires_ms && matches!(device.state, State::Pending)).then_some(device)
    }

    fn waiting(&self, now_ms: i64) -> impl Iterator<Item = &Device> {
        let all = self.devices.iter(now_ms).map(|(_, device)| device);
        all.filter(move |device| now_ms < device.expires_ms && matches!(device.state, State::Pending))
    }

    fn forget_ended(&mut self, now_ms: i64) {
        let devices = &self.devices;
        let open = |code: &String| devices.get(code, now_ms).is_some_and(|device| now_ms < device.expires_ms);
        self.by_user_code.retain(|_, code| open(code));
    }
}

impl Logins {
    /// A device asks for tokens with these scopes.
    pub(crate) fn ask_for_device(&mut self, client: &str, scopes: Vec<String>, now_ms: i64) -> Poll {
        let lifetime = self.settings.device_code_lifetime;
        let interval = self.settings.device_interval;
        self.devices.forget_ended(now_ms);
        let user_code = loop {
            let drawn: String =
                (0..8).map(|_| char::from(LETTERS[self.random.random_range(0..LETTERS.len())])).collect();
            if !self.devices.by_user_code.contains_key(&drawn) {
                break drawn;
            }
        };
        let device_code = format!("tldc_{}", self.draw());
        let expires_ms = now_ms.saturating_add(millis(lifetime));
        let shown = format!("{}-{}", &user_code[..4], &user_code[4..]);
        let device = Device {
            user_code: shown.clone(),
            client: client.to_owned(),
            scopes,
            expires_ms,
            interval,
            asked_ms: None,
            state: State::Pending,
        };
        let until_ms = expires_ms.saturating_add(millis(REMEMBERED));
        self.devices.devices.insert(device_code.clone(), device, until_ms, now_ms);
        self.devices.by_user_code.insert(user_code, device_code.clone());
        Poll { device_code, user_code: shown, expires_in_s: lifetime.as_secs(), interval_s: interval.as_secs() }
    }

    /// The devices whose user has not decided yet, and still can.
    pub(crate) fn waiting_devices(&self, now_ms: i64) -> impl Iterator<Item = WaitingDevice> {
        self.devices.waiting(now_ms).map(|device| WaitingDevice {
            user_code: device.user_code.clone(),
            client: device.client.clone(),
            scopes: device.scopes.clone(),
            expires_at_ms: device.expires_ms,
        })
    }

    /// A device asks whether the user has decided. What is given is given once.
    ///
    /// # Errors
    ///
    /// Those of RFC 8628 §3.5.
    pub(crate) fn poll_device(&mut self, code: &str, client: &str, now_ms: i64) -> Result<Approval, OAuthError> {
        let refused = |cause, text| Err(OAuthError::new(cause, text));
        let Some(device) = self.devices.devices.get_mut(code, now_ms) else {
            return refused(Cause::DeviceCodeUnknown, "the device code is unknown");
        };
        if device.client != client {
            return refused(Cause::DeviceCodeForeign, "the device code was issued to another client");
        }
        if now_ms >= device.expires_ms {
            return refused(Cause::DeviceCodeExpired, "the device code has expired");
        }
        match &device.state {
            State::Denied => return refused(Cause::AccessDenied, "the user has refused"),
            State::Pending => {
                let early = device.asked_ms.is_some_and(|asked| now_ms - asked < millis(device.interval));
                device.asked_ms = Some(now_ms);
                if !early {
                    return refused(Cause::DevicePending, "the user has not decided yet");
                }
                device.interval += SLOWER;
                let text = format!("the interval is {} s from now on", device.interval.as_secs());
                return Err(OAuthError::new(Cause::DeviceTooFast, text));
            }
            State::Approved(_) => {}
        }
        match self.devices.devices.remove(code) {
            Some(Device { scopes, state: State::Approved(authentication), .. }) => {
                Ok(Approval { scopes, authentication })
            }
            _ => refused(Cause::DeviceCodeUnknown, "the device code is unknown"),
        }
    }

    /// A user enters a code; it may have lower case, and what separates letters is overlooked (RFC 8628 §6.1).
    ///
    /// # Errors
    ///
    /// If too many wrong ones were entered of late, by anybody.
    pub(crate) fn enter_user_code(&mut self, code: &str, now_ms: i64) -> Result<Option<Device>, MostWrongCodes> {
        let devices = &mut self.devices;
        let left_ms = devices.window_ms + millis(WINDOW) - now_ms;
        // A clock that was moved back begins a window, too.
        if left_ms <= 0 || left_ms > millis(WINDOW) {
            (devices.window_ms, devices.wrong) = (now_ms, 0);
        } else if devices.wrong >= WRONG_CODES {
            return Err(MostWrongCodes((left_ms + 999) / 1000));
        }
        let found = devices.pending(code, now_ms).cloned();
        devices.wrong += u32::from(found.is_none());
        Ok(found)
    }

    /// The user decides; `None` says no. Gives the device, if it was waiting.
    pub(crate) fn decide_device(
        &mut self,
        user_code: &str,
        authentication: Option<Authentication>,
        now_ms: i64,
    ) -> Option<Device> {
        let device = self.devices.pending(user_code, now_ms)?;
        device.state = authentication.map_or(State::Denied, State::Approved);
        Some(device.clone())
    }
}

fn letters(code: &str) -> String {
    let upper = code.chars().map(|letter| letter.to_ascii_uppercase());
    upper.filter(|letter| u8::try_from(*letter).is_ok_and(|letter| LETTERS.contains(&letter))).collect()
}
