//! Vector files: `crypto.json` (an object with `vectors`) and `messages.json` (a list), or any list of such vectors.

use medley_crypto::{
    Context, Hash, KEY_LEN, PUBLIC_EXPONENT, RsaKeyPair, RsaPublicKey, Suite, SymmetricKey, seal_key,
};
use medley_wire::enums::NetMessageClass;
use medley_wire::frame::Header;
use medley_wire::messages::{self, AnyMessage};
use medley_wire::{AppId, Dialect};
use serde_json::{Map, Value};

use crate::diff;
use crate::report::FileReport;

/// Checks one vector file.
#[must_use]
pub fn check(file: &str, text: &str) -> FileReport {
    let mut report = FileReport::new(file);
    let parsed: Value = match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            report.error(
                format!("line {} column {}", error.line(), error.column()),
                format!("no JSON: {error}"),
            );
            return report;
        }
    };
    let vectors = match &parsed {
        Value::Array(vectors) => vectors,
        Value::Object(object) => match object.get("vectors") {
            Some(Value::Array(vectors)) => vectors,
            _ => {
                report
                    .error("the top level", "wanted a list of vectors, or an object with a list \"vectors\"");
                return report;
            }
        },
        _ => {
            report.error("the top level", "wanted a list of vectors, or an object with a list \"vectors\"");
            return report;
        }
    };
    for (i, vector) in vectors.iter().enumerate() {
        let Value::Object(object) = vector else {
            report.error(format!("vectors[{i}]"), "wanted an object");
            continue;
        };
        let vector = Vector { object };
        let name = vector.name(i);
        match vector.check() {
            Ok(problems) => report.result(name, problems),
            Err(Shape { field, problem }) => {
                report.error(format!("{name}: {field}"), problem.clone());
                report.result(name, vec![format!("{field}: {problem}")]);
            }
        }
    }
    report
}

/// A vector's field that is missing or of the wrong type: the file is broken, not the code under test.
struct Shape {
    field: String,
    problem: String,
}

type Checked = Result<Vec<String>, Shape>;

struct Vector<'v> {
    object: &'v Map<String, Value>,
}

impl Vector<'_> {
    fn name(&self, i: usize) -> String {
        let of = |key: &str| self.object.get(key).and_then(Value::as_str);
        match (of("id"), of("name")) {
            (Some(id), _) => format!("vectors[{i}] {id}"),
            (None, Some(name)) => format!("vectors[{i}] {name}"),
            (None, None) => format!("vectors[{i}]"),
        }
    }

    fn check(&self) -> Checked {
        match self.object.get("kind") {
            // Message vectors have no kind.
            None if self.object.contains_key("fields") => self.message(),
            None => Err(shape("kind", "missing; wanted a kind, or \"fields\" and \"hex\" of a message")),
            Some(_) => match self.text("kind")? {
                "ps2_rc4" => self.cipher(Suite::Ps2),
                "ps3_rcq" => self.cipher(Suite::Ps3),
                "sha1_hash4" => self.hash(Suite::Ps2),
                "rcq_hash4" => self.hash(Suite::Ps3),
                "ps2_rsa" => self.rsa(Suite::Ps2),
                "ps3_rsa" => self.rsa(Suite::Ps3),
                "frame" => self.frame(),
                "message" => self.message(),
                other => Ok(vec![format!(
                    "kind {other:?} is not known; known are ps2_rc4, ps3_rcq, sha1_hash4, rcq_hash4, ps2_rsa, ps3_rsa, frame and message"
                )]),
            },
        }
    }

    fn text(&self, key: &str) -> Result<&str, Shape> {
        match self.object.get(key) {
            Some(Value::String(text)) => Ok(text),
            other => Err(wanted(key, "a text", other)),
        }
    }

    fn number(&self, key: &str, most: u64) -> Result<u64, Shape> {
        let value = self.object.get(key);
        let number = value.and_then(Value::as_u64).filter(|number| *number <= most);
        number.ok_or_else(|| wanted(key, &format!("a number from 0 to {most}"), value))
    }

    fn hex(&self, key: &str) -> Result<Vec<u8>, Shape> {
        hex::decode(self.text(key)?)
            .map_err(|error| shape(key, &format!("wanted hexadecimal digits: {error}")))
    }

    fn array<const N: usize>(&self, key: &str) -> Result<[u8; N], Shape> {
        let bytes = self.hex(key)?;
        let found = bytes.len();
        bytes.try_into().map_err(|_| shape(key, &format!("wanted {N} bytes, found {found}")))
    }

    /// A printed number: big-endian, leading zeros may be missing.
    fn big_endian(&self, key: &str) -> Result<[u8; KEY_LEN], Shape> {
        let digits = self.text(key)?;
        let padded = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
        let bytes = hex::decode(padded)
            .map_err(|error| shape(key, &format!("wanted hexadecimal digits: {error}")))?;
        let mut number = [0; KEY_LEN];
        let start = KEY_LEN
            .checked_sub(bytes.len())
            .ok_or_else(|| shape(key, &format!("wanted at most {KEY_LEN} bytes, found {}", bytes.len())))?;
        number[start..].copy_from_slice(&bytes);
        Ok(number)
    }

    fn context(&self) -> Result<Context, Shape> {
        let bits = self.number("context", 7)?;
        Context::new(bits as u8).ok_or_else(|| shape("context", "wanted 0 to 7"))
    }

    fn cipher(&self, suite: Suite) -> Checked {
        let key = SymmetricKey::new(self.array("key")?);
        let (plain, cipher) = (self.hex("plaintext")?, self.hex("ciphertext")?);
        let (hash, context) = (Hash(self.array("hash")?), self.context()?);
        let mut problems = Vec::new();
        let mut body = plain.clone();
        let found = suite.encrypt_in_place(&key, context, &mut body);
        problems.extend(diff::bytes("hash of the plaintext", &hash.0, &found.0, |_| None));
        problems.extend(diff::bytes("enciphered plaintext", &cipher, &body, |_| None));
        let mut body = cipher;
        match suite.decrypt_in_place(&key, hash, &mut body) {
            Ok(()) => problems.extend(diff::bytes("deciphered ciphertext", &plain, &body, |_| None)),
            Err(error) => problems.push(format!("deciphering: {error}")),
        }
        Ok(problems)
    }

    fn hash(&self, suite: Suite) -> Checked {
        let found = suite.hash(self.context()?, &self.hex("plaintext")?);
        Ok(diff::bytes("hash", &self.array::<4>("hash")?, &found.0, |_| None).into_iter().collect())
    }

    fn modulus(&self) -> Result<Result<RsaPublicKey, String>, Shape> {
        let mut modulus = self.big_endian("modulus")?;
        modulus.reverse();
        Ok(RsaPublicKey::from_modulus_le(modulus).map_err(|error| format!("modulus: {error}")))
    }

    fn pair(&self) -> Result<Option<Result<RsaKeyPair, String>>, Shape> {
        if !self.object.contains_key("private_exponent") {
            return Ok(None);
        }
        let (modulus, exponent) = (self.big_endian("modulus")?, self.big_endian("private_exponent")?);
        let pair = RsaKeyPair::from_modulus_and_private_exponent(modulus, exponent);
        Ok(Some(pair.map_err(|error| format!("private_exponent: {error}"))))
    }

    fn rsa(&self, suite: Suite) -> Checked {
        if let Some(exponent) = self.object.get("public_exponent")
            && exponent.as_u64().or_else(|| exponent.as_str()?.parse().ok()) != Some(PUBLIC_EXPONENT.into())
        {
            return Ok(vec![format!("public_exponent: wanted {PUBLIC_EXPONENT}, found {exponent}")]);
        }
        let (plain, cipher) = (self.array("plaintext")?, self.array("ciphertext")?);
        let hash = Hash(self.array("hash")?);
        let public = match self.modulus()? {
            Ok(public) => public,
            Err(problem) => return Ok(vec![problem]),
        };
        let mut problems = Vec::new();
        let (found_hash, found) = seal_key(suite, &public, &plain);
        problems.extend(diff::bytes("hash of the plaintext", &hash.0, &found_hash.0, |_| None));
        problems.extend(diff::bytes("enciphered plaintext", &cipher, &found, |_| None));
        let pair = match self.pair()? {
            None => return Ok(problems),
            Some(Ok(pair)) => pair,
            Some(Err(problem)) => {
                problems.push(problem);
                return Ok(problems);
            }
        };
        match (pair.decrypt(suite, hash, &cipher), self.flag("decrypt_ok")?.unwrap_or(true)) {
            (Ok(found), true) => {
                problems.extend(diff::bytes("deciphered ciphertext", &plain, &found, |_| None))
            }
            (Err(error), true) => problems.push(format!("deciphering: {error}")),
            (Ok(_), false) => problems.push("deciphering: verified, and decrypt_ok is false".into()),
            (Err(_), false) => {}
        }
        if let Some(above) = self.flag("plaintext_ge_modulus")? {
            let found = pair.decrypt_raw(&cipher) != plain;
            if above != found {
                problems.push(format!("plaintext_ge_modulus: wanted {above}, found {found}"));
            }
        }
        Ok(problems)
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Shape> {
        match self.object.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            other => Err(wanted(key, "true or false", other)),
        }
    }

    fn frame(&self) -> Checked {
        let frame = self.hex("frame")?;
        let plain = self.hex("plaintext")?;
        let prefix = match self.object.get("clear_prefix_bytes") {
            None | Some(Value::Null) => 0,
            Some(_) => self.number("clear_prefix_bytes", 0xffff)? as usize,
        };
        let header = match Header::parse(&frame) {
            Ok(Some(header)) if header.total() == frame.len() => header,
            Ok(Some(header)) => {
                let problem =
                    format!("frame: its header says {} bytes, found {}", header.total(), frame.len());
                return Ok(vec![problem]);
            }
            Ok(None) => return Ok(vec![format!("frame: ends inside its header, {} bytes", frame.len())]),
            Err(error) => return Ok(vec![format!("frame: {error}")]),
        };
        let mut problems = Vec::new();
        if self.object.contains_key("message_id") {
            let wanted = self.number("message_id", 0x7f)?;
            if wanted != u64::from(header.id.0) {
                problems.push(format!("message_id: wanted {wanted}, found {} ({})", header.id.0, header.id));
            }
        }
        let hash = header.hash.map(Hash);
        if matches!(self.object.get("context"), Some(Value::Number(_))) {
            let wanted = self.context()?;
            if hash.map(Hash::context) != Some(wanted) {
                problems.push(format!("context: wanted {wanted}, found {:?}", hash.map(Hash::context)));
            }
        }
        let body = &frame[header.body..];
        if prefix > body.len() || prefix > plain.len() {
            problems.push(format!(
                "clear_prefix_bytes: {prefix}, in a body of {} bytes and a plaintext of {}",
                body.len(),
                plain.len()
            ));
            return Ok(problems);
        }
        let sealed = match (self.text("cipher")?, hash) {
            ("ps2_rc4", Some(hash)) => self.open_symmetric(Suite::Ps2, hash, body, &plain, prefix)?,
            ("ps3_rcq", Some(hash)) => self.open_symmetric(Suite::Ps3, hash, body, &plain, prefix)?,
            ("ps2_rsa", Some(hash)) => self.open_rsa(Suite::Ps2, hash, body, &plain)?,
            ("ps3_rsa", Some(hash)) => self.open_rsa(Suite::Ps3, hash, body, &plain)?,
            ("null_hash" | "null-hash", Some(hash)) => {
                if hash.is_null() {
                    Ok((Some(hash), plain.clone()))
                } else {
                    Err(vec![format!("hash: wanted a null hash, found {hash}")])
                }
            }
            ("none" | "clear", None) => Ok((None, plain.clone())),
            ("ps2_rc4" | "ps3_rcq" | "ps2_rsa" | "ps3_rsa" | "null_hash" | "null-hash", None) => {
                Err(vec!["frame: has no hash".into()])
            }
            ("none" | "clear", Some(hash)) => Err(vec![format!("frame: wanted none, found hash {hash}")]),
            (other, _) => Err(vec![format!(
                "cipher {other:?} is not known; known are ps2_rc4, ps3_rcq, ps2_rsa, ps3_rsa, null_hash and none"
            )]),
        };
        match sealed {
            Err(more) => problems.extend(more),
            Ok((hash, sealed)) => {
                let mut written = Vec::new();
                Header::write(header.id, hash.map(|hash| hash.0), sealed.len(), &mut written);
                written.extend_from_slice(&sealed);
                keep_bit_7(&frame, &mut written);
                let name = |at: usize| {
                    let part = match at {
                        0 => "id",
                        1 | 2 => "length",
                        _ if at < header.body => "hash",
                        _ => "body",
                    };
                    Some(part.to_owned())
                };
                problems.extend(diff::bytes("frame written from the plaintext", &frame, &written, name));
            }
        }
        Ok(problems)
    }

    /// Opens and seals again; gives what goes into the frame, or the problems of opening.
    #[allow(clippy::type_complexity, reason = "one private helper")]
    fn open_symmetric(
        &self,
        suite: Suite,
        hash: Hash,
        body: &[u8],
        plain: &[u8],
        prefix: usize,
    ) -> Result<Result<(Option<Hash>, Vec<u8>), Vec<String>>, Shape> {
        let key = SymmetricKey::new(self.array("key")?);
        let mut opened = body.to_vec();
        if let Err(error) = suite.decrypt_in_place(&key, hash, &mut opened[prefix..]) {
            return Ok(Err(vec![format!("deciphering: {error}")]));
        }
        if let Some(problem) = diff::bytes("plaintext", plain, &opened, |_| None) {
            return Ok(Err(vec![problem]));
        }
        let mut sealed = plain.to_vec();
        let found = suite.encrypt_in_place(&key, hash.context(), &mut sealed[prefix..]);
        Ok(Ok((Some(found), sealed)))
    }

    #[allow(clippy::type_complexity, reason = "one private helper")]
    fn open_rsa(
        &self,
        suite: Suite,
        hash: Hash,
        body: &[u8],
        plain: &[u8],
    ) -> Result<Result<(Option<Hash>, Vec<u8>), Vec<String>>, Shape> {
        let (Ok(cipher), Ok(message)) = (<&[u8; KEY_LEN]>::try_from(body), <&[u8; KEY_LEN]>::try_from(plain))
        else {
            let problem =
                format!("wanted {KEY_LEN} bytes of RSA, found {} of {} plain", body.len(), plain.len());
            return Ok(Err(vec![problem]));
        };
        let public = match self.modulus()? {
            Ok(public) => public,
            Err(problem) => return Ok(Err(vec![problem])),
        };
        match self.pair()? {
            None => {}
            Some(Err(problem)) => return Ok(Err(vec![problem])),
            Some(Ok(pair)) => match pair.decrypt(suite, hash, cipher) {
                Err(error) => return Ok(Err(vec![format!("deciphering: {error}")])),
                Ok(found) => {
                    if let Some(problem) = diff::bytes("plaintext", plain, &found, |_| None) {
                        return Ok(Err(vec![problem]));
                    }
                }
            },
        }
        let (found, sealed) = seal_key(suite, &public, message);
        Ok(Ok((Some(found), sealed.to_vec())))
    }

    fn message(&self) -> Checked {
        let name = self.text("name")?;
        let (class, id) = (self.number("class_id", 0xff)? as u8, self.number("id", u32::MAX.into())? as u32);
        let version = self.number("medius_version", 0xffff)? as u16;
        let d = Dialect::new(version, AppId(self.number("app_id", u32::MAX.into())? as u32));
        let fields = self.object.get("fields").ok_or_else(|| wanted("fields", "an object", None))?;
        if !fields.is_object() {
            return Err(wanted("fields", "an object", Some(fields)));
        }
        let hex = self.hex("hex")?;
        let class = NetMessageClass(class);
        let mut problems = Vec::new();
        let Some(info) = messages::info(class, id) else {
            return Ok(vec![format!("no message of class {} and id {id} ({id:#04x}) is declared", class.0)]);
        };
        if info.name != name {
            problems.push(format!("name: wanted {name}, found {} for class {} id {id}", info.name, class.0));
        }

        // Bytes to fields.
        let plugin = class == NetMessageClass::APPLICATION;
        let heads = if plugin { plugin_heads(id) } else { vec![vec![class.0, id as u8]] };
        let Some(head) = heads.iter().find(|head| hex.starts_with(head)) else {
            let start = &hex[..hex.len().min(2)];
            problems.push(format!(
                "hex: wanted class and id {}, found {}",
                hex::encode([class.0, id as u8]),
                hex::encode(start)
            ));
            return Ok(problems);
        };
        let body = &hex[head.len()..];
        let decoded = if plugin {
            AnyMessage::decode_plugin(id, body, &d).map(|message| (message, None))
        } else {
            AnyMessage::decode_traced(&hex, &d).map(|(message, decoded)| (message, Some(decoded)))
        };
        let mut trace = None;
        match decoded {
            Err(error) => problems.push(format!("bytes to fields: {error}")),
            Ok((message, decoded)) => {
                let differences = diff::fields(fields, &message.to_json());
                problems.extend(differences.into_iter().map(|line| format!("bytes to fields: {line}")));
                if let Some(decoded) = decoded {
                    if decoded.surplus > 0 {
                        problems.push(format!(
                            "bytes to fields: {} bytes behind the last field",
                            decoded.surplus
                        ));
                    }
                    trace = decoded.trace;
                }
            }
        }

        // Fields to bytes.
        match AnyMessage::from_json(info.name, fields.clone()) {
            Err(error) => problems.push(format!("fields to bytes: field {error}")),
            Ok(message) => {
                let encoded = message.encode_plugin(&d);
                let name = |at: usize| diff::field_at(trace.as_ref()?, at);
                problems.extend(diff::bytes("fields to bytes: body", body, &encoded, name));
            }
        }
        Ok(problems)
    }
}

/// A frame of length zero may have bit 7 set (`97 00 00`); nothing else tells, so the writer is not asked for it.
pub(crate) fn keep_bit_7(original: &[u8], written: &mut [u8]) {
    if let ([first, 0, 0], [ours, 0, 0]) = (original, &mut *written) {
        *ours |= first & 0x80;
    }
}

/// How the head of a plugin message may be written down: class and id as elsewhere, the wire's 32-bit id, or nothing.
fn plugin_heads(id: u32) -> Vec<Vec<u8>> {
    vec![vec![2, id as u8], id.to_be_bytes().to_vec(), Vec::new()]
}

fn shape(field: &str, problem: &str) -> Shape {
    Shape { field: field.into(), problem: problem.into() }
}

fn wanted(field: &str, what: &str, found: Option<&Value>) -> Shape {
    let found = match found {
        None => "nothing".to_owned(),
        Some(value) => {
            let mut text = value.to_string();
            if text.len() > 60 {
                text.truncate(text.floor_char_boundary(57));
                text.push_str("...");
            }
            text
        }
    };
    Shape { field: field.into(), problem: format!("wanted {what}, found {found}") }
}
